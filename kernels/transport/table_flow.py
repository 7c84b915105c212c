"""The flow dE/dx = a + j/sigma_ele(E) through a table: closed form on every piece.

On a piece ln sigma_ele is linear with slope b. From E_1 on, with f = dE/dx at E_1,

    x(dE) = (dE/f) phi(b dE) psi((a/f) (e^(b dE) - 1))
    dE(x) = f x phi(a b x) psi(f b x phi(a b x))
    phi(y) = (e^y - 1)/y,  psi(y) = ln(1 + y)/y

which are exact, also where a, b or j is 0. Where f changes its sign the flow stands still inside
the piece. Beyond its ends the table continues with its end values (b = 0), however far: the
outermost piece ahead takes every length that the pieces before it leave over.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from muli.kernels.model.laws import Table
from muli.kernels.transport.arrival import Arrival
from muli.kernels.transport.flow import Rates

Scalar = Float[Array, ""]
Number = Float[Array, "..."]
SMALL = 1e-4
UNDECIDED = 256.0
"""Machine epsilons below which the sum of the two parts of dE/dx is rounding."""


def _phi(y: Number) -> Number:
    """(e^y - 1)/y, smooth at 0."""
    small = jnp.abs(y) < SMALL
    safe = jnp.where(small, 1.0, y)
    return jnp.where(small, 1.0 + y / 2 * (1.0 + y / 3 * (1.0 + y / 4)), jnp.expm1(safe) / safe)


def _psi(y: Number) -> Number:
    """ln(1 + y)/y, smooth at 0, infinite at and below -1."""
    small = jnp.abs(y) < SMALL
    stands = y <= -1.0
    safe = jnp.where(small | stands, 1.0, y)
    series = 1.0 - y * (1 / 2 - y * (1 / 3 - y * (1 / 4 - y / 5)))
    value = jnp.where(small, series, jnp.log1p(safe) / safe)
    return jnp.where(stands, jnp.inf, value)


class TableFlow(eqx.Module):
    """One layer whose law is a table; j and a as in `muli.kernels.transport.flow`."""

    table: Table
    a: Scalar
    j: Scalar

    def speed(self, E: Scalar) -> Scalar:
        """dE/dx (V/cm) at E."""
        return self.a + self.j * jnp.exp(-self._log_sigma(E))

    def arrive(self, E_0: Scalar, length: Scalar) -> Arrival:
        """The potential a length (cm, negative towards the anode) after E_0."""
        one = jnp.ones_like(E_0)
        sense = jnp.where(length < 0, -one, one)
        mirror = jnp.where(sense * self.speed(E_0) < 0, -one, one)
        rising = TableFlow(self.table, sense * mirror * self.a, sense * mirror * self.j)
        edges, log_sigma = self._edges(E_0)
        edges = jnp.where(mirror > 0, edges, -edges[::-1])
        log_sigma = jnp.where(mirror > 0, log_sigma, log_sigma[::-1])
        E = mirror * rising._rise(edges, log_sigma, mirror * E_0, jnp.abs(length))
        return Arrival(jnp.where(length == 0, E_0, E), jnp.zeros_like(E_0))

    def length(self, E_0: Scalar, E_1: Scalar) -> Scalar:
        """Sum over the pieces between, where the flow runs from E_0 to E_1."""
        length, slowest = self._length(E_0, E_1)
        return jnp.where(slowest > 0, length, jnp.inf)

    def miss(self, E_0: Scalar, E_1: Scalar, length: Scalar) -> Scalar:
        """(int_{E_0}^{E_1} dE/f - length) f(E_1), f(E_1) held fixed.

        In value by marching along the direction that contracts, scaled to E_1. Where the flow all
        but stands still in between, a rounding of j decides how far a march comes; derivatives
        therefore are those of the integral.
        """
        forward, stretch = self._contracts(E_0, E_1)
        ahead = E_1 - self.arrive(E_0, length).E
        back = (self.arrive(E_1, -length).E - E_0) * stretch
        value = jax.lax.stop_gradient(jnp.where(forward, ahead, back))
        between, slowest = self._length(E_0, E_1)
        one = jnp.ones_like(E_0)
        sense = jnp.where(E_1 < E_0, -one, one)
        flow = TableFlow(self.table, sense * self.a, sense * self.j)
        speed, _ = flow._resolved(self._log_sigma(E_1))
        runs = slowest > -UNDECIDED * jnp.finfo(speed.dtype).eps
        scale = jax.lax.stop_gradient(jnp.where(runs, sense * speed, 0.0))
        excess = between - length
        return value + scale * (excess - jax.lax.stop_gradient(excess))

    def rates(self, E_0: Scalar, E_1: Scalar) -> Rates:
        """Derivatives of `miss` by E_0 and E_1."""
        forward, stretch = self._contracts(E_0, E_1)
        speed_0, speed_1 = self.speed(E_0), self.speed(E_1)
        near = jnp.where(forward, -speed_1 / jnp.where(forward, speed_0, 1.0), -stretch)
        far = jnp.where(forward, 1.0, stretch * speed_0 / jnp.where(forward, 1.0, speed_1))
        return Rates(near, far)

    def _contracts(self, E_0: Scalar, E_1: Scalar) -> tuple[Bool[Array, ""], Scalar]:
        """Whether marching forward shrinks errors, and f(E_1)/f(E_0) held fixed otherwise."""
        smallest = jnp.sqrt(jnp.finfo(E_0.dtype).tiny)
        speed_0, speed_1 = self.speed(E_0), self.speed(E_1)
        forward = (jnp.abs(speed_1) <= jnp.abs(speed_0)) & (speed_0 != 0)
        divisor = jnp.where(jnp.abs(speed_0) > smallest, speed_0, smallest)
        return forward, jax.lax.stop_gradient(speed_1 / jnp.where(forward, 1.0, divisor))

    def _length(self, E_0: Scalar, E_1: Scalar) -> tuple[Scalar, Scalar]:
        """int |dE|/|f| from E_0 to E_1 (cm), and the least of f over the sum of its parts there.

        The latter is negative where the flow runs the other way somewhere. A flow below rounding
        counts as one at rounding, with derivatives as they are.
        """
        low, high = jnp.minimum(E_0, E_1), jnp.maximum(E_0, E_1)
        edges, log_sigma = self._edges(low, high)
        start, end = (jnp.clip(x, low, high) for x in (edges[:-1], edges[1:]))
        one = jnp.ones_like(E_0)
        sense = jnp.where(E_1 < E_0, -one, one)
        flow = TableFlow(self.table, sense * self.a, sense * self.j)
        slope, log_start, log_end = _along(edges, log_sigma, start, end)
        f_start, share_start = flow._resolved(log_start)
        f_end, share_end = flow._resolved(log_end)
        parts = _across(flow.a, slope, end - start, f_start, f_end)
        there = (end > start) | (E_0 == E_1)
        slowest = jnp.min(jnp.where(there, jnp.minimum(share_start, share_end), 1.0))
        return jnp.sum(parts), slowest

    def _resolved(self, log_sigma: Number) -> tuple[Number, Number]:
        """a + j/sigma_ele, at least its rounding; and its share of the sum of both parts."""
        diffusion = self.j * jnp.exp(-log_sigma)
        f, parts = self.a + diffusion, jnp.abs(self.a) + jnp.abs(diffusion)
        floor = UNDECIDED * jnp.finfo(parts.dtype).eps * parts
        return f + jax.lax.stop_gradient(jnp.maximum(f, floor) - f), f / parts

    def _log_sigma(self, E: Scalar) -> Scalar:
        return math.log(10.0) * jnp.interp(E, self.table.E, self.table.log10_sigma)

    def _edges(self, *reached: Scalar) -> tuple[Float[Array, " edges"], Float[Array, " edges"]]:
        """Ends of all pieces (V), and ln sigma_ele there.

        The constant outer pieces extend to the potentials `reached` beyond the table.
        """
        E, log_sigma = self.table.E, math.log(10.0) * self.table.log10_sigma
        every = jnp.stack([*reached, E[0], E[-1]])
        edges = jnp.concatenate([jnp.min(every)[None], E, jnp.max(every)[None]])
        return edges, jnp.concatenate([log_sigma[:1], log_sigma, log_sigma[-1:]])

    def _rise(
        self,
        edges: Float[Array, " edges"],
        log_sigma: Float[Array, " edges"],
        E_0: Scalar,
        length: Scalar,
    ) -> Scalar:
        """Where a rising potential arrives: whole pieces first, then inside the last one."""
        start = jnp.maximum(edges[:-1], E_0)
        end = jnp.maximum(edges[1:], start)
        number = jnp.finfo(edges.dtype)
        least, most = math.sqrt(number.tiny), math.sqrt(number.max)
        slope, *logs = _along(edges, log_sigma, start, end)
        speed_start, speed_end = (
            jnp.clip(self.a + self.j * jnp.exp(-log), least, most) for log in logs
        )
        parts = _across(self.a, slope, end - start, speed_start, speed_end)
        parts = jnp.where(speed_end > least, jnp.minimum(parts, 4.0 * length), 4.0 * length)
        parts = jnp.where(end > start, parts, 0.0)
        before = jnp.concatenate([jnp.zeros(1, parts.dtype), jnp.cumsum(parts)[:-1]])
        # No piece may reach that far: then the outermost one, which has no end, does.
        reaches = ((before + parts >= length) & (end > start)).at[-1].set(True)
        last = jnp.argmax(reaches)
        rest, b, f = length - before[last], slope[last], speed_start[last]
        straight = f * rest * _phi(self.a * b * rest)
        return start[last] + straight * _psi(b * straight)


def _across(a: Scalar, slope: Number, width: Number, f_start: Number, f_end: Number) -> Number:
    """Lengths (cm) of pieces between potentials `width` apart, from f at both ends, positive.

    Counted from that end from which psi's argument is positive: then nothing cancels.
    """
    y = slope * width
    ahead = a * y >= 0
    f, y = jnp.where(ahead, f_start, f_end), jnp.where(ahead, y, -y)
    return width / f * _phi(y) * _psi(a / f * y * _phi(y))


def _along(
    edges: Number, log_sigma: Number, start: Number, end: Number
) -> tuple[Number, Number, Number]:
    """d ln sigma_ele/dE (1/V) of every piece, and ln sigma_ele where it is entered and left.

    0 in the outer pieces, which may have no width. Pieces not entered are taken at their edges.
    """
    width = jnp.diff(edges)
    slope = jnp.diff(log_sigma) / jnp.where(width > 0, width, 1.0)
    into, out = (jnp.where(end > start, E - edges[:-1], 0.0) for E in (start, end))
    return slope, log_sigma[:-1] + slope * into, log_sigma[:-1] + slope * out
