"""A curve of the electronic conductivity over the potential, from a file beside a user's table.

Columns: `E_V` (V vs Li/Li+, rising), `log10_sigma_ele` (of S/cm) and, where known, `sd` (standard
deviation of log10_sigma_ele). A table names such a file in its column `sigma_ele_curve`.
"""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from muli.candidates.users.cells import Unclear, decimal_mark, is_blank, read_cell
from muli.candidates.users.problems import Problems, TableError
from muli.candidates.users.sheet import Sheet, read_sheet, refuse

COLUMNS = {"E_V": (-10.0, 10.0), "log10_sigma_ele": (-60.0, 3.0), "sd": (0.0, 20.0)}
"""Columns of a curve with the range of their numbers."""

MAX_POINTS = 10_000
LINEAR_BELOW = 0.1
"""Curves with all logarithms above zero and below this are conductivities, not logarithms."""


@dataclass(frozen=True)
class Curve:
    """Points of log10(sigma_ele / (S/cm)) over E.

    `E_V`: (n,) V vs Li/Li+, rising. `log10_sigma_ele`: (n,). `sd`: (n,) decades, zero where the
    file does not state it.
    """

    E_V: tuple[float, ...]
    log10_sigma_ele: tuple[float, ...]
    sd: tuple[float, ...]

    def shifted(self, decades: float) -> "Curve":
        """The same curve, higher by `decades`."""
        moved = tuple(value + decades for value in self.log10_sigma_ele)
        return Curve(self.E_V, moved, self.sd)


def read_curve(path: str | Path) -> Curve:
    """The curve of a file (CSV of any dialect, or .xlsx). Raises TableError with every problem."""
    sheet, problems = read_sheet(path)
    unknown = [name for name in sheet.headings if name not in COLUMNS]
    lacking = [name for name in ("E_V", "log10_sigma_ele") if name not in sheet.headings]
    if unknown or lacking or len(set(sheet.headings)) != len(sheet.headings):
        refuse(
            problems, ", ".join(sheet.headings), "columns E_V, log10_sigma_ele, sd", "rename them"
        )
    columns = {name: _column(sheet, name, problems) for name in sheet.headings}
    if not problems.found:
        _check(columns["E_V"], problems)
        if all(0.0 < number < LINEAR_BELOW for number in columns["log10_sigma_ele"]):
            value, advice = f"{columns['log10_sigma_ele'][0]:g} ...", "these look like S/cm"
            problems.add(1, "log10_sigma_ele", value, "log10 of sigma_ele, e.g. -9", advice)
    if problems.found:
        raise TableError(problems.sorted())
    count = len(columns["E_V"])
    return Curve(
        tuple(columns["E_V"]),
        tuple(columns["log10_sigma_ele"]),
        tuple(columns.get("sd", [0.0] * count)),
    )


def _column(sheet: Sheet, name: str, problems: Problems) -> list[float]:
    low, high = COLUMNS[name]
    at = sheet.headings.index(name)
    decimal = decimal_mark(cell for row in sheet.rows for cell in row)
    values = []
    for number, row in zip(sheet.numbers, sheet.rows, strict=True):
        if name == "sd" and is_blank(row[at]):
            values.append(0.0)
            continue
        try:
            value = read_cell(row[at], decimal).value
        except Unclear as error:
            problems.add(number, name, row[at], "a number", str(error))
            continue
        if value is None or not low <= value <= high:
            problems.add(number, name, row[at], f"a number from {low:g} to {high:g}", "check it")
        else:
            values.append(value)
    return values


def _check(potentials: list[float], problems: Problems) -> None:
    if not 2 <= len(potentials) <= MAX_POINTS:
        expected = f"2 to {MAX_POINTS} points"
        problems.add(1, "E_V", f"{len(potentials)} points", expected, "thin them out, or add some")
    if any(second <= first for first, second in pairwise(potentials)):
        problems.add(1, "E_V", "", "potentials that rise from row to row", "sort the rows by E_V")
