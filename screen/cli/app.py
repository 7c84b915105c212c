"""The command `muli`: the command line of `screen`, `candidates` and `kernels`.

stdout has data, stderr messages. Exit codes: 0 ok, 1 rows failed under --strict, 2 usage or input,
3 resume refused, 4 device, 130 interrupted. Commands import large packages only when they run, so
that `muli --help` answers at once.
"""

import gc
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from muli.screen.cli import (
    age,
    backtest,
    candidates,
    cell,
    cite,
    design,
    doctor,
    export,
    measure,
    merge,
    profile,
    rank,
    report,
    run,
    solve,
    verify,
)
from muli.screen.cli import next as next_
from muli.screen.compiling.store import Store, use
from muli.screen.errors import ScreenError, StoreError, UsageError
from muli.screen.running import signals
from muli.screen.terminal import give_up_stdout, say, tell

NO_CACHE = "--no-cache"
_WRONG_WORDS: type[Exception] = typer.BadParameter.__mro__[1]
"""The exception that the parser of the command line raises."""


class _Commands(TyperGroup):
    """The commands; `--no-cache` may stand before or behind a command's name."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the options of `muli` before the name of the command."""
        options = args[: args.index("--")] if "--" in args else args
        if NO_CACHE in options:
            args = [
                NO_CACHE,
                *(word for word in options if word != NO_CACHE),
                *args[len(options) :],
            ]
        return super().parse_args(ctx, args)


app = typer.Typer(
    name="muli",
    cls=_Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Lithium-potential profiles through coatings and solid electrolytes: screen and rank.",
    epilog=(
        "First steps: `muli run --out first` screens the built-in library; "
        "`muli rank first` reads it; `muli report first` makes a page of it; "
        "`muli candidates show LiNbO3` shows where numbers come from."
    ),
)
COMMANDS: dict[str, tuple[Callable[..., Any], str, str]] = {
    "run": (run.run, run.EXAMPLES, "Screen every combination of a spec's axes and rank them."),
    "merge": (merge.merge, merge.EXAMPLES, "Put the shards of one screen together."),
    "verify": (verify.verify, verify.EXAMPLES, "Compare every file of a run with its checksum."),
    "rank": (rank.rank, rank.EXAMPLES, "Rank coatings by the probability that they work."),
    "measure": (measure.measure, measure.EXAMPLES, "Turn a laboratory's curve into sigma_ele(E)."),
    "next": (next_.next_, next_.EXAMPLES, "Which measurement is worth most."),
    "report": (
        report.report,
        report.EXAMPLES,
        "Write a page of a run; it opens without a network.",
    ),
    "export": (export.export, export.EXAMPLES, "Write one row for BPX, PyBaMM or CSV."),
    "design": (design.design, design.EXAMPLES, "Find the thinnest coating by gradients."),
    "map": (design.design_map, design.MAP_EXAMPLES, "Map the coating properties that protect."),
    "solve": (solve.solve, solve.EXAMPLES, "Solve the stacks of a file."),
    "profile": (profile.profile, profile.EXAMPLES, "Print or draw the potential through stacks."),
    "cell": (cell.cell, cell.EXAMPLES, "Is my own cell protected, at what cost?"),
    "age": (age.age, age.EXAMPLES, "Grow interphases: thickness, resistance, time."),
    "backtest": (backtest.backtest, backtest.EXAMPLES, "Hold the model against published cells."),
    "doctor": (
        doctor.doctor,
        doctor.EXAMPLES,
        "Check the installation: versions, devices, memory.",
    ),
    "cite": (cite.cite, cite.EXAMPLES, "Print BibTeX of all sources of a run."),
}
"""Function, examples, and the line that describes a command in `muli help`."""

for _name, (_function, _examples, _words) in COMMANDS.items():
    app.command(_name, epilog=_examples, short_help=_words)(_function)
app.add_typer(
    candidates.app,
    name="candidates",
    short_help="Materials: list, show, validate, import, compute.",
)


@app.command("help", short_help="Show what muli can do, or how a command is used.")
def help_(
    context: typer.Context,
    command: Annotated[list[str] | None, typer.Argument(metavar="COMMAND")] = None,
) -> None:
    """Show what muli can do, or how one command is used."""
    from muli.screen.spec.names import closest, shown

    target, path = context.find_root().command, "muli"
    for name in command or ():
        inner = getattr(target, "commands", {})
        if name not in inner:
            near = closest(name, inner) or f"; known: {', '.join(inner)}"
            raise UsageError(f"{path} has no command {shown(name)}{near}")
        target, path = inner[name], f"{path} {name}"
    say(target.get_help(type(context)(target, info_name=path)))


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        say(f"muli {version('muli')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
    no_cache: Annotated[
        bool,
        typer.Option(NO_CACHE, help="Compile anew: read and keep no compiled programs."),
    ] = False,
) -> None:
    """What holds for all commands."""
    use(None if no_cache else Store.of_user())


def main() -> None:
    """Run the command line; `muli.__main__` is its entry point."""
    gc.set_threshold(50_000, 20, 50)  # few collections: most objects of imports and traces stay
    if sys.stdout is None:  # closed before the command began
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    code = _flushed(_exit_code())
    if signals.asked() and code != signals.EXIT_INTERRUPTED:
        tell("muli: stopped")
        code = signals.EXIT_INTERRUPTED
    sys.exit(code)


def _exit_code() -> int:
    """Run the command and return its exit code; errors are printed as text."""
    try:
        return app(prog_name="muli", standalone_mode=False) or 0
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except _WRONG_WORDS as error:
        return _unusable(error)
    except ScreenError as error:
        tell(f"muli: {error}")
        return error.exit_code
    except ImportError as error:
        tell(f"muli: {error}; `muli doctor` says what is installed and what stands in the way")
        return UsageError.exit_code
    except OSError as error:
        if error.filename is None:
            return _unwritten(error)
        tell(f"muli: {error.filename}: {error.strerror}")
        return StoreError.exit_code


def _unusable(error: Any) -> int:
    """Print in one line what is wrong with the words of a command, and what to type instead."""
    text, context = error.format_message(), error.ctx
    path = context.command_path if context else "muli"
    is_help = "\n" in text  # `muli` without a command
    tell(text if is_help else f"{path}: {text.rstrip('.?')}. See `{path} --help`")
    return UsageError.exit_code


def _flushed(code: int) -> int:
    """`code`, or 2 if the last output could not be written to stdout."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # the reader closed the pipe, as `head` does
        give_up_stdout()
    except OSError as error:
        return code or _unwritten(error)
    return code


def _unwritten(error: OSError) -> int:
    """Print that data for stdout are lost."""
    give_up_stdout()
    tell(f"muli: stdout cannot be written: {error.strerror}")
    return StoreError.exit_code


if __name__ == "__main__":
    signals.watch()
    main()
