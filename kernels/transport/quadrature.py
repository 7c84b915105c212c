"""Mean ambipolar conductivity by quadrature: branches of unequal slopes, and tables.

Both answer the two questions the solvers ask of a conductor (`ambipolar.Conductor`).
"""

import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.nn import logsumexp, softplus
from jaxtyping import Array, Bool, Float

from muli.kernels.model.laws import Branches, Table
from muli.kernels.numerics.safe import log_mean_logistic, log_or_absent
from muli.kernels.transport.ambipolar import Dilute
from muli.kernels.transport.branches import log_sigma_ele
from muli.kernels.transport.panels import Panels, lay_panels, log_distance

Scalar = Float[Array, ""]
NARROW_IN_V_T = 0.5
"""Intervals up to this wide take one Gauss-Legendre rule: the mean stays smooth at width 0."""
_ABSCISSAE, _WEIGHTS = np.polynomial.legendre.leggauss(10)


class Graded(eqx.Module):
    """Branches of any slopes: panel integrals laid once, then sums."""

    panels: Panels
    log_sigma_ion: Scalar

    def log_sigma(self, E: Float[Array, "..."]) -> Float[Array, "..."]:
        """ln sigma_amb at E."""
        log_sigma = log_sigma_ele(self.panels.law, E, self.panels.V_T)
        return log_sigma - softplus(log_sigma - self.log_sigma_ion)

    def log_mean(self, E_1: Scalar, E_2: Scalar) -> Scalar:
        """ln of the mean of sigma_amb between E_1 and E_2."""
        middle, half = 0.5 * (E_1 + E_2), 0.5 * (E_2 - E_1)
        width = 2.0 * jnp.abs(half)
        narrow = width < NARROW_IN_V_T * self.panels.V_T
        half = jnp.where(narrow, half, 0.0)
        nodes = middle + half * jnp.asarray(_ABSCISSAE, half.dtype)
        log_weights = jnp.asarray(np.log(_WEIGHTS / 2), half.dtype)
        direct = logsumexp(self.log_sigma(nodes) + log_weights)
        wide = log_distance(self.panels, E_1, E_2) - log_or_absent(width)
        return jnp.where(narrow, direct, wide)


class Piecewise(eqx.Module):
    """ln sigma_ele linear between the points of a table: closed form on every piece.

    On a piece sigma_amb is sigma_ion times the logistic function of ln(sigma_ele/sigma_ion).
    """

    E: Float[Array, " points"]
    log_ratio: Float[Array, " points"]
    log_sigma_ion: Scalar

    def log_sigma(self, E: Scalar) -> Scalar:
        """ln sigma_amb at E."""
        return self.log_sigma_ion - softplus(-jnp.interp(E, self.E, self.log_ratio))

    def log_mean(self, E_1: Scalar, E_2: Scalar) -> Scalar:
        """ln of the mean of sigma_amb between E_1 and E_2."""
        low, high = jnp.minimum(E_1, E_2), jnp.maximum(E_1, E_2)
        cuts = jnp.concatenate([low[None], jnp.clip(self.E, low, high), high[None]])
        values = jnp.interp(cuts, self.E, self.log_ratio)
        lower = jnp.minimum(values[1:], values[:-1])
        log_means = log_mean_logistic(lower, jnp.abs(jnp.diff(values)))
        width = high - low
        closed = width == 0
        share = jnp.where(closed, 0.0, jnp.diff(cuts)) / jnp.where(closed, 1.0, width)
        mean = logsumexp(log_means + log_or_absent(share))
        return self.log_sigma_ion + jnp.where(closed, log_means[0], mean)


class Mixed(eqx.Module):
    """Layers with tables beside layers with branches, so that one program serves them in turn."""

    table: Piecewise
    branches: Dilute | Graded
    is_table: Bool[Array, ""]
    log_sigma_ion: Scalar

    def log_sigma(self, E: Scalar) -> Scalar:
        """ln sigma_amb at E."""
        return jnp.where(self.is_table, self.table.log_sigma(E), self.branches.log_sigma(E))

    def log_mean(self, E_1: Scalar, E_2: Scalar) -> Scalar:
        """ln of the mean of sigma_amb between E_1 and E_2."""
        of_table, of_branches = self.table.log_mean(E_1, E_2), self.branches.log_mean(E_1, E_2)
        return jnp.where(self.is_table, of_table, of_branches)


def graded(law: Branches, sigma_ion: Scalar, V_T: Scalar, E_low: Scalar, E_high: Scalar) -> Graded:
    """A conductor for any branches, ready for potentials between E_low and E_high (V)."""
    panels = lay_panels(law, 1.0 / sigma_ion, jnp.ones_like(sigma_ion), V_T, E_low, E_high)
    return Graded(panels, jnp.log(sigma_ion))


def piecewise(law: Table, sigma_ion: Scalar) -> Piecewise:
    """A conductor for a table."""
    log_sigma_ion = jnp.log(sigma_ion)
    return Piecewise(law.E, math.log(10.0) * law.log10_sigma - log_sigma_ion, log_sigma_ion)
