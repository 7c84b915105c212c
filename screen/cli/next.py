"""`muli next`: which measurement is worth most."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from muli.screen.terminal import say, terminal_width, working

EXAMPLES = """Examples:

  muli next results/first

  muli next results/first --cell "electrolyte = 'Li3InCl6'" --top 5

  muli next results/first --json > worth.json
"""
TOP = 10


def next_(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Folders of runs.")],
    cell: Annotated[
        str | None, typer.Option(metavar="SQL", help="A condition on scenario columns.")
    ] = None,
    top: Annotated[int | None, typer.Option(min=1, help="Rows; with --json all.")] = None,
    json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
) -> None:
    """What to measure next: the gain in the best p_works if one property were known exactly.

    Coating and thickness are chosen anew after learning. "by another coating" is the part of the
    gain that another coating brings, the rest is the same coating at a better thickness.
    """
    from muli.screen.ranking.next import what_to_measure
    from muli.screen.views.formats import records, write_json
    from muli.screen.views.next import render_next

    with working("judging what each measurement may say"):
        rows = what_to_measure(folders, cell=cell)
    if json:
        write_json(records(rows if top is None else rows.head(top)), sys.stdout)
    else:
        say(render_next(rows, TOP if top is None else top, terminal_width()))
