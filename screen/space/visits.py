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


CONTACT = "interface.coating_cathode_asr_ohm_cm2"
"""The axis of contacts that move the coating's face at the cathode."""

ANODE_CONTACT = "interface.anode_electrolyte_asr_ohm_cm2"
"""The same of the electrolyte's face at the anode, which may leave the range of its curve."""


def stacks_note(
    problem: Problem,
    gates: Sequence[ResultGate],
    axis_columns: Mapping[str, AxisColumn],
    stacks: int,
) -> list[str]:
    """The note of a run in mode best on how many of its stacks were judged. stacks: all."""
    space, why = problem.space, why_visited(problem, gates, axis_columns)
    if problem.spec.output.mode != "best" or space.thicknesses == 1 or not stacks:
        return []
    if why is not None:
        return [f"all {stacks:,} stacks were judged one by one: {why}"]
    judged = stacks // space.thicknesses * pieces(problem)
    if judged >= stacks:
        return []
    return [
        f"{stacks:,} stacks were covered by judging {judged:,}: "
        "between the thicknesses where a verdict changes all are alike"
    ]


def pieces(problem: Problem) -> int:
    """Pieces of the thickness axis that a line is judged on: one more than thicknesses at which a
    verdict or the status changes, four or six in each state of the cathode, one more for every
    layer with a curve of sigma_ele, and one for the budget."""
    cuts = (6 if CONTACT in problem.space.scenarios else 4) + len(problem.curved)
    return problem.space.states * cuts + 2


def why_visited(
    problem: Problem, gates: Sequence[ResultGate], axis_columns: Mapping[str, AxisColumn]
) -> str | None:
    """Why mode best judges every thickness by itself; None where it does not."""
    thickness = problem.numbers.get(THICKNESS)
    if thickness is None:
        return "the screen has no thickness"
    if (why := why_solved(problem)) is not None:
        return why
    if not (np.diff(thickness) > 0).all():
        return f"{THICKNESS} does not ascend"
    few = STEPPED | (set(axis_columns) - {THICKNESS})
    for gate in gates:
        for name in names(gate.tree):
            if name not in few:
                return f"filters.{gate.name} names {name}"
    return None


def why_solved(problem: Problem) -> str | None:
    """Why verdicts come from the potentials of every stack; None where the thicknesses at which
    they change are explicit."""
    if problem.numbers["current_density_mA_cm2"].any():
        return "a current flows"
    if problem.layers > 1:
        return "coatings have several layers"
    if problem.anode_coated:
        return "the anode is coated"
    law = "is a curve" if problem.curved else "has branches" if problem.branches else None
    moved = (CONTACT, ANODE_CONTACT) if problem.curved else (CONTACT,)
    for contact in moved:
        if law is not None and contact in problem.space.scenarios:
            return f"sigma_ele {law} and {contact} is not 0"
    return None
