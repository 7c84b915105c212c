"""`muli design` and `muli map`: the best coating by gradients, and the properties it needs."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from muli.screen.terminal import say, tell, terminal_width, working

if TYPE_CHECKING:
    import pandas as pd

    from muli.screen.optimize.maps import DesignMap

EXAMPLES = """Examples:

  muli design spec.toml                     the thinnest coating of every stack named

  muli design spec.toml --json > designs.json

  muli design spec.toml --out designs.html  a page, as muli report makes them

  muli design spec.toml --layers 2 --top 20 every ordered pair of the coatings named
"""
MAP_EXAMPLES = """Examples:

  muli map spec.toml --out map.svg

  muli map spec.toml --csv > boundaries.csv

  muli map spec.toml --only "Li3PS4, 100" --only NMC811 --out map.svg
"""
PICTURES = 12
"""Most pictures that are drawn by default; the tables have all cells."""


def design(
    spec: Annotated[Path, typer.Argument(metavar="SPEC.toml", help="What to design.")],
    layers: Annotated[
        int | None, typer.Option(min=2, max=4, help="Try every ordered choice of this many.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Rows shown with --layers.")] = 20,
    json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
    criteria: Annotated[
        str | None, typer.Option(metavar="LIST", help="Instead of the spec's: see below.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Also write a page.")
    ] = None,
) -> None:
    """Find the thinnest coating (or another objective) that does all that the criteria ask.

    --criteria: some of protects (the electrolyte in its window, no coating reduced), affordable
    (the resistance budget) and stable (no coating oxidised), with commas; transport: the first two.
    lives: within the budget for years, see [ageing]. By default those of [ranking] criteria in the
    spec. The answer names those applied.

    A problem without a solution is an answer: it says which constraints fight, and what could be
    done with one demand dropped.
    """
    from muli.screen.errors import UsageError
    from muli.screen.inputs import check_output
    from muli.screen.optimize import design as find
    from muli.screen.optimize.pairs import layered
    from muli.screen.spec import load
    from muli.screen.spec.criteria import with_criteria
    from muli.screen.views.formats import records, write_json

    if out is not None:
        if layers is not None:
            raise UsageError("--out and --layers exclude each other: a page shows single designs")
        check_output(out, "--out", (".html",))
    source = with_criteria(load(spec), criteria)
    if layers is not None:
        with working(f"designing every choice of {layers} coatings"):
            table = layered(source, layers).head(top)
        if json:
            write_json(records(table), sys.stdout)
        else:
            say("\n".join(_ranked_line(row) for _, row in table.iterrows()))
        return
    with working("designing"):
        designs = find(source)
    if out is not None:
        option = [] if criteria is None else ["--criteria", criteria]
        _write_page(designs, spec, ["muli", "design", str(spec), *option, "--out", str(out)], out)
    if json:
        write_json(designs, sys.stdout)
    else:
        say("\n\n".join(_described(answer) for answer in designs))


def _write_page(found: list[dict[str, Any]], spec: Path, command: list[str], out: Path) -> None:
    """Write the page of the designs. Raises `UsageError` if the extra is not installed."""
    from muli.candidates.environment import install_command
    from muli.screen.errors import UsageError

    try:
        from muli.screen.report.designs import write_designs

        write_designs(found, spec, shlex.join(command), out)
    except ModuleNotFoundError as error:
        raise UsageError(f"--out needs {error.name}: {install_command('report')}") from None
    tell(f"page: {out}")


def design_map(
    spec: Annotated[Path, typer.Argument(metavar="SPEC.toml", help="The cell, and coatings.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Picture: .svg, .png or .pdf.")
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Boundaries as CSV on stdout.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Everything as JSON on stdout.")] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT", help="Only cells whose title has this in it; may be repeated."
        ),
    ] = None,
    pictures: Annotated[int, typer.Option(min=1, help="Most pictures to draw.")] = PICTURES,
) -> None:
    """Map the coating properties that keep the electrolyte stable within the resistance budget.

    Several cells in a spec give several pictures, numbered.
    """
    import pandas as pd

    from muli.screen.errors import UsageError
    from muli.screen.inputs import PICTURES as PICTURE_ENDINGS
    from muli.screen.inputs import check_output
    from muli.screen.optimize.maps import design_maps
    from muli.screen.pictures.map import draw_map
    from muli.screen.spec import load
    from muli.screen.views.formats import write_csv, write_json

    if csv and json:
        raise UsageError("--csv and --json exclude each other")
    if out is not None:
        check_output(out, "--out", PICTURE_ENDINGS)
    source = load(spec)
    with working("mapping"):
        maps = _chosen(design_maps(source), only or [])
    if out is not None:
        for i, cell_map in enumerate(maps[:pictures]):
            path = out if len(maps) == 1 else out.with_stem(f"{out.stem}-{i + 1}")
            draw_map(cell_map, path)
            tell(f"{path}: {cell_map.title}")
        if len(maps) > pictures:
            note = f"{len(maps) - pictures} of {len(maps)} cells are not drawn, only tabled"
            tell(f"{note}: choose with --only TEXT, or --pictures {len(maps)}")
    if json:
        write_json([_as_json(cell_map) for cell_map in maps], sys.stdout)
    elif csv:
        write_csv(pd.concat([m.boundaries.assign(cell=m.title) for m in maps]), sys.stdout)
    else:
        say("\n\n".join(_map_text(cell_map) for cell_map in maps))


def _chosen(maps: "list[DesignMap]", only: list[str]) -> "list[DesignMap]":
    """The maps whose titles contain every text. Raises `UsageError` if there is none."""
    from muli.screen.errors import UsageError

    chosen = [
        cell_map
        for cell_map in maps
        if all(text.lower() in cell_map.title.lower() for text in only)
    ]
    if not chosen:
        texts = " and ".join(repr(text) for text in only)
        titles = "\n  ".join(cell_map.title for cell_map in maps[:PICTURES])
        raise UsageError(
            f"--only: no cell has {texts} in its title; the first cells are\n  {titles}"
        )
    return chosen


def _ranked_line(row: "pd.Series[Any]") -> str:
    if not row["feasible"]:
        return f"{row['coating']}: no ({row['why']})"
    layers = " + ".join(f"{t:.3g}" for t in row["thickness_nm"])
    better = "better than either alone; " if row["beats_members"] else ""
    asr = f"{row['asr_coating_ohm_cm2']:.3g} ohm cm2"
    return f"{row['coating']}: {layers} nm, {asr}; {better}{row['why']}"


def _described(found: dict[str, Any]) -> str:
    """One design in a few lines."""
    if "life_years" in found:
        from muli.screen.views.life import life_text

        return life_text(found)
    cell = (
        f"{found['coating']} on {found['electrolyte']} ({found['electrolyte_thickness_um']:g} um)"
    )
    head = f"{cell}, cathode {found['cathode']}, anode {found['anode']}: {found['status']}"
    side, criteria = f"{found['anode_side_V']:g} V", ", ".join(found["criteria"])
    lines = [head, f"  boundary {found['boundary']}, anode side {side}; asked: {criteria}"]
    lines += _scenario(found)
    if found["feasible"]:
        layers = " + ".join(f"{t:.4g}" for t in found["thickness_nm"])
        asr = found["asr_coating_ohm_cm2"]
        lines.append(f"  {layers} nm; coating and contacts {asr:.3g} ohm cm2")
        lines.append("  potentials (V): " + ", ".join(f"{E:.4f}" for E in found["nodes_V"]))
        lines += [f"  {name}: {value:.4g}" for name, value in found["variables"].items()]
        if found["active_constraints"]:
            lines.append("  limited by: " + "; ".join(found["active_constraints"]))
    else:
        lines.append(f"  {found['message']}")
    lines += [f"  {demand}: {_relaxed(answer)}" for demand, answer in found["relaxed"].items()]
    lines += [f"  {_price(row)}" for row in found["price_of_certainty"]]
    return "\n".join([*lines, *(f"  note: {note}" for note in found["notes"])])


def _scenario(found: dict[str, Any]) -> list[str]:
    """Values of a scenario that a spec may vary, if they are not the defaults."""
    plain = {"temperature_K": 298.15, "current_density_mA_cm2": 0.0}
    values = [f"{key} {value:.4g}" for key, value in found.items() if "." in key]
    values += [f"{k} {found[k]:.4g}" for k, usual in plain.items() if found[k] != usual]
    return [f"  at {', '.join(values)}"] if values else []


def _relaxed(each: dict[str, Any]) -> str:
    if "price_of_certainty" in each:
        return "; ".join(_price(row) for row in each["price_of_certainty"] if row["thickness_nm"])
    layers = " + ".join(f"{t:.4g}" for t in each["thickness_nm"])
    return f"{layers} nm, {each['asr_coating_ohm_cm2']:.3g} ohm cm2"


def _price(row: dict[str, Any]) -> str:
    """Thickness and resistance for one probability."""
    if row["thickness_nm"] is None:
        return f"p = {row['probability']:g}: none"
    layers = " + ".join(f"{t:.4g}" for t in row["thickness_nm"])
    return f"p = {row['probability']:g}: {layers} nm, {row['asr_coating_ohm_cm2']:.3g} ohm cm2"


def _map_text(each: "DesignMap") -> str:
    width = terminal_width()
    rows = each.boundaries.iloc[::20]
    table = rows.to_string(index=False, float_format=lambda x: f"{x:.3g}", line_width=width)
    placed = each.materials[["name", "place"]].to_string(index=False, line_width=width)
    return f"{each.title}\n{table}\n\n{placed}"


def _as_json(each: "DesignMap") -> dict[str, Any]:
    from muli.screen.views.formats import records

    return {
        "title": each.title,
        "boundary": each.boundary,
        "anode_side_V": each.anode_side_V,
        "criteria": list(each.criteria),
        "asr_budget_ohm_cm2": each.budget,
        "boundaries": records(each.boundaries),
        "frontier": records(each.frontier),
        "materials": records(each.materials),
    }
