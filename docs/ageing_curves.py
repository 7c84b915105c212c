"""Draws docs/ageing_curves.png: `python docs/ageing_curves.py`.

Li6PS5Cl | NMC811, bare and under 3, 6 and 18 nm of LiNbO3 with sigma_ele assumed at 1e-13 and 1e-11
S/cm, and the series of Bong 2023 (NMC532) beside them: before cycling, taken as after 24 h, and
after 300 cycles of an assumed 6 h. Composite cathodes, area factor 20.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from muli.candidates import reality
from muli.screen.pictures.style import BLUE, GREEN, GREY, ORANGE, RED, save, style
from muli.screen.solving.age_bands import Cell, curves
from muli.screen.space.problem import prepare
from muli.screen.space.source import source_of

SERIES, AREA = "LNO-spray-Bong2023", 20.0
HOURS_AT_FIRST, HOURS_PER_CYCLE = 24.0, 6.0
FILMS = ((0.0, "bare", RED), (3.0, "3 nm", ORANGE), (6.0, "6 nm", GREEN), (18.0, "18 nm", BLUE))
TIMES_S = np.geomspace(60.0, 3.15576e8, 41)


def cell(nm: float, sigma_ele: float) -> Cell:
    """The cell with the library's numbers."""
    axes = {"coating": "LiNbO3", "electrolyte": "Li6PS5Cl", "cathode": "NMC811"}
    frames = prepare(source_of({"axes": {**axes, "coating_thickness_nm": 3}})).materials.frames
    row = {role: frame.iloc[0] for role, frame in frames.items()}
    of = row["electrolyte"]
    return Cell(
        electrolyte="Li6PS5Cl",
        electrolyte_thickness_um=30.0,
        electrolyte_sigma_ion_S_cm=float(of["sigma_ion_S_cm"]),
        electrolyte_sigma_ele_S_cm=float(of["sigma_ele_S_cm"]),
        electrolyte_reduction_limit_V=float(of["reduction_limit_V"]),
        electrolyte_oxidation_limit_V=float(of["oxidation_limit_V"]),
        anode_electrode_V=0.0,
        cathode_potential_V=float(row["cathode"]["charged_potential_V"]),
        coating_thickness_nm=nm,
        coating_sigma_ion_S_cm=float(row["coating"]["sigma_ion_S_cm"]),
        coating_sigma_ele_S_cm=sigma_ele,
        area_factor=AREA,
    )


def measured() -> list[tuple[str, list[float], list[float]]]:
    """Samples of the series: their film, hours, ohm cm2."""
    table = reality.published_cells()
    found = []
    for _, row in table[table["series"] == SERIES].iterrows():
        film = "bare" if row["thickness_nm"] == 0 else f"{row['thickness_nm']:g} nm"
        hours = [HOURS_AT_FIRST, HOURS_PER_CYCLE * row["cycles"]]
        found.append((film, hours, [row["R_first_ohm_cm2"], row["R_last_ohm_cm2"]]))
    return found


def draw(axes: Any, sigma_ele: float) -> None:
    """One panel."""
    for nm, label, color in FILMS:
        found = curves(cell(nm, sigma_ele), TIMES_S).cathode_ohm_cm2
        axes.plot(TIMES_S / 3600.0, found.middle, color=color, label=label)
        if nm in (0.0, 6.0):
            axes.fill_between(
                TIMES_S / 3600.0, found.low, found.high, color=color, alpha=0.13, linewidth=0
            )
    for (film, hours, ohm), marker, (_, _, color) in zip(measured(), "osD^", FILMS, strict=True):
        look = {"color": color, "marker": marker, "linestyle": ":", "markersize": 5}
        axes.plot(hours, ohm, label=f"measured, {film}", **look)
    axes.set(xscale="log", yscale="log", xlabel="time (h)", ylim=(1e-3, 1e4))
    axes.set_title(f"$\\sigma_{{ele}}$ of LiNbO$_3$ {sigma_ele:.0e} S/cm", fontsize=10)
    axes.grid(visible=True, linewidth=0.3, color=GREY, alpha=0.5)


def main(out: Path) -> None:
    """Both panels."""
    with style():
        figure = Figure(figsize=(10.4, 4.2), layout="constrained")
        for axes, sigma_ele in zip(figure.subplots(1, 2, sharey=True), (1e-13, 1e-11), strict=True):
            draw(axes, sigma_ele)
        figure.axes[0].set_ylabel("coating and interphase (ohm cm$^2$ of electrode)")
        handles = figure.axes[0].get_legend_handles_labels()
        figure.legend(*handles, loc="outside right upper", frameon=False)
        save(figure, out)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_suffix(".png"))
