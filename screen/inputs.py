"""Files that people name: read whole within limits, and called by what they are where they are not
what a command expects.

A device or a pipe has no size and may never end, so only regular files are read.
"""

import os
import stat
from pathlib import Path

from muli.screen.errors import SpecError

_STARTS = {
    b"PK\x03\x04": "a workbook or another zip file; save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an old workbook (.xls); save the sheet as CSV",
    b"PAR1": "a Parquet file; `muli rank` and `muli report` take the folder of a run",
    b"\x1f\x8b": "a gzip file; unpack it first",
    b"%PDF": "a PDF document",
    b"\x89PNG": "a picture",
    b"SQLite format 3": "a database",
    b"<!DOCTYPE": "a page of the web",
    b"<html": "a page of the web",
}
_ENDINGS = {
    ".cif": "a crystal structure; muli takes properties, not structures: name the material, or "
    "compute its window from energies with `muli candidates compute`",
    ".csv": "a table; name it in a spec, as [axes] coating = { file = ... }",
    ".json": "JSON; stacks go to `muli solve`, energies to `muli candidates import`",
    ".toml": "TOML; specs go to `muli run`, `muli design` and `muli map`",
    ".html": "a page; `muli report` writes such, nothing reads them",
}
_ENDINGS |= dict.fromkeys((".vasp", ".poscar", ".xyz", ".res"), _ENDINGS[".cif"])


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


def kind_of(path: Path, content: bytes, expected: str) -> str | None:
    """What a file is, where its first bytes or its name say that it is not what was expected."""
    for start, kind in _STARTS.items():
        if content[:64].lstrip().startswith(start):
            return kind
    ending = _ENDINGS.get(path.suffix.lower())
    return ending if ending and path.suffix[1:].upper() not in expected else None


def reason(error: Exception) -> str:
    """Why a file cannot be read, without its name."""
    return getattr(error, "strerror", None) or str(error)
