"""Every result column once: its name, heading, meaning, better direction and word for infinity.

    column("min_thickness_nm").heading      # "L min"
    unit("min_thickness_nm")                # "nm"
    better("min_thickness_nm")              # SMALLER

Units stand at the end of names. Verdicts are three-valued: a comparison with something unknown is
not a no. The order of statuses and classes is that in which a ranking by facts sorts them.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from muli.outcomes import CoatingClass, Status, ThicknessLimit

SMALLER, LARGER = 1, -1
"""Which values of a column are better."""

NO, YES, UNKNOWN = 0, 1, 2
"""Codes of a three-valued verdict."""

Kind = Literal[
    "number",
    "under current",
    "anode coated",
    "probability",
    "recommended",
    "joint",
    "belief",
    "drawn",
    "verdict",
    "mark",
    "ageing",
    "ageing in time",
    "life",
]


@dataclass(frozen=True)
class Column:
    """A result column.

    Attributes:
        name: as it stands in files, with its unit at the end.
        heading: short name over a column of a table.
        kind: number (every row), under current (where a current flows), anode coated (where a
            coating lies on the anode), drawn (with `[uncertainty]`), verdict; where unknown
            properties have a prior also probability, recommended (thickness), belief (about the
            coating), mark, and in mode best joint (over the states of charge). With `[ageing]`:
            ageing (every row), ageing in time (one column a time, `interphase_nm_at_1_month`),
            life (its probability).
        better: SMALLER, LARGER, or None where neither is better by itself.
        infinite: the word for an infinite value.
        meaning: one sentence.
    """

    name: str
    heading: str
    kind: Kind
    better: int | None
    infinite: str
    meaning: str


# fmt: off
_COLUMNS = (
    Column("interface_potential_V", "E*", "number", SMALLER, "no limit",
           "potential at which the electrolyte meets the coating"),
    Column("oxidation_margin_V", "ox. margin", "number", LARGER, "no limit",
           "electrolyte's oxidation limit less its highest potential"),
    Column("reduction_margin_V", "red. margin", "number", LARGER, "no limit",
           "E* less the electrolyte's reduction limit"),
    Column("anode_side_margin_V", "anode margin", "number", LARGER, "no limit",
           "potential at the electrolyte's anode side less its reduction limit"),
    Column("coating_oxidation_margin_V", "coating ox. margin", "number", LARGER, "no limit",
           "coating's oxidation limit less its highest potential"),
    Column("coating_reduction_margin_V", "coating red. margin", "number", LARGER, "no limit",
           "coating's lowest potential less its reduction limit"),
    Column("min_thickness_nm", "L min", "number", SMALLER, "none",
           "least thickness that protects in this state"),
    Column("max_thickness_nm", "L max", "number", LARGER, "no limit",
           "largest thickness that the budget and both reduction limits allow"),
    Column("max_sigma_ele_S_cm", "s_ele < here", "number", LARGER, "any",
           "largest sigma_ele of the coating that protects at this thickness"),
    Column("max_sigma_ele_ratio", "s_ele ratio <", "number", LARGER, "any",
           "the same over the electrolyte's sigma_ele, ions not counted"),
    Column("transport_ratio", "L min/L max", "number", SMALLER, "none",
           "least thickness over the largest"),
    Column("max_sigma_ele_at_L_max_S_cm", "s_ele <", "number", LARGER, "any",
           "largest sigma_ele that protects at the largest affordable thickness"),
    Column("max_electrolyte_thickness_um", "SE <", "number", LARGER, "no limit",
           "largest electrolyte thickness for which the coating still protects"),
    Column("min_electrolyte_sigma_ele_S_cm", "SE s_ele >", "number", SMALLER, "no limit",
           "smallest electrolyte sigma_ele for which the coating still protects"),
    Column("leak_current_A_cm2", "leak", "number", SMALLER, "no limit",
           "electronic leak current"),
    Column("self_discharge_percent_per_month", "self-discharge", "number", SMALLER, "no limit",
           "leak over the areal capacity"),
    Column("asr_coating_ohm_cm2", "ASR", "number", SMALLER, "none",
           "ionic resistance of coating and contacts"),
    Column("asr_total_ohm_cm2", "ASR total", "number", SMALLER, "none",
           "the same with the electrolyte"),
    Column("terminal_voltage_V", "U", "under current", None, "no limit",
           "terminal voltage under current"),
    Column("overshoot_V", "overshoot", "under current", SMALLER, "no limit",
           "how far E* lies above the cathode's potential"),
    Column("anode_interface_potential_V", "E anode side", "anode coated", LARGER, "no limit",
           "potential at which the electrolyte meets the anode's coating"),
    Column("anode_coating_oxidation_margin_V", "anode coating ox. margin", "anode coated", LARGER,
           "no limit", "oxidation limit of the anode's coating less its highest potential"),
    Column("anode_coating_reduction_margin_V", "anode coating red. margin", "anode coated", LARGER,
           "no limit", "lowest potential of the anode's coating less its reduction limit"),
    Column("p_works", "works", "probability", LARGER, "no limit",
           "probability that all criteria hold together, in all states of charge"),
    Column("p_chemistry", "chem.", "probability", LARGER, "no limit",
           "probability of affordable, stable and inert together"),
    Column("p_transport", "trans.", "probability", LARGER, "no limit",
           "probability of protects and affordable together"),
    Column("p_protects", "protects", "probability", LARGER, "no limit",
           "probability that the electrolyte stays inside its window"),
    Column("p_affordable", "affords", "probability", LARGER, "no limit",
           "probability that coating and contacts stay within the budget"),
    Column("p_stable", "stable", "probability", LARGER, "no limit",
           "probability that the coating stands the cathode"),
    Column("p_inert", "inert", "probability", LARGER, "no limit",
           "probability that the coating leaves its neighbours alone"),
    Column("recommended_thickness_nm", "L", "recommended", SMALLER, "no limit",
           "thinnest coating within 0.005 of the best P(protects and affordable)"),
    Column("thickness_low_nm", "L low", "recommended", None, "no limit",
           "least thickness with nine tenths of the best probability"),
    Column("thickness_high_nm", "L high", "recommended", None, "no limit",
           "largest thickness with nine tenths of the best probability"),
    Column("min_thickness_all_states_nm", "L min, all states", "joint", SMALLER, "none",
           "least thickness that protects in every state of charge"),
    Column("asr_median_ohm_cm2", "ASR", "recommended", SMALLER, "none",
           "median resistance of coating and contacts where the probabilities are taken"),
    Column("sigma_ion_median_S_cm", "s_ion", "belief", None, "no limit",
           "median of the coating's sigma_ion"),
    Column("sigma_ion_decades", "+-", "belief", None, "no limit",
           "standard deviation of its log10"),
    Column("sigma_ele_median_S_cm", "s_ele", "belief", None, "no limit",
           "median of the coating's sigma_ele"),
    Column("sigma_ele_decades", "+-", "belief", None, "no limit",
           "standard deviation of its log10"),
    Column("sources_in_cells", "in cells", "belief", None, "no limit",
           "number of published sources that used the coating in a cell"),
    Column("sigma_ele_needed_S_cm", "s_ele needed", "joint", LARGER, "any",
           "largest sigma_ele that protects at the recommended thickness"),
    Column("top_k_share", "top share", "drawn", LARGER, "no limit",
           "how often the coating is among the first `top_k` of its scenario"),
    Column("interphase_nm", "interphase", "ageing in time", SMALLER, "no end",
           "thickness of what the electrolyte becomes on the cathode side"),
    Column("anode_interphase_nm", "anode interphase", "ageing in time", SMALLER, "no end",
           "thickness of what the electrolyte becomes on the anode side"),
    Column("asr_interphase_ohm_cm2", "ASR grown", "ageing in time", SMALLER, "no end",
           "what the interphases of both sides add to the resistance"),
    Column("anode_lithium_lost_uAh_cm2", "Li lost", "ageing in time", SMALLER, "no end",
           "lithium bound on the anode side: it does not come back"),
    Column("electrolyte_oxidised_uAh_cm2", "oxidised", "ageing in time", SMALLER, "no end",
           "charge of the electrolyte oxidised on the cathode side; the cathode gains the lithium"),
    Column("interphase_final_nm", "interphase, end", "ageing", SMALLER, "no end",
           "thickness of the cathode side's interphase at which growth ends"),
    Column("asr_interphase_final_ohm_cm2", "ASR grown, end", "ageing", SMALLER, "no end",
           "what the interphases of both sides add to the resistance at the end of growth"),
    Column("years_to_budget", "years", "ageing", LARGER, "for ever",
           "years until coating, contacts and interphases reach the budget"),
    Column("coating_passes_nm_per_year", "coating passes", "ageing", SMALLER, "no limit",
           "growth a year that the coating alone would feed"),
    Column("max_interphase_sigma_ele_S_cm", "interphase s_ele <", "ageing", LARGER, "any",
           "largest sigma_ele of the cathode side's interphase with which the budget holds for the "
           "wanted life"),
    Column("max_hole_share", "holes <", "ageing", LARGER, "any",
           "share of holes without an interphase that would undo the protection"),
    Column("unprotected_share", "unprotected", "ageing", SMALLER, "any",
           "share of the interface at which the electrolyte is held at its oxidation limit"),
    Column("p_lives", "lives", "life", LARGER, "no limit",
           "probability that coating, contacts and interphases stay within the budget for the "
           "wanted life"),
    Column("p_lives_protected", "lives, protected", "life", LARGER, "no limit",
           "probability of protects, affordable and lives together"),
    Column("oxidation_protected", "ox. protected", "verdict", None, "no limit",
           "E* at most the oxidation limit"),
    Column("protected", "protected", "verdict", None, "no limit",
           "E* inside the electrolyte's window"),
    Column("anode_side_stable", "anode side stable", "verdict", None, "no limit",
           "the electrolyte's anode side not below its reduction limit"),
    Column("feasible", "feasible", "verdict", None, "no limit",
           "protected, affordable, and a thickness exists, in all states of charge"),
    Column("thin", "thin", "mark", None, "no limit",
           "the recommended film is below 3 nm: tunnelling and pinholes are outside the model"),
    Column("not_affordable", "not affordable", "mark", None, "no limit",
           "not even the thinnest film is likely to be within the budget"),
)
# fmt: on
COLUMNS: dict[str, Column] = {column.name: column for column in _COLUMNS}


def _of(kind: Kind) -> tuple[str, ...]:
    return tuple(name for name, column in COLUMNS.items() if column.kind == kind)


FLOATS, CURRENT_FLOATS = _of("number"), _of("under current")
ANODE_FLOATS = _of("anode coated")
VERDICTS = _of("verdict")
P_COLUMNS, RECOMMENDED = _of("probability"), _of("recommended")
JOINT, MARKS = _of("joint"), _of("mark")
AGEING, IN_TIME, LIFE = _of("ageing"), _of("ageing in time"), _of("life")

CODES = ("status", "coating_class", "max_thickness_set_by", "anode_boundary")
CODE_NAMES: dict[str, dict[str, int]] = {
    "status": {status.label: int(status) for status in Status},
    "coating_class": {member.name.lower(): int(member) for member in CoatingClass},
    "max_thickness_set_by": {member.name.lower(): int(member) for member in ThicknessLimit},
    "anode_boundary": {"electrode": 0, "interphase": 1},
}
"""Words of the columns that hold codes on the device."""

OUTCOMES: dict[str, dict[str, int]] = {
    "status": CODE_NAMES["status"],
    **{name: {"no": NO, "yes": YES, "unknown": UNKNOWN} for name in ("protected", "feasible")},
    "coating_class": CODE_NAMES["coating_class"],
}
"""What is counted per group, with the code of each outcome."""

STATUSES = (
    "ok",
    "missing_property",
    "unprotectable",
    "extrapolated_table",
    "ill_conditioned",
    "underflow",
    "not_converged",
    "input_out_of_range",
)
COATING_CLASSES = ("stable", "within_tolerance", "oxidises", "reduces", "both", "unknown")
REACTIVITY_CLASSES = ("low", "moderate", "unknown", "high")
EVIDENCE = ("measured", "assumed", "range", "none")
CRITERIA = ("protects", "affordable", "stable", "inert")
"""The four criteria for a coating in a cell."""
LIVES = "lives"
"""The fifth criterion, used only where a spec has `[ageing]` and a ranking names it."""

DEFAULTS: dict[str, str | float] = {
    "boundary": "auto",
    "anode": "Li",
    "anode_potential_V": 0.0,
    "electrolyte_thickness_um": 30.0,
    "cathode_state": "charged",
    "temperature_K": 298.15,
    "current_density_mA_cm2": 0.0,
    "cathode_area_factor": 1.0,
}
"""Scenario axes with a default: coatings are compared there unless a ranking names the column."""

CELL = ("electrolyte", "cathode", "cathode_potential_V")
"""Columns that name a cell."""

DRAWN_PROBABILITIES = ("p_protected", "p_feasible")
LEVELS = (5, 50, 95)
PERCENTILES = (
    *(f"min_thickness_p{level}_nm" for level in LEVELS),
    *(f"asr_coating_p{level}_ohm_cm2" for level in LEVELS),
)
SHARES = ("gradient_share", "sobol_first", "sobol_total")
TOP_K_SHARE = "top_k_share"

FILL = "missing."
"""Prefix of the axes that fill unknown values only."""

UNITS = {
    "V": "V",
    "nm": "nm",
    "um": "um",
    "S_cm": "S/cm",
    "A_cm2": "A/cm2",
    "mA_cm2": "mA/cm2",
    "ohm_cm2": "ohm cm2",
    "K": "K",
    "eV": "eV",
    "MPa": "MPa",
    "meV_atom": "meV/atom",
    "percent_per_month": "%/month",
    "uAh_cm2": "uAh/cm2",
    "nm_per_year": "nm/year",
    "years_to_budget": "years",
}
"""Unit of a column by the end of its name."""


_AT = re.compile(r"_at_\d+_[a-z]+$")


def without_time(name: str) -> str:
    """`interphase_nm_at_1_month` is the column `interphase_nm` at a time."""
    return _AT.sub("", name)


def unit(name: str) -> str:
    """Unit of a column, from its name; empty for pure numbers and words."""
    name = without_time(name)
    if name in UNITS:
        return UNITS[name]
    fits = [end for end in UNITS if name.endswith(f"_{end}")]
    return UNITS[max(fits, key=len)] if fits else ""


def better(name: str) -> int | None:
    """SMALLER or LARGER; None where neither is better. Reaction energies: the less negative."""
    if name.startswith("reaction_energy_") or name in DRAWN_PROBABILITIES:
        return LARGER
    if name == "coating_thickness_nm":
        return SMALLER
    name = without_time(name)
    return COLUMNS[name].better if name in COLUMNS else None


def directed() -> Iterable[str]:
    """Columns of which more, or less, is better."""
    named = [name for name, column in COLUMNS.items() if column.better is not None]
    return ("coating_thickness_nm", *named, *DRAWN_PROBABILITIES)


def column_name(key: str) -> str:
    """Result column of an axis: `coating.sigma_ele_S_cm` stands as `coating_sigma_ele_S_cm`."""
    return key.removeprefix(FILL).replace(".", "_") + (
        "_if_unknown" if key.startswith(FILL) else ""
    )
