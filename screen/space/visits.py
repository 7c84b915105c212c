"""Whether mode best judges every thickness of a line, or only those at which a verdict changes."""

from collections.abc import Mapping, Sequence

import numpy as np

from muli.screen.conditions import names
from muli.screen.space.facts import AxisColumn
from muli.screen.space.filters import ResultGate
from muli.screen.space.layout import THICKNESS
from muli.screen.space.problem import Problem
from muli.screen.vocabulary import CODES

STEPPED = {
    "min_thickness_nm",
    "max_thickness_nm",
    "transport_ratio",
    "max_sigma_ele_at_L_max_S_cm",
    "oxidation_protected",
    "protected",
    "feasible",
    *CODES,
}
"""Result columns that are constant along the thicknesses of a line, or change a few times."""


def why_visited(
    problem: Problem, gates: Sequence[ResultGate], axis_columns: Mapping[str, AxisColumn]
) -> str | None:
    """Why mode best judges every thickness by itself; None where it does not."""
    thickness = problem.numbers.get(THICKNESS)
    if thickness is None:
        return "the screen has no thickness"
    if problem.branches:
        return "sigma_ele has branches"
    if problem.numbers["current_density_mA_cm2"].any():
        return "a current flows"
    if not (np.diff(thickness) > 0).all():
        return f"{THICKNESS} does not ascend"
    few = STEPPED | (set(axis_columns) - {THICKNESS})
    for gate in gates:
        for name in names(gate.tree):
            if name not in few:
                return f"filters.{gate.name} names {name}"
    return None
