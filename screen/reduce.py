"""From all thicknesses of a line to its best one, and counts of everything else, on the device.

The best thickness of a coating in a scenario is the smallest feasible one on the grid; where none
is feasible, the first by status, protection, coating class, thickness. Rows a gate removed take no
part and are counted apart.
"""

from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from numpy.typing import NDArray

from kernels import CoatingClass, Status, ThicknessLimit
from screen.answers import NO, UNKNOWN, YES, Answers

NOTHING = 2**31 - 1
"""Key of a line of which no row is left."""

CODE_NAMES: dict[str, dict[str, int]] = {
    "status": {status.label: int(status) for status in Status},
    "coating_class": {each.name.lower(): int(each) for each in CoatingClass},
    "max_thickness_set_by": {each.name.lower(): int(each) for each in ThicknessLimit},
    "anode_boundary": {"electrode": 0, "interphase": 1},
}
"""Words of the columns that hold codes on the device."""

_VERDICT = {"no": NO, "yes": YES, "unknown": UNKNOWN}

OUTCOMES: dict[str, dict[str, int]] = {
    "status": CODE_NAMES["status"],
    "protected": _VERDICT,
    "feasible": _VERDICT,
    "coating_class": CODE_NAMES["coating_class"],
}
"""What is counted per group, with the code of each outcome."""

_THICKNESS_BITS = 21
_POSITION = 2**_THICKNESS_BITS - 1
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
    """All that `reduce_lines` counts, laid out.

    removed_by: 0 where a row is kept, else 1 + the gate that removed it. unknown_at: bit g set
    where gate g could not tell. shape: (lines, states, thicknesses). A program of its own: within
    one, the compiler would judge every row again for each of some eight sums.
    """

    def flat(column: Array) -> Array:
        return jnp.broadcast_to(column, (*shape[:2], 1, shape[2])).reshape(shape)

    packed = flat(_pack(answers, removed_by))
    return Coded(packed, *(flat(each) if gates else None for each in (removed_by, unknown_at)))


def reduce_lines(coded: Coded, gates: int) -> Best:
    """Best key and counts over thicknesses."""
    packed, kept = coded.packed, (coded.packed != _REMOVED).astype(jnp.int32)
    columns = [(0, (coded.removed_by == gate + 1).astype(jnp.int32), 1) for gate in range(gates)]
    columns += [(0, (coded.unknown_at >> gate) & 1, 1) for gate in range(gates)]
    columns += [(outcome(packed, column), kept, len(codes)) for column, codes in OUTCOMES.items()]
    lowest = [jnp.min(each, axis=2) for each in _folded(_key(packed), jnp.min)]
    key = reduce(jnp.minimum, lowest)
    position = jnp.where(key == NOTHING, 0, key & _POSITION)
    code = jnp.take_along_axis(packed, position[:, :, None], axis=2)[:, :, 0]
    return Best(key, code, _histograms(columns))


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


_SLICES = 8
_COUNTER_BITS = 4
_COUNTERS = 32 // _COUNTER_BITS
"""Rows are taken in eight slices: what eight rows add up to fits into a counter of four bits, of
which a 32-bit word holds eight."""


def _folded(column: Array, fold: Callable[..., Array]) -> list[Array]:
    """The last axis in slices laid on each other, and what is left over, each folded into one."""
    *shape, length = column.shape
    width, found = length // _SLICES, []
    if width:
        sliced = column[:, :, : _SLICES * width].reshape(*shape, _SLICES, width)
        found.append(fold(sliced, axis=2))
    if length % _SLICES:
        found.append(fold(column[:, :, _SLICES * width :], axis=2, keepdims=True))
    return found


def _histograms(columns: Sequence[tuple[Any, Array, int]]) -> Array:
    """How often each code of each column stands along the last axis, (lines, states, codes).

    columns: codes below the number of kinds, whether a row counts (1 or 0), the number of kinds.
    A word counts as many columns as it has counters for, and is added up as a whole.
    """
    words: list[Any] = []
    places: list[int] = []
    used = _COUNTERS
    for code, counted, kinds in columns:
        if used + kinds > _COUNTERS:
            words, used = [*words, 0], 0
        words[-1] = words[-1] + (counted << (code + used) * _COUNTER_BITS)
        places += range((len(words) - 1) * _COUNTERS + used, len(words) * _COUNTERS)[:kinds]
        used += kinds
    add = partial(jnp.sum, dtype=jnp.int32)
    counts = [sum(map(_counters, _folded(word, add)), start=0) for word in words]
    return jnp.concatenate(counts, axis=2)[:, :, np.array(places)]


def _counters(word: Array) -> Array:
    """The counters of words, added up along the last axis, (lines, states, counters)."""
    shift = jnp.arange(0, 32, _COUNTER_BITS, dtype=jnp.int32)[None, None, :, None]
    counters = (word[:, :, None] >> shift) & (2**_COUNTER_BITS - 1)
    return jnp.sum(counters, axis=3, dtype=jnp.int32)


def _key(packed: Array) -> Array:
    """Sortable key of every row: infeasible | status | protected | class | thickness position."""
    position = jnp.arange(packed.shape[2], dtype=jnp.int32)[None, None]
    verdict = outcome(packed, "protected")
    protected = jnp.where(verdict == NO, 2, verdict - YES)
    rank = (outcome(packed, "status") << 5) | (protected << 3) | outcome(packed, "coating_class")
    infeasible = _INFEASIBLE | (rank << _THICKNESS_BITS) | position
    key = jnp.where(outcome(packed, "feasible") == YES, position, infeasible)
    return jnp.where(packed == _REMOVED, NOTHING, key).astype(jnp.int32)
