"""The picture of a design map: two planes that share their sigma_ele axis.

Left, against thickness: the band of sigma_ele that protects. Right, against sigma_ion: below the
frontier some thickness protects within the resistance budget; materials are drawn as ranges.
"""

from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np

from muli.screen.optimize.maps import DesignMap
from muli.screen.pictures import labels
from muli.screen.pictures.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PALE,
    RED,
    check_format,
    literal,
    save,
    style,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MARKS = {"inside": (GREEN, "o"), "partly": (ORANGE, "s"), "outside": (RED, "X")}
LEGEND = {
    "inside": "the whole range works",
    "partly": "part of the range works",
    "outside": "no value reported works",
}
SIGMA_ELE_RANGE = (1e-17, 1e-6)
MOST_LABELS = 14
LETTERS_PER_LINE = 115
PANEL_PT = (285.0, 250.0)
"""Approximate width and height of a plane in points; names are placed with it."""


def draw_map(design_map: DesignMap, out: Path) -> None:
    """Write the picture as .svg, .png or .pdf; the font is drawn or embedded."""
    check_format(out)
    from matplotlib.figure import Figure

    with style():
        figure = Figure(figsize=(9.6, 4.6), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        _draw_thickness(left, design_map)
        _draw_conductivities(right, design_map)
        left.set(yscale="log", ylim=SIGMA_ELE_RANGE, ylabel="coating σ$_{ele}$ (S/cm)")
        budget = f"coating and contacts at most {design_map.budget:g} Ω cm²"
        title = fill(f"{literal(design_map.title)}; {budget}", LETTERS_PER_LINE)
        figure.suptitle(title, fontsize=10)
        save(figure, out)


def _draw_thickness(axes: "Axes", design_map: DesignMap) -> None:
    """The band of sigma_ele that protects at each thickness, and the sigma_ion needed."""
    table = design_map.boundaries
    L = table["coating_thickness_nm"]
    top = np.clip(table["max_sigma_ele_S_cm"], *SIGMA_ELE_RANGE)
    bottom = np.clip(table["min_sigma_ele_S_cm"], *SIGMA_ELE_RANGE)
    open_ = table["max_sigma_ele_S_cm"] >= table["min_sigma_ele_S_cm"]
    open_ &= np.isfinite(table["min_sigma_ele_S_cm"])
    open_ &= table["max_sigma_ele_S_cm"] > SIGMA_ELE_RANGE[0]
    axes.fill_between(L, bottom, top, where=open_, color=PALE, linewidth=0)
    axes.plot(L, top, color=BLUE, linewidth=2)
    if (table["min_sigma_ele_S_cm"] > 0).any():
        axes.plot(L, bottom, color=BLUE, linewidth=1.5, linestyle="--")
        axes.text(L.iloc[6], bottom[6] / 3, "electrolyte reduced", color=BLUE, va="top")
    axes.text(L.iloc[6], top[6] * 30, "electrolyte oxidised", color="black")
    if open_[100]:
        _name_band(axes, L.iloc[100], bottom[100], top[100])
    elif not open_.any():
        axes.text(L.iloc[60], 1e-11, "nothing protects", color=RED)
    axes.set(xscale="log", xlim=(L.min(), L.max()), xlabel="coating thickness (nm)")
    spare = design_map.spare * design_map.area
    if not spare:
        return
    above = axes.secondary_xaxis(
        "top",
        functions=(
            lambda nm: np.asarray(nm, float) * 1e-7 / spare,
            lambda sigma: np.asarray(sigma, float) * 1e7 * spare,
        ),
    )
    above.set_xlabel("least σ$_{ion}$ within the budget (S/cm)", color=GREY)
    above.tick_params(colors=GREY)


def _name_band(axes: "Axes", x: float, bottom: float, top: float) -> None:
    """Write the label into the band, or beside a narrow band with an arrow."""
    if top > 1e4 * bottom:
        axes.text(x, top / 300, "protected", color=BLUE, ha="center")
        return
    axes.annotate(
        "protected",
        (x, np.sqrt(top * bottom)),
        (x, bottom / 1000),
        color=BLUE,
        ha="center",
        arrowprops={"arrowstyle": "->", "color": BLUE},
    )


def _draw_conductivities(axes: "Axes", design_map: DesignMap) -> None:
    """The frontier, lines of equal minimum thickness, and the materials."""
    table = design_map.frontier
    axes.fill_between(
        table["sigma_ion_S_cm"],
        SIGMA_ELE_RANGE[0],
        np.clip(table["max_sigma_ele_S_cm"], *SIGMA_ELE_RANGE),
        color=PALE,
        linewidth=0,
    )
    axes.plot(table["sigma_ion_S_cm"], table["max_sigma_ele_S_cm"], color=BLUE, linewidth=2)
    ends = table["sigma_ion_S_cm"].min(), table["sigma_ion_S_cm"].max()
    possible = table["max_sigma_ele_S_cm"] > SIGMA_ELE_RANGE[0]
    for thickness in (1, 10, 100, 1000):
        if not possible.any():
            break
        row = int(np.argmin(abs(table["max_thickness_nm"] - thickness)))
        at = table["sigma_ion_S_cm"][row], table["max_sigma_ele_S_cm"][row]
        axes.plot([at[0], ends[1]], [at[1]] * 2, color=GREY, linewidth=0.7, linestyle=":")
        axes.text(ends[1], at[1], f" {thickness} nm", color=GREY, va="center", fontsize=8)
    if possible.any():
        word = "some thickness protects\nwithin the budget"
        axes.text(3e-10, 3e-16, word, color=BLUE, va="top")
    if (table["max_sigma_ele_S_cm"] < SIGMA_ELE_RANGE[1]).any():
        word = "none does" if possible.any() else "no thickness protects\nwithin the budget"
        axes.text(3e-10, 1e-8, word, color="black")
    axes.set(xscale="log", xlim=ends, xlabel="coating σ$_{ion}$ (S/cm)")
    axes.set_title("lines: thickness needed", color=GREY, fontsize=8, loc="right")
    _draw_materials(axes, design_map.materials, ends)


def _draw_materials(axes: "Axes", table: "pd.DataFrame", ends: tuple[float, float]) -> None:
    """Known materials as ranges with their names; those of unknown sigma_ele at the lower edge."""
    known = table[table["place"].isin(MARKS) & (table["sigma_ion_S_cm_high"] >= ends[0])]
    names = []
    for _, row in known.sort_values("sigma_ele_S_cm_high").iterrows():
        colour, marker = MARKS[row["place"]]
        x = np.clip([row["sigma_ion_S_cm_low"], row["sigma_ion_S_cm_high"]], *ends)
        y = np.clip([row["sigma_ele_S_cm_low"], row["sigma_ele_S_cm_high"]], *SIGMA_ELE_RANGE)
        centre = np.sqrt(x.prod()), np.sqrt(y.prod())
        axes.plot(x, [centre[1]] * 2, color=colour, linewidth=1.6)
        axes.plot([centre[0]] * 2, y, color=colour, linewidth=1.6)
        axes.plot(*centre, marker=marker, color=colour, markersize=6, markeredgecolor="black")
        names.append((row["name"], *centre))
    _name_materials(axes, names, ends)
    for place in known["place"].unique():
        colour, marker = MARKS[place]
        axes.plot([], [], marker=marker, color=colour, markeredgecolor="black", label=LEGEND[place])
    if len(known):
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 0.05), fontsize=7, frameon=False)
    _draw_unknown(axes, table[table["place"] == "unknown sigma_ele"], ends)


def _name_materials(
    axes: "Axes", materials: list[tuple[str, float, float]], ends: tuple[float, float]
) -> None:
    """Names beside their marks, at the first free position; names without one are counted."""
    scale = [PANEL_PT[0] / np.log10(ends[1] / ends[0])]
    scale += [PANEL_PT[1] / np.log10(SIGMA_ELE_RANGE[1] / SIGMA_ELE_RANGE[0])]
    points = [
        (np.log10(x / ends[0]) * scale[0], np.log10(y / SIGMA_ELE_RANGE[0]) * scale[1])
        for _, x, y in materials
    ]
    taken = [(x - 4, x + 4, y - 4, y + 4) for x, y in points]
    left_out = 0
    for (name, *mark), point in zip(materials, points, strict=True):
        corner = labels.free_corner(name, point, taken, PANEL_PT)
        if corner is None:
            left_out += 1
            continue
        offset, side, box = corner
        taken.append(box)
        text = literal(name)
        at = mark[0], mark[1]
        axes.annotate(text, at, offset, textcoords="offset points", fontsize=8, ha=side)
    if left_out:
        note = f"{left_out} names left out for want of room"
        axes.text(0.02, 0.925, note, transform=axes.transAxes, fontsize=7, color=GREY)


def _draw_unknown(axes: "Axes", unknown: "pd.DataFrame", ends: tuple[float, float]) -> None:
    """Ticks at the lower edge, with names if they are few."""
    unknown = unknown[unknown["sigma_ion_S_cm_high"].between(*ends)]
    x = np.sqrt(unknown["sigma_ion_S_cm_low"].clip(*ends) * unknown["sigma_ion_S_cm_high"])
    y = np.full(len(unknown), SIGMA_ELE_RANGE[0] * 2)
    axes.plot(x, y, linestyle="none", marker="|", markersize=9, color="black")
    if 0 < len(unknown) <= MOST_LABELS:
        for at, name in zip(x, unknown["name"], strict=True):
            axes.annotate(
                literal(name),
                (at, y[0]),
                (0, 7),
                textcoords="offset points",
                rotation=90,
                fontsize=7,
                ha="center",
                va="bottom",
            )
    if len(unknown):
        note = f"| {len(unknown)} coatings of unknown σ$_{{ele}}$"
        axes.text(0.02, 0.965, note, transform=axes.transAxes, fontsize=8)
