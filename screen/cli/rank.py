"""`muli rank`: the best of one or several runs, as a table for people or for machines."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from muli.screen.terminal import say, tell, terminal_width, working

if TYPE_CHECKING:
    from muli.screen.ranking.rank import Ranking

EXAMPLES = """Examples:

  muli rank first                           the best of the reference scenario

  muli rank first --criteria transport --why

  muli rank first --per electrolyte,cathode --top 3

  muli rank first --per family --top 3      of every family

  muli rank first --where "electrolyte = 'Li6PS5Cl' AND cathode = 'NMC811'" --top 20

  muli rank first --by max_sigma_ele_at_L_max_S_cm

  muli rank first --pareto coating_thickness_nm,oxidation_margin_V --csv > front.csv

  muli rank first --where "electrolyte = 'Li6PS5Cl' AND cathode = 'NMC811'" --plot bands.svg
"""
TOP_PER_GROUP = 3


def rank(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Folders of runs.")],
    top: Annotated[
        int | None, typer.Option(min=1, help="Rows (10), or rows of each group (3).")
    ] = None,
    by: Annotated[str | None, typer.Option(metavar="COLUMN", help="Sort all rows by it.")] = None,
    where: Annotated[
        str | None, typer.Option(metavar="SQL", help="A condition on columns.")
    ] = None,
    per: Annotated[
        str | None, typer.Option(metavar="COLUMN,...", help="Rank apart in each.")
    ] = None,
    pareto: Annotated[
        str | None, typer.Option(metavar="A,B[,C]", help="Non-dominated rows.")
    ] = None,
    criteria: Annotated[
        str | None,
        typer.Option(metavar="LIST", help="transport, chemistry, or names with commas."),
    ] = None,
    why: Annotated[bool, typer.Option("--why", help="A sentence for every coating.")] = False,
    wide: Annotated[bool, typer.Option("--wide", help="More columns.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="CSV on stdout.")] = False,
    json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
    parquet: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a Parquet file.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw it: .svg, .png or .pdf.")
    ] = None,
) -> None:
    """Rank what runs found by the probability that a coating works, at one reference scenario.

    Coatings are ordered by p_works (the probability that all criteria hold), then by p_protects x
    p_affordable, resistance and name. Each stands once, at its recommended thickness. --criteria
    asks for some of protects, affordable, stable, inert: "transport" is the first two, "chemistry"
    the last three; and of lives where the spec has [ageing]. Runs with missing = "status" are
    ordered by facts, per electrolyte and cathode.
    Machine formats hold all columns.
    """
    from muli.screen.dataset.results import open_results
    from muli.screen.errors import UsageError
    from muli.screen.inputs import PICTURES, check_output
    from muli.screen.ranking.rank import TOP, ranking
    from muli.screen.views.overview import cell_columns, works
    from muli.screen.vocabulary import P_COLUMNS

    if sum((csv, json, parquet is not None)) > 1:
        raise UsageError("--csv, --json and --parquet exclude each other")
    if pareto and top is not None:
        raise UsageError("--pareto takes all non-dominated rows: leave --top away")
    if plot is not None:
        check_output(plot, "--plot", PICTURES)
    if parquet is not None:
        check_output(parquet, "--parquet")
    results = open_results(folders)
    for warning in results.warnings:
        tell(f"warning: {warning}")
    machine = csv or json or parquet is not None
    groups = _listed(per)
    believed = set(P_COLUMNS) <= set(results.columns)
    if criteria is not None and not believed:
        raise UsageError('--criteria: a run with missing = "status" has no probabilities')
    if believed and not (machine or groups or by or pareto or plot):
        count = TOP if top is None else top
        width = terminal_width()
        with working("ranking"):
            text = works(
                results, count, width, criteria=criteria, where=where, sentences=why, wide=wide
            )
        say(text)
        return
    if not (machine or groups or by or pareto or believed):
        groups = cell_columns(results)
    with working("ranking"):
        ranked = ranking(
            results,
            top=(TOP_PER_GROUP if groups else TOP) if top is None else top,
            by=by,
            per=groups,
            where=where,
            pareto=_listed(pareto),
            criteria=criteria,
        )
    if plot is not None:
        from muli.screen.pictures.ranking import draw_ranking

        draw_ranking(ranked, plot)
        tell(f"picture: {plot}")
    if machine:
        _for_machines(ranked, csv=csv, parquet=parquet)
    else:
        from muli.screen.views.table import render
        from muli.screen.views.works import render_works

        width = terminal_width()
        if ranked.criteria:
            say(render_works(ranked, None, width, sentences=why, wide=wide))
        else:
            say(render(ranked, width))


def _listed(text: str | None) -> list[str] | None:
    """Names in a comma-separated option; None if the option is absent."""
    if text is None:
        return None
    return [name.strip() for name in text.split(",") if name.strip()]


def _for_machines(found: "Ranking", *, csv: bool, parquet: Path | None) -> None:
    """Write rows to stdout or a file, and their order and scenario to stderr."""
    from muli.screen.views.formats import records, write_csv, write_json, write_parquet

    tell(f"order: {found.order}")
    if found.scenario:
        pins = ", ".join(f"{name} {value}" for name, value in found.scenario.items())
        tell(f"compared at: {pins} (name a column in --per or --where to open it)")
    if parquet is not None:
        write_parquet(found.rows, parquet)
        tell(f"{len(found.rows):,} rows written to {parquet}")
    elif csv:
        write_csv(found.rows, sys.stdout)
    else:
        write_json(records(found.rows), sys.stdout)
