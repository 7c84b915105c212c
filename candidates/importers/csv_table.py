"""Energies and band gaps from CSV (packed, too), with documented columns.

Energies, one row per compound:

| column | meaning |
|---|---|
| `formula` | required |
| `formation_energy_eV_atom` (or `Ef_eV_atom`) | eV/atom from the elements; this or the next |
| `energy_eV_atom` | total energy, eV/atom; every element needs a row too |
| `id` | optional; must not repeat |
| `functional` | optional; must be one and the same |

Gaps: `formula` and `band_gap_eV`, or `gap_min_eV`, `gap_median_eV`, `gap_max_eV` over polymorphs.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from muli.candidates.formula import FormulaError, reduced_formula
from muli.candidates.importers.entries import Entry, Imported, ImportRefused, Rejected, assemble
from muli.candidates.importers.hulls import Scale
from muli.candidates.importers.limits import read_limited
from muli.candidates.importers.values import Unusable, number

FORMATION = ("formation_energy_eV_atom", "Ef_eV_atom")
TOTAL = "energy_eV_atom"
MINUS = "\u2212"
"""The minus sign of a typeset page."""

GAPS = ("gap_min_eV", "gap_median_eV", "gap_max_eV")


@dataclass(frozen=True)
class Gap:
    """Band gap of a formula, eV: lowest, median and highest over its polymorphs."""

    low: float
    median: float
    high: float


def read_csv(path: Path, provenance: Mapping[str, str] | None = None) -> Imported:
    """Energies of a CSV file. Bad rows are left out and named; raises ImportRefused."""
    columns, rows = _rows(path)
    energy_column = next((name for name in (*FORMATION, TOTAL) if name in columns), None)
    if "formula" not in columns or energy_column is None:
        raise ImportRefused(_wanted(path, columns, ("formula", FORMATION[0], TOTAL)))
    entries, rejected = [], []
    for line, row in rows:
        where = f"{path.name} line {line}, column {energy_column}"
        one = _entry(row, energy_column, where)
        if isinstance(one, Entry):
            entries.append(one)
        elif one is not None:
            rejected.append(one)
    return assemble(entries, rejected, {"source": path.name, **(provenance or {})})


def _entry(row: dict[str, str] | str, column: str, where: str) -> Entry | Rejected | None:
    """The entry of a row, why it has none, or None where the row is blank throughout."""
    if isinstance(row, str):
        return Rejected(where, "", row)
    if not any(cell.strip() for cell in row.values() if isinstance(cell, str)):
        return None
    formula, cell = (row.get("formula") or "").strip(), (row.get(column) or "").strip()
    try:
        value = number(cell.replace(MINUS, "-"))
    except Unusable as error:
        reason = f"expected a number in eV/atom: {error}"
        return Rejected(where, cell, reason, formula, is_blank=not cell)
    functional = Scale((row.get("functional") or "").strip())
    return Entry(formula, value, column != TOTAL, where, row.get("id") or "", functional)


def read_gaps(path: Path) -> dict[str, Gap]:
    """Band gaps by reduced formula; rows that cannot be read are passed over."""
    columns, rows = _rows(path)
    single = "band_gap_eV" in columns
    names = ("band_gap_eV",) * 3 if single else GAPS
    if not {"formula", *names} <= set(columns):
        raise ImportRefused(_wanted(path, columns, ("formula", "band_gap_eV")))
    gaps: dict[str, Gap] = {}
    for _, row in rows:
        if isinstance(row, str):
            continue
        values = [_number(row.get(name)) for name in names]
        try:
            formula = reduced_formula(row.get("formula") or "")
        except FormulaError:
            continue
        low, median, high = values
        if low is not None and median is not None and high is not None and 0 <= low <= high:
            gaps[formula] = Gap(low, median, high)
    return gaps


def _rows(path: Path) -> tuple[list[str], Iterator[tuple[int, dict[str, str] | str]]]:
    """Columns, and (line, cells by column) or (line, why the line cannot be read)."""
    text = read_limited(path).decode("utf-8-sig", errors="replace")
    reader = csv.DictReader(io.StringIO(text), restkey="", strict=True)
    try:
        columns = [name.strip() for name in reader.fieldnames or []]
    except csv.Error as error:
        raise ImportRefused(f"{path.name}: not a CSV file ({error})") from error
    reader.fieldnames = columns
    return columns, _lines(reader)


def _lines(reader: "csv.DictReader[str]") -> Iterator[tuple[int, dict[str, str] | str]]:
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield reader.reader.line_num, str(error)
        else:
            yield reader.line_num, row


def _number(text: str | None) -> float | None:
    try:
        return number(text)
    except Unusable:
        return None


def _wanted(path: Path, columns: list[str], names: tuple[str, ...]) -> str:
    close = [match for name in names for match in get_close_matches(name, columns, 1, 0.5)]
    hint = f"; did you mean {', '.join(dict.fromkeys(close))}?" if close else ""
    found = ", ".join(columns)[:200]
    return f"{path.name}: needs columns {', '.join(names)}; found {found or 'none'}{hint}"
