"""What the `[design]` and `[uncertainty]` sections accept: variables, objectives, distributions."""

from collections.abc import Mapping
from typing import Any

from muli.screen.spec.names import closest, shown
from muli.screen.spec.quantities import finite, quantity

VARIABLES = (
    "coating_thickness_nm",
    "electrolyte_thickness_um",
    "coating.sigma_ele_S_cm",
    "coating.sigma_ion_S_cm",
    "electrolyte.sigma_ele_S_cm",
    "electrolyte.sigma_ion_S_cm",
    "cathode_potential_V",
    "anode_potential_V",
    "temperature_K",
    "current_density_mA_cm2",
    "margin_V",
)
"""Axis keys that a design may vary, and the margin itself."""

OBJECTIVES = ("total_coating_thickness", "resistance", "leak", "margin", "lifetime")
"""What may be made small (nm, ohm cm2, A/cm2); the margin (V) and the lifetime are made large."""

DISTRIBUTIONS = ("lognormal", "loguniform", "normal", "uniform", "literature")


def checked_variables(raw: Any) -> Any:
    """Bounds by variable; raises ValueError naming every one that cannot be used."""
    if not isinstance(raw, Mapping):
        raise ValueError("expected a table such as { coating_thickness_nm = [0.3, 500] }")
    unknown = [key for key in raw if key not in VARIABLES]
    problems = [
        f"unknown variable {shown(key)}{closest(str(key), VARIABLES)}" for key in unknown[:3]
    ]
    for key in (key for key in raw if key in VARIABLES):
        problems += [f"{key}: {problem}" for problem in _bound_problems(key, raw[key])]
    if problems:
        raise ValueError("; ".join(problems))
    return {key: tuple(map(float, bounds)) for key, bounds in raw.items()}


def _bound_problems(key: str, bounds: Any) -> list[str]:
    if not (isinstance(bounds, list | tuple) and len(bounds) == 2):
        return [f"{shown(bounds)}: expected [lowest, highest]"]
    if not all(_is_number(bound) for bound in bounds):
        return [f"{shown(bounds)}: expected two finite numbers"]
    known = quantity(key)
    problems = [p for bound in bounds if known and (p := known.problem(float(bound)))]
    if bounds[0] >= bounds[1]:
        problems.append(f"the lowest, {bounds[0]:g}, is not below the highest, {bounds[1]:g}")
    return problems


def checked_objective(raw: Any) -> Any:
    """One objective's name, or weights by name; raises ValueError."""
    weights = {raw: 1.0} if isinstance(raw, str) else raw
    if not isinstance(weights, Mapping) or not weights:
        raise ValueError("expected one of " + ", ".join(OBJECTIVES) + ", or weights of them")
    for name, weight in weights.items():
        if name not in OBJECTIVES:
            expected = ", ".join(OBJECTIVES)
            near = closest(str(name), OBJECTIVES)
            raise ValueError(f"unknown objective {shown(name)}: one of {expected}{near}")
        if not _is_number(weight) or weight <= 0:
            raise ValueError(f"{name} = {shown(weight)}: expected a weight above zero")
    return {name: float(weight) for name, weight in weights.items()}


def checked_distribution(raw: Any, key: str) -> Any:
    """A distribution of one property; raises ValueError with what is expected."""
    expected = "expected one of " + ", ".join(DISTRIBUTIONS)
    if not isinstance(raw, Mapping):
        raise ValueError(f"{shown(raw)}: {expected}, e.g. {{ loguniform = [1e-9, 1e-8] }}")
    kinds = [name for name in raw if name not in ("cause", "correlation")]
    unknown = [name for name in kinds if name not in DISTRIBUTIONS]
    if unknown:
        raise ValueError(f"unknown distribution {unknown[0]!r}{closest(unknown[0], DISTRIBUTIONS)}")
    if len(kinds) != 1:
        raise ValueError(f"{len(kinds)} distributions given: {expected}")
    if problem := _parameter_problem(kinds[0], raw[kinds[0]], key) or _cause_problem(raw):
        raise ValueError(problem)
    return raw


def _parameter_problem(kind: str, raw: Any, key: str) -> str | None:
    if kind == "literature":
        return None if raw is True else "literature = true takes the range of the sources' values"
    if kind in ("uniform", "loguniform"):
        problems = _bound_problems(key, raw)
        if not problems and kind == "loguniform" and raw[0] <= 0:
            problems = [f"loguniform {shown(raw)}: both ends must be above zero"]
        return "; ".join(problems) or None
    keys = ("median", "decades") if kind == "lognormal" else ("mean", "std")
    if not isinstance(raw, Mapping) or set(raw) != set(keys):
        return f"{kind} {shown(raw)}: expected {{ {keys[0]} = ..., {keys[1]} = ... }}"
    if not all(_is_number(raw[name]) for name in keys) or raw[keys[1]] < 0:
        return f"{kind} {shown(raw)}: expected finite numbers, {keys[1]} not below zero"
    known = quantity(key)
    return known.problem(float(raw[keys[0]])) if known else None


def _cause_problem(raw: Mapping[str, Any]) -> str | None:
    if "cause" in raw and not isinstance(raw["cause"], str):
        return f"cause {shown(raw['cause'])}: expected a word that correlated properties share"
    correlation = raw.get("correlation", 1.0)
    if not _is_number(correlation) or not -1 <= correlation <= 1:
        return f"correlation {shown(correlation)}: expected a number from -1 to 1"
    return "correlation without a cause" if "correlation" in raw and "cause" not in raw else None


def _is_number(value: Any) -> bool:
    return finite(value) is not None
