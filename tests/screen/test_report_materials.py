"""The report's pictures of materials: tolerances with their spread, names that do not collide."""

from functools import partial

import jax
import numpy as np
import pandas as pd
import pytest

from muli import candidates
from muli.kernels import Constant, Layer, Stack, max_sigma_ele
from muli.screen.dataset.results import open_results
from muli.screen.pictures import labels
from muli.screen.ranking.rank import at_recommended, ranking
from muli.screen.report import (
    material_figures as chemistry,
)
from muli.screen.report import query
from muli.screen.report import (
    what_if as inside,
)
from muli.screen.running.run import run
from muli.screen.views.table import figure
from muli.screen.views.works import render_works

SPEC = {
    "screen": {"name": "four", "asr_budget_ohm_cm2": 8.0},
    "axes": {
        "coating": ["LiNbO3", "LiPON", "Li3PO4", "Li2SiO3"],
        "coating_thickness_nm": [1.0, 20.0],
        "electrolyte": ["Li6PS5Cl"],
        "cathode": ["NMC811"],
    },
    "output": {"mode": "all"},
}
TOLERANCE_V = 0.05


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("materials") / "four"
    run(SPEC, made, precision="float64")
    return made


@pytest.fixture(scope="module")
def cell(folder):
    """Coatings of the charged cell, their numbers, and their materials."""
    data = query.Dataset(open_results(folder), {})
    rows = query.coatings(data, {"cathode_state": "charged"})
    known = candidates.load().set_index("name")
    materials = {role: known[known.index.isin(rows[role])] for role in inside.ROLES}
    settings = {"asr_budget_ohm_cm2": 8.0, "areal_capacity_mAh_cm2": 3.0}
    with jax.enable_x64(True):
        numbers = inside.numbers(rows, materials, settings)
        found = chemistry.tolerable(rows, numbers, materials, TOLERANCE_V)
    return rows, numbers, materials, found.set_index("coating")


def test_a_cell_has_one_row_for_each_coating(cell):
    assert sorted(cell[0]["coating"]) == sorted(SPEC["axes"]["coating"])


def test_the_middle_is_what_the_run_computed(cell):
    rows, *_, found = cell
    stored = rows.set_index("coating")["max_sigma_ele_at_L_max_S_cm"]
    assert len(found) >= 3
    for name, row in found.iterrows():
        assert row["middle"] == pytest.approx(stored[name], rel=1e-6)
        assert row["low"] < row["middle"] < row["high"]


def test_the_ends_are_those_of_the_sources_and_of_the_window(cell):
    """The cautious end by the kernels: the least electrolyte leak, the lower oxidation limit."""
    rows, numbers, materials, found = cell
    place = rows.index[rows["coating"] == "LiPON"][0]
    stack = numbers.loc[place]
    electrolyte = materials["electrolyte"].loc["Li6PS5Cl"]
    for end, shift in (("low", -TOLERANCE_V), ("high", TOLERANCE_V)):
        layers = (
            Layer(
                stack["electrolyte_thickness_um"] * 1e-4,
                stack["electrolyte_sigma_ion_S_cm"],
                Constant(float(electrolyte[f"sigma_ele_S_cm_{end}"])),
            ),
            Layer(
                found.loc["LiPON", "thickness_nm"] * 1e-7,
                stack["coating_sigma_ion_S_cm"],
                Constant(1e-12),
            ),
        )
        most = max_sigma_ele(
            Stack(layers, stack["anode_potential_V"], stack["cathode_potential_V"]),
            stack["electrolyte_oxidation_limit_V"] + shift,
        )
        assert found.loc["LiPON", end] == pytest.approx(float(most), rel=1e-6)


def test_what_is_known_of_a_coating_stands_beside_it(cell):
    rows, *_, found = cell
    for name, row in rows.set_index("coating").iterrows():
        if name in found.index:
            median, factor = row["sigma_ele_median_S_cm"], 10.0 ** row["sigma_ele_decades"]
            ends = [found.loc[name, f"known{end}"] for end in ("_low", "", "_high")]
            np.testing.assert_allclose(ends, [median / factor, median, median * factor])
            assert found.loc[name, "evidence"] == row["sigma_ele_basis"]


def test_no_name_covers_another_or_a_point():
    random = np.random.default_rng(4)
    names = pd.Series([f"Li{i}PO{i}" for i in range(60)])
    x, y = (pd.Series(random.uniform(0, 1, 60)) for _ in range(2))
    sides = labels.placed(x, y, names, 25)
    assert 5 < (sides != "").sum() <= 25
    box = partial(_box, x, y, names, sides)
    named = [box(i) for i in sides.index[sides != ""]]
    assert not any(labels._overlap(a, b) for i, a in enumerate(named) for b in named[:i])
    assert all(low >= 0 and high <= labels.WIDTH for low, high, *_ in named)


def _box(x, y, names, sides, i):
    wide, at = labels.GAP + labels.CHARACTER * len(names[i]), x[i] * labels.WIDTH
    low = at if sides[i] == "right" else at - wide
    middle = y[i] * labels.HEIGHT
    return low, low + wide, middle - labels.LINE / 2, middle + labels.LINE / 2


def test_a_ranking_names_the_thickness_at_which_probabilities_are_taken(folder):
    ranked = ranking(folder)
    at = ranked.rows["recommended_thickness_nm"]
    assert not set(at) & set(SPEC["axes"]["coating_thickness_nm"])
    lines = render_works(ranked).splitlines()
    for name, thickness in zip(ranked.rows["coating"], at, strict=True):
        line = next(line for line in lines if f" {name} " in line)
        assert f" {figure(thickness)}" in line
    assert list(at_recommended(ranked.rows, ranked.results)["coating_thickness_nm"]) == list(at)
