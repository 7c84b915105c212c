"""`muli measure`: a polarisation series or a current transient becomes sigma_ele."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from muli.screen.terminal import say, tell

EXAMPLES = """Examples:

  muli measure examples/polarisation.csv --um 500 --cm2 0.785

  muli measure transient.csv --um 500 --cm2 0.785 --celsius 60 --json

  muli measure examples/polarisation.csv --um 500 --cm2 0.785 --name "my film" --out my_row.csv
"""
CELSIUS = 273.15


def measure(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV of any dialect, or .xlsx.")],
    um: Annotated[float, typer.Option(help="Thickness of the sample, um.")],
    cm2: Annotated[float, typer.Option(help="Area of the sample, cm2.")],
    celsius: Annotated[float, typer.Option(help="Temperature, degrees Celsius.")] = 25.0,
    reference: Annotated[
        float, typer.Option(help="Potential of the reversible electrode, V vs Li/Li+.")
    ] = 0.0,
    symmetric: Annotated[
        bool, typer.Option("--symmetric", help="Both electrodes block ions.")
    ] = False,
    name: Annotated[str, typer.Option(help="Name of the material in --out.")] = "",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a row for a table of materials.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw it: .svg, .png or .pdf.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
) -> None:
    """sigma_ele(E) by the Hebb-Wagner method, with its error; a transient's steady value.

    The file has a voltage (V, mV) and a current (A to pA) or a current density (A/cm2 ...); one
    voltage with times is a transient.
    """
    from muli.screen.measuring import Geometry, fit_series, read_series
    from muli.screen.measuring.words import row_of, sentences, write_row
    from muli.screen.views.formats import write_json

    geometry = Geometry(um * 1e-4, cm2, celsius + CELSIUS, reference, not symmetric)
    series = read_series(file, geometry)
    found = fit_series(series)
    if out is not None:
        write_row(row_of(found, series, name or file.stem, file), found, out)
        tell(f"row for a table of materials: {out}")
    if picture is not None:
        from muli.screen.pictures.measure import draw_measurement

        draw_measurement(series, found, picture)
        tell(f"picture: {picture}")
    if json:
        content = asdict(found)
        write_json(content | content.pop("numbers"), sys.stdout)
    else:
        say("\n".join(sentences(found)))
