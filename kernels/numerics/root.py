"""One bracketed root search for every scalar equation of the package.

Newton steps inside a bracket, bisection where Newton leaves it or gains less than bisection would
(Press et al., Numerical Recipes, `rtsafe`). Works per lane under `vmap`; carries no derivatives:
callers attach them by implicit differentiation. Lanes wait for the slowest, so callers choose the
unknown in which their function is nearly straight everywhere: logarithms of distances.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Scalar = Float[Array, ""]
MAX_STEPS = 120


class _State(NamedTuple):
    low: Scalar
    high: Scalar
    x: Scalar
    last_step: Scalar
    steps: jax.Array
    done: jax.Array


def find_root(
    function: Callable[[Scalar], tuple[Scalar, Scalar, Scalar | float]],
    low: Scalar,
    high: Scalar,
    start: Scalar,
) -> Scalar:
    """Root of an increasing function on [low, high].

    `function(x)` returns value, slope and resolution: a Newton step below that is the last, because
    its successor, or what rounding of the stack's own potentials does to x, is of no account. An
    infinite value of the right sign is allowed and then bisects; NaN ends the search with NaN.
    Otherwise the search ends where the bracket is as narrow as x is rounded. A Newton step shorter
    than that proves nothing, for the function may be a wall there: it is made long enough to close
    the bracket behind a root.
    """
    rounding = 2.0 * float(jnp.finfo(low.dtype).eps)

    def step(state: _State) -> _State:
        value, slope, resolution = function(state.x)
        low = jnp.where(value <= 0, state.x, state.low)
        high = jnp.where(value >= 0, state.x, state.high)
        usable = jnp.isfinite(value) & jnp.isfinite(slope) & (slope > 0)
        newton = -value / jnp.where(usable, slope, 1.0)
        last = usable & (jnp.abs(newton) <= resolution)
        length = jnp.maximum(jnp.abs(newton), rounding * jnp.abs(state.x))
        newton = jnp.where(last, newton, jnp.sign(newton) * length)
        middle = low + 0.5 * (high - low)
        inside = (state.x + newton > low) & (state.x + newton < high)
        fast = jnp.abs(newton) <= 0.5 * jnp.abs(state.last_step)
        take = usable & inside & fast
        x = jnp.where(take | last, jnp.clip(state.x + newton, low, high), middle)
        lost, found = jnp.isnan(value), value == 0
        done = last | (high - low <= 2.0 * rounding * jnp.abs(x)) | found | lost
        x = jnp.where(lost, jnp.nan, jnp.where(found, state.x, x))
        moved = jnp.where(take, newton, high - low)
        return _State(low, high, x, moved, state.steps + 1, done)

    def frozen(state: _State) -> _State:
        advanced = step(state)
        return jax.tree.map(lambda new, old: jnp.where(state.done, old, new), advanced, state)

    start = jnp.clip(start, low, high)
    begin = _State(low, high, start, high - low, jnp.zeros((), jnp.int32), low >= high)
    end = jax.lax.while_loop(lambda s: ~s.done & (s.steps < MAX_STEPS), frozen, begin)
    return end.x
