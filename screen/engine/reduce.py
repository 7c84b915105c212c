"""From all thicknesses of a line to its best one, and counts of everything else, on the device.

The best thickness of a coating in a scenario is the smallest feasible one on the grid; where none
is feasible, the first by status, protection, coating class, thickness. Rows that a gate removed are
not compared, and counted apart.
"""

from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from numpy.typing import NDArray

from muli.screen.engine.answers import Answers
from muli.screen.vocabulary import NO, OUTCOMES, YES

NOTHING = 2**31 - 1
"""Key of a line of which no row is left."""

_THICKNESS_BITS = 21
_POSITION = 2**_THICKNESS_BITS - 1
_KINDS_PER_WORD = 63 // _THICKNESS_BITS
_INFEASIBLE = 1 << 30


class Best(NamedTuple):
    """Per line and state: key and outcomes of its best row, counts of all (see `count_names`)."""

    key: Any
    code: Any
    counts: Any


class Order(NamedTuple):
    """What orders lines beside their key, (lines, states); the cost at both ends of the axis.

    The cost is linear in the thickness, so that of the best thickness lies between. The margin is
    that of the thickest coating; it orders nothing and is counted.
    """

    smallest: Any
    largest: Any
    tolerable: Any
    cost_first: Any
    cost_last: Any
    margin_last: Any

    @classmethod
    def of(cls, answers: Answers, shape: tuple[int, int, int]) -> "Order":
        """From the answers of all thicknesses of some lines."""
        cost = answers.floats["asr_coating_ohm_cm2"]
        columns = [
            answers.floats["min_thickness_nm"],
            answers.floats["max_thickness_nm"],
            answers.floats["max_sigma_ele_at_L_max_S_cm"],
            cost,
            cost[..., -1:],
            answers.floats["oxidation_margin_V"][..., -1:],
        ]
        return cls(*(jnp.broadcast_to(c[..., :1], (*shape[:2], 1, 1))[:, :, 0, 0] for c in columns))


def count_names(gates: int) -> list[tuple[str, str]]:
    """(column, outcome) of every count, gates' `removed` and `unknown` first."""
    names = [(kind, str(gate)) for kind in ("removed", "unknown") for gate in range(gates)]
    return names + [(column, outcome) for column, codes in OUTCOMES.items() for outcome in codes]


class Coded(NamedTuple):
    """Outcomes of rows as small integers, (lines, states, thicknesses) each.

    packed: see `_FIELDS`. removed_by, unknown_at: as the gates give them; None without gates.
    """

    packed: Any
    removed_by: Any
    unknown_at: Any


def code_rows(
    answers: Answers, removed_by: Array, unknown_at: Array, gates: int, shape: tuple[int, int, int]
) -> Coded:
    """The outcomes of all rows, for `reduce_lines` to count.

    removed_by: 0 where a row is kept, else 1 + the gate that removed it. unknown_at: bit g set
    where the answer of gate g is unknown. shape: (lines, states, thicknesses).
    This is a program apart from the sums: in one with them, the compiler would judge every row
    again for each of some eight sums.
    """

    def flat(column: Array) -> Array:
        return jnp.broadcast_to(column, (*shape[:2], 1, shape[2])).reshape(shape)

    packed = flat(_pack(answers, removed_by))
    return Coded(packed, *(flat(column) if gates else None for column in (removed_by, unknown_at)))


def reduce_lines(coded: Coded, gates: int) -> Best:
    """Best key and counts over thicknesses."""
    packed, kept = coded.packed, (coded.packed != _REMOVED).astype(jnp.int32)
    columns = [(0, (coded.removed_by == gate + 1).astype(jnp.int32), 1) for gate in range(gates)]
    columns += [(0, (coded.unknown_at >> gate) & 1, 1) for gate in range(gates)]
    columns += [(outcome(packed, column), kept, len(codes)) for column, codes in OUTCOMES.items()]
    position = jnp.arange(packed.shape[2], dtype=jnp.int32)[None, None]
    key = _lowest(_key(packed, position))
    position = jnp.where(key == NOTHING, 0, key & _POSITION)
    code = jnp.take_along_axis(packed, position[:, :, None], axis=2)[:, :, 0]
    return Best(key, code, _histograms(columns))


def reduce_pieces(coded: Coded, start: Array, length: Array, gates: int) -> Best:
    """The same from pieces of lines inside which nothing changes, (pieces, lines, states).

    start, length: first position of every piece and how many thicknesses it holds, (pieces, lines).
    A line's status is that of all its pieces.
    """
    packed, rows = coded.packed, length[:, :, None]
    kept = jnp.where(packed == _REMOVED, 0, rows)
    key = _key(packed, start[:, :, None])
    best = jnp.min(key, axis=0)
    code = jnp.max(jnp.where(key == best[None], packed, _REMOVED), axis=0)

    def whole(column: str) -> Array:
        return _sums(outcome(packed, column), kept, len(OUTCOMES[column]))

    counted = {column: whole(column) for column in OUTCOMES if column != "status"}
    status = jnp.max(jnp.where(packed == _REMOVED, -1, outcome(packed, "status")), axis=0)
    every = jnp.arange(len(OUTCOMES["status"]), dtype=jnp.int32)[None, None] == status[:, :, None]
    total = jnp.sum(counted["protected"], axis=2, dtype=jnp.int32)
    counted["status"] = jnp.where(every, total[:, :, None], 0)
    columns = [counted[column] for column in OUTCOMES]
    if gates:
        columns.insert(0, _gate_sums(coded, rows, gates))
    return Best(best, code, jnp.concatenate(columns, axis=2))


def _gate_sums(coded: Coded, rows: Array, gates: int) -> Array:
    removed = [coded.removed_by == gate + 1 for gate in range(gates)]
    unknown = [(coded.unknown_at >> gate) & 1 == 1 for gate in range(gates)]
    sums = [jnp.sum(jnp.where(mask, rows, 0), 0, dtype=jnp.int32) for mask in removed + unknown]
    return jnp.stack(sums, axis=2)


def _sums(codes: Array, rows: Array, kinds: int) -> Array:
    """How many rows have each code, (lines, states, kinds), summed over the first axis.

    A 64-bit word counts three kinds.
    """
    sums = []
    for first in range(0, kinds, _KINDS_PER_WORD):
        place = codes.astype(jnp.int64) - first
        inside = (place >= 0) & (place < _KINDS_PER_WORD)
        counter = rows.astype(jnp.int64) << (jnp.where(inside, place, 0) * _THICKNESS_BITS)
        word = jnp.sum(jnp.where(inside, counter, 0), axis=0)
        few = min(_KINDS_PER_WORD, kinds - first)
        sums += [(word >> (kind * _THICKNESS_BITS)) & _POSITION for kind in range(few)]
    return jnp.stack(sums, axis=2).astype(jnp.int32)


def feasible_lines(key: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Lines of which some thickness is feasible."""
    return key < _INFEASIBLE


def thickness_position(key: NDArray[np.int32]) -> NDArray[np.int32]:
    """Position on the thickness axis that a key names; 0 for `NOTHING`."""
    return np.where(key == NOTHING, 0, key & _POSITION).astype(np.int32)


_FIELDS = {"coating_class": (0, 3), "protected": (3, 2), "status": (5, 3), "feasible": (8, 2)}
"""First bit and number of bits of each outcome in a row's packed code, least important first."""

_REMOVED = -1


def outcome(code: Any, column: str) -> Any:
    """One outcome of rows, from their packed codes."""
    shift, bits = _FIELDS[column]
    return (code >> shift) & (2**bits - 1)


def _pack(answers: Answers, removed_by: Array) -> Array:
    columns = {**answers.codes, **answers.verdicts}
    packed = sum((columns[name] << shift for name, (shift, _) in _FIELDS.items()), start=0)
    return jnp.where(removed_by == 0, packed, _REMOVED).astype(jnp.int32)


_SLICE = 32
_SPAN = 255
_COUNTER_BITS = 4
_COUNTERS = 32 // _COUNTER_BITS
"""A 32-bit word holds eight counters of four bits. A span of 255 rows is cut into seven slices of
32 rows (31 are left over), which are added element by element in vector loops: sums fit into four
bits. Counters are then widened to eight bits, into which the sum over a span fits."""


def _spans(column: Array) -> list[Array]:
    """The last axis cut into spans, (lines, states, spans, rows), and what is left over."""
    *shape, length = column.shape
    cut = length // _SPAN * _SPAN
    parts = [
        column[:, :, :cut].reshape(*shape, cut // _SPAN, _SPAN),
        column[:, :, cut:].reshape(*shape, 1, length - cut),
    ]
    return [part for part in parts if part.size]


def _folded(span: Array, fold: Callable[[Array, Array], Array]) -> list[Array]:
    """Slices of the last axis joined element by element, and what is left over."""
    *_, length = span.shape
    cut = length // _SLICE * _SLICE
    slices = [span[..., start : start + _SLICE] for start in range(0, cut, _SLICE)]
    parts = [reduce(fold, slices)] if slices else []
    return [*parts, span[..., cut:]] if cut < length else parts


def _lowest(column: Array) -> Array:
    """The smallest number along the last axis."""
    parts = [part for span in _spans(column) for part in _folded(span, jnp.minimum)]
    return reduce(jnp.minimum, (jnp.min(part, axis=(2, 3)) for part in parts))


def _histograms(columns: Sequence[tuple[Any, Array, int]]) -> Array:
    """How often each code of each column occurs along the last axis, (lines, states, codes).

    columns: codes below the number of kinds, whether a row counts (1 or 0), the number of kinds.
    A word counts as many columns as it has counters for, and is added up as a whole.
    """
    words: list[Any] = []
    places: list[int] = []
    used = _COUNTERS
    for code, counted, kinds in columns:
        # A column has one counter per code, side by side in a word. Every row adds 1 to the counter
        # of its code; a column that does not fit any more begins a new word.
        if used + kinds > _COUNTERS:
            words, used = [*words, 0], 0
        words[-1] = words[-1] + (counted << (code + used) * _COUNTER_BITS)
        places += range((len(words) - 1) * _COUNTERS + used, len(words) * _COUNTERS)[:kinds]
        used += kinds
    counts = [sum(map(_counters, _spans(word)), start=0) for word in words]
    return jnp.concatenate(counts, axis=2)[:, :, np.array(places)]


def _counters(span: Array) -> Array:
    """The counters of the words of spans, added up, (lines, states, counters)."""
    add = partial(jnp.sum, dtype=jnp.int32)
    parts = _folded(span, jnp.add)
    # Counters of four bits hold at most 15. They are widened to eight bits, the even and the odd
    # ones apart, before the slices are added up; then each becomes a number of its own.
    pairs = [sum(add(part >> bits & 0x0F0F0F0F, axis=3) for part in parts) for bits in (0, 4)]
    shift = jnp.arange(0, 32, 2 * _COUNTER_BITS, dtype=jnp.int32)[None, None, None, :, None]
    wide = jnp.stack(pairs, axis=3)[:, :, :, None] >> shift & 0xFF
    return add(wide, axis=2).reshape(*span.shape[:2], _COUNTERS)


def _key(packed: Array, position: Array) -> Array:
    """Sortable key of every row: infeasible | status | protected | class | thickness position."""
    verdict = outcome(packed, "protected")
    protected = jnp.where(verdict == NO, 2, verdict - YES)
    rank = (outcome(packed, "status") << 5) | (protected << 3) | outcome(packed, "coating_class")
    infeasible = _INFEASIBLE | (rank << _THICKNESS_BITS) | position
    key = jnp.where(outcome(packed, "feasible") == YES, position, infeasible)
    return jnp.where(packed == _REMOVED, NOTHING, key).astype(jnp.int32)
