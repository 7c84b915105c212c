"""Currents at one voltage against time: their limit, and how far the last ones are from it.

    j(t) = j_inf + sum of a_i exp(-t/tau_i)

with one term or two, the one with the less AICc. A file that holds one voltage after another is a
series: the last currents at every voltage are its points.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.stats import t as student

Floats = NDArray[np.float64]

STEADY_WITHIN = 0.05
"""A current this near to its limit counts as steady."""
SAME_V = 5e-3
"""Voltages this near count as one: a held voltage is recorded with its noise."""
FEWEST_IN_A_STEP = 5
FEWEST_STEPS = 4
MOST_TIMES = 300
"""Points of a transient; more are thinned out evenly."""


@dataclass(frozen=True)
class Limit:
    """The limit of a transient.

    value: |j| after infinite time. sd: of log10 of it. last: |j| at the end. time_s: the longest
    time constant.
    """

    value: float
    sd: float
    last: float
    time_s: float

    @property
    def distance(self) -> float:
        """Relative distance of the last current from the limit."""
        return abs(self.last - self.value) / max(self.value, 1e-300)

    @property
    def steady(self) -> bool:
        """Whether the last current has reached its limit."""
        return self.distance <= STEADY_WITHIN


class Step(NamedTuple):
    """One voltage of a file of several, and its current's limit (signed as the current)."""

    V: float
    sign: float
    limit: Limit


def is_one_voltage(V: Floats) -> bool:
    """Whether all voltages are one."""
    return float(np.ptp(V)) <= 2.0 * SAME_V


def steps(V: Floats, j: Floats, t: Floats) -> list[Step]:
    """The voltages that were held one after another; none where a file is not such a series."""
    edges = [0, *(np.flatnonzero(np.abs(np.diff(V)) > SAME_V) + 1), len(V)]
    held = [slice(a, b) for a, b in pairwise(edges) if b - a >= FEWEST_IN_A_STEP]
    covered = sum(part.stop - part.start for part in held)
    if len(held) < FEWEST_STEPS or covered < 0.8 * len(V):
        return []
    voltage_steps = []
    for part in held:
        limit = limit_of(t[part], np.abs(j[part]))
        sign = float(np.sign(np.median(j[part])))
        voltage_steps.append(Step(float(np.median(V[part])), sign, limit))
    return voltage_steps


def limit_of(t: Floats, j: Floats) -> Limit:
    """The limit of |j| (n,) at times t (n,) in s."""
    order = np.argsort(t, kind="stable")
    if len(order) > MOST_TIMES:
        order = order[np.unique(np.linspace(0, len(order) - 1, MOST_TIMES).round().astype(int))]
    t, j = t[order] - t[order[0]], j[order]
    last = float(np.median(j[-max(3, len(j) // 10) :]))
    scale = max(last, 1e-300)
    fits = [_fit(t, j / scale, count) for count in (1, 2) if len(t) > 2 * (2 * count + 1)]
    if not fits:
        return Limit(last, float("nan"), last, float(t[-1]))
    _, x, sd, misfit = min(fits, key=lambda fit: fit[0])
    value, time = float(np.exp(x[0])) * scale, float(np.exp(x[2::2].max()))
    noise = float(np.median(np.abs(np.diff(j, 2)))) / (0.6745 * np.sqrt(6.0))
    exponential = misfit * scale <= 2.0 * noise + 1e-6 * scale
    remaining = 0.0 if exponential else _remaining(t, j, noise)
    if abs(remaining) > max(2.0 * abs(value - last), STEADY_WITHIN * last):
        value = max(last + remaining, 0.01 * last)  # not exponential: a diffusion tail
        sd = max(sd, 0.5 * abs(np.log10(value / last)))
    return Limit(value, sd, last, time)


def _remaining(t: Floats, j: Floats, noise: float) -> float:
    """The remaining change of a current, from its changes in the last two doublings of time.

    Per doubling, the changes fall by a constant factor for a power of time, and by more for
    exponentials. 0 where the last change is noise.
    """
    early, middle, late = (_near(t, j, share * t[-1]) for share in (0.25, 0.5, 1.0))
    if abs(late - middle) <= 5.0 * noise or abs(middle - early) <= abs(late - middle) / 0.95:
        return 0.0
    ratio = (late - middle) / (middle - early)
    return float((late - middle) * ratio / (1.0 - ratio)) if ratio > 0.0 else 0.0


def _near(t: Floats, j: Floats, time: float) -> float:
    """The current near a time: the median of the points within a thirtieth of all times."""
    nearest = np.argsort(np.abs(t - time), kind="stable")[: max(1, len(t) // 15)]
    return float(np.median(j[nearest]))


def _fit(t: Floats, j: Floats, count: int) -> tuple[float, Floats, float, float]:
    """AICc, ln of the limit with a_i and ln tau_i, the error of log10 of the limit, and the rms of
    the residuals."""
    span = max(float(t[-1]), 1e-12)

    def residual(x: Floats) -> Floats:
        parts = (a * np.exp(-t / np.exp(tau)) for a, tau in zip(x[1::2], x[2::2], strict=True))
        return np.exp(x[0]) + sum(parts) - j

    low, high = (
        [-30.0, *(-np.inf, np.log(1e-4 * span)) * count],
        [30.0, *(np.inf, np.log(30 * span)) * count],
    )
    runs = []
    for share in (0.5, 1.0):
        for slow in (0.1, 0.3, 1.0):
            start = [np.log(share)]
            for place in range(count):
                start += [(float(j[0]) - 1.0) / count, np.log(span * slow / 8.0**place)]
            runs.append(least_squares(residual, start, bounds=(low, high), max_nfev=400))
    run = min(runs, key=lambda fit: fit.cost)
    n, k = len(t), len(run.x) + 1
    free = max(n - len(run.x), 1)
    J = np.asarray(run.jac, np.float64)
    variance = np.linalg.pinv(J.T @ J)[0, 0] * 2.0 * run.cost / free
    sd = np.sqrt(max(variance, 0.0)) * student.ppf(0.8413, free) / np.log(10.0)
    aicc = (
        n * np.log(max(2.0 * run.cost / n, 1e-24)) + 2 * k + 2 * k * (k + 1) / max(n - k - 1, 0.5)
    )
    return float(aicc), run.x, float(sd), float(np.sqrt(2.0 * run.cost / n))
