"""The page of `muli design`: every design with its limits, and thickness against resistance.

write_designs(designs, "spec.toml", command, "designs.html")
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from muli.candidates.files import write_atomically
from muli.screen.pictures import labels
from muli.screen.report import page
from muli.screen.report import ranking_charts as charts
from muli.screen.report.assumed import measure, short, spoken
from muli.screen.report.columns import plain
from muli.screen.report.words import plain_line
from muli.screen.views.table import figure

NAMED = 20
WHOLE = "all that is asked"
PLAIN = {"temperature_K": 298.15, "current_density_mA_cm2": 0.0}
"""Usual values of a scenario; the page names only values that differ from them."""


@dataclass(frozen=True)
class Line:
    """One design in words."""

    coating: str
    cell: str
    feasible: bool
    answer: str
    thickness: str
    resistance: str
    limits: list[str]
    dropped: list[str]


@dataclass(frozen=True)
class Facts:
    """Everything the template writes."""

    title: str
    version: str
    sentences: list[tuple[str, str]]
    lines: list[Line]
    criteria: str
    command: str
    spec: str


def write_designs(
    designs: Sequence[Mapping[str, Any]], spec_file: Path, command: str, out: Path
) -> None:
    """Write the page. designs: as `muli design --json` prints them; command: the one used."""
    facts = Facts(
        plain(spec_file.stem),
        metadata.version("muli"),
        _sentences(designs),
        [_line(design) for design in designs],
        _criteria(designs),
        plain_line(command),
        spec_file.read_text(encoding="utf-8", errors="replace"),
    )
    text = page.render(facts, _pictures(designs), {}, "designs.html")
    write_atomically(out, text.encode("utf-8", "replace"))


def _sentences(designs: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    feasible = [design for design in designs if design["feasible"]]
    question = f"The best film of {len(designs):,} stacks, by gradients."
    if not feasible:
        return [("Asked", question), ("Answered", "None of them holds everything that is asked.")]
    least = min(feasible, key=lambda design: float(design["asr_coating_ohm_cm2"]))
    answered = (
        f"{len(feasible):,} of {len(designs):,} hold everything. The least resistance, "
        f"{figure(float(least['asr_coating_ohm_cm2']))} Ω cm², has {plain(least['coating'])}, "
        f"{_layers(least)} nm, for {cell(least)}."
    )
    return [("Asked", question), ("Answered", answered)]


def _criteria(designs: Sequence[Mapping[str, Any]]) -> str:
    criteria = dict.fromkeys(name for design in designs for name in design["criteria"])
    return f"Asked for: {', '.join(criteria)}. Layers are named from the electrolyte outwards."


def cell(design: Mapping[str, Any]) -> str:
    """The cell of a design, with the values of its scenario that differ from the usual ones."""
    cathode = design["cathode"]
    against = cathode if isinstance(cathode, str) else f"{float(cathode):.2f} V"
    parts = [
        f"{design['electrolyte']} {design['electrolyte_thickness_um']:g} µm",
        against,
        f"anode side {design['anode_side_V']:.2f} V; {design['anode']}",
        f"boundary {design['boundary']}",
    ]
    extra_keys = [key for key in design if "." in key]
    extra_keys += [key for key, usual in PLAIN.items() if design[key] != usual]
    parts += [f"{spoken(key)} {_value(design[key])} {measure(key)}" for key in extra_keys]
    return plain(" · ".join(map(str, parts)))


def _value(value: Any) -> str:
    return short(f"{value:.4g}") if isinstance(value, float) else str(value)


def _layers(design: Mapping[str, Any]) -> str:
    return " + ".join(figure(float(thickness)) for thickness in design["thickness_nm"] or [])


def _line(design: Mapping[str, Any]) -> Line:
    """A design in words."""
    feasible = bool(design["feasible"])
    relaxed = design["relaxed"].items()
    dropped = [f"{demand}: {_layers(film)} nm, {figure(float(film['asr_coating_ohm_cm2']))} Ω cm²"
               for demand, film in relaxed if film.get("thickness_nm")]  # fmt: skip
    price = [f"with probability {row['probability']:g}: {_layers(row) or 'none'} nm"
             for row in design["price_of_certainty"]]  # fmt: skip
    limits = list(design["active_constraints"]) or [str(design["message"])]
    return Line(
        plain(design["coating"]),
        cell(design),
        feasible,
        "works" if feasible else str(design["status"]).replace("_", " "),
        _layers(design) if feasible else "–",
        figure(float(design["asr_coating_ohm_cm2"])) if feasible else "–",
        [plain(limit) for limit in limits if limit],
        [plain(text) for text in [*dropped, *price]],
    )


def _points(designs: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Thickness and resistance of the designs, and of those with one demand dropped."""
    rows = []
    for design in designs:
        films = {WHOLE: design, **design["relaxed"]}
        rows += [
            {
                "coating": plain(design["coating"]),
                "cell": cell(design),
                "demand": demand,
                "thickness": sum(map(float, film["thickness_nm"])),
                "resistance": float(film["asr_coating_ohm_cm2"]),
            }
            for demand, film in films.items()
            if film.get("thickness_nm") and float(film["asr_coating_ohm_cm2"]) > 0
        ]
    return pd.DataFrame(rows)


def _pictures(designs: Sequence[Mapping[str, Any]]) -> list[page.Picture]:
    points = _points(designs)
    points = points[points["thickness"] > 0] if len(points) else points
    if points.empty:
        return []
    logs = np.log10(points[["thickness", "resistance"]])
    x, y = (labels.share(logs[name], logs[name].min(), logs[name].max()) for name in logs)
    side = labels.placed(x, y, points["coating"], NAMED)
    return [
        page.Picture(
            "designs",
            "body",
            "Thickness and resistance",
            f"A scatter plot of {len(points)} designs: resistance of the coating against its "
            "thickness, also with one demand dropped.",
            "Every design that exists, whole or with one demand dropped. Lower is cheaper.",
            charts.specification(_chart(points.assign(side=side))),
        )
    ]


def _chart(points: pd.DataFrame) -> alt.TopLevelMixin:
    log = alt.Scale(type="log")
    base = alt.Chart(points).encode(
        x=alt.X("thickness:Q", title="Coating thickness, nm", scale=log),
        y=alt.Y("resistance:Q", title="Resistance, Ω cm²", scale=log),
    )
    marks = base.mark_point(filled=True, size=60, opacity=0.85).encode(
        color=alt.Color("demand:N", title=None),
        shape=alt.Shape("demand:N", title=None),
        tooltip=[
            "coating:N",
            "cell:N",
            "demand:N",
            alt.Tooltip("thickness:Q", title="thickness, nm", format=".3~g"),
            alt.Tooltip("resistance:Q", title="resistance, Ω cm²", format=".3~g"),
        ],
    )
    return alt.layer(marks, *charts.names(base, "coating")).properties(
        width="container", height=360
    )
