"""Interphases against time: thickness and resistance of every cell, both axes logarithmic."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from muli.screen.pictures.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    check_format,
    literal,
    save,
    style,
)
from muli.screen.solving.age_file import AgeEntry

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HOUR = 3600.0
MOST_BANDS = 6
"""Bands are drawn for up to this number of cells."""
ASR, LEAST = "asr_interphase_ohm_cm2", 1e-2
LINES = tuple(
    (color, dash)
    for dash in ("-", (0, (5, 2)), (0, (1, 1.5)))
    for color in (BLUE, ORANGE, GREEN, RED)
)
MARKS: dict[str, dict[str, Any]] = {
    "interphase_nm": {"marker": "o"},
    "anode_interphase_nm": {"marker": "s", "markerfacecolor": "none"},
}


def draw_ageing(cells: Sequence[AgeEntry], answers: Sequence[dict[str, Any]], out: Path) -> None:
    """Write the picture of all cells as .svg, .png or .pdf."""
    check_format(out)
    with style():
        save(ageing_figure(cells, answers), out)


def ageing_figure(cells: Sequence[AgeEntry], answers: Sequence[dict[str, Any]]) -> "Figure":
    """Thickness on the left, resistance of both sides together on the right."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.4, 4.0), layout="constrained")
    left, right = figure.subplots(1, 2)
    for number, (cell, answer) in enumerate(zip(cells, answers, strict=True)):
        color, dash = LINES[number % len(LINES)]
        hours = [time / HOUR for time in cell.times_s]
        look = {"color": color, "linestyle": dash, "linewidth": 1.6, "markersize": 4}
        for key, shape in MARKS.items():
            if key in answer:
                _line(left, hours, answer[key], {**look, **shape})
        if len(cells) <= MOST_BANDS:
            _band(right, hours, answer, ASR, color)
        name = literal(cell.name or f"cell {number}")
        _line(right, hours, answer["asr_interphase_ohm_cm2"], {**look, "label": name})
    for key, shape in MARKS.items():
        if any(key in answer for answer in answers):
            words = "anode side" if key.startswith("anode") else "cathode side"
            left.plot([], [], color=GREY, linewidth=0.0, label=words, **shape)
    left.legend(frameon=False)
    for axes, words in ((left, "interphase (nm)"), (right, "its resistance (ohm cm$^2$)")):
        axes.set(xscale="log", yscale="log", xlabel="time (h)", ylabel=words)
        axes.grid(visible=True, which="major", linewidth=0.4, alpha=0.5)
    figure.legend(*right.get_legend_handles_labels(), loc="outside right upper", frameon=False)
    return figure


def _band(axes: "Axes", x: list[float], answer: dict[str, Any], key: str, color: str) -> None:
    """The band from 5 to 95 %, if an answer has one, cut at the lower end of the axis."""
    if f"{key}_low" not in answer:
        return
    low, high = ([max(y, LEAST) for y in answer[f"{key}_{end}"]] for end in ("low", "high"))
    axes.fill_between(x, low, high, color=color, alpha=0.12, linewidth=0.0)


def _line(axes: "Axes", x: list[float], y: list[float], look: dict[str, Any]) -> None:
    """The positive points, for a logarithmic axis; a line without points is still in the legend."""
    points = [(a, b) for a, b in zip(x, y, strict=True) if a > 0 and b > 0]
    axes.plot([a for a, _ in points], [b for _, b in points], **look)
