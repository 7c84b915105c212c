"""Ready cells: every value of every cell has a source or is said to be assumed."""

import pytest

from muli import candidates


def test_the_cells_that_were_asked_for_are_there():
    names = [cell.name for cell in candidates.cells()]
    assert len(names) == len(set(names))
    assert {
        "sulfide_nmc811",
        "argyrodite_interlayer",
        "silver_argyrodite_interlayer",
        "garnet_lithium",
        "small_oxide",
        "composite_cathode",
        "pressed_interface",
        "sintered_interface",
    } <= set(names)


@pytest.mark.parametrize("cell", candidates.cells(), ids=lambda cell: cell.name)
def test_every_value_is_accounted_for(cell):
    rows = cell.sources
    assert rows["key"].is_unique
    budget = {"asr_budget_ohm_cm2"} & set(cell.spec["screen"])
    assert set(rows["key"]) == set(cell.spec["axes"]) | budget
    assert set(rows["method"]) <= {"library", "literature", "assumed"}
    literature = rows["method"] == "literature"
    assert set(rows.loc[literature, "source"]) <= set(candidates.sources()["id"])
    assert (rows.loc[~literature, "source"] == "").all()


@pytest.mark.parametrize("cell", candidates.cells(), ids=lambda cell: cell.name)
def test_materials_of_a_cell_are_in_the_library(cell):
    for role in ("coating", "electrolyte", "cathode", "anode"):
        for name in cell.spec["axes"].get(role, []):
            assert candidates.resolve(name) == name


def test_no_data_is_said():
    silver = next(c for c in candidates.cells() if c.name == "silver_argyrodite_interlayer")
    assert "no data" in silver.note
    assert "no data" in silver.spec["screen"]["name"]


def test_contact_resistance_falls_with_the_root_of_pressure():
    pressed = candidates.cell("pressed_interface")
    levels = pressed["axes"]["interface.electrolyte_coating_asr_ohm_cm2"]
    pressures = [1, 10, 100, 316]
    for level, pressure in zip(levels, pressures, strict=True):
        assert level == pytest.approx(levels[0] * pressure**-0.5, rel=0.01)
    before, after = candidates.cell("sintered_interface")["axes"][
        "interface.electrolyte_coating_asr_ohm_cm2"
    ]
    assert before == 10 * after


def test_a_target_sets_the_objective_and_nothing_of_the_cell():
    plain = candidates.cell("sulfide_nmc811")
    power = candidates.cell("sulfide_nmc811", "high_power")
    assert plain["design"]["objective"] == "total_coating_thickness"
    assert power["design"]["objective"] == "resistance"
    assert power["axes"] == plain["axes"]
    assert power["design"]["variables"] == plain["design"]["variables"]
    assert set(candidates.targets()) == {"high_durability", "high_power", "high_energy"}


def test_a_spec_is_a_copy():
    candidates.cell("small_oxide")["axes"]["temperature_K"].append(0)
    assert candidates.cell("small_oxide")["axes"]["temperature_K"] == [233.15, 298.15, 398.15]


def test_unknown_cells_and_targets_name_the_closest():
    with pytest.raises(KeyError, match="garnet_lithium"):
        candidates.cell("garnet_lithum")
    with pytest.raises(KeyError, match="high_power"):
        candidates.cell("small_oxide", "high power")
