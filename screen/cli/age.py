"""`muli age`: interphases that grow in the cells of a file, as a table and a picture."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from muli.screen.terminal import say, tell, working

if TYPE_CHECKING:
    from muli.screen.solving.age_file import AgeEntry

EXAMPLES = """Examples:

  muli age cells.json                      a table

  muli age cell.toml                       the cells of a spec, and without a coating

  muli age cells.json --json > aged.json

  muli age cells.json --out aged.svg       thickness and resistance against time

  muli age cell.toml --out aged.html       a page, as muli report makes them
"""


def age(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Cells in JSON (docs/ageing.md), or a spec in TOML."),
    ],
    json: Annotated[bool, typer.Option("--json", help="All answers as a JSON list.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Picture (.svg, .png, .pdf) or page (.html).")
    ] = None,
) -> None:
    """Grow interphases where the electrolyte is not protected: thickness and resistance in time.

    Cells of a spec have a band, 5 to 95 % of what is known; what has no one value has its median.
    Everything is computed in float64. Exit 0 also where some cells have a reason, not an answer.
    """
    import jax

    from muli.screen.inputs import PICTURES, check_output

    if out is not None:
        check_output(out, "--out", (*PICTURES, ".html"))
    jax.config.update("jax_enable_x64", True)
    from muli.screen.views.age import age_table
    from muli.screen.views.formats import write_json

    with working("ageing the cells"):
        cells, answers, notes = _aged(file)
    if out is not None:
        _draw(file, cells, answers, notes, out)
    for note in notes:
        tell(f"note: {note}")
    if json:
        write_json(answers, sys.stdout)
    else:
        say(age_table(cells, answers))


def _aged(file: Path) -> "tuple[list[AgeEntry], list[dict[str, Any]], list[str]]":
    """Cells of a file or a spec, their answers, and what a reader must know."""
    if file.suffix == ".toml":
        from muli.screen.solving.age_spec import age_spec

        return age_spec(file)
    from muli.screen.solving.age import answers_to
    from muli.screen.solving.age_file import read_cells

    cells = read_cells(file)
    return cells, answers_to(cells), []


def _draw(
    file: Path,
    cells: "list[AgeEntry]",
    answers: list[dict[str, Any]],
    notes: list[str],
    out: Path,
) -> None:
    """Write the picture or the page. Raises `UsageError` if the extra is not installed."""
    from muli.candidates.environment import install_command
    from muli.screen.errors import UsageError

    if out.suffix != ".html":
        from muli.screen.pictures.age import draw_ageing

        draw_ageing(cells, answers, out)
        return
    try:
        from muli.screen.report.aged import write_aged

        command = shlex.join(["muli", "age", str(file), "--out", str(out)])
        write_aged(cells, answers, notes, file, command, out)
    except ModuleNotFoundError as error:
        raise UsageError(f"--out needs {error.name}: {install_command('report')}") from None
    tell(f"page: {out}")
