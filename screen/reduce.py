"""From all thicknesses of a line to its best one, and counts of everything else, on the device.

The best thickness of a coating in a scenario is the smallest feasible one on the grid; where none
is feasible, the first by status, protection, coating class, thickness. Rows a gate removed take no
part and are counted apart.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

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


class Best(NamedTuple):
    """Per line and state: the order's key, and counts along a last axis (see `count_names`)."""

    key: Int[Array, "lines states"]
    counts: Int[Array, "lines states outcomes"]


def count_names(gates: int) -> list[tuple[str, str]]:
    """(column, outcome) of every count, gates' `removed` and `unknown` first."""
    names = [(kind, str(gate)) for kind in ("removed", "unknown") for gate in range(gates)]
    return names + [(column, outcome) for column, codes in OUTCOMES.items() for outcome in codes]


def reduce_lines(
    answers: Answers, removed_by: Array, unknown_at: Array, gates: int, shape: tuple[int, int, int]
) -> Best:
    """Best key and counts over thicknesses.

    removed_by: 0 where a row is kept, else 1 + the gate that removed it. unknown_at: bit g set
    where gate g could not tell. shape: (lines, states, thicknesses).
    """
    packed = jnp.broadcast_to(_pack(answers, removed_by), shape)
    flags = [jnp.broadcast_to(removed_by == gate + 1, shape) for gate in range(gates)]
    flags += [jnp.broadcast_to((unknown_at >> gate) & 1 == 1, shape) for gate in range(gates)]
    packed = jax.lax.optimization_barrier(packed)
    for column, codes in OUTCOMES.items():
        flags += [_field(packed, column) == code for code in codes.values()]
    return Best(jnp.min(_key(packed), axis=2), _counts(flags, shape[2]))


def thickness_position(key: Int[Array, "..."]) -> Int[Array, "..."]:
    """Position on the thickness axis that a key names; 0 for `NOTHING`."""
    return jnp.where(key == NOTHING, 0, key & (2**_THICKNESS_BITS - 1))


_FIELDS = {"coating_class": (0, 3), "protected": (3, 2), "status": (5, 3), "feasible": (8, 2)}
"""First bit and number of bits of each outcome in a row's packed code, least important first."""

_REMOVED = -1


def _pack(answers: Answers, removed_by: Array) -> Array:
    columns = {**answers.codes, **answers.verdicts}
    packed = sum((columns[name] << shift for name, (shift, _) in _FIELDS.items()), start=0)
    return jnp.where(removed_by == 0, packed, _REMOVED).astype(jnp.int32)


def _field(packed: Array, column: str) -> Array:
    """An outcome's code; of a removed row a code that no row has."""
    shift, bits = _FIELDS[column]
    return jnp.where(packed == _REMOVED, -1, (packed >> shift) & (2**bits - 1))


def _counts(flags: list[Array], rows: int) -> Array:
    """How often each flag holds along the last axis: several counters share one integer sum."""
    bits = rows.bit_length()
    per_sum = 31 // bits
    counts = []
    for first in range(0, len(flags), per_sum):
        group = flags[first : first + per_sum]
        words = sum((f.astype(jnp.int32) << (i * bits) for i, f in enumerate(group)), start=0)
        total = jnp.sum(words, axis=2, dtype=jnp.int32)
        counts += [(total >> (i * bits)) & (2**bits - 1) for i in range(len(group))]
    return jnp.stack(counts, axis=2)


def _key(packed: Array) -> Array:
    """Sortable key of every row: infeasible | status | protected | class | thickness position."""
    position = jnp.arange(packed.shape[2], dtype=jnp.int32)[None, None]
    verdict = _field(packed, "protected")
    protected = jnp.where(verdict == NO, 2, verdict - YES)
    rank = (_field(packed, "status") << 5) | (protected << 3) | _field(packed, "coating_class")
    infeasible = (1 << 30) | (rank << _THICKNESS_BITS) | position
    key = jnp.where(_field(packed, "feasible") == YES, position, infeasible)
    return jnp.where(packed == _REMOVED, NOTHING, key).astype(jnp.int32)
