"""The order of a ranking, and the scenario coatings are compared in.

Choices (the coating, its thickness) are optimised over; scenarios never are, and what is uncertain
is averaged over. Rows with probabilities stand in the order of `BY_PROBABILITY`, each coating once,
at one reference scenario; rows without (`missing = "status"`) in that of `ORDER`, by facts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from muli.screen.ranking import sql
from muli.screen.spec.quantities import AXES, PROPERTIES, ROLES_WITH_PROPERTIES
from muli.screen.vocabulary import (
    CELL,
    COATING_CLASSES,
    COLUMNS,
    CRITERIA,
    DEFAULTS,
    EVIDENCE,
    LIFE,
    LIVES,
    P_COLUMNS,
    REACTIVITY_CLASSES,
    STATUSES,
)


@dataclass(frozen=True)
class Key:
    """One key of the order: what it is called, its SQL (smaller first), the columns it needs.

    codes: of a key that is a small whole number, how many there are; 0 for others.
    """

    label: str
    sql: str
    columns: tuple[str, ...]
    codes: int = 0


def _coded(label: str, column: str, ranked: tuple[str, ...]) -> Key:
    """Position of a text column among `ranked`; anything else comes last."""
    cases = " ".join(f"WHEN {sql.text(word)} THEN {i}" for i, word in enumerate(ranked))
    code = f"(CASE {column} {cases} ELSE {len(ranked)} END)"
    return Key(label, code, (column,), len(ranked) + 1)


def _verdict(column: str) -> Key:
    """Yes, then unknown, then no."""
    code = f"(CASE WHEN {column} THEN 0 WHEN {column} IS NULL THEN 1 ELSE 2 END)"
    return Key(column, code, (column,), 3)


def known_first(value: str) -> str:
    """A number with unknown after everything else: DuckDB holds NaN for the largest of all."""
    return f"coalesce(({value})::DOUBLE, 'nan'::DOUBLE)"


_RATIO = (
    "CASE WHEN min_thickness_nm <= 0 THEN 0 WHEN max_thickness_nm <= 0 THEN 'inf'::DOUBLE "
    "ELSE min_thickness_nm / max_thickness_nm END"
)
STATUS = _coded("status", "status", STATUSES)
PROTECTED = _verdict("protected")
NAME = Key("name", "coating", ("coating",))
CLASS = _coded("coating class", "coating_class", COATING_CLASSES)
ORDER = (
    STATUS,
    PROTECTED,
    _coded("reactivity class", "reactivity_class", REACTIVITY_CLASSES),
    CLASS,
    _coded("evidence for sigma_ele", "evidence_sigma_ele", EVIDENCE),
    Key("L_min/L_max", known_first(_RATIO), ("min_thickness_nm", "max_thickness_nm")),
    Key(
        "largest tolerable sigma_ele (larger first)",
        known_first("-max_sigma_ele_at_L_max_S_cm"),
        ("max_sigma_ele_at_L_max_S_cm",),
    ),
    Key("resistance", known_first("asr_coating_ohm_cm2"), ("asr_coating_ohm_cm2",)),
    NAME,
)
"""Status, protected, reactivity class, coating class, evidence, L_min/L_max, resistance, name.

Where sigma_ele is unknown there is no L_min; what then stands in its place is the largest
sigma_ele that would still protect at the coating's own resistance-limited thickness.
"""

STEP = 0.005
"""Differences of p_works below this do not order coatings."""


def joint(criteria: Sequence[str]) -> str:
    """SQL of the probability that these criteria hold together.

    Transport (protects, affordable) and inert rest on different properties, so that probabilities
    multiply. A coating that is no oxide loses its sigma_ele where it oxidises: then p_protects has
    p_stable in it, and the quotient below is 1. A coating that meets `lives` is affordable.
    """
    wanted = set(criteria)
    if wanted == set(CRITERIA):
        return "p_works::DOUBLE"
    transport = {
        frozenset(): "1.0",
        frozenset({"protects"}): "p_protects",
        frozenset({"affordable"}): "p_affordable",
        frozenset({"protects", "affordable"}): "p_transport",
    }[frozenset(wanted & {"protects", "affordable"})]
    if LIVES in wanted:
        transport = "p_lives_protected" if "protects" in wanted else "p_lives"
    parts = [f"{transport}::DOUBLE"]
    if "stable" in wanted:
        both = "(p_transport::DOUBLE * p_inert)"
        quotient = f"CASE WHEN {both} > 0 THEN least(p_works / {both}, 1.0) ELSE p_stable END"
        parts.append(f"({quotient})" if "protects" in wanted else "p_stable")
    if "inert" in wanted:
        parts.append("p_inert")
    return f"({' * '.join(parts)})"


def by_probability(criteria: Sequence[str] = CRITERIA) -> tuple[Key, ...]:
    """The order of coatings: what works, then what protects and can be afforded, then the cost."""
    works = joint(criteria)
    needed = (*P_COLUMNS, *LIFE) if LIVES in criteria else P_COLUMNS
    return (
        Key(
            f"p({', '.join(criteria)}) in steps of {STEP:g}",
            f"-floor({works} / {STEP} + 1e-6)",
            needed,
        ),
        Key(
            "p_protects x p_affordable",
            "-(p_protects::DOUBLE * p_affordable)",
            ("p_protects", "p_affordable"),
        ),
        Key("median resistance", known_first("asr_median_ohm_cm2"), ("asr_median_ohm_cm2",)),
        NAME,
    )


RECOMMENDED = (
    Key(
        "nearest to the recommended thickness",
        known_first("abs(ln(coating_thickness_nm / recommended_thickness_nm))"),
        ("coating_thickness_nm", "recommended_thickness_nm"),
    ),
    Key("thickness", known_first("coating_thickness_nm"), ("coating_thickness_nm",)),
)
"""Which row stands for a coating where several thicknesses are kept."""

BEST_THICKNESS = (
    _verdict("feasible"),
    STATUS,
    PROTECTED,
    CLASS,
    Key("thickness", known_first("coating_thickness_nm"), ("coating_thickness_nm",)),
)
"""Which thickness stands for a coating: the smallest feasible one, else the least bad."""


def keys(columns: Iterable[str], of: Iterable[Key] = ORDER) -> list[Key]:
    """The keys that these columns allow."""
    present = set(columns)
    return [key for key in of if present.issuperset(key.columns)]


def packed(keys: Iterable[Key]) -> list[str]:
    """SQL of keys in fewer columns: codes that follow each other become one number."""
    columns: list[str] = []
    open_ = False
    for key in keys:
        if key.codes and open_:
            columns[-1] = f"({columns[-1]} * {key.codes} + {key.sql})"
        else:
            columns.append(key.sql)
        open_ = key.codes > 0
    return columns


def stated(used: Iterable[Key]) -> str:
    """The order in words."""
    return ", ".join(key.label for key in used)


def scenario_columns(columns: Iterable[str]) -> list[str]:
    """Columns that tell scenarios apart, a cathode's or anode's own potential not counted twice."""
    present = set(columns)
    properties = [f"{role}.{name}" for role in ROLES_WITH_PROPERTIES for name in PROPERTIES]
    axes = [key.replace(".", "_") for key in (*AXES, *properties)]
    named = dict.fromkeys([*CELL, *DEFAULTS, *axes, *(f"{axis}_if_unknown" for axis in axes)])
    named.pop("coating_thickness_nm")
    named |= dict.fromkeys(column for column in present if _of_one_material(column))
    for material, state in (("cathode", "cathode_state"), ("anode", "anode")):
        if {material, state} <= present:
            named.pop(f"{material}_potential_V")
    return [column for column in named if column in present]


def _of_one_material(column: str) -> bool:
    """Whether a column is an axis such as `"LiNbO3.sigma_ele_S_cm"`."""
    ends = tuple(f"_{name}" for name in PROPERTIES)
    return column.endswith(ends) and column not in COLUMNS


REFERENCE: dict[str, str | float] = {
    **DEFAULTS,
    "electrolyte": "Li6PS5Cl",
    "cathode": "NMC811",
    "cathode_potential_V": 4.3,
}
"""Where coatings are compared unless a ranking names the column: the value nearest to it."""


def nearest(values: list[Any], default: str | float | None) -> Any:
    """The value a comparison is made at: the default, else the nearest or the first.

    Where there is no default it is the middle value, or the lower of two middle ones.
    """
    if default is None:
        return sorted(values)[(len(values) - 1) // 2]
    if default in values:
        return default
    if isinstance(default, str):
        return sorted(str(value) for value in values)[0]
    numbers = [float(value) for value in values]
    return min(numbers, key=lambda number: (abs(number - float(default)), number))
