"""What every importer hands over: entries, checked as one set and turned into energies.

A set is refused as a whole where its energies do not belong together (functionals mixed, an
element's reference missing, an id twice); a single entry that cannot be read is left out and named.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite

from muli.candidates.formula import Composition, FormulaError, parse
from muli.candidates.thermodynamics.energies import Energies

FORMATION_LIMIT = 10.0
"""eV/atom; no compound forms with more, so that a larger number has another unit or meaning."""

_NAMED = 5


class ImportRefused(ValueError):
    """A set of energies that must not be used together; the message says why and the way out."""


@dataclass(frozen=True)
class Rejected:
    """One entry left out: where it stood, what it held, why, and what was expected."""

    where: str
    value: str
    reason: str

    def __str__(self) -> str:
        return f"{self.where}: {self.reason} (found {self.value[:60]!r})"


@dataclass(frozen=True)
class Entry:
    """One computed energy, eV/atom: of formation from the elements, or total.

    `functional` as the source names it ("" unknown). `mixed_in` says that the source has itself
    corrected this energy to stand beside those of another functional (GGA+U beside GGA).
    """

    formula: str
    energy: float
    is_formation: bool
    where: str
    id: str = ""
    functional: str = ""
    mixed_in: bool = False


@dataclass(frozen=True)
class Imported:
    """Energies ready for thermodynamics, and the entries that were left out."""

    energies: Energies
    rejected: tuple[Rejected, ...]


def assemble(
    entries: Iterable[Entry], rejected: Iterable[Rejected], provenance: Mapping[str, str]
) -> Imported:
    """One consistent table of formation energies. Raises ImportRefused."""
    left_out = list(rejected)
    kept: list[Entry] = []
    for entry in entries:
        problem = _problem(entry)
        if problem:
            left_out.append(problem)
        else:
            kept.append(entry)
    if not kept:
        raise ImportRefused(_nothing(left_out))
    _refuse_duplicates(kept)
    functional = _one_functional(kept)
    rows = [(entry.formula, entry.energy) for entry in kept if entry.is_formation]
    totals = [entry for entry in kept if not entry.is_formation]
    if rows and totals:
        raise ImportRefused("formation energies and total energies in one table: give one kind")
    energies = Energies.of(rows or _formation(totals), {**functional, **provenance})
    return Imported(energies, tuple(left_out))


def _problem(entry: Entry) -> Rejected | None:
    try:
        composition = parse(entry.formula)
    except FormulaError as error:
        return Rejected(entry.where, entry.formula, str(error))
    if not isfinite(entry.energy):
        return Rejected(entry.where, str(entry.energy), "energy is not a finite number of eV/atom")
    if entry.is_formation and abs(entry.energy) > FORMATION_LIMIT:
        reason = f"formation energy beyond {FORMATION_LIMIT:g} eV/atom: kJ/mol, or a total energy?"
        return Rejected(entry.where, f"{entry.energy:g}", reason)
    if entry.is_formation and len(composition) == 1 and entry.energy < -1e-6:
        return Rejected(entry.where, f"{entry.energy:g}", "an element forms from itself at 0 eV")
    return None


def _nothing(left_out: list[Rejected]) -> str:
    reasons = "; ".join(map(str, left_out[:_NAMED])) or "the file holds no entries"
    return f"no usable energy: {reasons}"


def _refuse_duplicates(entries: list[Entry]) -> None:
    counts = Counter(entry.id for entry in entries if entry.id)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        shown = ", ".join(twice[:_NAMED]) + (", ..." if len(twice) > _NAMED else "")
        raise ImportRefused(f"{len(twice)} ids occur more than once: {shown}; keep one of each")


def _one_functional(entries: list[Entry]) -> dict[str, str]:
    """The functional of the set, "GGA_GGA+U" where the source has mixed the two itself."""
    named = Counter(entry.functional for entry in entries if entry.functional)
    bare = Counter(e.functional for e in entries if e.functional and not e.mixed_in)
    if len(bare) > 1 or (len(named) > 1 and not _is_gga_mixing(named)):
        shown = ", ".join(f"{name} ({count})" for name, count in sorted(named.items()))
        raise ImportRefused(
            f"energies of different functionals in one table: {shown}; their differences are not "
            "reaction energies; keep one functional, or apply a mixing scheme first"
        )
    return {"functional": "_".join(sorted(named))} if named else {}


def _is_gga_mixing(named: Counter[str]) -> bool:
    return set(named) <= {"GGA", "GGA+U", "PBE", "PBE+U"}


def _formation(totals: list[Entry]) -> list[tuple[str, float]]:
    """Formation energies from total energies: minus the lowest entry of each element."""
    compositions = [parse(entry.formula) for entry in totals]
    reference: dict[str, float] = {}
    for entry, composition in zip(totals, compositions, strict=True):
        if len(composition) == 1:
            symbol = next(iter(composition))
            reference[symbol] = min(entry.energy, reference.get(symbol, float("inf")))
    missing = set().union(*compositions) - reference.keys()
    if missing:
        raise ImportRefused(
            f"no entry of the element {', '.join(sorted(missing))}: total energies need every "
            "element as a reference; add them, or give formation energies"
        )
    return [
        (entry.formula, entry.energy - _elements_energy(composition, reference))
        for entry, composition in zip(totals, compositions, strict=True)
    ]


def _elements_energy(composition: Composition, reference: Mapping[str, float]) -> float:
    atoms = sum(composition.values())
    return sum(reference[symbol] * n for symbol, n in composition.items()) / atoms
