"""Ambipolar conductivity sigma_amb = sigma_ion sigma_ele/(sigma_ion + sigma_ele) and its mean.

A conductor answers two questions in logarithms: ln sigma_amb at a potential, and the ln of its
mean over an interval, which stays finite where the interval closes. The integral of Wagner's
equation is mean times width. `Dilute` holds the closed form for one slope z, with
u = z E/V_T, c = sigma_0/sigma_ion, b = 1 + c, n = (sigma_n/sigma_ion) e^{E_n z/V_T},
p = (sigma_p/sigma_ion) e^{-E_p z/V_T}, tau = 2 sqrt(np)/b, d = b sqrt(1 - tau^2):

    tau < 1/2   mean/sigma_ion = kappa + [P + N]/d,   kappa = (2c + c^2 - tau^2 b^2)/((1 + d) d)
                P, N: means of the logistic function of u - l_p and l_n - u,
                l_p = ln((b + d)/2p), l_n = ln(2n/(b + d))
    tau >= 1/2  mean/sigma_ion = 1 - 2 Q h((1 - tau^2) Q^2)/(b w),   w the width in u,
                Q = tanh(w/2)/(1 + tau cosh(m)/cosh(w/2)), m the middle from (ln n - ln p)/2,
                h(x) = artanh(sqrt x)/sqrt x, analytic through the discriminant's zero

The first form never cancels more than threefold; the second is used only where sigma_ele is
comparable with sigma_ion or larger everywhere, so that its difference does not cancel either.
Together they cover every discriminant without quadrature.
"""

from typing import Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from muli.kernels.constants import ABSENT
from muli.kernels.numerics.safe import arctangent_ratio, decay_ratio, log_or_absent, mean_logistic

Scalar = Float[Array, ""]
LARGEST_LOG_TAU = 30.0
LARGEST_COSH_EXPONENT = 80.0


class Conductor(Protocol):
    """What the solvers need to know of a layer's material. sigma_ion (S/cm) bounds sigma_amb."""

    log_sigma_ion: Scalar

    def log_sigma(self, E: Scalar) -> Scalar:
        """ln of sigma_amb (S/cm) at the potential E (V)."""
        ...

    def log_mean(self, E_1: Scalar, E_2: Scalar) -> Scalar:
        """ln of the mean of sigma_amb (S/cm) between two potentials (V), in either order."""
        ...


class Dilute(eqx.Module):
    """Both branches with one slope: closed form, see the module. `volt` is V_T/z."""

    log_sigma_ion: Scalar
    floor: Scalar
    log_n: Scalar
    log_p: Scalar
    volt: Scalar

    def log_sigma(self, E: Scalar) -> Scalar:
        """ln sigma_amb at E."""
        u = E / self.volt
        holes, electrons = (1.0, self.log_p + u), (1.0, self.log_n - u)
        ratio, log_unit = _sum(self.floor, holes, electrons)
        low = jnp.minimum(log_unit, 0.0)
        share = ratio / (jnp.exp(low - log_unit) + ratio * jnp.exp(low))
        return self.log_sigma_ion + low + jnp.log(share)

    def log_mean(self, E_1: Scalar, E_2: Scalar) -> Scalar:
        """ln of the mean of sigma_amb between E_1 and E_2."""
        u_1, u_2 = jnp.minimum(E_1, E_2) / self.volt, jnp.maximum(E_1, E_2) / self.volt
        log_b = jnp.log1p(self.floor)
        log_tau = jnp.log(2.0) + 0.5 * (self.log_n + self.log_p) - log_b
        rival = log_tau >= jnp.log(0.5)
        apart = self._log_mean_of_branches(u_1, u_2, jnp.where(rival, ABSENT, log_tau))
        close = self._log_mean_of_rivals(u_1, u_2, jnp.clip(log_tau, -1.0, LARGEST_LOG_TAU))
        return self.log_sigma_ion + jnp.where(rival, close, apart)

    def _log_mean_of_branches(self, u_1: Scalar, u_2: Scalar, log_tau: Scalar) -> Scalar:
        b = 1.0 + self.floor
        tau_b_squared = jnp.exp(2.0 * log_tau) * b * b
        d = jnp.sqrt(b * b - tau_b_squared)
        kappa = (self.floor * (2.0 + self.floor) - tau_b_squared) / ((1.0 + d) * d)
        log_half = jnp.log(0.5 * (b + d))
        width = u_2 - u_1
        holes, log_holes = mean_logistic(u_1 + self.log_p - log_half, width)
        electrons, log_electrons = mean_logistic(self.log_n - log_half - u_2, width)
        mean, log_unit = _sum(kappa, (holes / d, log_holes), (electrons / d, log_electrons))
        return log_unit + jnp.log(mean)

    def _log_mean_of_rivals(self, u_1: Scalar, u_2: Scalar, log_tau: Scalar) -> Scalar:
        width = u_2 - u_1
        middle = jnp.abs(0.5 * (u_1 + u_2 - self.log_n + self.log_p))
        exponent = jnp.minimum(middle - 0.5 * width, LARGEST_COSH_EXPONENT)
        cosh_ratio = jnp.exp(exponent) * (1.0 + jnp.exp(-2.0 * middle)) / (1.0 + jnp.exp(-width))
        tau = jnp.exp(log_tau)
        share = 1.0 / (1.0 + tau * cosh_ratio)
        Q_over_width = decay_ratio(width) / (1.0 + jnp.exp(-width)) * share
        Q = Q_over_width * width
        bend = arctangent_ratio((1.0 - tau) * (1.0 + tau) * Q * Q)
        return jnp.log1p(-2.0 * Q_over_width * bend / (1.0 + self.floor))


def _sum(
    linear: Scalar, holes: tuple[Scalar | float, Scalar], electrons: tuple[Scalar | float, Scalar]
) -> tuple[Scalar, Scalar]:
    """linear + m e^s of holes and electrons as (value, ln unit), `linear` of either sign.

    The linear term enters unlogged so that its gradient is right where it is exactly zero.
    """
    log_unit = jnp.maximum(holes[1], electrons[1])
    log_unit = jnp.maximum(log_unit, jnp.where(linear > 0, log_or_absent(linear), ABSENT))
    log_unit = jax.lax.stop_gradient(log_unit)
    scale = jnp.exp(jnp.minimum(-log_unit, -0.98 * jnp.log(jnp.finfo(log_unit.dtype).tiny)))
    branches = (m * jnp.exp(s - log_unit) for m, s in (holes, electrons))
    return sum(branches, linear * scale), log_unit
