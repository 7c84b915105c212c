"""Energies and band gaps from CSV of any dialect (packed, too) and .xlsx, with documented columns.

Energies, one row per compound:

| column | meaning |
|---|---|
| `formula` | required |
| `formation_energy_eV_atom` (or `Ef_eV_atom`) | eV/atom from the elements; this or the next |
| `energy_eV_atom` | total energy, eV/atom; every element needs a row too |
| `id` | optional; must not repeat |
| `functional` | optional; must be one and the same |

A table downloaded from the Materials Project website is recognised by its headings.

Gaps: `formula` and `band_gap_eV`, or `gap_min_eV`, `gap_median_eV`, `gap_max_eV` over polymorphs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from muli.candidates.formula import FormulaError, reduced_formula
from muli.candidates.importers.entries import Entry, Imported, ImportRefused, Rejected, assemble
from muli.candidates.importers.hulls import Scale
from muli.candidates.users.cells import Unclear, decimal_mark, is_blank, read_cell
from muli.candidates.users.headings import is_export
from muli.candidates.users.problems import Problem, TableError
from muli.candidates.users.sheet import read_sheet

FORMATION = ("formation_energy_eV_atom", "Ef_eV_atom")
TOTAL = "energy_eV_atom"
GAPS = ("gap_min_eV", "gap_median_eV", "gap_max_eV")

_NAMES = {"formula", *FORMATION, TOTAL, "id", "functional", "band_gap_eV", *GAPS}
_SPOKEN = {
    "formula_pretty": "formula",
    "formation_energy_per_atom": FORMATION[0],
    "formation energy (ev/atom)": FORMATION[0],
    "formation energy [ev/atom]": FORMATION[0],
    "energy_per_atom": TOTAL,
    "total energy (ev/atom)": TOTAL,
    "total energy [ev/atom]": TOTAL,
    **dict.fromkeys(("thermo_type", "xc", "xc_functional", "dft_functional"), "functional"),
    "material_id": "id",
}
_EXPORT = {
    "formula": "formula",
    "material id": "id",
    "formation energy": FORMATION[0],
    "predicted formation energy": FORMATION[0],
    "band gap": "band_gap_eV",
}
_LONGEST = 131_072
"""Longest cell, characters; every formula and number is shorter."""


@dataclass(frozen=True)
class Gap:
    """Band gap of a formula, eV: lowest, median and highest over its polymorphs."""

    low: float
    median: float
    high: float


@dataclass(frozen=True)
class _Cells:
    """A table by our columns: rows with their numbers, broken ones, and the decimal mark."""

    columns: list[str]
    rows: list[tuple[int, dict[str, str]]]
    broken: list[Problem]
    decimal: str

    def number(self, cell: str) -> float:
        """The number of a cell. Raises Unclear, also for a bound, a range or a spread."""
        if is_blank(cell):
            raise Unclear("blank")
        reading = read_cell(cell, self.decimal)
        if reading.value is None or reading.low is not None or reading.qualifier:
            raise Unclear("one number, without bounds or spread")
        return reading.value


def read_csv(path: Path, provenance: Mapping[str, str] | None = None) -> Imported:
    """Energies of a CSV or .xlsx file. Bad rows are left out and named; raises ImportRefused."""
    table = _cells(path)
    column = next((name for name in (*FORMATION, TOTAL) if name in table.columns), None)
    if "formula" not in table.columns or column is None:
        raise ImportRefused(_wanted(path, table.columns, ("formula", FORMATION[0], TOTAL)))
    entries: list[Entry] = []
    rejected = [
        _broken(problem, f"{path.name} line {problem.row}, column {column}")
        for problem in table.broken
    ]
    for line, row in table.rows:
        one = _entry(row, column, f"{path.name} line {line}, column {column}", table)
        if isinstance(one, Entry):
            entries.append(one)
        else:
            rejected.append(one)
    return assemble(entries, rejected, {"source": path.name, **(provenance or {})})


def _entry(row: Mapping[str, str], column: str, where: str, table: _Cells) -> Entry | Rejected:
    """The entry of a row, or why it has none."""
    formula, cell = row["formula"].strip(), row[column].strip()
    if max(map(len, row.values())) > _LONGEST:
        return Rejected(where, "", f"field larger than field limit ({_LONGEST})")
    try:
        value = table.number(cell)
    except Unclear as error:
        reason = f"expected a number in eV/atom: {error}"
        return Rejected(where, cell, reason, formula, is_blank=is_blank(cell))
    functional = Scale(row.get("functional", "").strip())
    return Entry(formula, value, column != TOTAL, where, row.get("id", "").strip(), functional)


def _broken(problem: Problem, where: str) -> Rejected:
    reason = f"expected a number in eV/atom, in {problem.expected} ({problem.advice})"
    return Rejected(where, problem.value, reason)


def read_gaps(path: Path) -> dict[str, Gap]:
    """Band gaps by reduced formula; rows that cannot be read are passed over."""
    table = _cells(path)
    names = ("band_gap_eV",) * 3 if "band_gap_eV" in table.columns else GAPS
    if not {"formula", *names} <= set(table.columns):
        raise ImportRefused(_wanted(path, table.columns, ("formula", "band_gap_eV")))
    gaps: dict[str, Gap] = {}
    for _, row in table.rows:
        try:
            formula = reduced_formula(row["formula"])
            low, median, high = (table.number(row[name]) for name in names)
        except (FormulaError, Unclear):
            continue
        if 0.0 <= low <= median <= high:
            gaps[formula] = Gap(low, median, high)
    return gaps


def _cells(path: Path) -> _Cells:
    """The table of a file by our columns. Raises ImportRefused."""
    try:
        sheet, problems = read_sheet(path, lambda headings: sum(map(bool, _columns(headings))))
    except TableError as error:
        raise ImportRefused(_said(path, error)) from None
    columns = _columns(sheet.headings)
    known = [name for name in columns if name]
    if len(set(known)) < len(known):
        raise ImportRefused(f"{path.name}: a column appears twice: {', '.join(known)[:200]}")
    numeric = {*FORMATION, TOTAL, "band_gap_eV", *GAPS}
    cells = (c for row in sheet.rows for n, c in zip(columns, row, strict=True) if n in numeric)
    rows = [
        (number, {n: cell for n, cell in zip(columns, row, strict=True) if n})
        for number, row in zip(sheet.numbers, sheet.rows, strict=True)
    ]
    shown = [name or text for name, text in zip(columns, sheet.headings, strict=True)]
    return _Cells(shown, rows, problems.found, decimal_mark(cells))


def _columns(headings: Sequence[str]) -> list[str]:
    """Our names of the columns, "" for those not read here."""
    spoken = _EXPORT if is_export(headings) else {}
    names = []
    for text in headings:
        bare = text.strip()
        folded = bare.casefold()
        names.append(bare if bare in _NAMES else spoken.get(folded) or _SPOKEN.get(folded, ""))
    return names


def _said(path: Path, error: TableError) -> str:
    """Why a file is no table; one without rows holds no usable energy."""
    problem = error.problems[0]
    if "no row" in problem.advice or "is empty" in problem.advice:
        return f"{path.name}: no usable energy: {problem.advice}"
    excerpt = f" (found {problem.value!r})" if problem.value else ""
    return f"{path.name}: expected {problem.expected}; {problem.advice}{excerpt}"


def _wanted(path: Path, columns: Sequence[str], names: tuple[str, ...]) -> str:
    others = [name for name in columns if name not in names]
    close = [m for n in names if n not in columns for m in get_close_matches(n, others, 1, 0.5)]
    hint = f"; did you mean {', '.join(dict.fromkeys(close))}?" if close else ""
    listed = ", ".join(columns)[:200]
    return f"{path.name}: needs columns {', '.join(names)}; found {listed or 'none'}{hint}"
