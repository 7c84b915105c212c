"""Reaction between two touching compounds, at the mixing ratio where it is worst.

For atomic fractions x of a and 1 - x of b the mixture gains H(x) - x E_a - (1 - x) E_b, where H is
the convex hull; the worst x is one more unknown of the same linear program
(Richards 2016, doi 10.1021/acs.chemmater.5b04082, searches it on a pseudo-binary line).
"""

from dataclasses import dataclass

import numpy as np

from muli.candidates.formula import Composition
from muli.candidates.thermodynamics.energies import System
from muli.candidates.thermodynamics.hull import named
from muli.candidates.thermodynamics.program import minimise

NO_REACTION = 1e-7
"""eV/atom below which two compounds do not react."""


@dataclass(frozen=True)
class Reaction:
    """Worst reaction of a with b.

    `energy` eV per atom of the mixture (per non-lithium atom where the system is open), <= 0;
    `fraction` atomic fraction of a where it is worst and `products` there; None and empty where
    nothing reacts.
    """

    energy: float
    fraction: float | None
    products: tuple[str, ...]


def reaction(
    system: System, a: Composition, b: Composition, energy_a: float, energy_b: float
) -> Reaction:
    """Worst reaction in a system that holds the elements of both.

    `energy_a`, `energy_b` are the energies of the reactants, in the units of `system.energy`
    (`System.energy_of`): the hull's energies give the reaction of the mixing alone, a compound's
    own energy adds its decomposition by itself.
    """
    at_a, at_b = system.fractions(a), system.fractions(b)
    phases = system.energy.size
    cost = np.append(system.energy, energy_b - energy_a)
    A = np.column_stack([system.A, at_b - at_a])
    upper = np.append(np.full(phases, np.inf), 1.0)
    value, amounts, _ = minimise(cost, A, at_b, upper)
    energy = value - energy_b
    if energy > -NO_REACTION:
        return Reaction(0.0, None, ())
    return Reaction(energy, float(amounts[-1]), named(system, amounts[:-1]))
