"""What a screen assumed, what it drew at random, and what its tables do not know, in words."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from muli.screen.report.columns import plain
from muli.screen.vocabulary import unit as unit_of

EXAMPLES = 6
IF_UNKNOWN = "_if_unknown"
_OF_A_ROLE = re.compile(r"(coating|electrolyte)_((?:sigma|.*limit).*)")
"""Columns of a property of a material."""
KINDS = {"sigma_ele": "σₑ", "sigma_ion": "σᵢ"}


@dataclass(frozen=True)
class Assumption:
    """A quantity that was assumed or not known."""

    quantity: str
    value: str
    standing: str


SAID = {
    "boundary": "What holds the ends",
    "anode": "Anode",
    "cathode_state": "State of the cathode",
    "law": "σₑ against potential",
    "missing": "Where a conductivity is unknown",
    "window_tolerance_V": "Error allowed to computed windows",
}
MEANT = {
    "auto": "an interphase where the electrolyte is not stable, else the electrode (auto)",
    "electrode": "the electrode's own potential",
    "interphase": "an interphase at the electrolyte's own limit",
    "constant": "constant",
    "branches": "electron and hole branches",
    "table": "tabulated",
    "status": "not guessed: the answer is the value it may have",
    "decades": "every decade is tried",
    "prior": "a distribution, from the library's own values",
}


def assumptions(
    spec: Mapping[str, Any], scenario: Mapping[str, Any], named: Mapping[str, pd.DataFrame]
) -> list[Assumption]:
    """What the spec assumed, the scenario of the comparison, and what the tables do not know."""
    rows = []
    for key, axis in spec["axes"].get("others", {}).items():
        standing = "assumed in the spec" if "sigma" in key or "limit" in key else "set in the spec"
        rows.append(Assumption(spoken(key), f"{extent(axis)} {measure(key)}".strip(), standing))
    drawn = (spec.get("uncertainty") or {}).get("distributions", {})
    for key, law in drawn.items():
        standing = "drawn at random, as the spec states"
        rows.append(Assumption(spoken(key), f"{_law(law)} {measure(key)}".strip(), standing))
    for column, value in scenario.items():
        text = f"{value:.6g} {measure(column)}" if isinstance(value, float) else str(value)
        standing = "one of several scenarios: coatings are compared here"
        rows.append(Assumption(spoken(column), MEANT.get(text, text.strip()), standing))
    screen = spec["screen"]
    for key, standing in (
        ("law", "how σₑ depends on the potential"),
        ("missing", "rows say which value that is"),
    ):
        rows.append(Assumption(SAID[key], MEANT.get(screen[key], screen[key]), standing))
    tolerance = f"{screen['window_tolerance_V']:g} V"
    standing = "sorts coatings into classes, moves no verdict on the electrolyte"
    rows.append(Assumption(SAID["window_tolerance_V"], tolerance, standing))
    for role, table in named.items():
        for kind in ("sigma_ele", "sigma_ion"):
            if f"{role}.{kind}_S_cm" not in {**spec["axes"].get("others", {}), **drawn}:
                rows += _evidence(role, kind, table)
    return rows


def _law(law: Mapping[str, Any]) -> str:
    """A distribution in words: its name and its numbers."""
    law_names = {"lognormal": "log-normal", "loguniform": "even in decades", "uniform": "even"}
    for name, numbers in law.items():
        if isinstance(numbers, Mapping):
            parts = ", ".join(f"{key} {value:g}" for key, value in numbers.items())
            return short(f"{law_names.get(name, name)}, {parts}")
        if isinstance(numbers, list):
            return short(f"{law_names.get(name, name)}, {numbers[0]:g} to {numbers[1]:g}")
    return "between its sources"


def short(text: str) -> str:
    """A number whose exponent has no leading zero: 1e-7 instead of 1e-07."""
    return text.replace("e-0", "e-").replace("e+0", "e")


def spoken(key: str) -> str:
    """A readable name of a column or of a key of the spec."""
    if key in SAID:
        return SAID[key]
    if key.endswith(IF_UNKNOWN):
        return f"{spoken(key.removesuffix(IF_UNKNOWN))} where it is unknown"
    if match := _OF_A_ROLE.fullmatch(key):
        key = f"{match[1]}.{match[2]}"
    role, dot, name = key.rpartition(".")
    unit = unit_of(name)
    suffix = "_" + unit.replace("/", "_").replace(" ", "_")
    words = name.removesuffix(suffix) if unit else name
    words = KINDS.get(words, words.replace("_asr", " resistance").replace("_", " "))
    return f"{words} of the {role}" if dot else words[:1].upper() + words[1:]


def measure(key: str) -> str:
    """The unit of a column, as it is printed."""
    unit = unit_of(key.rpartition(".")[2].removesuffix(IF_UNKNOWN))
    return unit.replace("um", "µm").replace("cm2", "cm²").replace("ohm", "Ω")


def _evidence(role: str, kind: str, table: pd.DataFrame) -> list[Assumption]:
    """The materials of a role, sorted by the evidence for one of their conductivities."""
    column = table.get(f"evidence_{kind}")
    if column is None:
        return []
    rows = []
    for word, names in table.groupby(column.fillna("none"), sort=True).groups.items():
        standing = {
            "measured": "measured",
            "range": "known only as a range, or as a number quoted in passing",
            "none": "not known",
        }.get(str(word), str(word))
        listed = ", ".join(plain(name) for name in names[:EXAMPLES])
        more = f" and {len(names) - EXAMPLES:,} more" if len(names) > EXAMPLES else ""
        rows.append(Assumption(f"{KINDS[kind]} of the {role}s", listed + more, standing))
    return rows


def extent(axis: Mapping[str, Any]) -> str:
    """The values of an axis, from the least to the largest."""
    values = axis.get("listed") or [axis["start"], axis["stop"]]
    low, high = (f"{value:g}".replace("e-0", "e-") for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"
