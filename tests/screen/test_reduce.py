"""Counts and best rows of lines against NumPy, one row at a time, for axes of any length."""

from functools import partial

import jax.numpy as jnp
import numpy as np
import pytest

from muli.screen.engine.reduce import (
    NOTHING,
    Coded,
    count_names,
    feasible_lines,
    reduce_lines,
    thickness_position,
)
from muli.screen.vocabulary import OUTCOMES
from tests.quick import quick_jit

GATES = 2
reduced = quick_jit(partial(reduce_lines, gates=GATES))
FIRST_BIT = {"coating_class": 0, "protected": 3, "status": 5, "feasible": 8}
"""Where each outcome stands in a packed code."""


@pytest.mark.parametrize("length", [1, 31, 32, 255, 256, 600])
def test_counts_and_the_best_row(length):
    rng = np.random.default_rng(length)
    shape = 5, 2, length
    codes = {name: rng.integers(0, len(kinds), shape) for name, kinds in OUTCOMES.items()}
    removed, unknown = rng.integers(0, GATES + 1, shape), rng.integers(0, 2**GATES, shape)
    for name in codes:
        codes[name][0] = codes[name][0, 0, 0]  # a line that says the same everywhere
    removed[0], removed[1] = 0, 1
    packed = sum(codes[name] << bit for name, bit in FIRST_BIT.items())
    numbers = [np.where(removed == 0, packed, -1), removed, unknown]
    found = reduced(Coded(*(jnp.asarray(n, jnp.int32) for n in numbers)))
    for at in np.ndindex(shape[:2]):
        rows = {name: each[at] for name, each in codes.items()}
        expected = [np.sum(removed[at] == gate + 1) for gate in range(GATES)]
        expected += [np.sum(unknown[at] >> gate & 1) for gate in range(GATES)]
        kept = removed[at] == 0
        for name, kinds in OUTCOMES.items():
            expected += [np.sum(kept & (rows[name] == code)) for code in kinds.values()]
        assert found.counts[at].tolist() == expected
        assert len(expected) == len(count_names(GATES))
        key = np.asarray(found.key[at])
        feasible = np.flatnonzero(kept & (rows["feasible"] == OUTCOMES["feasible"]["yes"]))
        assert feasible_lines(key) == (len(feasible) > 0)
        if len(feasible):
            assert thickness_position(key) == feasible[0]
        assert (key == NOTHING) == (not kept.any())
