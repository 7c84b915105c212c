"""The numbers of one cell by the functions of the engine: the row that a run has of it, in float64.

A program of one row takes the place of the engine's tiles, so that nothing else is compiled.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from muli.screen.compiling.programs import QUICK_COMPILE, kept
from muli.screen.engine.answers import Answers, answer
from muli.screen.engine.bare_cells import bare_answers, padded
from muli.screen.engine.lines import bare_of, line_of, tables_of
from muli.screen.engine.probabilities import (
    THIN_NM,
    at_thickness,
    bare,
    median_resistance,
    recommend,
)
from muli.screen.engine.probability_line import Line, Probabilities, Recommended
from muli.screen.engine.stacks import LawForm, Lookup, build
from muli.screen.engine.thresholds import judge_at, thresholds_of_plane
from muli.screen.space.evidence import Beliefs
from muli.screen.space.facts import Values
from muli.screen.space.layout import COATING, STATE, THICKNESS
from muli.screen.space.problem import Problem
from muli.screen.space.setup import Setup
from muli.screen.spec import Screen
from muli.screen.vocabulary import CODE_NAMES, CURRENT_FLOATS, FLOATS, NO, UNKNOWN, YES

WORDS = {name: {code: word for word, code in codes.items()} for name, codes in CODE_NAMES.items()}
VERDICT = {YES: True, NO: False, UNKNOWN: None}
Row = dict[str, Any]


class Coated(NamedTuple):
    """Probabilities of a coating at the cell's thickness, and the recommended thickness."""

    chances: Probabilities
    cost: Any
    best: Recommended


def coated_rows(setup: Setup) -> list[Row]:
    """The rows of a cell with a coating, one per state of charge, charged first.

    Columns and values are those of `muli run` in mode all; unknown is None, infinity is kept.
    """
    problem = setup.problem
    with jax.enable_x64(True):
        answers = jax.tree.map(np.asarray, _exact(problem))
        believed = _believed(setup)
    return [
        {**_axes(setup, state), **believed, **_told(answers, state)}
        for state in range(problem.space.states)
    ]


def bare_row(setup: Setup) -> Row:
    """The row of a cell without a coating: that of `muli run` in mode best.

    Numbers are those of the charged state, verdicts those of all.
    """
    problem, beliefs = setup.problem, setup.beliefs
    assert beliefs is not None
    zero = np.zeros((1, 1, 1), np.int64)
    at = dict.fromkeys(problem.space.scenarios, zero)
    current = problem.numbers["current_density_mA_cm2"].any()
    names = (*FLOATS, *CURRENT_FLOATS) if current else FLOATS
    with jax.enable_x64(True):
        chances = jax.tree.map(float, _bare(_line(setup, bare=True)))
    nothing = _axes(setup, 0, problem.space.coatings)
    row = {**nothing, **chances._asdict(), **_told(bare_answers(problem, at, names), 0)}
    return row | {THICKNESS: 0.0, "asr_median_ohm_cm2": 0.0}


def _axes(setup: Setup, state: int, coating: int = 0) -> Row:
    """The axes and the facts of the materials. coating: its position; one past the last: none."""
    first = np.zeros(1, np.int64)
    at = dict.fromkeys((*setup.problem.space.scenarios, THICKNESS), first)
    at |= {COATING: first + coating}
    at[STATE] = first + min(state, setup.problem.space.states - 1)
    row: Row = {}
    for name, column in padded(setup.axis_columns).items():
        value = column.at(at).reshape(-1)[0]
        if isinstance(column, Values):
            row[name] = _known(value)
        else:
            row[name] = column.words[value] if value >= 0 else None
    return row


def _told(answers: Answers, state: int) -> Row:
    """What was computed for a state of charge."""

    def at(each: Any) -> Any:
        each = np.asarray(each)
        return each[0, min(state, each.shape[1] - 1)].reshape(-1)[0]

    floats, verdicts, codes = answers
    return {
        **{name: _known(at(values)) for name, values in floats.items()},
        **{name: VERDICT[int(at(values))] for name, values in verdicts.items()},
        **{name: WORDS[name][int(at(values))] for name, values in codes.items()},
    }


def _known(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)


def _exact(problem: Problem) -> Answers:
    """Everything that follows from exact numbers, (1, states, 1, 1)."""
    screen = problem.spec.screen
    judged = screen.asr_budget_ohm_cm2, screen.areal_capacity_mAh_cm2, screen.window_tolerance_V
    axes = (*problem.space.scenarios, COATING)
    current = bool(problem.numbers["current_density_mA_cm2"].any())
    return _exact_program(
        problem.tables, np.asarray(judged), axes, current, tuple(sorted(problem.curved))
    )


@kept("cell", QUICK_COMPILE)
def _exact_program(
    tables: Any, judged: Any, axes: tuple[str, ...], current: bool, curved: tuple[str, ...]
) -> Answers:
    digits = {name: jnp.zeros((1, 1), jnp.int32) for name in axes}
    budget, capacity, tolerance = judged.reshape(3, 1, 1, 1, 1)
    screen = Screen.model_construct(
        asr_budget_ohm_cm2=budget,
        areal_capacity_mAh_cm2=capacity,
        window_tolerance_V=tolerance,
    )
    thickness = tables[THICKNESS].reshape(1, 1, 1, 1)
    law = LawForm(False, 1.0, current, frozenset(curved))
    batch = build(Lookup(tables, digits), thickness, screen, law)
    plane = not (current or curved)
    row = judge_at(thresholds_of_plane(batch), thickness) if plane else None
    return answer(batch, plane=plane, current=current, row=row)


def _believed(setup: Setup) -> Row:
    nm = setup.problem.numbers[THICKNESS][0]
    floor = np.asarray(setup.problem.spec.ranking.thinnest_film_nm)
    result = jax.tree.map(np.asarray, _coated(_line(setup), nm, floor))
    best = {name: value.item() for name, value in result.best._asdict().items()}
    return {
        **{name: float(value) for name, value in result.chances._asdict().items()},
        "recommended_thickness_nm": best["thickness_nm"],
        "thickness_low_nm": best["thickness_low_nm"],
        "thickness_high_nm": best["thickness_high_nm"],
        "asr_median_ohm_cm2": float(result.cost),
        "thin": bool(nm < THIN_NM),
        "not_affordable": best["not_affordable"],
    }


def _line(setup: Setup, *, bare: bool = False) -> Line:
    """Distributions of the cell's properties as numbers. bare: of the cell without a coating."""
    assert isinstance(setup.beliefs, Beliefs)
    _, tables = tables_of(setup.beliefs)
    tables |= {name: values for name, values in setup.problem.numbers.items() if name not in tables}

    def looked(name: str) -> Any:
        return np.asarray(tables[name], np.float64).reshape(-1)[0]

    line = line_of(looked, tables, setup.problem.spec.screen)
    line = bare_of(line, looked) if bare else line
    return jax.tree.map(np.float64, line)


@kept("cell believed", QUICK_COMPILE)
def _coated(line: Line, nm: Any, floor: Any) -> Coated:
    return Coated(at_thickness(line, nm), median_resistance(line, nm), recommend(line, floor))


@kept("bare cell believed", QUICK_COMPILE)
def _bare(line: Line) -> Probabilities:
    return bare(line)
