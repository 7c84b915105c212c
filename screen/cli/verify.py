"""`muli verify`: whether a result folder is as it was written."""

import sys
from pathlib import Path
from typing import Annotated

import typer

EXAMPLES = """Examples:

  muli verify first                     number of parts and rows, or what is wrong

  muli verify first && muli rank first
"""


def verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a run.")],
    json: Annotated[bool, typer.Option("--json", help="What was found as JSON.")] = False,
) -> None:
    """Compare every file of a run with what its manifest says: names, sizes, checksums.

    Exit code 0 where all is as it was written, 1 where something is not: one line a file.
    """
    from dataclasses import asdict

    from muli.screen.dataset.verify import verify as compare
    from muli.screen.terminal import say, tell, working
    from muli.screen.views.formats import write_json

    with working("reading every part"):
        result = compare(folder)
    if json:
        write_json({"ok": result.ok, **asdict(result)}, sys.stdout)
    else:
        for name, problem in result.problems.items():
            say(f"{name}: {problem}".replace("\n", " "))
        if result.ok:
            say(f"{result.parts:,} parts with {result.rows:,} rows are as they were written")
    if not result.complete:
        tell("the run is not finished; the same command continues it")
    if not result.ok:
        raise typer.Exit(1)
