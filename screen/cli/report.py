"""`muli report`: the results of a run as one self-contained page."""

from pathlib import Path
from typing import Annotated

import typer

from muli.screen.terminal import say, tell, working

EXAMPLES = """Examples:

  muli report first --out first.html

  muli report monday tuesday --out both.html

  muli report first --next --out first.html    with what to measure next
"""


def report(
    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR...", help="Folder of a run, or several.")
    ],
    out: Annotated[Path, typer.Option(help="The page to write.")] = Path("report.html"),
    measure: Annotated[
        bool,
        typer.Option("--next", help="Add what to measure next; takes a minute or so."),
    ] = False,
) -> None:
    """Write a page that can be mailed and opened without a network."""
    from muli.screen.dataset.results import open_results
    from muli.screen.inputs import check_output

    check_output(out, "--out", (".html", ".htm"))
    from muli.screen.report import report as write

    results = open_results(folders)
    for warning in results.warnings:
        tell(f"warning: {warning}")
    with working("judging measurements, drawing the page" if measure else "drawing the page"):
        path = write(results, out, measure=measure)
    say(path)
    tell(f"open {path} in a browser; nothing in it needs a network")
