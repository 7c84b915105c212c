"""Reading of any file that `muli measure` takes; its headings decide of which kind it is.

result = measure_file("examples/defects.csv", Options(mu_n=0.5, mu_p=0.02))
result.measured.law, result.measured.curve[0]
"""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import NamedTuple

from muli.screen.errors import UsageError
from muli.screen.measuring.defects import Carriers, conductivity, read_defects
from muli.screen.measuring.fit import Measured, fit_series
from muli.screen.measuring.kinds import Kind, kind_of_file
from muli.screen.measuring.resistance import (
    Beside,
    GrowthMeasured,
    fit_resistance,
    read_resistance,
)
from muli.screen.measuring.series import Geometry, Series, read_series

ZERO_CELSIUS = 273.15
TAKEN: dict[Kind, tuple[str, ...]] = {
    "polarisation": ("um", "cm2", "celsius", "reference", "symmetric", "window"),
    "defects": ("mu_n", "mu_p", "celsius"),
    "resistance": ("cm2", "drive", "interphase_nm", "charge", "volume"),
}
"""Options of each kind of file."""
RANGES = {
    "um": (0.0, 1e7, "a thickness in um"),
    "cm2": (0.0, 1e4, "an area in cm2"),
    "celsius": (-173.15, 1226.85, "a temperature in degrees Celsius"),
    "reference": (-5.0, 10.0, "a potential in V vs Li/Li+"),
}
"""Smallest and largest value of options, and what they are; sizes of 0 are excluded."""
SAID: dict[Kind, str] = {
    "polarisation": "a polarisation series or a transient",
    "defects": "a defect calculation",
    "resistance": "resistances over time",
}


@dataclass(frozen=True)
class Options:
    """What a file does not state, named as on the command line; None where not given.

    um, cm2: thickness and area of the sample. celsius: temperature (25). reference: potential of
    the reversible electrode, V vs Li/Li+ (0). symmetric: both electrodes block ions. window: of the
    sample, V vs Li/Li+; points outside are not fitted. mu_n, mu_p: mobilities, cm2/(V s). drive: V
    between the electrolyte's limit and the electrode. interphase_nm, charge (uAh/cm2): of the
    interphase at the last time. volume: cm3 of products per coulomb.
    """

    um: float | None = None
    cm2: float | None = None
    celsius: float | None = None
    reference: float | None = None
    symmetric: bool | None = None
    window: tuple[float, float] | None = None
    mu_n: float | None = None
    mu_p: float | None = None
    drive: float | None = None
    interphase_nm: float | None = None
    charge: float | None = None
    volume: float | None = None


class Found(NamedTuple):
    """Result of a file: the law of sigma_ele, its temperature, its source and its points."""

    measured: Measured
    temperature_K: float
    source: str
    points: Series | Carriers


def measure_file(path: str | Path, options: Options) -> Found | GrowthMeasured:
    """sigma_ele of a polarisation series, a transient or a defect calculation, or the properties of
    an interphase from resistances over time.

    Raises `UsageError` in one line: what is wrong, where, and how to correct it.
    """
    kind = kind_of_file(path)
    _refuse_others(path, kind, options)
    _refuse_sizes(options)
    if kind == "resistance":
        beside = Beside(options.drive, options.interphase_nm, options.charge, options.volume)
        return fit_resistance(*read_resistance(path, options.cm2), beside)
    temperature = None if options.celsius is None else options.celsius + ZERO_CELSIUS
    name = Path(path).name
    if kind == "defects":
        carriers = read_defects(
            path,
            mobility_n=options.mu_n,
            mobility_p=options.mu_p,
            temperature_K=temperature,
        )
        source = f"defect calculation, {name}"
        return Found(conductivity(carriers), carriers.temperature_K, source, carriers)
    if options.um is None or options.cm2 is None:
        raise UsageError(f"{path}: {SAID[kind]}: give --um and --cm2 of the sample")
    geometry = Geometry(
        options.um * 1e-4,
        options.cm2,
        reference_V=options.reference or 0.0,
        blocking=not options.symmetric,
        window_V=options.window,
    )
    series = read_series(path, geometry, temperature)
    source = f"measured here, {name}"
    return Found(fit_series(series), series.geometry.temperature_K, source, series)


def _refuse_others(path: str | Path, kind: Kind, options: Options) -> None:
    for field in fields(options):
        if getattr(options, field.name) is not None and field.name not in TAKEN[kind]:
            option = f"--{field.name.replace('_', '-')}"
            raise UsageError(f"{option} does not apply: {path} holds {SAID[kind]}")


def _refuse_sizes(options: Options) -> None:
    """Raise `UsageError` where a value is impossible for a sample or a cell."""
    for name, (low, high, what) in RANGES.items():
        value = getattr(options, name)
        if value is None or low < value <= high:
            continue
        ends = f"more than 0, at most {high:g}" if low == 0 else f"{low:g} to {high:g}"
        raise UsageError(f"--{name} {value:g}: expected {what}, {ends}")
