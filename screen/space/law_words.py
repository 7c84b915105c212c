"""Which law of sigma_ele the stacks of a screen have, by the materials of their layers."""

import numpy as np
from numpy.typing import NDArray

from muli.screen.space import layered
from muli.screen.space.layout import COATING
from muli.screen.space.problem import ANODE_COATING, Problem, column


def laws(problem: Problem) -> tuple[tuple[str, ...], NDArray[np.object_]]:
    """The law of every stack along the axes it depends on: constant, or that of a layer."""
    roles = (COATING, "electrolyte", *((ANODE_COATING,) if problem.anode_coated else ()))
    varies = np.zeros((1,) * len(roles), dtype=bool)
    for role in roles:
        along = [-1 if name == role else 1 for name in roles]
        varies = varies | _has_law(problem, role).reshape(along)
    other = "table" if problem.curved else "branches"
    return roles, np.where(varies, other, "constant").astype(object)


def _has_law(problem: Problem, role: str) -> NDArray[np.bool_]:
    """Materials of a role whose sigma_ele depends on the potential in this screen."""
    frame = problem.materials.frames[role]
    varies = np.zeros(len(frame), dtype=bool)
    if role in problem.curved:
        return problem.curved[role]
    if not problem.branches:
        return varies
    several = role == COATING and problem.layers > 1
    prefixes = [layered.prefix(k + 1) for k in range(problem.layers)] if several else [""]
    for name in ("sigma_n_S_cm", "sigma_p_S_cm"):
        axis = problem.numbers.get(f"{role}.{name}")
        for prefix in prefixes:
            values = column(frame, prefix + name) if axis is None else axis
            varies = varies | ((values > 0) if axis is None else bool((values > 0).any()))
    return varies
