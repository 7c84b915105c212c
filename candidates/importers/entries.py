"""Result of every importer: entries, checked as one set and converted to energies.

A set is refused as a whole where its energies do not belong together (functionals mixed, an
element's reference missing or of another calculation, an id twice). A single entry that cannot be
read is left out and named; the hulls that it may belong to are marked as incomplete.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from muli.candidates.formula import Composition, FormulaError, parse, reduced_formula
from muli.candidates.importers.hulls import MixedScales, Scale, one_scale
from muli.candidates.importers.plausible import FORMATION_LIMIT, Formed, floor, impossible
from muli.candidates.importers.values import LARGEST_ENERGY
from muli.candidates.thermodynamics.energies import Energies

_NAMED = 5


class ImportRefused(ValueError):
    """A set of energies that must not be used together; the message has reason and advice."""


@dataclass(frozen=True)
class Rejected:
    """One entry left out: its place, its content, and what was expected.

    `formula` as far as it could be read, else ""; `is_blank` where the source gives no energy.
    """

    where: str
    value: str
    reason: str
    formula: str = ""
    is_blank: bool = False

    def __str__(self) -> str:
        name = f"{self.formula[:60]}: " if self.formula else ""
        return f"{self.where}: {name}{self.reason} (found {self.value[:60]!r})"


@dataclass(frozen=True)
class Entry:
    """One computed energy, eV/atom: of formation from the elements, or total."""

    formula: str
    energy: float
    is_formation: bool
    where: str
    id: str = ""
    scale: Scale = field(default_factory=Scale)


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
    try:
        functional = one_scale([entry.scale for entry in kept])
    except MixedScales as error:
        raise ImportRefused(str(error)) from None
    rows = [(entry.formula, entry.energy) for entry in kept if entry.is_formation]
    totals = [entry for entry in kept if not entry.is_formation]
    if rows and totals:
        raise ImportRefused("formation energies and total energies in one table: give one kind")
    rows = rows or _formation(totals)
    lacking = _lacking(left_out, {reduced_formula(formula) for formula, _ in rows})
    return Imported(Energies.of(rows, {**functional, **provenance}, lacking), tuple(left_out))


def _lacking(left_out: Sequence[Rejected], held: set[str]) -> dict[str, frozenset[str]]:
    """Phases that the hulls lack, with their elements (none where the formula says nothing).

    An entry without an energy is not missed where another one of the same compound has one.
    """
    phases: dict[str, frozenset[str]] = {}
    for entry in left_out:
        try:
            name = reduced_formula(entry.formula)
            elements = frozenset(parse(entry.formula))
        except FormulaError:
            name, elements = f"{entry.formula[:40] or 'an entry'} ({entry.where})", frozenset()
        if not (entry.is_blank and name in held):
            phases[name] = elements
    return phases


def _problem(entry: Entry) -> Rejected | None:
    try:
        composition = parse(entry.formula)
    except FormulaError as error:
        return Rejected(entry.where, entry.formula, str(error))
    reason = _implausible(entry, composition)
    return Rejected(entry.where, f"{entry.energy:g}", reason, entry.formula) if reason else None


def _implausible(entry: Entry, composition: Composition) -> str | None:
    if not entry.is_formation:
        large = not abs(entry.energy) <= LARGEST_ENERGY
        return f"beyond {LARGEST_ENERGY:g} eV/atom: no energy of atoms" if large else None
    if not abs(entry.energy) <= FORMATION_LIMIT:
        return f"formation energy beyond {FORMATION_LIMIT:g} eV/atom: kJ/mol, or a total energy?"
    if len(composition) == 1:
        return "an element forms from itself at 0 eV" if entry.energy < -1e-6 else None
    if entry.energy < (lowest := floor(composition)):
        return f"no compound of these elements lies below {lowest:.1f} eV/atom: a total energy?"
    return None


def _nothing(left_out: list[Rejected]) -> str:
    reasons = "; ".join(map(str, left_out[:_NAMED])) or "the file holds no entries"
    return f"no usable energy: {reasons}"


def _refuse_duplicates(entries: list[Entry]) -> None:
    counts = Counter(entry.id for entry in entries if entry.id)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        shown = ", ".join(name[:40] for name in twice[:_NAMED]) + (
            ", ..." if len(twice) > _NAMED else ""
        )
        raise ImportRefused(f"{len(twice)} ids occur more than once: {shown}; keep one of each")


def _formation(totals: Sequence[Entry]) -> list[tuple[str, float]]:
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
            f"no entry of the element {', '.join(sorted(missing)[:20])}: total energies need every "
            "element as a reference; add them, or give formation energies"
        )
    formed = [
        Formed(entry.formula, composition, entry.energy - _of_elements(composition, reference))
        for entry, composition in zip(totals, compositions, strict=True)
    ]
    _refuse_impossible(formed, reference)
    return [(one.formula, one.energy) for one in formed]


def _refuse_impossible(formed: Sequence[Formed], reference: Mapping[str, float]) -> None:
    """Refuse the whole set where derived energies are impossible: an element affects all rows."""
    wrong = impossible(formed)
    if not wrong:
        return
    symbols = sorted({symbol for one in wrong for symbol in one.composition})
    elements = ", ".join(f"{symbol} {reference[symbol]:.2f}" for symbol in symbols)
    shown = ", ".join(map(str, wrong[:_NAMED])) + (", ..." if len(wrong) > _NAMED else "")
    raise ImportRefused(
        f"formation energies that no compound has, eV/atom: {shown}; derived from the elements "
        f"{elements} eV/atom. The elements and the compounds seem to come from different "
        "calculations, or energies are per cell or per formula: give all from one, per atom"
    )


def _of_elements(composition: Composition, reference: Mapping[str, float]) -> float:
    atoms = sum(composition.values())
    return sum(reference[symbol] * n for symbol, n in composition.items()) / atoms
