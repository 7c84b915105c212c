"""The flow dE/dx = a + j/sigma_ele(E) in one layer, for every conductivity law.

A flow answers three questions: where does a potential arrive after a length, how fast does it
change, and by how much do two potentials miss a length (`miss`, for derivatives). Constant laws
are straight lines, tables are exact piece by piece (`kernels.table_flow`), branches go through panels of
Gauss-Legendre nodes (`kernels.panels`).
"""

from typing import Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from kernels.arrival import Arrival, arrive
from kernels.conductivity import Constant, Law, Table
from kernels.panels import Panels, distance, lay_panels, locate, log_speed, span, speed_sign
from kernels.table_flow import TableFlow

Scalar = Float[Array, ""]


class Flow(Protocol):
    """dE/dx = a + j/sigma_ele(E) in one layer: V, cm, A/cm2, S/cm."""

    def arrive(self, E_0: Scalar, length: Scalar) -> Arrival:
        """The potential a length (cm, negative towards the anode) after E_0."""
        ...

    def miss(self, E_0: Scalar, E_1: Scalar, length: Scalar) -> Scalar:
        """How far (V) E_1 lies beyond the point reached from E_0: 0 with derivative 1 there."""
        ...


def flow_of(
    law: Law, a: Scalar, j: Scalar, V_T: Scalar, E_low: Scalar, E_high: Scalar
) -> "Flow":
    """The flow of one layer; branches are prepared for potentials from E_low to E_high."""
    if isinstance(law, Constant):
        return Straight(a + j / law.sigma_0)
    if isinstance(law, Table):
        return TableFlow(law, a, j)
    return BranchFlow(lay_panels(law, a, j, V_T, E_low, E_high))


class Straight(eqx.Module):
    """Constant law: dE/dx (V/cm) is the same everywhere."""

    slope: Scalar

    def arrive(self, E_0: Scalar, length: Scalar) -> Arrival:
        """E_0 + slope*length."""
        return Arrival(E_0 + self.slope * length, jnp.zeros_like(E_0))

    def miss(self, E_0: Scalar, E_1: Scalar, length: Scalar) -> Scalar:
        """E_1 - E_0 - slope*length."""
        return E_1 - E_0 - self.slope * length


class BranchFlow(eqx.Module):
    """Branches of any slopes."""

    panels: Panels

    def arrive(self, E_0: Scalar, length: Scalar) -> Arrival:
        """By panel sums, see `kernels.arrival`."""
        return arrive(self.panels, E_0, length)

    def miss(self, E_0: Scalar, E_1: Scalar, length: Scalar) -> Scalar:
        """(int_{E_0}^{E_1} dE/(dE/dx) - length) dE/dx(E_1)."""
        interval = span(self.panels, E_0, E_1)
        rising = E_1 >= E_0
        end = jax.tree.map(lambda a, b: jnp.where(rising, a, b), interval.high, interval.low)
        log_end = log_speed(self.panels, end.segment, end.v)
        unit = jax.lax.stop_gradient(-log_end)
        covered = distance(self.panels, interval, unit)
        sign = speed_sign(self.panels, end)
        return jnp.where(rising, covered, -covered) - length * sign * jnp.exp(-unit)
