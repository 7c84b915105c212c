"""The numbers of one column of a user's table: converted, held to its range, with their ends."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from muli.candidates.schema import Column
from muli.candidates.users.cells import Reading, Unclear, is_blank, read_cell
from muli.candidates.users.headings import described
from muli.candidates.users.problems import Problems
from muli.candidates.users.units import Unit

_PLAIN = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?"


@dataclass
class Numbers:
    """A column as numbers in its own unit, NaN where nothing is known.

    `value`, `low`, `high`: (n,) floats. `bound`, `qualifier`: (n,) words, "" where none. `counts`
    tells how many cells were read as what.
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    bound: list[str]
    qualifier: list[str]
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, what: str, number: int = 1) -> None:
        """Note that cells were read as `what`."""
        self.counts[what] = self.counts.get(what, 0) + number


def read_numbers(
    name: str,
    cells: Sequence[str],
    rows: Sequence[int],
    unit: Unit,
    decimal: str,
    has_ends: bool,
    problems: Problems,
) -> Numbers:
    """The numbers of the column `name` of a table; cells that cannot be used are problems.

    Args:
        name: a column of ours.
        cells: (n,) text of the cells.
        rows: (n,) their rows in the file.
        unit: what the heading says they are in.
        decimal: decimal mark of the file.
        has_ends: whether bounds, ranges and spreads have a place beside the column.
        problems: where problems are noted.
    """
    column = described(name)
    if column is None:
        raise ValueError(f"{name} is no column of numbers")
    numbers = _nothing(len(cells))
    text = pd.Series(cells, dtype=object).str.strip()
    plain = text.str.fullmatch(_PLAIN).to_numpy(bool)
    numbers.value[plain] = [unit.convert(float(cell)) for cell in text[plain]]
    _hold(numbers, column, text, rows, plain, problems)
    numbers.count("numbers", int(np.isfinite(numbers.value).sum()))
    for at in np.flatnonzero(~plain):
        cell = _Cell(int(at), str(text.iloc[at]), rows[int(at)], unit, decimal, has_ends)
        _other(numbers, cell, column, problems)
    return numbers


def _nothing(count: int) -> Numbers:
    value, low, high = np.full((3, count), np.nan)
    return Numbers(value, low, high, [""] * count, [""] * count)


@dataclass(frozen=True)
class _Cell:
    """A cell that is not a plain number: its place, text, row, and how it is to be read."""

    at: int
    text: str
    row: int
    unit: Unit
    decimal: str
    has_ends: bool

    def read(self) -> Reading:
        """Its content in the unit of the column. Raises Unclear."""
        reading = read_cell(self.text, self.decimal)
        if not self.has_ends and reading.value is None:
            raise Unclear("a bound or a range: give one number, or leave it blank where unknown")
        value, low, high = (
            None if one is None else self.unit.convert(one)
            for one in (reading.value, reading.low, reading.high)
        )
        return Reading(value, low, high, reading.bound, reading.qualifier)


def _other(found: Numbers, cell: _Cell, column: Column, problems: Problems) -> None:
    """Take a cell that is not a plain number, or note what is wrong with it."""
    if is_blank(cell.text):
        found.count("blank")
        return
    try:
        reading = cell.read()
    except Unclear as error:
        problems.add(cell.row, column.name, cell.text, column.unit, str(error))
        return
    value, low, high = reading.value, reading.low, reading.high
    if value is not None and low is not None and low <= column.low:
        low = None if column.above_zero else column.low  # a spread that reaches below the range
    for one in (value, low, high):
        if one is not None and (reason := outside(column, one)):
            problems.add(cell.row, column.name, cell.text, expected(column), reason)
            return
    if value is not None:
        found.value[cell.at] = value
    if cell.has_ends:
        found.low[cell.at] = np.nan if low is None else low
        found.high[cell.at] = np.nan if high is None else high
        found.bound[cell.at], found.qualifier[cell.at] = reading.bound, reading.qualifier
    found.count(_kind(reading))


def _kind(reading: Reading) -> str:
    if reading.bound:
        return f"{reading.bound} bounds"
    if reading.value is None:
        return "ranges"
    if reading.low is not None:
        return "numbers with a spread"
    return "orders of magnitude" if reading.qualifier else "numbers in another spelling"


def _hold(
    found: Numbers,
    column: Column,
    text: pd.Series,
    rows: Sequence[int],
    plain: np.ndarray,
    problems: Problems,
) -> None:
    """Replace plain numbers out of range by NaN; each one is a problem."""
    values = found.value
    inside = (values >= column.low) & (values <= column.high)
    if column.above_zero:
        inside &= values > 0.0
    for at in np.flatnonzero(plain & ~inside):
        value = float(values[at])
        problems.add(
            rows[int(at)], column.name, str(text.iloc[at]), expected(column), slip(column, value)
        )
        values[at] = np.nan


def outside(column: Column, value: float) -> str | None:
    """The likely mistake where a value lies outside the range of its column, else None."""
    above = value > 0.0 or not column.above_zero
    return None if above and column.low <= value <= column.high else slip(column, value)


def expected(column: Column) -> str:
    """Unit and range of a column, for a message."""
    low = f"from {column.low:g}" if column.low > 1e-30 or not column.above_zero else "above 0,"
    return f"{column.unit}, {low} to {column.high:g}"


def slip(column: Column, value: float) -> str:
    """The likely unit mistake behind a number out of range, e.g. "another unit? 35 meV is ..."."""
    if not abs(value) < float("inf"):
        return "not a finite number"
    if value < 0 and column.low >= 0:
        return "negative"
    if value == 0:
        return "zero; leave it blank where unknown"
    if column.unit == "K" and -100.0 < value < column.low:
        return f"degrees Celsius? {value:g} C is {value + 273.15:g} K"
    fits = [
        f"{value:g} {unit} is {value * factor:.4g} {column.unit}"
        for factor, unit in column.slips
        if column.low <= value * factor <= column.high
    ]
    return f"another unit? {', '.join(fits)}" if fits else "no unit slip fits: check the number"
