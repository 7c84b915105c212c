"""The picture of a measurement: its points, and sigma_ele(E) with its band."""

from pathlib import Path

import numpy as np

from muli.screen.measuring.defects import Carriers
from muli.screen.measuring.reading import Found
from muli.screen.pictures.style import BLUE, GREY, PALE, check_format, save, style


def draw_measurement(measured: Found, out: Path) -> None:
    """Write the picture as .svg, .png or .pdf. Raises `UsageError` for other names."""
    check_format(out)
    found, points = measured.measured, measured.points
    from matplotlib.figure import Figure

    with style():
        figure = Figure(figsize=(9.6, 4.0), layout="constrained")
        left, right = figure.subplots(1, 2)
        if isinstance(points, Carriers):
            left.plot(points.E, points.sigma, "o", color=BLUE)
            left.set(xlabel="E (V vs Li/Li$^+$)", ylabel="e (n μ$_n$ + p μ$_p$) (S/cm)")
        elif points.t is not None and not found.curve:
            left.plot(points.t, np.abs(points.j), "o", color=BLUE)
            left.set(xlabel="time (s)", ylabel="|j| (A/cm²)")
        else:
            left.plot(points.V, np.abs(points.j), "o", color=BLUE)
            left.set(xlabel="voltage (V)", ylabel="|j| (A/cm²)")
        left.set_yscale("log")
        if found.curve:
            E, log, sd = (np.array([point[key] for point in found.curve])
                          for key in ("E_V", "log10_sigma_ele", "sd"))  # fmt: skip
            right.fill_between(E, 10 ** (log - 1.96 * sd), 10 ** (log + 1.96 * sd), color=PALE)
            right.plot(E, 10**log, color=BLUE)
            right.set(yscale="log", xlabel="E (V vs Li/Li$^+$)", ylabel="σ$_{ele}$ (S/cm)")
            right.set_title(f"law: {found.law}; band: 95 %", fontsize=9, color=GREY)
        else:
            right.set_axis_off()
            right.text(0.05, 0.5, f"σ$_{{ele}}$ = {found.numbers['sigma_ele_S_cm']:.3g} S/cm")
        save(figure, out)
