"""`muli cell`: the answer for a cell of the user, in words and numbers."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from muli.screen.terminal import say, tell, terminal_width, working

EXAMPLES = """Examples:

  muli cell --electrolyte Li6PS5Cl --um 40 --coating LiNbO3 --nm 3.5 --cathode NMC811

  muli cell --electrolyte Li6PS5Cl --um 40 --coating LiNbO3 --nm 3.5 --cathode 4.3 --anode Li-In
  --celsius 60 --sigma-ele 5e-12 --sigma-ion 3e-7 --picture profile.svg --save cell.toml

  muli cell --electrolyte Li6PS5Cl --um 40 --cathode NMC811 --json    without a coating
"""


def cell(
    electrolyte: Annotated[str, typer.Option(metavar="NAME", help="Electrolyte.")],
    um: Annotated[float, typer.Option(help="Its thickness, um.")],
    cathode: Annotated[str, typer.Option(metavar="NAME|V", help="Cathode, or its potential.")],
    coating: Annotated[str | None, typer.Option(metavar="NAME", help="Coating [none].")] = None,
    nm: Annotated[float | None, typer.Option(help="Its thickness, nm.")] = None,
    anode: Annotated[
        str | None, typer.Option(metavar="NAME|V", help="Anode, or its potential [Li].")
    ] = None,
    celsius: Annotated[float | None, typer.Option(help="Temperature [25].")] = None,
    sigma_ele: Annotated[float | None, typer.Option(help="Of the coating there, S/cm.")] = None,
    sigma_ion: Annotated[float | None, typer.Option(help="Of the coating there, S/cm.")] = None,
    electrolyte_sigma_ele: Annotated[
        float | None, typer.Option(help="Of the electrolyte there, S/cm.")
    ] = None,
    electrolyte_sigma_ion: Annotated[
        float | None, typer.Option(help="Of the electrolyte there, S/cm.")
    ] = None,
    current: Annotated[
        float | None, typer.Option(help="mA/cm2, positive on discharge [0].")
    ] = None,
    state: Annotated[
        str | None, typer.Option(help="Of the cathode: charged or discharged [charged].")
    ] = None,
    boundary: Annotated[
        str | None, typer.Option(help="Anode side: auto, electrode or interphase [auto].")
    ] = None,
    budget: Annotated[
        float | None, typer.Option(help="ohm cm2 that the coating may have [10].")
    ] = None,
    table: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="CSV with materials of your own.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw E(x): .svg, .png or .pdf.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the spec for `muli run`.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
) -> None:
    """Is my electrolyte protected, by how much, at what cost, how sure, and how does it age.

    The numbers are those of `muli run` for the saved spec, in float64. What was assumed is listed.
    """
    options = dict(locals())
    import jax

    jax.config.update("jax_enable_x64", True)
    from muli.screen.inputs import PICTURES, check_output
    from muli.screen.interactive.cell import cell as ask
    from muli.screen.views.cell import cell_text
    from muli.screen.views.formats import write_json

    if picture is not None:
        check_output(picture, "--picture", PICTURES)
    if save is not None:
        check_output(save, "--save", (".toml",))
    for name in ("table", "picture", "save", "json"):
        del options[name]
    for name in ("cathode", "anode"):
        options[name] = _number_or_name(options[name])
    with working("solving"):
        my_cell = ask(**options, tables=table or ())
    if picture is not None:
        my_cell.plot(picture)
        tell(f"picture: {picture}")
    if save is not None:
        my_cell.save(save)
        tell(f"spec: {save}")
    if json:
        write_json(my_cell.solve(), sys.stdout)
    else:
        say(cell_text(my_cell.answer, min(terminal_width(), 100)))


def _number_or_name(text: str | None) -> Any:
    """A potential if the text is a number, else a name."""
    try:
        return text if text is None else float(text)
    except ValueError:
        return text
