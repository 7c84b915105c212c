"""Stacks that name materials have the numbers that a run has for the same cell."""

import json
import math

import pytest

from muli import candidates
from muli.screen.errors import SpecError
from muli.screen.running.run import run
from muli.screen.solving.named import read_any
from muli.screen.solving.solve_file import solve_file
from tests.screen.screens import read

CELL = {
    "coating": "LiNbO3",
    "coating_thickness_nm": 3.5,
    "electrolyte": "Li6PS5Cl",
    "electrolyte_thickness_um": 40.0,
    "cathode": "NMC811",
    "anode": "Li-In",
    "coating_sigma_ele_S_cm": 5e-12,
}


def written(folder, stacks):
    path = folder / "stacks.json"
    path.write_text(json.dumps(stacks))
    return path


def test_solve_and_run_agree_on_every_coating_of_known_sigma_ele(tmp_path):
    coatings = candidates.load(role="coating").drop_duplicates("name")
    names = coatings.loc[coatings["sigma_ele_S_cm"] > 0, "name"].tolist()
    spec = {
        "screen": {"boundary": ["auto", "electrode"], "missing": "status"},
        "axes": {
            "coating": names,
            "coating_thickness_nm": [3.5],
            "electrolyte": ["Li6PS5Cl"],
            "electrolyte_thickness_um": [40],
            "cathode": ["NMC811"],
            "anode": ["Li-In"],
            "temperature_K": [298.15, 350.0],
        },
        "output": {"mode": "all"},
    }
    run(spec, tmp_path / "run", precision="float64")
    rows = read(tmp_path / "run").to_pylist()
    shared = ("coating", "coating_thickness_nm", "electrolyte", "electrolyte_thickness_um")
    keys = (*shared, "cathode", "cathode_state", "anode", "boundary", "temperature_K")
    found = solve_file(written(tmp_path, [{key: row[key] for key in keys} for row in rows]))
    assert len(found) == 8 * len(names)
    for row, each in zip(rows, found, strict=True):
        if row["interface_potential_V"] is None or math.isnan(row["interface_potential_V"]):
            assert each["status"] == row["status"] == "missing_property"
            continue
        assert each["nodes_V"][1] == pytest.approx(row["interface_potential_V"], abs=1e-9)
        nm = each["min_thickness_cm"] * 1e7
        assert nm == pytest.approx(row["min_thickness_nm"], rel=1e-9)
        assert each["boundary"] == row["boundary"]
        pinned = row["anode_boundary"] == "interphase"
        assert (each["anode_side_V"] > row["anode_potential_V"]) == pinned


def test_a_property_that_is_unknown_is_named_and_typed_values_are_told(tmp_path):
    unknown = {key: value for key, value in CELL.items() if key != "coating_sigma_ele_S_cm"}
    typed, missing = read_any(written(tmp_path, [CELL, unknown]))
    assert missing.missing == ("sigma_ele of LiNbO3",)
    assert missing.stack is None
    assert "LiNbO3: sigma_ele 5e-12 S/cm as given, at 298.15 K" in typed.assumptions
    assert typed.anode_side_V > typed.anode_V


def test_every_mistake_says_stack_key_and_what_is_expected(tmp_path):
    wrong = [
        {**CELL, "coating": "LiNbO33"},
        {**CELL, "electrolyte_thickness_um": 0.004},
        {**CELL, "coating_thicknes_nm": 3.5},
        {**CELL, "cathode": True},
    ]
    with pytest.raises(SpecError) as caught:
        read_any(written(tmp_path, wrong))
    text = "\n".join(caught.value.problems)
    for phrase in (
        "stack 0: axes.coating: unknown material 'LiNbO33'",
        "stack 1: axes.electrolyte_thickness_um: 0.004: expected um",
        "stack 2: unknown key 'coating_thicknes_nm'; closest: coating_thickness_nm",
        "stack 3: cathode = True; expected the name of a cathode, or a potential",
    ):
        assert phrase in text


def test_a_stack_may_name_a_table_of_ones_own(tmp_path):
    (tmp_path / "mine.csv").write_text(
        "name,formula,sigma_ion_S_cm,sigma_ele_S_cm\nmy film,LiNbO3,3e-7,5e-12\n"
    )
    cell = {**CELL, "coating": "my film", "tables": ["mine.csv"]}
    del cell["coating_sigma_ele_S_cm"]
    (found,) = read_any(written(tmp_path, [cell]))
    assert found.stack.layers[1].sigma_0_S_cm == 5e-12
    with pytest.raises(SpecError, match="my film"):
        read_any(written(tmp_path, [{**cell, "tables": []}]))
