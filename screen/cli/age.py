"""`muli age`: interphases that grow in the cells of a file, as a table and a picture."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from muli.screen.terminal import say, working

EXAMPLES = """Examples:

  muli age cells.json                      a table

  muli age cell.toml                       the cells of a spec, and without a coating

  muli age cells.json --json > aged.json

  muli age cells.json --out aged.svg       thickness and resistance against time
"""


def age(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Cells in JSON (docs/ageing.md), or a spec in TOML."),
    ],
    json: Annotated[bool, typer.Option("--json", help="All answers as a JSON list.")] = False,
    out: Annotated[Path | None, typer.Option(help="Picture: .svg, .png or .pdf.")] = None,
) -> None:
    """Grow interphases where the electrolyte is not protected: thickness and resistance in time.

    Everything is computed in float64. Exit 0 also where some cells have a reason, not an answer.
    """
    import jax

    jax.config.update("jax_enable_x64", True)
    from muli.screen.inputs import PICTURES, check_output
    from muli.screen.solving.age import answers_to
    from muli.screen.solving.age_file import read_cells
    from muli.screen.solving.age_spec import cells_of
    from muli.screen.views.age import age_table
    from muli.screen.views.formats import write_json

    if out is not None:
        check_output(out, "--out", PICTURES)
    with working("growing interphases"):
        cells = cells_of(file) if file.suffix == ".toml" else read_cells(file)
        answers: list[dict[str, Any]] = answers_to(cells)
    if out is not None:
        from muli.screen.pictures.age import draw_ageing

        draw_ageing(cells, answers, out)
    if json:
        write_json(answers, sys.stdout)
    else:
        say(age_table(cells, answers))
