"""The page's pictures as Vega-Lite specifications; colours and fonts come from the page.

Tables that depend on the sliders have only a name here; the page fills them.
"""

import math
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

VOLTS = alt.Scale(domain=[-0.1, 5.6], nice=False, zero=False)
THICKNESS_NM = alt.Scale(type="log", domain=[0.1, 1000])
SIGMA_ELE = alt.Scale(type="log", domain=[1e-18, 1e-4])
THROUGH = alt.Axis(
    title="anode side → electrolyte | coating → cathode side", labels=False, ticks=False, grid=False
)
"""The axis through the layers, each one unit wide."""
POWERS = "format(datum.value, '~e')"


def decades(values: pd.Series) -> list[float]:
    """The powers of ten that span positive values: ticks of a logarithmic axis."""
    logs = np.log10(values[values > 0])
    if logs.empty:
        return []
    return [10.0**k for k in range(math.floor(logs.min()), math.ceil(logs.max()) + 1)]


def _log(field: str, title: str, values: pd.Series, kind: type) -> Any:
    return kind(
        field, title=title, scale=alt.Scale(type="log"), axis=alt.Axis(values=decades(values))
    )


def coverage(counts: pd.DataFrame) -> alt.TopLevelMixin:
    """Feasible coatings per cell. Columns: electrolyte, cathode, coatings, undecided."""
    text = counts["coatings"].astype(str) + counts["undecided"].map(" + {}".format)
    counts = counts.assign(text=text.where(counts["undecided"] > 0, counts["coatings"].astype(str)))
    base = alt.Chart(counts).encode(**_cells())
    half = max(float(counts["coatings"].max()) / 2, 0.5)
    cells = base.mark_rect().encode(
        color=alt.Color("coatings:Q", legend=None, scale=alt.Scale(domain=[0, 2 * half])),
        tooltip=[
            "electrolyte:N",
            "cathode:N",
            alt.Tooltip("coatings:Q", title="feasible coatings"),
            alt.Tooltip("undecided:Q", title="undecided coatings"),
        ],
    )
    dark = alt.FieldRangePredicate(field="coatings", range=[half, None])
    light = alt.FieldLTPredicate(field="coatings", lt=half)
    return alt.layer(
        cells,
        base.transform_filter(dark).mark_text(style=["on", "inverse"]).encode(text="text:N"),
        base.transform_filter(light).mark_text(style="on").encode(text="text:N"),
    ).properties(width=alt.Step(52), height=alt.Step(26))


def _cells() -> dict[str, Any]:
    """Cathodes along the top, electrolytes down the side, in the order of the rows."""
    axis = alt.Axis(labelAngle=-35, orient="top", labelLimit=240)
    return {
        "x": alt.X("cathode:N", title="Cathode", sort=None, axis=axis),
        "y": alt.Y("electrolyte:N", title="Electrolyte", sort=None, axis=alt.Axis(labelLimit=240)),
    }


def chances(best: pd.DataFrame) -> alt.TopLevelMixin:
    """How likely the best coating of each cell works.

    Columns: electrolyte, cathode, coating, works, bare (per cent), text.
    """
    base = alt.Chart(best).encode(**_cells())
    share = alt.Scale(domain=[0, 100])
    cells = base.mark_rect().encode(
        color=alt.Color("works:Q", title="works, %", scale=share),
        tooltip=[
            "electrolyte:N",
            "cathode:N",
            alt.Tooltip("coating:N", title="first coating"),
            alt.Tooltip("works:Q", title="works, %", format=".3~g"),
            alt.Tooltip("bare:Q", title="without coating, %", format=".2~g"),
        ],
    )
    dark = alt.FieldRangePredicate(field="works", range=[50, None])
    light = alt.FieldLTPredicate(field="works", lt=50)
    return alt.layer(
        cells,
        base.transform_filter(dark).mark_text(style=["on", "inverse"]).encode(text="text:N"),
        base.transform_filter(light).mark_text(style="on").encode(text="text:N"),
    ).properties(width=alt.Step(52), height=alt.Step(24))


def questions(rows: pd.DataFrame) -> alt.TopLevelMixin:
    """Chemistry against transport, per cent.

    Columns: coating, kind, chemistry, transport, works, side.
    """
    percent = alt.Scale(domain=[0, 100], nice=False)
    base = alt.Chart(rows).encode(
        x=alt.X("transport:Q", title="Transport: protects and affordable, %", scale=percent),
        y=alt.Y("chemistry:Q", title="Chemistry: affordable, stable and inert, %", scale=percent),
    )
    points = base.mark_point(filled=True, size=50, opacity=0.85).encode(
        color=alt.Color("kind:N", title=None),
        shape=alt.Shape("kind:N", title=None),
        tooltip=[
            "coating:N",
            *(alt.Tooltip(f"{name}:Q", title=f"{name}, %", format=".3~g")
              for name in ("works", "chemistry", "transport")),
        ],
    )  # fmt: skip
    return alt.layer(points, *names(base, "coating")).properties(width="container", height=420)


def names(base: Any, field: str) -> tuple[Any, Any]:
    """Names to the right or left of points, as their column `side` says."""
    right, left = (base.transform_filter(alt.datum.side == side) for side in ("right", "left"))
    return (
        right.mark_text(style=["on", "name"], align="left", dx=8).encode(text=f"{field}:N"),
        left.mark_text(style=["on", "name"], align="right", dx=-8).encode(text=f"{field}:N"),
    )


def worth(rows: pd.DataFrame) -> alt.TopLevelMixin:
    """What a measurement is worth against present p_works.

    Columns: label, property, works, gain (both per cent), side.
    """
    base = alt.Chart(rows).encode(
        x=alt.X("works:Q", title="Works today, %", scale=alt.Scale(domainMin=0)),
        y=alt.Y(
            "gain:Q",
            title="Gain if it were known, percentage points",
            scale=alt.Scale(domainMin=0),
        ),
    )
    points = base.mark_point(filled=True, size=60, opacity=0.85).encode(
        color=alt.Color("property:N", title=None),
        shape=alt.Shape("property:N", title=None),
        tooltip=[
            alt.Tooltip("label:N", title="material"),
            "property:N",
            alt.Tooltip("works:Q", title="works today, %", format=".3~g"),
            alt.Tooltip("gain:Q", title="gain, points", format=".3~g"),
        ],
    )
    return alt.layer(points, *names(base, "label")).properties(width="container", height=360)


def spread(counts: pd.DataFrame) -> alt.TopLevelMixin:
    """How many lines fall in each bin. Columns: `column`, `bin`, `lines`, `share` (%)."""
    panels = []
    for column, rows in counts.groupby("column", sort=False):
        base = alt.Chart(rows).encode(
            y=alt.Y("bin:N", title=str(column), sort=None),
            x=alt.X("share:Q", title="Share of the coatings with an answer, %"),
            tooltip=["bin:N", alt.Tooltip("lines:Q", title="coatings in scenarios", format=",")],
        )
        marks = base.mark_bar(), base.mark_text(style="on", align="left", dx=4)
        text = marks[1].encode(text=alt.Text("share:Q", format=".2~f"))
        panels.append(alt.layer(marks[0], text).properties(width=300, height=alt.Step(20)))
    return alt.hconcat(*panels)


def profiles(parts: pd.DataFrame) -> alt.TopLevelMixin:
    """E(x) through the leaders, every layer one unit wide, windows as bands.

    Columns: `leader`, `part` (band, curve, label), `layer`, `x`, `x2`, `low`, `high`, `E`, `text`.
    """
    base = alt.Chart()
    x = alt.X("x:Q", axis=THROUGH)
    kinds = {kind: alt.datum.part == kind for kind in ("band", "curve", "label", "limit")}
    bands = [
        base.transform_filter(kinds["band"] & (alt.datum.layer == layer))
        .mark_rect(style=layer, clip=True)
        .encode(x=x, x2="x2:Q", y=alt.Y("low:Q", scale=VOLTS), y2="high:Q", tooltip="text:N")
        for layer in ("electrolyte", "coating")
    ]
    curve = (
        base.transform_filter(kinds["curve"])
        .mark_line(style="curve")
        .encode(x=x, y=alt.Y("E:Q", scale=VOLTS, title="E, V vs Li/Li⁺"), order="x:Q")
    )
    limits = (
        base.transform_filter(kinds["limit"])
        .mark_rule(style="interface", clip=True)
        .encode(x=x, x2="x2:Q", y=alt.Y("E:Q", scale=VOLTS), tooltip="text:N")
    )
    label = (
        base.transform_filter(kinds["label"])
        .mark_text(style="quiet", baseline="top", limit=150)
        .encode(x=x, y=alt.value(4), text="text:N")
    )
    return (
        alt.layer(*bands, limits, curve, label)
        .properties(width=300, height=180)
        .facet(
            facet=alt.Facet(
                "leader:N",
                title=None,
                sort=list(parts["leader"].unique()),
                header=alt.Header(labelExpr="split(datum.value, '\\n')"),
            ),
            columns=3,
            data=parts,
        )
    )


def tradeoff(points: pd.DataFrame) -> alt.TopLevelMixin:
    """Thickness, resistance and margin of every coating; both panels show a selection in either."""
    brushes = [alt.selection_interval(name=name) for name in ("by_resistance", "by_margin")]
    inside = brushes[0] & brushes[1]
    good = alt.Scale(domain=["yes", "no"], range=["circle", "cross"])
    base = alt.Chart(points).encode(
        x=_log(
            "coating_thickness_nm:Q", "Coating thickness, nm", points["coating_thickness_nm"], alt.X
        ),
        color=alt.Color("kind:N", title=None),
        shape=alt.Shape("feasible:N", title="feasible", scale=good),
        opacity=alt.condition(inside, alt.value(0.95), alt.value(0.12)),
        tooltip=[
            "coating:N",
            "cell:N",
            alt.Tooltip("coating_thickness_nm:Q", title="thickness, nm", format=".3~g"),
            alt.Tooltip("asr_coating_ohm_cm2:Q", title="resistance, Ω cm²", format=".3~g"),
            alt.Tooltip("oxidation_margin_V:Q", title="margin, V", format="+.3f"),
        ],
    )
    resistance = base.mark_point(size=34, filled=True).encode(
        y=_log("asr_coating_ohm_cm2:Q", "Resistance, Ω cm²", points["asr_coating_ohm_cm2"], alt.Y)
    )
    margin = base.mark_point(size=34, filled=True).encode(
        y=alt.Y("oxidation_margin_V:Q", title="Margin to the electrolyte's oxidation limit, V")
    )
    panels = (
        panel.properties(width=430, height=320).add_params(brush)
        for panel, brush in zip((resistance, margin), brushes, strict=True)
    )
    return alt.hconcat(*panels)


def whatif_profile() -> alt.TopLevelMixin:
    """E(x) of the what-if stack; tables `bands`, `curve` and `titles` come from the sliders."""
    named = (alt.NamedData(name=n) for n in ("bands", "curve", "titles", "limits"))
    bands, curve, titles, limits = named
    x = alt.X("x:Q", axis=THROUGH, scale=alt.Scale(domain=[0, 2]))
    y = alt.Y("E:Q", scale=VOLTS, title="E, V vs Li/Li⁺")
    windows = [
        alt.Chart(bands)
        .transform_filter(alt.datum.layer == layer)
        .mark_rect(style=layer, clip=True)
        .encode(x=x, x2="x2:Q", y=alt.Y("low:Q", scale=VOLTS), y2="high:Q")
        for layer in ("electrolyte", "coating")
    ]
    line = alt.Chart(curve).mark_line(style="curve").encode(x=x, y=y)
    points = (
        alt.Chart(curve)
        .mark_point(style="here")
        .encode(x=x, y=y, tooltip=["where:N", alt.Tooltip("E:Q", title="E, V", format=".4f")])
    )
    known = alt.Chart(limits).mark_rule(style="interface", clip=True).encode(x=x, x2="x2:Q", y=y)
    middle = alt.X("middle:Q", axis=THROUGH)
    names = alt.Chart(titles).transform_calculate(middle="datum.x + 0.5")
    text = names.mark_text(style="on", baseline="top", limit=200).encode(
        x=middle, y=alt.value(6), text="title:N"
    )
    return alt.layer(*windows, known, line, points, text).properties(width="container", height=320)


def whatif_map() -> alt.TopLevelMixin:
    """Thickness and sigma_ele that protect within the budget; tables come from the sliders."""
    tables = {n: alt.NamedData(name=n) for n in ("region", "limit", "budget", "here", "words")}
    axis = alt.Axis(labelExpr=POWERS, values=[10.0**k for k in range(-18, -3, 2)])
    nm = alt.Axis(values=[0.1, 1, 10, 100, 1000])
    x = alt.X("thickness:Q", scale=THICKNESS_NM, title="Coating thickness, nm", axis=nm)
    sigma = alt.Y("top:Q", scale=SIGMA_ELE, title="Coating σₑ, S/cm", axis=axis)
    region = (
        alt.Chart(tables["region"]).mark_area(style="region").encode(x=x, y=sigma, y2="bottom:Q")
    )
    limit = alt.Chart(tables["limit"]).mark_line(style="curve", clip=True).encode(x=x, y=sigma)
    budget = (
        alt.Chart(tables["budget"])
        .mark_rule(style="interface")
        .encode(x=alt.X("most:Q", scale=THICKNESS_NM))
    )
    marker = (
        alt.Chart(tables["here"])
        .mark_point(style="here", clip=True)
        .encode(
            x=x,
            y=alt.Y("sigma:Q", scale=SIGMA_ELE),
            tooltip=[
                alt.Tooltip("thickness:Q", title="nm"),
                alt.Tooltip("sigma:Q", title="S/cm", format=".2e"),
            ],
        )
    )
    words = (
        alt.Chart(tables["words"])
        .mark_text(style="on")
        .encode(x=x, y=alt.Y("sigma:Q", scale=SIGMA_ELE), text="text:N")
    )
    return alt.layer(region, limit, budget, words, marker).properties(width="container", height=320)


def whatif_growth() -> alt.TopLevelMixin:
    """Resistance of both sides against time; tables `growth` and `now` come from the sliders."""
    time, asr = ([10.0**k for k in range(*ends)] for ends in ((-4, 3), (-2, 6)))
    x, y = (
        channel(name, title=title, axis=alt.Axis(values=ticks, labelExpr=POWERS)).scale(
            type="log", domain=[ticks[0], ticks[-1]]
        )
        for channel, name, title, ticks in (
            (alt.X, "years:Q", "Time after contact, years", time),
            (alt.Y, "asr:Q", "Resistance, Ω cm²", asr),
        )
    )
    sides = alt.Scale(domain=["cathode side with coating", "anode side"])
    color = alt.Color("side:N", title=None, scale=sides, legend=alt.Legend(orient="bottom"))
    tooltip = ["side:N", *(alt.Tooltip(f"{name}:Q", format=".3g") for name in ("years", "asr"))]
    growth, now = (alt.Chart(alt.NamedData(name=name)) for name in ("growth", "now"))
    line = growth.mark_line(clip=True).encode(x=x, y=y, color=color, tooltip=tooltip)
    dots = now.mark_point(filled=True, size=110, opacity=1, clip=True).encode(x=x, y=y, color=color)
    return alt.layer(line, dots).properties(width="container", height=320)


def probability(rows: pd.DataFrame) -> alt.TopLevelMixin:
    """Probabilities, and percentiles of the least thickness beside the largest.

    Columns: `label`, `p_protected`, `p_feasible`, `p5`, `p50`, `p95`, `most` (nm).
    """
    y = alt.Y("label:N", title=None, sort=None, axis=alt.Axis(labelLimit=240))
    base = alt.Chart(rows).encode(y=y)
    share, few = alt.Scale(domain=[0, 1]), alt.Axis(tickCount=5)
    protects = alt.Tooltip("p_protected:Q", title="protects", format=".3f")
    probability = base.mark_bar().encode(
        x=alt.X("p_protected:Q", title="Probability that it protects", scale=share, axis=few),
        tooltip=["label:N", protects, alt.Tooltip("p_feasible:Q", title="feasible", format=".3f")],
    )
    ends = rows[["p5", "p95", "most"]].to_numpy(float).ravel()
    log = _log("p5:Q", "Least thickness, nm", pd.Series(ends[np.isfinite(ends)]), alt.X)
    nm = [alt.Tooltip(f"{name}:Q", format=".3~g") for name in ("p5", "p50", "p95", "most")]
    thickness = alt.layer(
        base.mark_rule(strokeWidth=3).encode(x=log, x2="p95:Q", tooltip=["label:N", *nm]),
        base.mark_point(style="here", size=80).encode(x="p50:Q", tooltip=["label:N", *nm]),
        base.mark_tick(style="middle").encode(x="most:Q", tooltip=["label:N", *nm]),
    )
    panels = (
        panel.properties(width=330, height=alt.Step(26)) for panel in (probability, thickness)
    )
    return alt.hconcat(*panels)


def specification(chart: Any) -> dict[str, Any]:
    """The chart as plain Vega-Lite, without the address of its schema."""
    spec: dict[str, Any] = chart.to_dict()
    spec.pop("$schema", None)
    spec.pop("config", None)
    return spec
