"""An interphase that grows against a constant resistance: thickness and time in closed form.

The interphase of thickness l and what stands before it share the drive D; the leak j_SE of the
electrolyte is taken off what arrives (C. Wagner, Z. Phys. Chem. 21, 25 (1933)):

    dl/dt = v [D/(R + r l) - j_SE],   and 1/k_rxn in series:  dl/dt = 1/(1/that + 1/k_rxn)

With A = D - j_SE R, c = j_SE r/A = 1/l_inf and the stretched thickness m = -ln(1 - c l)/c,

    t = [R m + r m^2 chi(c m)]/(v A) + l/k_rxn,   l = m phi(c m)
    phi(x) = (1 - e^-x)/x,   chi(x) = (x - 1 + e^-x)/x^2

m is a Lambert function of t: l = (y_inf/r) [1 + W0(-b e^(-b - r v j_SE t/y_inf))] - R/r, with
y_inf = D/j_SE and b = A/D. It is found here by Newton steps on the second line instead, in which
nothing cancels: early times, j_SE = 0 (m = l, a parabola) and l close to l_inf need no other form.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from muli.kernels.model.numbers import Real
from muli.kernels.numerics.root import find_root
from muli.kernels.numerics.safe import decay_ratio

Scalar = Float[Array, ""]
ROUNDINGS = 8.0
"""Widening of a bracket, in machine epsilons."""


class Feed(eqx.Module):
    """What an interphase grows from, all per area of the electrode sheet.

    drive: V over interphase and coating, D. resistance: of coating and contacts to neutral
    lithium, R (ohm cm2). per_length: of the interphase, r (ohm cm). leak: |j_SE|, what the
    electrolyte takes off (A/cm2). volume_per_charge: v (cm3/C). reaction_rate: k_rxn (cm/s),
    infinite where no reaction limits.
    """

    drive: Float[Real, ""]
    resistance: Float[Real, ""]
    per_length: Float[Real, ""]
    leak: Float[Real, ""]
    volume_per_charge: Float[Real, ""]
    reaction_rate: Float[Real, ""] = jnp.inf


def left_over(feed: Feed) -> Scalar:
    """A = D - j_SE R (V): what drives the growth at l = 0; not positive where nothing grows."""
    return jnp.asarray(feed.drive - feed.leak * feed.resistance)


def final_thickness(feed: Feed) -> Scalar:
    """l_inf (cm): where the interphase has become the rest of the coating.

    Infinite where j_SE = 0, 0 where nothing grows.
    """
    left, taken = left_over(feed), jnp.asarray(feed.leak * feed.per_length)
    endless = taken <= 0
    final = jnp.where(endless, jnp.inf, left / jnp.where(endless, 1.0, taken))
    return jnp.where(left > 0, final, _nothing(left))


def thickness_after(feed: Feed, time: Scalar) -> Scalar:
    """l (cm) a time (s) after contact; 0 at contact, where its rate may be infinite."""
    nothing = _nothing(left_over(feed))
    feed, grows = _growing(feed)
    started = time > 0
    grown = _thickness(feed, _stretched(feed, jnp.where(started, time, 1.0)))
    return jnp.where(grows & started, grown, nothing)


def thickness_in_steps(feed: Feed, time: Scalar, steps: int = 3) -> Scalar:
    """`thickness_after` by so few Newton steps, without a loop: for shares of many draws.

    Three steps leave a relative error below 1e-12, and below 0.02 where a reaction limits.
    """
    nothing = _nothing(left_over(feed))
    feed, grows = _growing(feed)
    low, high = _bracket(feed, time)
    m = jnp.where(jnp.isfinite(feed.reaction_rate), low, high)
    for _ in range(steps):
        m = m - (_time(feed, m) - time) / _slope(feed, m)
    return jnp.where(grows, _thickness(feed, m), nothing)


def time_to(feed: Feed, thickness: Scalar) -> Scalar:
    """Time (s) until a thickness (cm) is reached; infinite from l_inf on."""
    final = final_thickness(feed)
    feed, grows = _growing(feed)
    reached = grows & (thickness < final)
    inside = jnp.where(reached, thickness, 0.0)
    share = _inverse_final(feed) * inside
    time = _time(feed, inside * _log_ratio(share))
    return jnp.where(reached, time, jnp.where(thickness <= 0, 0.0, jnp.inf))


def growth_rate(feed: Feed, thickness: Scalar) -> Scalar:
    """dl/dt (cm/s) at a thickness (cm)."""
    arriving = feed.drive / (feed.resistance + feed.per_length * thickness)
    free = jnp.maximum(feed.volume_per_charge * (arriving - feed.leak), 0.0)
    return free / (1.0 + free / feed.reaction_rate)


def _nothing(left: Scalar) -> Scalar:
    """0, or NaN where it is unknown whether something grows."""
    return jnp.where(jnp.isnan(left), jnp.nan, 0.0)


def _growing(feed: Feed) -> tuple[Feed, Array]:
    """The feed, made harmless where nothing grows, and whether something does."""
    grows = left_over(feed) > 0
    drive = jnp.where(grows, feed.drive, 1.0 + feed.leak * feed.resistance)
    return eqx.tree_at(lambda f: f.drive, feed, drive), grows


def _inverse_final(feed: Feed) -> Scalar:
    """c = 1/l_inf (1/cm), 0 where the growth has no end."""
    return jnp.asarray(feed.leak * feed.per_length / left_over(feed))


def _thickness(feed: Feed, m: Scalar) -> Scalar:
    return m * decay_ratio(_inverse_final(feed) * m)


def _time(feed: Feed, m: Scalar) -> Scalar:
    """t(m), see the module."""
    x = _inverse_final(feed) * m
    fed = feed.resistance * m + feed.per_length * m * m * _chi(x)
    return (
        fed / (feed.volume_per_charge * left_over(feed)) + m * decay_ratio(x) / feed.reaction_rate
    )


def _slope(feed: Feed, m: Scalar) -> Scalar:
    """dt/dm (s/cm)."""
    x = _inverse_final(feed) * m
    fed = feed.resistance + feed.per_length * m * decay_ratio(x)
    return fed / (feed.volume_per_charge * left_over(feed)) + jnp.exp(-x) / feed.reaction_rate


@jax.custom_jvp
def _stretched(feed: Feed, time: Scalar) -> Scalar:
    """m(t) (cm), derivatives by the implicit function theorem."""
    low, high = _bracket(feed, time)
    epsilon = float(jnp.finfo(low.dtype).eps)

    def excess(m: Scalar) -> tuple[Scalar, Scalar, Scalar]:
        return _time(feed, m) - time, _slope(feed, m), 0.1 * epsilon**0.5 * m

    limited = jnp.isfinite(feed.reaction_rate)
    return find_root(excess, low, high, jnp.where(limited, low, high))


@_stretched.defjvp
def _stretched_jvp(
    primals: tuple[Feed, Scalar], tangents: tuple[Feed, Scalar]
) -> tuple[Scalar, Scalar]:
    m = _stretched(*primals)
    (feed, _), (feed_dot, time_dot) = primals, tangents
    _, moved = jax.jvp(lambda feed: _time(feed, m), (feed,), (feed_dot,))
    return m, (time_dot - moved) / _slope(feed, m)


def _bracket(feed: Feed, time: Scalar) -> tuple[Scalar, Scalar]:
    """Bounds of m(t): chi lies between 1/(2 + x) and 1/2, phi below 1.

    Each bound is the root of a quadratic equation, written without differences.
    """
    R, r, c = feed.resistance, feed.per_length, _inverse_final(feed)
    v_A = feed.volume_per_charge * left_over(feed)
    fed = v_A * time
    slow = R + v_A / feed.reaction_rate
    low = 2.0 * fed / (slow + jnp.sqrt(slow * slow + 2.0 * r * fed))
    linear, square = 2.0 * R - fed * c, R * c + r
    root = jnp.sqrt(linear * linear + 8.0 * fed * square)
    rising = linear > 0
    high = jnp.where(
        rising, 4.0 * fed / jnp.where(rising, linear + root, 1.0), (root - linear) / (2.0 * square)
    )
    widen = ROUNDINGS * jnp.finfo(low.dtype).eps
    return jnp.minimum(low, high) * (1.0 - widen), high * (1.0 + widen)


def _chi(x: Scalar) -> Scalar:
    """(x - 1 + e^-x)/x^2 for x >= 0, smooth at 0."""
    small = x < 0.3
    near, far = jnp.where(small, x, 0.0), jnp.where(small, 1.0, x)
    series = jnp.ones_like(x)
    for n in range(13, 2, -1):
        series = 1.0 - near / n * series
    return jnp.where(small, 0.5 * series, (far + jnp.expm1(-far)) / (far * far))


def _log_ratio(u: Scalar) -> Scalar:
    """-ln(1 - u)/u for 0 <= u < 1, smooth at 0."""
    small = u < 1e-2
    near, far = jnp.where(small, u, 0.0), jnp.where(small, 0.5, u)
    series = jnp.zeros_like(u)
    for n in range(9, 0, -1):
        series = series * near + 1.0 / n
    return jnp.where(small, series, -jnp.log1p(-far) / far)
