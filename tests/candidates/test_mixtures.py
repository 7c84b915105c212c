"""Compositions the energies lack: taken at the hull, and said to be."""

import pandas as pd
import pytest

from muli import candidates
from muli.candidates.computed import MIXTURE
from muli.candidates.formula import parse, reduced_formula
from muli.candidates.tables import table


def row(name):
    return candidates.load().set_index("name").loc[name]


def test_a_mixture_has_the_composition_of_its_phases():
    for record in table("mixtures").to_dict("records"):
        phases = record["hull_phases"].split("; ")
        elements = {symbol for phase in phases for symbol in parse(phase)}
        assert set(parse(record["computed_as"])) <= elements | {"O"}
        assert set(parse(record["formula"])) == set(parse(record["computed_as"]))
        if record["oxidation_limit_V"] == record["oxidation_limit_V"]:
            assert record["oxidation_limit_V"] > record["reduction_limit_V"], record


@pytest.mark.parametrize(
    ("name", "end_members"),
    [
        ("LiAlF4 (film)", ("Li3AlF6",)),
        ("Li3BO3-Li2CO3 glass", ("Li3BO3", "Li2CO3")),
        ("0.6Li4SiO4-0.4Li3VO4 (film)", ("Li4SiO4", "Li3VO4")),
        ("0.3LiBO2-0.7Li2SO4 (film)", ("LiBO2", "Li2SO4")),
    ],
)
def test_a_mixture_is_no_more_stable_than_its_parts(name, end_members):
    """Its window lies inside that of each part, as the energies have them."""
    mixture, computed = row(name), candidates.load(table="materials-project").set_index("formula")
    for member in end_members:
        part = computed.loc[reduced_formula(member)]
        assert mixture["reduction_limit_V"] >= part["reduction_limit_V"] - 1e-3
        assert mixture["oxidation_limit_V"] <= part["oxidation_limit_V"] + 1e-3
    assert mixture["reaction_energy_source"] == MIXTURE
    assert "mixture on the hull" in mixture["flags"]
    assert mixture["reaction_energy_Li6PS5Cl_meV_atom"] < 0.0


def test_missing_coatings_came_in_with_windows():
    names = "Li3BO3, Li-B-O glass, Li3BO3-Li2CO3 glass, Li2ZrCl6, LiAlF4 (film), Li3InCl6, Li3YCl6"
    coatings = candidates.load(role="coating").set_index("name")
    for name in names.split(", "):
        found = coatings.loc[name]
        assert found["oxidation_limit_V"] > found["reduction_limit_V"], name
    assert coatings.loc["Li-B-O glass", "sigma_ion_S_cm"] == 3.4e-7
    assert coatings.loc["Li3BO3-Li2CO3 glass", "sigma_ion_S_cm"] == 7.6e-7
    assert coatings.loc["LiAlF4 (film)", "sigma_ion_S_cm"] == 1e-6


def test_what_a_form_inherits_is_flagged():
    assert "Li2PO2N" in row("LiPON")["flags"]
    assert "LiBO2 or LiClO4, whichever is worse" in row("LiBO2-LiClO4 (film)")["flags"]
    assert row("LiBO2-LiClO4 (film)")["reaction_energy_Li6PS5Cl_meV_atom"] < -1000.0
    assert "reaction energies" in row("Li3YCl6")["flags"]
    assert row("Li3YCl6")["window_source"] == "Jung2026"
    assert pd.isna(row("Li3PO4")["flags"])


def test_half_a_window_yields_to_a_computed_one():
    nitrate = row("LiNO3")
    assert nitrate["window_source"].startswith("Materials Project")
    assert nitrate["reduction_limit_V"] < nitrate["oxidation_limit_V"]
    assert nitrate["oxidation_limit_V_low"] <= 4.81 <= nitrate["oxidation_limit_V_high"]
    assert nitrate["oxidation_limit_V_count"] == 2


def test_every_coating_has_what_a_ranking_asks_for():
    """Only two lack a window, and none a reaction energy."""
    coatings = candidates.load(role="coating")
    lacks = coatings["reduction_limit_V"].isna() | coatings["window_source"].isna()
    assert set(coatings.loc[lacks, "name"]) == {"Li2Ta2(P2O7)3", "LSTP (film)"}
    for partner in ("Li6PS5Cl", "Li3InCl6", "Li7La3Zr2O12", "NMC811", "LiCoO2"):
        assert coatings[f"reaction_energy_{partner}_meV_atom"].notna().all(), partner
