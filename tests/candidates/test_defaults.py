"""The rule that picks a default among several printed values."""

import math

import pytest

from muli.candidates.defaults import choose, choose_window
from muli.candidates.tables import Value

NAN = float("nan")


def value(
    number,
    temperature_K=298.15,
    *,
    quantity="sigma_ion_S_cm",
    method="measured",
    caveat="",
    trust="primary_text",
    low=NAN,
    high=NAN,
):
    return Value(
        material="X",
        quantity=quantity,
        value=number,
        low=low,
        high=high,
        temperature_K=temperature_K,
        method=method,
        kind="",
        caveat=caveat,
        form="",
        thickness_nm=NAN,
        source="S",
        primary_doi="",
        trust=trust,
        note="",
    )


def test_an_odd_number_gives_the_middle_one_whatever_the_outlier():
    assert choose([value(1e-8), value(1e-10), value(4e-2)]).number == 1e-8
    assert choose([value(1e-8), value(1e-10), value(4e-6)]).number == 1e-8


def test_of_two_the_better_trusted_then_the_less_favourable():
    trusted = choose([value(1e-8, trust="review"), value(1e-6)])
    assert trusted.number == 1e-6
    assert choose([value(1e-8), value(1e-6)]).number == 1e-8
    electronic = [value(1e-12, quantity="sigma_ele_S_cm"), value(1e-9, quantity="sigma_ele_S_cm")]
    assert choose(electronic).number == 1e-9


def test_room_temperature_first_else_the_nearest():
    assert choose([value(1e-3, 423.0), value(1e-6, 300.0), value(1e-5, 350.0)]).number == 1e-6
    assert choose([value(1e-3, 423.0), value(1e-5, 343.0)]).number == 1e-5
    assert choose([value(1e-3, 423.0), value(1e-6, NAN)]).number == 1e-6


def test_measured_before_computed():
    computed = value(1e-2, method="computed")
    assert choose([computed, computed, value(1e-9)]).number == 1e-9
    assert choose([computed]).number == 1e-2


@pytest.mark.parametrize("caveat", ["upper_bound", "ambiguous", "other_state"])
def test_bounds_and_ambiguous_prints_are_no_default(caveat):
    found = choose([value(1e-8, caveat=caveat)])
    assert found.value is None
    assert math.isnan(found.number)
    assert caveat.replace("_", " ") in found.reason
    assert choose([value(1e-8, caveat=caveat), value(1e-15)]).number == 1e-15


def test_a_quotation_counts_beside_a_first_hand_value_only():
    assert choose([value(1e-11, caveat="quoted")]).value is None
    among = [value(1e-10), value(1e-8, caveat="quoted"), value(4e-6)]
    assert choose(among).number == 1e-8


def test_the_spread_holds_bounds_and_ranges_but_not_other_states():
    found = choose(
        [
            value(1e-15),
            value(1e-8, caveat="upper_bound"),
            value(NAN, low=1e-16, high=1e-14),
            value(2.5, caveat="other_state"),
        ]
    )
    assert (found.low, found.high, found.count) == (1e-16, 1e-8, 3)


def test_a_range_counts_by_its_geometric_middle():
    assert choose([value(NAN, low=1e-8, high=1e-6)]).number == pytest.approx(1e-7)


def test_nothing_known_is_nothing():
    found = choose([])
    assert (found.value, found.count) == (None, 0)
    assert math.isnan(found.low)


def window(kind, red, ox, source, figure_read="", trust="secondary_digest"):
    return {
        "window_kind": kind,
        "reduction_limit_V": red,
        "oxidation_limit_V": ox,
        "source": source,
        "figure_read": figure_read,
        "trust": trust,
    }


def test_a_window_is_one_row_of_the_best_kind():
    rows = [
        window("intrinsic", 1.0, 3.0, "A2001"),
        window("hybrid_grand_potential", 1.1, 2.9, "B2002"),
        window("grand_potential", NAN, 2.5, "C2003"),
        window("grand_potential", 1.3, 2.7, "D2014", figure_read="yes"),
        window("grand_potential", 1.4, 2.6, "E2021"),
        window("grand_potential", 1.2, 2.8, "F2015"),
    ]
    chosen, reason = choose_window(rows)
    assert chosen is rows[5]
    assert "F2015" in reason
    assert choose_window(rows[:2])[0] is rows[1]
    assert choose_window(rows[2:3])[0] is rows[2]


@pytest.mark.parametrize("kind", ["intrinsic", "band_edge", "measured", "mu_Li_range"])
def test_other_quantities_are_no_window(kind):
    chosen, reason = choose_window([window(kind, 0.0, 5.0, "A2001")])
    assert chosen is None
    assert kind in reason
