"""Columns of a laboratory's or a calculation's file, told by their headings and converted.

A heading names a quantity and, in brackets, behind a bar or behind a blank, its unit: `U (mV)`,
`I/nA`, `n_cm-3`. Every conversion and every unit that is taken for granted is listed in words; a
unit that is not known is refused.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from muli.candidates.users.cells import Unclear, decimal_mark, read_cell
from muli.candidates.users.problems import TableError
from muli.candidates.users.sheet import Sheet, read_sheet
from muli.screen.errors import UsageError

Floats = NDArray[np.float64]

PREFIXES = {"": 1.0, "k": 1e3, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12}
_SHOWN = 6
"""Units that a message lists."""
_FOLDED = str.maketrans(
    {
        **dict.fromkeys("µμ", "u"),
        **dict(zip("−⁻⁺¹²³Å", "--+123A", strict=True)),
        **dict.fromkeys("Ω\u2126", "ohm"),
        **dict.fromkeys("·⋅*^{} \u00a0", ""),
    }
)


class Conversion(NamedTuple):
    """value * factor + shift in the unit of the quantity."""

    factor: float
    shift: float = 0.0


@dataclass(frozen=True)
class Quantity:
    """What a column may hold.

    names: headings without their unit, in small letters. units: factor or conversion to `unit` by
    spelling, without blanks and `^`.
    """

    names: tuple[str, ...]
    unit: str
    units: Mapping[str, float | Conversion]

    def conversion(self, text: str) -> Conversion | None:
        """Of a unit as a heading spells it; None where it is not known."""
        found = self.units.get(folded(text))
        return Conversion(found) if isinstance(found, float) else found


@dataclass(frozen=True)
class Columns:
    """Numbers by quantity, (rows,) each, the file's row numbers, and what was done to them."""

    file: str
    values: dict[str, Floats]
    rows: list[int]
    notes: list[str] = field(default_factory=list)


def folded(text: str) -> str:
    """One spelling for one unit: "cm^-3", "cm⁻³" and "cm -3" are the same."""
    return text.translate(_FOLDED).replace("Ohm", "ohm")


def named(heading: str, quantities: Mapping[str, Quantity]) -> tuple[str, str] | None:
    """The quantity that a heading names, and the unit as it is spelled there.

    Of quantities that share a name the one that knows the unit is taken.
    """
    text = re.sub(r"\s+", " ", heading.replace("_", " ")).strip()
    text = re.sub("^[μµ] ?", "mu ", text)  # a potential or a mobility
    found = []
    for kind, quantity in quantities.items():
        for name in quantity.names:
            rest = text[len(name) :]
            if text[: len(name)].lower() == name and (not rest or rest[0] in " ([{/,:"):
                found.append((len(name), kind, _without_brackets(rest)))
    longest = max((length for length, _, _ in found), default=0)
    fits = [(kind, unit) for length, kind, unit in found if length == longest]
    known = [each for each in fits if not each[1] or quantities[each[0]].conversion(each[1])]
    return next(iter(known or fits), None)


def _without_brackets(rest: str) -> str:
    unit = rest.strip(" ,:")
    for opening, closing in ("()", "[]", "{}"):
        if unit.startswith(opening) and unit.endswith(closing):
            return unit[1:-1].strip()
    return unit.removeprefix("/").strip()


def count_named(quantities: Mapping[str, Quantity], headings: Sequence[str]) -> int:
    """How many headings name one of the quantities."""
    return sum(named(text, quantities) is not None for text in headings)


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

    Raises `UsageError` in one line: what is wrong, where, and the way out.
    """
    sheet = open_sheet(path, partial(count_named, quantities))
    found = Columns(Path(path).name, {}, list(sheet.numbers), list(sheet.notes))
    decimal = None
    for at, heading in enumerate(sheet.headings):
        what = named(heading, quantities)
        if what is None:
            found.notes.append(f"column {heading!r} was not used")
            continue
        kind, unit = what
        if kind in found.values:
            raise UsageError(f"{path}: two columns of a {kind}: {heading!r} is the second")
        conversion = _conversion(quantities[kind], heading, unit, found)
        if decimal is None:
            decimal = decimal_mark(cell for row in sheet.rows for cell in row)
        numbers = _numbers(sheet, at, decimal, path)
        found.values[kind] = numbers * conversion.factor + conversion.shift
    return found


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


def _numbers(sheet: Sheet, at: int, decimal: str, path: str | Path) -> Floats:
    values = []
    for number, row in zip(sheet.numbers, sheet.rows, strict=True):
        try:
            reading = read_cell(row[at], decimal)
        except Unclear as error:
            raise UsageError(f"{path}, row {number}: {row[at]!r}: {error}") from None
        if reading.value is None or reading.qualifier:
            raise UsageError(f"{path}, row {number}: {row[at]!r}: expected a number")
        values.append(reading.value)
    return np.array(values)
