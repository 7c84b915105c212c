"""Text of designs for a required lifetime."""

import math
from typing import Any


def life_text(found: dict[str, Any]) -> str:
    """One design in a few lines."""
    cell = f"{found['coating']} on {found['electrolyte']}"
    head = f"{cell} ({found['electrolyte_thickness_um']:g} um), cathode {found['cathode']}"
    target = f"{found['life_years']:g} years within {found['asr_budget_ohm_cm2']:g} ohm cm2"
    if found["probability"] is not None:
        target += f" with probability {found['probability']:g}"
    lines = [f"{head}, anode {found['anode']}: {found['status']}", f"  asked: {target}"]
    if found["feasible"]:
        lines.append(f"  {found['thickness_nm'][0]:.4g} nm; {_lasts(found)}")
    elif found["status"] == "missing_property":
        lines.append("  a number of the coating or the electrolyte is unknown; give it as an axis")
    else:
        lines.append(f"  no thickness does; {_best(found)}")
    sigma = found["max_interphase_sigma_ele_S_cm"]
    if not math.isnan(sigma):
        words = "any" if math.isinf(sigma) else "none" if sigma == 0 else f"{sigma:.3g} S/cm"
        lines.append(f"  largest sigma_ele of the interphase with which that holds: {words}")
    return "\n".join(lines)


def _lasts(found: dict[str, Any]) -> str:
    coating = f"coating and contacts {found['asr_coating_ohm_cm2']:.3g} ohm cm2"
    grown = found["interphase_final_nm"]
    ends = "grows without end" if math.isinf(grown) else f"ends at {grown:.3g} nm"
    parts = [coating, f"the interphase under it {ends}" if grown > 0 else "nothing grows under it"]
    if found["p_lives"] is not None:
        parts.append(f"lives with probability {found['p_lives']:.3g}")
    parts.append(f"with medians it lasts {_years(found['years_to_budget'])}")
    return "; ".join(part for part in parts if "nan" not in part)


def _best(found: dict[str, Any]) -> str:
    best = f"{found['longest_at_nm']:.4g} nm lasts longest, {_years(found['longest_years'])}"
    if found["p_lives"] is None:
        return best
    likely = f"{found['likeliest_at_nm']:.4g} nm is likeliest to live, {found['p_lives']:.3g}"
    return likely if math.isnan(found["longest_years"]) else f"{best}; {likely}"


def _years(years: float) -> str:
    if math.isinf(years):
        return "for ever"
    return f"{years:.3g} years" if years >= 1 else f"{years * 365.25:.3g} days"
