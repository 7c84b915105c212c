"""From all thicknesses of a line to its best one, and counts of everything else, on the device.

The best thickness of a coating in a scenario is the smallest feasible one on the grid; where none
is feasible, the first by status, protection, coating class, thickness. Rows that a gate removed are
not compared, and counted apart.
"""

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
        """Made from the answers of all thicknesses of some lines."""
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
    position = jnp.arange(packed.shape[2], dtype=jnp.int32)[None, None]
    key = jnp.min(_key(packed, position), axis=2)
    position = jnp.where(key == NOTHING, 0, key & _POSITION)
    code = jnp.take_along_axis(packed, position[:, :, None], axis=2)[:, :, 0]
    columns = [
        _sums(outcome(packed, name), kept, len(kinds), 2) for name, kinds in OUTCOMES.items()
    ]
    if gates:
        columns.insert(0, _gate_sums(coded, jnp.ones_like(kept), gates, 2))
    return Best(key, code, jnp.concatenate(columns, axis=2))


def reduce_pieces(coded: Coded, start: Array, length: Array, gates: int) -> Best:
    """The same from pieces of lines inside which nothing changes, (pieces, lines, states).

    start, length: first position of every piece and how many thicknesses it holds, (pieces, lines).
    """
    packed, rows = coded.packed, length[:, :, None]
    kept = jnp.where(packed == _REMOVED, 0, rows)
    key = _key(packed, start[:, :, None])
    best = jnp.min(key, axis=0)
    code = jnp.max(jnp.where(key == best[None], packed, _REMOVED), axis=0)

    def whole(column: str) -> Array:
        return _sums(outcome(packed, column), kept, len(OUTCOMES[column]), 0)

    columns = [whole(column) for column in OUTCOMES]
    if gates:
        columns.insert(0, _gate_sums(coded, rows, gates, 0))
    return Best(best, code, jnp.concatenate(columns, axis=2))


def _gate_sums(coded: Coded, rows: Array, gates: int, axis: int) -> Array:
    """How many rows every gate removed, and could not decide, summed over an axis."""
    removed = [coded.removed_by == gate + 1 for gate in range(gates)]
    unknown = [(coded.unknown_at >> gate) & 1 == 1 for gate in range(gates)]
    sums = [jnp.sum(jnp.where(mask, rows, 0), axis, dtype=jnp.int32) for mask in removed + unknown]
    return jnp.stack(sums, axis=2)


def _sums(codes: Array, rows: Array, kinds: int, axis: int) -> Array:
    """How many rows have each code, (lines, states, kinds), summed over an axis.

    A 64-bit word counts three kinds.
    """
    sums = []
    for first in range(0, kinds, _KINDS_PER_WORD):
        place = codes.astype(jnp.int64) - first
        inside = (place >= 0) & (place < _KINDS_PER_WORD)
        counter = rows.astype(jnp.int64) << (jnp.where(inside, place, 0) * _THICKNESS_BITS)
        word = jnp.sum(jnp.where(inside, counter, 0), axis=axis)
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


def _key(packed: Array, position: Array) -> Array:
    """Sortable key of every row: infeasible | status | protected | class | thickness position."""
    verdict = outcome(packed, "protected")
    protected = jnp.where(verdict == NO, 2, verdict - YES)
    rank = (outcome(packed, "status") << 5) | (protected << 3) | outcome(packed, "coating_class")
    infeasible = _INFEASIBLE | (rank << _THICKNESS_BITS) | position
    key = jnp.where(outcome(packed, "feasible") == YES, position, infeasible)
    return jnp.where(packed == _REMOVED, NOTHING, key).astype(jnp.int32)
