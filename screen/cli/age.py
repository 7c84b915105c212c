"""`muli age`: interphases that grow in the cells of a JSON file, as a table and a picture."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from muli.screen.terminal import say

EXAMPLES = """Examples:

  muli age cells.json                      a table

  muli age cells.json --json > aged.json

  muli age cells.json --out aged.svg       thickness and resistance against time
"""


def age(
    file: Annotated[Path, typer.Argument(metavar="FILE.json", help="Cells, see docs/ageing.md.")],
    json: Annotated[bool, typer.Option("--json", help="All answers as a JSON list.")] = False,
    out: Annotated[Path | None, typer.Option(help="Picture: .svg, .png or .pdf.")] = None,
) -> None:
    """Grow interphases where the electrolyte is not protected: thickness and resistance in time.

    Everything is computed in float64. Exit 0 also where some cells have a reason, not an answer.
    """
    import jax

    jax.config.update("jax_enable_x64", True)
    from muli.screen.solving.age import age_file
    from muli.screen.solving.age_file import read_cells
    from muli.screen.views.age import age_table
    from muli.screen.views.formats import write_json

    answers: list[dict[str, Any]] = age_file(file)
    if out is not None:
        from muli.screen.pictures.age import draw_ageing

        draw_ageing(read_cells(file), answers, out)
    if json:
        write_json(answers, sys.stdout)
    else:
        say(age_table(read_cells(file), answers))
