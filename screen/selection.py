"""Which coatings of a group are kept in mode best: the first of the order that rankings use.

status, protected, reactivity class, coating class, evidence class, L_min/L_max, largest tolerable
sigma_ele (larger first; it speaks where L_min is unknown), resistance, name: each only where all
before it are equal. What is not a number comes last in its key. `screen.criteria` is the same order
in SQL.
"""

import numpy as np
from numpy.typing import NDArray

from screen.answers import NO, UNKNOWN, YES, Answers
from screen.columns import Looked, Positions, Words
from screen.criteria import EVIDENCE
from screen.space import COATING, DesignSpace

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
    looked: dict[str, Looked],
    answers: Answers,
    at: Positions,
    left: NDArray[np.bool_],
    top_k: int,
) -> tuple[Ints, Ints]:
    """Flat positions of the kept (line, state) pairs in order, and their rank in their group.

    left: pairs of which a row is left after the gates.
    """
    shape = left.shape
    keys = [_flat(key, shape) for key in _keys(looked, answers, at)]
    group = _flat(groups_of(space, at), shape)
    candidates = np.flatnonzero(left.reshape(-1))
    order = candidates[np.lexsort([key[candidates] for key in (*reversed(keys), group)])]
    ordered = group[order]
    first = np.searchsorted(ordered, ordered, side="left")
    rank = np.arange(len(order)) - first
    kept = rank < top_k
    return order[kept], rank[kept] + 1


def _keys(looked: dict[str, Looked], answers: Answers, at: Positions) -> list[NDArray[np.generic]]:
    """Sorting keys, the most important first."""
    protected = answers.verdicts["protected"]
    evidence, names = looked["evidence_sigma_ele"], looked[COATING]
    assert isinstance(evidence, Words)
    assert isinstance(names, Words)
    ranked = {word: position for position, word in enumerate(EVIDENCE)}
    rank_of = np.array([ranked.get(word, len(ranked)) for word in (*evidence.words, "")])
    smallest, largest = (answers.floats[f"{end}_thickness_nm"] for end in ("min", "max"))
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(largest <= 0, np.inf, smallest / largest)
        ratio = np.where(smallest == 0, 0.0, ratio)
    return [
        answers.codes["status"],
        np.select([protected == YES, protected == UNKNOWN, protected == NO], [0, 1, 2]),
        looked["reactivity_class"].at(at),
        answers.codes["coating_class"],
        rank_of[evidence.at(at)],
        _last(ratio),
        _last(-answers.floats["max_sigma_ele_at_L_max_S_cm"]),
        _last(answers.floats["asr_coating_ohm_cm2"]),
        name_ranks(names)[at[COATING]],
    ]


def _last(values: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.where(np.isnan(values), np.inf, values)


def _flat(key: NDArray[np.generic], shape: tuple[int, ...]) -> NDArray[np.generic]:
    return np.broadcast_to(key, shape).reshape(-1)
