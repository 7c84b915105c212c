"""The same two-layer stacks solved by what one would otherwise use: scipy, NumPy, numba.

Branch law of slope 1, open circuit. A stack is a row of LAYOUT. None of this code shares a formula
with `kernels`, except the numba peer, which has the same closed form on purpose.
"""

import math

import numba
import numpy as np
from scipy import integrate, optimize

LAYOUT = ("s", "c", "n", "E_n", "p", "E_p")
"""Of each of two layers: sigma_ion, sigma_0, sigma_n, E_n, sigma_p, E_p."""


def scipy_one(layers: np.ndarray, thickness: np.ndarray, E_a: float, E_c: float, V: float) -> float:
    """E* by adaptive quadrature inside a bracketed root search."""

    def integral(k: int, low: float, high: float) -> float:
        s, c, n, E_n, p, E_p = layers[k]

        def sigma_amb(E: float) -> float:
            sigma = c + n * math.exp(-(E - E_n) / V) + p * math.exp((E - E_p) / V)
            return s * sigma / (s + sigma)

        cuts = np.linspace(low, high, 12)[1:-1]
        return integrate.quad(
            sigma_amb, low, high, epsabs=0.0, epsrel=1e-10, limit=400, points=cuts
        )[0]

    def imbalance(E: float) -> float:
        into, out = integral(0, E_a, E) / thickness[0], integral(1, E, E_c) / thickness[1]
        return math.log(into) - math.log(out)

    return optimize.brentq(imbalance, E_a + 1e-12, E_c - 1e-12, xtol=1e-9)


def numpy_bisection(
    layers: np.ndarray, thickness: np.ndarray, E_a: float, E_c: float, V: float, steps: int = 40
) -> np.ndarray:
    """E* of many stacks (thickness (2, stacks)) by bisection on the closed form, vectorised."""
    low, high = np.full(thickness.shape[1], E_a), np.full(thickness.shape[1], E_c)
    for _ in range(steps):
        middle = 0.5 * (low + high)
        into = closed_form(layers[0], E_a, middle, V) / thickness[0]
        above = into > closed_form(layers[1], middle, E_c, V) / thickness[1]
        high, low = np.where(above, middle, high), np.where(above, low, middle)
    return 0.5 * (low + high)


def closed_form(layer: np.ndarray, E_1: np.ndarray, E_2: np.ndarray, V: float) -> np.ndarray:
    """Integral of sigma_amb for 4np < b^2, by softplus differences."""
    s, c, n, E_n, p, E_p = layer
    b = 1.0 + c / s
    product = 4.0 * (n / s) * (p / s) * math.exp((E_n - E_p) / V)
    d = math.sqrt(b * b - product)
    kappa = (c / s * (2.0 + c / s) - product) / ((1.0 + d) * d)
    log_n = math.log(2.0 * n / s / (b + d)) + E_n / V
    log_p = math.log((b + d) * s / (2.0 * p)) + E_p / V
    holes = np.logaddexp(0.0, E_2 / V - log_p) - np.logaddexp(0.0, E_1 / V - log_p)
    electrons = np.logaddexp(0.0, log_n - E_1 / V) - np.logaddexp(0.0, log_n - E_2 / V)
    return s * kappa * (E_2 - E_1) + s / d * V * (holes + electrons)


@numba.njit(fastmath=True, cache=False)
def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


@numba.njit(fastmath=True, cache=False)
def _integral(ready, E_1, E_2, V):
    s, kappa, d, log_n, log_p = ready[0], ready[1], ready[2], ready[3], ready[4]
    holes = _softplus(E_2 / V - log_p) - _softplus(E_1 / V - log_p)
    electrons = _softplus(log_n - E_1 / V) - _softplus(log_n - E_2 / V)
    return s * kappa * (E_2 - E_1) + s / d * V * (holes + electrons)


@numba.njit(parallel=True, fastmath=True, cache=False)
def _numba_newton(ready, layers, ratio, E_a, E_c, V, steps):
    out = np.empty(ratio.size)
    for i in numba.prange(ratio.size):
        low, high = E_a, E_c
        E = 0.5 * (low + high)
        for _ in range(steps):
            G_1 = _integral(ready[0], E_a, E, V) * ratio[i]
            G_2 = _integral(ready[1], E, E_c, V)
            if G_1 > G_2:
                high = E
            else:
                low = E
            slope = 0.0
            for k in range(2):
                s, c, n = layers[k, 0], layers[k, 1], layers[k, 2]
                E_n, p, E_p = layers[k, 3], layers[k, 4], layers[k, 5]
                sigma = c + n * math.exp(-(E - E_n) / V) + p * math.exp((E - E_p) / V)
                slope += s * sigma / (s + sigma) * (ratio[i] / G_1 if k == 0 else 1.0 / G_2)
            step = math.log(G_2 / G_1) / slope
            E = E + step if low < E + step < high else 0.5 * (low + high)
            if abs(step) < 1e-6:
                break
        out[i] = E
    return out


def numba_parallel(
    layers: np.ndarray, thickness: np.ndarray, E_a: float, E_c: float, V: float
) -> np.ndarray:
    """E* of many stacks by safeguarded Newton on the same closed form, all cores."""
    ready = np.array([_prepare(layer, V) for layer in layers])
    return _numba_newton(ready, layers, thickness[1] / thickness[0], E_a, E_c, V, 60)


def _prepare(layer: np.ndarray, V: float) -> tuple[float, ...]:
    s, c, n, E_n, p, E_p = layer
    b = 1.0 + c / s
    product = 4.0 * (n / s) * (p / s) * math.exp((E_n - E_p) / V)
    d = math.sqrt(b * b - product)
    kappa = (c / s * (2.0 + c / s) - product) / ((1.0 + d) * d)
    log_n = math.log(2.0 * n / s / (b + d)) + E_n / V
    return s, kappa, d, log_n, math.log((b + d) * s / (2.0 * p)) + E_p / V
