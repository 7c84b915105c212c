"""The rule that picks a default among several printed values."""

import math

import pytest

from muli.candidates.defaults import choose, choose_window, defaults
from muli.candidates.tables import Value

NAN = float("nan")


def value(
    number,
    temperature_K=298.15,
    *,
    quantity="sigma_ion_S_cm",
    method="measured",
    trust="primary_text",
    low=NAN,
    high=NAN,
    **words,
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
        quantity_kind=words.get("quantity_kind", ""),
        bound=words.get("bound", ""),
        qualifier=words.get("qualifier", ""),
        state=words.get("state", "pristine"),
        form=words.get("form", ""),
        sample=words.get("sample", ""),
        thickness_nm=NAN,
        field_V_cm=NAN,
        source=words.get("source", "S"),
        primary_doi=words.get("primary_doi", ""),
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
    assert choose(electronic, electrolyte=True).number == 1e-12


def test_room_temperature_first_else_the_nearest():
    assert choose([value(1e-3, 423.0), value(1e-6, 300.0), value(1e-5, 350.0)]).number == 1e-6
    assert choose([value(1e-3, 423.0), value(1e-5, 343.0)]).number == 1e-5
    assert choose([value(1e-3, 423.0), value(1e-6, NAN)]).number == 1e-6


def test_measured_before_computed():
    computed = value(1e-2, method="computed")
    assert choose([computed, computed, value(1e-9)]).number == 1e-9
    assert choose([computed]).number == 1e-2


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ({"bound": "upper"}, "upper bound"),
        ({"bound": "lower"}, "lower bound"),
        ({"qualifier": "quoted"}, "quoted"),
        ({"qualifier": "ambiguous"}, "ambiguous"),
        ({"qualifier": "extrapolated"}, "extrapolated"),
        ({"qualifier": "tunnelling"}, "tunnelling"),
        ({"quantity_kind": "leakage"}, "leakage"),
        ({"quantity_kind": "volume_resistivity"}, "volume resistivity"),
        ({"quantity_kind": "all_carriers"}, "all carriers"),
        ({"state": "lithiated"}, "lithiated"),
        ({"state": "reduced"}, "reduced"),
        ({"state": "doped"}, "doped"),
    ],
)
def test_what_is_no_default_whatever_the_count(words, named):
    found = choose([value(1e-8, **words)])
    assert found.value is None
    assert math.isnan(found.number)
    assert named in found.reason
    assert choose([value(1e-8, **words), value(2e-8, **words), value(1e-15)]).number == 1e-15


def test_an_order_of_magnitude_may_be_a_default():
    assert choose([value(1e-10, qualifier="order_of_magnitude")]).number == 1e-10


def test_a_crystal_does_not_speak_for_a_film_nor_a_film_for_a_crystal():
    values = [value(1e-18, form="crystal"), value(1e-8, form="film")]
    assert choose(values, form="film").number == 1e-8
    assert choose(values, form="crystalline").number == 1e-18
    assert choose(values[:1], form="film").value is None
    assert "another form" in choose(values[:1], form="film").reason
    assert choose([value(1e-9, form="not stated")], form="film").number == 1e-9


def test_one_paper_in_two_data_sets_counts_once():
    twice = [
        value(1e-4, source="A", primary_doi="10.1/X"),
        value(1.05e-4, 300.0, source="B", primary_doi="10.1/x"),
    ]
    others = [value(1e-3, source="C"), value(1e-2, source="D")]
    assert choose([*twice, *others]).number == 1e-3
    assert choose([*twice, *others]).count == 3


def test_one_sample_measured_at_several_temperatures_counts_once():
    series = [value(1e-4, 298.0), value(2e-4, 303.0), value(3e-4, 308.0)]
    assert choose([*series, value(1e-2, source="B"), value(2e-2, source="C")]).number == 1e-2


def test_the_inside_of_grains_counts_only_alone():
    bulk = value(3e-3, quantity_kind="bulk")
    assert choose([bulk]).number == 3e-3
    assert choose([bulk, value(4e-5, quantity_kind="total")]).number == 4e-5


ENERGY = "sigma_ion_activation_eV"


def test_the_activation_energy_is_that_of_the_sample_of_the_default():
    values = [
        value(1e-3, sample="a"),
        value(2e-3, sample="b"),
        value(9e-3, source="C"),
        value(0.30, quantity=ENERGY, sample="a"),
        value(0.50, quantity=ENERGY, sample="b"),
        value(0.35, quantity=ENERGY, source="D"),
    ]
    found = defaults(values)
    assert (found["sigma_ion_S_cm"].number, found[ENERGY].number) == (2e-3, 0.50)
    assert "of the sample" in found[ENERGY].reason


def test_of_two_activation_energies_the_one_nearer_to_the_conductivities():
    values = [
        value(6.1e-10, 298.15, source="A"),
        value(1e-4, 598.15, source="B"),
        value(0.50, NAN, quantity=ENERGY, source="C", sample="1"),
        value(0.68, NAN, quantity=ENERGY, source="C", sample="2"),
    ]
    assert defaults(values)[ENERGY].number == 0.68
    assert "0.65 eV" in defaults(values)[ENERGY].reason


def test_a_warm_value_counts_where_its_own_sample_has_an_activation_energy():
    warm = [value(1.73e-8, 323.15, source="B"), value(0.51, NAN, quantity=ENERGY, source="B")]
    room = [value(1.4e-10, source="A"), value(4.6e-6, source="C")]
    found = defaults([*room, *warm])["sigma_ion_S_cm"]
    assert (found.number, found.value.temperature_K) == (1.73e-8, 323.15)
    assert defaults([*room, warm[0]])["sigma_ion_S_cm"].number == 1.4e-10
    cold = [value(5e-9, source="D"), value(1e-12, source="E"), value(6e-9, source="F"), *warm]
    assert defaults(cold)["sigma_ion_S_cm"].number == pytest.approx(5e-9)


def test_the_spread_holds_bounds_and_ranges_but_not_other_states():
    found = choose(
        [
            value(1e-15),
            value(1e-8, bound="upper"),
            value(NAN, low=1e-16, high=1e-14),
            value(2.5, state="lithiated"),
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
