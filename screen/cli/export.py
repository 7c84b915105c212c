"""`muli export`: one row of a run for a cell model, BPX or PyBaMM, or as CSV."""

from pathlib import Path
from typing import Annotated

import typer

from muli.screen.terminal import tell

EXAMPLES = """Examples:

  muli rank first --json                                    prints row_id of every row

  muli export first --row-id 24 --format bpx --out cell.json

  muli export first --row-id 24 --format pybamm --cm2 10 --out cell.json
"""


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a run.")],
    row_id: Annotated[int, typer.Option("--row-id", metavar="N", help="The row's id.")],
    form: Annotated[str, typer.Option("--format", metavar="bpx|pybamm|csv", help="Of the file.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="A new file.")],
    cm2: Annotated[
        float, typer.Option(help="Electrode area that resistances in ohm are given for, cm2.")
    ] = 1.0,
) -> None:
    """Write one row of a run: BPX 1.1, a PyBaMM parameter dictionary (JSON), or CSV.

    What the format asks for and the row does not know is left out. A file that exists is not
    overwritten.
    """
    from muli.screen.exports import export as write
    from muli.screen.exports.pybamm import AREA, NAMES, parameters

    row = write(folder, row_id, form, out, area_cm2=cm2)
    for warning in row.warnings:
        tell(f"warning: {warning}")
    tell(f"{row.title}: {out}")
    if form == "csv":
        return
    values = parameters(row, cm2)
    if form == "pybamm" and (unknown := [name for name in NAMES if name not in values]):
        tell(f"left out, not known: {', '.join(unknown)}")
    if AREA in values:
        tell(f"the contact resistance is that of an electrode of {cm2:g} cm2 (--cm2)")
    else:
        tell("left out: the contact resistance, asr_coating_ohm_cm2 is not known")
