"""Elementary functions in forms without overflow, cancellation and NaN in gradients.

Each is smooth through the points where its textbook form is 0/0, so that values, gradients and
second derivatives are finite there, in float32 and float64.
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from muli.kernels.constants import ABSENT

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


def mean_logistic(a: Number, width: Number) -> tuple[Number, Number]:
    """Mean of the logistic function over [a, a + width], width >= 0, as m and s of m*e^s.

    That is [softplus(a + width) - softplus(a)]/width, without cancellation at any width and
    without underflow at any a. An interval whose middle is above 0 is mirrored: its mean is 1 less
    that over [-a - width, -a]. The integral from a to b is then ln(1 + w) with
    w = (e^b - e^a)/(1 + e^a), or b + ln(1 + w) with w = (e^-b - e^a)/(1 + e^a) where b > 1.
    """
    b = a + width
    high = a + b > 0
    a, b = jnp.where(high, -b, a), jnp.where(high, -a, b)
    far, above = b > 1.0, b > 0
    e_a, e_b = jnp.exp(a), jnp.exp(jnp.where(above, -b, b))
    shape = decay_ratio(width) * 1.0 / jnp.where(above, e_b, 1.0) / (1.0 + e_a)
    w = width * shape * jnp.where(above, 1.0, e_b)
    w = jnp.where(far, (e_b - e_a) / (1.0 + e_a), w)
    small = ~far & (w < 1e-3)
    series = 1.0 - w * (1 / 2 - w * (1 / 3 - w * (1 / 4 - w / 5)))
    log1p_w = jnp.log1p(w)
    near = shape * jnp.where(small, series, log1p_w / jnp.where(small | far, 1.0, w))
    m = jnp.where(far, (b + log1p_w) / jnp.where(far, width, 1.0), near)
    mirrored = 1.0 - m * jnp.where(above, 1.0, e_b)
    return jnp.where(high, mirrored, m), jnp.where(high | above, 0.0, b)


def log_mean_logistic(a: Number, width: Number) -> Number:
    """ln of the mean of the logistic function over [a, a + width], width >= 0."""
    m, s = mean_logistic(a, width)
    return jnp.log(m) + s


def arctangent_ratio(x: Number) -> Number:
    """artanh(sqrt x)/sqrt x for 0 < x < 1, arctan(sqrt -x)/sqrt -x for x < 0, smooth at 0.

    Four times artanh y = 2 artanh[y/(1 + sqrt(1 - y^2))], then the series; made for x <= 3/4.
    """
    scale = jnp.ones_like(x)
    for _ in range(4):
        shrink = 1.0 / (1.0 + jnp.sqrt(1.0 - x))
        scale, x = 2.0 * shrink * scale, x * shrink * shrink
    series = jnp.zeros_like(x)
    for power in range(7, -1, -1):
        series = series * x + 1.0 / (2 * power + 1)
    return scale * series


def bounded_exp(x: Number) -> Number:
    """e^x up to half the exponents of the type, so that products of two stay finite."""
    return jnp.exp(jnp.minimum(x, 0.45 * jnp.log(jnp.finfo(x.dtype).max)))


def fits(missed: Number) -> Bool[Array, "..."]:
    """Whether what the worst layer misses (V, or relative to the current) is rounding alone."""
    return jnp.less_equal(missed, CLOSE + ROUNDINGS * jnp.finfo(missed.dtype).eps)
