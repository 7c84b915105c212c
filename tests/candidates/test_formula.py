import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muli.candidates.formula import (
    ELEMENTS,
    FormulaError,
    parse,
    reduce_composition,
    reduced_formula,
    spell,
)

amounts = st.dictionaries(
    st.sampled_from(sorted(ELEMENTS)), st.integers(1, 60), min_size=1, max_size=6
)


@pytest.mark.parametrize(
    ("written", "spelt"),
    [
        ("P3Ti2LiO12", "LiTi2(PO4)3"),
        ("Cl1Li6P1S5", "Li6PS5Cl"),
        ("La3Li7O12Zr2", "Li7La3Zr2O12"),
        ("Li0.5CoO2", "LiCo2O4"),
        ("((Li2O))3", "Li2O"),
        ("Li2[CO3]", "Li2CO3"),
        ("O", "O2"),
        ("LiO", "Li2O2"),
    ],
)
def test_one_spelling_for_one_compound(written, spelt):
    assert reduced_formula(written) == spelt


@settings(deadline=None)
@given(amounts)
def test_spelling_reads_back_as_the_same_compound(composition):
    assert parse(spell(composition)) == pytest.approx(composition)
    assert reduce_composition(parse(reduced_formula(composition))) == reduce_composition(
        composition
    )


@settings(deadline=None)  # the first example imports pymatgen
@given(amounts)
def test_amounts_agree_with_pymatgen(composition):
    from pymatgen.core import Composition

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # noble gases lack an electronegativity there
        theirs = Composition(spell(composition)).get_el_amt_dict()
    assert parse(spell(composition)) == pytest.approx(theirs)


@pytest.mark.parametrize(
    ("formula", "named"),
    [
        ("", "no element"),
        ("Xx2", "'Xx' is not an element"),
        ("(Li", "brackets"),
        ("Li)", "brackets"),
        ("2Li", "follows no element"),
        ("Li2 3", "cannot read"),
        ("<script>", "cannot read"),
        ("=cmd()", "cannot read"),
        ("Li" * 500_000, "1000000 characters"),
        ("(" * 150 + "Li", "brackets"),
    ],
)
def test_what_is_no_formula_is_refused_by_name(formula, named):
    with pytest.raises(FormulaError, match=named):
        parse(formula)
