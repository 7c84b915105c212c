"""A law for points of sigma_ele(E): branches where they describe every point, else the curve.

The points are taken as exact, so a law is accepted by its worst deviation, not by statistics.
"""

import numpy as np
from scipy.optimize import least_squares

from muli.kernels.constants import BOLTZMANN_EV
from muli.screen.measuring.columns import Floats
from muli.screen.measuring.fit import TERMS, Measured, log_sigma

FITS_WITHIN = 0.05
"""Decades; a law that deviates further at any point is rejected."""
SMALLEST, LARGEST = 1e-60, 1e6
FLATTEST, STEEPEST = 0.02, 4.0
"""Slopes z that a table of materials takes."""
MOST_POINTS = 1000
"""Of a curve; more are thinned out evenly."""


def law_of_curve(E: Floats, log10_sigma: Floats, temperature_K: float) -> Measured:
    """The law with the fewest numbers that is within `FITS_WITHIN` of every point, and the points.

    E: (n,) V vs Li/Li+, rising. log10_sigma: (n,) of S/cm.
    """
    notes: list[str] = []
    V_T = BOLTZMANN_EV * temperature_K
    for name, terms in TERMS.items():
        if len(E) < 2 * len(terms):
            continue
        x, sd, worst = _fit(terms, E, log10_sigma, V_T)
        if worst <= FITS_WITHIN:
            notes.append(f"law {name}: within {worst:.2g} decades of every point")
            numbers = _numbers(terms, x, sd, E)
            law = "constant" if len(terms) == 1 else "branches"
            return Measured(law, numbers, _curve(E, log10_sigma, notes), True, notes)
    notes.append(f"no branch law is within {FITS_WITHIN:g} decades of every point: a curve")
    return Measured("table", {}, _curve(E, log10_sigma, notes), True, notes)


def _fit(
    terms: tuple[str, ...], E: Floats, log10_sigma: Floats, V_T: float
) -> tuple[Floats, Floats, float]:
    """Fitted ln sigma_0, then ln sigma and ln z of every branch, their errors, worst deviation."""
    ends = float(E[0]), float(E[-1])

    def residual(x: Floats) -> Floats:
        return log_sigma(x, terms, E, ends, V_T) - log10_sigma

    edge = {"n": log10_sigma[0], "p": log10_sigma[-1]}
    low, high = [np.log(SMALLEST)], [np.log(LARGEST)]
    for _ in terms[1:]:
        low += [np.log(SMALLEST), np.log(FLATTEST)]
        high += [np.log(LARGEST), np.log(STEEPEST)]
    runs = []
    for slope in (0.25, 0.5, 1.0):
        for floor in (log10_sigma.min(), log10_sigma.min() - 4.0):
            start = [floor * np.log(10.0)]
            for kind in terms[1:]:
                start += [edge[kind] * np.log(10.0), np.log(slope)]
            start_in = np.clip(start, np.array(low) + 1e-6, np.array(high) - 1e-6)
            runs.append(least_squares(residual, start_in, bounds=(low, high), max_nfev=500))
    run = min(runs, key=lambda fit: fit.cost)
    J = np.asarray(run.jac, np.float64)
    scale = 2.0 * run.cost / max(len(E) - len(run.x), 1)
    variance = np.diag(np.linalg.pinv(J.T @ J)) * scale
    return run.x, np.sqrt(np.maximum(variance, 0.0)), float(np.abs(run.fun).max())


def _numbers(terms: tuple[str, ...], x: Floats, sd: Floats, E: Floats) -> dict[str, float]:
    """Numbers of the law with `_sd` beside each; of conductivities in decades."""
    decades = sd / np.log(10.0)
    name = "sigma_0_S_cm" if len(terms) > 1 else "sigma_ele_S_cm"
    numbers = {name: float(np.exp(x[0])), f"{name}_sd": float(decades[0])}
    for place, kind in enumerate(terms[1:]):
        at = 1 + 2 * place
        numbers |= {
            f"sigma_{kind}_S_cm": float(np.exp(x[at])),
            f"sigma_{kind}_S_cm_sd": float(decades[at]),
            f"z_{kind}": float(np.exp(x[at + 1])),
            f"z_{kind}_sd": float(np.exp(x[at + 1]) * sd[at + 1]),
            f"E_{kind}_V": float(E[-1] if kind == "p" else E[0]),
        }
    return numbers


def _curve(E: Floats, log10_sigma: Floats, notes: list[str]) -> list[dict[str, float]]:
    """The points; `sd` is zero: a calculation states none."""
    if len(E) > MOST_POINTS:
        kept = np.unique(np.linspace(0, len(E) - 1, MOST_POINTS).round().astype(int))
        notes.append(f"left out: {len(E) - len(kept)} of {len(E)} points, evenly")
        E, log10_sigma = E[kept], log10_sigma[kept]
    return [
        {"E_V": float(potential), "log10_sigma_ele": float(value), "sd": 0.0}
        for potential, value in zip(E, log10_sigma, strict=True)
    ]
