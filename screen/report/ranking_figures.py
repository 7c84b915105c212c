"""The pictures that a dataset allows, each with its texts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from muli.screen.dataset.manifest import Manifest
from muli.screen.pictures import labels
from muli.screen.report import query
from muli.screen.report import ranking_charts as charts
from muli.screen.report import what_if as inside
from muli.screen.report.columns import against, plain, records
from muli.screen.report.material_charts import FAMILIES, grouped
from muli.screen.report.page import Picture
from muli.screen.views.works import BARE, percent

LEADERS = 6
FEWEST = 3
MOST_SURE = 20
NAMED = 16
QUESTIONS = ("works", "chemistry", "transport")
SOBOL = "sobol_total_"
TRADED = [
    "coating",
    "cell",
    "kind",
    "feasible",
    "coating_thickness_nm",
    "asr_coating_ohm_cm2",
    "oxidation_margin_V",
]


def pictures(
    data: query.Dataset,
    held: query.Contents,
    ranked: pd.DataFrame,
    rows: pd.DataFrame,
    starts: pd.DataFrame,
) -> list[Picture]:
    """The pictures in reading order. `ranked`, `rows` and `starts` are rows of the same ranking."""
    if not len(ranked):
        return []
    pinned = query.cell(data, records(ranked.head(1))[0])
    believed = "p_works" in ranked
    all_pictures = [
        _questions(ranked) if believed else None,
        _chances(ranked, data.scenario, held)
        if believed
        else _coverage(query.coverage(data), held),
        _spread(data.results.manifests),
        *_what_if(),
        _profiles(rows, starts, believed=believed),
        _tradeoff(query.tradeoff(data, pinned, _first_coatings(ranked)), rows),
        _probability(ranked),
    ]
    return [picture for picture in all_pictures if picture is not None]


def _first_coatings(ranked: pd.DataFrame) -> list[str]:
    """Coatings of the first scenario, in the order of the ranking."""
    return list(ranked[ranked["scenario"] == 0]["coating"].head(query.MOST_COATINGS))


def _questions(ranked: pd.DataFrame) -> Picture | None:
    """Coatings of the first scenario: probability of chemistry against that of transport."""
    first = ranked[(ranked["scenario"] == 0) & (ranked["coating"] != BARE)]
    if len(first) < FEWEST:
        return None
    parts = {question: 100.0 * first[f"p_{question}"].astype(float) for question in QUESTIONS}
    coatings = first["coating"].map(plain)
    side = labels.placed(
        labels.share(parts["transport"], 0.0, 100.0),
        labels.share(parts["chemistry"], 0.0, 100.0),
        coatings,
        NAMED,
    )
    frame = pd.DataFrame(
        {
            "coating": coatings,
            "kind": grouped(first["family"]),
            "side": side,
            **{question: values.round(2) for question, values in parts.items()},
        }
    )
    return Picture(
        "questions",
        "after ranking",
        "Chemistry and transport",
        f"A scatter plot of {len(frame)} coatings of the first scenario: the probability that "
        "their chemistry holds against the probability that they block electrons at a resistance "
        f"the cell can afford. First by the ranking is {frame['coating'].iloc[0]}.",
        "The first scenario of the ranking. Up: the coating stands the cathode and its neighbours; "
        "right: it keeps electrons from the electrolyte at a price the cell can pay. What works "
        "is in the upper right corner.",
        charts.specification(charts.questions(frame)),
    )


def _chances(
    ranked: pd.DataFrame, scenario: Mapping[str, Any], held: query.Contents
) -> Picture | None:
    """The best coating of every cell. scenario: values of the other axes."""
    same = pd.Series(True, index=ranked.index)
    for name, value in scenario.items():
        same &= ranked[name] == value
    cells = ranked[same].assign(cathode=[plain(against(row)) for row in records(ranked[same])])
    names = ["electrolyte", "cathode"]
    coated = cells[cells["coating"] != BARE].drop_duplicates(names).set_index(names)
    bare = cells[cells["coating"] == BARE].drop_duplicates(names).set_index(names)["p_works"]
    best = coated.assign(bare=100.0 * bare, works=100.0 * coated["p_works"]).reset_index()
    if len(best) < 2:
        return None
    best = best.sort_values("works", ascending=False, kind="stable")
    kept = {name: list(dict.fromkeys(best[name]))[: query.MOST_CELLS] for name in names}
    best = best[best["electrolyte"].isin(kept["electrolyte"])]
    best = best[best["cathode"].isin(kept["cathode"])]
    best = best.assign(
        electrolyte=best["electrolyte"].map(plain),
        coating=best["coating"].map(plain),
        text=[percent(value / 100.0) for value in best["works"]],
    )[[*names, "coating", "works", "bare", "text"]]
    top = best.iloc[0]
    return Picture(
        "coverage",
        "after ranking",
        "Which cells can be protected",
        f"A table of {best['electrolyte'].nunique()} electrolytes and {best['cathode'].nunique()} "
        "cathodes, each cell with the probability in per cent that its first coating works. The "
        f"most, {top['text']}, has {top['coating']} on {top['electrolyte']} against "
        f"{top['cathode']}.",
        "Probability in per cent that the first coating of each cell works; the coating, and the "
        f"bare cell, under the pointer.{_shown(best, held)}",
        charts.specification(charts.chances(best.round({"works": 2, "bare": 2}))),
    )


def _coverage(counts: pd.DataFrame, held: query.Contents) -> Picture | None:
    if len(counts) < 2:
        return None
    counts = counts.assign(**{c: counts[c].map(plain) for c in ("electrolyte", "cathode")})
    best = counts.iloc[0]
    return Picture(
        "coverage",
        "after ranking",
        "Which cells can be protected",
        f"A table of {counts['electrolyte'].nunique()} electrolytes and "
        f"{counts['cathode'].nunique()} cathodes, each cell with the number of its feasible "
        f"coatings. The most, {best['coatings']}, has {best['electrolyte']} against "
        f"{best['cathode']}.",
        "Feasible coatings for each electrolyte and cathode; after the plus sign, those that may "
        f"be, once what is not known about them is measured.{_shown(counts, held)}",
        charts.specification(charts.coverage(counts)),
    )


def _shown(counts: pd.DataFrame, held: query.Contents) -> str:
    """How many rows and columns are shown, where it is not all of them."""
    everything = {"electrolyte": len(held.electrolytes), "cathode": len(held.cathodes)}
    parts = [
        f"{counts[role].nunique()} of {count} {role}s"
        for role, count in everything.items()
        if counts[role].nunique() < count
    ]
    return f" Shown: the first {' and '.join(parts)}." if parts else ""


SPREAD = {
    "min_thickness_nm": "Thickness needed, nm",
    "oxidation_margin_V": "Margin of the thickest coating, V",
}


def _spread(manifests: Sequence[Manifest]) -> Picture | None:
    """Histograms over coatings in scenarios, from the manifests; the texts count unknown ones."""
    rows, unknown, known = [], {}, {}
    for column, title in SPREAD.items():
        counts: Counter[str] = Counter()
        for manifest in manifests:
            counts.update(manifest.histograms.get(column, {}))
        unknown[column] = counts.pop("unknown", 0)
        known[column] = sum(counts.values())
        share = 100.0 / max(known[column], 1)
        rows += [
            {"column": title, "bin": name, "lines": n, "share": round(n * share, 2)}
            for name, n in counts.items()
        ]
    if not all(known.values()):
        return None
    unanswered = " and ".join(
        f"{unknown[column]:,} of {unknown[column] + known[column]:,} have no answer on "
        f"{'thickness' if column == 'min_thickness_nm' else 'margin'}"
        for column in SPREAD
    )
    return Picture(
        "spread",
        "after ranking",
        "How thick, and how safe",
        "Two histograms: how many coatings in how many scenarios need which thickness, and which "
        f"margin the thickest coating asked for leaves. Of all, {unanswered}.",
        "Every coating counts once in every scenario: the thickness it needs, and the margin to "
        f"the electrolyte's oxidation limit at the largest thickness asked for. {unanswered}: what "
        "is unknown about them decides.",
        charts.specification(charts.spread(pd.DataFrame(rows))),
    )


def _what_if() -> tuple[Picture, ...]:
    return (
        Picture(
            "whatif-profile",
            "what if",
            "The lithium potential through the stack",
            "A curve of the lithium potential from the anode side through electrolyte and coating "
            "to the cathode, with the stability windows of both as bands. It follows the sliders; "
            "its numbers stand in the panel above.",
            "Each layer is drawn one unit wide. Bands are the stability windows: where the curve "
            "leaves its band, the layer decomposes.",
            charts.specification(charts.whatif_profile()),
        ),
        Picture(
            "whatif-map",
            "what if",
            "Where this coating works",
            "A map of coating thickness and electronic conductivity. A shaded region protects "
            "within the resistance budget; a dot marks the values of the sliders.",
            "Shaded: protects, within the budget. Above the line the coating leaks too much, right "
            "of the dashes it costs too much, below the region it blocks so well that something "
            "is reduced.",
            charts.specification(charts.whatif_map()),
        ),
        Picture(
            "whatif-growth",
            "what if",
            "What growth costs",
            "A line chart of resistance against time after contact, both logarithmic: the cathode "
            "side with the coating, and the anode side. Dots mark the time of the slider.",
            "Resistance of each side against time as the sliders say; a side on which nothing "
            "grows is level or left out. Dots: the time of the slider.",
            charts.specification(charts.whatif_growth()),
        ),
    )


UNKNOWN = {
    True: "Where no single value of the coating's conductivities is known, the curve is that of "
    "the medians of their distributions.",
    False: "Where the coating's electronic conductivity is not known, the curve is the limiting "
    "one: the largest conductivity that still protects.",
}
"""What a profile shows of a coating that was not measured, by whether rows have probabilities."""


def _profiles(rows: pd.DataFrame, starts: pd.DataFrame, *, believed: bool) -> Picture | None:
    """Profiles of the first rows that can be drawn, one row for each coating."""
    distinct = rows[rows["coating"] != BARE].drop_duplicates("coating").index
    parts: list[dict[str, Any]] = []
    leaders: list[str] = []
    chosen = starts.loc[distinct].dropna(subset=list(inside.NEEDED)).head(LEADERS)
    named = records(rows.loc[chosen.index])
    for row, numbers, nodes in zip(named, records(chosen), inside.nodes(chosen), strict=True):
        names = {role: plain(row[role]) for role in inside.ROLES}
        leaders.append(names["coating"])
        leader = f"{names['coating']} on {names['electrolyte']}"
        parts += inside.profile(f"{leader}\n{plain(row['against'])}", names, numbers, nodes)
    if not leaders:
        return None
    return Picture(
        "profiles",
        "body",
        "Inside the leaders",
        "Small curves of the lithium potential through the electrolyte and the coating of the "
        f"leaders ({', '.join(leaders)}), with the stability windows of both layers as bands.",
        f"The electrolyte left, the coating right, each one unit wide, windows as bands, a single "
        f"known limit as dashes. {UNKNOWN[believed]}",
        charts.specification(charts.profiles(pd.DataFrame(parts))),
    )


def _tradeoff(points: pd.DataFrame, rows: pd.DataFrame) -> Picture | None:
    """Thicknesses of one cell where the dataset has them, else the rows of the table."""
    cell = plain(f"{rows['electrolyte'][0]} against {rows['against'][0]}")
    points = points.dropna(subset=["oxidation_margin_V"])
    if len(points) > points["coating"].nunique():
        points = points.assign(cell=cell)
        where, intro = f"for {cell}", f"For {cell}."
    elif "p_works" in rows:
        return None  # one row for each coating: chemistry and transport are drawn instead
    else:
        whole = rows.dropna(subset=["oxidation_margin_V", "asr_coating_ohm_cm2"])
        points = whole[(whole["coating_thickness_nm"] > 0) & (whole["asr_coating_ohm_cm2"] > 0)]
        cells = points["electrolyte"].astype(str) + " against " + points["against"].astype(str)
        points = points.assign(cell=cells.map(plain)).head(query.MOST_POINTS)
        where, intro = "for every cell of the table", "Every row of the table that has an answer."
    if len(points) < FEWEST:
        return None
    return Picture(
        "tradeoff",
        "body",
        "Thickness, resistance, margin",
        f"Two scatter plots over coating thickness, {where}: resistance, and margin to the "
        "electrolyte's oxidation limit. Both rise with thickness.",
        f"{intro} Drag over points in either panel: both show what lies inside, and the coatings "
        "are named below. Circles are feasible, crosses are not. Best is left and low in one "
        "panel, high in the other.",
        charts.specification(charts.tradeoff(_told(points)[TRADED])),
    )


def _told(points: pd.DataFrame) -> pd.DataFrame:
    """Names as `plain` writes them; `kind` is the coating where there are few, else its family."""
    coating, family = (points[c].fillna("unknown").map(plain) for c in ("coating", "family"))
    kind = coating if coating.nunique() <= FAMILIES else grouped(family)
    return points.assign(coating=coating, family=family, kind=kind)


def _probability(ranked: pd.DataFrame) -> Picture | None:
    if "p_protected" not in ranked:
        return None
    known = ranked.dropna(subset=["p_protected"]).drop_duplicates("coating").head(MOST_SURE)
    if known.empty:
        return None
    names = known["coating"].map(plain) + " on " + known["electrolyte"].map(plain)
    thick = known["coating_thickness_nm"].map(", {:.3g} nm".format)
    frame = (
        known[["p_protected", "p_feasible"]]
        .astype(float)
        .assign(
            label=names + thick.where(known["coating_thickness_nm"].notna(), ""),
            **{f"p{p}": known[f"min_thickness_p{p}_nm"].astype(float) for p in (5, 50, 95)},
            most=known["max_thickness_nm"].astype(float),
        )
    )
    return Picture(
        "probability",
        "body",
        "How sure is it, with what is uncertain drawn at random",
        "Bars of the probability of protection of the first coatings at their thickness, under "
        "the uncertainty stated in the spec, and lines of the thickness they need.",
        "Left: the share of draws in which the electrolyte is protected at the thickness named. "
        "Right: the thickness needed, from the 5th to the 95th percentile, its median as a point, "
        f"the largest affordable one as a tick.{_matters(known)}",
        charts.specification(charts.probability(frame)),
    )


def _matters(known: pd.DataFrame) -> str:
    """The factor with the largest share in the variance of the first row's least thickness."""
    shares = known.filter(like=SOBOL).iloc[0].dropna().astype(float)
    if shares.empty:
        return ""
    first = str(shares.idxmax())
    share = min(float(shares[first]), 1.0)
    words = plain(first.removeprefix(SOBOL).replace("_", " "))
    return f" Most depends on {_spoken(words)}: {share:.0%} of the spread of the first one."


def _spoken(words: str) -> str:
    """Symbols in place of the words of column names."""
    return words.replace("sigma ele", "σₑ").replace("sigma ion", "σᵢ")
