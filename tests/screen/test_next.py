"""What to measure next: a toy with a closed form, nested sampling, and how many nodes it takes."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from scipy.stats import norm

from muli.screen.engine.probabilities import bare
from muli.screen.ranking.next import Cell, Gain, gains_of
from tests.screen.reference_probabilities import Case, draw, recommended
from tests.screen.test_probabilities import line_of, normals

pytestmark = pytest.mark.full

NEEDED = np.log10(2.5e-7 / 10.0)
"""log10 sigma_ion at which a film of 2.5 nm costs 10 ohm cm2."""
EXACT = Case(
    sigma_ion=((1.0, -5.0, 0.0),),
    sigma_ele=(-30.0, 0.0),
    electrolyte_sigma_ele=(-8.3, 0.0),
    electrolyte_sigma_ion=2e-3,
    electrolyte_cm=3e-3,
    anode_V=0.0,
    pinned=True,
    cathode_high_V=4.3,
    cathode_low_V=3.6,
    electrolyte_reduction_V=(1.7, 0.0),
    electrolyte_oxidation_V=(2.3, 0.0),
    reduction_V=(1.0, 0.0),
    reduction_allowance_V=(0.0, 0.0),
    oxidation_V=(5.0, 0.0),
    oxidation_allowance_V=(0.0, 0.0),
    oxidised_loses=False,
    reaction_electrolyte=(0.0, 0.0),
    limit_electrolyte=(-100.0, 0.0),
    reaction_cathode=(0.0, 0.0),
    limit_cathode=(-100.0, 0.0),
)
"""A coating that works for certain."""
IONS = replace(EXACT, sigma_ion=((1.0, NEEDED + norm.ppf(0.6), 1.0),))
"""Affordable with probability 0.6; whatever else is asked for it does."""
LIMIT = replace(EXACT, oxidation_V=(4.3, 0.1))
"""Stable with probability 0.5."""


def gains(cases: list[Case], nodes: int = 64) -> dict[tuple[str, str], Gain]:
    """All gains of a cell with these coatings, called A, B and so on."""
    line = jax.tree.map(np.asarray, line_of(cases))
    empty = jax.tree.map(lambda each: each[:1], line)
    cell = Cell([chr(65 + i) for i in range(len(cases))], "SE", line, empty, 2.5)
    return {(each.material, each.property): each for each in gains_of(cell, nodes)}


def test_two_coatings_with_a_closed_form():
    """Today A works with 0.6. Knowing either property leaves 1 - 0.4 x 0.5 = 0.8."""
    found = gains([IONS, LIMIT])
    assert set(found) == {("A", "sigma_ion_S_cm"), ("B", "oxidation_limit_V")}
    ions, limit = found["A", "sigma_ion_S_cm"], found["B", "oxidation_limit_V"]
    for each, change in ((ions, 0.4), (limit, 0.5)):
        assert each.gain_p_works == pytest.approx(0.2, abs=1e-3)
        assert each.gain_of_another_coating == pytest.approx(0.2, abs=1e-3)
        assert each.p_change_of_choice == pytest.approx(change, abs=1e-3)
    assert np.log10(ions.value_to_beat) == pytest.approx(NEEDED, abs=0.01)
    assert limit.value_to_beat == pytest.approx(4.3, abs=0.01)


def test_an_exact_property_has_no_gain_and_one_that_changes_nothing_has_none():
    assert gains([EXACT, EXACT]) == {}
    useless = replace(LIMIT, sigma_ion=((1.0, -12.0, 0.1),))
    found = gains([EXACT, useless])
    assert found
    assert all(each.gain_p_works == 0.0 for each in found.values())
    assert all(each.p_change_of_choice == 0.0 for each in found.values())


def test_the_limit_of_the_electrolyte_tells_whether_it_needs_a_coating():
    """Half the electrolytes stand the cathode bare; every other one has A, which works at 0.6."""
    stands = replace(IONS, electrolyte_oxidation_V=(4.3, 0.2))
    found = gains([stands])["SE", "oxidation_limit_V"]
    line = jax.tree.map(np.asarray, line_of([stands]))
    assert float(bare(line).p_works[0]) == pytest.approx(0.5)
    assert found.gain_p_works == pytest.approx(0.2, abs=2e-3)


UNSURE = replace(
    IONS,
    sigma_ele=(-13.0, 2.0),
    electrolyte_oxidation_V=(2.3, 0.1),
    electrolyte_reduction_V=(1.7, 0.1),
    electrolyte_sigma_ele=(-8.3, 0.3),
)
OTHER = replace(UNSURE, sigma_ion=((1.0, -7.0, 0.5),), sigma_ele=(-12.0, 1.0))


def test_gains_equal_nested_sampling():
    found = gains([UNSURE, OTHER])
    points = normals(12)
    outer = norm.ppf((np.arange(48) + 0.5) / 48)

    def works(case: Case) -> float:
        draws = draw(case, points)
        return draws.all(recommended(draws)[0])["p_works"]

    today = [works(UNSURE), works(OTHER)]
    known = [works(replace(UNSURE, sigma_ele=(-13.0 + 2.0 * z, 0.0))) for z in outer]
    expected = np.mean(np.maximum(known, today[1])) - max(today)
    assert found["A", "sigma_ele_S_cm"].gain_p_works == pytest.approx(expected, abs=0.015)
