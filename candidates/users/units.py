"""Units that headings name, and how their numbers become the units of the columns.

A conversion is a factor and, for temperatures and potentials, a shift: value * factor + shift.
Potentials against another electrode are shifted by that electrode's potential against Li/Li+.
"""

import re
from dataclasses import dataclass
from functools import cache

from muli.candidates.schema import Column

_KJ_MOL = 1.0 / 96.48533212331
"""eV of one kJ/mol: the Faraday constant, exact in the SI since 2019."""

_LI_IN_V = 0.62
"""V vs Li/Li+ of the two-phase electrode In + LiIn (`potentials.csv`, Jung2018)."""

_SIGMA = {
    "S/cm": 1.0,
    "mS/cm": 1e-3,
    "uS/cm": 1e-6,
    "nS/cm": 1e-9,
    "pS/cm": 1e-12,
    "S/m": 1e-2,
    "mS/m": 1e-5,
    "uS/m": 1e-8,
    "/ohm/cm": 1.0,
    "/ohm/m": 1e-2,
}
_ENERGY = {
    "eV": 1.0,
    "meV": 1e-3,
    "kJ/mol": _KJ_MOL,
    "J/mol": 1e-3 * _KJ_MOL,
    "kcal/mol": 4.184 * _KJ_MOL,
}
_PER_ATOM = {"eV/atom": 1.0, "meV/atom": 1e-3}
_LITHIUM = ("", " vs Li/Li+", " vs Li", " vs Li+/Li", " vs Li0", " vs Li metal")
_INDIUM = (
    " vs Li-In",
    " vs LiIn",
    " vs In/InLi",
    " vs InLi/In",
    " vs In-Li",
    " vs In/LiIn",
    " vs Li-In/In",
)


@dataclass(frozen=True)
class Unit:
    """How numbers of a heading become those of a column: value * factor + shift."""

    name: str
    factor: float = 1.0
    shift: float = 0.0

    def convert(self, value: float) -> float:
        """The value in the unit of the column; a conversion keeps twelve digits."""
        if self.factor == 1.0 and not self.shift:
            return value
        return float(f"{value * self.factor + self.shift:.12g}")

    def words(self, column: Column) -> str:
        """The conversion in words, e.g. "mS/cm x 0.001 = S/cm"; "" where there is none."""
        if self.factor == 1.0 and not self.shift:
            return ""
        factor = "" if self.factor == 1.0 else f" x {self.factor:.10g}"
        shift = f" + {self.shift:g}" if self.shift else ""
        return f"{self.name}{factor}{shift} = {column.unit}"


def unit_of(column: Column, text: str) -> Unit | None:
    """The unit that a heading names for a column; None where it is not known for it."""
    known = _known(column)
    return known.get(_plain(text)) or known.get(_plain(text).replace(" ", ""))


def known_units(column: Column) -> str:
    """The units of a column, for a message."""
    return ", ".join(dict.fromkeys(unit.name for unit in _known(column).values()))


@cache
def _known(column: Column) -> dict[str, Unit]:
    if column.unit == "S/cm":
        return {name: Unit(name, factor) for name, factor in _SIGMA.items()}
    if column.unit == "eV":
        return {name: Unit(name, factor) for name, factor in _ENERGY.items()}
    if column.unit == "eV/atom":
        return {name: Unit(name, factor) for name, factor in _PER_ATOM.items()}
    if column.unit == "meV/atom":
        return {name: Unit(name, 1e3 * factor) for name, factor in _PER_ATOM.items()}
    if column.unit == "K":
        celsius = Unit("°C", 1.0, 273.15)
        return {"K": Unit("K"), **dict.fromkeys(("°C", "C", "degC", "deg C", "celsius"), celsius)}
    if column.unit.startswith("V"):
        return _potentials()
    return {column.unit: Unit(column.unit)}


@cache
def _potentials() -> dict[str, Unit]:
    units = {}
    for volt, factor in (("V", 1.0), ("mV", 1e-3)):
        for names, against, shift in (
            (_LITHIUM, " vs Li/Li+", 0.0),
            (_INDIUM, " vs Li-In", _LI_IN_V),
        ):
            for name in names:
                units[f"{volt}{name}"] = Unit(f"{volt}{against}", factor, shift)
    return units


def _plain(text: str) -> str:
    """One spelling for one unit: "S cm⁻¹", "S·cm^-1" and "S/cm" are the same."""
    unit = text.strip().translate(_FOLDED)
    unit = re.sub(r"\bvs\.?\s*", "vs ", unit.replace("_", " "))
    unit = re.sub(r"\bLi\s*\+", "Li+", unit)
    if " vs " in unit:
        return re.sub(r"\s+", " ", unit).replace(" / ", "/").strip()
    unit = re.sub(r"(ohm|Ohm|Ω|Ω)", "ohm", unit)
    unit = re.sub(r"[\s·*⋅]*\b(cm|m|mol|atom|ohm)\s*\^?-1\b", r"/\1", unit)
    unit = re.sub(r"^(S|mS|uS|nS|pS|eV|meV|kJ|J|kcal)[\s_](cm|m|mol|atom)$", r"\1/\2", unit)
    return re.sub(r"\s*/\s*", "/", unit).strip()


_FOLDED = str.maketrans(
    {
        "µ": "u",
        "μ": "u",
        "−": "-",
        "–": "-",
        "⁻": "-",
        "¹": "1",
        "⁺": "+",
        "℃": "°C",
        "º": "°",
        "\u00a0": " ",
        "\u2009": " ",
    }
)
