"""The page on a material: all values, the default and why, what is missing."""

import re

import pytest

from muli import candidates


def test_the_page_of_lithium_niobate():
    page = candidates.show("LiNbO3")
    assert "known 6.39e-08 to 1e-05, 5 values" in page
    assert "why: middle of 3 measured values at room temperature, of 5 in all" in page
    assert "sigma_ele_S_cm: missing" in page
    crystal = candidates.show("LiNbO3 (crystal)")
    assert "only all carriers and upper bound values are known" in crystal
    assert "quoted" in page
    assert "* 1.74 - 3.88" in page
    assert "10.1021/acsami.5b07517" in page
    assert "LiNbO3 (crystal)" in page
    assert page.count("nan") == 0


def test_what_is_missing_is_said():
    assert "sigma_ele_S_cm: missing" in candidates.show("LLZO")


def test_the_competitor_that_sets_a_limit_is_named():
    page = candidates.show("Li4Ti5O12")
    assert "3.71 V without Li7Ti10O24" in page
    assert "TiP2O7" in candidates.show("LiTi2(PO4)3")


def test_a_compound_of_the_computed_table_has_a_page():
    page = candidates.show("Li10Mg7Cl24")
    assert "not in the library of the literature" in page
    assert "oxidation limit" in page
    assert "nan" not in page


def test_every_material_has_a_page_without_blanks():
    for name in candidates.load()["name"]:
        page = candidates.show(name)
        assert page.startswith(f"{name}: ")
        assert not re.search(r"\b(nan|None)\b", page)


def test_a_typo_is_answered_with_names():
    with pytest.raises(KeyError, match="LiNbO3"):
        candidates.show("LiNb0")


def test_long_values_hold_every_kind_apart():
    table = candidates.values("LiNbO3")
    assert {"sigma_ion_S_cm", "reduction_limit_V", "used_thickness_nm"} <= set(table["property"])
    energies = table[table["property"].str.startswith("reaction_energy_")]
    units = energies["property"].str.extract(r"_(meV_atom|eV_non_Li_atom)$")[0]
    assert set(units) == {"meV_atom", "eV_non_Li_atom"}
    assert energies.loc[units == "eV_non_Li_atom", "source"].unique().tolist() == ["Richards2016"]
    assert table["source"].isin(candidates.sources()["id"]).all()
    defaults = table[table["default"]]["property"].to_list()
    assert sorted(defaults) == [
        "oxidation_limit_V",
        "reduction_limit_V",
        "sigma_ion_S_cm",
        "sigma_ion_activation_eV",
    ]


def test_a_form_shows_the_values_of_its_compound():
    crystal = candidates.values("LiNbO3 (crystal)")
    assert "oxidation_limit_V" in set(crystal["property"])
    ionic = crystal[crystal["property"] == "sigma_ion_S_cm"]
    assert ionic["value"].to_list() == [6.7e-8, 9e-17, 2e-21]
