"""Text for people: control characters are shown as codes, and a closed terminal stops no run.

Names and conditions come from people's files. A control character in them could move the cursor,
colour or clear the screen, or turn text around; it is written as its code. All text for people goes
through `say` (stdout) and `tell` (stderr), data for programs through `views/formats.py`. `tell`
logs to the logger `muli`, whose level and handlers a program may change.
"""

import contextlib
import logging
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import TaskID

LINE_EVERY_S = 30.0

ACTING = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\uf8ff\ufeff\ufff0-\uffff\U000e0000-\U0010ffff]"
)
"""Characters that act on a terminal or cannot be seen: control, direction, lone surrogates,
private use; a line end is none."""


def visible(text: str) -> str:
    """`text` with every acting character as its code; line ends stay."""
    return ACTING.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def say(text: object = "") -> None:
    """A line, or several, on stdout. Raises OSError where stdout is full or closed."""
    _write(sys.stdout, str(text))


def tell(text: object) -> None:
    """Log a message: a line on stderr at once, unless a program gave the logger other handlers."""
    message = visible(str(text))
    level = logging.WARNING if message.startswith("warning:") else logging.INFO
    MESSAGES.log(level, "%s", message)


class ToStderr(logging.Handler):
    """Writes a message to stderr; where nobody can read it, it is lost and nothing else happens."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one message as a line."""
        with contextlib.suppress(OSError, ValueError):
            _write(sys.stderr, record.getMessage())
            if sys.stderr is not None:
                sys.stderr.flush()


MESSAGES = logging.getLogger("muli")
MESSAGES.addHandler(ToStderr())
MESSAGES.setLevel(logging.INFO)
MESSAGES.propagate = False


def terminal_width() -> int:
    """Columns of the terminal; wide where there is none."""
    return shutil.get_terminal_size((120, 40)).columns


@contextlib.contextmanager
def loss_allowed() -> Iterator[None]:
    """Output in the block may be lost: the work is done, and its results are in files."""
    try:
        yield
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        give_up_stdout()
        tell(f"warning: stdout cannot be written: {error.strerror}")


@contextlib.contextmanager
def working(what: str) -> Iterator[None]:
    """A progress line with the elapsed time, where stderr is a terminal; removed at the end."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    parts = SpinnerColumn(), TextColumn(what, markup=False), TimeElapsedColumn()
    line = Progress(*parts, console=Console(file=sys.stderr), transient=True)
    with contextlib.suppress(OSError, ValueError):
        line.start()
        line.add_task("", total=None)
    try:
        yield
    finally:
        with contextlib.suppress(OSError, ValueError):
            line.stop()


@contextlib.contextmanager
def counting() -> Iterator[Callable[[str, int, int], None]]:
    """A function that shows (what, done, total): a bar in a terminal, else a line every 30 s."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield _counted_in_lines()
        return
    from rich.console import Console
    from rich.progress import Progress

    line = Progress(console=Console(file=sys.stderr), transient=True)
    tasks: dict[str, TaskID] = {}

    def show(what: str, done: int, total: int) -> None:
        with contextlib.suppress(OSError, ValueError):
            if what not in tasks:
                tasks[what] = line.add_task(visible(what), total=total)
            line.update(tasks[what], completed=done)

    with contextlib.suppress(OSError, ValueError):
        line.start()
    try:
        yield show
    finally:
        with contextlib.suppress(OSError, ValueError):
            line.stop()


def _counted_in_lines() -> Callable[[str, int, int], None]:
    last = time.monotonic()

    def show(what: str, done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= LINE_EVERY_S:
            last = time.monotonic()
            tell(f"{what}: {done:,} of {total:,}")

    return show


def give_up_stdout() -> None:
    """Discard what is still to be written, so that the end of the process does not fail."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:  # closed before the command began
        return
    encoding = stream.encoding or "utf-8"
    shown = visible(text).encode(encoding, "backslashreplace").decode(encoding)
    stream.write(shown + "\n")
