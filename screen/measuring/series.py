"""A polarisation series or a current transient from a file, in volts, seconds and A/cm2.

Columns are told by their headings: a voltage (`V`, `U`, `E`, in V or mV), a current (`I` in A, mA,
uA, nA) or a current density (`j` in A/cm2 ... ), a time (`t` in s, min, h). A conversion is listed
in `notes`; a unit that is not known is refused.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from muli.candidates.users.cells import Unclear, decimal_mark, read_cell
from muli.candidates.users.problems import TableError
from muli.candidates.users.sheet import Sheet, read_sheet
from muli.kernels.constants import ROOM_TEMPERATURE
from muli.screen.errors import UsageError

Floats = NDArray[np.float64]

_PREFIX = {"": 1.0, "m": 1e-3, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "n": 1e-9, "p": 1e-12}
_UNITS = {
    "voltage": {f"{p}V": f for p, f in _PREFIX.items()},
    "current": {f"{p}A": f for p, f in _PREFIX.items()},
    "density": {
        f"{p}A/{area}": f * per
        for p, f in _PREFIX.items()
        for area, per in (("cm2", 1.0), ("cm^2", 1.0), ("cm²", 1.0), ("m2", 1e-4), ("m^2", 1e-4))
    },
    "time": {"s": 1.0, "min": 60.0, "h": 3600.0},
}
_NAMES = {
    "voltage": ("v", "u", "e", "voltage", "potential", "bias"),
    "current": ("i", "current"),
    "density": ("j", "current density", "current_density"),
    "time": ("t", "time"),
}
_BASE = {"voltage": "V", "current": "A", "density": "A/cm2", "time": "s"}
_HEADING = re.compile(r"^\s*([^\[(/]+?)\s*(?:[\[(/]\s*([^\])]+?)\s*[\])]?)?\s*$")
FEWEST = 4
"""Points that a series needs."""
LARGEST_S_CM = 1e2
SMALLEST_S_CM = 1e-22
"""Conductivities outside are the sign of a wrong unit of thickness, area or current."""


@dataclass(frozen=True)
class Geometry:
    """The sample and the cell.

    thickness_cm, area_cm2: of the sample. temperature_K. reference_V: potential of the reversible
    electrode, V vs Li/Li+. blocking: one electrode blocks ions (Hebb-Wagner); else both do, and the
    activity inside is not defined: a constant is measured.
    """

    thickness_cm: float
    area_cm2: float
    temperature_K: float = ROOM_TEMPERATURE
    reference_V: float = 0.0
    blocking: bool = True


class Series(NamedTuple):
    """Voltages V (n,), steady current densities j in A/cm2 (n,), and times in s where measured."""

    V: Floats
    j: Floats
    t: Floats | None
    geometry: Geometry
    notes: list[str]


def read_series(path: str | Path, geometry: Geometry) -> Series:
    """The series of a file (CSV of any dialect, or .xlsx).

    Raises `UsageError` in one line: what is wrong, where, and the way out.
    """
    for name in ("thickness_cm", "area_cm2"):
        if not 0 < getattr(geometry, name) < 1e4:
            raise UsageError(f"{name} {getattr(geometry, name):g}: expected more than 0")
    try:
        sheet, problems = read_sheet(path, _known)
    except TableError as error:
        raise UsageError(str(error)) from None
    if problems.found:
        raise UsageError(str(TableError(problems.sorted())))
    notes = list(sheet.notes)
    columns = _columns(sheet, Path(path).name, notes)
    found = {kind: _numbers(sheet, at, factor, path) for kind, (at, factor) in columns.items()}
    if "density" in found:
        j = found["density"]
    elif "current" in found:
        j = found["current"] / geometry.area_cm2
    else:
        raise UsageError(f"{path}: no column of a current (I in A, or j in A/cm2)")
    if "voltage" not in found:
        raise UsageError(f"{path}: no column of a voltage (V, U or E, in V)")
    if len(j) < FEWEST:
        raise UsageError(f"{path}: {len(j)} points; expected {FEWEST} or more")
    series = Series(found["voltage"], j, found.get("time"), geometry, notes)
    _judge_size(series, path)
    return series


def _judge_size(series: Series, path: str | Path) -> None:
    used = (np.abs(series.V) > 0) & (series.j != 0)
    if not used.any():
        raise UsageError(f"{path}: every current or every voltage is zero")
    sigma = np.abs(series.j[used] * series.geometry.thickness_cm / series.V[used])
    middle = float(np.median(sigma))
    if not SMALLEST_S_CM < middle < LARGEST_S_CM:
        raise UsageError(
            f"{path}: j L/V is about {middle:.1g} S/cm, which no solid electrolyte has; check the "
            "units of thickness (cm here), area and current"
        )


def _known(headings: Sequence[str]) -> int:
    return sum(_kind(text) is not None for text in headings)


def _kind(text: str) -> tuple[str, str] | None:
    """What a heading names and its unit."""
    match = _HEADING.match(text.replace("_", " ").strip())
    if match is None:
        return None
    name, unit = match[1].strip().lower(), (match[2] or "").strip()
    if not unit and " " in name:
        name, _, unit = match[1].strip().rpartition(" ")
        name = name.lower()
    for kind, names in _NAMES.items():
        if name in names:
            return kind, unit
    return None


def _columns(sheet: Sheet, file: str, notes: list[str]) -> dict[str, tuple[int, float]]:
    """Of every quantity the column and the factor to its unit."""
    found: dict[str, tuple[int, float]] = {}
    for at, text in enumerate(sheet.headings):
        named = _kind(text)
        if named is None:
            notes.append(f"column {text!r} was not used")
            continue
        kind, unit = named
        units = _UNITS[kind]
        if kind == "current" and unit in _UNITS["density"]:
            kind, units = "density", _UNITS["density"]
        if unit and unit.replace(" ", "") not in units:
            listed = ", ".join(list(units)[:6])
            raise UsageError(f"{file}: column {text!r}: unit {unit!r}; expected one of {listed}")
        factor = units[unit.replace(" ", "")] if unit else 1.0
        if factor != 1.0:
            notes.append(f"column {text!r}: converted, {unit} x {factor:g} = {_BASE[kind]}")
        if kind in found:
            raise UsageError(f"{file}: two columns of a {kind}: {text!r} is the second")
        found[kind] = at, factor
    return found


def _numbers(sheet: Sheet, at: int, factor: float, path: str | Path) -> Floats:
    decimal = decimal_mark(cell for row in sheet.rows for cell in row)
    values = []
    for number, row in zip(sheet.numbers, sheet.rows, strict=True):
        try:
            value = read_cell(row[at], decimal).value
        except Unclear as error:
            raise UsageError(f"{path}, row {number}: {row[at]!r}: {error}") from None
        if value is None or not np.isfinite(value):
            raise UsageError(f"{path}, row {number}: {row[at]!r}: expected a number")
        values.append(value * factor)
    return np.array(values)
