"""The picture of a ranking: a thickness band for each coating, or the front of a trade-off.

A band runs from the thickness a coating needs to the one the resistance budget, or a reduction,
allows. If sigma_ele is unknown, the band is hatched and the largest sigma_ele that protects is
written beside it.
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

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
from muli.screen.views.table import MAX_GROUPS, cell, figure, safe
from muli.screen.views.why import number, verdict
from muli.screen.vocabulary import unit

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from muli.screen.ranking.rank import Ranking

MOST_ROWS = 40
MOST_LABELS = 16
MOST_TOGETHER = 3
RANGE_NM = (0.1, 1e4)
INCH_PER_ROW = 0.26
WIDTH = 0.62
MARKS = {
    "feasible": (GREEN, "o"),
    "protects, not feasible": (ORANGE, "s"),
    "does not protect": (RED, "X"),
}


def draw_ranking(found: "Ranking", out: Path) -> None:
    """Write the picture as .svg, .png or .pdf. Raises `UsageError` for other names."""
    check_format(out)
    with style():
        save(_front(found) if found.pareto else _bands(found), out)


def _bands(found: "Ranking") -> "Figure":
    """A line of text and a band for every row, under a heading for every group."""
    from matplotlib.figure import Figure

    lines = list(_lines(found))
    size = 1.5 + INCH_PER_ROW * len(lines)
    figure_ = Figure(figsize=(9.6, size), layout="constrained")
    axes = figure_.subplots()
    axes.set(xscale="log", xlim=RANGE_NM, ylim=(len(lines) - 0.3, -0.7))
    axes.set_xlabel("coating thickness (nm)")
    axes.set_yticks([i for i, (_, row) in enumerate(lines) if row is not None])
    axes.set_yticklabels([text for text, row in lines if row is not None])
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=GREY, linewidth=0.4, alpha=0.4)
    axes.set_axisbelow(True)
    for place, (text, row) in enumerate(lines):
        if row is None:
            axes.annotate(text, (0, place), xycoords=axes.get_yaxis_transform(), fontweight="bold",
                          xytext=(3, 0), textcoords="offset points", va="center")  # fmt: skip
        else:
            _band(axes, place, row)
    _legend(axes)
    _titled(figure_, found, len(found.rows) - sum(row is not None for _, row in lines))
    return figure_


def _lines(found: "Ranking") -> Iterator[tuple[str, Mapping[str, Any] | None]]:
    """The lines from top to bottom: a heading, or a coating with its row."""
    group: tuple[str, ...] | None = None
    groups = 0
    rows = found.rows.head(MOST_ROWS).to_dict("records")
    for row in ({str(key): value for key, value in record.items()} for record in rows):
        names = tuple(str(row[column]) for column in found.per)
        if found.per and names != group:
            group, groups = names, groups + 1
            if groups > MAX_GROUPS:
                return
            heading = cell(row) if "electrolyte" in found.per else ", ".join(names)
            yield literal(safe(heading, 110)), None
        cell_names = [row.get(name) for name in ("electrolyte", "cathode") if name not in found.per]
        suffix = "".join(f" | {safe(name, 18)}" for name in cell_names if isinstance(name, str))
        yield literal(f"{row['rank']}  {safe(row['coating'], 24)}{suffix}"), row


def _band(axes: "Axes", place: int, row: Mapping[str, Any]) -> None:
    """A bar from the least to the largest thickness, and a mark at the thickness of the row."""
    low, high = number(row, "min_thickness_nm"), number(row, "max_thickness_nm")
    top = float(np.clip(math.inf if high is None else high, *RANGE_NM))
    if low is None and high is None:
        axes.axhline(place, color=GREY, linewidth=0.8, linestyle=":")
    elif low is None and top > RANGE_NM[0]:
        axes.barh(place, top - RANGE_NM[0], WIDTH, RANGE_NM[0], facecolor="none", hatch="////",
                  edgecolor=GREY, linewidth=0.6)  # fmt: skip
    elif low is not None:
        bottom = float(np.clip(low, *RANGE_NM))
        works = bottom < top
        axes.barh(place, abs(top - bottom), WIDTH if works else 0.12, min(top, bottom),
                  color=PALE if works else RED, edgecolor=BLUE if works else RED)  # fmt: skip
    if high is not None and high < RANGE_NM[0]:
        axes.plot(RANGE_NM[0], place, marker="<", color="black", clip_on=False)
    thickness, mark = number(row, "coating_thickness_nm"), _mark(row)
    if thickness is not None and mark is not None:
        colour, marker = MARKS[mark]
        axes.plot(
            thickness, place, marker=marker, color=colour, markeredgecolor="black", markersize=6
        )
    axes.annotate(_words(row, low), (1.0, place), xycoords=axes.get_yaxis_transform(),
                  xytext=(4, 0), textcoords="offset points", va="center", fontsize=8)  # fmt: skip


def _mark(row: Mapping[str, Any]) -> str | None:
    """The verdict at the thickness of the row; None if it is unknown."""
    if verdict(row, "feasible"):
        return "feasible"
    protected = verdict(row, "protected")
    if protected is None or verdict(row, "feasible") is None:
        return None
    return "protects, not feasible" if protected else "does not protect"


def _words(row: Mapping[str, Any], low: float | None) -> str:
    """Text beside the band: margin and resistance, or the sigma_ele needed."""
    if low is not None:
        margin = number(row, "oxidation_margin_V")
        cost = figure(number(row, "asr_coating_ohm_cm2"))
        return f"{'' if margin is None else f'{margin:+.2f} V, '}{cost} Ω cm²"
    columns = {
        "σ$_{ele}$": "coating_sigma_ele_S_cm",
        "σ$_{ion}$": "coating_sigma_ion_S_cm",
        "SE σ$_{ele}$": "electrolyte_sigma_ele_S_cm",
    }
    unknown = [name for name, column in columns.items() if number(row, column) is None]
    if unknown == ["σ$_{ele}$"]:
        least = number(row, "max_sigma_ele_at_L_max_S_cm")
        if least is None or math.isinf(least):
            return "" if least is None else "any σ$_{ele}$"
        return f"if σ$_{{ele}}$ ≤ {figure(least)} S/cm"
    return f"{', '.join(unknown)} unknown" if unknown else "window unknown"


def _legend(axes: "Axes") -> None:
    for name, (colour, marker) in MARKS.items():
        axes.plot([], [], marker=marker, color=colour, markeredgecolor="black", linestyle="none",
                  label=name)  # fmt: skip
    axes.barh([0], [0], color=PALE, edgecolor=BLUE, label="needed … allowed")
    axes.barh([0], [0], color=RED, label="needs more than allowed")
    axes.barh(
        [0], [0], facecolor="none", edgecolor=GREY, hatch="////", label="allowed; need unknown"
    )
    axes.plot([], [], color=GREY, linewidth=0.8, linestyle=":", label="neither known")
    axes.plot([], [], marker="<", color="black", linestyle="none", label="allows less than 0.1 nm")
    axes.figure.legend(loc="outside lower center", ncols=4, fontsize=8, frameon=False)


def _front(found: "Ranking") -> "Figure":
    """Non-dominated rows in two of their columns; a third as colour, from dark to light."""
    from matplotlib.figure import Figure

    x, y, *others = found.pareto
    rows = found.rows
    figure_ = Figure(figsize=(7.2, 5.0), layout="constrained")
    axes = figure_.subplots()
    shade = {"c": rows[others[0]], "cmap": "viridis"} if others else {"color": BLUE}
    points = axes.scatter(rows[x], rows[y], s=34, edgecolor="black", linewidth=0.5, **shade)
    if others:
        figure_.colorbar(points, label=_titled_axis(others[0]))
    for set_scale, column in ((axes.set_xscale, x), (axes.set_yscale, y)):
        if (rows[column] > 0).all() and rows[column].max() > 30 * rows[column].min():
            set_scale("log")
    axes.set(xlabel=_titled_axis(x), ylabel=_titled_axis(y))
    _name_points(axes, rows, x, y)
    _titled(figure_, found, 0)
    return figure_


def _name_points(axes: "Axes", rows: "pd.DataFrame", x: str, y: str) -> None:
    """Write the name of every coating at its first point; names at one point share a line."""
    import pandas as pd

    first = rows.drop_duplicates("coating")
    together = first.groupby([x, y], sort=False)["coating"].agg(
        lambda names: ", ".join(safe(name, 24) for name in names.head(MOST_TOGETHER))
    )
    points = together.reset_index()
    positions = axes.transData.transform(points[[x, y]].astype(float).to_numpy())
    shares = pd.DataFrame(axes.transAxes.inverted().transform(positions), index=points.index)
    sides = labels.placed(shares[0], shares[1], points["coating"], MOST_LABELS)
    for row, side in zip(points.itertuples(index=False), sides, strict=True):
        if side:
            axes.annotate(literal(row[2]), (row[0], row[1]), (6 if side == "right" else -6, 0),
                          textcoords="offset points", fontsize=8, va="center",
                          ha="left" if side == "right" else "right")  # fmt: skip


def _titled_axis(column: str) -> str:
    """A column's name in words, with its unit."""
    words, measure = column, unit(column)
    if measure:
        words = column.removesuffix("_" + measure.replace("/", "_").replace(" ", "_"))
    return f"{words.replace('_', ' ')}{f' ({measure})' if measure else ''}"


def _titled(figure_: "Figure", found: "Ranking", left_out: int) -> None:
    """What is compared, how it is ordered, and what is not drawn."""
    import textwrap

    pins = ", ".join(f"{_titled_axis(name)} {value}" for name, value in found.scenario.items())
    order = found.order
    for name in found.pareto:
        order = order.replace(name, _titled_axis(name))
    sentences = [f"Order: {order}."] + ([f"Compared at {pins}."] if pins else [])
    sentences += [f"{left_out} further rows are not drawn."] if left_out else []
    figure_.suptitle(textwrap.fill(literal(" ".join(sentences)), 130), fontsize=8, color="#444444")
