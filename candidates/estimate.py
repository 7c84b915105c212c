"""Conductivities by class, from the measured rows of the library: a guess that looks like one.

A class is a chemistry, a role and whether the material is a film: electrolytes are chosen for a
high ionic conductivity, so they say nothing of coatings. The narrowest class with at least three
measured materials at room temperature speaks for a material: its family, then its chemistry, as a
film (or not) in its role; for the electronic conductivity, which few have measured and nobody
selects for, then its chemistry alone. The estimate is the middle of the class in order of size, its
range the class's lowest and highest. Where no class is large enough there is no estimate.

A band gap is never turned into a conductivity: 4 eV would give 1e-33 S/cm, and every oxide would
protect at a nanometre, while measured films leak by defects and impurities.
"""

from dataclasses import dataclass
from functools import cache
from itertools import chain

import pandas as pd

from muli.candidates.formula import FormulaError, parse
from muli.candidates.wide import library

PROPERTIES = ("sigma_ion_S_cm", "sigma_ele_S_cm")
MINIMUM_COUNT = 3
"""Measured materials a class needs before it may speak."""

_ROOM = (285.0, 313.0)
_ROLES = ("coating", "electrolyte")
_HALOGENS = {"F", "Cl", "Br", "I"}


@dataclass(frozen=True)
class Estimate:
    """A class's middle and range, S/cm, and how many measured materials stand behind it."""

    name: str
    value: float
    low: float
    high: float
    count: int

    @property
    def source(self) -> str:
        """What stands in the source column."""
        return f"estimate from {self.count} measured materials: {self.name}"


def chemistry(formula: str | None) -> str | None:
    """sulfide, oxide (every compound with oxygen), halide or other; None where unreadable."""
    if not isinstance(formula, str):
        return None
    try:
        elements = set(parse(formula))
    except FormulaError:
        return None
    if "O" in elements:
        return "oxide"
    if "S" in elements:
        return "sulfide"
    return "halide" if elements & _HALOGENS else "other"


def estimates() -> pd.DataFrame:
    """All classes large enough to speak: property, class, count, low, middle, high (S/cm)."""
    rows = [
        (name, found.name, found.count, found.low, found.value, found.high)
        for name in PROPERTIES
        for found in _classes(name).values()
    ]
    return pd.DataFrame(rows, columns=["property", "class", "count", "low", "middle", "high"])


def estimate_missing(frame: pd.DataFrame) -> pd.DataFrame:
    """The wide table with unknown conductivities filled by class, marked `estimated` everywhere.

    Sets the value, `_low`, `_high`, `_count`, `_method` ("estimated"), `_source` (class and count)
    and `evidence_*`. Known values are left as they are; so are rows whose class is too small.
    """
    filled = frame.copy()
    for name in PROPERTIES:
        stem = name.removesuffix("_S_cm")
        unknown = filled.index[filled[name].isna()]
        found = {index: estimate(name, filled.loc[index]) for index in unknown}
        known = {index: value for index, value in found.items() if value is not None}
        marks = [_marks(name, stem, value) for value in known.values()]
        for column in marks[0] if marks else ():
            filled.loc[list(known), column] = [mark[column] for mark in marks]
    return filled


def _marks(name: str, stem: str, found: Estimate) -> dict[str, str | float]:
    return {
        name: found.value,
        f"{name}_low": found.low,
        f"{name}_high": found.high,
        f"{name}_count": float(found.count),
        f"{name}_method": "estimated",
        f"{name}_source": found.source,
        f"evidence_{stem}": "estimated",
        f"{stem}_temperature_K": 298.15,
    }


def estimate(name: str, material: pd.Series) -> Estimate | None:
    """The estimate of one property for a row (formula, family, form); None where none may speak."""
    known = _classes(name)
    keys = _keys(name, material, material["role"])
    return next((known[key] for key in keys if key in known), None)


def _keys(name: str, material: pd.Series, role: str) -> list[str]:
    """Names of the classes a material is in, narrowest first."""
    group = chemistry(material["formula"])
    if group is None or role not in _ROLES:
        return []
    shape = "film" if material["form"] == "film" else "bulk"
    keys = [f"{material['family']} {shape} as {role}", f"{group} {shape} as {role}"]
    return [*keys, group] if name == "sigma_ele_S_cm" else keys


@cache
def _classes(name: str) -> dict[str, Estimate]:
    measured = library()
    kelvin = measured[f"{name.removesuffix('_S_cm')}_temperature_K"]
    fits = (measured[f"{name}_method"] == "measured") & kelvin.between(*_ROOM)
    members: dict[str, list[float]] = {}
    for _, material in measured[fits].iterrows():
        keys = [_keys(name, material, role) for role in material["role"].split("; ")]
        for key in dict.fromkeys(chain.from_iterable(keys)):
            members.setdefault(key, []).append(material[name])
    return {
        key: _summary(key, sorted(values))
        for key, values in sorted(members.items())
        if len(values) >= MINIMUM_COUNT
    }


def _summary(name: str, values: list[float]) -> Estimate:
    middle = values[(len(values) - 1) // 2]
    return Estimate(name, middle, values[0], values[-1], len(values))
