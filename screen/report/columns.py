"""The table of the ranking on the page: its columns, their texts, and its data in compact form."""

import re
import sys
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from muli.screen.views.why import judgement, why
from muli.screen.views.works import decides

LONGEST = 300
DIGITS = 7
BELIEF_DIGITS = 4
"""Digits of probabilities, and of medians and thicknesses that follow from distributions."""

Shown = Literal["always", "by probability", "by facts", "on demand"]


@dataclass(frozen=True)
class Column:
    """A column of the ranking table; `kind` says how a cell is written, `hint` what it means.

    when: always, only in rankings by probability or by facts, or when the reader chooses it.
    """

    name: str
    label: str
    unit: str = ""
    kind: str = "number"
    hint: str = ""
    when: Shown = "always"
    shown: bool = True


_P: Shown = "by probability"
_F: Shown = "by facts"
_D: Shown = "on demand"
# fmt: off
COLUMNS = (
    Column("rank", "#", "", "rank", "Place in the ranking of its scenario; = is a tie"),
    Column("coating", "Coating", "", "coating", "Choose one to look inside its stack"),
    Column("p_works", "Works", "%", "works",
           "Probability that the four questions hold together in every state of charge", _P),
    Column("p_protects", "Protects", "%", "part",
           "Probability that the electrolyte stays inside its window", _P),
    Column("p_affordable", "Afford\u00adable", "%", "part",
           "Probability that the resistance stays within the budget", _P),
    Column("p_stable", "Stable", "%", "part",
           "Probability that the coating stands the cathode", _P),
    Column("p_inert", "Inert", "%", "part",
           "Probability that the coating does not react with its neighbours", _P),
    Column("p_chemistry", "Chem\u00adistry", "%", "percent",
           "Affordable, stable and inert together, whatever electrons do", _P),
    Column("p_transport", "Trans\u00adport", "%", "percent",
           "Protects and affordable together", _P),
    Column("coating_thickness_nm", "Thickness", "nm", "film",
           "Recommended: the thinnest within half a per cent of the best. Below it the range that "
           "keeps nine tenths of the best", _P),
    Column("asr_median_ohm_cm2", "Resist\u00adance", "Ω cm²", "number",
           "Median resistance of coating and contacts at that thickness", _P),
    Column("sigma_ele_median_S_cm", "log₁₀ σₑ", "S/cm", "leak",
           "Electronic conductivity of the coating as it is known, and the largest one that "
           "protects at that thickness", _P),
    Column("decides", "Decides", "", "text",
           "The question that it passes least, and what the answer rests on", _P),
    Column("verdict", "Verdict", "", "verdict", "For the electrolyte, within the budget", _F),
    Column("min_thickness_nm", "Works between", "nm", "band",
           "Least thickness that protects, and largest that can be afforded", _F),
    Column("max_thickness_nm", "Largest thickness", "nm", "length", "", _D),
    Column("interface_potential_V", "E*", "V", "volts", "Potential the electrolyte meets", _F),
    Column("oxidation_margin_V", "Margin", "V", "margin", "To the electrolyte's oxidation limit",
           _F),
    Column("coating_oxidation_limit_V", "Its own window", "V", "window",
           "Between the coating's computed limits, and how it stands the potentials here", _F),
    Column("reacts_meV_atom", "Reacts with cathode / electrolyte", "meV/atom", "energies",
           "Computed reaction energies; 0 is no driving force. Sorted by the stronger", _F),
    Column("asr_coating_ohm_cm2", "Resistance", "Ω cm²", "number", "Coating and contacts, ionic",
           _F),
    Column("max_sigma_ele_at_L_max_S_cm", "Tolerable σₑ", "S/cm", "number",
           "Largest that protects at the largest affordable thickness", _F),
    Column("evidence_sigma_ele", "σₑ is", "", "text", "How well it is known", _F),
    Column("scenario", "Scenario", "", "scenario", "Where the row stands: what varies in this run"),
    Column("sigma_ion_median_S_cm", "log₁₀ σᵢ", "S/cm", "ions",
           "Ionic conductivity of the coating as it is known", _D),
    Column("min_thickness_all_states_nm", "Least thickness, all states", "nm", "length",
           "Least thickness that protects in every state of charge, where it is known", _D),
    Column("sources_in_cells", "Sources in cells", "", "number",
           "Published sources of this library that used the coating in a cell", _D),
    Column("family", "Family", "", "text", "", _D),
    Column("coating_class", "Coating itself", "", "text", "", _D),
    Column("coating_reduction_limit_V", "Its reduction limit", "V", "volts", "", _D),
    Column("reaction_energy_cathode_meV_atom", "With the cathode", "meV/atom", "energy", "", _D),
    Column("reaction_energy_electrolyte_meV_atom", "With the electrolyte", "meV/atom", "energy",
           "", _D),
    Column("reduction_margin_V", "Margin to reduction", "V", "margin", "", _D),
    Column("max_sigma_ele_S_cm", "Tolerable σₑ here", "S/cm", "number", "", _D),
    Column("leak_current_A_cm2", "Leak", "A/cm²", "number", "", _D),
    Column("reactivity_class", "Reactivity", "", "text", "", _D),
    Column("status", "Status", "", "text", "", _D),
    Column("feasible", "Feasible", "", "text", "", _D),
    Column("boundary", "Boundary", "", "text", "", _D),
    Column("why", "Why", "", "text", "", _D),
)
# fmt: on
CARRIED = (
    "place",
    "tied",
    "thin",
    "thickness_low_nm",
    "thickness_high_nm",
    "sigma_ele_decades",
    "sigma_ele_basis",
    "sigma_ele_needed_S_cm",
    "sigma_ion_decades",
    "sigma_ion_basis",
    "electrolyte",
    "against",
)
"""Columns that are not shown, but that cells of the table and pictures need."""
WINDOW = ("coating_reduction_limit_V", "coating_oxidation_limit_V")
REACTIONS = ("reaction_energy_cathode_meV_atom", "reaction_energy_electrolyte_meV_atom")
SYMBOLS = {
    "sigma_ele": "σₑ",
    "sigma_ion": "σᵢ",
    "ohm cm2": "Ω cm²",
    "p_protects x p_affordable": "protects × affordable",
    "p(": "probability (",
    "L_min/L_max": "least over largest thickness",
}
EVIDENCE = {"none": "not known", "range": "a range", "": "not known"}


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as dictionaries by column name."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def plain(text: Any) -> str:
    """A name with invisible and text-reversing characters written as codes; long names are cut."""
    shown = "".join(
        f"⟨U+{ord(sign):04X}⟩" if unicodedata.category(sign) in ("Cf", "Cc") else sign
        for sign in str(text)
    )
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"


def _reacts(ranked: pd.DataFrame) -> "pd.Series[float]":
    """The stronger of the reaction energies, meV/atom; NaN where one is unknown."""
    energies = ranked[[name for name in REACTIONS if name in ranked]].astype(np.float64)
    return energies.min(axis=1, skipna=False)


def in_words(ranked: pd.DataFrame, starts: pd.DataFrame, budget: float) -> pd.DataFrame:
    """Rows in the page's columns and words. `starts`: the numbers of their stacks."""
    row_dicts = records(ranked)
    believed = "p_works" in ranked
    table = ranked.assign(
        **{name: starts[name] for name in WINDOW},
        verdict=[judgement(row, budget) for row in row_dicts],
        against=[against(row) for row in row_dicts],
        feasible=[_word(row.get("feasible")) for row in row_dicts],
        reacts_meV_atom=_reacts(ranked),
        evidence_sigma_ele=ranked["evidence_sigma_ele"].map(evidence),
        coating_class=[
            str(row.get("coating_class") or "unknown").replace("_", " ") for row in row_dicts
        ],
    )
    if believed:
        table["decides"] = [decides(row) for row in row_dicts]
    else:
        table["why"] = [spelled(why(row)) for row in row_dicts]
    named = dict.fromkeys([*(column.name for column in COLUMNS), *CARRIED])
    return table[[name for name in named if name in table]]


def spelled(text: str) -> str:
    """A sentence with symbols in place of column names."""
    for name, symbol in SYMBOLS.items():
        text = text.replace(name, symbol)
    return text


def evidence(word: Any) -> str:
    """How well a conductivity is known, in words."""
    return EVIDENCE.get(word if isinstance(word, str) else "none", str(word))


def _word(value: Any) -> str:
    """A three-valued verdict in a word."""
    if value is None or pd.isna(value):
        return "unknown"
    return "yes" if bool(value) else "no"


def against(row: Mapping[str, Any]) -> str:
    """The cathode in words: its name and state if it has them, its potential if it is known."""
    words = [row.get("cathode"), row.get("cathode_state")]
    known = [str(word) for word in words if isinstance(word, str) and word]
    volts = row.get("cathode_potential_V")
    if volts is not None and not pd.isna(volts):
        known.append(f"{float(volts):.2f} V")
    return ", ".join(known) or "unknown cathode"


def pack(frame: pd.DataFrame, spell: Callable[[Any], str] = plain) -> dict[str, Any]:
    """Columns as the page reads them: lists, or a list of different values and their codes."""
    return {str(name): _packed(frame[name], spell) for name in frame}


def _packed(column: "pd.Series[Any]", spell: Callable[[Any], str]) -> Any:
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        digits = BELIEF_DIGITS if _BELIEF.search(str(column.name)) else DIGITS
        numbers = column.astype(np.float64)
        codes, values = pd.factorize(numbers)
        if 4 * len(values) > len(numbers):
            return [_number(value, digits) for value in numbers]
        return {"values": [_number(value, digits) for value in values], "codes": codes.tolist()}
    codes, words = pd.factorize(column.astype(object).map(spell, na_action="ignore"))
    return {"words": [str(word) for word in words], "codes": codes.tolist()}


def _number(value: float, digits: int = DIGITS) -> float | int | None:
    """A number with a few digits; NaN becomes null, infinity the largest float."""
    if np.isnan(value):
        return None
    if np.isinf(value):
        return sys.float_info.max if value > 0 else -sys.float_info.max
    short = float(f"{value:.{digits}g}")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short


_BELIEF = re.compile(r"^p_|_median_|_decades$|^thickness_|_needed_")


def described(rows: pd.DataFrame, scenarios: int) -> list[dict[str, Any]]:
    """The columns, for the page's scripts; those without values in these rows are not shown."""
    return [asdict(replace(column, shown=_shown(column, rows, scenarios))) for column in COLUMNS]


def _shown(column: Column, rows: pd.DataFrame, scenarios: int) -> bool:
    if column.when == "on demand" or column.name not in rows:
        return False
    if column.name == "scenario":
        return scenarios > 1
    if column.when != "always" and (column.when == "by probability") != ("p_works" in rows):
        return False
    if column.kind == "band":
        return bool(rows[["min_thickness_nm", "max_thickness_nm"]].notna().any(axis=None))
    return bool(rows[column.name].notna().any())
