"""Estimates by class: from measured rows alone, marked everywhere, absent where too few speak."""

import pandas as pd
import pytest

from muli import candidates
from muli.candidates.estimate import MINIMUM_COUNT, chemistry, estimate


def test_classes_are_the_librarys_own_measured_rows():
    table = candidates.estimates().set_index(["property", "class"])
    argyrodites = table.loc[("sigma_ele_S_cm", "argyrodite bulk as electrolyte")]
    library = candidates.load(role="electrolyte")
    measured = library[
        (library["family"] == "argyrodite") & (library["sigma_ele_S_cm_method"] == "measured")
    ]["sigma_ele_S_cm"].sort_values()
    assert argyrodites["count"] == len(measured)
    assert argyrodites["low"] == measured.iloc[0]
    assert argyrodites["high"] == measured.iloc[-1]
    assert argyrodites["middle"] == measured.iloc[(len(measured) - 1) // 2]
    assert (table["count"] >= MINIMUM_COUNT).all()
    assert (table["low"] <= table["middle"]).all()
    assert (table["middle"] <= table["high"]).all()


def test_estimates_are_marked_and_known_values_left_alone():
    before = candidates.load(role="coating")
    after = candidates.estimate_missing(before)
    known = before["sigma_ele_S_cm"].notna()
    pd.testing.assert_series_equal(
        before.loc[known, "sigma_ele_S_cm"], after.loc[known, "sigma_ele_S_cm"]
    )
    filled = ~known & after["sigma_ele_S_cm"].notna()
    assert filled.sum() > 50
    assert set(after.loc[filled, "sigma_ele_S_cm_method"]) == {"estimated"}
    assert set(after.loc[filled, "evidence_sigma_ele"]) == {"estimated"}
    assert after.loc[filled, "sigma_ele_S_cm_source"].str.contains("measured materials").all()
    assert (after.loc[filled, "sigma_ele_S_cm_count"] >= MINIMUM_COUNT).all()
    assert before["sigma_ele_S_cm"].isna().sum() == (~known).sum()


def test_electrolytes_say_nothing_of_coatings():
    coatings = candidates.estimate_missing(candidates.load(role="coating")).set_index("name")
    assert pd.isna(coatings.loc["LiCl", "sigma_ion_S_cm"])
    electrolytes = candidates.load(role="electrolyte").set_index("name")
    assert estimate("sigma_ion_S_cm", electrolytes.loc["LiHfCl5"]).value > 1e-4


def test_electrodes_and_unreadable_formulas_are_not_estimated():
    cathodes = candidates.estimate_missing(candidates.load(role="cathode"))
    assert cathodes["sigma_ele_S_cm"].isna().all()
    nameless = pd.Series({"formula": None, "family": None, "form": None, "role": "coating"})
    assert estimate("sigma_ele_S_cm", nameless) is None


def test_a_band_gap_changes_nothing():
    row = candidates.load(role="coating").set_index("name").loc["Al2O3"].copy()
    first = estimate("sigma_ele_S_cm", row)
    row["band_gap_eV"] = 0.1
    assert estimate("sigma_ele_S_cm", row) == first


@pytest.mark.parametrize(
    ("formula", "group"),
    [
        ("Li3PO4", "oxide"),
        ("Li6PS5Cl", "sulfide"),
        ("Li3YCl6", "halide"),
        ("Li3N", "other"),
        ("Li2SO4", "oxide"),
        ("??", None),
        (None, None),
    ],
)
def test_chemistry(formula, group):
    assert chemistry(formula) == group
