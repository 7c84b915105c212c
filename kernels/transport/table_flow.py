"""The flow dE/dx = a + j/sigma_ele(E) through a table: closed form on every piece.

On a piece ln sigma_ele is linear with slope b. From E_1 on, with f = dE/dx at E_1,

    x(dE) = (dE/f) phi(b dE) psi((a/f) (e^(b dE) - 1))
    dE(x) = f x phi(a b x) psi(f b x phi(a b x))
    phi(y) = (e^y - 1)/y,  psi(y) = ln(1 + y)/y

which are exact, also where a, b or j is 0. Where psi's argument falls to -1 the flow stands still
inside the piece. Beyond its ends the table continues with its end values (b = 0).
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
OUTER_PIECE = 1e3
"""V; how far the end values of a table are continued."""


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
        log_sigma = math.log(10.0) * jnp.interp(E, self.table.E, self.table.log10_sigma)
        return self.a + self.j * jnp.exp(-log_sigma)

    def arrive(self, E_0: Scalar, length: Scalar) -> Arrival:
        """The potential a length (cm, negative towards the anode) after E_0."""
        one = jnp.ones_like(E_0)
        sense = jnp.where(length < 0, -one, one)
        mirror = jnp.where(sense * self.speed(E_0) < 0, -one, one)
        rising = TableFlow(self.table, sense * mirror * self.a, sense * mirror * self.j)
        edges, log_sigma = self._edges()
        edges = jnp.where(mirror > 0, edges, -edges[::-1])
        log_sigma = jnp.where(mirror > 0, log_sigma, log_sigma[::-1])
        E = mirror * rising._rise(edges, log_sigma, mirror * E_0, jnp.abs(length))
        return Arrival(jnp.where(length == 0, E_0, E), jnp.zeros_like(E_0))

    def length(self, E_0: Scalar, E_1: Scalar) -> Scalar:
        """Sum over the pieces between, where the flow runs from E_0 to E_1."""
        edges, log_sigma = self._edges()
        low, high = jnp.minimum(E_0, E_1), jnp.maximum(E_0, E_1)
        start = jnp.clip(edges[:-1], low, high)
        pieces = jnp.clip(edges[1:], low, high) - start
        slope = jnp.diff(log_sigma) / jnp.diff(edges)
        speed = self.a + self.j * jnp.exp(-log_sigma[:-1] - slope * (start - edges[:-1]))
        one = jnp.ones_like(E_0)
        towards = jnp.where((E_1 - E_0) * self.speed(E_0) >= 0, one, -one)
        y = slope * pieces
        runs = jnp.all((towards * (E_1 - E_0) * speed > 0) | (pieces == 0)) & (towards > 0)
        speed = jnp.where(speed == 0, 1.0, speed)
        parts = pieces / jnp.abs(speed) * _phi(y) * _psi(self.a / speed * y * _phi(y))
        return jnp.where(runs, jnp.sum(jnp.where(pieces == 0, 0.0, parts)), jnp.inf)

    def miss(self, E_0: Scalar, E_1: Scalar, length: Scalar) -> Scalar:
        """By marching along the direction that contracts, scaled to E_1."""
        forward, stretch = self._contracts(E_0, E_1)
        ahead = E_1 - self.arrive(E_0, length).E
        back = (self.arrive(E_1, -length).E - E_0) * stretch
        return jnp.where(forward, ahead, back)

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

    def _edges(self) -> tuple[Float[Array, " edges"], Float[Array, " edges"]]:
        """Ends of all pieces (V), the constant outer ones included, and ln sigma_ele there."""
        E, log_sigma = self.table.E, math.log(10.0) * self.table.log10_sigma
        edges = jnp.concatenate([E[:1] - OUTER_PIECE, E, E[-1:] + OUTER_PIECE])
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
        slope = jnp.diff(log_sigma) / jnp.diff(edges)
        speed = self.a + self.j * jnp.exp(-log_sigma[:-1] - slope * (start - edges[:-1]))
        speed = jnp.maximum(speed, jnp.sqrt(jnp.finfo(speed.dtype).tiny))
        y = slope * (end - start)
        parts = (end - start) / speed * _phi(y) * _psi(self.a / speed * y * _phi(y))
        parts = jnp.minimum(parts, 4.0 * length)
        before = jnp.concatenate([jnp.zeros(1, parts.dtype), jnp.cumsum(parts)[:-1]])
        last = jnp.argmax((before + parts >= length) & (end > start))
        rest, b, f = length - before[last], slope[last], speed[last]
        straight = f * rest * _phi(self.a * b * rest)
        return start[last] + straight * _psi(b * straight)
