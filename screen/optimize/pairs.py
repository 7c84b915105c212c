"""Coatings of several layers: every ordered choice of materials, and the gain of the best.

In cathode | A | B | electrolyte the outer layer A stands the cathode and the inner layer B stands
the electrolyte: a material that the cathode would oxidise may serve behind one that it does not.
"""

from itertools import permutations
from typing import Any

import pandas as pd

from muli.screen.optimize.answer import Answer
from muli.screen.optimize.batch import solve_cases
from muli.screen.optimize.read import Case, cases
from muli.screen.spec import Source

SAME = 1e-4
"""Thicknesses closer than this, relatively, are one: no stack beats another by less."""


def layered(source: Source, layers: int) -> pd.DataFrame:
    """Every ordered choice of `layers` different coatings of the spec, best first.

    Coatings with an unknown conductivity are left out. Order: feasible, total thickness (to four
    digits), resistance, by how little it misses, name. Columns: those of the scenario, `coating`
    (electrolyte side first), `criteria` (those applied), `feasible`, `total_thickness_nm`,
    `thickness_nm` per layer, `asr_coating_ohm_cm2`, `misses_by` (see `Answer`), `beats_members` (no
    member alone is feasible, or the stack is thinner than each of those that are), `why`.
    """
    alone = cases(source)
    usable = [case for case in alone if case.problem is not None]
    names = list(dict.fromkeys(case.names[-1] for case in usable))
    stacks = cases(source, list(permutations(names, layers)))
    single = {
        _key(case, case.names[-1]): answer
        for case, answer in zip(usable, solve_cases(usable, relax=False), strict=True)
    }
    rows = [
        _row(case, answer, [single[_key(case, name)] for name in case.names[1:]])
        for case, answer in zip(stacks, solve_cases(stacks, relax=False), strict=True)
    ]
    table = pd.DataFrame(rows)
    table["_thickness"] = [float(f"{t:.4g}") for t in table["total_thickness_nm"].astype(float)]
    order = ["feasible", "_thickness", "asr_coating_ohm_cm2", "misses_by", "coating"]
    ranked = table.sort_values(order, ascending=[False, *[True] * 4], kind="stable")
    return ranked.drop(columns="_thickness").reset_index(drop=True)


def _key(case: Case, coating: str) -> tuple[Any, ...]:
    """The scenario of a case with one coating of it."""
    return coating, *(value for name, value in case.scenario.items() if name != "coating")


def _row(case: Case, found: Answer, members: list[Answer]) -> dict[str, Any]:
    total = sum(found.thickness_nm) if found.thickness_nm else None
    thinner = [sum(member.thickness_nm) for member in members if member.thickness_nm]
    return {
        **case.scenario,
        "criteria": list(case.criteria),
        "feasible": found.feasible,
        "total_thickness_nm": total,
        "thickness_nm": found.thickness_nm,
        "asr_coating_ohm_cm2": found.asr_coating_ohm_cm2,
        "status": found.status,
        "misses_by": found.misses_by,
        "beats_members": total is not None and all(total < nm * (1 - SAME) for nm in thinner),
        "why": _why(case, found, members),
    }


def _why(case: Case, found: Answer, members: list[Answer]) -> str:
    """What each member cannot do alone, and what limits the stack."""
    if not found.feasible:
        return found.message
    alone = [
        f"{name} alone {_alone(member)}"
        for name, member in zip(case.names[1:], members, strict=True)
    ]
    limits = "; ".join(limit for limit in found.active_constraints if "bound" not in limit)
    return f"{'; '.join(alone)}; together limited by: {limits or 'the bounds'}"


def _alone(member: Answer) -> str:
    if member.thickness_nm:
        return f"needs {sum(member.thickness_nm):.3g} nm"
    return f"fails ({'; '.join(member.active_constraints) or member.message})"
