"""Whether a table holds enough phases to say anything about a compound and lithium.

Missing phases make a window too wide: with the elements as the only other phases LiNbO3 "oxidises"
at 14 V. A table is taken as incomplete for a compound where

1. no other compound of its elements holds lithium (lithium's binaries with one compound excepted),
2. its elements other than lithium, if several, have no compound among them,
3. a metal and an anion in it have no compound of these two alone.

Of the 8,656 lithium compounds of the Materials Project table of 2019 two are met by the first, 21
alloys and rare ones by the second, and one (Er-Br) by the third.
"""

from itertools import combinations

from muli.candidates.electronegativity import electronegativity
from muli.candidates.formula import Composition, reduced_formula
from muli.candidates.thermodynamics.energies import Energies

_HALOGENS = frozenset({"F", "Cl", "Br", "I"})
_METALS = frozenset({"Na", "Rb", "Sc", "Zr", "Hf", "Nb", "Cr", "Mo", "Tc", "Fe", "Co", "Nd", "Th"})
_ALONE = _HALOGENS | _METALS | {"H", "Se", "Np", "Pu"}
"""Elements of which lithium has one compound in the table of 2019; of fluorine, one that exists."""

_ANIONS = _HALOGENS | {"O", "S", "Se"}
_UNLIKE = 1.2
"""Difference of electronegativity from which a metal and an anion always have a compound."""


def missing(energies: Energies, composition: Composition) -> str | None:
    """Which phases beside a compound the table lacks or could not read; None where it is complete.

    `composition`: atoms by element. Lithium counts as one of the elements in any case.
    """
    return (
        left_out(energies, composition)
        or _no_lithium(energies, composition)
        or _no_host(energies, composition)
        or _no_binary(energies, composition)
    )


def left_out(energies: Energies, composition: Composition) -> str | None:
    """Names of phases of these elements and lithium whose energies could not be read."""
    elements = {*composition, "Li"}
    lacking = [name for name, of in energies.left_out.items() if of <= elements]
    if not lacking:
        return None
    shown = ", ".join(lacking[:5]) + (", ..." if len(lacking) > 5 else "")
    return f"the energy of {shown} could not be read; mend it, or take it out to go on without it"


def _no_lithium(energies: Energies, composition: Composition) -> str | None:
    elements = {*composition, "Li"}
    if len(elements) == 2 and elements - {"Li"} <= _ALONE:
        return None
    own = reduced_formula(composition)
    if any(name != own for name in energies.compounds(elements, having="Li")):
        return None
    system = "-".join(sorted(elements))
    return f"the table has no other compound with lithium in {system}: its hull is incomplete"


def _no_host(energies: Energies, composition: Composition) -> str | None:
    rest = composition.keys() - {"Li"}
    if len(rest) < 2 or any(energies.compounds(rest)):
        return None
    system = "-".join(sorted(rest))
    return f"the table has no compound of {system}: what is left without lithium is not known"


def _no_binary(energies: Energies, composition: Composition) -> str | None:
    for pair in combinations(sorted(composition), 2):
        if len(_ANIONS.intersection(pair)) != 1:
            continue
        first, second = map(electronegativity, pair)
        if abs(first - second) >= _UNLIKE and not any(energies.compounds(set(pair))):
            return f"the table has no compound of {'-'.join(pair)} alone: its hull is incomplete"
    return None
