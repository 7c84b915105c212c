"""Charts of materials as Vega-Lite: windows as bars, reactions as points, tolerances as ranges."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from muli.screen.report.ranking_charts import POWERS, decades, names

LOWEST_V, HIGHEST_V = -0.1, 6.6
FAMILIES = 5
ROW = alt.Step(21)
WIDE = alt.AutoSizeParams(type="fit-x", contains="padding")
SPACE = 1.06


def grouped(family: "pd.Series[Any]") -> "pd.Series[str]":
    """The most frequent families; all others become `other`."""
    known = family.astype(object).fillna("unknown").astype(str)
    common = known.value_counts().index[:FAMILIES]
    return known.where(known.isin(common), "other")


def windows(frame: pd.DataFrame, electrolyte: Sequence[float], cathode: float) -> Any:
    """Windows as bars. Columns: `coating`, `low`, `high` (V). electrolyte: its window, V."""
    scale = alt.Scale(domain=[LOWEST_V, HIGHEST_V], nice=False, zero=False)
    axis = alt.Axis(values=list(range(7)))
    x = alt.X("low:Q", scale=scale, title="E, V vs Li/Li⁺", axis=axis)
    layers = []
    if not np.isnan(electrolyte).any():
        ends = pd.DataFrame({"low": [electrolyte[0]], "high": [electrolyte[1]]})
        layers.append(alt.Chart(ends).mark_rect(style="electrolyte").encode(x=x, x2="high:Q"))
    y = alt.Y("coating:N", title="Coating", sort=None, axis=alt.Axis(labelLimit=220))
    tooltip = [
        alt.Tooltip("coating:N"),
        alt.Tooltip("low:Q", title="from, V", format=".2f"),
        alt.Tooltip("high:Q", title="to, V", format=".2f"),
    ]
    base = alt.Chart(frame).encode(y=y, tooltip=tooltip)
    two_limits = base.transform_filter("isValid(datum.low) && isValid(datum.high)")
    layers.append(
        two_limits.mark_bar(style="window", height={"band": 0.62}, clip=True).encode(
            x=x, x2="high:Q"
        )
    )
    for known, missing in (("low", "high"), ("high", "low")):
        one_limit = base.transform_filter(f"isValid(datum.{known}) && !isValid(datum.{missing})")
        layers.append(
            one_limit.mark_tick(style="middle", clip=True).encode(
                x=alt.X(f"{known}:Q", scale=scale)
            )
        )
    if not np.isnan(cathode):
        line = pd.DataFrame({"low": [cathode]})
        layers.append(alt.Chart(line).mark_rule(style="interface", strokeWidth=2).encode(x=x))
    return alt.layer(*layers).properties(width="container", height=ROW, autosize=WIDE)


def lowest(energies: "pd.Series[float]") -> float:
    """The lower end of an axis of reaction energies, meV/atom."""
    return SPACE * min(float(energies.min()), -10.0)


def reactions(frame: pd.DataFrame, low: Sequence[float]) -> Any:
    """Points of reaction energies. Columns: `coating`, `kind`, `cathode`, `electrolyte`, `side`."""
    x = _energy("cathode", low[0], alt.X)
    y = _energy("electrolyte", low[1], alt.Y)
    base = alt.Chart(frame).encode(x=x, y=y)
    points = base.mark_point(filled=True, size=46, opacity=0.8).encode(
        color=alt.Color("kind:N", title=None),
        shape=alt.Shape("kind:N", title=None),
        tooltip=["coating:N", "cathode:Q", "electrolyte:Q"],
    )
    return alt.layer(points, *names(base, "coating")).properties(width="container", height=400)


def _energy(name: str, low: float, kind: type) -> Any:
    return kind(
        f"{name}:Q",
        title=f"Reaction with the {name}, meV/atom",
        scale=alt.Scale(domain=[low, low * (1 - SPACE)], nice=False),
        axis=alt.Axis(tickCount=7),
    )


def tolerable(frame: pd.DataFrame) -> Any:
    """Ranges of sigma_ele. Columns as `material_figures.tolerable` returns them."""
    label = frame["coating"] + ", " + frame["thickness_nm"].map(_thick)
    frame = frame.assign(label=label)
    ends = frame[["low", "high", "known_low", "known_high"]]
    ticks = decades(pd.Series(ends.to_numpy().ravel()).dropna())
    x = alt.X(
        "low:Q",
        title="σₑ of the coating, S/cm",
        scale=alt.Scale(type="log", domain=[ticks[0], ticks[-1]]),
        axis=alt.Axis(labelExpr=POWERS, values=ticks[:: -(-len(ticks) // 12)]),
    )
    y = alt.Y("label:N", title="Coating", sort=None, axis=alt.Axis(labelLimit=260, maxExtent=320))
    base = alt.Chart(frame).encode(y=y)
    tooltip = [
        alt.Tooltip(f"{name}:Q", format=".1e") for name in ("low", "middle", "high", "known")
    ]
    bars = base.mark_bar(style="region", height={"band": 0.62}).encode(
        x=x, x2="high:Q", tooltip=["coating:N", *tooltip]
    )
    middle = base.mark_tick(style="middle").encode(x="middle:Q")
    known = base.transform_filter("isValid(datum.known)")
    line = known.mark_rule(strokeWidth=2).encode(x="known_low:Q", x2="known_high:Q")
    point = known.mark_point(style="here", size=80).encode(
        x="known:Q",
        shape=alt.Shape("evidence:N", title="known as"),
        tooltip=["coating:N", *tooltip],
    )
    return alt.layer(bars, middle, line, point).properties(
        width="container", height=ROW, autosize=WIDE
    )


def _thick(value_nm: float) -> str:
    return f"{value_nm:.3g} nm" if value_nm < 1000 else f"{value_nm * 1e-3:,.3g} µm"
