"""Which formation energies a compound can have at all: the check of a set against itself.

Total energies of elements from another calculation than the compounds' shift every formation energy
of those elements. The shift is seen where a compound lies lower, or higher, than any known one.
The bounds come from the 85,014 formation energies of the Materials Project table of 2019 (-4.62 to
1.0 eV/atom; CC BY 4.0, Jain et al. 2013, doi 10.1063/1.4812323, as tabulated by Bartel et al. 2020,
doi 10.1038/s41524-020-00362-y): a bound 0.4 eV/atom below the lowest of them, and the
lowest energy of each pair of an element and an anion (`library/lowest_formation_energies.csv`).
"""

from collections.abc import Iterable, Sequence
from csv import DictReader
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from muli.candidates.electronegativity import spread
from muli.candidates.formula import Composition, reduced_formula

FORMATION_LIMIT = 10.0
"""eV/atom; no compound has more, so that a larger number has another unit or meaning."""

_FLOOR = (1.6, 4.2, 5.2)
"""A compound lies above -min(c, a + b times the spread of its electronegativities), eV/atom."""

_KNOWN = Path(__file__).parents[1] / "library" / "lowest_formation_energies.csv"

_APART = 1.2
"""eV/atom by which the lowest compound of a metal and an anion may differ from that of the table:
functionals and their corrections differ by less than half of it."""

_LOWEST = 1.0
"""eV/atom; an element whose lowest compound lies above this has another reference energy."""


@dataclass(frozen=True)
class Formed:
    """A compound and its formation energy, eV/atom."""

    formula: str
    composition: Composition
    energy: float

    def __str__(self) -> str:
        return f"{self.formula} {self.energy:+.2f}"


def floor(composition: Composition) -> float:
    """Formation energy, eV/atom, below which no compound of this composition lies."""
    a, b, deepest = _FLOOR
    return -min(deepest, a + b * spread(composition))


def impossible(formed: Iterable[Formed]) -> list[Formed]:
    """Compounds whose derived formation energies cannot be right, the worst first."""
    compounds = [one for one in formed if len(one.composition) > 1]
    lowest = _lowest(compounds)
    wrong = [one for one in lowest if abs(one.energy) > FORMATION_LIMIT]
    wrong += [one for one in lowest if one.energy < floor(one.composition)]
    wrong += _out_of_place(lowest)
    unique = {one.formula: one for one in wrong}
    return sorted(unique.values(), key=lambda one: -abs(one.energy))


def _lowest(compounds: Sequence[Formed]) -> list[Formed]:
    """The lowest polymorph of every compound."""
    lowest: dict[str, Formed] = {}
    for one in compounds:
        name = reduced_formula(one.composition)
        if name not in lowest or one.energy < lowest[name].energy:
            lowest[name] = one
    return list(lowest.values())


def _out_of_place(lowest: Sequence[Formed]) -> list[Formed]:
    """Lowest compounds of an element that lie too high, and of two elements far from the known."""
    pairs: dict[frozenset[str], Formed] = {}
    alone: dict[str, Formed] = {}
    for one in sorted(lowest, key=lambda one: one.energy):
        for symbol in one.composition:
            alone.setdefault(symbol, one)
        if len(one.composition) == 2:
            pairs.setdefault(frozenset(one.composition), one)
    high = [one for one in alone.values() if one.energy > _LOWEST]
    return high + [one for pair, one in pairs.items() if _is_apart(pair, one.energy)]


def _is_apart(pair: frozenset[str], energy: float) -> bool:
    """Whether the lowest compound of two elements lies far from the known lowest one."""
    first, second = pair
    known = _known_lowest()
    lowest = known.get((first, second), known.get((second, first)))
    return lowest is not None and abs(energy - lowest) > _APART


@cache
def _known_lowest() -> dict[tuple[str, str], float]:
    """Lowest formation energy, eV/atom, of (element, anion) in the table of 2019."""
    with _KNOWN.open() as stream:
        rows = list(DictReader(stream))
    return {
        (row["element"], anion): float(cell)
        for row in rows
        for anion, cell in row.items()
        if anion != "element" and cell
    }
