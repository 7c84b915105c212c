"""Hebb-Wagner fit: sigma_ele(E) from steady currents through an ion-blocking cell.

In steady state no ions flow, so j L = integral of sigma_ele(E) from E_ref to E_ref + V. The
integral of the branch law is fitted to j, not its derivative:

    j L = sigma_0 V + sum over branches of (V_T/z) (sigma at E_ref + V less sigma at E_ref), signed

All conductivities are fitted in logarithms. A branch's conductivity is given at the end of the
window where it is largest: E_n is the lowest and E_p the highest potential measured. Of the laws
constant, one branch, both branches, the one with the least AICc is taken; where its residuals are
not noise, a smooth curve takes its place. Points are weighted by their errors where the file states
them. Points outside the window of the sample are left out.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from muli.kernels.constants import BOLTZMANN_EV
from muli.screen.errors import UsageError
from muli.screen.measuring.series import Series
from muli.screen.measuring.smooth import smooth
from muli.screen.measuring.transient import Step, is_one_voltage, limit_of, steps

Floats = NDArray[np.float64]

RELATIVE_ERROR = 0.01
"""Relative error of a current where the file states none: only its ratio between points counts."""
CURVE_POINTS = 41
WORST_MISFIT = 4.0
"""Where residuals exceed this many times the noise between neighbours, the law does not fit."""
RESOLVED = 3.0
"""A sigma_0 below this many of its standard errors is not resolved."""
UNRESOLVED_DECADES = 1.5
REPEATS_WITHIN = 0.1
"""Relative difference up to which repeated currents at one voltage agree."""
SMALLEST_ERROR = 1e-6
"""Smallest relative error of a current; smaller stated errors are raised to it."""
TERMS: dict[str, tuple[str, ...]] = {
    "constant": ("0",),
    "hole": ("0", "p"),
    "electron": ("0", "n"),
    "both": ("0", "n", "p"),
}
"""Terms of the laws that are tried, the simplest first."""


@dataclass(frozen=True)
class Measured:
    """The result of a measurement.

    law: branches, constant or table. numbers: of the law, with `_sd` (decades for conductivities)
    beside each. curve: E_V, log10_sigma_ele, sd (decades). steady: whether currents had settled.
    correlation: of the fitted numbers, in the order of `fitted`. voltages: V of the points that
    were fitted, rising. residuals: ln of the fit over the measured current at these.
    """

    law: str
    numbers: dict[str, float]
    curve: list[dict[str, float]]
    steady: bool
    notes: list[str] = field(default_factory=list)
    fitted: tuple[str, ...] = ()
    correlation: tuple[tuple[float, ...], ...] = ()
    voltages: tuple[float, ...] = ()
    residuals: tuple[float, ...] = ()


def fit_series(series: Series) -> Measured:
    """sigma_ele of a polarisation series; of a transient (one voltage, times) its steady value."""
    if is_one_voltage(series.V):
        if series.t is None:
            raise UsageError("all points are at one voltage: a transient needs a column of times")
        return _transient(series)
    held = [] if series.t is None else steps(series.V, series.j, series.t)
    if held:
        return _fit_steps(series, held)
    return _fit_points(series)


def _fit_points(series: Series) -> Measured:
    """The same from one steady current per voltage."""
    if not series.geometry.blocking:
        return _symmetric(series)
    notes, repeats = list(series.notes), _repeats_differ(series)
    if repeats:
        notes.append(repeats)
    order = np.argsort(series.V, kind="stable")
    V, j, relative = series.V[order], series.j[order], _relative_errors(series)[order]
    used = (V != 0) & (j * V > 0)
    against = int((j * V < 0).sum())
    if against > 0.5 * len(V):
        raise UsageError(
            f"{against} of {len(V)} currents run against their voltage: change the sign of one of "
            "the two columns"
        )
    if against:
        notes.append(f"left out: {against} points whose current runs against their voltage")
    outside = used & ~_inside(V + series.geometry.reference_V, series.geometry.window_V)
    if outside.any():
        notes.append(f"left out: {int(outside.sum())} points outside the sample's window")
    used &= ~outside
    V, y, relative = V[used], np.abs(j[used]) * series.geometry.thickness_cm, relative[used]
    if len(V) < 4:
        raise UsageError("fewer than 4 points with a current along their voltage, in the window")
    series = series._replace(notes=notes)
    fits = [_fit(name, V, y, relative, series) for name in TERMS if len(V) > 2 * len(TERMS[name])]
    best = min(fits, key=lambda fit: fit["aicc"])
    measured = (
        _table(series, V, y, relative)
        if best["misfit"] > WORST_MISFIT and len(V) >= 8
        else _as_law(best, series)
    )
    return replace(measured, steady=not repeats, voltages=tuple(V.tolist()))


def _inside(E: Floats, window: tuple[float, float] | None) -> NDArray[np.bool_]:
    """Whether potentials are in the window; all are where there is no window."""
    if window is None:
        return np.ones(len(E), bool)
    low, high = window
    return (low <= E) & (high >= E)


def _relative_errors(series: Series) -> Floats:
    """(n,) relative errors of the currents; their ratios are those that the file states."""
    if series.j_sd is None:
        return np.full(len(series.j), RELATIVE_ERROR)
    stated = np.abs(series.j_sd) / np.maximum(np.abs(series.j), 1e-300)
    stated = np.maximum(stated, SMALLEST_ERROR)
    return RELATIVE_ERROR * stated / np.median(stated)


def _repeats_differ(series: Series) -> str:
    """A note where a repeated voltage has another current; "" where there is none."""
    order = np.argsort(series.V, kind="stable")
    V, j = series.V[order], np.abs(series.j[order])
    groups = np.split(j, np.flatnonzero(np.diff(V) > 1e-6 + 1e-4 * np.abs(V[1:])) + 1)
    spans = [float(np.ptp(group) / max(group.min(), 1e-300)) for group in groups if len(group) > 1]
    worst = max(spans, default=0.0)
    if worst <= REPEATS_WITHIN:
        return ""
    return f"not steady: currents at one voltage differ by up to {100 * worst:.2g} %"


def _fit_steps(series: Series, held: list[Step]) -> Measured:
    """Fit of voltages held one after another: the points are the last currents at each voltage."""
    V = np.array([step.V for step in held])
    j = np.array([step.sign * step.limit.last for step in held])
    notes = [*series.notes, f"{len(held)} voltages were held: the last currents at each are taken"]
    late = [step for step in held if not step.limit.steady]
    if late:
        worst = max(step.limit.distance for step in late)
        volts = ", ".join(f"{step.V:.3g}" for step in late[:6])
        notes.append(
            f"not steady yet at {len(late)} of {len(held)} voltages ({volts} V): the last current "
            f"is up to {100 * worst:.3g} % from its limit"
        )
    measured = _fit_points(series._replace(V=V, j=j, t=None, notes=notes, j_sd=None))
    return replace(measured, steady=measured.steady and not late)


def _fit(name: str, V: Floats, y: Floats, relative: Floats, series: Series) -> dict[str, Any]:
    terms, V_T = TERMS[name], BOLTZMANN_EV * series.geometry.temperature_K
    ends = min(0.0, float(V.min())), max(0.0, float(V.max()))
    size = float(np.median(y / np.abs(V)))

    def predicted(x: Floats) -> Floats:
        return _integral(x, terms, V, ends, V_T)

    def residual(x: Floats) -> Floats:
        return (np.log(np.maximum(predicted(x), 1e-300)) - np.log(y)) / relative

    starts = []
    for slope in (0.3, 1.0):
        for share in (0.1, 1.0):
            start = [np.log(size * share)]
            for _ in terms[1:]:
                start += [np.log(float(y.max()) * slope / V_T), np.log(slope)]
            starts.append(np.array(start))
    low = np.full(len(starts[0]), np.log(1e-30))
    high = np.full(len(starts[0]), np.log(1e4))
    low[2::2], high[2::2] = np.log(0.02), np.log(4.0)
    runs = [least_squares(residual, np.clip(s, low + 1e-6, high - 1e-6), bounds=(low, high),
                          x_scale="jac", max_nfev=2000) for s in starts]  # fmt: skip
    run = min(runs, key=lambda fit: fit.cost)
    count, free = len(V), len(V) - len(run.x)
    scale = 2.0 * run.cost / max(free, 1)
    covariance = _inverse(run.jac) * scale
    error = run.fun * RELATIVE_ERROR  # as if all errors were one
    neighbours = np.abs(np.diff(error, 2)) / np.sqrt(6.0) if count > 4 else np.abs(error)
    noise = max(float(np.median(neighbours)) / 0.6745, 1e-9)
    k = len(run.x) + 1
    aicc = count * np.log(max(2.0 * run.cost / count, 1e-24)) + 2 * k
    aicc += 2 * k * (k + 1) / max(count - k - 1, 0.5)
    return {
        "terms": terms,
        "x": run.x,
        "covariance": covariance,
        "aicc": aicc,
        "ends": ends,
        "misfit": float(np.sqrt(np.mean(error**2))) / noise,
        "error": run.fun * relative,
        "V_T": V_T,
        "floor_error": _floor_error(
            run.jac, np.abs(V) / predicted(run.x) / relative, np.sqrt(scale)
        ),
    }


def _inverse(jacobian: Any) -> Floats:
    """Inverse of J^T J: the covariance where the residuals have unit variance."""
    J = np.asarray(jacobian, np.float64)
    return np.asarray(np.linalg.pinv(J.T @ J), np.float64)


def _floor_error(jacobian: Any, per_sigma: Floats, scale: float) -> float:
    """Standard error of sigma_0 itself, S/cm; that of its logarithm fails where sigma_0 is tiny.

    per_sigma: derivative of the residuals by sigma_0, cm/S.
    """
    J, unit = np.array(jacobian, np.float64), float(np.abs(per_sigma).max())
    J[:, 0] = per_sigma / unit
    return float(np.sqrt(max(_inverse(J)[0, 0], 0.0)) * scale / unit)


def _with_unresolved_floor(best: dict[str, Any]) -> tuple[Floats, Floats]:
    """sigma_0 set to its standard error, uncertain by `UNRESOLVED_DECADES`; the rest unchanged."""
    x, covariance = best["x"].copy(), best["covariance"].copy()
    x[0] = np.log(max(best["floor_error"], 1e-30))
    covariance[0, :] = covariance[:, 0] = 0.0
    covariance[0, 0] = (UNRESOLVED_DECADES * np.log(10.0)) ** 2
    return x, covariance


def _integral(
    x: Floats, terms: tuple[str, ...], V: Floats, ends: tuple[float, float], V_T: float
) -> Floats:
    """|integral of sigma_ele from 0 to V|, S V/cm.

    x: ln sigma_0, then ln sigma and ln z of every branch.
    """
    total = np.exp(x[0]) * np.abs(V)
    for place, kind in enumerate(terms[1:]):
        sigma, z = np.exp(x[1 + 2 * place : 3 + 2 * place])
        sense, end = (1.0, ends[1]) if kind == "p" else (-1.0, ends[0])
        edges = np.exp(sense * z * (V - end) / V_T), np.exp(sense * z * (0.0 - end) / V_T)
        total = total + sigma * V_T / z * np.abs(edges[0] - edges[1])
    return total


def log_sigma(
    x: Floats, terms: tuple[str, ...], V: Floats, ends: tuple[float, float], V_T: float
) -> Floats:
    """log10 of sigma_ele (S/cm) at V; x: as in `_integral`."""
    total = np.full_like(V, np.exp(x[0]))
    for place, kind in enumerate(terms[1:]):
        sigma, z = np.exp(x[1 + 2 * place : 3 + 2 * place])
        sense, end = (1.0, ends[1]) if kind == "p" else (-1.0, ends[0])
        total = total + sigma * np.exp(sense * z * (V - end) / V_T)
    return np.log10(total)


def _as_law(best: dict[str, Any], series: Series) -> Measured:
    """Numbers with their standard deviations, and the curve with its own."""
    x, covariance, terms = best["x"], best["covariance"], best["terms"]
    notes = list(series.notes)
    if len(terms) > 1 and np.exp(x[0]) < RESOLVED * best["floor_error"]:
        x, covariance = _with_unresolved_floor(best)
        notes.append(f"sigma_0 is not resolved: about {np.exp(x[0]):.1g} S/cm or less")
    reference, ends, V_T = series.geometry.reference_V, best["ends"], best["V_T"]
    sd = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    names = ["sigma_0_S_cm"]
    numbers: dict[str, float] = {"sigma_0_S_cm": float(np.exp(x[0]))}
    numbers["sigma_0_S_cm_sd"] = float(sd[0] / np.log(10.0))
    for place, kind in enumerate(terms[1:]):
        at = 1 + 2 * place
        numbers |= {
            f"sigma_{kind}_S_cm": float(np.exp(x[at])),
            f"sigma_{kind}_S_cm_sd": float(sd[at] / np.log(10.0)),
            f"z_{kind}": float(np.exp(x[at + 1])),
            f"z_{kind}_sd": float(np.exp(x[at + 1]) * sd[at + 1]),
            f"E_{kind}_V": reference + (ends[1] if kind == "p" else ends[0]),
        }
        names += [f"sigma_{kind}_S_cm", f"z_{kind}"]
    grid = np.linspace(ends[0], ends[1], CURVE_POINTS)
    curve = _with_band(lambda y: log_sigma(y, terms, grid, ends, V_T), x, covariance)
    points = [
        {"E_V": float(reference + V), "log10_sigma_ele": float(value), "sd": float(spread)}
        for V, value, spread in zip(grid, *curve, strict=True)
    ]
    law = "constant" if terms == ("0",) else "branches"
    if law == "constant":
        numbers["sigma_ele_S_cm"] = numbers["sigma_0_S_cm"]
        numbers["sigma_ele_S_cm_sd"] = numbers["sigma_0_S_cm_sd"]
    scale = np.where(sd > 0, sd, 1.0)
    correlation = tuple(tuple(float(v) for v in row) for row in covariance / np.outer(scale, scale))
    residuals = tuple(float(residual) for residual in best["error"])
    return Measured(law, numbers, points, True, notes, tuple(names), correlation,
                    residuals=residuals)  # fmt: skip


def _with_band(
    function: Callable[[Floats], Floats], x: Floats, covariance: Floats
) -> tuple[Floats, Floats]:
    """A function of the fitted numbers, and its standard deviation by its derivatives."""
    middle = function(x)
    slopes = np.stack([(function(x + step) - function(x - step)) / 2e-5
                       for step in 1e-5 * np.eye(len(x))])  # fmt: skip
    variance = np.einsum("ip,ij,jp->p", slopes, covariance, slopes)
    return middle, np.sqrt(np.maximum(variance, 0.0))


def _table(series: Series, V: Floats, y: Floats, relative: Floats) -> Measured:
    """A curve where no branch law fits."""
    curve = smooth(V, y, relative)
    decade = np.log(10.0)
    points = [
        {"E_V": float(series.geometry.reference_V + E), "log10_sigma_ele": float(s / decade),
         "sd": float(sd / decade)}
        for E, s, sd in zip(curve.V, curve.log_sigma, curve.sd, strict=True)
    ]  # fmt: skip
    notes = [*series.notes, "no branch law fits: the smoothest curve that describes the currents"]
    residuals = tuple(float(residual) for residual in curve.residuals)
    return Measured("table", {}, points, True, notes, residuals=residuals)


def _symmetric(series: Series) -> Measured:
    """Both electrodes block ions: one effective conductivity at an undefined activity."""
    used = (series.V != 0) & (series.j * series.V > 0)
    logs = np.log10(series.j[used] * series.geometry.thickness_cm / series.V[used])
    sd = float(logs.std(ddof=1)) if len(logs) > 1 else float("nan")
    numbers = {"sigma_ele_S_cm": float(10.0 ** logs.mean()), "sigma_ele_S_cm_sd": sd}
    notes = [*series.notes, "two blocking electrodes: a constant at an undefined lithium activity"]
    return Measured("constant", numbers, [], True, notes)


def _transient(series: Series) -> Measured:
    """The limit of a current at one voltage, and whether the last point has reached it."""
    assert series.t is not None
    V, limit = float(np.median(series.V)), limit_of(series.t, np.abs(series.j))
    words = f"the last current is {100 * limit.distance:.3g} % from its limit"
    notes = [*series.notes, words if limit.steady else f"not steady yet: {words}"]
    sigma = limit.value * series.geometry.thickness_cm / max(abs(V), 1e-300)
    numbers = {"sigma_ele_S_cm": sigma, "sigma_ele_S_cm_sd": limit.sd, "voltage_V": V,
               "time_constant_s": limit.time_s,
               "distance_from_steady": limit.distance}  # fmt: skip
    return Measured("constant", numbers, [], limit.steady, notes)
