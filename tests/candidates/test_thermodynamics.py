"""Hand-made hulls with answers by arithmetic, and two other ways to every number."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from muli.candidates.formula import parse, reduced_formula
from muli.candidates.thermodynamics import (
    Energies,
    Partner,
    assess,
    decomposition_energy,
    hull_energy,
    mixture,
    partner_flag,
    prepare,
    reaction,
    window,
)

VOLT = 1e-6
EV_ATOM = 1e-7

# Li2O -6 eV and Li2O2 -6.4 eV per formula: 2 Li2O -> Li2O2 + 2 Li costs 5.6 eV, 2.8 V each.
OXIDES = Energies.of([("Li2O", -2.0), ("Li2O2", -1.6), ("LiO3", -0.5)])


def _window(energies, formula):
    composition = parse(formula)
    return window(energies.system({*composition, "Li"}), composition)


def _react(energies, a, b, potential=None, own=False):
    at_a, at_b = parse(a), parse(b)
    system = energies.system({*at_a, *at_b, "Li"})
    if potential is not None:
        system = system.open(potential)
    costs = [
        system.energy_of(one, float(energies.formation_energy[energies.find(name)]))
        if own
        else hull_energy(system, one)
        for name, one in ((a, at_a), (b, at_b))
    ]
    return reaction(system, at_a, at_b, *costs)


class TestByHand:
    def test_lithium_oxide_stands_from_the_metal_to_peroxide(self):
        found = _window(OXIDES, "Li2O")
        assert found.reduction.potential == pytest.approx(0.0, abs=VOLT)
        assert found.reduction.products == ()
        assert found.oxidation.potential == pytest.approx(2.8, abs=VOLT)
        assert found.oxidation.products == ("Li2O2",)

    def test_without_peroxide_the_oxide_goes_to_oxygen_at_half_its_energy(self):
        oxidation = _window(OXIDES, "Li2O").oxidation
        assert oxidation.competitor == "Li2O2"
        # 2 Li2O -> O2 + 4 Li: 12/4 = 3.0 V, before 3 Li2O -> LiO3 + 5 Li: (18 - 2)/5 = 3.2 V
        assert oxidation.without_competitor == pytest.approx(3.0, abs=VOLT)

    def test_peroxide_stands_between_its_neighbours(self):
        found = _window(OXIDES, "Li2O2")
        assert found.reduction.potential == pytest.approx(2.8, abs=VOLT)
        assert found.oxidation.potential == pytest.approx(3.2, abs=VOLT)
        assert found.oxidation.products == ("O2",)
        assert found.oxidation.competitor is None  # elements are references, never left out

    def test_a_compound_above_the_hull_is_taken_at_its_mixture(self):
        assert decomposition_energy(OXIDES, "LiO3") == pytest.approx(-0.5 + 3.2 / 4)
        found = _window(OXIDES, "LiO3")
        assert found.reduction.potential == pytest.approx(3.2, abs=VOLT)
        assert found.oxidation.potential == pytest.approx(3.2, abs=VOLT)

    def test_hull_depth_is_what_a_compound_gains_over_the_others(self):
        # Li2O2 against Li2O + O: -6.4 eV against -6 eV, four atoms
        assert decomposition_energy(OXIDES, "Li2O2") == pytest.approx(-0.1)

    def test_a_compound_without_lithium_has_no_oxidation_limit(self):
        energies = Energies.of([("Al2O3", -3.0), ("LiAlO2", -3.0), ("Li2O", -2.0)])
        found = _window(energies, "Al2O3")
        assert found.oxidation is None
        # 2 Al2O3 + 3 Li -> 3 LiAlO2 + Al: (-36 + 30)/3 = 2 V
        assert found.reduction.potential == pytest.approx(2.0, abs=VOLT)
        assert set(found.reduction.products) == {"LiAlO2", "Al"}

    def test_salt_exchange_at_its_worst_ratio(self):
        # LiF + NaCl -> LiCl + NaF gains 0.4 eV over four atoms, at one to one
        energies = Energies.of([("LiF", -3.0), ("NaCl", -2.0), ("LiCl", -2.1), ("NaF", -3.1)])
        found = _react(energies, "LiF", "NaCl")
        assert found.energy == pytest.approx(-0.1, abs=EV_ATOM)
        assert found.fraction == pytest.approx(0.5)
        assert set(found.products) == {"LiCl", "NaF"}

    def test_what_does_not_react_says_so(self):
        energies = Energies.of([("LiF", -3.0), ("NaCl", -2.0)])
        found = _react(energies, "LiF", "NaCl")
        assert (found.energy, found.fraction, found.products) == (0.0, None, ())

    def test_self_decomposition_is_apart_from_mixing(self):
        energies = Energies.of([("LiF", -3.0), ("NaCl", -2.0), ("LiO3", -0.5), ("Li2O", -2.0)])
        alone = -0.5 - decomposition_energy(energies, "LiO3")
        assert _react(energies, "LiF", "LiO3").energy == 0.0
        own = _react(energies, "LiF", "LiO3", own=True)
        assert own.energy == pytest.approx(alone + 0.5, abs=EV_ATOM)
        assert own.fraction == pytest.approx(0.0)

    def test_open_to_lithium_charges_what_the_reservoir_takes(self):
        # Li2O at 3.5 V: Li2O -> O + 2 Li gains 2 (3.5 - 3.0) = 1 eV per non-lithium atom
        system = Energies.of([("Li2O", -2.0)]).system({"Li", "O"}).open(3.5)
        oxide = parse("Li2O")
        assert system.energy_of(oxide, -2.0) - hull_energy(system, oxide) == pytest.approx(1.0)

    def test_an_open_reaction_counts_per_non_lithium_atom(self):
        # At 3.5 V both hosts are rid of lithium: CoO + NbO -> CoNbO2 gains 0.4 eV over 4 atoms
        energies = Energies.of([("CoO", -1.0), ("NbO", -1.0), ("CoNbO2", -1.1), ("LiCoO", -1.2)])
        found = _react(energies, "LiCoO", "NbO", potential=3.5)
        assert found.energy == pytest.approx(-0.1, abs=EV_ATOM)
        assert found.fraction == pytest.approx(0.5)

    def test_lithium_in_the_products_is_free_in_an_open_reaction(self):
        # LiF + NaCl -> LiCl + NaF at 0.5 V: 0.4 eV over the three atoms that are not lithium
        energies = Energies.of([("LiF", -3.0), ("NaCl", -2.0), ("LiCl", -2.1), ("NaF", -3.1)])
        found = _react(energies, "LiF", "NaCl", potential=0.5)
        assert found.energy == pytest.approx(-0.4 / 3, abs=EV_ATOM)
        assert found.fraction == pytest.approx(1 / 3)

    def test_the_order_of_the_two_compounds_does_not_matter(self):
        energies = Energies.of([("LiF", -3.0), ("NaCl", -2.0), ("LiCl", -2.1), ("NaF", -3.1)])
        one, other = _react(energies, "LiF", "NaCl"), _react(energies, "NaCl", "LiF")
        assert one.energy == pytest.approx(other.energy)
        assert one.fraction == pytest.approx(1.0 - other.fraction)


class TestRow:
    PARTNERS = (Partner("LiCoO2", "LiCoO2", "Li0.5CoO2"), Partner("Li3PS4", "Li3PS4"))
    ENERGIES = Energies.of(
        [("Li2O", -2.0), ("CoO", -1.2), ("LiCoO2", -1.75), ("CoO2", -1.1), ("Co3O4", -1.0)]
    )

    def test_missing_partners_are_flagged_or_left_out(self):
        ready = prepare(self.ENERGIES, self.PARTNERS)
        assert [partner.name for partner in ready] == ["LiCoO2"]  # no P, no S in the table
        assert [state.at_hull for state in ready[0].states] == [False, True]
        assert partner_flag(ready) == "at hull mixture: Li0.5CoO2"

    def test_open_and_own_columns_are_the_reactions_of_their_names(self):
        rows = [("LiF", -3.0), ("NaCl", -2.0), ("LiCl", -2.1), ("NaF", -3.1), ("LiCl2", -0.9)]
        energies = Energies.of(rows)
        salt, fluoride = prepare(energies, [Partner("salt", "LiCl2"), Partner("LiF", "LiF")])
        # beside LiF at its own limit, 6 V: NaCl + LiF -> NaF + Cl + Li gains 2.2 eV over 3 atoms
        beside = assess("NaCl", energies, [fluoride])
        assert beside["reaction_energy_LiF_meV_atom_open"] == pytest.approx(-2200 / 3)
        assert salt.states[0].self_decomposition == pytest.approx(-(4.2 / 3 - 0.9))
        row = assess("NaF", energies, [salt])
        column = "reaction_energy_salt_meV_atom"
        for suffix, potential, own in [
            ("", None, False),
            ("_entry", None, True),
            ("_open", salt.potential, False),
            ("_open_entry", salt.potential, True),
        ]:
            direct = _react(energies, "NaF", "LiCl2", potential, own)
            assert row[f"{column}{suffix}"] == pytest.approx(1e3 * direct.energy, abs=1e-3)
        assert row[f"{column}_entry"] < row[column]

    def test_a_row_without_lithium_tells_why_a_limit_is_missing(self):
        row = assess("CoO", self.ENERGIES, prepare(self.ENERGIES, self.PARTNERS))
        assert row["oxidation_limit_V"] is None
        assert "no lithium" in row["oxidation_limit_note"]
        assert row["reduction_limit_V"] > 0

    def test_an_absurdly_deep_compound_is_flagged(self):
        energies = Energies.of([("Li2O", -2.0), ("CoO", -1.2), ("LiCoO2", -3.75)])
        row = assess("LiCoO2", energies, ())
        assert row["hull_depth_eV_atom"] > 0.2
        assert "absurd" in row["hull_depth_flag"]
        assert assess("Li2O", energies, ())["hull_depth_flag"] is None

    def test_a_ternary_oxoanion_salt_is_deep_by_nature(self):
        energies = Energies.of([("Li2O", -2.0), ("CO2", -1.4), ("Li2CO3", -2.2)])
        row = assess("Li2CO3", energies, ())
        assert row["hull_depth_eV_atom"] > 0.2
        assert row["hull_depth_flag"] is None

    def test_a_composition_the_table_lacks_is_taken_at_the_hull(self):
        row = assess("Li0.5CoO2", self.ENERGIES, ())
        assert row["at_hull_mixture"] is True
        assert row["energy_above_hull_eV_atom"] is None

    def test_only_stable_phases_are_needed_for_reactions(self):
        ready = prepare(self.ENERGIES, self.PARTNERS)
        depths = [decomposition_energy(self.ENERGIES, f) for f in self.ENERGIES.formulas]
        stable = self.ENERGIES.subset(np.array(depths) <= 0)
        assert len(stable.formulas) < len(self.ENERGIES.formulas)
        for formula in self.ENERGIES.formulas:
            full = assess(formula, self.ENERGIES, ready)
            assert assess(formula, self.ENERGIES, ready, stable) == pytest.approx(full, nan_ok=True)


SYMBOLS = ("Li", "O", "P", "Zr")


@st.composite
def hulls(draw):
    """Tables of up to twelve random compounds of four elements, lithium among them."""
    amounts = st.tuples(*(st.integers(0, 4) for _ in SYMBOLS))
    compounds = amounts.filter(lambda ns: sum(n > 0 for n in ns) >= 2)
    rows = draw(
        st.lists(
            st.tuples(compounds, st.integers(-3000, -1)),
            min_size=3,
            max_size=12,
            unique_by=lambda row: reduced_formula(dict(zip(SYMBOLS, row[0], strict=True))),
        )
    )
    spelt = [
        (reduced_formula({s: n for s, n in zip(SYMBOLS, ns, strict=True) if n}), e / 1e3)
        for ns, e in rows
    ]
    return Energies.of(spelt)


def _with_lithium(energies):
    return [f for f in energies.formulas if "Li" in parse(f)]


@settings(max_examples=60, deadline=None)
@given(hulls())
def test_the_competitor_is_the_product_whose_absence_moves_the_limit_most(energies):
    for formula in energies.formulas:
        if decomposition_energy(energies, formula) > -1e-6:
            continue
        oxidation = _window(energies, formula).oxidation
        if oxidation is None or oxidation.competitor is None:
            continue
        moved = {}
        for rival in oxidation.products:
            if len(parse(rival)) > 1:
                others = np.array([name != rival for name in energies.formulas])
                moved[rival] = _window(energies.subset(others), formula).oxidation.potential
        most = max(abs(limit - oxidation.potential) for limit in moved.values())
        assert abs(oxidation.without_competitor - oxidation.potential) == pytest.approx(most)
        assert oxidation.without_competitor == pytest.approx(moved[oxidation.competitor])


class TestAgainstScipy:
    """The dual programs, which never name a phase amount."""

    @settings(max_examples=60, deadline=None)
    @given(hulls())
    def test_window(self, energies):
        for formula in _with_lithium(energies):
            found = _window(energies, formula)
            low, high = _dual_window(energies.system(SYMBOLS), parse(formula))
            assert found.reduction.potential == pytest.approx(low, abs=VOLT)
            assert found.oxidation.potential == pytest.approx(high, abs=VOLT)

    @settings(max_examples=60, deadline=None)
    @given(hulls(), st.sampled_from([None, 0.5, 2.0, 4.3]), st.booleans())
    def test_reaction(self, energies, potential, own):
        a, b = energies.formulas[:2]
        system = energies.system({*parse(a), *parse(b), "Li"})
        system = system if potential is None else system.open(potential)
        mine = _react(energies, a, b, potential, own).energy
        assert mine == pytest.approx(_dual_reaction(energies, system, a, b, own), abs=EV_ATOM)


def _dual_window(system, composition):
    target = system.fractions(composition)
    energy = mixture(system, target).energy
    rows = np.vstack([system.A.T, -target])
    limits = np.append(system.energy, -energy + 1e-10)
    pick = np.array([name == "Li" for name in system.elements], float)
    ends = [
        linprog(sign * pick, rows, limits, bounds=(None, None), method="highs-ds").fun * sign
        for sign in (-1.0, 1.0)
    ]
    return -ends[0], -ends[1]


def _dual_reaction(energies, system, a, b, own):
    """max t with t <= y.c - E for both compounds and y.c_j <= E_j for every phase."""
    m, n = system.A.shape
    rows = [np.column_stack([system.A.T, np.zeros(n)])]
    limits = [system.energy]
    for formula in (a, b):
        at = system.fractions(parse(formula))
        if own:
            entry = float(energies.formation_energy[energies.find(formula)])
            cost = system.energy_of(parse(formula), entry)
        else:
            cost = linprog(system.energy, A_eq=system.A, b_eq=at).fun
        rows.append(np.append(-at, 1.0)[None])
        limits.append([-cost])
    found = linprog(
        np.append(np.zeros(m), -1.0),
        np.vstack(rows),
        np.concatenate(limits),
        bounds=[(None, None)] * m + [(None, 0.0)],
    )
    return -found.fun


class TestAgainstPymatgen:
    """The field's convex hulls."""

    @settings(max_examples=25, deadline=None)
    @given(hulls())
    def test_hull_and_window(self, energies):
        from pymatgen.core import Composition, Element

        diagram = _diagram(energies, SYMBOLS)
        system = energies.system(SYMBOLS)
        for formula in _with_lithium(energies):
            theirs = diagram.get_hull_energy_per_atom(Composition(formula))
            assert hull_energy(system, parse(formula)) == pytest.approx(theirs, abs=EV_ATOM)
            low, high = _profile_window(diagram, Composition(formula), Element("Li"))
            found = _window(energies, formula)
            assert found.reduction.potential == pytest.approx(low, abs=VOLT)
            assert found.oxidation.potential == pytest.approx(high, abs=VOLT)

    @settings(max_examples=25, deadline=None)
    @given(hulls(), st.booleans())
    def test_closed_reaction(self, energies, own):
        from pymatgen.analysis.interface_reactions import InterfacialReactivity
        from pymatgen.core import Composition

        a, b = energies.formulas[:2]
        elements = {*parse(a), *parse(b), "Li"}
        theirs = InterfacialReactivity(
            Composition(a), Composition(b), _diagram(energies, elements), use_hull_energy=not own
        )
        worst = min(kink[2] for kink in theirs.get_kinks())
        assert _react(energies, a, b, own=own).energy == pytest.approx(worst, abs=EV_ATOM)

    @settings(max_examples=25, deadline=None)
    @given(hulls(), st.sampled_from([0.5, 2.0, 4.3]))
    def test_open_reaction(self, energies, potential):
        from pymatgen.analysis.interface_reactions import GrandPotentialInterfacialReactivity
        from pymatgen.analysis.phase_diagram import GrandPotentialPhaseDiagram
        from pymatgen.core import Composition, Element

        a, b = energies.formulas[:2]
        closed = _diagram(energies, {*parse(a), *parse(b), "Li"})
        opened = GrandPotentialPhaseDiagram(closed.all_entries, {Element("Li"): -potential})
        theirs = GrandPotentialInterfacialReactivity(
            Composition(a),
            Composition(b),
            opened,
            closed,
            include_no_mixing_energy=True,
            use_hull_energy=False,
        )
        worst = min(0.0, *(kink[2] for kink in theirs.get_kinks()))
        mine = _react(energies, a, b, potential, own=True).energy
        assert mine == pytest.approx(worst, abs=EV_ATOM)


def _diagram(energies, elements):
    from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
    from pymatgen.core import Composition

    rows = [(c, e) for c, e in zip(energies.formulas, energies.formation_energy, strict=True)]
    compounds = [
        PDEntry(Composition(f), e * Composition(f).num_atoms)
        for f, e in rows
        if set(parse(f)) <= set(elements)
    ]
    return PhaseDiagram(compounds + [PDEntry(Composition(name), 0.0) for name in elements])


def _profile_window(diagram, composition, lithium):
    """Limits from the titration curve: each step starts where lithium taken up is `evolution`."""
    steps = diagram.get_element_profile(lithium, composition)
    taken = {round(step["evolution"], 6): -step["chempot"] for step in steps}
    low = taken[max(amount for amount in taken if amount <= 0.0)]
    high = taken[max(amount for amount in taken if amount < 0.0)]
    return low, high
