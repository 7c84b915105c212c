"""Every coating of the library, cold and hot, at both boundaries: all commands agree.

Nothing is typed for the coatings, so that conductivities, windows and potentials come from the
library and the rule for temperatures. The run's rows are what all others are compared with.
"""

import json

import jax
import numpy as np
import pandas as pd
import pytest

from muli.screen.dataset.results import open_results
from muli.screen.interactive.cell import cell
from muli.screen.optimize import design
from muli.screen.optimize.maps import design_maps
from muli.screen.report.scenarios import listing
from muli.screen.report.what_if import numbers
from muli.screen.running.run import run
from muli.screen.solving.age_spec import age_spec
from muli.screen.solving.batches import solve_stacks
from muli.screen.solving.named import read_any
from muli.screen.solving.solve_file import answers, profile_table
from muli.screen.space.materials import resolve
from muli.screen.space.source import source_of
from tests.screen.screens import read

pytestmark = pytest.mark.full
NM, UM = 12.0, 40.0
SPEC = {
    "screen": {"boundary": ["auto", "electrode"]},
    "axes": {
        "coating": "*",
        "coating_thickness_nm": [NM],
        "electrolyte": ["Li6PS5Cl"],
        "electrolyte_thickness_um": [UM],
        "cathode": ["NMC811"],
        "anode": ["Li-In"],
        "temperature_K": [233.0, 298.0, 350.0],
    },
    "output": {"mode": "all"},
}
KEY = ["boundary", "temperature_K", "coating"]
SIGMAS = [f"{role}_{kind}_S_cm" for role in ("coating", "electrolyte")
          for kind in ("sigma_ion", "sigma_ele")]  # fmt: skip
EXACT = {"rtol": 1e-9, "atol": 1e-15}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("library") / "run"
    run(SPEC, path, precision="float64")
    return path


@pytest.fixture(scope="module")
def rows(folder):
    """Rows of the run with the charged cathode, by boundary, temperature and coating."""
    table = pd.DataFrame(read(folder).to_pylist())
    return table[table.cathode_state == "charged"].set_index(KEY).sort_index()


@pytest.fixture(scope="module")
def both_states(folder):
    table = pd.DataFrame(read(folder).to_pylist())
    return table.set_index([*KEY, "cathode_state"]).sort_index()


def equal(values, expected, **within):
    """Equal where known, unknown in the same places."""
    given, wanted = (np.asarray(pd.to_numeric(pd.Series(x)), float) for x in (values, expected))
    np.testing.assert_allclose(given, wanted, **(within or EXACT))


def test_rows_are_all_there_and_temperature_changes_them(rows):
    names = resolve(source_of(SPEC)).frames["coating"]["name"]
    assert len(names) > 60
    assert len(rows) == 2 * 3 * len(names)
    ions = rows["coating_sigma_ion_S_cm"].unstack("temperature_K")
    assert (ions.notna().sum() > [10, 20, 10]).all()
    hot = ions[350.0] / ions[298.0]
    assert hot.max() > 3
    assert rows["coating_sigma_ion_S_cm"].isna().sum() > 10


@pytest.fixture(scope="module")
def entries(rows, tmp_path_factory):
    """The same cells as a file for `muli solve` and `muli profile`, by names."""
    stacks = [
        {
            "coating": coating,
            "coating_thickness_nm": NM,
            "electrolyte": "Li6PS5Cl",
            "electrolyte_thickness_um": UM,
            "cathode": "NMC811",
            "anode": "Li-In",
            "temperature_K": kelvin,
            "boundary": boundary,
        }
        for boundary, kelvin, coating in rows.index
    ]
    path = tmp_path_factory.mktemp("library") / "stacks.json"
    path.write_text(json.dumps(stacks))
    return read_any(path)


def test_solve(rows, entries):
    """Conductivities, windows, potentials; what lacks a number is unknown in both."""
    for entry, answer, (_, row) in zip(entries, answers(entries), rows.iterrows(), strict=True):
        assert (entry.stack is None) == bool(row[SIGMAS].isna().any())
        # a row whose coating has no window lacks a property, and has its potential all the same
        assert (answer["status"] == "ok") == (not np.isnan(row["interface_potential_V"]))
        if entry.stack is None:
            continue
        electrolyte, coating = entry.stack.layers
        given = [coating.sigma_ion_S_cm, coating.sigma_0_S_cm]
        given += [electrolyte.sigma_ion_S_cm, electrolyte.sigma_0_S_cm]
        equal(given, row[SIGMAS])
        equal([answer["nodes_V"][1]], [row["interface_potential_V"]])
        nm = answer["min_thickness_cm"] * 1e7
        equal([nm], [row["min_thickness_nm"]])
        equal(
            [answer["anode_side_V"]], [row["anode_side_margin_V"] + electrolyte.reduction_limit_V]
        )


def test_profile(rows, entries):
    stacks = [each.stack for each in entries if each.stack is not None]
    with jax.enable_x64(True):
        table = profile_table(stacks, solve_stacks(stacks), points=3)
    ends = table[(table.layer == 0) & (table.fraction == 1.0)].set_index("stack")["E_V"]
    known = rows[rows[SIGMAS].notna().all(axis=1)]
    assert len(known) == len(stacks) > 10
    equal(ends, known["interface_potential_V"])


def test_design(both_states):
    """A thickness exists in both states, and the least one that protects in both."""
    designs = design(source_of({**SPEC, "output": {}}), criteria="transport")
    answers = {tuple(row[name] for name in KEY): row for row in designs}
    states = both_states.groupby(level=KEY)
    least, most = states["min_thickness_nm"].max(), states["max_thickness_nm"].min()
    unknown = states["min_thickness_nm"].apply(lambda nm: nm.isna().any())
    assert set(answers) == set(unknown[~unknown].index) or set(answers) == set(unknown.index)
    for key, answer in answers.items():
        if unknown[key] or np.isnan(most[key]):
            assert not answer["feasible"]
            continue
        assert answer["feasible"] == (least[key] <= most[key]), key
        if answer["feasible"]:
            expected = pytest.approx(least[key], rel=1e-4, abs=1e-3)
            assert answer["thickness_nm"][0] == expected, key


def test_map(both_states):
    """The largest sigma_ele at the affordable thickness is the run's, of both states the less."""
    maps = design_maps(source_of({**SPEC, "output": {}}))
    assert len(maps) == 6
    compared = 0
    for each in maps:
        kelvin = next((T for T in (233.0, 350.0) if f"{T:g} K" in each.title), 298.0)
        for _, material in each.materials.iterrows():
            states = both_states.loc[(each.boundary, kelvin, material["name"])]
            used = states["coating_sigma_ion_S_cm"].iloc[0]
            if np.isnan(used):
                continue
            low, high = (material[f"sigma_ion_S_cm_{end}"] for end in ("low", "high"))
            assert low * (1 - 1e-9) <= used <= high * (1 + 1e-9), (kelvin, material["name"])
            one_value = low == pytest.approx(used, rel=1e-9, abs=0)
            if one_value and (states["max_thickness_set_by"] == "resistance").all():
                compared += 1
                largest = states["max_sigma_ele_at_L_max_S_cm"].min()
                equal([material["max_sigma_ele_S_cm_low"]], [largest], rtol=1e-9)
    assert compared > 20


def test_report(folder, rows):
    """The rows of the page, and the numbers with which its panel starts."""
    page = listing(open_results(folder)).rows
    frames = resolve(source_of(SPEC)).frames
    settings = {"asr_budget_ohm_cm2": 10.0, "areal_capacity_mAh_cm2": 3.0}
    by_name = {role: frame.set_index("name", drop=False) for role, frame in frames.items()}
    panel = numbers(page, by_name, settings)
    shown = page.join(panel.add_prefix("panel_")).set_index([*KEY, "cathode_state"]).sort_index()
    shown = shown.xs("charged", level="cathode_state").reindex(rows.index)
    assert shown["status"].notna().sum() > 100
    here = shown["status"].notna()
    for name in ("interface_potential_V", "min_thickness_nm", "max_thickness_nm", *SIGMAS):
        equal(shown[name][here], rows[name][here])
    for name in SIGMAS:
        known = here & rows[name].notna()
        equal(shown[f"panel_{name}"][known], rows[name][known], rtol=5e-7)


def test_age_of_a_spec(rows):
    known = rows[rows[SIGMAS].notna().all(axis=1)]
    for (boundary, kelvin), part in known.groupby(level=["boundary", "temperature_K"]):
        names = part.index.get_level_values("coating").tolist()
        axes = {**SPEC["axes"], "coating": names, "temperature_K": [kelvin]}
        cells = age_spec({"screen": {"boundary": boundary}, "axes": axes}).cells
        coated = [each for each in cells if len(each.layers) == 2]
        assert len(coated) == len(names)
        for one, (_, row) in zip(coated, part.iterrows(), strict=True):
            electrolyte, coating = one.layers
            given = [coating.sigma_ion_S_cm, coating.sigma_0_S_cm]
            given += [electrolyte.sigma_ion_S_cm, electrolyte.sigma_0_S_cm]
            equal(given, row[SIGMAS])
            equal([one.E_cathode_V], [row["cathode_potential_V"]])


def test_cell(both_states, rows):
    """One coating after the other, at one temperature and boundary each in turn."""
    for number, (boundary, kelvin, coating) in enumerate(rows.index):
        if number % 7:
            continue
        mine = cell(electrolyte="Li6PS5Cl", um=UM, coating=coating, nm=NM, cathode="NMC811",
                    anode="Li-In", celsius=kelvin - 273.15, boundary=boundary)  # fmt: skip
        for place, state in enumerate(("charged", "discharged")):
            expected = both_states.loc[(boundary, kelvin, coating, state)]
            answer = mine.answer.states[place]
            for name in ("interface_potential_V", "min_thickness_nm", "max_thickness_nm"):
                given = np.nan if answer[name] is None else answer[name]
                equal([given], [expected[name]], rtol=1e-8, atol=1e-12)
            for name in ("protected", "feasible"):
                unknown = expected[name] is None or expected[name] != expected[name]
                assert (answer[name] is None) if unknown else answer[name] == expected[name]
