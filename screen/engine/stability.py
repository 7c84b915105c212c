"""How stable a ranking is: how often a coating is among the first `top_k` of its scenario.

In every draw the coatings of a scenario that have a feasible thickness are put in the order of
rankings (reactivity class, coating class, evidence, L_min/L_max, place on the axis), each at its
own least thickness. All coatings of a scenario are compared, even where a chunk has only some of
them.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from muli.screen.engine.confidence import Score
from muli.screen.engine.evaluate import Evaluator
from muli.screen.engine.row_groups import positions
from muli.screen.engine.selection import evidence_rank
from muli.screen.space.distributions import rank_stability
from muli.screen.space.facts import AxisColumn, Positions
from muli.screen.space.layout import Lines
from muli.screen.vocabulary import COATING_CLASSES, EVIDENCE

MOST_SCORES = 2**22
"""Scores of lines, states and draws held at a time, where a scenario has fewer."""


def top_k_shares(
    evaluator: Evaluator, axis_columns: dict[str, AxisColumn], lines: Lines
) -> NDArray[np.float64]:
    """Share of the draws, (lines, states); NaN where what a coating needs is unknown."""
    space = evaluator.problem.space
    assert evaluator.draws is not None
    first, last = lines.start // space.coatings, -(-lines.stop // space.coatings)
    per_group = space.coatings * space.states * evaluator.draws.count
    step = max(1, MOST_SCORES // per_group)
    shares = [
        _of_groups(evaluator, axis_columns, range(group, min(group + step, last)))
        for group in range(first, last, step)
    ]
    skipped = lines.start - first * space.coatings
    return np.concatenate(shares)[skipped : skipped + len(lines)]


def _of_groups(
    evaluator: Evaluator, axis_columns: dict[str, AxisColumn], groups: range
) -> NDArray[np.float64]:
    """The shares of all coatings of some scenarios, (lines, states)."""
    space = evaluator.problem.space
    lines = Lines(groups.start * space.coatings, groups.stop * space.coatings)
    parts = [
        (len(tile), evaluator.call(evaluator.score, [evaluator.start(tile.start)])[0])
        for tile in evaluator.tiles(lines)
    ]
    ratio, coating_class = (
        np.concatenate([getattr(score, name)[:count] for count, score in parts])
        for name in Score._fields
    )
    at = positions(space, lines)
    reactivity = axis_columns["reactivity_class"].at(at)[:, :, 0, None]
    evidence = evidence_rank(axis_columns, at)[:, :, 0, None]
    code = (reactivity * len(COATING_CLASSES) + coating_class) * (len(EVIDENCE) + 1) + evidence
    scores = np.where(np.isnan(ratio), np.inf, code + ratio.astype(float))
    output, whole = evaluator.problem.spec.output, scores.shape
    shares = np.zeros(whole[:2])
    for part in _parts(output.per or (), axis_columns, at, whole[:2]):
        own = np.where(part[:, :, None], scores, np.inf)
        own = own.reshape(len(groups), space.coatings, *whole[1:])
        stability = rank_stability(np.moveaxis(own, 1, 2), output.top_k)
        shares += np.moveaxis(stability, 1, 2).reshape(whole[:2])
    return np.where(np.isnan(ratio).any(axis=2), np.nan, shares)


def _parts(
    per: Sequence[str], axis_columns: dict[str, AxisColumn], at: Positions, shape: tuple[int, int]
) -> list[NDArray[np.bool_]]:
    """Lines and states that are ranked together: all, or those with equal values in `per`."""
    code = np.zeros(shape, np.int64)
    for name in per:
        values = np.broadcast_to(axis_columns[name].at(at)[:, :, 0], shape)
        alike = np.unique(values, return_inverse=True)[1].reshape(shape)
        code = code * (alike.max(initial=0) + 1) + alike
    return [code == value for value in np.unique(code)]
