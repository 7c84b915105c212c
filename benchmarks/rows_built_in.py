"""Rows of the built-in screen as people run it, and of what is read from its folder.

Both runs are second starts: a fresh process whose programs were compiled by the one before. The
error compares E* of stored rows with the voltage divider written out in NumPy in float64.
"""

import sys
import tempfile
from functools import cache
from pathlib import Path

from rows_run import largest_error
from rows_starts import ROOT, Seconds, bare_import, seconds_of, told
from table import QUICK, Row, Scale, row


class Folder(tempfile.TemporaryDirectory[str]):
    """A finished run of the built-in screen, kept as long as the process."""

    seconds: Seconds


@cache
def finished(missing: str, *, small: bool) -> Folder:
    """The second of two runs, and what it took."""
    folder = Folder(prefix="muli-built-in-")
    text = (ROOT / "screen/spec/builtin.toml").read_text()
    text = text.replace("[screen]", f'[screen]\nmissing = "{missing}"')
    if small:
        text = text.replace('electrolyte = "*"', 'electrolyte = ["Li6PS5Cl"]')
    spec = Path(folder.name) / "spec.toml"
    spec.write_text(text)
    for number in range(2):
        command = (sys.executable, "-m", "muli", "run", str(spec))
        out = ("--out", f"{folder.name}/out-{number}")
        folder.seconds = seconds_of(*command, *out, XDG_CACHE_HOME=f"{folder.name}/cache")
    return folder


def whole(name: str, missing: str, aim_s: float, scale: Scale) -> Row:
    """From the start of `muli run` to its printed ranking, against an aim on two quiet cores."""
    folder = finished(missing, small=scale == QUICK)
    taken = folder.seconds
    words = f"{aim_s:g} s; processor time {taken.processor:.3g} s"
    error = largest_error(f"{folder.name}/out-1")
    return Row(name, taken.wall, "s", words, taken.wall / aim_s, error)


@row("built_in_probabilities")
def built_in_probabilities(scale: Scale) -> Row:
    """The built-in screen with probabilities."""
    return whole("built_in_probabilities", "prior", 6.0, scale)


@row("built_in_status")
def built_in_status(scale: Scale) -> Row:
    """The built-in screen without what is not measured."""
    return whole("built_in_status", "status", 3.0, scale)


@row("second_start_rank_built_in")
def rank_built_in(scale: Scale) -> Row:
    """`muli rank` of the built-in screen: no program is compiled, every start is alike."""
    folder = finished("prior", small=scale == QUICK)
    command = (sys.executable, "-m", "muli", "rank", f"{folder.name}/out-1")
    times = [seconds_of(*command) for _ in range(3)]
    return told("second_start_rank_built_in", times, bare_import(), None)


@row("second_start_report_built_in")
def report_built_in(scale: Scale) -> Row:
    """`muli report` of the built-in screen."""
    folder = finished("prior", small=scale == QUICK)
    command = (sys.executable, "-m", "muli", "report", f"{folder.name}/out-1")
    page = ("--out", f"{folder.name}/page.html")
    around = {"XDG_CACHE_HOME": f"{folder.name}/cache"}
    times = [seconds_of(*command, *page, **around) for _ in range(3)]
    return told("second_start_report_built_in", times, bare_import(), None)
