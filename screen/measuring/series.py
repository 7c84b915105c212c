"""A polarisation series or a current transient from a file, in volts, seconds and A/cm2.

Columns are recognised by their headings: a voltage (`V`, `U`, `Ewe`, in V or mV) or an electrode's
potential (`E (V vs Li/Li+)`), a current (`I` in A, mA, uA, nA) or a current density (`j` in A/cm2
...), with its error where the file states one, a time (`t` in s, min, h), a temperature. A
conversion is listed in `notes`; an unknown unit is an error.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from muli.candidates.schema import NUMERIC
from muli.candidates.users.units import unit_of
from muli.kernels.constants import ROOM_TEMPERATURE
from muli.screen.errors import UsageError
from muli.screen.measuring.columns import Columns, Floats, read_columns
from muli.screen.measuring.headings import PREFIXES, Conversion, Quantity

_AREAS = {"cm2": 1.0, "m2": 1e-4, "mm2": 1e2}
_VOLTS = {
    f"{prefix}V{against}": factor
    for prefix, factor in PREFIXES.items()
    for against in ("", "vs.Ref.", "vsRef", "vs.Ref", "vsreference", "vs.OCV")
}
_AMPERES = {f"{prefix}A": factor for prefix, factor in PREFIXES.items()}
_DENSITIES = {
    f"{prefix}{spelled}": factor * per
    for prefix, factor in PREFIXES.items()
    for area, per in _AREAS.items()
    for spelled in (f"A/{area}", f"A{area.replace('2', '-2')}")
}
_CURRENT = ("i", "im", "current", "strom", "measured current", "stromstärke")
_DENSITY = ("j", "current density", "stromdichte", *_CURRENT)
_POTENTIAL = ("e", "ewe", "potential", "electrode potential", "v", "voltage", "u")


def _errors(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the standard errors of what has these names."""
    spoken = ("{} sd", "{} std", "{} error", "{} err", "sd {}", "std {}", "error of {}", "d{}")
    return tuple(form.format(name) for name in names for form in spoken)


class _AgainstLithium(Quantity):
    """Volts against an electrode that is named."""

    def conversion(self, text: str) -> Conversion | None:
        """To volts against Li/Li+; None where no electrode of lithium is named."""
        unit = unit_of(NUMERIC["oxidation_limit_V"], text) if "vs" in text.lower() else None
        return None if unit is None else Conversion(unit.factor, unit.shift)


class Temperatures(Quantity):
    """Kelvin or degrees Celsius."""

    def conversion(self, text: str) -> Conversion | None:
        """To kelvin; None where the unit is unknown."""
        unit = unit_of(NUMERIC["sigma_ele_temperature_K"], text)
        return None if unit is None else Conversion(unit.factor, unit.shift)


TEMPERATURE = Temperatures(
    ("t", "temperature", "temp", "temp.", "temperatur", "quenched temperature"),
    "K",
    {"K": 1.0, "°C": 1.0},
)
TIMES = {"s": 1.0, "ms": 1e-3, "min": 60.0, "h": 3600.0, "d": 86400.0}
QUANTITIES = {
    "voltage": Quantity(
        ("v", "u", "e", "voltage", "potential", "bias", "spannung", "vf", "ewe", "vm", "volts"),
        "V",
        _VOLTS,
    ),
    "voltage of the cell": Quantity(
        ("ewe-ece", "ecell", "vcell", "cell voltage", "zellspannung"), "V", _VOLTS
    ),
    "voltage that was set": Quantity(
        ("control", "source value", "potential applied", "applied potential", "applied voltage",
         "set voltage"), "V", _VOLTS,
    ),
    "potential against lithium": _AgainstLithium(_POTENTIAL, "V vs Li/Li+", {"V vs Li/Li+": 1.0}),
    "current": Quantity((*_CURRENT, "amps"), "A", _AMPERES),
    "density": Quantity(_DENSITY, "A/cm2", _DENSITIES),
    "error of the current": Quantity(_errors(_CURRENT), "A", _AMPERES),
    "error of the density": Quantity(_errors(_DENSITY), "A/cm2", _DENSITIES),
    "time": Quantity(("t", "time", "zeit", "test time", "elapsed time", "corrected time"), "s",
                     TIMES),
    "temperature": TEMPERATURE,
}  # fmt: skip
VOLTAGES = ("potential against lithium", "voltage", "voltage of the cell", "voltage that was set")
"""Kinds of voltages, the one that is taken first."""
FEWEST = 4
"""Points that a series needs."""
LARGEST_V = 20.0
SAME_V = 1e-6
"""Relative difference up to which voltages count as the same."""
LARGEST_S_CM = 1e2
SMALLEST_S_CM = 1e-22
"""Conductivities outside this range indicate a wrong unit of thickness, area or current."""
LARGEST_UNNAMED_S_CM = 1e-3
"""The same where the file names no unit of the current."""
THINNEST_CM, THICKEST_CM = 1e-7, 5.0
SMALLEST_CM2, LARGEST_CM2 = 1e-8, 1e4
PELLET_CM = (1e-3, 1.0)
PELLET_CM2 = (1e-3, 20.0)
"""Thicknesses and areas of most samples: 10 um to 1 cm, and 0.1 mm2 to 20 cm2."""
ALIKE_K = 2.0
AREA_WITHIN = 0.02


@dataclass(frozen=True)
class Geometry:
    """The sample and the cell.

    thickness_cm, area_cm2: of the sample. temperature_K. reference_V: potential of the reversible
    electrode, V vs Li/Li+. blocking: one electrode blocks ions (Hebb-Wagner); else both do, and the
    activity inside is not defined: a constant is measured. window_V: stability window of the
    sample, V vs Li/Li+; points outside are left out of the fit.
    """

    thickness_cm: float
    area_cm2: float
    temperature_K: float = ROOM_TEMPERATURE
    reference_V: float = 0.0
    blocking: bool = True
    window_V: tuple[float, float] | None = None


class Series(NamedTuple):
    """Voltages V (n,), steady current densities j in A/cm2 (n,), times in s where measured, and
    standard errors of j in A/cm2 (n,) where the file states them."""

    V: Floats
    j: Floats
    t: Floats | None
    geometry: Geometry
    notes: list[str]
    j_sd: Floats | None = None


def read_series(path: str | Path, geometry: Geometry, temperature_K: float | None = None) -> Series:
    """The series of a file (CSV of any dialect, or .xlsx).

    temperature_K: as stated by the user; where the file has a column of it, both must agree, and
    where it is None the file's is taken.

    Raises `UsageError` in one line: what is wrong, where, and how to correct it.
    """
    columns = read_columns(path, QUANTITIES)
    _check(geometry)
    voltage = next((kind for kind in VOLTAGES if kind in columns.values), None)
    if not {"density", "current"} & set(columns.values):
        raise UsageError(
            f"{path}: no column of a current (I in A, or j in A/cm2){_passed(columns)}"
        )
    if voltage is None:
        raise UsageError(f"{path}: no column of a voltage (V, U or E, in V){_passed(columns)}")
    size = "density" if "density" in columns.values else "current"
    spread = f"error of the {size}"
    used = {voltage, size, "current", "time", *({spread} & set(columns.values))}
    stated = columns.values.get("temperature")
    columns = columns.only(used)
    if len(columns.rows) < FEWEST:
        raise UsageError(f"{path}: {len(columns.rows)} points; expected {FEWEST} or more")
    notes = [*columns.notes, *_size_notes(geometry)]
    geometry = _with_temperature(geometry, stated, temperature_K, notes)
    values = columns.values
    per_cm2 = 1.0 if size == "density" else 1.0 / geometry.area_cm2
    V, j = values[voltage], values[size] * per_cm2
    if voltage == "potential against lithium":
        V = V - geometry.reference_V
        notes.append(f"V = E less {geometry.reference_V:g} V of the reference electrode")
    elif voltage != "voltage":
        notes.append(f"taken: the {voltage}")
    _compare_area(values, geometry, path)
    j_sd = values[spread] * per_cm2 if spread in values else None
    if j_sd is not None:
        notes.append("points are weighted by the errors that the file states")
    series = Series(V, j, values.get("time"), geometry, notes, j_sd)
    _judge_size(series, path)
    return series


def _passed(columns: Columns) -> str:
    """The part of a message about columns that were not used."""
    return "".join(f"; {note}" for note in columns.notes if note.startswith("columns not used"))


def _check(geometry: Geometry) -> None:
    for name, value, low, high, unit in (
        ("thickness", geometry.thickness_cm, THINNEST_CM, THICKEST_CM, "cm"),
        ("area", geometry.area_cm2, SMALLEST_CM2, LARGEST_CM2, "cm2"),
    ):
        if not low <= value <= high:
            raise UsageError(
                f"{name} {value:g} {unit}: expected {low:g} to {high:g} {unit}; is it in "
                f"{'um (--um)' if name == 'thickness' else 'cm2 (--cm2)'}?"
            )


def _size_notes(geometry: Geometry) -> list[str]:
    """Notes on a thickness or an area that few samples have."""
    notes, cm, cm2 = [], geometry.thickness_cm, geometry.area_cm2
    if cm < PELLET_CM[0]:
        notes.append(
            f"thickness {1e4 * cm:g} um is that of a film; in mm it would be --um {1e7 * cm:g}"
        )
    if cm > PELLET_CM[1]:
        notes.append(f"thickness {cm:g} cm is more than that of a pellet: is it in um?")
    if not PELLET_CM2[0] <= cm2 <= PELLET_CM2[1]:
        notes.append(f"area {cm2:g} cm2 is unusual; in mm2 it would be --cm2 {0.01 * cm2:g}")
    return notes


def _with_temperature(
    geometry: Geometry, stated: Floats | None, told: float | None, notes: list[str]
) -> Geometry:
    """The geometry at the temperature that a file states, where it does."""
    if stated is None or not np.isfinite(stated).any():
        return geometry if told is None else replace(geometry, temperature_K=told)
    low, high = float(np.nanmin(stated)), float(np.nanmax(stated))
    if told is not None:
        if not low - ALIKE_K <= told <= high + ALIKE_K:
            raise UsageError(
                f"--celsius {told - 273.15:g}: the file says {low - 273.15:.4g} to "
                f"{high - 273.15:.4g} C; leave one away"
            )
        return replace(geometry, temperature_K=told)
    if not 100.0 < low <= high < 1500.0:
        raise UsageError(f"temperatures of {low:g} to {high:g} K in the file: check their unit")
    middle = float(np.nanmean(stated))
    notes.append(f"temperature {middle - 273.15:.4g} C, from the file")
    if high - low > ALIKE_K:
        notes.append(f"the temperature ran from {low - 273.15:.4g} to {high - 273.15:.4g} C")
    return replace(geometry, temperature_K=middle)


def _compare_area(found: dict[str, Floats], geometry: Geometry, path: str | Path) -> None:
    """Refuse an area by which a file's currents do not give its current densities."""
    if not {"current", "density"} <= set(found):
        return
    used = (found["density"] != 0) & (found["current"] != 0)
    if not used.any():
        return
    area = float(np.median(found["current"][used] / found["density"][used]))
    if abs(area / geometry.area_cm2 - 1.0) > AREA_WITHIN:
        raise UsageError(
            f"{path}: its currents and current densities stand for {area:.4g} cm2, not "
            f"{geometry.area_cm2:g} cm2: correct --cm2, or leave one of the columns away"
        )


def _judge_size(series: Series, path: str | Path) -> None:
    used = (np.abs(series.V) > 0) & (series.j != 0)
    if not used.any():
        raise UsageError(f"{path}: every current or every voltage is zero")
    largest = float(np.abs(series.V).max())
    if largest > LARGEST_V:
        raise UsageError(
            f"{path}: a voltage of {largest:g} V; expected {LARGEST_V:g} V or less: say the unit "
            "in the heading, as in V (mV)"
        )
    if series.t is None and np.ptp(series.V) <= SAME_V * largest:
        raise UsageError(
            f"{path}: one voltage, {largest:g} V, and no times: expected several voltages, or a "
            "column of times (t in s, min, h or d)"
        )
    sigma = np.abs(series.j[used] * series.geometry.thickness_cm / series.V[used])
    middle = float(np.median(sigma))
    unnamed = any(note.endswith("taken as A") for note in series.notes)
    largest = LARGEST_UNNAMED_S_CM if unnamed else LARGEST_S_CM
    if not SMALLEST_S_CM < middle < largest:
        why = "no unit of the current is named" if unnamed else "no solid electrolyte has that"
        raise UsageError(
            f"{path}: j L/V is about {middle:.1g} S/cm, and {why}; check the units of thickness "
            f"({series.geometry.thickness_cm:g} cm here), area and current"
        )
