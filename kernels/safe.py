"""Elementary functions in the forms that neither overflow, cancel nor poison a gradient.

Each is smooth through the points where its textbook form is 0/0, so that values, gradients and
second derivatives are finite there, in float32 and float64.
"""

import jax.numpy as jnp
from jax.nn import softplus
from jaxtyping import Array, Bool, Float

from kernels.constants import ABSENT

Number = Float[Array, "..."]
CLOSE = 1e-9
"""What a layer may miss in a solution: V, or relative to the current."""
ROUNDINGS = 1e3
"""What it may miss besides, in machine epsilons."""


def log_or_absent(x: Number) -> Number:
    """ln x, and a very negative number with gradient 0 where x is 0 (an absent branch)."""
    present = x > 0
    return jnp.where(present, jnp.log(jnp.where(present, x, 1.0)), ABSENT)


def decay_ratio(x: Number) -> Number:
    """(1 - e^-x)/x for x >= 0, smooth at 0."""
    small = x < 1e-2
    large = jnp.where(small, 1.0, x)
    series = 1.0 - x / 2 * (1.0 - x / 3 * (1.0 - x / 4 * (1.0 - x / 5 * (1.0 - x / 6))))
    return jnp.where(small, series, -jnp.expm1(-large) / large)


def log_mean_logistic(a: Number, width: Number) -> Number:
    """ln of the mean of the logistic function over [a, a + width], width >= 0.

    That is ln{[softplus(a + width) - softplus(a)]/width}, without cancellation at any width and
    without underflow at any a.
    """
    log_growth = width + jnp.log(decay_ratio(width)) - softplus(-a)
    return log_growth + _log_log1p_ratio(width, log_growth)


def _log_log1p_ratio(width: Number, log_growth: Number) -> Number:
    """ln[ln(1 + w)/w] for w = width*exp(log_growth): 0 at w = 0, -ln w + ln ln w far out."""
    log_w = jnp.log(jnp.where(width > 0, width, 1.0)) + log_growth
    large = (width > 0) & (log_w > 0)
    w = jnp.where(large, 1.0, width * jnp.exp(jnp.where(large, 0.0, log_growth)))
    small = w < 1e-3
    series = 1.0 - w * (1 / 2 - w * (1 / 3 - w * (1 / 4 - w / 5)))
    ratio = jnp.where(small, series, jnp.log1p(w) / jnp.where(small, 1.0, w))
    far = jnp.where(large, log_w, 1.0)
    return jnp.where(large, jnp.log(softplus(far)) - far, jnp.log(ratio))


def arctangent_ratio(x: Number) -> Number:
    """artanh(sqrt x)/sqrt x for 0 < x < 1, arctan(sqrt -x)/sqrt -x for x < 0, smooth at 0."""
    small = jnp.abs(x) < 0.02
    positive = jnp.where(small | (x < 0), 0.5, x)
    negative = jnp.where(small | (x > 0), 0.5, -x)
    root, minus_root = jnp.sqrt(positive), jnp.sqrt(negative)
    series = jnp.zeros_like(x)
    for power in range(9, -1, -1):
        series = series * x + 1.0 / (2 * power + 1)
    outside = jnp.where(x > 0, jnp.arctanh(root) / root, jnp.arctan(minus_root) / minus_root)
    return jnp.where(small, series, outside)


def bounded_exp(x: Number) -> Number:
    """e^x up to half the exponents of the type, so that products of two stay finite."""
    return jnp.exp(jnp.minimum(x, 0.45 * jnp.log(jnp.finfo(x.dtype).max)))


def fits(missed: Number) -> Bool[Array, "..."]:
    """Whether what the worst layer misses (V, or relative to the current) is rounding alone."""
    return missed <= CLOSE + ROUNDINGS * jnp.finfo(missed.dtype).eps
