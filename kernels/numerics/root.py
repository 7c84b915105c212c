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

    Args:
        function: gives value, slope and resolution at x. A Newton step shorter than the resolution
            is the last one: rounding of the stack's own potentials moves x further than the next
            step would. An infinite value of the right sign is allowed; the step is then a
            bisection. NaN ends the search with NaN.
        low: value not above zero there.
        high: value not below zero there.
        start: first x.

    Returns:
        x, to the resolution, or until the bracket is as narrow as x is rounded. No derivatives.
    """
    rounding = 2.0 * float(jnp.finfo(low.dtype).eps)

    def step(state: _State) -> _State:
        value, slope, resolution = function(state.x)
        # The sign of the value tells which end of the bracket moves to x.
        low = jnp.where(value <= 0, state.x, state.low)
        high = jnp.where(value >= 0, state.x, state.high)
        usable = jnp.isfinite(value) & jnp.isfinite(slope) & (slope > 0)
        newton = -value / jnp.where(usable, slope, 1.0)
        # Where the function is so steep that the step is below rounding, x would not move and the
        # bracket would never close: the step is made long enough to pass the root.
        last = usable & (jnp.abs(newton) <= resolution)
        length = jnp.maximum(jnp.abs(newton), rounding * jnp.abs(state.x))
        newton = jnp.where(last, newton, jnp.sign(newton) * length)
        middle = low + 0.5 * (high - low)
        # Newton, if it stays inside the bracket and is at most half as long as the step before.
        inside = (state.x + newton > low) & (state.x + newton < high)
        fast = jnp.abs(newton) <= 0.5 * jnp.abs(state.last_step)
        take = usable & inside & fast
        x = jnp.where(take | last, jnp.clip(state.x + newton, low, high), middle)
        lost, exact = jnp.isnan(value), value == 0
        done = last | (high - low <= 2.0 * rounding * jnp.abs(x)) | exact | lost
        x = jnp.where(lost, jnp.nan, jnp.where(exact, state.x, x))
        moved = jnp.where(take, newton, high - low)
        return _State(low, high, x, moved, state.steps + 1, done)

    def frozen(state: _State) -> _State:
        advanced = step(state)
        return jax.tree.map(lambda new, old: jnp.where(state.done, old, new), advanced, state)

    start = jnp.clip(start, low, high)
    begin = _State(low, high, start, high - low, jnp.zeros((), jnp.int32), low >= high)
    end = jax.lax.while_loop(lambda s: ~s.done & (s.steps < MAX_STEPS), frozen, begin)
    return end.x
