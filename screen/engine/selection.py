"""Which coatings of a group are kept in mode best: the first of the order that rankings use.

status, protected, reactivity class, coating class, evidence class, L_min/L_max, largest tolerable
sigma_ele (larger first; it decides where L_min is unknown), resistance, name: a key decides only
where all before it are equal. What is not a number comes last in its key. `ranking/criteria.py` is
the same order in SQL.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from muli.screen.engine.judged import LineBest
from muli.screen.engine.reduce import NOTHING, outcome
from muli.screen.space.facts import AxisColumn, Positions, Words
from muli.screen.space.layout import COATING, THICKNESS, DesignSpace
from muli.screen.vocabulary import EVIDENCE, UNKNOWN, YES

Ints = NDArray[np.int64]


def name_ranks(names: Words) -> Ints:
    """Alphabetic rank of each coating on its axis."""
    texts = np.array([names.words[code] for code in names.codes], dtype=object)
    ranks = np.empty(len(texts), dtype=np.int64)
    ranks[np.argsort(texts, kind="stable")] = np.arange(len(texts))
    return ranks


def groups_of(space: DesignSpace, at: Positions) -> Ints:
    """Number of the group of every line and state, (lines, states, 1)."""
    group = at["line"] // space.coatings
    return group * space.states + at["cathode_state"]


def best_per_group(
    space: DesignSpace,
    axis_columns: dict[str, AxisColumn],
    of_lines: LineBest,
    at: Positions,
    thickness_nm: NDArray[np.float64],
    top_k: int,
    per: Sequence[str] = (),
) -> tuple[Ints, Ints]:
    """Flat positions of the kept (line, state) pairs in order, and their rank in their group.

    at: positions of the lines, their best thickness included. per: columns that split a group
    further. Lines of which the gates keep nothing are not kept.
    """
    left = of_lines.best.key != NOTHING
    codes, numbers = _keys(axis_columns, of_lines, at, thickness_nm)
    group = _flat(groups_of(space, at), left.shape).astype(np.int64)
    for name in per:
        within = np.unique(_flat(axis_columns[name].at(at), left.shape), return_inverse=True)[1]
        group = group * (within.max(initial=0) + 1) + within
    first = _joined([group, *(_flat(code, left.shape) for code in codes)])
    near = left if per else left & _first_few(first.reshape(left.shape), left, space, top_k)
    candidates = np.flatnonzero(near)
    keys = [*reversed([_flat(number, left.shape) for number in numbers]), first]
    order = candidates[np.lexsort([key[candidates] for key in keys])]
    ordered = group[order]
    rank = np.arange(len(order)) - np.searchsorted(ordered, ordered, side="left")
    kept = rank < top_k
    return order[kept], rank[kept] + 1


def _first_few(first: Ints, left: NDArray[np.bool_], space: DesignSpace, top_k: int) -> Any:
    """Whether a line may be among the first `top_k` of its group by its first key; sorting only
    these is enough. True for all where the lines are not those of whole groups."""
    if len(first) % space.coatings or top_k >= space.coatings:
        return True
    groups = np.where(left, first, np.iinfo(first.dtype).max)
    groups = groups.reshape(-1, space.coatings, space.states)
    last = np.partition(groups, top_k - 1, axis=1)[:, top_k - 1 : top_k]
    return (groups <= last).reshape(left.shape)


def _keys(
    axis_columns: dict[str, AxisColumn],
    of_lines: LineBest,
    at: Positions,
    thickness_nm: NDArray[np.float64],
) -> tuple[list[Ints], list[NDArray[np.generic]]]:
    """Sorting keys, the most important first: codes, and numbers that come after them."""
    names, order = axis_columns[COATING], of_lines.order
    assert isinstance(names, Words)
    status, verdict, coating_class = (
        outcome(of_lines.best.code, name) for name in ("status", "protected", "coating_class")
    )
    protected = np.select([verdict == YES, verdict == UNKNOWN], [0, 1], 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(order.largest <= 0, np.inf, order.smallest / order.largest)
        ratio = np.where(order.smallest == 0, 0.0, ratio)
    thickness = thickness_nm[at[THICKNESS][:, :, 0]]
    share = (thickness - thickness_nm[0]) / ((thickness_nm[-1] - thickness_nm[0]) or 1.0)
    cost = order.cost_first + share * (order.cost_last - order.cost_first)
    codes = [
        status,
        protected,
        axis_columns["reactivity_class"].at(at)[:, :, 0],
        coating_class,
        evidence_rank(axis_columns, at)[:, :, 0],
    ]
    name = name_ranks(names)[at[COATING]][:, :, 0]
    return codes, [_last(ratio), _last(-order.tolerable), _last(cost), name]


def _joined(codes: Sequence[NDArray[np.generic]]) -> Ints:
    """Small integers as one that has their order, the first the most important."""
    joined = np.zeros(1, np.int64)
    for code in codes:
        whole = code.astype(np.int64)
        low, high = whole.min(initial=0), whole.max(initial=0)
        joined = joined * (high - low + 1) + (whole - low)
    return joined


def evidence_rank(axis_columns: dict[str, AxisColumn], at: Positions) -> Ints:
    """Rank of what is known of each coating's sigma_ele, the best known first."""
    evidence = axis_columns["evidence_sigma_ele"]
    assert isinstance(evidence, Words)
    ranked = {word: position for position, word in enumerate(EVIDENCE)}
    rank_of = np.array([ranked.get(word, len(ranked)) for word in (*evidence.words, "")])
    return rank_of[evidence.at(at)]


def _last(values: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.where(np.isnan(values), np.inf, values)


def _flat(key: NDArray[np.generic], shape: tuple[int, ...]) -> NDArray[np.generic]:
    return np.broadcast_to(key.reshape(key.shape[:2]), shape).reshape(-1)
