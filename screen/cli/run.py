"""`muli run`: screen a design space, then show the best of it."""

import shlex
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from muli.candidates.environment import muli_command
from muli.screen.terminal import loss_allowed, say, tell, terminal_width

if TYPE_CHECKING:
    from muli.screen.dataset.summary import RunResult

EXAMPLES = """Examples:

  muli run --out first                      the built-in library, one minute

  muli run my.toml --out mine --dry-run     how many stacks, how long, how large

  muli run my.toml --out mine               run; the same command again continues

  muli run my.toml --out mine --precision float64 --restart

  muli run my.toml --out mine --dask slurm:cluster.toml --dry-run    also shows a job's script
"""
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def run(
    spec: Annotated[
        Path | None, typer.Argument(help="A spec (TOML); none: the built-in screen.")
    ] = None,
    out: Annotated[str | None, typer.Option(help="Folder of the results.")] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Throw away what OUT holds.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say rows, size and time only.")
    ] = False,
    precision: Annotated[str, typer.Option(help="float32 or float64.")] = "float32",
    encoding: Annotated[
        str | None, typer.Option(help="plain: Parquet for readers without BYTE_STREAM_SPLIT.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or gpu.")] = "auto",
    batch: Annotated[int | None, typer.Option(min=1, help="Stacks at a time on a device.")] = None,
    max_memory: Annotated[str | None, typer.Option(help="For what is in work, e.g. 2G.")] = None,
    shard: Annotated[str | None, typer.Option(metavar="I/N", help="Compute a part only.")] = None,
    dask: Annotated[
        str | None,
        typer.Option(metavar="WHERE", help="local:N, tcp://HOST:PORT or slurm:FILE.toml."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 where a stack failed.")] = False,
    json: Annotated[bool, typer.Option("--json", help="The summary as JSON on stdout.")] = False,
) -> None:
    """Screen every combination of a spec's axes and rank what came out."""
    from muli.screen.errors import UsageError
    from muli.screen.running.begin import begun

    _check_words({"--precision": (precision, ("float32", "float64"))})
    if encoding is not None:
        _check_words({"--encoding": (encoding, ("byte_stream_split", "plain"))})
    _check_words({"--device": (device, ("auto", "cpu", "gpu"))})
    if dry_run:
        return _dry_run(spec, precision, dask, json=json)
    if out is None:
        raise UsageError("--out DIR is missing: the folder the results go to")
    knobs = {"max_memory": _bytes(max_memory), "shard": _shard(shard)}
    with begun(dask, device) if dask else nullcontext() as workers:  # first: the rest takes long
        _set_precision(precision)
        from muli.screen.running import run as engine

        result = engine.run(
            spec,
            out,
            precision=precision,  # type: ignore[arg-type]
            encoding=encoding,  # type: ignore[arg-type]
            device=device,  # type: ignore[arg-type]
            batch=batch,
            restart=restart,
            dask=workers,
            verbose=True,
            **knobs,  # type: ignore[arg-type]
        )
        show(result, json=json)
    if strict and result.failed:
        tell(f"--strict: {result.failed:,} stacks failed")
        raise typer.Exit(1)
    return None


def _dry_run(spec: Path | None, precision: str, dask: str | None, *, json: bool) -> None:
    from dataclasses import asdict

    from muli.screen.space.cost import dry_run
    from muli.screen.views.formats import write_json

    script = None
    if dask is not None and dask.startswith("slurm:"):
        from muli.screen.running.slurm import job_script, load

        script = job_script(load(Path(dask.removeprefix("slurm:"))))
    estimate = dry_run(spec, precision)  # type: ignore[arg-type]
    if json:
        write_json(asdict(estimate), sys.stdout)
    else:
        say(estimate)
    if script is not None:
        (tell if json else say)(script)


def _set_precision(precision: str) -> None:
    """Set the precision of JAX; only the command line may change JAX's global configuration."""
    import jax

    jax.config.update("jax_enable_x64", precision == "float64")


def _check_words(options: dict[str, tuple[str, tuple[str, ...]]]) -> None:
    from muli.screen.errors import UsageError
    from muli.screen.spec.names import closest, shown

    for option, (word, known) in options.items():
        if word not in known:
            near = closest(word, known)
            raise UsageError(f"{option} {shown(word)}: expected {' or '.join(known)}{near}")


def _bytes(text: str | None) -> int | None:
    """Bytes of a size such as 800M or 2G."""
    from muli.screen.errors import UsageError

    if text is None:
        return None
    spelled = text.strip().upper().removesuffix("B").removesuffix("I")
    number, unit = spelled.rstrip("KMGT"), spelled[len(spelled.rstrip("KMGT")) :]
    try:
        size = float(number) * _UNITS[unit]
    except (ValueError, KeyError):
        size = -1.0
    if not 0 < size < 2**60:
        raise UsageError(f"--max-memory {text!r}: expected a size such as 800M or 2G")
    return int(size)


def _shard(text: str | None) -> tuple[int, int] | None:
    from muli.screen.errors import UsageError

    if text is None:
        return None
    part, _, whole = text.partition("/")
    if not (part.isdecimal() and whole.isdecimal() and 1 <= int(part) <= int(whole)):
        raise UsageError(f"--shard {text!r}: expected I/N with 1 <= I <= N, such as 2/8")
    return int(part), int(whole)


def show(result: "RunResult", *, json: bool) -> None:
    """Print the end of a run, for a person or a program."""
    if json:
        return _json_summary(result)
    with loss_allowed():
        _summary(result)
    return None


def _json_summary(result: "RunResult") -> None:
    from dataclasses import asdict

    from muli.screen.views.formats import write_json

    write_json({**asdict(result), "folder": str(result.folder)}, sys.stdout)


def _summary(result: "RunResult") -> None:
    """Print the counts, the ten best coatings, the folder and the next commands."""
    from muli.screen.views.overview import closing, overview

    say(closing(result))
    if not result.chunks:
        return
    say()
    say(overview(result.folder, terminal_width()))
    say()
    say(f"Parquet: {result.folder}/part-*.parquet ({result.rows:,} rows)")
    muli, folder = muli_command(), shlex.quote(str(result.folder))
    say(f"next: {muli} rank {folder} --per family --top 3")
    say(f"      {muli} report {folder} --out report.html    a page to pass around")
