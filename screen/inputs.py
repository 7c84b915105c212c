"""Files that a user names: read whole, up to a limit of size. A message about a file of the wrong
kind says what the file is.

A device or a pipe has no size and may never end, so only regular files are read.
"""

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from muli.candidates.environment import muli_command
from muli.candidates.kinds import kind_of, kind_of_file
from muli.screen.errors import SpecError, UsageError

PICTURES = (".svg", ".png", ".pdf")
"""Endings of pictures that can be drawn."""


def read_file(path: Path, most: int, expected: str) -> bytes:
    """All bytes of a regular file of at most `most`.

    expected: what the file should hold, for messages. Raises `SpecError`.
    """
    try:
        if problem := not_a_file(path):
            raise SpecError(str(path), [f"{problem}; expected {expected}"])
        with path.open("rb") as file:
            content = file.read(most + 1)
    except (OSError, ValueError) as error:
        raise SpecError(str(path), [f"cannot be read: {reason(error)}"]) from None
    if len(content) > most:
        size = f"{path.stat().st_size / 2**20:,.0f} MiB"
        raise SpecError(str(path), [f"{size}: {expected} has at most {most // 2**20} MiB"])
    if kind := kind_of(path, content, expected):
        raise SpecError(str(path), [f"this is {kind}; expected {expected}"])
    return content


def not_a_file(path: Path) -> str | None:
    """What a path is instead of a regular file; raises OSError where there is nothing."""
    mode = os.stat(path).st_mode
    if stat.S_ISREG(mode):
        return None
    if stat.S_ISDIR(mode):
        manifest = (path / "manifest.json").exists()
        return "the folder of a run" if manifest else "a folder"
    return "a pipe, which cannot be read twice" if stat.S_ISFIFO(mode) else "a device, not a file"


def reason(error: Exception) -> str:
    """Why a file cannot be read, without its name."""
    return getattr(error, "strerror", None) or str(error)


def no_folder(path: Path, expected: str = "the folder of a run") -> str:
    """A message that says what is in the place of a folder."""
    if not path.exists():
        return f"{path}: no such folder; `{muli_command()} run --out {path}` makes one"
    kind = kind_of_file(path, expected) if path.is_file() else None
    return f"{path}: this is {kind or 'a file'}; expected {expected}"


def check_output(path: Path, option: str, endings: Sequence[str] = ()) -> None:
    """Raise `UsageError` where a file could not be written, before the work that fills it.

    endings: of names that are known, with their dots; none: any.
    """
    problem = None
    if path.is_dir():
        problem = "cannot be written: it is a folder; name the file"
    elif not path.parent.is_dir():
        problem = f"cannot be written: there is no folder {path.parent}"
    elif not os.access(path if path.exists() else path.parent, os.W_OK):
        problem = "cannot be written: Permission denied"
    elif endings and path.suffix.lower() not in endings:
        problem = f"expected a name that ends in {', '.join(endings)}"
    if problem:
        raise UsageError(f"{option} {path}: {problem}")
