"""The picture of one stack: lithium potential through every layer, stability windows as bands.

Layers differ in thickness by orders of magnitude, so each has its own horizontal scale; the
potential axis is shared. Bands are hatched and lines differ in dash.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from muli.screen.errors import UsageError
from muli.screen.pictures.style import check_format, literal, save, style
from muli.screen.solving.batches import Solved
from muli.screen.solving.solve_file import profile_table
from muli.screen.solving.stack_file import LayerEntry, StackEntry

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINE = "#1b3a5c"
BAND = "#e8d9a8"
EDGE = "#8a6d1f"
NM_PER_CM = 1e7


def draw_profile(
    stacks: Sequence[StackEntry], solved: Sequence[Solved], out: Path, stack: int = 0
) -> None:
    """Write the picture of one of these stacks (counted from 0) as .svg, .png or .pdf."""
    check_format(out)
    if not 0 <= stack < len(stacks):
        raise UsageError(f"stack {stack} does not exist; there are {len(stacks)}, from 0 on")
    picture(stacks[stack], solved[stack], out)


def picture(stack: StackEntry, solved: Solved, out: Path | None = None) -> "Figure":
    """E(x) of one stack; written to `out` (.svg, .png, .pdf) unless that is None."""
    if out is not None:
        check_format(out)
    with style():
        figure = profile_figure(stack, profile_table([stack], [solved]))
        if out is not None:
            save(figure, out)
    return figure


def profile_figure(stack: StackEntry, table: "pd.DataFrame") -> "Figure":
    """E(x) of one stack, a panel per layer, from the rows of `profile_table`."""
    from matplotlib.figure import Figure

    count = len(stack.layers)
    figure = Figure(figsize=(2.2 + 2.4 * count, 4.2), layout="constrained")
    axes = figure.subplots(1, count, sharey=True, squeeze=False, gridspec_kw={"wspace": 0.0})[0]
    axes[0].set_ylim(*_potential_range(stack, table))
    for index, (layer, panel) in enumerate(zip(stack.layers, axes, strict=True)):
        rows = table[table["layer"] == index]
        _draw_layer(panel, layer, rows)
        _draw_window(panel, *_window(stack, layer))
        if index:
            panel.spines["left"].set_linestyle((0, (4, 3)))
            panel.tick_params(axis="y", length=0)
    figure.supylabel("lithium potential E (V vs Li/Li$^+$)", fontsize=10)
    for E, side, panel in ((stack.E_anode_V, 0.0, axes[0]), (stack.E_cathode_V, 1.0, axes[-1])):
        panel.plot(
            [side],
            [E],
            marker="o",
            color=LINE,
            clip_on=False,
            zorder=4,
            transform=panel.get_yaxis_transform(),
        )
    current = 1e3 * stack.current_density_A_cm2
    words = "open circuit" if current == 0 else f"{current:+.3g} mA/cm$^2$"
    status = str(table["status"].iloc[0])
    note = "" if status == "ok" else f", {status}"
    figure.suptitle(f"{stack.temperature_K:g} K, {words}{note}", fontsize=10)
    return figure


def _potential_range(stack: StackEntry, table: "pd.DataFrame") -> tuple[float, float]:
    """Limits of the potential axis: all that is drawn, with a margin."""
    limits = [limit for layer in stack.layers for limit in _window(stack, layer)]
    potentials = [stack.E_anode_V, stack.E_cathode_V, *table["E_V"].dropna()]
    potentials += [limit for limit in limits if limit is not None]
    margin = 0.04 * (max(potentials) - min(potentials)) + 0.01
    return min(potentials) - margin, max(potentials) + margin


def _draw_layer(panel: "Axes", layer: LayerEntry, rows: "pd.DataFrame") -> None:
    thickness = layer.thickness_cm * NM_PER_CM
    unit, scale = ("nm", 1.0) if thickness < 1e3 else ("µm", 1e-3)
    x = rows["fraction"] * thickness * scale
    panel.plot(x, rows["E_V"], color=LINE, linewidth=2.0, zorder=3)
    panel.set_xlim(0.0, thickness * scale)
    panel.locator_params(axis="x", nbins=4)
    panel.set_xlabel(f"x in layer ({unit})")
    panel.set_title(literal(layer.name or layer.role.replace("_", " ")), fontsize=10)


def _window(stack: StackEntry, layer: LayerEntry) -> tuple[float | None, float | None]:
    """Reduction and oxidation limit of a layer; those of the stack are the electrolyte's."""
    low, high = layer.reduction_limit_V, layer.oxidation_limit_V
    if layer.role == "electrolyte":
        low = stack.reduction_limit_V if low is None else low
        high = stack.oxidation_limit_V if high is None else high
    return low, high


def _draw_window(panel: "Axes", low: float | None, high: float | None) -> None:
    """The stable range as a hatched band; it reaches the axis end if a limit is unknown."""
    if low is None and high is None:
        return
    for limit in (low, high):
        if limit is not None:
            panel.axhline(limit, color=EDGE, linewidth=1.2, linestyle=(0, (6, 3)), zorder=2)
    bottom, top = panel.get_ylim()
    panel.axhspan(
        bottom if low is None else low,
        top if high is None else high,
        facecolor=BAND,
        edgecolor=EDGE,
        hatch="//",
        linewidth=0.0,
        alpha=0.45,
        zorder=1,
        label="stable",
    )
    panel.annotate(
        "stable",
        (0.04, high if high is not None else top),
        xytext=(0, -3),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        va="top",
        fontsize=8,
        color="#5a4610",
        zorder=5,
    )
