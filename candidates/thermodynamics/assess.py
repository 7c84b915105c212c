"""One row of the computed table: everything known of one compound from energies alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from muli.candidates.family import family, is_oxoanion_salt
from muli.candidates.formula import Composition, parse, reduced_formula
from muli.candidates.thermodynamics.complete import left_out, missing
from muli.candidates.thermodynamics.energies import Energies, System
from muli.candidates.thermodynamics.hull import (
    ON_HULL,
    Mixture,
    decomposition_energy,
    hull_energy,
    mixture,
)
from muli.candidates.thermodynamics.partners import Prepared, State, partner_flag
from muli.candidates.thermodynamics.reaction import Reaction, reaction
from muli.candidates.thermodynamics.window import Limit, window

Value = str | float | bool | None
Row = dict[str, Value]

ABSURD_DEPTH = -0.2
"""eV/atom; a compound of three or more elements this far below all others is a suspect energy."""

NO_LITHIUM = "no lithium to give off: no oxidation limit from Li extraction"


@dataclass(frozen=True)
class Compound:
    """A compound to judge: its energy in the table, eV/atom, or its hull mixture where absent."""

    formula: str
    composition: Composition
    hull: float
    decomposition: float | None

    @property
    def energy(self) -> float:
        """eV/atom; that of the hull where the table lacks the compound."""
        return self.hull + max(self.decomposition or 0.0, 0.0)


def assess(
    formula: str,
    energies: Energies,
    partners: Sequence[Prepared],
    stable: Energies | None = None,
) -> Row:
    """Hull, window and reactions of one compound as a row of the wide table.

    `energies` holds every compound; `stable`, if given, those on the hull: only they form in a
    reaction, so that leaving the others out is exact and faster. Windows need all, for the limit
    without its competitor. Units are in the column names; missing is None. Raises FormulaError,
    Infeasible.

    `computed_status` is "ok", or names the phases that the table lacks: then there are no limits,
    no energy above the hull and no reaction energies.
    """
    composition = parse(formula)
    system = energies.system({*composition, "Li"})
    target = system.fractions(composition)
    ground = mixture(system, target)
    known = energies.find(formula) is not None
    depth = decomposition_energy(energies, formula) if known else None
    compound = Compound(reduced_formula(formula), composition, ground.energy, depth)
    reason = missing(energies, composition)
    row = {
        "name": compound.formula,
        "formula": compound.formula,
        "role": "coating",
        "family": family(composition),
        **_hull(compound, ground, system),
        "computed_status": f"no limits: {reason}" if reason else "ok",
    }
    if reason:
        return row | {"energy_above_hull_eV_atom": None}
    return {
        **row,
        **_window(system, composition),
        **_reactions(compound, stable or energies, partners),
        "partner_flag": partner_flag(partners),
    }


def _hull(compound: Compound, ground: Mixture, system: System) -> Row:
    depth = compound.decomposition
    deep = depth is not None and depth < ABSURD_DEPTH and len(compound.composition) >= 3
    absurd = deep and not is_oxoanion_salt(compound.composition)
    return {
        "energy_above_hull_eV_atom": None if depth is None else max(depth, 0.0),
        "hull_depth_eV_atom": None if depth is None else max(-depth, 0.0),
        "hull_depth_flag": "absurd: suspect energy" if absurd else None,
        "hull_phases": "; ".join(ground.phases(system)),
        "at_hull_mixture": depth is None or depth > ON_HULL,
    }


def _window(system: System, composition: Composition) -> Row:
    limits = window(system, composition)
    return {
        **_limit("reduction", limits.reduction),
        **_limit("oxidation", limits.oxidation),
        "oxidation_limit_note": NO_LITHIUM if limits.oxidation is None else None,
        "window_kind": "grand_potential",
    }


def _limit(side: str, limit: Limit | None) -> Row:
    names = (
        f"{side}_limit_V",
        f"{side}_products",
        f"{side}_competitor",
        f"{side}_limit_without_competitor_V",
    )
    if limit is None:
        return dict.fromkeys(names)
    products = "; ".join(limit.products)
    values = (limit.potential, products, limit.competitor, limit.without_competitor)
    return dict(zip(names, values, strict=True))


def _reactions(compound: Compound, stable: Energies, partners: Iterable[Prepared]) -> Row:
    row: Row = {}
    for partner in partners:
        if left_out(stable, {**compound.composition, **partner.states[0].composition}):
            continue
        column = f"reaction_energy_{partner.name}_meV_atom"
        results = _against(compound, stable, partner)
        row |= {
            column: _milli(results["hull"]),
            f"{column}_entry": _milli(results["entry"]),
            f"{column}_open": _milli(results["open"]),
            f"{column}_open_entry": _milli(results["open_entry"]),
            f"reaction_products_{partner.name}": "; ".join(results["hull"].products),
            f"reaction_fraction_{partner.name}": results["hull"].fraction,
        }
        for state in sorted(results.keys() & {"lithiated", "delithiated"}):
            row[f"{column}_{state}"] = _milli(results[state])
    return row


def _against(compound: Compound, stable: Energies, partner: Prepared) -> dict[str, Reaction]:
    """The worst of both charge states by kind of reaction, and each state of a cathode alone.

    In a system open to lithium the two states of a cathode are the same, its host at equilibrium:
    the lithium that it gives off until then is charge, not a reaction.
    """
    closed = stable.system({*compound.composition, *partner.states[0].composition, "Li"})
    opened = closed.open(partner.potential)
    first, cathode = partner.states[0], len(partner.states) > 1
    mixing = [_react(closed, compound, state) for state in partner.states]
    own = [
        result
        if compound.energy == compound.hull and state.entry == state.hull
        else _react(closed, compound, state, own_a=True, own_b=True)
        for result, state in zip(mixing, partner.states, strict=True)
    ]
    reactions = {
        "hull": _worst(mixing),
        "entry": _worst(own),
        "open": _react(opened, compound, first),
        "open_entry": _react(opened, compound, first, own_a=True, own_b=not cathode),
    }
    return reactions | (
        dict(zip(("lithiated", "delithiated"), mixing, strict=True)) if cathode else {}
    )


def _react(
    system: System, compound: Compound, state: State, own_a: bool = False, own_b: bool = False
) -> Reaction:
    """Reaction in which each reactant has its own energy, or that of the hull in this system."""
    a, b = compound.composition, state.composition
    cost_a = _charge(system, a, compound.energy if own_a else None, compound.hull)
    cost_b = _charge(system, b, state.entry if own_b else None, state.hull)
    return reaction(system, a, b, cost_a, cost_b)


def _charge(
    system: System, composition: Composition, own: float | None, closed_hull: float
) -> float:
    """Energy of a reactant: its own if given, else that of the hull in this system."""
    if own is not None:
        return system.energy_of(composition, own)
    return closed_hull if system.potential is None else hull_energy(system, composition)


def _worst(reactions: Iterable[Reaction]) -> Reaction:
    return min(reactions, key=lambda one: one.energy)


def _milli(result: Reaction) -> float:
    return 1e3 * result.energy
