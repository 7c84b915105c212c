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
from jaxtyping import Array, Bool, Float

Scalar = Float[Array, ""]
MAX_STEPS = 120


class Root(NamedTuple):
    """Where the search ended, and whether the bracket or the step shrank to rounding."""

    x: Scalar
    converged: Bool[Array, ""]


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
) -> Root:
    """Root of an increasing function on [low, high].

    `function(x)` returns value, slope and resolution: a Newton step below that is the last, because
    its successor, or what rounding of the stack's own potentials does to x, is of no account. An
    infinite value of the right sign is allowed and then bisects; NaN ends the search with NaN.
    Rounding of x ends any search.
    """
    epsilon = float(jnp.finfo(low.dtype).eps)

    def tolerance(x: Scalar) -> Scalar:
        return 2.0 * epsilon * jnp.abs(x)

    def step(state: _State) -> _State:
        value, slope, resolution = function(state.x)
        low = jnp.where(value <= 0, state.x, state.low)
        high = jnp.where(value >= 0, state.x, state.high)
        usable = jnp.isfinite(value) & jnp.isfinite(slope) & (slope > 0)
        newton = -value / jnp.where(usable, slope, 1.0)
        middle = low + 0.5 * (high - low)
        inside = (state.x + newton > low) & (state.x + newton < high)
        fast = jnp.abs(newton) <= 0.5 * jnp.abs(state.last_step)
        small = usable & (jnp.abs(newton) <= jnp.maximum(tolerance(state.x), resolution))
        take = usable & inside & fast
        x = jnp.where(take | small, jnp.clip(state.x + newton, low, high), middle)
        lost = jnp.isnan(value)
        done = small | (high - low <= tolerance(x)) | (value == 0) | lost
        x = jnp.where(lost, jnp.nan, jnp.where(value == 0, state.x, x))
        last = jnp.where(take, newton, high - low)
        return _State(low, high, x, last, state.steps + 1, done)

    def frozen(state: _State) -> _State:
        advanced = step(state)
        return jax.tree.map(lambda new, old: jnp.where(state.done, old, new), advanced, state)

    start = jnp.clip(start, low, high)
    begin = _State(low, high, start, high - low, jnp.zeros((), jnp.int32), low >= high)
    end = jax.lax.while_loop(lambda s: ~s.done & (s.steps < MAX_STEPS), frozen, begin)
    return Root(end.x, end.done & ~jnp.isnan(end.x))
