"""Why a row ranks where it does: one short sentence from the constraint that binds.

Pure functions from a row's columns to text. Limits are written as potentials, computed from the
margins: the highest E in the coating is the cathode's potential at open circuit, in the electrolyte
it is E*. An absent or unknown column shortens the sentence; nothing is guessed.
"""

import math
from collections.abc import Mapping
from typing import Any

Row = Mapping[str, Any]

SET_BY = {
    "resistance": "the resistance budget allows",
    "coating_reduction": "its own reduction allows",
    "electrolyte_reduction": "the electrolyte's reduction allows",
}

FAILED = {
    "extrapolated_table": "its potential leaves the tabulated range of sigma_ele",
    "ill_conditioned": "E* sits on a step that this precision cannot place; run in float64",
    "underflow": "conductances below what this precision holds; run in float64",
    "not_converged": "the root search ended outside its tolerance",
    "input_out_of_range": "an input is not finite, not positive or outside its physical range",
}


def why(row: Row) -> str:
    """One sentence on the binding constraint of a result row."""
    status = row.get("status")
    if status in FAILED:
        return FAILED[str(status)]
    if status == "unprotectable":
        return _unprotectable(row)
    if status == "missing_property":
        return _missing(row)
    if verdict(row, "protected") is None:
        return "a limit that this verdict needs is unknown"
    return _unprotected(row) or _impossible(row) or _protects(row)


def number(row: Row, column: str) -> float | None:
    """A column as a finite or infinite float; None where absent or unknown."""
    value = row.get(column)
    if value is None or isinstance(value, str):
        return None
    value = float(value)
    return None if math.isnan(value) else value


def verdict(row: Row, column: str) -> bool | None:
    """A yes-or-no column; None where absent or unknown."""
    value = row.get(column)
    return bool(value) if value in (True, False) else None


def judgement(row: Row, budget: float) -> str:
    """The verdict on a row in a word; the first failure decides. budget in ohm cm2.

    "protects": feasible. "fails": the electrolyte is not protected, or a criterion asked for is not
    met. "too resistive": above the budget. "open": a value that decides is not known.
    """
    feasible = verdict(row, "feasible")
    if feasible:
        return "protects"
    if verdict(row, "protected") is False:
        return "fails"
    if (number(row, "asr_coating_ohm_cm2") or 0.0) > budget:
        return "too resistive"
    return "open" if feasible is None else "fails"


THINNEST_NM = 0.01
"""Smaller thicknesses are not written as a number: an atom has 0.2 nm."""


def nm(value: float) -> str:
    """A thickness in words: three digits, `no thickness` where infinite."""
    if math.isinf(value):
        return "no thickness"
    if 0 < value < THINNEST_NM:
        return f"less than {THINNEST_NM:g} nm"
    return f"{value:,.0f} nm" if value >= 1000 else f"{value:.3g} nm"


def volt(value: float) -> str:
    """A potential with two decimals."""
    return f"{value:.2f} V"


def _unprotectable(row: Row) -> str:
    limit = _sum(row, "interface_potential_V", "oxidation_margin_V")
    anode = number(row, "anode_potential_V")
    if limit is None or anode is None:
        return "the electrolyte oxidises at or below the anode's potential: nothing protects it"
    return (
        f"the electrolyte oxidises at {volt(limit)}, not above the anode's {volt(anode)}: "
        "nothing protects it"
    )


def _missing(row: Row) -> str:
    """What is unknown, and the value of it that would protect."""
    if "cathode_potential_V" in row and number(row, "cathode_potential_V") is None:
        return "the cathode's potential in this state is unknown"
    if number(row, "min_thickness_nm") == 0:
        return "any thickness protects: the cathode stays within the electrolyte's window"
    tolerable = number(row, "max_sigma_ele_at_L_max_S_cm")
    largest = number(row, "max_thickness_nm")
    ratio = number(row, "max_sigma_ele_ratio")
    if number(row, "min_thickness_nm") is not None:
        return "an unknown window leaves a verdict open; the thickness it needs is known"
    if tolerable is not None and largest is not None and math.isfinite(largest):
        if math.isinf(tolerable):
            return f"sigma_ele unknown, and any value protects at {nm(largest)}"
        return f"sigma_ele unknown: protects at {nm(largest)} if it is below {tolerable:.2g} S/cm"
    if ratio is not None and math.isfinite(ratio):
        return (
            "sigma_ele unknown: protects here if it is below "
            f"{ratio:.2g} of the electrolyte's sigma_ele"
        )
    if number(row, "asr_coating_ohm_cm2") is None:
        return "its ionic conductivity is unknown, so no thickness can be priced"
    return "a conductivity or a window that this verdict needs is unknown"


def _unprotected(row: Row) -> str | None:
    """E* outside the electrolyte's window at this thickness."""
    if verdict(row, "protected"):
        return None
    potential = number(row, "interface_potential_V")
    over, under = number(row, "oxidation_margin_V"), number(row, "reduction_margin_V")
    if potential is None:
        return "the electrolyte is not protected"
    if under is not None and under < 0:
        return (
            f"lets E* fall to {volt(potential)}, where the electrolyte reduces "
            f"(below {volt(potential - under)})"
        )
    if over is None or over > 0:
        return "the electrolyte is not protected"
    limit = f"the electrolyte oxidises above {volt(potential + over)} and sees {volt(potential)}"
    needed = _needed(row)
    return f"{limit}; {needed}" if needed else limit


def _impossible(row: Row) -> str | None:
    """The coating protects at this thickness, but no thickness satisfies all constraints."""
    least, largest = number(row, "min_thickness_nm"), number(row, "max_thickness_nm")
    if least is None or largest is None or least <= largest:
        return None
    return _needed(row)


def _needed(row: Row) -> str | None:
    """The thickness needed and the thickness allowed."""
    least, largest = number(row, "min_thickness_nm"), number(row, "max_thickness_nm")
    if least is None:
        return None
    if math.isinf(least):
        return "no thickness protects it"
    if largest is None or least <= largest:
        return f"needs {nm(least)}"
    return f"needs {nm(least)}, {_allowed(row)} {nm(largest)}"


def _allowed(row: Row) -> str:
    return SET_BY.get(str(row.get("max_thickness_set_by")), "its constraints allow")


def _protects(row: Row) -> str:
    """For a coating that protects: its own instability, its resistance, or its thickness range."""
    instability = _own_stability(row)
    if instability:
        return instability
    if verdict(row, "feasible") is False:
        return _over_budget(row)
    least, largest = number(row, "min_thickness_nm"), number(row, "max_thickness_nm")
    if least == 0:
        return "any thickness protects: the cathode stays within the electrolyte's window"
    if least is None:
        return "protects at this thickness"
    if largest is None or math.isinf(largest):
        return f"protects from {nm(least)} on"
    return f"protects from {nm(least)}; {_allowed(row)} {nm(largest)}"


def _over_budget(row: Row) -> str:
    cost = number(row, "asr_coating_ohm_cm2")
    largest = number(row, "max_thickness_nm")
    if cost is None or largest is None:
        return "protects, but not in every state of the cathode or within the budget"
    thickness = number(row, "coating_thickness_nm")
    if thickness is not None and thickness > largest:
        ohm = f"{cost:,.0f}" if cost >= 10 else f"{cost:.2g}"
        return f"protects, but {_allowed(row)} {nm(largest)} only ({ohm} ohm cm2 here)"
    return "protects here, but not in every state of the cathode"


def _own_stability(row: Row) -> str | None:
    """The coating's own oxidation or reduction beyond the tolerance."""
    kind = row.get("coating_class")
    cathode = number(row, "cathode_potential_V")
    over, under = (
        number(row, "coating_oxidation_margin_V"),
        number(row, "coating_reduction_margin_V"),
    )
    if kind in ("oxidises", "both") and over is not None and cathode is not None:
        limit = f"oxidises at {volt(cathode + over)}, below the cathode's {volt(cathode)}"
        return f"protects, but {limit}"
    potential = number(row, "interface_potential_V")
    if kind in ("reduces", "both") and under is not None and potential is not None:
        return f"protects, but reduces at {volt(potential - under)}, above E* {volt(potential)}"
    return None


def _sum(row: Row, *columns: str) -> float | None:
    values = [number(row, column) for column in columns]
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
