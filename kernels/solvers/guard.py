"""What a stack must satisfy before it is solved, lane by lane and without raising."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from muli.kernels.model.stack import Stack
from muli.outcomes import Status

Flag = Bool[Array, ""]


class Guarded(NamedTuple):
    """A stack that is safe to solve in every lane, and what was wrong with the one given."""

    stack: Stack
    status: Int[Array, ""]


def guard(stack: Stack) -> Guarded:
    """Replace a stack that cannot be solved by a harmless one of the same shape; say why.

    Every leaf must already be an array of one floating type. Conductivities that are NaN count as
    unknown (`missing_property`); anything else that is not finite, or not positive where it must
    be, is `input_out_of_range`.
    """
    unknown, wrong = _unknown(stack), _wrong(stack)
    status = jnp.where(unknown, Status.MISSING_PROPERTY, Status.OK)
    status = jnp.where(wrong, Status.INPUT_OUT_OF_RANGE, status).astype(jnp.int32)
    bad = unknown | wrong
    harmless = jax.tree.map(lambda leaf: jnp.where(bad, _ramp(leaf), leaf), stack)
    return Guarded(harmless, status)


def _ramp(leaf: jax.Array) -> jax.Array:
    """One for a number, an increasing sequence for a table's grid: any law accepts it."""
    return jnp.ones_like(leaf) if leaf.ndim == 0 else jnp.arange(leaf.size, dtype=leaf.dtype)


def _unknown(stack: Stack) -> Flag:
    numbers = [layer.sigma_ion for layer in stack.layers]
    numbers += jax.tree.leaves([layer.sigma_ele for layer in stack.layers])
    return _any([jnp.any(jnp.isnan(number)) for number in numbers])


def _wrong(stack: Stack) -> Flag:
    positive = [stack.temperature]
    for layer in stack.layers:
        positive += [layer.thickness, layer.sigma_ion]
    flags = [value <= 0 for value in positive]
    flags += [layer.sigma_ele.out_of_range() for layer in stack.layers]
    flags += [contact < 0 for contact in stack.interface_asr or ()]
    flags += [jnp.any(jnp.isinf(leaf)) for leaf in jax.tree.leaves(stack)]
    numbers = [layer.thickness for layer in stack.layers]
    numbers += [stack.E_anode, stack.E_cathode, stack.temperature, stack.current_density]
    numbers += list(stack.interface_asr or ())
    return _any(flags + [jnp.isnan(value) for value in numbers])


def _any(flags: list[Flag]) -> Flag:
    total = jnp.zeros((), bool)
    for flag in flags:
        total = total | flag
    return total
