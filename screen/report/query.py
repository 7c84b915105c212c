"""Summaries of a dataset of any size, by DuckDB: what the page's pictures are drawn from.

Only the columns a picture needs are read, and what comes back is small whatever the dataset holds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from muli.screen.dataset.results import Results
from muli.screen.ranking import criteria, sql
from muli.screen.views.works import BARE

ENDS = ("cathode_potential_V", "anode_potential_V", "cathode_state")
SINGLE = 1e-6
"""Numbers in single precision are equal if their relative difference is at most this."""
MOST_CELLS = 20
MOST_COATINGS = 12
MOST_POINTS = 3000
STACK_COLUMNS = (
    "coating_thickness_nm",
    "interface_potential_V",
    "oxidation_margin_V",
    "reduction_margin_V",
    "leak_current_A_cm2",
    "self_discharge_percent_per_month",
    "asr_coating_ohm_cm2",
    "asr_total_ohm_cm2",
    "max_sigma_ele_S_cm",
    "max_sigma_ele_ratio",
)
"""Numbers that differ from one thickness to the next."""
BINS_PER_DECADE = 10


@dataclass(frozen=True)
class Dataset:
    """The parts of a run, and the scenario at which coatings are compared."""

    results: Results
    scenario: Mapping[str, Any]

    def select(self, query: str) -> pd.DataFrame:
        """The answer of a query in which `rows` stands for all parts."""
        listed = ", ".join(sql.text(part) for part in self.results.parts)
        union = ", union_by_name = true" if len(self.results.folders) > 1 else ""
        with sql.connect(self.results.parts) as connection:
            text = f"WITH rows AS (FROM read_parquet([{listed}]{union})) {query}"
            return sql.frame(connection, text, "report")

    @property
    def cathode(self) -> str:
        """The column that identifies a cathode: its name, or its potential where it has no name."""
        return "cathode" if "cathode" in self.results.columns else "cathode_potential_V"

    def where(self, values: Mapping[str, Any]) -> str:
        """The SQL condition that columns have these values; a missing value stands for NULL."""
        tests = []
        for column, value in values.items():
            if value is None or value != value:
                tests.append(f"{sql.name(column)} IS NULL")
                continue
            if isinstance(value, str):
                tests.append(f"{sql.name(column)} = {sql.text(value)}")
                continue
            near = sql.literal(abs(float(value)) * SINGLE)
            tests.append(f"abs({sql.name(column)} - {sql.literal(float(value))}) <= {near}")
        return " AND ".join(tests) or "true"


@dataclass(frozen=True)
class Contents:
    """What a dataset holds: its names, the coatings that work, and their evidence."""

    coatings: list[str]
    electrolytes: list[str]
    cathodes: list[Any]
    feasible_coatings: int
    evidence: Mapping[str, int]


def contents(data: Dataset) -> Contents:
    """Names, coatings that work and their evidence, read in one pass."""
    rows = data.select(
        f"SELECT coating, electrolyte, {sql.name(data.cathode)} AS cathode, "
        "any_value(evidence_sigma_ele) AS evidence, "
        "bool_or(feasible) AS feasible FROM rows GROUP BY ALL"
    )
    rows = rows[rows["coating"] != BARE]
    named = {
        name: sorted(rows[name].dropna().unique()) for name in ("coating", "electrolyte", "cathode")
    }
    classes = rows.drop_duplicates("coating")["evidence"].fillna("none").value_counts()
    return Contents(
        coatings=named["coating"],
        electrolytes=named["electrolyte"],
        cathodes=named["cathode"],
        feasible_coatings=int(rows[rows["feasible"].fillna(False)]["coating"].nunique()),
        evidence={str(word): int(count) for word, count in classes.items()},
    )


def coverage(data: Dataset) -> pd.DataFrame:
    """Distinct coatings that are feasible, or may be, per `electrolyte` and `cathode`."""
    counts = data.select(
        f"SELECT electrolyte, {sql.name(data.cathode)} AS cathode, "
        "count(DISTINCT coating) FILTER (feasible) AS coatings, "
        "count(DISTINCT coating) FILTER (feasible IS NULL) AS undecided "
        f"FROM rows WHERE {data.where(data.scenario)} AND electrolyte IS NOT NULL "
        "GROUP BY ALL ORDER BY coatings DESC, undecided DESC, electrolyte, cathode"
    )
    if data.cathode != "cathode":
        counts["cathode"] = counts["cathode"].map("{:.2f} V".format)
    kept = {
        name: list(dict.fromkeys(counts[name]))[:MOST_CELLS] for name in ("electrolyte", "cathode")
    }
    return counts[
        counts["electrolyte"].isin(kept["electrolyte"]) & counts["cathode"].isin(kept["cathode"])
    ]


def cell(data: Dataset, row: Mapping[str, Any]) -> dict[str, Any]:
    """The scenario of one row: what stays the same when only the coating changes."""
    axes = data.results.axes
    columns = [
        column
        for column in criteria.scenario_columns(data.results.columns)
        if column in axes or column in ENDS
    ]
    return {column: row[column] for column in columns if column in row}


def tradeoff(data: Dataset, pinned: Mapping[str, Any], coatings: Sequence[str]) -> pd.DataFrame:
    """Points of thickness, resistance and margin in one cell, ten a decade for each coating."""
    listed = ", ".join(sql.text(name) for name in coatings) or "NULL"
    return data.select(
        "SELECT coating, any_value(family) AS family, "
        "arg_min(coating_thickness_nm, coating_thickness_nm) AS coating_thickness_nm, "
        "arg_min(asr_coating_ohm_cm2, coating_thickness_nm) AS asr_coating_ohm_cm2, "
        "arg_min(oxidation_margin_V, coating_thickness_nm) AS oxidation_margin_V, "
        "arg_min(max_sigma_ele_S_cm, coating_thickness_nm) AS max_sigma_ele_S_cm, "
        "coalesce(CASE WHEN arg_min(feasible, coating_thickness_nm) THEN 'yes' ELSE 'no' END, "
        "'unknown') AS feasible "
        f"FROM rows WHERE {data.where(pinned)} AND coating IN ({listed}) "
        "AND coating_thickness_nm > 0 AND asr_coating_ohm_cm2 > 0 "
        f"GROUP BY coating, floor(log10(coating_thickness_nm) * {BINS_PER_DECADE}) "
        f"ORDER BY coating, coating_thickness_nm LIMIT {MOST_POINTS}"
    )


def coatings(data: Dataset, pinned: Mapping[str, Any]) -> pd.DataFrame:
    """One row per coating of one cell, for what does not depend on the coating's thickness."""
    measured = {"coating", "row_id", *STACK_COLUMNS}
    columns = [name for name in data.results.columns if name not in measured]
    picked = ", ".join(f"any_value({sql.name(column)}) AS {sql.name(column)}" for column in columns)
    return data.select(
        f"SELECT coating, {picked} FROM rows WHERE {data.where(pinned)} AND coating <> 'none' "
        f"GROUP BY coating ORDER BY coating LIMIT {MOST_POINTS}"
    )
