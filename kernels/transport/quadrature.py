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
    log_means: ln of the mean of sigma_amb/sigma_ion over every piece, the outer two included,
    where sigma_ele is constant.
    """

    E: Float[Array, " points"]
    log_ratio: Float[Array, " points"]
    log_sigma_ion: Scalar
    log_means: Float[Array, " pieces"]

    def log_sigma(self, E: Scalar) -> Scalar:
        """ln sigma_amb at E."""
        return self.log_sigma_ion - softplus(-self._log_ratio_at(E))

    def log_mean(self, E_1: Scalar, E_2: Scalar) -> Scalar:
        """ln of the mean of sigma_amb between E_1 and E_2.

        Only the pieces in which the two lie are integrated here.
        """
        low, high = jnp.minimum(E_1, E_2), jnp.maximum(E_1, E_2)
        at_low, at_high = self._log_ratio_at(low), self._log_ratio_at(high)
        beyond = jnp.full_like(self.E[:1], jnp.inf)
        starts, ends = jnp.concatenate([-beyond, self.E]), jnp.concatenate([self.E, beyond])
        first, last = (starts <= low) & (low < ends), (starts < high) & (high <= ends)
        one = jnp.any(first & (high <= ends))
        after, before = jnp.append(self.log_ratio, 0.0), jnp.append(0.0, self.log_ratio)
        lowest = _log_mean_between(at_low, jnp.where(one, at_high, _chosen(first, after)))
        highest = _log_mean_between(jnp.where(one, at_low, _chosen(last, before)), at_high)
        log_means = jnp.where(first, lowest, jnp.where(last, highest, self.log_means))
        cuts = jnp.concatenate([low[None], jnp.clip(self.E, low, high), high[None]])
        width = high - low
        closed = width == 0
        share = jnp.where(closed, 0.0, jnp.diff(cuts)) / jnp.where(closed, 1.0, width)
        mean = logsumexp(log_means + log_or_absent(share))
        return self.log_sigma_ion + jnp.where(closed, lowest, mean)

    def _log_ratio_at(self, E: Scalar) -> Scalar:
        """ln(sigma_ele/sigma_ion) at E; every piece is tried, which takes less than a search."""
        within = jnp.clip(E, self.E[0], self.E[-1])
        starts, ends = self.E[:-1], self.E[1:]
        last = jnp.arange(starts.size) == starts.size - 1
        here = (within >= starts) & ((within < ends) | last)
        share = (within - starts) / (ends - starts)
        return _chosen(here, self.log_ratio[:-1] + share * jnp.diff(self.log_ratio))


def _chosen(here: Bool[Array, " places"], values: Float[Array, " places"]) -> Scalar:
    """The one value that is marked."""
    return jnp.sum(jnp.where(here, values, 0.0))


def _log_mean_between(
    log_ratio_1: Float[Array, "..."], log_ratio_2: Float[Array, "..."]
) -> Float[Array, "..."]:
    """ln of the mean of sigma_amb/sigma_ion while ln(sigma_ele/sigma_ion) runs straight."""
    lower = jnp.minimum(log_ratio_1, log_ratio_2)
    return log_mean_logistic(lower, jnp.abs(log_ratio_2 - log_ratio_1))


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
    log_ratio = math.log(10.0) * law.log10_sigma - log_sigma_ion
    ends = jnp.concatenate([log_ratio[:1], log_ratio, log_ratio[-1:]])
    log_means = _log_mean_between(ends[:-1], ends[1:])
    return Piecewise(law.E, log_ratio, log_sigma_ion, log_means)
