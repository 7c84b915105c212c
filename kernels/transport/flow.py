"""The flow dE/dx = a + j/sigma_ele(E) in one layer: what the solvers ask of it.

Where does a potential arrive after a length, what length lies between two potentials, and by how
much do two potentials miss a length (for derivatives). Branches, and constants as branches that
are absent, go through panels of Gauss-Legendre nodes (`panels.py`), tables are exact piece by
piece (`muli.kernels.transport.table_flow`).
"""

from typing import NamedTuple, Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from muli.kernels.transport.arrival import Arrival, arrive
from muli.kernels.transport.panels import (
    Panels,
    distance,
    locate,
    log_distance,
    log_speed,
    span,
    speed_sign,
)

Scalar = Float[Array, ""]
UNRESOLVED = 10.0
"""Steps below this many V_T times the root of rounding are taken as straight."""


class Rates(NamedTuple):
    """Derivatives of `Flow.miss` by E_0 and by E_1, in value -f(E_1)/f(E_0) and 1 or a multiple."""

    near: Scalar
    far: Scalar


class Flow(Protocol):
    """dE/dx = f(E) = a + j/sigma_ele(E) in one layer: V, cm, A/cm2, S/cm."""

    def arrive(self, E_0: Scalar, length: Scalar) -> Arrival:
        """The potential a length (cm, negative towards the anode) after E_0."""
        ...

    def length(self, E_0: Scalar, E_1: Scalar) -> Scalar:
        """Length (cm) over which E_0 becomes E_1; infinite where it never does."""
        ...

    def miss(self, E_0: Scalar, E_1: Scalar, length: Scalar) -> Scalar:
        """(int_{E_0}^{E_1} dE/f - length), scaled so that `rates` are bounded (V)."""
        ...

    def rates(self, E_0: Scalar, E_1: Scalar) -> Rates:
        """How `miss` changes with both potentials."""
        ...


class BranchFlow(eqx.Module):
    """Branches of any slopes, and constants."""

    panels: Panels

    def arrive(self, E_0: Scalar, length: Scalar) -> Arrival:
        """By sums over panels, see `muli.kernels.transport.arrival`."""
        return arrive(self.panels, E_0, length)

    def length(self, E_0: Scalar, E_1: Scalar) -> Scalar:
        """exp of the panel sum where the flow runs from E_0 to E_1."""
        towards = (E_1 - E_0) * speed_sign(self.panels, locate(self.panels, E_0, from_below=False))
        length = jnp.exp(log_distance(self.panels, E_0, jnp.where(E_1 == E_0, E_0 + 1e-3, E_1)))
        return jnp.where(towards > 0, length, jnp.where(towards < 0, jnp.inf, 0.0))

    def miss(self, E_0: Scalar, E_1: Scalar, length: Scalar) -> Scalar:
        """(int_{E_0}^{E_1} dE/f - length) f(E_1), f(E_1) held fixed.

        Over a step too small to be resolved between rounded potentials, E_1 - E_0 - length f(E_1).
        """
        interval = span(self.panels, E_0, E_1)
        rising = E_1 >= E_0
        end = jax.tree.map(lambda a, b: jnp.where(rising, a, b), interval.high, interval.low)
        log_end = log_speed(self.panels, end.segment, end.v)
        unit = jax.lax.stop_gradient(-log_end)
        covered = distance(self.panels, interval, unit)
        sign = speed_sign(self.panels, end)
        whole = jnp.where(rising, covered, -covered) - length * sign * jnp.exp(-unit)
        step = E_1 - E_0 - length * sign * jnp.exp(log_end)
        least = UNRESOLVED * jnp.sqrt(jnp.finfo(step.dtype).eps) * self.panels.V_T
        return jnp.where(jnp.abs(E_1 - E_0) < least, step, whole)

    def rates(self, E_0: Scalar, E_1: Scalar) -> Rates:
        """-f(E_1)/f(E_0) and f(E_1)/f(E_1), the numerators held fixed."""
        interval = span(self.panels, E_0, E_1)
        log_low = log_speed(self.panels, interval.low.segment, interval.low.v)
        log_high = log_speed(self.panels, interval.high.segment, interval.high.v)
        rising = E_1 >= E_0
        log_0, log_1 = jnp.where(rising, log_low, log_high), jnp.where(rising, log_high, log_low)
        held = jax.lax.stop_gradient(log_1)
        return Rates(-jnp.exp(held - log_0), jnp.exp(held - log_1))
