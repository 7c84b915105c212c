"""Pieces of the thickness axis inside which no verdict of a line changes.

A line is judged once per piece, at its first thickness, instead of once per thickness.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int
from numpy.typing import NDArray

from muli.screen.engine.answers import Answers, in_all_states
from muli.screen.engine.reduce import Coded, code_rows
from muli.screen.engine.thresholds import Thresholds, judge_at, status_at

Gating = Callable[[Answers], tuple[Array, Array]]
MOST_BINS = 2**12


class Pieces(NamedTuple):
    """First positions of the pieces of every line, in order, and how many thicknesses each holds.

    Pieces may be empty.
    """

    start: Int[Array, "pieces lines"]
    length: Int[Array, "pieces lines"]


class Ruler(NamedTuple):
    """Finds positions on an ascending axis of positive numbers.

    The leading bits of a number are its bin (positive numbers are in the order of their bits);
    `starts` holds how many points lie below each bin, and after the last. Inside a bin the
    position is found by halving, `steps` times.
    """

    shift: int
    first: int
    steps: int
    starts: NDArray[np.int32]

    @classmethod
    def of(cls, axis: NDArray[np.float64]) -> "Ruler":
        """The narrowest bins that are fewer than `MOST_BINS`: few points share one."""
        bits = axis.view(np.int64)
        narrow = (n for n in range(64) if (bits[-1] >> n) - (bits[0] >> n) < MOST_BINS)
        shift = next(narrow)
        bins = (bits >> shift) - (bits[0] >> shift)
        starts = np.searchsorted(bins, np.arange(bins[-1] + 2)).astype(np.int32)
        most = int(np.diff(starts, append=len(axis)).max())
        return cls(shift, int(bits[0] >> shift), most.bit_length(), starts)

    def below(self, value: Array, axis: Array, starts: Array) -> Array:
        """How many points lie below each value; 0 where it is NaN."""
        place = (jax.lax.bitcast_convert_type(value, jnp.int64) >> self.shift) - self.first
        place = jnp.clip(place, 0, len(self.starts) - 1).astype(jnp.int32)
        low = starts[place]
        high = starts[jnp.minimum(place + 1, len(self.starts) - 1)]
        for _ in range(self.steps):
            middle = (low + high) // 2
            farther = (low < high) & (axis[jnp.minimum(middle, len(axis) - 1)] < value)
            low, high = jnp.where(farther, middle + 1, low), jnp.where(farther, high, middle)
        return jnp.where(jnp.isnan(value), 0, low)


def pieces_between(cuts: Sequence[Array], lines: int, points: int) -> Pieces:
    """The pieces between cuts, as positions (lines or 1, states or 1, 1, 1), of all states."""
    columns = [cut[:, state, 0, 0] for cut in cuts for state in range(cut.shape[1])]
    start = _sorted([jnp.broadcast_to(column, (lines,)) for column in columns])
    end = [*start, jnp.full((lines,), points, jnp.int32)]
    start = [jnp.zeros((lines,), jnp.int32), *start]
    length = [b - a for a, b in zip(start, end, strict=True)]
    return Pieces(jnp.minimum(jnp.stack(start), points - 1), jnp.stack(length))


def _sorted(columns: list[Array]) -> list[Array]:
    """Columns sorted element by element."""
    columns = list(columns)
    for i, j in _exchanges(len(columns)):
        a, b = columns[i], columns[j]
        columns[i], columns[j] = jnp.minimum(a, b), jnp.maximum(a, b)
    return columns


def _exchanges(count: int) -> list[tuple[int, int]]:
    """Pairs to exchange if out of order, in turn, to sort so many numbers (Batcher's network)."""
    powers = [1 << bit for bit in range((count - 1).bit_length())]
    return [
        (low, low + step)
        for width in powers
        for step in reversed([power for power in powers if power <= width])
        for first in range(step % width, count - step, 2 * step)
        for low in range(first, min(first + step, count - step))
        if low // (2 * width) == (low + step) // (2 * width)
    ]


def judge_pieces(
    lines: Thresholds, answers: Answers, pieces: Pieces, gates: int, gating: Gating
) -> Coded:
    """Outcomes of every piece, (pieces, lines, states) each.

    lines: cuts as positions. answers: what does not depend on the thickness. gating: (removed_by,
    unknown_at) of answers.
    """
    shape = pieces.start.shape[1], lines.cuts.oxidation.shape[1], 1

    def one(start: Array) -> Coded:
        at = start[:, None, None, None]
        row = judge_at(lines, at)
        verdicts: dict[str, Any] = row._asdict() | {"feasible": in_all_states(row.feasible)}
        codes = answers.codes | {"coating_class": verdicts.pop("coating_class")}
        codes["status"] = status_at(lines, at, codes["status"])
        judged = Answers(answers.floats, verdicts, codes)
        return code_rows(judged, *gating(judged), gates, shape)

    return jax.tree.map(lambda outcomes: outcomes[..., 0], jax.vmap(one)(pieces.start))
