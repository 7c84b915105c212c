"""The rows of the page, scenario by scenario, each in the order of `muli rank`.

    listed = listing(results)
    listed.axes                      # columns that tell the scenarios apart
    listed.rows["scenario"]          # 0 is the one in which `muli rank` compares

Coatings are ranked inside one scenario only. Every scenario has its first coatings, the bare cell
and the reference coatings; the first scenario has all of its coatings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from muli.screen.dataset.results import Results
from muli.screen.ranking import criteria, sql
from muli.screen.ranking.held import Rows, connected
from muli.screen.ranking.rank import ranking
from muli.screen.ranking.rows import Table
from muli.screen.report.assumed import measure, short, spoken
from muli.screen.report.columns import plain, records
from muli.screen.report.words import plain_line
from muli.screen.views.table import cell
from muli.screen.views.works import BARE
from muli.screen.vocabulary import CELL, P_COLUMNS

MOST_ROWS = 10_000
"""Rows that the page carries."""

MOST_RANKED = 200_000
"""Most coatings times scenarios that are ranked; beyond it axes are held at the reference."""

MOST_SCENARIOS = 2_000
FEWEST_SHOWN = 3
"""Least number of coatings that a scenario shows."""


@dataclass(frozen=True)
class Listing:
    """Rows of the page.

    Attributes:
        results: what was read.
        rows: whole rows in the order of the page, with `rank`, `tied`, `place` (a number from 1 in
            each scenario) and `scenario` (a number).
        scenarios: by that number, the columns `axes` and `coatings` (how many were ranked).
        axes: columns that tell the scenarios apart, with their values in order.
        held: axes of which the page carries the reference value alone.
        order: what was sorted by, in words.
        believed: whether rows have probabilities.
        always: coatings that every scenario shows.
    """

    results: Results
    rows: pd.DataFrame
    scenarios: pd.DataFrame
    axes: Mapping[str, Sequence[Any]]
    held: Mapping[str, Any]
    order: str
    believed: bool
    always: Sequence[str] = field(default=())

    def condition(self, scenario: int) -> str | None:
        """SQL that names a scenario; None where there is only one."""
        row = self.scenarios.iloc[scenario]
        values = {**self.held, **{name: row[name] for name in self.axes}}
        kinds = self.results.columns
        return " AND ".join(sql.equals(n, v, kinds[n]) for n, v in values.items()) or None


def listing(results: Results) -> Listing:
    """Every scenario of a dataset with its coatings, as many as a page carries."""
    columns = results.columns
    believed = set(P_COLUMNS) <= set(columns)
    with connected(results) as rows:
        axes = _axes(rows)
        coatings = _values(rows, ["coating"])["coating"]
        held = _held(axes, len(coatings))
        axes = {name: values for name, values in axes.items() if name not in held}
        where = " AND ".join(sql.equals(name, value, columns[name]) for name, value in held.items())
        top = MOST_ROWS if len(coatings) > MOST_RANKED else None
        ranked = ranking(rows, top=top, per=list(axes), where=where or None)
    reference = {
        name: criteria.nearest(list(values), criteria.REFERENCE.get(name))
        for name, values in axes.items()
    }
    named = {name for manifest in results.manifests
             for name in manifest.spec.get("ranking", {}).get("reference", [])}  # fmt: skip
    always = [name for name in coatings if name in {*named, BARE}] if believed else []
    numbered, scenarios = _numbered(ranked.rows, axes, reference)
    if top:
        scenarios = scenarios.assign(coatings=len(coatings))
    kept = _first(numbered, len(scenarios), always)
    return Listing(results, kept, scenarios, axes, held, ranked.order, believed, always)


def _axes(rows: Rows) -> dict[str, list[Any]]:
    """Scenario columns with several values, and those values in order."""
    table = Table(rows.connection, rows.results, "true", ())
    by_axis = _values(rows, table.scenarios)
    return {name: values for name, values in by_axis.items() if len(values) > 1}


def _values(rows: Rows, columns: Sequence[str]) -> dict[str, list[Any]]:
    """Distinct known values of columns in order, numbers as their shortest decimal."""
    if not columns:
        return {}
    table = rows.table("true", (), set(columns))
    listed = ", ".join(
        f"list(DISTINCT {sql.name(column)}) AS {sql.name(column)}" for column in columns
    )
    (lists,) = sql.rows(rows.connection, f"SELECT {listed} FROM {table.source}", "report")
    return {
        name: sorted(_as_read(value, rows.results.columns[name])
                     for value in values or () if value is not None and value == value)
        for name, values in zip(columns, lists, strict=True)
    }  # fmt: skip


def _as_read(value: Any, kind: str) -> Any:
    """A value as in the rows of a ranking: in single precision its shortest decimal."""
    import numpy as np

    return float(str(np.float32(value))) if kind == "float" else value


def _held(axes: Mapping[str, Sequence[Any]], coatings: int) -> dict[str, Any]:
    """Axes to hold at the reference so that the rest can be ranked; axes of the cell come last."""
    count, held = 1, {}
    for values in axes.values():
        count *= len(values)
    for name in sorted(axes, key=lambda axis: (axis in CELL, -len(axes[axis]))):
        if count <= MOST_SCENARIOS and count * coatings <= MOST_RANKED:
            break
        held[name] = criteria.nearest(list(axes[name]), criteria.REFERENCE.get(name))
        count //= len(axes[name])
    return held


def _numbered(
    rows: pd.DataFrame, axes: Mapping[str, Any], reference: Mapping[str, Any]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows with the number of their scenario, sorted by it, and the scenarios by number."""
    names = list(axes)
    if not names or rows.empty:
        scenarios = pd.DataFrame({"coatings": [len(rows)]})
        return rows.assign(scenario=0), scenarios
    groups = rows.groupby(names, sort=True, dropna=False)
    number, count = groups.ngroup(), groups.size()
    scenarios = count.rename("coatings").reset_index()
    differs = pd.concat([scenarios[name] != value for name, value in reference.items()], axis=1)
    nearest = differs.sum(axis=1).idxmin()
    order = [nearest, *scenarios.index.drop(nearest)]
    place = {old: new for new, old in enumerate(order)}
    numbered = rows.assign(scenario=number.map(place)).sort_values("scenario", kind="stable")
    return numbered.reset_index(drop=True), scenarios.loc[order].reset_index(drop=True)


def _first(rows: pd.DataFrame, scenarios: int, always: Sequence[str]) -> pd.DataFrame:
    """All rows of the first scenario, and of the others as many as there is room for."""
    rows = rows.assign(place=rows.groupby("scenario").cumcount() + 1)
    whole = int((rows["scenario"] == 0).sum())
    room = (MOST_ROWS - whole) // max(scenarios - 1, 1) - len(always)
    most = (rows["scenario"] == 0).map({True: MOST_ROWS, False: max(room, FEWEST_SHOWN)})
    kept = rows["place"] <= most
    return rows[kept | rows["coating"].isin(always)].reset_index(drop=True)


def described(listed: Listing, scenario_axes: Sequence[str]) -> dict[str, Any]:
    """Axes, values and headlines of the scenarios, as the page's scripts read them.

    scenario_axes: columns whose values a headline must name where they vary.
    """
    rows = listed.rows
    at = rows[rows["coating"] == BARE].groupby("scenario").head(1)
    at = pd.concat([at, rows.groupby("scenario").head(1)]).drop_duplicates("scenario")
    headlines = [headline(row, scenario_axes) for row in records(at.sort_values("scenario"))]
    axes = []
    for name, values in listed.axes.items():
        place = {value: code for code, value in enumerate(values)}
        axes.append(
            {
                "name": name,
                "label": spoken(name),
                "unit": measure(name),
                "numeric": not isinstance(values[0], str),
                "values": [plain(value) if isinstance(value, str) else value for value in values],
                "codes": [place.get(value, -1) for value in listed.scenarios[name]],
            }
        )
    return {
        "axes": axes,
        "headlines": headlines,
        "coatings": listed.scenarios["coatings"].tolist(),
        "always": [plain(name) for name in listed.always],
    }


def headline(row: Mapping[str, Any], axes: Sequence[str]) -> str:
    """The cell of a row in words, with the values of further axes."""
    text = cell(row, state="p_works" not in row).replace(" um", " µm").replace(" | ", " · ")
    extra_axes = [name for name in axes if name not in _IN_CELL and _known(row.get(name))]
    axis_values = (
        f"{spoken(name)} {_value(row[name])} {measure(name)}".strip() for name in extra_axes
    )
    return plain_line(" · ".join([text, *axis_values]))


_IN_CELL = {*CELL, "cathode_state", "anode", "anode_potential_V", "electrolyte_thickness_um",
            "boundary"}  # fmt: skip


def _known(value: Any) -> bool:
    return value is not None and value == value


def _value(value: Any) -> str:
    return plain(value) if isinstance(value, str) else short(f"{value:.6g}")
