"""Energy of the convex hull at a composition: the mixture a compound would decompose into."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from muli.candidates.formula import Composition, parse, reduced_formula
from muli.candidates.thermodynamics.energies import Energies, System
from muli.candidates.thermodynamics.program import Floats, minimise

AMOUNT = 1e-7
"""Fraction below which a phase does not count as formed."""

ON_HULL = 2e-6
"""eV/atom; energies are printed to 1e-6, so that a phase on the hull may be off it by as much."""


@dataclass(frozen=True)
class Mixture:
    """The lowest-energy mixture of phases at one composition.

    `energy` eV/atom (per non-lithium atom in an open system), `weights` (n,) atomic fractions,
    `slack` (n,) how far each phase of the system lies above the facet, eV/atom, `duals` (m,)
    chemical potentials of the elements, eV.
    """

    energy: float
    weights: Floats
    slack: Floats
    duals: Floats

    def phases(self, system: System) -> tuple[str, ...]:
        """Names of the phases in the mixture."""
        return named(system, self.weights)


def named(system: System, weights: Floats) -> tuple[str, ...]:
    """Phases with an amount, the most abundant first."""
    order = [k for k in np.argsort(-weights, kind="stable") if weights[k] > AMOUNT]
    return tuple(system.phases[k] for k in order)


def elements(system: System) -> set[str]:
    """Names of the phases that are a single element: references, never left out."""
    pure = system.A.max(axis=0) == 1.0
    return {phase for phase, alone in zip(system.phases, pure, strict=True) if alone}


def allowed(system: System, without: Collection[str]) -> Floats:
    """Upper bounds (n,) on the amounts: zero for the phases left out, else infinite."""
    return np.where([phase in without for phase in system.phases], 0.0, np.inf)


def mixture(system: System, target: Floats, without: Collection[str] = ()) -> Mixture:
    """The hull at `target` (m,) fractions, as if the phases named in `without` did not exist."""
    upper = allowed(system, without)
    energy, weights, duals = minimise(system.energy, system.A, target, upper)
    weights[weights < AMOUNT] = 0.0
    slack = np.maximum(system.energy - duals @ system.A, 0.0)
    return Mixture(energy, weights, np.where(weights > 0, 0.0, slack), duals)


def hull_energy(system: System, composition: Composition) -> float:
    """Energy of the hull, eV/atom (per non-lithium atom in an open system)."""
    return mixture(system, system.fractions(composition)).energy


def decomposition_energy(energies: Energies, formula: str) -> float:
    """Energy of the compound above the hull of all others, eV/atom (Bartel 2020,
    doi 10.1038/s41524-020-00362-y).

    Positive: above the hull by that much. Negative: on the hull, and deeper by that much than
    what it competes with. Raises KeyError where the table lacks the compound.
    """
    row = energies.find(formula)
    if row is None:
        raise KeyError(f"no energy of {formula} in this table")
    composition = parse(formula)
    system = energies.system(composition.keys())
    if len(composition) == 1:
        return float(energies.formation_energy[row])
    others = mixture(system, system.fractions(composition), without={reduced_formula(formula)})
    return float(energies.formation_energy[row] - others.energy)
