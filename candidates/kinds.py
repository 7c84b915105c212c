"""Kind of a file whose first bytes or name show that it is not the kind that is expected."""

from pathlib import Path

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


def kind_of(path: Path, content: bytes, expected: str) -> str | None:
    """Kind of a file that is not the expected one, with advice; None where it may be that one.

    content: the first bytes at least. expected: in words, with names of formats in capitals.
    """
    for start, kind in _STARTS.items():
        if content[:64].lstrip().startswith(start):
            return kind
    return kind_of_name(path, expected)


def kind_of_name(path: Path, expected: str) -> str | None:
    """The same from the suffix of the name alone."""
    ending = _ENDINGS.get(path.suffix.lower())
    return ending if ending and path.suffix[1:].upper() not in expected else None


def kind_of_place(path: Path) -> str:
    """What is at a path where a file is expected."""
    if path.is_dir():
        return "a folder, not a file"
    return "a device or a pipe, not a file" if path.exists() else "there is no file of this name"


def kind_of_file(path: Path, expected: str) -> str | None:
    """The same for a regular file on disk; None where it cannot be read."""
    try:
        with path.open("rb") as file:
            return kind_of(path, file.read(64), expected)
    except OSError:
        return None
