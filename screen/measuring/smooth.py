"""sigma_ele(E) without a law: the smoothest curve whose integral describes the currents.

ln sigma_ele is linear between knots, so that j rises with V everywhere; its second differences are
held small with the weight that generalised cross-validation chooses (G. Wahba, SIAM 1990). The band
is that of the fitted knots.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

Floats = NDArray[np.float64]

KNOTS = 30
FINE = 401
WEIGHTS = 10.0 ** np.arange(-4.0, 5.0)


class Smooth(NamedTuple):
    """E - E_ref (n,), ln sigma_ele (S/cm) and its standard deviation there, relative residuals."""

    V: Floats
    log_sigma: Floats
    sd: Floats
    residuals: Floats


class _Curve(NamedTuple):
    score: float
    x: Floats
    covariance: Floats
    residuals: Floats


def smooth(V: Floats, y: Floats, relative: Floats) -> Smooth:
    """The curve from |j| L = y (n,), S V/cm, at V (n,) with relative errors (n,)."""
    low, high = min(0.0, float(V.min())), max(0.0, float(V.max()))
    knots = np.linspace(low, high, min(KNOTS, 2 * len(V)))
    fine = np.linspace(low, high, FINE)
    spread = _interpolation(knots, fine)
    integral = _integrals(fine, V)
    bend = np.diff(np.eye(len(knots)), 2, axis=0)
    start = np.full(len(knots), np.log(np.median(y / np.abs(V))))
    runs = []
    for weight in WEIGHTS:
        runs.append(_fit(integral, spread, np.sqrt(weight) * bend, y, relative, start))
        start = runs[-1].x
    best = min(runs, key=lambda curve: curve.score)
    inside = (knots >= V.min() - 1e-12) & (knots <= V.max() + 1e-12)
    sd = np.sqrt(np.maximum(np.diag(best.covariance), 0.0))
    return Smooth(knots[inside], best.x[inside], sd[inside], best.residuals)


def _interpolation(knots: Floats, fine: Floats) -> Floats:
    """(fine, knots): values at `fine` from those at the knots, linear between them."""
    return np.stack([np.interp(fine, knots, basis) for basis in np.eye(len(knots))], axis=1)


def _integrals(fine: Floats, V: Floats) -> Floats:
    """(n, fine): the integral from 0 to each V, with its sign, of values at `fine`."""
    step = fine[1] - fine[0]
    rows = []
    for end in V:
        a, b = min(0.0, end), max(0.0, end)
        covered = np.clip(np.minimum(fine[1:], b) - np.maximum(fine[:-1], a), 0.0, step)
        rows.append(0.5 * (np.append(covered, 0.0) + np.append(0.0, covered)))
    return np.stack(rows)


def _fit(
    integral: Floats, spread: Floats, bend: Floats, y: Floats, relative: Floats, start: Floats
) -> _Curve:
    count = len(y)

    def model(x: Floats) -> tuple[Floats, Floats]:
        sigma = np.exp(np.clip(spread @ x, -100.0, 20.0))
        predicted = integral @ sigma
        slope = integral @ (sigma[:, None] * spread) / predicted[:, None]
        return (np.log(predicted) - np.log(y)) / relative, slope / relative[:, None]

    def residual(x: Floats) -> Floats:
        return np.concatenate([model(x)[0], bend @ x])

    def jacobian(x: Floats) -> Floats:
        return np.concatenate([model(x)[1], bend])

    run = least_squares(residual, start, jac=jacobian, method="lm", max_nfev=60)
    error, J = model(run.x)
    inverse: Floats = np.asarray(np.linalg.pinv(J.T @ J + bend.T @ bend), np.float64)
    free = max(count - float(np.trace(J @ inverse @ J.T)), 1.0)
    score = count * float(error @ error) / free**2
    return _Curve(score, run.x, inverse * float(error @ error) / free, error * relative)
