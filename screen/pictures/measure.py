"""The picture of a measurement: its points with the fit and its residuals, and sigma_ele(E) with
its band and the sample's window."""

from pathlib import Path
from typing import Any

import numpy as np

from muli.screen.measuring.defects import Carriers
from muli.screen.measuring.fit import Measured
from muli.screen.measuring.reading import Found
from muli.screen.measuring.series import Series
from muli.screen.pictures.style import BLUE, GREY, PALE, check_format, save, style


def draw_measurement(measured: Found, out: Path) -> None:
    """Write the picture as .svg, .png or .pdf. Raises `UsageError` for other names."""
    check_format(out)
    fit, points = measured.measured, measured.points
    from matplotlib.figure import Figure

    with style():
        figure = Figure(figsize=(9.6, 4.4), layout="constrained")
        left: Any
        right: Any
        left, right = figure.subfigures(1, 2)  # type: ignore[misc]
        if isinstance(points, Carriers):
            axes = left.subplots()
            axes.plot(points.E, points.sigma, "o", color=BLUE)
            axes.set(xlabel="E (V vs Li/Li$^+$)", ylabel="e (n μ$_n$ + p μ$_p$) (S/cm)")
            axes.set_yscale("log")
        elif points.t is not None and not fit.curve:
            axes = left.subplots()
            axes.plot(points.t, np.abs(points.j), "o", color=BLUE)
            axes.set(xlabel="time (s)", ylabel="|j| (A/cm²)")
            axes.set_yscale("log")
        else:
            upper, lower = left.subplots(2, 1, sharex=True, height_ratios=(3, 1))
            _draw_points(upper, lower, fit, points)
        window = None if isinstance(points, Carriers) else points.geometry.window_V
        _draw_curve(right.subplots(), fit, window)
        save(figure, out)


def _draw_points(upper: Any, lower: Any, found: Measured, points: Series) -> None:
    """Currents against voltages with the fit, and the residuals below."""
    V, residuals = np.array(found.voltages), np.array(found.residuals)
    upper.plot(points.V, np.abs(points.j), "o", mfc="none", color=GREY, label="measured")
    upper.set(ylabel="|j| (A/cm²)", yscale="log")
    lower.set(xlabel="voltage (V)", ylabel="residual (%)")
    if not len(residuals):
        return
    order = np.argsort(points.V, kind="stable")
    if points.t is None or len(V) > 0.5 * len(points.V):
        measured = np.interp(V, points.V[order], np.abs(points.j[order]))
        upper.plot(V, measured, "o", color=BLUE, label="fitted points")
        upper.plot(V, measured * np.exp(residuals), color=BLUE, label="fit")
    upper.legend(frameon=False, fontsize=9)
    lower.axhline(0.0, color=GREY, lw=0.8)
    lower.plot(V, 100.0 * residuals, "o", ms=4, color=BLUE)


def _draw_curve(axes: Any, found: Measured, window: tuple[float, float] | None) -> None:
    """sigma_ele against potential with its band, or its single value as text."""
    if not found.curve:
        axes.set_axis_off()
        axes.text(0.05, 0.5, f"σ$_{{ele}}$ = {found.numbers['sigma_ele_S_cm']:.3g} S/cm")
        return
    E, log, sd = (
        np.array([point[key] for point in found.curve]) for key in ("E_V", "log10_sigma_ele", "sd")
    )
    axes.fill_between(E, 10 ** (log - 1.96 * sd), 10 ** (log + 1.96 * sd), color=PALE)
    axes.plot(E, 10**log, color=BLUE)
    axes.set(yscale="log", xlabel="E (V vs Li/Li$^+$)", ylabel="σ$_{ele}$ (S/cm)")
    title = f"law: {found.law}; band: 95 %"
    if window is not None:
        title += "; lines: window of the sample"
        for end in window:
            axes.axvline(end, color=GREY, ls="--")
    axes.set_title(title, fontsize=9, color=GREY)
