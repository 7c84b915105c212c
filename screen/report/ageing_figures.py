"""Pictures of interphases that grow: thickness and resistance against time, with their bands.

They show the first coating of the first scenario and the bare cell. The band (5 to 95 %) is the
uncertainty of the products' properties and of the coating's conductivities; all other values are
those of the what-if panel.
Measured points are those of published cells with the same electrolyte.
"""

from collections.abc import Mapping
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from muli.candidates import reality
from muli.screen.report import ranking_charts as charts
from muli.screen.report.columns import plain
from muli.screen.report.page import Picture
from muli.screen.solving.age_bands import Band, Cell, curves
from muli.screen.views.works import BARE

TIMES_S = np.geomspace(3600.0, 3.15576e8, 33)
HOURS_AT_FIRST, HOURS_PER_CYCLE = 24.0, 6.0
"""Times (h) at which published cells are assumed to be measured: before cycling, and per cycle."""
ON_ANODE = "anode side"
ASSUMED = (
    f"Published cells: the same electrolyte; measured before cycling is taken as after "
    f"{HOURS_AT_FIRST:g} h, a cycle as {HOURS_PER_CYCLE:g} h."
)


def pictures(ranked: pd.DataFrame, numbers: pd.DataFrame) -> list[Picture]:
    """Two pictures of the first row, in runs with `[ageing]`. numbers: the panel's, by row."""
    coated = ranked[ranked["coating"] != BARE]
    if coated.empty or "interphase_basis" not in ranked:
        return []
    name = coated.index[0]
    start, row = numbers.loc[name], ranked.loc[name]
    area = float(row.get("cathode_area_factor", 1.0) or 1.0)
    cell = _cell(start, row, str(row["electrolyte"]), area)
    if not np.isfinite([value for value in cell[1:] if isinstance(value, float)]).all():
        return []
    label = f"{plain(row['coating'])}, {cell.coating_thickness_nm:.3g} nm"
    cell_text = plain(f"{row['electrolyte']}, cathode at {cell.cathode_potential_V:.2f} V")
    bands = _frames(cell, label)
    points = _measured(cell.electrolyte)
    return [
        _picture("thickness", "nm", bands["nm"], points["nm"], cell_text),
        _picture("resistance", "ohm cm²", bands["ohm"], points["ohm"], cell_text),
    ]


def _cell(start: Mapping[str, Any], row: Mapping[str, Any], electrolyte: str, area: float) -> Cell:
    own = {field: float(start[field]) for field in Cell._fields if field in start}
    own["pins"] = bool(start["pins"])
    for kind in ("sigma_ion", "sigma_ele"):
        decades = float(row.get(f"{kind}_decades", 0.0))
        own[f"coating_{kind}_decades"] = decades if np.isfinite(decades) else 0.0
    return Cell(electrolyte=electrolyte, **{**own, "area_factor": area})  # type: ignore[arg-type]


def _frames(cell: Cell, label: str) -> dict[str, pd.DataFrame]:
    """Curves as a table: which, hours, low, middle, high."""
    coated, bare = (
        curves(case, TIMES_S) for case in (cell, cell._replace(coating_thickness_nm=0.0))
    )
    return {
        "nm": _rows(
            {label: coated.cathode_nm, "no coating": bare.cathode_nm, ON_ANODE: coated.anode_nm}
        ),
        "ohm": _rows(
            {
                label: coated.cathode_ohm_cm2,
                "no coating": bare.cathode_ohm_cm2,
                ON_ANODE: coated.anode_ohm_cm2,
            }
        ),
    }


def _rows(bands: Mapping[str, Band]) -> pd.DataFrame:
    parts = [
        pd.DataFrame({"which": which, "hours": TIMES_S / 3600.0, **band._asdict()})
        for which, band in bands.items()
    ]
    whole = pd.concat(parts).round({"hours": 3})
    for name in Band._fields:
        whole[name] = [float(f"{value:.4g}") for value in whole[name]]
    return whole[whole["middle"] > 0]


def _measured(electrolyte: str) -> dict[str, pd.DataFrame]:
    """Points of published cells of an electrolyte: which, hours, value, source."""
    grown = reality.growth()
    at = pd.to_numeric(grown["time_h"], errors="coerce")
    middle = grown["value"].fillna((grown["value_low"] + grown["value_high"]) / 2.0)
    fits = (grown["electrolyte_material"] == electrolyte) & (grown["side"] == "anode")
    fits &= (grown["unit"] == "nm") & at.notna() & middle.notna()
    nm = pd.DataFrame({"which": ON_ANODE, "hours": at, "value": middle, "source": grown["source"]})[
        fits
    ]
    cells = reality.published_cells()
    cells = cells[cells["electrolyte_material"] == electrolyte]
    last = HOURS_PER_CYCLE * cells["cycles"]
    ohm = pd.concat(
        pd.DataFrame(
            {
                "which": np.where(cells["coating_material"] == "none", "bare", "coated"),
                "hours": hours,
                "value": cells[column],
                "source": cells["source"] + ": " + cells["sample"],
            }
        )
        for hours, column in ((HOURS_AT_FIRST, "R_first_ohm_cm2"), (last, "R_last_ohm_cm2"))
    ).dropna()
    return {"nm": nm, "ohm": ohm}


def _picture(what: str, unit: str, bands: pd.DataFrame, points: pd.DataFrame, told: str) -> Picture:
    last = bands[bands["hours"] == bands["hours"].max()]
    final_values = ", ".join(f"{row.which} {row.middle:.3g} {unit}" for row in last.itertuples())
    subject = "Thickness of the interphases" if what == "thickness" else "Resistance of them"
    caption = (
        f"{subject} against time for {told}, both logarithmic; on the cathode side with the "
        "coating. Line: median, band: 5 to 95 % of what is known of the products and the coating. "
        "What does not grow is not drawn. "
    )
    if what == "thickness" and len(points):
        caption += "Points at the anode: published, with an inert electrode on the other side."
    elif len(points):
        caption += ASSUMED
    return Picture(
        f"ageing-{what}",
        "body",
        "How thick the interphases become" if what == "thickness" else "What growth costs",
        f"A line chart of {what} in {unit} against time in hours with a band around each line, for "
        f"{told}. After ten years: {final_values or 'nothing has grown'}.",
        caption,
        charts.specification(chart(bands, points, unit)),
    )


def chart(bands: pd.DataFrame, points: pd.DataFrame, unit: str) -> Any:
    """Bands and lines against time (which, hours, low, middle, high), and points (which, hours,
    value, source)."""
    values = pd.concat([*(bands[name] for name in Band._fields), points["value"]])
    floor = float(bands["middle"].min() / 10.0) if len(bands) else 1.0
    ticks = charts.decades(values[values >= floor])
    low, high = (ticks[0], ticks[-1]) if ticks else (0.1, 10.0)
    scale = alt.Scale(type="log", domain=[low, high], clamp=True)
    x = alt.X("hours:Q", title="time, h", scale=alt.Scale(type="log"), axis=alt.Axis(format="~g"))
    axis = alt.Axis(values=ticks, labelExpr=charts.POWERS)
    base = alt.Chart(bands.assign(low=bands["low"].clip(lower=low))).encode(
        x=x,
        color=alt.Color("which:N", title=None, sort=None, legend=alt.Legend(symbolOpacity=1.0)),
    )
    tooltip = [
        "which:N",
        alt.Tooltip("hours:Q", format=".3g"),
        alt.Tooltip("middle:Q", format=".3g"),
    ]
    layers = [
        base.mark_area(opacity=0.15).encode(
            y=alt.Y("low:Q", scale=scale, title=unit, axis=axis), y2="high:Q"
        ),
        base.mark_line().encode(y=alt.Y("middle:Q", scale=scale), tooltip=tooltip),
    ]
    if len(points):
        marks = alt.Chart(points).mark_point(filled=True, size=50, opacity=0.9)
        layers.append(
            marks.encode(
                x=x,
                y=alt.Y("value:Q", scale=scale),
                shape=alt.Shape("which:N", title="published"),
                tooltip=["source:N", "hours:Q", "value:Q"],
            )
        )
    return alt.layer(*layers).properties(width="container", height=320)
