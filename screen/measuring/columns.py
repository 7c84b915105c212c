"""Columns of a laboratory's or a calculation's file as numbers, recognised by their headings.

Every conversion, every unit that is assumed and every row that is left out is noted; an unknown
unit is an error.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from muli.candidates.users.cells import Unclear, decimal_mark, is_blank, read_cell
from muli.candidates.users.problems import TableError
from muli.candidates.users.sheet import Sheet, read_sheet
from muli.screen.errors import UsageError
from muli.screen.measuring.headings import Conversion, Quantity, kinds, named
from muli.screen.measuring.times import NoTime, seconds

Floats = NDArray[np.float64]

ALIKE = 0.01
"""Relative difference up to which two columns of one quantity agree."""
OVERFLOW = 9e36
"""Larger values are what an instrument writes where its range was exceeded."""
_SHOWN = 6
"""Units and rows that a message lists."""


@dataclass(frozen=True)
class Columns:
    """Numbers by quantity, (rows,) each, NaN where a cell holds none, the file's row numbers, and
    what was done to them."""

    file: str
    values: dict[str, Floats]
    rows: list[int]
    notes: list[str] = field(default_factory=list)

    def only(self, quantities: Collection[str]) -> "Columns":
        """These quantities alone, and the rows in which all of them have a number."""
        values = {kind: column for kind, column in self.values.items() if kind in quantities}
        unknown = np.any([np.isnan(column) for column in values.values()], axis=0)
        kept = np.flatnonzero(~unknown)
        notes = [*self.notes, *self._left_out(unknown)]
        if not len(kept):
            raise UsageError(f"{self.file}: no row has a number in every column that is needed")
        rows = [self.rows[at] for at in kept]
        return Columns(self.file, {k: column[kept] for k, column in values.items()}, rows, notes)

    def _left_out(self, unknown: NDArray[np.bool_]) -> list[str]:
        rows = [str(self.rows[at]) for at in np.flatnonzero(unknown)]
        if not rows:
            return []
        more = " ..." if len(rows) > _SHOWN else ""
        return [f"left out: {len(rows)} rows without a number ({', '.join(rows[:_SHOWN])}{more})"]


def count_named(quantities: Mapping[str, Quantity], headings: Sequence[str]) -> int:
    """How many of the quantities are named by headings."""
    return len(kinds(headings, quantities))


def open_sheet(path: str | Path, known: Callable[[Sequence[str]], int]) -> Sheet:
    """The cells of a file (CSV of any dialect, or .xlsx). Raises `UsageError`."""
    try:
        sheet, problems = read_sheet(path, known)
    except TableError as error:
        raise UsageError(str(error)) from None
    if problems.found:
        raise UsageError(str(TableError(problems.sorted())))
    return sheet


def read_columns(path: str | Path, quantities: Mapping[str, Quantity]) -> Columns:
    """The numbers of a file by quantity, in the units of the quantities.

    Raises `UsageError` in one line: what is wrong, where, and how to correct it.
    """
    sheet = _with_units(open_sheet(path, partial(count_named, quantities)), quantities)
    columns = Columns(Path(path).name, {}, list(sheet.numbers), list(sheet.notes))
    names = [named(heading, quantities) for heading in sheet.headings]
    used = [at for at, name in enumerate(names) if name is not None and name[0] != "time"]
    decimal = decimal_mark(row[at] for row in sheet.rows for at in used)
    if decimal == ",":
        columns.notes.append("decimal commas")
    passed = [repr(sheet.headings[at])[:30] for at, name in enumerate(names) if name is None]
    if passed:
        more = " ..." if len(passed) > _SHOWN else ""
        columns.notes.append(f"columns not used: {', '.join(passed[:_SHOWN])}{more}")
    for at, name in enumerate(names):
        if name is not None:
            _add(columns, quantities, name, sheet, at, decimal)
    return columns


def _with_units(sheet: Sheet, quantities: Mapping[str, Quantity]) -> Sheet:
    """The sheet; where its first row holds units, each is joined to its heading."""
    headings, first = list(sheet.headings), sheet.rows[0]
    count = 0
    for at, (heading, cell) in enumerate(zip(sheet.headings, first, strict=True)):
        name = named(heading, quantities)
        if name is None or name[1] or is_blank(cell):
            continue
        if quantities[name[0]].conversion(cell.strip("()[] ")) is None:
            return sheet
        headings[at] = f"{heading} ({cell.strip('()[] ')})"
        count += 1
    if not count or len(sheet.rows) < 2:
        return sheet
    return replace(sheet, headings=headings, rows=sheet.rows[1:], numbers=sheet.numbers[1:])


def _add(
    found: Columns,
    quantities: Mapping[str, Quantity],
    name: tuple[str, str],
    sheet: Sheet,
    at: int,
    decimal: str,
) -> None:
    """Add a column. Two columns of one quantity must agree."""
    (kind, unit), heading = name, sheet.headings[at]
    try:
        numbers = seconds([row[at] for row in sheet.rows]) if kind == "time" else None
    except NoTime as error:
        found.notes.append(f"column {heading!r} was not used: {error}")
        return
    if numbers is None:
        numbers = _numbers(sheet, at, decimal, found.file)
        conversion = _conversion(quantities[kind], heading, unit, found)
        numbers = numbers * conversion.factor + conversion.shift
    if kind not in found.values:
        found.values[kind] = numbers
        return
    other = found.values[kind]
    if not np.allclose(numbers, other, rtol=ALIKE, atol=0.0, equal_nan=True):
        raise UsageError(
            f"{found.file}: two columns of {kind} that differ: {heading!r} is the second; "
            "leave one away"
        )
    found.notes.append(f"column {heading!r} says the same as another {kind}")


def _conversion(quantity: Quantity, heading: str, unit: str, found: Columns) -> Conversion:
    if not unit:
        if quantity.unit:
            found.notes.append(f"column {heading!r} has no unit: taken as {quantity.unit}")
        return Conversion(1.0)
    conversion = quantity.conversion(unit)
    if conversion is None:
        listed = ", ".join(list(quantity.units)[:_SHOWN])
        raise UsageError(
            f"{found.file}: column {heading!r}: unit {unit!r}; expected one of {listed}"
        )
    if conversion != Conversion(1.0):
        shift = f" + {conversion.shift:g}" if conversion.shift else ""
        done = f"{unit} x {conversion.factor:.10g}{shift} = {quantity.unit}"
        found.notes.append(f"column {heading!r}: converted, {done}")
    return conversion


def _numbers(sheet: Sheet, at: int, decimal: str, file: str) -> Floats:
    values = []
    for number, row in zip(sheet.numbers, sheet.rows, strict=True):
        if is_blank(row[at]):
            values.append(np.nan)
            continue
        try:
            reading = read_cell(row[at], decimal)
        except Unclear as error:
            raise UsageError(f"{file}, row {number}: {row[at]!r}: {error}") from None
        if reading.value is None or reading.qualifier:
            wanted = "expected a number; a blank cell leaves the row out"
            raise UsageError(f"{file}, row {number}: {row[at]!r}: {wanted}")
        values.append(reading.value if abs(reading.value) < OVERFLOW else np.nan)
    return np.array(values, np.float64)
