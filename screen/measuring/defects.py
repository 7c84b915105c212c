"""Defect calculations: sigma_ele(E) from concentrations of carriers against lithium's potential.

    sigma_ele(E) = e (n(E) mu_n + p(E) mu_p),   E = -mu_Li/e against lithium metal

n, p: electrons and holes per cm3, at a potential E (V vs Li/Li+) or a chemical potential mu_Li (eV
per Li, zero in lithium metal); mu_n, mu_p: mobilities, cm2/(V s), from columns or options. Files of
such programs are read as they are: rows may repeat a point (one row for every kind of defect),
other columns are ignored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.constants import elementary_charge

from muli.candidates.schema import NUMERIC
from muli.candidates.users.units import unit_of
from muli.kernels.constants import ROOM_TEMPERATURE
from muli.screen.errors import UsageError
from muli.screen.measuring.columns import Columns, Floats, read_columns
from muli.screen.measuring.curve_law import law_of_curve
from muli.screen.measuring.fit import Measured
from muli.screen.measuring.headings import Conversion, Quantity
from muli.screen.measuring.series import TEMPERATURE

_PER_VOLUME = {"cm": 1.0, "m": 1e-6, "nm": 1e21, "A": 1e24, "L": 1e-3, "l": 1e-3}
_MOBILITY = {
    f"{area}{spelled}": factor
    for area, factor in (("cm2", 1.0), ("m2", 1e4))
    for spelled in ("/Vs", "/(Vs)", "/V/s", "V-1s-1", "s-1V-1", "/sV", "/(sV)")
}


def _concentration() -> dict[str, float]:
    factors = {}
    for length, factor in _PER_VOLUME.items():
        power = "" if length in "Ll" else "3"
        for spelled in (f"{length}-{power or 1}", f"1/{length}{power}", f"/{length}{power}"):
            factors[spelled] = factor
    return factors


class _Potential(Quantity):
    """Volts against lithium in the spellings of tables of materials."""

    def conversion(self, text: str) -> Conversion | None:
        """To volts against Li/Li+; None where the unit is unknown."""
        unit = unit_of(NUMERIC["oxidation_limit_V"], text)
        return None if unit is None else Conversion(unit.factor, unit.shift)


class _Energy(Quantity):
    """Energies per lithium; E = -mu_Li."""

    def conversion(self, text: str) -> Conversion | None:
        """To eV for one lithium; None where the unit is unknown."""
        unit = unit_of(NUMERIC["sigma_ion_activation_eV"], text.removesuffix("/Li"))
        return None if unit is None else Conversion(unit.factor)


_VOLTS = {"V": 1.0, "mV": 1e-3, "V vs Li/Li+": 1.0, "V vs Li-In": 1.0}
_LI = ("mu li", "chemical potential", "delta mu li", "dmu li", "mu(li)", "chemical potential of li")
QUANTITIES: Mapping[str, Quantity] = {
    "potential": _Potential(("e", "potential", "voltage"), "V vs Li/Li+", _VOLTS),
    "chemical potential": _Energy(_LI, "eV", {"eV": 1.0, "meV": 1e-3, "kJ/mol": 1.0}),
    "electrons": Quantity(
        (
            "n",
            "n e",
            "n0",
            "electrons",
            "electron concentration",
            "electron density",
            "c e",
            "elektronen",
        ),
        "cm-3",
        _concentration(),
    ),
    "holes": Quantity(
        ("p", "n h", "p0", "holes", "hole concentration", "hole density", "c h", "löcher"),
        "cm-3",
        _concentration(),
    ),
    "mobility of electrons": Quantity(
        (
            "mu n",
            "mu e",
            "mobility n",
            "mobility e",
            "electron mobility",
            "mobility electrons",
            "mobility of electrons",
            "n mobility",
        ),
        "cm2/(V s)",
        _MOBILITY,
    ),
    "mobility of holes": Quantity(
        (
            "mu p",
            "mu h",
            "mobility p",
            "mobility h",
            "hole mobility",
            "mobility holes",
            "mobility of holes",
            "p mobility",
        ),
        "cm2/(V s)",
        _MOBILITY,
    ),
    "temperature": TEMPERATURE,
}
CARRIERS = (
    ("electrons", "mobility of electrons", "--mu-n"),
    ("holes", "mobility of holes", "--mu-p"),
)
FEWEST = 3
"""Points that a curve needs."""
LOWEST_V, HIGHEST_V = -2.0, 10.0
DENSEST, FASTEST = 1e24, 1e6
"""Carriers per cm3 and cm2/(V s) that no solid exceeds."""
LEAST_S_CM, MOST_S_CM = 1e-60, 1e3
"""Range of sigma_ele in tables of materials and curves."""
SAME = 1e-6
"""Relative difference up to which rows at one potential agree."""


@dataclass(frozen=True)
class Carriers:
    """Points of a calculation, E rising.

    E: V vs Li/Li+. sigma: e (n mu_n + p mu_p), S/cm. temperature_K: of all points. notes: what was
    read and converted.
    """

    E: Floats
    sigma: Floats
    temperature_K: float
    notes: list[str]


def read_defects(
    path: str | Path,
    *,
    mobility_n: float | None = None,
    mobility_p: float | None = None,
    temperature_K: float | None = None,
) -> Carriers:
    """The conductivity over the potential of a file of concentrations.

    Args:
        path: CSV of any dialect, or .xlsx.
        mobility_n, mobility_p: cm2/(V s), where the file has no column of them.
        temperature_K: where the file has no column of it; 298.15 where neither states it.

    Raises:
        UsageError: one line, what is wrong, where, and how to correct it.
    """
    columns = read_columns(path, QUANTITIES)
    columns = columns.only(set(columns.values))
    E = _potentials(columns)
    sigma = np.zeros_like(E)
    for (carrier, mobility, option), value in zip(CARRIERS, (mobility_n, mobility_p), strict=True):
        if carrier in columns.values:
            sigma = sigma + _part(columns, carrier, mobility, option, value)
        else:
            columns.notes.append(f"no column of {carrier}: taken as none")
    temperature = _temperature(columns, temperature_K)
    E, sigma = _merged(columns, E, sigma)
    if sigma.max() > MOST_S_CM:
        raise UsageError(
            f"{path}: sigma_ele reaches {sigma.max():.3g} S/cm; expected at most {MOST_S_CM:g}: "
            "check the units of concentrations and mobilities"
        )
    carried = sigma >= LEAST_S_CM
    if not carried.all():
        count = int((~carried).sum())
        columns.notes.append(f"left out: {count} points below {LEAST_S_CM:g} S/cm")
    E, sigma = E[carried], sigma[carried]
    if len(E) < FEWEST:
        raise UsageError(f"{path}: {len(E)} points with carriers; expected {FEWEST} or more")
    return Carriers(E, sigma, temperature, columns.notes)


def conductivity(carriers: Carriers) -> Measured:
    """The law of a calculation: branches where they describe every point, else the curve."""
    law = law_of_curve(carriers.E, np.log10(carriers.sigma), carriers.temperature_K)
    return replace(law, notes=[*carriers.notes, *law.notes])


def _potentials(columns: Columns) -> Floats:
    """E in V vs Li/Li+, from E or mu_Li."""
    values = columns.values
    if "potential" in values and "chemical potential" in values:
        E, other = values["potential"], -values["chemical potential"]
        _refuse(columns, "potential", np.abs(E - other) > 1e-3 + 1e-3 * np.abs(E),
                "E = -mu_Li against lithium metal; leave one of the two columns away")  # fmt: skip
    elif "potential" in values:
        E = values["potential"]
    elif "chemical potential" in values:
        E = 0.0 - values["chemical potential"]
        columns.notes.append("E = -mu_Li, mu_Li against lithium metal")
    else:
        raise UsageError(f"{columns.file}: no column of E (V vs Li/Li+) or mu_Li (eV)")
    kind = "potential" if "potential" in values else "chemical potential"
    outside = (E < LOWEST_V) | (E > HIGHEST_V)
    advice = f"E from {LOWEST_V:g} to {HIGHEST_V:g} V vs Li/Li+"
    if kind == "chemical potential":
        advice += ": mu_Li is 0 in lithium metal and negative elsewhere"
    _refuse(columns, kind, outside, advice)
    return E


def _part(
    columns: Columns, carrier: str, mobility: str, option: str, given: float | None
) -> Floats:
    """Conductivity of one kind of carrier, S/cm."""
    density = columns.values[carrier]
    _refuse(columns, carrier, (density < 0) | (density > DENSEST),
            f"0 to {DENSEST:g} cm-3; check the unit")  # fmt: skip
    if mobility in columns.values and given is not None:
        raise UsageError(f"{option}: the file has a column of the {mobility}; leave one away")
    if mobility in columns.values:
        speed = columns.values[mobility]
        _refuse(columns, mobility, (speed < 0) | (speed > FASTEST), f"0 to {FASTEST:g} cm2/(V s)")
    elif given is not None:
        if not 0 <= given <= FASTEST:
            raise UsageError(f"{option} {given:g}: expected 0 to {FASTEST:g} cm2/(V s)")
        speed = np.full_like(density, given)
        columns.notes.append(f"{mobility}: {given:g} cm2/(V s) at every point")
    elif not density.any():
        return density
    else:
        raise UsageError(
            f"{columns.file}: no {mobility}: add a column, or give {option} in cm2/(V s)"
        )
    return elementary_charge * density * speed


def _refuse(columns: Columns, kind: str, wrong: NDArray[np.bool_], expected: str) -> None:
    """Raise `UsageError` for the first row that is wrong."""
    if np.any(wrong):
        at = int(np.flatnonzero(wrong)[0])
        value = columns.values[kind][at]
        raise UsageError(
            f"{columns.file}, row {columns.rows[at]}, {kind}: {value:.6g}; expected {expected}"
        )


def _temperature(columns: Columns, given: float | None) -> float:
    if "temperature" not in columns.values:
        return ROOM_TEMPERATURE if given is None else given
    stated = columns.values["temperature"]
    other = np.abs(stated - stated[0]) > 0.5
    _refuse(columns, "temperature", other, f"one temperature, {stated[0]:g} K as in the first row")
    _refuse(columns, "temperature", (stated < 1) | (stated > 5000), "a temperature in K")
    if given is not None and abs(given - stated[0]) > 0.5:
        raise UsageError(f"--celsius: the file says {stated[0]:g} K; leave one away")
    return float(stated[0])


def _merged(columns: Columns, E: Floats, sigma: Floats) -> tuple[Floats, Floats]:
    """Points by rising E, each once; rows that contradict each other are refused."""
    order = np.argsort(E, kind="stable")
    E, sigma, rows = E[order], sigma[order], np.array(columns.rows)[order]
    keep = np.append(True, np.diff(E) > 1e-9)
    first = np.maximum.accumulate(np.where(keep, np.arange(len(E)), 0))
    differs = np.abs(sigma - sigma[first]) > SAME * sigma[first]
    if differs.any():
        at = int(np.flatnonzero(differs)[0])
        raise UsageError(
            f"{columns.file}, rows {rows[first[at]]} and {rows[at]}: two conductivities at "
            f"{E[at]:.6g} V; leave one away"
        )
    if not keep.all():
        columns.notes.append(f"{int((~keep).sum())} rows repeat a point")
    return E[keep], sigma[keep]
