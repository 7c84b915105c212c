"""Families: a nitrate only where nitrogen is the centre and the charges balance."""

import pytest

from muli.candidates.family import family, is_oxoanion_salt
from muli.candidates.formula import parse


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("LiNO3", "nitrate"),
        ("LiNO3H2O", "nitrate"),
        ("Li3NO4", "nitrate"),
        ("Li8NO3", "oxynitride"),
        ("Li5WNO4", "oxynitride"),
        ("Li3.2PO3.8N0.2", "oxynitride"),
        ("Li2.2PO2.2N0.6", "oxynitride"),
        ("Li2PO2N", "oxynitride"),
        ("LiNH4SO4", "sulfate"),
        ("LiNbO3", "niobate"),
    ],
)
def test_nitrates_and_oxynitrides(formula, expected):
    assert family(parse(formula)) == expected


@pytest.mark.parametrize("formula", ["Li2CO3", "Li2SO4", "Li3VO4", "LiClO4", "LiNO3", "Li3AsO4"])
def test_salts_of_one_oxoanion(formula):
    assert is_oxoanion_salt(parse(formula))


@pytest.mark.parametrize("formula", ["LiCoO2", "Li2O", "LiPN2", "NaLiTm2F8", "LiLa(PO3)4"])
def test_other_compounds_are_none(formula):
    assert not is_oxoanion_salt(parse(formula))
