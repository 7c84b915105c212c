"""What the programs of a screen give: rows with their verdicts, and the best of every line."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from muli.screen.engine.answers import Answers
from muli.screen.engine.reduce import Best, Order


class Judged(NamedTuple):
    """Answers, the gate that removed a row (0: none), and the gates without an answer (bits)."""

    answers: Answers
    removed_by: Any
    unknown_at: Any


class Whole(NamedTuple):
    """All rows of a tile, (lines, states, thicknesses); of length 1 along an axis where nothing
    varies.

    planes: in mode `all` the numbers that differ from row to row byte by byte, as a part stores
    them, (bytes, lines, states, thicknesses).
    """

    judged: Judged
    planes: dict[str, Any]


class LineBest(NamedTuple):
    """What best mode needs of every line to choose from: see `reduce_lines` and `Order`."""

    best: Best
    order: Order


def narrow(code: Array) -> Array:
    """An outcome in one byte, so that less is copied from the device."""
    return code.astype(jnp.int8)


def by_bytes(numbers: Array) -> Array:
    """Numbers byte by byte: the first bytes of all, then the second ones, ..."""
    kind = jnp.dtype(f"u{numbers.itemsize}")
    shift = jnp.arange(numbers.itemsize, dtype=kind)[:, None, None, None] * 8
    return (jax.lax.bitcast_convert_type(numbers, kind)[None] >> shift).astype(jnp.uint8)
