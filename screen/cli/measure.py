"""`muli measure`: a property with its error from a file of measured or calculated data."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from muli.screen.errors import UsageError
from muli.screen.terminal import say, tell, working

EXAMPLES = """Examples:

  muli measure examples/polarisation.csv --um 500 --cm2 0.785

  muli measure transient.csv --um 500 --cm2 0.785 --celsius 60 --json

  muli measure examples/polarisation.csv --um 500 --cm2 0.785 --name "my film" --out my_row.csv

  muli measure examples/defects.csv --mu-n 0.5 --mu-p 0.02 --name "my phase" --out my_phase.csv

  muli measure resistance.csv --cm2 0.785 --drive 1.71 --interphase-nm 540
"""


def measure(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV of any dialect, or .xlsx.")],
    um: Annotated[float | None, typer.Option(help="Thickness of the sample, um.")] = None,
    cm2: Annotated[float | None, typer.Option(help="Area of the sample, cm2.")] = None,
    celsius: Annotated[
        float | None, typer.Option(help="Temperature, degrees Celsius.  [default: 25]")
    ] = None,
    reference: Annotated[
        float | None,
        typer.Option(help="Potential of the reversible electrode, V vs Li/Li+.  [default: 0]"),
    ] = None,
    symmetric: Annotated[
        bool, typer.Option("--symmetric", help="Both electrodes block ions.")
    ] = False,
    window: Annotated[
        tuple[float, float] | None,
        typer.Option(metavar="LOW HIGH", help="Of the sample, V vs Li/Li+; fitted inside alone."),
    ] = None,
    mu_n: Annotated[
        float | None, typer.Option("--mu-n", help="Mobility of electrons, cm2/(V s).")
    ] = None,
    mu_p: Annotated[
        float | None, typer.Option("--mu-p", help="Mobility of holes, cm2/(V s).")
    ] = None,
    drive: Annotated[
        float | None, typer.Option(help="From the electrolyte's limit to the electrode, V.")
    ] = None,
    interphase_nm: Annotated[
        float | None, typer.Option(help="Thickness of the interphase at the last time, nm.")
    ] = None,
    charge: Annotated[
        float | None, typer.Option(help="Charge in the interphase at the last time, uAh/cm2.")
    ] = None,
    volume: Annotated[
        float | None, typer.Option(help="Volume of products per charge, cm3/C.")
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the material in --out.")] = "",
    formula: Annotated[str, typer.Option(help="Its formula, where the name is none.")] = "",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a row for a table of materials.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw it: .svg, .png or .pdf.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
) -> None:
    """sigma_ele(E) from a polarisation series (Hebb-Wagner), a current transient, or a calculation
    of defects; an interphase's numbers from its resistance over time.

    The headings tell what a file holds. A voltage (V, mV) with a current (A to pA) or a current
    density (A/cm2 ...): --um and --cm2 of the sample; one voltage with times is a transient. E or
    mu_Li with concentrations n and p: mobilities as columns or options. A resistance (ohm, ohm cm2)
    with times: R_0 + k sqrt(t).
    """
    from muli.screen.inputs import PICTURES, check_output
    from muli.screen.measuring.reading import Options, measure_file
    from muli.screen.measuring.resistance import GrowthMeasured
    from muli.screen.measuring.words import growth_sentences, row_of, sentences, write_row
    from muli.screen.views.formats import write_json

    for path, option, endings in ((out, "--out", ()), (picture, "--picture", PICTURES)):
        if path is not None:
            check_output(path, option, endings)
    options = Options(um, cm2, celsius, reference, symmetric or None, window, mu_n, mu_p, drive,
                      interphase_nm, charge, volume)  # fmt: skip
    with working("fitting"):
        result = measure_file(file, options)
    if isinstance(result, GrowthMeasured):
        if out is not None or picture is not None:
            raise UsageError("--out and --picture are for sigma_ele; this file holds resistances")
        content, lines = asdict(result), growth_sentences(result)
    else:
        if out is not None:
            write_row(row_of(result, name or file.stem, formula), result.measured, out)
            tell(f"row for a table of materials: {out}")
        if picture is not None:
            from muli.screen.pictures.measure import draw_measurement

            draw_measurement(result, picture)
            tell(f"picture: {picture}")
        content, lines = asdict(result.measured), sentences(result.measured)
    if json:
        write_json(content | content.pop("numbers"), sys.stdout)
    else:
        say("\n".join(lines))
