"""The phases that a coating touches: cathodes in both charge states, solid electrolytes.

Delithiated means half lithiated, as in Xiao 2019 (doi 10.1016/j.joule.2019.02.006) and Nolan 2021:
the composition near 4.3 V, not the empty host.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from muli.candidates.formula import Composition, parse
from muli.candidates.thermodynamics.complete import missing
from muli.candidates.thermodynamics.energies import Energies
from muli.candidates.thermodynamics.hull import hull_energy
from muli.candidates.thermodynamics.window import potential_limit

CHARGED_POTENTIAL = 4.3
"""V vs Li/Li+ of a cathode at the end of charge, the lithium reservoir of its coating."""


@dataclass(frozen=True)
class Partner:
    """A cathode (formulas lithiated and half lithiated) or an electrolyte (one formula)."""

    name: str
    formula: str
    delithiated: str | None = None


PARTNERS = (
    Partner("NMC811", "LiNi0.8Mn0.1Co0.1O2", "Li0.5Ni0.8Mn0.1Co0.1O2"),
    Partner("LiCoO2", "LiCoO2", "Li0.5CoO2"),
    Partner("NMC111", "Li3NiMnCoO6", "Li3Ni2Mn2Co2O12"),
    Partner("Li6PS5Cl", "Li6PS5Cl"),
    Partner("Li3PS4", "Li3PS4"),
    Partner("Li7La3Zr2O12", "Li7La3Zr2O12"),
    Partner("Li3InCl6", "Li3InCl6"),
)


@dataclass(frozen=True)
class State:
    """One charge state of a partner, with its energies in a given table, eV/atom.

    `hull` energy of the hull at its composition; `entry` the energy of the compound itself, equal
    to `hull` where the table lacks it (`at_hull`). Their difference is its self-decomposition.
    """

    formula: str
    composition: Composition
    hull: float
    entry: float
    at_hull: bool

    @property
    def self_decomposition(self) -> float:
        """Energy it releases by decomposing without any partner, eV/atom, <= 0."""
        return self.hull - self.entry


@dataclass(frozen=True)
class Prepared:
    """A partner with its energies in a table.

    `states`: lithiated, then delithiated for a cathode. `potential` V vs Li/Li+ of the reservoir
    for reactions open to lithium: 4.3 V beside a cathode, the electrolyte's own oxidation limit
    beside an electrolyte (the highest potential a protected electrolyte meets).
    """

    name: str
    states: tuple[State, ...]
    potential: float


def prepare(energies: Energies, partners: Iterable[Partner] = PARTNERS) -> tuple[Prepared, ...]:
    """Energies of every partner; one whose phases the table lacks is left out."""
    return tuple(_prepare(energies, partner) for partner in partners if _known(energies, partner))


def partner_flag(partners: Iterable[Prepared]) -> str:
    """Which partners the table lacks, so that their hull mixture stands for them."""
    absent = [state.formula for partner in partners for state in partner.states if state.at_hull]
    return f"at hull mixture: {', '.join(absent)}" if absent else ""


def _known(energies: Energies, partner: Partner) -> bool:
    composition = parse(partner.formula)
    return composition.keys() <= energies.elements and not missing(energies, composition)


def _prepare(energies: Energies, partner: Partner) -> Prepared:
    states = [_state(energies, partner.formula)]
    if partner.delithiated is not None:
        states.append(_state(energies, partner.delithiated))
        return Prepared(partner.name, tuple(states), CHARGED_POTENTIAL)
    composition = states[0].composition
    system = energies.system(composition.keys())
    return Prepared(partner.name, tuple(states), potential_limit(system, composition, lithium=-1))


def _state(energies: Energies, formula: str) -> State:
    composition = parse(formula)
    hull = hull_energy(energies.system(composition.keys()), composition)
    row = energies.find(formula)
    entry = hull if row is None else max(hull, float(energies.formation_energy[row]))
    return State(formula, composition, hull, entry, row is None)
