"""Convex-hull thermodynamics of compounds: windows against lithium, reactions with neighbours.

Energies are eV/atom from the elements, potentials V vs Li/Li+. `Energies` is the table, `window`
and `reaction` answer one question each, `assess` gives a compound's whole row.
"""

from muli.candidates.thermodynamics.assess import assess
from muli.candidates.thermodynamics.complete import missing
from muli.candidates.thermodynamics.energies import Energies, System
from muli.candidates.thermodynamics.hull import decomposition_energy, hull_energy, mixture
from muli.candidates.thermodynamics.partners import (
    PARTNERS,
    Partner,
    Prepared,
    partner_flag,
    prepare,
)
from muli.candidates.thermodynamics.program import Infeasible
from muli.candidates.thermodynamics.reaction import Reaction, reaction
from muli.candidates.thermodynamics.window import Limit, Window, potential_limit, window

__all__ = [
    "PARTNERS",
    "Energies",
    "Infeasible",
    "Limit",
    "Partner",
    "Prepared",
    "Reaction",
    "System",
    "Window",
    "assess",
    "decomposition_energy",
    "hull_energy",
    "missing",
    "mixture",
    "partner_flag",
    "potential_limit",
    "prepare",
    "reaction",
    "window",
]
