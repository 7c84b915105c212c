"""A polarisation series or a current transient from a file, in volts, seconds and A/cm2.

Columns are told by their headings: a voltage (`V`, `U`, `E`, in V or mV), a current (`I` in A, mA,
uA, nA) or a current density (`j` in A/cm2 ... ), a time (`t` in s, min, h). A conversion is listed
in `notes`; a unit that is not known is refused.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from muli.kernels.constants import ROOM_TEMPERATURE
from muli.screen.errors import UsageError
from muli.screen.measuring.columns import PREFIXES, Floats, Quantity, read_columns

_AREAS = {"cm2": 1.0, "m2": 1e-4}
QUANTITIES = {
    "voltage": Quantity(
        ("v", "u", "e", "voltage", "potential", "bias"),
        "V",
        {f"{prefix}V": factor for prefix, factor in PREFIXES.items()},
    ),
    "current": Quantity(
        ("i", "current"), "A", {f"{prefix}A": factor for prefix, factor in PREFIXES.items()}
    ),
    "density": Quantity(
        ("j", "current density", "i", "current"),
        "A/cm2",
        {
            f"{prefix}{spelled}": factor * per
            for prefix, factor in PREFIXES.items()
            for area, per in _AREAS.items()
            for spelled in (f"A/{area}", f"A{area.replace('2', '-2')}")
        },
    ),
    "time": Quantity(("t", "time"), "s", {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}),
}
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
    columns = read_columns(path, QUANTITIES)
    found = columns.values
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
    series = Series(found["voltage"], j, found.get("time"), geometry, columns.notes)
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
