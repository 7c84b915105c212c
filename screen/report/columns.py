"""The ranking as the page carries it: which columns, in which words, packed small."""

import sys
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from muli.screen.ranking.criteria import STEP
from muli.screen.views.why import why

MOST_ROWS = 4000
LONGEST = 300
DIGITS = 7


@dataclass(frozen=True)
class Column:
    """A column of the ranking table; `kind` says how a cell is written, `hint` what it means."""

    name: str
    label: str
    unit: str = ""
    kind: str = "number"
    hint: str = ""
    shown: bool = True


COLUMNS = (
    Column("rank", "#", hint="Place among the coatings of the same cell"),
    Column("coating", "Coating", kind="name", hint="Choose one to look inside its stack"),
    Column("electrolyte", "Electrolyte", kind="name"),
    Column("against", "Cathode", kind="cathode", hint="Cathode, its state and potential"),
    Column("p_works", "P(works)", hint="Probability that all criteria hold, at its thickness"),
    Column("p_chemistry", "P(chemistry)", hint="Affordable, stable and inert together"),
    Column("p_transport", "P(transport)", hint="Protects and affordable together"),
    Column("p_protects", "P(protects)", shown=False),
    Column("p_affordable", "P(affordable)", shown=False),
    Column("p_stable", "P(stable)", shown=False),
    Column("p_inert", "P(inert)", shown=False),
    Column("verdict", "Verdict", kind="verdict", hint="For the electrolyte, within the budget"),
    Column(
        "min_thickness_nm",
        "Works between",
        "nm",
        "band",
        "Least thickness that protects, and largest that can be afforded",
    ),
    Column("max_thickness_nm", "Largest thickness", "nm", shown=False),
    Column("interface_potential_V", "E*", "V", "volts", "Potential the electrolyte meets"),
    Column("oxidation_margin_V", "Margin", "V", "margin", "To the electrolyte's oxidation limit"),
    Column(
        "coating_oxidation_limit_V",
        "Its own window",
        "V",
        "window",
        "Between the coating's computed limits, and how it stands the potentials here",
    ),
    Column("coating_class", "Coating itself", kind="text", shown=False),
    Column("coating_reduction_limit_V", "Its reduction limit", "V", "volts", shown=False),
    Column(
        "reacts_meV_atom",
        "Reacts with cathode / electrolyte",
        "meV/atom",
        "energies",
        "Computed reaction energies; 0 is no driving force. Sorted by the stronger",
    ),
    Column("reaction_energy_cathode_meV_atom", "With the cathode", "meV/atom", shown=False),
    Column("reaction_energy_electrolyte_meV_atom", "With the electrolyte", "meV/atom", shown=False),
    Column("asr_coating_ohm_cm2", "Resistance", "Ω cm²", hint="Coating and contacts, ionic"),
    Column(
        "max_sigma_ele_at_L_max_S_cm",
        "Tolerable σ electron",
        "S/cm",
        hint="Largest that protects at the largest affordable thickness",
    ),
    Column("evidence_sigma_ele", "σ electron is", kind="text", hint="How well it is known"),
    Column("family", "Family", kind="text", shown=False),
    Column("why", "Why", kind="text", shown=False),
    Column("coating_thickness_nm", "Thickness", "nm", shown=False),
    Column("reduction_margin_V", "Margin to reduction", "V", "margin", shown=False),
    Column("max_sigma_ele_S_cm", "Tolerable σ electron here", "S/cm", shown=False),
    Column("leak_current_A_cm2", "Leak", "A/cm²", shown=False),
    Column("reactivity_class", "Reactivity", kind="text", shown=False),
    Column("status", "Status", kind="text", shown=False),
    Column("boundary", "Boundary", kind="text", shown=False),
    Column("electrolyte_thickness_um", "Electrolyte thickness", "µm", shown=False),
    Column("coating_sigma_ion_S_cm", "σ ion of the coating", "S/cm", shown=False),
    Column("cathode", "Cathode name", kind="name", shown=False),
    Column("feasible", "Feasible", kind="text", shown=False),
)
WINDOW = ("coating_reduction_limit_V", "coating_oxidation_limit_V")
REACTIONS = ("reaction_energy_cathode_meV_atom", "reaction_energy_electrolyte_meV_atom")
VERDICTS = ("feasible", "undecided", "too resistive", "not feasible", "not protected")
SYMBOLS = {
    "sigma_ele": "σ electron",
    "sigma_ion": "σ ion",
    "ohm cm2": "Ω cm²",
    "L_min/L_max": "least over largest thickness",
}
EVIDENCE = {"none": "not known", "range": "a range", "": "not known"}
SELECTS = (("electrolyte", "Electrolyte"), ("against", "Cathode"), ("family", "Family"))


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as dictionaries by column name."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def plain(text: Any) -> str:
    """A name that shows what it is: marks that are invisible or turn text around are spelled."""
    shown = "".join(
        f"⟨U+{ord(sign):04X}⟩" if unicodedata.category(sign) in ("Cf", "Cc") else sign
        for sign in str(text)
    )
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"


def ordered(ranked: pd.DataFrame, budget: float) -> pd.DataFrame:
    """The ranked rows in the page's order, as many as it can carry.

    Rows with probabilities stand as a ranking has them. Of others those that work come first, then
    coatings that stand their own potentials, then cells that need a coating, then the place in the
    cell, then the less reactive.
    """
    if "p_works" in ranked:
        return _room(ranked, by_probability(ranked))
    verdicts = pd.Series([verdict(row, budget) for row in records(ranked)], dtype=object)
    keys = pd.DataFrame(
        {
            "verdict": verdicts.map(VERDICTS.index),
            "suffers": ~ranked["coating_class"].isin(["stable", "within_tolerance"]),
            "needless": ~(ranked["min_thickness_nm"].fillna(1.0) > 0),
            "rank": ranked["rank"],
            "inert": -_reacts(ranked),
        }
    )
    return _room(ranked, keys.sort_values([str(key) for key in keys], kind="stable").index)


def by_probability(ranked: pd.DataFrame) -> "pd.Index[Any]":
    """Rows in the order of `ranking.criteria.by_probability`, whatever cell they are of."""
    keys = pd.DataFrame(
        {
            "works": -np.floor(ranked["p_works"] / STEP + 1e-6),
            "transport": -ranked["p_protects"] * ranked["p_affordable"],
            "cost": ranked["asr_median_ohm_cm2"],
            "name": ranked["coating"],
        }
    )
    return keys.sort_values([str(key) for key in keys], kind="stable").index


def _room(ranked: pd.DataFrame, order: "pd.Index[Any]") -> pd.DataFrame:
    """Rows in this order, every coating once and as many more as the page can carry."""
    again = ranked.loc[order, "coating"].duplicated().to_numpy()
    room = MOST_ROWS - np.count_nonzero(~again)
    kept = ~again | (np.cumsum(again) <= room)
    return ranked.loc[order[kept][:MOST_ROWS]].reset_index(drop=True)


def _reacts(ranked: pd.DataFrame) -> "pd.Series[float]":
    """The stronger of the reaction energies, meV/atom; NaN where one is unknown."""
    energies = ranked[[name for name in REACTIONS if name in ranked]].astype(np.float64)
    return energies.min(axis=1, skipna=False)


def in_words(ranked: pd.DataFrame, starts: pd.DataFrame, budget: float) -> pd.DataFrame:
    """Rows in the page's columns and words. `starts`: the numbers of their stacks."""
    each = records(ranked)
    told = ranked.assign(
        **{name: starts[name] for name in WINDOW},
        why=[spelled(why(row)) for row in each],
        verdict=[verdict(row, budget) for row in each],
        against=[against(row) for row in each],
        feasible=[_word(row.get("feasible")) for row in each],
        reacts_meV_atom=_reacts(ranked),
        evidence_sigma_ele=ranked["evidence_sigma_ele"].map(evidence),
        coating_class=[
            str(row.get("coating_class") or "unknown").replace("_", " ") for row in each
        ],
    )
    return told[[column.name for column in COLUMNS if column.name in told]]


def spelled(text: str) -> str:
    """A sentence with symbols where the columns have names."""
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


def verdict(row: Mapping[str, Any], budget: float) -> str:
    """What the page says of a row, in the order in which a cell would fail."""
    if _word(row.get("feasible")) == "yes":
        return "feasible"
    if _word(row.get("protected")) == "no":
        return "not protected"
    if float(row.get("asr_coating_ohm_cm2") or 0.0) > budget:
        return "too resistive"
    return "not feasible" if _word(row.get("feasible")) == "no" else "undecided"


def against(row: Mapping[str, Any]) -> str:
    """The cathode in words: its name and state if it has them, its potential if it is known."""
    words = [row.get("cathode"), row.get("cathode_state")]
    known = [str(word) for word in words if isinstance(word, str) and word]
    volts = row.get("cathode_potential_V")
    if volts is not None and not pd.isna(volts):
        known.append(f"{float(volts):.2f} V")
    return ", ".join(known) or "unknown cathode"


def pack(frame: pd.DataFrame, spell: Callable[[Any], str] = plain) -> dict[str, Any]:
    """Columns as the page reads them: numbers as lists, words as a list of words and codes."""
    return {str(name): _packed(frame[name], spell) for name in frame}


def _packed(column: "pd.Series[Any]", spell: Callable[[Any], str]) -> Any:
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return [_number(value) for value in column.astype(np.float64)]
    codes, words = pd.factorize(column.astype(object).map(spell, na_action="ignore"))
    return {"words": [str(word) for word in words], "codes": codes.tolist()}


def _number(value: float) -> float | int | None:
    """Seven digits; missing is null, infinite the largest number there is."""
    if np.isnan(value):
        return None
    if np.isinf(value):
        return sys.float_info.max if value > 0 else -sys.float_info.max
    short = float(f"{value:.{DIGITS}g}")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short


def described(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """The columns, for the page's scripts; those that tell no rows apart are not shown."""
    return [asdict(replace(each, shown=each.shown and _tells(each, rows))) for each in COLUMNS]


def _tells(column: Column, rows: pd.DataFrame) -> bool:
    if column.name not in rows:
        return False
    if column.name in ("electrolyte", "against"):
        return rows[column.name].nunique() > 1
    if column.kind == "band":
        return bool(rows[["min_thickness_nm", "max_thickness_nm"]].notna().any(axis=None))
    return bool(rows[column.name].notna().any())
