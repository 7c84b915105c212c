"""`muli candidates`: the materials, where their numbers come from, and how to bring your own."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from muli.candidates.environment import install_command, muli_command
from muli.screen.terminal import counting, say, tell, terminal_width

if TYPE_CHECKING:
    import pandas as pd

    from muli.candidates.importers import Imported
    from muli.candidates.users.check import Report

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Materials: list, show, validate your own, import and compute tables, ready cells.",
)
_SHOWN = (
    "name",
    "role",
    "family",
    "form",
    "sigma_ion_S_cm",
    "sigma_ele_S_cm",
    "reduction_limit_V",
    "oxidation_limit_V",
)
_NARROW = {
    "name": "name",
    "role": "role",
    "sigma_ion_S_cm": "ion S/cm",
    "sigma_ele_S_cm": "ele S/cm",
    "reduction_limit_V": "red. V",
    "oxidation_limit_V": "ox. V",
}
"""Columns of a narrow terminal, with their headings."""
_WIDE = 145
AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="CSV on stdout.")]


@contextmanager
def usable_input() -> Iterator[None]:
    """Turn errors of `candidates` about unusable input into errors with an exit code, same text."""
    from muli.candidates.computing.checkpoint import ResumeRefused as Refused
    from muli.screen.errors import ResumeRefused, UsageError

    try:
        yield
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is not installed: {install_command('thermo')}") from None
    except Refused as error:
        raise ResumeRefused(str(error)) from None
    except (ValueError, LookupError) as error:
        raise UsageError(str(error)) from None
    except OSError as error:
        raise UsageError(f"{error.filename}: {error.strerror}") from None


@app.command("list")
def list_(
    table: Annotated[str, typer.Option(help="library or materials-project.")] = "library",
    role: Annotated[
        str | None, typer.Option(help="coating, electrolyte, cathode or anode.")
    ] = None,
    where: Annotated[str | None, typer.Option(metavar="SQL", help="A condition.")] = None,
    file: Annotated[list[Path] | None, typer.Option(help="A CSV of yours to add.")] = None,
    json: AsJson = False,
    csv: AsCsv = False,
) -> None:
    """List materials with the default value of every property; missing is missing."""
    from muli import candidates
    from muli.screen.views.formats import records, write_csv, write_json

    with usable_input():
        frame = candidates.load(file or (), table=table, role=role, where=where)
    if json:
        write_json(records(frame), sys.stdout)
    elif csv:
        write_csv(frame, sys.stdout)
    else:
        _print_table(frame)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A material, e.g. LiNbO3.")],
    json: AsJson = False,
) -> None:
    """Show every value known of a material, its sources, and which one is the default and why."""
    from muli import candidates
    from muli.screen.views.formats import records, write_json

    with usable_input():
        if json:
            page = {"values": records(candidates.values(name)), "evidence": _evidence(name)}
            write_json(page, sys.stdout)
        else:
            say(candidates.show(name))


def _evidence(name: str) -> dict[str, dict[str, object]]:
    """Distributions by property for `show --json`; none for an electrode."""
    from dataclasses import asdict

    from muli.candidates.evidence import of
    from muli.candidates.names import resolve
    from muli.candidates.wide import library

    frame = library()
    roles = set(frame.loc[frame["name"] == resolve(name), "role"].iloc[0].split("; "))
    if not {"coating", "electrolyte"} & roles:
        return {}
    return {prop: asdict(distribution) for prop, distribution in of(name).items()}


_PRIORS_SHORT = {
    "mean_log10": "mean",
    "sd_between_materials": "+- mat.",
    "sd_between_samples": "+- samp.",
}


@app.command()
def priors(json: AsJson = False) -> None:
    """Print what a conductivity is before it is measured: mean and spreads of every group."""
    from muli.candidates.evidence import priors as table
    from muli.screen.views.formats import records, write_json

    if json:
        write_json(records(table()), sys.stdout)
        return
    say("log10 sigma (S/cm) of a film of a new material of each group, and its spreads")
    for name, rows in table().groupby("property", sort=False):
        frame = rows.drop(columns="property").rename(columns=_PRIORS_SHORT)
        say(f"\n{name}\n{frame.to_string(index=False, float_format='{:.2f}'.format)}")


@app.command()
def validate(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A table of yours: CSV of any dialect, .xlsx.")
    ],
    json: AsJson = False,
    fix: Annotated[
        Path | None,
        typer.Option(metavar="OUT.csv", help="Write the good rows as a clean table."),
    ] = None,
) -> None:
    """Check a table of yours: what each column was taken for, and every problem of every row.

    --fix writes the rows without a problem under our headings, in our units; no value is invented.
    """
    from muli import candidates
    from muli.screen.errors import UsageError
    from muli.screen.views.formats import write_json

    if not file.is_file():
        raise UsageError(f"{file}: {'a folder' if file.is_dir() else 'no such file'}")
    with usable_input():
        report = candidates.validate(file)
        if fix:
            _write_fixed(report, file, fix)
    if json:
        problems = [vars(problem) for problem in report.problems]
        about = {"rows": len(report.rows), "columns": report.lines, "read_as": report.notes}
        write_json(about | {"problems": problems}, sys.stdout)
    else:
        if report.lines:
            say(report.understood())
        say(report)
    if report.problems:
        raise typer.Exit(2)


def _write_fixed(report: "Report", file: Path, out: Path) -> None:
    """Write the good rows of a table to a new file; no existing file is overwritten."""
    from muli.candidates.files import write_atomically
    from muli.screen.errors import UsageError

    if out.exists():
        raise UsageError(f"{out} exists already: give --fix another name")
    if not len(report.rows):
        raise UsageError(
            f"{file}: no good row to write; {len(report.problems)} problems, see below"
        )
    write_atomically(out, report.fixed().encode())
    bad = len({problem.row for problem in report.problems})
    tell(f"{len(report.rows):,} rows written to {out}, {bad:,} rows with problems left out")


@app.command()
def cells(json: AsJson = False) -> None:
    """List the ready cells: specs of well-known cells to start from."""
    from muli import candidates
    from muli.screen.views.formats import write_json

    ready_cells = candidates.cells()
    if json:
        keys = ("name", "title", "note", "spec")
        write_json([{key: getattr(cell, key) for key in keys} for cell in ready_cells], sys.stdout)
    else:
        for cell in ready_cells:
            say(f"{cell.name:24}  {cell.title}\n{'':26}{cell.path}")


@app.command("import")
def import_(
    source: Annotated[
        str,
        typer.Argument(
            help="A file, a folder of pages, or an OPTIMADE URL; "
            "`materials-project` asks it with your MP_API_KEY."
        ),
    ],
    out: Annotated[Path, typer.Option(help="CSV of formation energies to write.")],
    elements: Annotated[str | None, typer.Option(help="For live sources: Li,Nb,O.")] = None,
    field: Annotated[str | None, typer.Option(help="OPTIMADE attribute, eV/atom.")] = None,
    thermo_type: Annotated[
        str, typer.Option(help="Materials Project hull: GGA_GGA+U, R2SCAN, GGA_GGA+U_R2SCAN.")
    ] = "GGA_GGA+U",
) -> None:
    """Read computed energies, check them as one consistent set, write them as CSV."""
    with usable_input():
        from muli.candidates.importers import write_energies

        imported = _fetched(source, elements, field, thermo_type)
        write_energies(imported.energies, out)
    _tell_rejected(imported)
    tell(
        f"{len(imported.energies.formulas):,} energies written to {out}, "
        f"{len(imported.rejected):,} left out; "
        f"next: {muli_command()} candidates compute --energies {out} --out table.csv"
    )


@app.command()
def compute(
    energies: Annotated[Path, typer.Option(metavar="FILE", help="Energies, any known format.")],
    out: Annotated[Path, typer.Option(help="Table to write (.csv or .csv.gz).")],
    gaps: Annotated[Path | None, typer.Option(help="Band gaps by formula (CSV).")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    source: Annotated[str | None, typer.Option(help="What to call these energies.")] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Begin anew.")] = False,
) -> None:
    """Compute windows and reaction energies of every lithium compound of a table of energies."""
    with usable_input(), _interruptible(), counting() as progress:
        from muli.candidates.computing.compute import compute as judge
        from muli.candidates.importers import read_energies, read_gaps

        imported = read_energies(energies, {"source": source} if source else None)
        _tell_rejected(imported)
        result = judge(
            imported.energies,
            out,
            gaps=read_gaps(gaps) if gaps else None,
            workers=workers,
            restart=restart,
            progress=progress,
        )
    tell(
        f"{result.rows:,} rows written to {out} in {result.seconds:.0f} s, "
        f"{len(result.failed):,} of them with a reason instead of numbers"
    )


@app.command()
def compare(
    reactions: Annotated[bool, typer.Option("--reactions", help="Reaction energies.")] = False,
    json: AsJson = False,
) -> None:
    """Set the computed windows (or reaction energies) beside every published one."""
    from muli.candidates.published import compare_reactions, compare_windows
    from muli.screen.views.formats import records, write_csv, write_json

    frame = (compare_reactions() if reactions else compare_windows()).round(3)
    if json:
        write_json(records(frame), sys.stdout)
    else:
        write_csv(frame, sys.stdout)


@contextmanager
def _interruptible() -> Iterator[None]:
    from muli.screen.errors import Interrupted

    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted("stopped; the same command goes on from the finished parts") from None


def _tell_rejected(imported: "Imported") -> None:
    for text in imported.rejected[:20]:
        tell(f"left out: {text}")
    if len(imported.rejected) > 20:
        tell(f"left out: {len(imported.rejected) - 20:,} more")


def _fetched(source: str, elements: str | None, field: str | None, thermo_type: str) -> "Imported":
    from muli.candidates.importers import fetch_materials_project, fetch_optimade, read_energies
    from muli.screen.errors import UsageError

    live = source == "materials-project" or source.startswith(("http://", "https://"))
    if not live:
        return read_energies(Path(source), field=field)
    if not elements:
        raise UsageError("--elements is missing: which elements, e.g. --elements Li,Nb,O")
    symbols = [element.strip() for element in elements.split(",")]
    if source == "materials-project":
        return fetch_materials_project(symbols, thermo_type)
    return fetch_optimade(source, symbols, field)


def _print_table(frame: "pd.DataFrame") -> None:
    """Print the most important columns; `show` prints the others."""
    from muli.screen.views.table import figure, safe

    narrow = terminal_width() < _WIDE

    def cell(value: object) -> str:
        if isinstance(value, str):
            return safe(value, 24 if narrow else 28)
        return figure(None if value is None or value != value else float(str(value)))

    titles = _NARROW if narrow else {name: name for name in _SHOWN}
    columns = [column for column in titles if column in frame]
    headings = [titles[column] for column in columns]
    rows = [headings, *([cell(v) for v in row] for row in frame[columns].itertuples(index=False))]
    widths = [max(len(row[i]) for row in rows) for i in range(len(columns))]
    for row in rows:
        say("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
    tell(f"{len(frame):,} materials; muli candidates show NAME")
