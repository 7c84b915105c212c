"""The branch law in logarithms, and where a flow through it stands still.

sigma_ele = sigma_0 + sigma_n e^(-z_n (E - E_n)/V_T) + sigma_p e^(z_p (E - E_p)/V_T) is convex in
E: one valley, at most one potential per flank where it takes a given value.
"""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from muli.kernels.model.laws import Branches
from muli.kernels.numerics.safe import log_or_absent

Number = Float[Array, "..."]
Scalar = Float[Array, ""]
NEWTON_STEPS = 40


def largest_exponent(x: Number) -> float:
    """Where exp still fits this precision with room to multiply: 79.8 or 638."""
    return 0.9 * math.log(float(jnp.finfo(x.dtype).max))


def term(coefficient: Scalar, exponent: Number) -> Number:
    """coefficient * e^exponent, through logarithms where the coefficient is not zero.

    An absent branch (coefficient 0) keeps its right derivative.
    """
    present = coefficient > 0
    capped = jnp.minimum(exponent, largest_exponent(exponent))
    argument = jnp.where(present, log_or_absent(coefficient) + exponent, capped)
    return jnp.where(present, 1.0, coefficient) * jnp.exp(argument)


def exponents(law: Branches, E: Number, V_T: Scalar) -> tuple[Number, Number, Number]:
    """The arguments of the exponentials of floor, electron and hole branch at E."""
    electrons = -law.z_n * (E - law.E_n) / V_T
    holes = law.z_p * (E - law.E_p) / V_T
    return jnp.zeros_like(E), electrons, holes


def log_sum(law: Branches, arguments: Sequence[Number]) -> Number:
    """ln sum_i coefficient_i e^argument_i over floor, electrons, holes."""
    coefficients = (law.sigma_0, law.sigma_n, law.sigma_p)
    pairs = list(zip(coefficients, arguments, strict=True))
    logs = [log_or_absent(c) + x for c, x in pairs]
    largest = jax.lax.stop_gradient(jnp.maximum(jnp.maximum(logs[0], logs[1]), logs[2]))
    total = sum(term(c, x - largest) for c, x in pairs)
    return largest + jnp.log(total)


def log_sigma_ele(law: Branches, E: Number, V_T: Scalar) -> Number:
    """ln sigma_ele (S/cm) at E (V)."""
    return log_sum(law, exponents(law, E, V_T))


def centres(
    law: Branches, a: Scalar, j: Scalar, V_T: Scalar
) -> tuple[Scalar, Scalar, Bool[Array, ""]]:
    """The two potentials around which a + j/sigma_ele(E) changes, and whether it vanishes there.

    Where it does not vanish, these are the real parts of its complex zeros.
    """
    excess = law.sigma_0 + j / jnp.where(a == 0, jnp.finfo(a.dtype).tiny, a)
    log_target = jnp.clip(log_or_absent(jnp.abs(excess)), -1e3, 1e3)
    left = law.E_n - V_T / law.z_n * (log_target - log_or_absent(law.sigma_n))
    right = law.E_p + V_T / law.z_p * (log_target - log_or_absent(law.sigma_p))
    bottom = valley(law, V_T)
    stands = (excess < 0) & (log_target > _log_branches(law, bottom, V_T)[0])
    flanks = [_flank(law, V_T, log_target, start) for start in (left, right)]
    together = (left > right) | (excess < 0)
    left = jnp.where(together, bottom, left)
    right = jnp.where(together, bottom, right)
    return jnp.where(stands, flanks[0], left), jnp.where(stands, flanks[1], right), stands


def valley(law: Branches, V_T: Scalar) -> Scalar:
    """E (V) of the least sigma_ele; some 100 V away on the side of a branch that is absent."""
    lead = jnp.log(law.z_n) + log_or_absent(law.sigma_n)
    lead = V_T * (lead - jnp.log(law.z_p) - log_or_absent(law.sigma_p))
    return (lead + law.z_n * law.E_n + law.z_p * law.E_p) / (law.z_n + law.z_p)


def _log_branches(law: Branches, E: Scalar, V_T: Scalar) -> tuple[Scalar, Scalar]:
    """ln(electrons + holes) at E and its slope (1/V)."""
    _, electrons, holes = exponents(law, E, V_T)
    electrons = electrons + log_or_absent(law.sigma_n)
    holes = holes + log_or_absent(law.sigma_p)
    share = jax.nn.sigmoid(holes - electrons)
    slope = (law.z_p * share - law.z_n * (1.0 - share)) / V_T
    return jnp.logaddexp(electrons, holes), slope


def _flank(law: Branches, V_T: Scalar, log_target: Scalar, start: Scalar) -> Scalar:
    """Where ln(electrons + holes) = log_target, from the side of the single-branch estimate.

    The function is convex and the estimate lies outside, so Newton approaches monotonically.
    """

    def step(_: int, E: Scalar) -> Scalar:
        value, slope = _log_branches(law, E, V_T)
        flat = jnp.abs(slope) < jnp.finfo(E.dtype).eps
        return E - jnp.where(flat, 0.0, (value - log_target) / jnp.where(flat, 1.0, slope))

    return jax.lax.fori_loop(0, NEWTON_STEPS, step, start)
