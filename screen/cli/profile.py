"""`muli profile`: E(x) through the stacks of a JSON file, as a table and a picture."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from muli.screen.terminal import say, terminal_width, working

EXAMPLES = """Examples:

  muli profile stacks.json

  muli profile stacks.json --points 11 --csv > profile.csv

  muli profile stacks.json --out profile.svg
"""


def profile(
    file: Annotated[Path, typer.Argument(metavar="FILE.json", help="Stacks, as `muli solve`.")],
    points: Annotated[int, typer.Option(min=2, max=100_001, help="Places in each layer.")] = 21,
    csv: Annotated[bool, typer.Option("--csv", help="CSV on stdout.")] = False,
    json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
    out: Annotated[Path | None, typer.Option(help="Picture: .svg, .png or .pdf.")] = None,
    stack: Annotated[int, typer.Option(min=0, help="Which stack to draw, from 0.")] = 0,
) -> None:
    """Print the lithium potential through every stack of a file, in float64."""
    import jax

    jax.config.update("jax_enable_x64", True)
    from muli.screen.inputs import PICTURES, check_output
    from muli.screen.pictures.profile import draw_profile
    from muli.screen.solving.solve_file import profile_table, solved_stacks
    from muli.screen.views.formats import records, write_csv, write_json

    if out is not None:
        check_output(out, "--out", PICTURES)
    with working("solving"):
        stacks, solved = solved_stacks(file)
    if out is not None:
        draw_profile(stacks, solved, out, stack)
    table = profile_table(stacks, solved, points)
    if json:
        write_json(records(table), sys.stdout)
    elif csv:
        write_csv(table, sys.stdout)
    else:
        say(table.to_string(index=False, line_width=terminal_width()))
