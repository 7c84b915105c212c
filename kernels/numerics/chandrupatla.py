"""A bracketed root without derivatives: bisection and inverse quadratic interpolation.

T. R. Chandrupatla, Adv. Eng. Softw. 28, 145 (1997), doi 10.1016/S0965-9978(96)00051-8. Never worse
than a few times bisection, which matters where the function is a step.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

Scalar = Float[Array, ""]
MAX_STEPS = 200


class _State(NamedTuple):
    """a: the newest end, b: the other end, c: the end before; f their values; t: next fraction."""

    a: Scalar
    b: Scalar
    c: Scalar
    f_a: Scalar
    f_b: Scalar
    f_c: Scalar
    t: Scalar
    steps: jax.Array
    done: Bool[Array, ""]


def find_zero(
    function: Callable[[Scalar], Scalar], low: Scalar, high: Scalar
) -> tuple[Scalar, Bool[Array, ""]]:
    """Zero of a function that is negative at low and positive at high; whether it was found.

    The ends themselves are not evaluated: the caller knows their signs. Found means
    to rounding of x.
    """
    one = jnp.ones_like(low)
    begin = _State(
        low, high, low, -one, one, -one, 0.5 * one, jnp.zeros((), jnp.int32), jnp.zeros((), bool)
    )

    def advance(state: _State) -> _State:
        new = _step(function, state)
        return jax.tree.map(lambda old, fresh: jnp.where(state.done, old, fresh), state, new)

    end = jax.lax.while_loop(lambda s: ~s.done & (s.steps < MAX_STEPS), advance, begin)
    root = jnp.where(jnp.abs(end.f_a) < jnp.abs(end.f_b), end.a, end.b)
    return root, end.done


def _step(function: Callable[[Scalar], Scalar], state: _State) -> _State:
    x = state.a + state.t * (state.b - state.a)
    f = function(x)
    same = jnp.sign(f) == jnp.sign(state.f_a)
    b, f_b = jnp.where(same, state.b, state.a), jnp.where(same, state.f_b, state.f_a)
    a, f_a, c, f_c = x, f, jnp.where(same, state.a, state.b), jnp.where(same, state.f_a, state.f_b)
    best = jnp.where(jnp.abs(f_a) < jnp.abs(f_b), a, b)
    width = jnp.abs(b - a)
    least = 2.0 * jnp.finfo(x.dtype).eps * jnp.abs(best) / jnp.where(width > 0, width, 1.0)
    done = (least > 0.5) | (f == 0) | (width == 0)
    t = jnp.clip(_fraction(a, b, c, f_a, f_b, f_c), least, 1.0 - least)
    return _State(a, b, c, f_a, f_b, f_c, t, state.steps + 1, done)


def _fraction(a: Scalar, b: Scalar, c: Scalar, f_a: Scalar, f_b: Scalar, f_c: Scalar) -> Scalar:
    """Where between a and b to look next: by interpolation where it can be trusted, else half."""
    one = jnp.ones_like(a)

    def ratio(top: Scalar, bottom: Scalar) -> Scalar:
        return jnp.where(bottom == 0, jnp.inf, top / jnp.where(bottom == 0, one, bottom))

    xi, phi = ratio(a - b, c - b), ratio(f_a - f_b, f_c - f_b)
    trusted = (phi**2 < xi) & ((1.0 - phi) ** 2 < 1.0 - xi)
    t = ratio(f_a, f_b - f_a) * ratio(f_c, f_b - f_c)
    t = t + ratio(c - a, b - a) * ratio(f_a, f_c - f_a) * ratio(f_b, f_c - f_b)
    return jnp.where(trusted & jnp.isfinite(t), t, 0.5)
