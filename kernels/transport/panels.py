"""Distance travelled along dE/dx = a + j/sigma_ele(E), for branches of any slope.

The flow is that of one layer: a = (I + j)/sigma_ion, j the electronic leak. Its distance
integral, X = int sigma_ele dE/(a sigma_ele + j), is Wagner's G at open circuit (a = 1/sigma_ion,
j = 1). Under current a and j may differ in sign; then the flow stands still where sigma_ele(E) =
-j/a and X has a simple pole there: a potential approaches such a point and never crosses it.

Branches have one valley, so there are at most two such points, one per flank. They, or where none
exists the places where sigma_ele + j/a changes its leading term, are the two *centres*. Seen from
a centre the distance from it is h s sinh(softplus(w)/s): geometric grading near the centre, uniform
panels of a few V_T further out, geometric growth beyond h s, Gauss-Legendre nodes in each. All
singularities of the integrand have the real part of a centre, so each panel converges at a fixed
rate.
sigma_ele is measured from its value at the centre with expm1, so nothing cancels next to the
pole, and panel integrals are kept as logarithms, so that 1e-33 survives in float32.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.nn import logsumexp, softplus
from jaxtyping import Array, Bool, Float, Int

from muli.kernels.constants import ABSENT
from muli.kernels.model.laws import Branches
from muli.kernels.numerics.safe import log_or_absent
from muli.kernels.transport.branches import centres, exponents, largest_exponent, log_sum, term

Scalar = Float[Array, ""]
Number = Float[Array, "..."]

PANELS = 64
"""Panels on each side of each centre."""
NODES = 10
SCALE_IN_V_T = 4.0
"""h in V_T: panels grow geometrically up to this distance from a centre and are uniform beyond."""
UNIFORM = np.array([1.0, 25.0, 25.0, 1.0])
"""s: panels grow again beyond h s; between the centres sigma_ele may fall exponentially."""
_ABSCISSAE, _WEIGHTS = np.polynomial.legendre.leggauss(NODES)
OUTWARD = np.array([-1, 1, -1, 1], np.int32)
_CENTRE = np.array([0, 0, 1, 1], np.int32)
INNERMOST = np.array([PANELS - 1, PANELS + 1, 3 * PANELS, 3 * PANELS + 2], np.int32)
BARRIERS = (PANELS, 3 * PANELS + 1)
"""Panel numbers that stand for the centres."""


class Segment(eqx.Module):
    """One side of one centre: E = centre + side*distance(start + step*v), 0 <= v <= PANELS.

    `is_pole` says that the flow stands still at the centre. `Panels` stacks four of them.
    """

    centre: Scalar
    side: Scalar
    scale: Scalar
    uniform: Scalar
    start: Scalar
    step: Scalar
    is_pole: Bool[Array, ""]


def _distance(segment: Segment, w: Number) -> Number:
    """From the centre (V) at w."""
    extent = segment.scale * segment.uniform
    return extent * jnp.sinh(softplus(w) / segment.uniform)


def _position(scale: Number, uniform: Number, distance: Number) -> Number:
    """The w of a distance (V) from the centre."""
    y = uniform * jnp.arcsinh(distance / (scale * uniform))
    return y + jnp.log(-jnp.expm1(-y))


class Panels(eqx.Module):
    """Grid and panel integrals of one flow between two potentials.

    The grid carries no derivative; the integrals do, with respect to law, a, j and V_T.
    `log_integral`: ln of each panel's |dx| (cm), ascending in E; entries PANELS and 3*PANELS + 1
    stand for the centres themselves, infinite where the flow stands still there, else absent.
    """

    law: Branches
    a: Scalar
    j: Scalar
    V_T: Scalar
    segments: Segment
    bounds: Float[Array, " 5"]
    log_integral: Float[Array, " panels"]


class Place(eqx.Module):
    """A potential in panel coordinates: segment, position v, lower v and number of its panel."""

    segment: Segment
    v: Scalar
    edge: Scalar
    panel: Int[Array, ""]


@jax.jit
def lay_panels(
    law: Branches, a: Scalar, j: Scalar, V_T: Scalar, E_low: Scalar, E_high: Scalar
) -> Panels:
    """Panels of the flow dE/dx = a + j/sigma_ele(E) (V/cm) from E_low to E_high (V)."""
    segments, bounds = jax.lax.stop_gradient(_grid(law, a, j, V_T, E_low, E_high))
    panels = Panels(law, a, j, V_T, segments, bounds, jnp.zeros(0, E_low.dtype))
    edges = jnp.arange(PANELS, dtype=E_low.dtype)

    def integrals(segment: Segment) -> Float[Array, " panels"]:
        return jax.vmap(lambda v: _log_panel(panels, segment, v, v + 1.0))(edges)

    log_T = jax.vmap(integrals)(segments)
    absent = jnp.full_like(segments.step, ABSENT)
    stop = jnp.where(segments.is_pole, -absent, absent)
    ascending = [log_T[0, ::-1], stop[:1], log_T[1], log_T[2, ::-1], stop[2:3], log_T[3]]
    return eqx.tree_at(lambda p: p.log_integral, panels, jnp.concatenate(ascending))


def _grid(
    law: Branches, a: Scalar, j: Scalar, V_T: Scalar, E_low: Scalar, E_high: Scalar
) -> tuple[Segment, Float[Array, " 5"]]:
    # Both centres inside the range, and the middle between them: four segments.
    left, right, stands = centres(law, a, j, V_T)
    first = jnp.clip(left, E_low, E_high)
    second = jnp.clip(right, first, E_high)
    bounds = jnp.stack([E_low, first, 0.5 * (first + second), second, E_high])
    scale = SCALE_IN_V_T * V_T
    start = jnp.log(jnp.finfo(E_low.dtype).eps * jnp.ones_like(scale))
    uniform = jnp.asarray(UNIFORM, E_low.dtype)
    end = _position(scale, uniform, jnp.maximum(jnp.diff(bounds), scale * jnp.exp(start)))
    # A standstill outside the range was moved to its edge and is no pole there.
    poles = jnp.stack([stands & (left == first), stands & (right == second)])
    ones = jnp.ones(4, E_low.dtype)
    side = jnp.asarray(OUTWARD, E_low.dtype)
    step = jnp.maximum(end - start, 0.0) / PANELS
    centre = jnp.stack([first, second])[_CENTRE]
    segments = Segment(centre, side, scale * ones, uniform, start * ones, step, poles[_CENTRE])
    return segments, bounds


def locate(panels: Panels, E: Scalar, *, from_below: Bool[Array, ""] | bool) -> Place:
    """Where E lies; a potential at a centre counts to the side it is reached from."""
    # Which of the four segments E lies in: the number of bounds below it.
    inner = panels.bounds[1:4]
    passed = jnp.where(jnp.asarray(from_below), inner < E, inner <= E)
    index = jnp.sum(passed, dtype=jnp.int32)
    segment = jax.tree.map(lambda leaf: leaf[index], panels.segments)
    # Closer to the centre than the innermost panel E counts as its edge. The derivative is that of
    # the distance itself, whatever was cut.
    nearest = _distance(segment, segment.start)
    exact = segment.side * (E - segment.centre)
    slope_only = exact - jax.lax.stop_gradient(exact)
    distance = jax.lax.stop_gradient(jnp.maximum(exact, nearest)) + slope_only
    w = _position(segment.scale, segment.uniform, distance)
    width = jnp.where(segment.step > 0, segment.step, 1.0)
    v = jnp.clip((w - segment.start) / width, 0.0, float(PANELS))
    edge = jax.lax.stop_gradient(jnp.clip(jnp.floor(v), 0.0, PANELS - 1.0))
    panel = jnp.asarray(INNERMOST)[index] + jnp.asarray(OUTWARD)[index] * edge.astype(jnp.int32)
    return Place(segment, v, edge, panel)


class Span(eqx.Module):
    """An interval of the potential axis in panel coordinates, its lower end first."""

    low: Place
    high: Place


def span(panels: Panels, E_1: Scalar, E_2: Scalar) -> Span:
    """The interval between two potentials, given in either order."""
    rising = E_2 >= E_1
    low = locate(panels, jnp.where(rising, E_1, E_2), from_below=False)
    return Span(low, locate(panels, jnp.where(rising, E_2, E_1), from_below=E_1 != E_2))


def distance(panels: Panels, interval: Span, log_unit: Scalar) -> Scalar:
    """int dE/|a + j/sigma_ele| over an interval without a standstill, in units of e^log_unit (cm).

    Smooth where the interval closes.
    """
    low, high = interval.low, interval.high
    # Part of the first panel, all panels between, part of the last. In one panel the first part
    # is the whole; in a segment left of its centre v runs against E, hence the signs.
    same = low.panel == high.panel
    upper = low.edge + 0.5 * (1.0 + low.segment.side)
    lower = high.edge + 0.5 * (1.0 - high.segment.side)
    first = panel_part(panels, low.segment, low.v, jnp.where(same, high.v, upper), log_unit)
    last = panel_part(panels, high.segment, lower, high.v, log_unit)
    number = jnp.arange(panels.log_integral.size, dtype=jnp.int32)
    between = (number > low.panel) & (number < high.panel)
    log_inner = jnp.where(between, panels.log_integral - log_unit, ABSENT)
    rest = jnp.sum(jnp.exp(log_inner)) + high.segment.side * last
    return low.segment.side * first + jnp.where(same, 0.0, rest)


@jax.jit
def log_distance(panels: Panels, E_1: Scalar, E_2: Scalar) -> Scalar:
    """ln of the distance (cm) between two different potentials without a standstill between."""
    interval = span(panels, E_1, E_2)
    number = jnp.arange(panels.log_integral.size, dtype=jnp.int32)
    touched = (number >= interval.low.panel) & (number <= interval.high.panel)
    unit = jax.lax.stop_gradient(jnp.max(jnp.where(touched, panels.log_integral, ABSENT)))
    return unit + log_or_absent(distance(panels, interval, unit))


@jax.jit
def panel_part(
    panels: Panels, segment: Segment, v_1: Scalar, v_2: Scalar, log_unit: Scalar
) -> Scalar:
    """Distance between two positions in one panel, in units of e^log_unit; negative backwards."""
    dtype = v_1.dtype
    v = 0.5 * (v_1 + v_2) + 0.5 * (v_2 - v_1) * jnp.asarray(_ABSCISSAE, dtype)
    values = jnp.exp(log_integrand(panels, segment, v) - log_unit)
    return (v_2 - v_1) * segment.step * jnp.sum(jnp.asarray(_WEIGHTS / 2, dtype) * values)


def _log_panel(panels: Panels, segment: Segment, v_1: Scalar, v_2: Scalar) -> Scalar:
    dtype = v_1.dtype
    v = 0.5 * (v_1 + v_2) + 0.5 * (v_2 - v_1) * jnp.asarray(_ABSCISSAE, dtype)
    values = log_integrand(panels, segment, v) + jnp.asarray(np.log(_WEIGHTS / 2), dtype)
    return logsumexp(values) + log_or_absent((v_2 - v_1) * segment.step)


def log_integrand(panels: Panels, segment: Segment, v: Number) -> Number:
    """ln |dx/dw| at positions v of a segment, w = start + step*v."""
    w = segment.start + segment.step * v
    stretch = jnp.log(jnp.cosh(softplus(w) / segment.uniform)) + w - softplus(w)
    return jnp.log(segment.scale) + stretch - log_speed(panels, segment, v)


def log_speed(panels: Panels, segment: Segment, v: Number) -> Number:
    """ln |a + j/sigma_ele| (ln V/cm) at positions v of a segment."""
    log_sigma, flow = _seen_from_centre(panels, segment, v)
    tiny = jnp.finfo(flow.dtype).tiny
    magnitude = jnp.abs(flow)
    return jnp.log(jnp.where(magnitude > tiny, magnitude, tiny)) - log_sigma


def potential(segment: Segment, v: Number) -> Number:
    """E (V) at positions v of a segment."""
    return segment.centre + segment.side * _distance(segment, segment.start + segment.step * v)


def speed_sign(panels: Panels, place: Place) -> Scalar:
    """Sign of dE/dx at a place."""
    return jnp.sign(_seen_from_centre(panels, place.segment, place.v)[1])


def _seen_from_centre(panels: Panels, segment: Segment, v: Number) -> tuple[Number, Number]:
    """ln of sigma_ele/S and (a sigma_ele + j)/S, S the larger scale of its two terms there."""
    law, a, j, V_T = panels.law, panels.a, panels.j, panels.V_T
    # E - centre in units of V_T, and what it adds to the exponent of each term of sigma_ele.
    offset = segment.side * _distance(segment, segment.start + segment.step * v) / V_T
    limit = largest_exponent(offset)
    moves = (
        jnp.zeros_like(offset),
        jnp.clip(-law.z_n * offset, -limit, limit),
        jnp.clip(law.z_p * offset, -limit, limit),
    )
    base = exponents(law, segment.centre, V_T)
    log_centre = log_sum(law, base)
    # a sigma_ele + j at the centre. At a pole it is zero in value and keeps its derivative.
    sizes = log_or_absent(jnp.abs(a)) + log_centre, log_or_absent(jnp.abs(j))
    log_S = jax.lax.stop_gradient(jnp.maximum(*sizes))
    ionic = a * jnp.exp(log_centre - log_S)
    gap = ionic + j * jnp.exp(-log_S)
    gap = jnp.where(segment.is_pole, gap - jax.lax.stop_gradient(gap), gap)
    # Change of sigma_ele from the centre to E over its value at the centre, without cancellation.
    coefficients = (law.sigma_0, law.sigma_n, law.sigma_p)
    growth = sum(
        term(c, b - log_centre) * jnp.expm1(x)
        for c, b, x in zip(coefficients, base, moves, strict=True)
    )
    log_sigma = log_sum(law, [b + x for b, x in zip(base, moves, strict=True)])
    return log_sigma - log_S, gap + ionic * growth
