"""The mean of sigma_amb against 30-digit quadrature, and its derivatives where it closes."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

from muli.kernels.numerics.safe import arctangent_ratio, decay_ratio, log_mean_logistic
from muli.kernels.transport.ambipolar import Dilute
from tests.quick import quick_jit

V_T = 0.0257
CASES = [  # floor/s, ln n, ln p, E_1, width
    (0.0, 15.0, -170.0, 0.3, 3.5),
    (1e-7, 15.0, -170.0, 0.3, 3.5),
    (1e-9, -24.0, -74.0, 1.609, 1.3e-3),
    (0.0, -2.0, -1.0, -0.3, 0.7),
    (0.0, -0.6931472, -0.6931471, -0.1, 0.2),
    (0.3, 20.0, -19.0, 0.2, 0.9),
    (5.0, 30.0, -140.0, 0.1, 4.0),
    (0.0, 33.0, -1.0e4, 0.0, 4.2),
    (1e-12, -1.0e4, -150.0, 1.0, 3.0),
    (0.0, 11.46, -163.2, 1.98, 1e-9),
]


def exact(floor, log_n, log_p, E_1, width):
    """ln of the mean by tanh-sinh on panels of about one V_T."""
    with mpmath.workdps(30):

        def sigma(E):
            u = E / mpmath.mpf(V_T)
            ratio = floor + mpmath.exp(log_n - u) + mpmath.exp(log_p + u)
            return ratio / (1 + ratio)

        panels = max(1, round(width / V_T))
        cuts = [mpmath.mpf(E_1) + mpmath.mpf(width) * k / panels for k in range(panels + 1)]
        return float(mpmath.log(mpmath.quad(sigma, cuts, maxdegree=5) / mpmath.mpf(width)))


def log_mean(p):
    """Of floor/s, ln n, ln p, V_T and both ends."""
    return Dilute(jnp.zeros_like(p[0]), *p[:4]).log_mean(p[4], p[5])


def log_sigma(p):
    return Dilute(jnp.zeros_like(p[0]), *p[:4]).log_sigma(p[5])


programs = {
    name: quick_jit(function)
    for name, function in {
        "mean": log_mean,
        "sigma": log_sigma,
        "gradient": jax.grad(log_mean),
        "hessian": jax.hessian(log_mean),
    }.items()
}


@pytest.mark.parametrize("case", CASES)
def test_mean_against_quadrature(case):
    floor, log_n, log_p, E_1, width = case
    expected = exact(*case)
    for dtype, tolerance in ((jnp.float64, 1e-12), (jnp.float32, 4e-5)):
        got = programs["mean"](jnp.asarray([floor, log_n, log_p, V_T, E_1, E_1 + width], dtype))
        assert got.dtype == dtype
        if dtype == jnp.float64 or width > 1e-6:
            assert float(got) == pytest.approx(expected, abs=tolerance * max(1, abs(expected) / 30))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("closed", [False, True])
def test_derivatives_are_finite_and_right(case, closed):
    """By its ends, the integral's derivative is sigma_amb there; nothing is NaN at width 0."""
    floor, log_n, log_p, E_1, width = case
    E_2 = E_1 if closed else E_1 + width
    point = jnp.asarray([floor, log_n, log_p, V_T, E_1, E_2])
    slope = programs["gradient"](point)
    assert np.all(np.isfinite(slope))
    assert np.all(np.isfinite(programs["hessian"](point)))
    if not closed and width > 1e-6:
        mean = np.exp(float(programs["mean"](point)))
        by_end = mean + width * mean * float(slope[5])
        sigma = np.exp(float(programs["sigma"](point)))
        assert by_end == pytest.approx(sigma, rel=1e-6, abs=1e-9 * mean)


def test_elementary_functions_at_their_joins():
    x = jnp.asarray([0.0, 1e-12, 0.0099999, 0.0100001, 3.0, 800.0])
    expected = [1.0, *(-np.expm1(-np.asarray(x[1:])) / np.asarray(x[1:]))]
    np.testing.assert_allclose(decay_ratio(x), expected, rtol=1e-14)
    x = jnp.asarray([-1e6, -0.0200001, -0.0199999, 0.0, 0.0199999, 0.0200001, 0.75])
    y = np.asarray(x, complex)
    y[3] = 1e-12
    np.testing.assert_allclose(
        arctangent_ratio(x), (np.arctanh(np.sqrt(y)) / np.sqrt(y)).real, rtol=1e-11
    )
    assert float(log_mean_logistic(jnp.asarray(-2000.0), jnp.asarray(1.0))) == pytest.approx(
        -2000.0 + np.log(np.e - 1), rel=1e-14
    )
