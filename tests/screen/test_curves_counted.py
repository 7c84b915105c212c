"""Curves of sigma_ele in mode best: counted at few thicknesses as at every one."""

import numpy as np
import pytest

from muli.candidates import read_curve
from muli.screen.running.run import run
from muli.screen.space.cost import dry_run
from tests.screen.screens import read
from tests.screen.test_curves import FILES, HEAD, ROWS, spec


@pytest.fixture
def folder(tmp_path):
    """A table of materials with its curves."""
    for name, text in (FILES | {"films.csv": HEAD + ROWS}).items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.full
def test_counts_of_mode_best_are_those_of_mode_all(folder):
    """Judged at few thicknesses and at every one; curves that end at either end or at both."""
    thickness = {"start": 0.5, "stop": 800, "num": 40, "spacing": "log"}
    (folder / "d.csv").write_text("E_V,log10_sigma_ele\n1.5,-13\n3,-14\n4.5,-13\n")
    (folder / "se.csv").write_text("E_V,log10_sigma_ele\n0.5,-8\n1,-8.5\n2.2,-9\n")
    axes = {
        "axes__coating_thickness_nm": thickness,
        "axes__cathode_potential_V": [2.0, 3.6, 4.3],
        "axes__anode_potential_V": [0.0, 0.62, 3.0],
    }
    every = {"every": "interface_potential_V < 9"}
    runs = {
        "all": spec(folder, **axes),
        "best": spec(folder, **axes, output__mode="best"),
        "visited": spec(folder, **axes, output__mode="best") | {"filters": every},
    }
    done = {name: run(given, folder / name, precision="float64") for name, given in runs.items()}
    assert done["best"].outcomes == done["visited"].outcomes == done["all"].outcomes
    for column, outcomes in (("status", ("ok", "extrapolated_table")), ("feasible", ("yes", "no"))):
        assert all(done["best"].outcomes[column][name] > 0 for name in outcomes)
    rows = {name: read(folder / name).to_pandas().set_index("row_id") for name in runs}
    assert list(rows["best"].index) == list(rows["visited"].index)
    kept, same = rows["best"], rows["all"].loc[rows["best"].index]
    for name in ("interface_potential_V", "min_thickness_nm", "status", "feasible"):
        assert kept[name].astype(str).tolist() == same[name].astype(str).tolist()
    solved = rows["all"][rows["all"]["status"] != "missing_property"]
    E, left = solved["interface_potential_V"], np.zeros(len(solved), bool)
    for role, end in (("", "cathode"), ("electrolyte_", "anode")):
        named = solved[f"{role}sigma_ele_curve"].astype(object)
        limits = {name: read_curve(folder / name).E_V for name in named.dropna().unique()}
        low, high = (named.map({name: E[k] for name, E in limits.items()}) for k in (0, -1))
        own = solved[f"{end}_potential_V"].astype(float)
        left |= (np.minimum(E, own) < low) | (np.maximum(E, own) > high)
    assert (left == (solved["status"] == "extrapolated_table")).all()


@pytest.mark.parametrize(
    ("filters", "axes", "said"),
    [
        ({}, {}, None),
        ({"f": "status <> 'extrapolated_table'"}, {}, None),
        ({"f": "interface_potential_V < 3"}, {}, "filters.f names interface_potential_V"),
        ({}, {"interface.coating_cathode_asr_ohm_cm2": [3.0]}, "is a curve and interface.coating_"),
        ({}, {"interface.anode_electrolyte_asr_ohm_cm2": [3.0]}, "is a curve and interface.anode_"),
    ],
)
def test_a_dry_run_says_when_curves_need_every_thickness(folder, filters, axes, said):
    given = spec(folder, output__mode="best") | {"filters": filters}
    given["axes"] |= axes
    found = dry_run(given)
    assert found.visited is None if said is None else said in found.visited
