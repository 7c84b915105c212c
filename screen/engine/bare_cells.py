"""The row of a cell without a coating: the electrolyte touches the cathode.

Mode best has it beside the coatings, with the coating "none" and a thickness of 0.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from muli.screen.engine.answers import Answers
from muli.screen.engine.evaluate import Evaluator
from muli.screen.engine.life import life_columns
from muli.screen.engine.probability_line import Probabilities
from muli.screen.space.facts import AxisColumn, Positions, Values
from muli.screen.space.layout import COATING, STATE, THICKNESS
from muli.screen.space.problem import Problem
from muli.screen.vocabulary import OUTCOMES, P_COLUMNS, UNKNOWN, VERDICTS, YES

Extra = dict[str, NDArray[Any]]


def with_bare(
    evaluator: Evaluator,
    groups: NDArray[np.int64],
    at: Positions,
    answers: Answers,
    extra: Extra,
) -> tuple[Positions, Answers, Extra]:
    """The rows, and one without a coating for every one of these scenarios."""
    space, believed = evaluator.problem.space, evaluator.believed
    assert believed is not None
    count = len(groups)
    bare: Positions = {"line": groups[:, None, None] * space.coatings + space.coatings - 1}
    number = groups[:, None, None]
    for name, size in reversed([*space.scenarios.items()]):
        number, bare[name] = np.divmod(number, size)
    bare |= {COATING: np.full((count, 1, 1), space.coatings)}
    bare |= {STATE: np.zeros((count, 1, 1), np.int64), THICKNESS: np.zeros((count, 1, 1), np.int64)}
    joined = {name: np.concatenate([at[name], bare[name]]) for name in at}
    chances = believed.without_coating(groups)
    own = _bare_extra(chances, count)
    if believed.ages:
        own |= life_columns(believed.life_without_coating(groups), chances.p_transport)
    filled = {
        name: np.concatenate([values, own[name].astype(values.dtype)
                              if name in own else np.zeros(count, values.dtype)])
        for name, values in extra.items()
    }  # fmt: skip
    facts = bare_answers(evaluator.problem, bare, list(answers.floats))
    together = jax.tree.map(lambda a, b: np.concatenate([a, b.astype(a.dtype)]), answers, facts)
    return joined, together, filled


def _bare_extra(chances: Probabilities, count: int) -> Extra:
    zero, nothing = np.zeros(count), np.full(count, np.nan)
    return {
        **{name: getattr(chances, name) for name in P_COLUMNS},
        "recommended_thickness_nm": zero,
        "thickness_low_nm": zero,
        "thickness_high_nm": zero,
        "coating_thickness_nm": zero,
        "asr_median_ohm_cm2": zero,
        "min_thickness_all_states_nm": nothing,
        "sigma_ele_needed_S_cm": nothing,
        "top_k_share": nothing,
    }


def bare_answers(problem: Problem, at: Positions, names: Sequence[str]) -> Answers:
    """Answers of cells without a coating: the electrolyte is at the cathode's own potential.

    at: positions on the scenario axes, (cells, 1, 1). names: of the numbers wanted, (cells, 1, 1).
    Numbers are those of the first state of charge, verdicts those of all.
    """
    count = len(at["boundary"])

    def number(key: str, role: str) -> NDArray[np.float64]:
        axis = key if key in problem.numbers else role
        values = problem.tables[key][at[axis][:, 0, 0]]
        for own, index in problem.own.get(key, ()):
            if own in problem.numbers:
                own_values = problem.numbers[own][at[own][:, 0, 0]]
                values = np.where(at[role][:, 0, 0] == index, own_values, values)
        return values

    cathode = "cathode" if "cathode" in problem.materials.frames else "cathode_potential_V"
    potentials = problem.tables["cathode_potential_V"][at[cathode][:, 0, 0]]
    red = number("electrolyte.reduction_limit_V", "electrolyte")
    ox = number("electrolyte.oxidation_limit_V", "electrolyte")
    anode = "anode" if "anode" in problem.materials.frames else "anode_potential_V"
    E_a = problem.tables["anode_potential_V"][at[anode][:, 0, 0]]
    pinned = (problem.numbers["boundary"][at["boundary"][:, 0, 0]] == 0) & (red > E_a)
    floats = {name: np.full(count, np.nan) for name in names}
    floats["interface_potential_V"] = potentials[:, 0]
    floats["oxidation_margin_V"] = ox - potentials[:, 0]
    floats["reduction_margin_V"] = potentials[:, 0] - red
    floats["anode_side_margin_V"] = np.where(pinned, 0.0, E_a - red)
    floats["asr_coating_ohm_cm2"] = np.zeros(count)
    over = _verdict(potentials.max(axis=1) <= ox, ox)
    inside = np.where(over == YES, _verdict(potentials.min(axis=1) >= red, red), over)
    side = _verdict(floats["anode_side_margin_V"] >= 0, red)
    verdicts = dict(zip(VERDICTS, (over, inside, side, inside), strict=True))
    known = ~np.isnan(ox + red + potentials[:, 0])
    codes = {
        "status": np.where(known, OUTCOMES["status"]["ok"], OUTCOMES["status"]["missing_property"]),
        "coating_class": np.full(count, OUTCOMES["coating_class"]["unknown"]),
        "max_thickness_set_by": np.zeros(count, np.int64),
        "anode_boundary": pinned.astype(np.int64),
    }
    shaped = Answers(floats, verdicts, codes)
    return jax.tree.map(lambda values: np.asarray(values)[:, None, None], shaped)


def _verdict(holds: NDArray[np.bool_], needed: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.where(np.isnan(needed), UNKNOWN, holds.astype(np.int64))


def padded(axis_columns: dict[str, AxisColumn]) -> dict[str, AxisColumn]:
    """Columns along the coatings with one more entry: no coating, of which nothing is known."""
    longer = dict(axis_columns)
    for name, column in axis_columns.items():
        if COATING not in column.axes:
            continue
        axis = column.axes.index(COATING)
        if isinstance(column, Values):
            longer[name] = replace(column, values=_one_more(column.values, axis, np.nan))
        elif name == COATING:
            codes = np.append(column.codes, np.int32(len(column.words)))
            longer[name] = replace(column, words=(*column.words, "none"), codes=codes)
        else:
            longer[name] = replace(column, codes=_one_more(column.codes, axis, -1))
    return longer


def _one_more(array: NDArray[Any], axis: int, value: float) -> NDArray[Any]:
    width = [(0, 0)] * array.ndim
    width[axis] = (0, 1)
    return np.pad(array, width, constant_values=value)
