"""Rank what a run found: one folder or several, from a handful of rows to 1e8.

DuckDB finds which rows are wanted from the columns that decide, and only those rows are read
whole. Numbers that are unknown never come first; rows that the keys cannot separate share a rank.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from muli.screen.conditions import check_columns, check_condition
from muli.screen.dataset.results import Dirs, Results
from muli.screen.errors import UsageError
from muli.screen.ranking import criteria as keys_of
from muli.screen.ranking import pareto as pareto_front
from muli.screen.ranking import sql
from muli.screen.ranking.held import Rows, connected
from muli.screen.ranking.rows import REF, Table, scenarios_of
from muli.screen.spec.criteria import criteria_of
from muli.screen.vocabulary import CRITERIA, LARGER, LIFE, LIVES, P_COLUMNS, better

if TYPE_CHECKING:
    import pandas as pd

TOP = 10


@dataclass(frozen=True)
class Ranking:
    """Ranked rows and what a reader must know about them.

    `rows` starts with `rank` (equal where the keys cannot tell rows apart) and `tied`. `order`
    says in words what was sorted by; `scenario` maps a scenario axis to the value at which
    coatings are compared; `per` names the columns whose combinations are ranked apart, `pareto`
    those that were traded off; `criteria` those that p_works asks for, where rows have one.
    """

    rows: "pd.DataFrame"
    order: str
    results: Results
    per: tuple[str, ...] = ()
    scenario: dict[str, Any] = field(default_factory=dict)
    pareto: tuple[str, ...] = ()
    criteria: tuple[str, ...] = ()


def rank(
    dirs: Dirs,
    *,
    top: int | None = TOP,
    by: str | None = None,
    per: Sequence[str] | None = None,
    where: str | None = None,
    pareto: Sequence[str] | None = None,
    criteria: str | Sequence[str] | None = None,
) -> "pd.DataFrame":
    """The best rows of one run folder, or of several read together.

    Without `by` or `pareto`, one row per coating at its recommended thickness, by the probability
    that it works, at one reference scenario (`criteria.REFERENCE`; name a column in `per` or
    `where` to choose another). Runs without probabilities (`missing = "status"`) have one row per
    coating and scenario, in the order of `criteria.ORDER`.

    criteria: what must hold together, of protects, affordable, stable, inert, and lives where the
    spec has `[ageing]`; "transport" is the first two, "chemistry" the next two with affordable; the
    run's own by default. p_works is theirs.

    by: a column, better values first; append " asc" or " desc" to say otherwise. Every row counts.
    per: rank apart in every combination of these columns, `top` of each.
    where: an SQL condition on columns. pareto: two or more columns; all non-dominated rows.
    top: how many rows, None for all; `pareto` takes all.
    Raises `UsageError` and `StoreError` (exit code 2).
    """
    return ranking(
        dirs, top=top, by=by, per=per, where=where, pareto=pareto, criteria=criteria
    ).rows


def ranking(
    dirs: Dirs | Rows,
    *,
    top: int | None = TOP,
    by: str | None = None,
    per: Sequence[str] | None = None,
    where: str | None = None,
    pareto: Sequence[str] | None = None,
    criteria: str | Sequence[str] | None = None,
) -> Ranking:
    """`rank` with the description of its rows."""
    if top is not None and top < 1:
        raise UsageError(f"--top {top}: expected 1 or more")
    if by and pareto:
        raise UsageError("--by and --pareto exclude each other")
    with connected(dirs) as rows:
        known = rows.results.columns
        check_columns(per or (), list(known), "--per")
        spoken = check_condition(where, sql.kinds(known)) if where else []
        stored = sql.as_stored(where, known.values()) if where else "true"
        named = [*(per or ()), *spoken, *(by or "").split(" ")[:1], *(pareto or ())]
        table = rows.table(f"(\n{stored}\n)", tuple(per or ()), _deciding(rows.results, named))
        if pareto:
            return _pareto(table, list(pareto))
        if by:
            return _by(table, by, top)
        return _answers(table, spoken, top, asked_criteria(criteria, rows.results))


def at_recommended(rows: "pd.DataFrame", results: Results) -> "pd.DataFrame":
    """Rows of a ranking with the thickness (nm) at which their probabilities are taken.

    Modes `all` and `feasible` keep the thicknesses of the spec. Where there are several, the
    probabilities and the median resistance of a row belong to its recommended thickness.
    """
    if "recommended_thickness_nm" not in rows:
        return rows
    several = any(
        run.spec["output"]["mode"] != "best" and run.axes.get("coating_thickness_nm", 1) > 1
        for run in results.manifests
    )
    return rows.assign(coating_thickness_nm=rows["recommended_thickness_nm"]) if several else rows


def _deciding(results: Results, asked: Iterable[str]) -> set[str]:
    """Columns that decide on a ranking: those of its order, of scenarios, and what is asked for."""
    known = results.columns
    keys = [*keys_of.ORDER, *keys_of.BEST_THICKNESS, *keys_of.RECOMMENDED]
    keys += keys_of.by_probability((*CRITERIA, LIVES))
    wanted = {"coating", *scenarios_of(results), *asked}
    wanted |= {column for key in keys for column in key.columns}
    lower = {column.lower() for column in wanted}
    return {column for column in known if column.lower() in lower}


def asked_criteria(given: str | Sequence[str] | None, results: Results) -> tuple[str, ...]:
    """Criteria by name or list; those of the run's spec where none are given."""
    if given is None:
        specs = [manifest.spec.get("ranking", {}).get("criteria") for manifest in results.manifests]
        return next((tuple(names) for names in specs if names), CRITERIA)
    chosen = criteria_of(given)
    if LIVES in chosen and not set(LIFE) <= set(results.columns):
        raise UsageError("--criteria lives: no p_lives in this run; its spec needs [ageing]")
    return chosen


def _answers(
    table: Table, spoken: Sequence[str], top: int | None, asked: tuple[str, ...]
) -> Ranking:
    """One row per coating and scenario, at the reference scenario where an axis has one."""
    columns = table.results.columns
    believed = set(P_COLUMNS) <= set(columns)
    named = {column.lower() for column in (*table.per, *spoken)}
    scenario = table.reference(named, all_of_them=believed)
    order = keys_of.by_probability(asked) if believed else keys_of.ORDER
    if believed:
        table = replace(table, shown=f"* REPLACE ({keys_of.joint(asked)} AS p_works)")
    used = keys_of.keys(columns, order)
    thickness = keys_of.RECOMMENDED if believed else keys_of.BEST_THICKNESS
    chosen = keys_of.keys(columns, thickness)
    lines = dict.fromkeys(["coating", *table.scenarios, *table.per])
    grouped = ", ".join(sql.name(c) for c in lines if c in columns and c not in scenario)
    ties = keys_of.packed(key for key in used if key is not keys_of.NAME)
    packed = [f"c{i} := {key}" for i, key in enumerate(keys_of.packed(chosen))]
    packed += [f"k{i} := {key}" for i, key in enumerate(ties)]
    pins = [sql.equals(c, v, columns[c]) for c, v in scenario.items()]
    best = (
        f"(SELECT {grouped}, min(struct_pack({', '.join(packed)}, ref := {REF})) AS best "
        f"FROM {table.source} WHERE {' AND '.join([table.where, *pins])} GROUP BY {grouped})"
    )
    keys = [f"best.k{i}" for i in range(len(ties))]
    names = [key.sql for key in used if key is keys_of.NAME]
    rows = table.first(best, "best.ref", [*keys, *names], keys, top)
    order_text = keys_of.stated(used)
    shown = asked if believed else ()
    return Ranking(rows, order_text, table.results, table.per, scenario, criteria=shown)


def _by(table: Table, by: str, top: int | None) -> Ranking:
    """Every row, sorted by one column; unknown values last."""
    column, _, direction = by.strip().partition(" ")
    check_columns([column], list(table.results.columns), "--by")
    kind = table.results.columns[column]
    text = not kind.startswith(("float", "double", "int", "uint", "bool"))
    if direction not in ("", "asc", "desc") or (text and direction == "desc"):
        raise UsageError(f"--by {by}: expected COLUMN, or a number's COLUMN with asc or desc")
    falling = direction == "desc" or (not direction and better(column) == LARGER)
    key = f"-({sql.name(column)}::DOUBLE)" if falling else sql.name(column)
    if top is not None and not table.per and kind in ("float", "double"):
        table = table.within(column, kind, top, falling=falling)
    rows = table.first(table.filtered, REF, [key, REF], [key], top)
    order_text = f"{column}, {'larger' if falling else 'smaller'} first, unknown last"
    return Ranking(rows, order_text, table.results, table.per)


def _pareto(table: Table, columns: list[str]) -> Ranking:
    """All non-dominated rows, sorted by the first column."""
    if len(columns) < 2:
        raise UsageError("--pareto: name two columns or more, separated by commas")
    if table.per:
        raise UsageError("--pareto and --per exclude each other: use --where for one group")
    check_columns(columns, list(table.results.columns), "--pareto")
    condition = pareto_front.condition(table.connection, table.source, table.where, columns)
    signs = [better(column) or 1 for column in columns]
    keys = [f"{s} * {sql.name(c)}::DOUBLE" for s, c in zip(signs, columns, strict=True)]
    front = f"(SELECT {table.placed} FROM {table.source} WHERE {condition})"
    rows = table.first(front, REF, [*keys, REF], ["1"], None)
    directions = (
        f"{c} ({'larger' if s < 0 else 'smaller'} is better)"
        for s, c in zip(signs, columns, strict=True)
    )
    order_text = f"non-dominated in {', '.join(directions)}"
    return Ranking(rows, order_text, table.results, pareto=tuple(columns))
