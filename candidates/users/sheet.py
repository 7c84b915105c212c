"""A table as text, of any program: CSV of any dialect, packed or not, or a sheet of .xlsx.

Encoding, delimiter and packing are known from the content, never from the name. Broken rows are
problems, not crashes; row numbers are those of the file, as a spreadsheet shows them.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from muli.candidates.kinds import kind_of_name, kind_of_place
from muli.candidates.packed import Unreadable, read_packed
from muli.candidates.users.dialect import (
    BLANKS,
    DELIMITERS,
    MAX_COLUMNS,
    Known,
    NotText,
    decoded,
    header_at,
    layout,
    records_between_blanks,
)
from muli.candidates.users.headings import is_export, read_heading
from muli.candidates.users.problems import Problems, TableError

MAX_BYTES = 1 << 29
"""Largest file read, bytes after unpacking."""

MAX_ROWS = 5_000_000
"""Largest number of lines read."""

_XLS = b"\xd0\xcf\x11\xe0"
_ZIP = b"PK\x03\x04"


@dataclass(frozen=True)
class Sheet:
    """Cells of a table: `headings`, `rows` of as many cells each, and their numbers in the file.

    `notes` say how the file was read (delimiter, encoding, sheet), `header_row` is the number of
    the row with the headings.
    """

    headings: list[str]
    rows: list[list[str]]
    numbers: list[int]
    notes: list[str]
    header_row: int = 1


def known_headings(headings: Sequence[str]) -> int:
    """How many headings are those of a table of materials."""
    known = sum(read_heading(text).is_known for text in headings)
    return known + len(headings) * is_export(headings)


def read_sheet(path: str | Path, known: Known = known_headings) -> tuple[Sheet, Problems]:
    """The cells of a file, and the rows that are broken.

    `known` counts the headings that the reader of the table knows: they tell the delimiter, the row
    of the headings and the sheet of a workbook.

    Bytes that are not text of the encoding become U+FFFD. Raises TableError where the file is
    missing, empty, too large, binary or without any row.
    """
    path = Path(path)
    problems = Problems(path.name or str(path))
    content = _content(path, problems)
    if content.startswith(_ZIP):
        from muli.candidates.users.excel import excel_rows

        rows, notes = excel_rows(content, problems, known)
        return _sheet(iter(enumerate(rows, 1)), header_at(rows, known), notes, problems), problems
    if (lines := content.count(b"\n")) > MAX_ROWS:
        refuse(problems, f"{lines} lines", f"at most {MAX_ROWS} lines", "split the file")
    if not content[: 1 << 16].strip() and not content.strip():
        refuse(problems, "", "a header and rows", "the file is empty")
    try:
        text, notes = decoded(content)
    except NotText:
        refuse(problems, "", "text", "the file is binary: save it as CSV (UTF-8) or .xlsx")
    del content
    delimiter, above = layout(text, known)
    if delimiter != ",":
        notes.append(f"{DELIMITERS.get(delimiter, 'blanks')} between columns")
    records = _records(text, delimiter, above, problems)
    return _sheet(iter(records), above, notes, problems), problems


def refuse(problems: Problems, value: str, expected: str, advice: str) -> NoReturn:
    """Raise TableError for a file that is not a table."""
    problems.add(1, "(file)", value, expected, advice)
    raise TableError(problems.sorted())


def is_workbook(path: Path) -> bool:
    """Whether a file is a zip archive, as .xlsx is."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(4) == _ZIP


def _content(path: Path, problems: Problems) -> bytes:
    if not path.is_file():
        refuse(problems, "", "a CSV file", kind_of_place(path))
    size = path.stat().st_size
    if size > MAX_BYTES:
        refuse(problems, f"{size} bytes", f"at most {MAX_BYTES} bytes", "split the file")
    if kind := kind_of_name(path, "a CSV table"):
        refuse(problems, "", "a table", f"this is {kind}")
    with path.open("rb") as stream:
        start = stream.read(8)
    if start.startswith(_ZIP):
        return path.read_bytes()
    if start.startswith(_XLS):
        refuse(
            problems, "", "a CSV file or .xlsx", "an Excel file of the old kind: save it as .xlsx"
        )
    try:
        return read_packed(path, MAX_BYTES)
    except Unreadable as error:
        refuse(problems, "", "a CSV file, packed or not", f"binary or damaged: {error}")


def _records(
    text: str, delimiter: str, above: int, problems: Problems
) -> list[tuple[int, list[str]]]:
    """Rows with their numbers; one that cannot be read is a problem.

    The lines above the headings are skipped, so that quotation marks in them have no effect.
    """
    if delimiter == BLANKS:
        return list(records_between_blanks(text))
    limit = csv.field_size_limit(MAX_BYTES)
    try:
        return list(_read_records(text, delimiter, above, problems))
    finally:
        csv.field_size_limit(limit)


def _read_records(
    text: str, delimiter: str, above: int, problems: Problems
) -> Iterator[tuple[int, list[str]]]:
    stream = io.StringIO(text, newline="")
    number = sum(1 for _ in zip(range(above), stream, strict=False))
    reader = csv.reader(stream, delimiter=delimiter, strict=True)
    while True:
        number += 1
        try:
            yield number, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            advice = f"{error}; close every quotation mark, double those inside a cell"
            problems.add(number, "(row)", "", "cells that can be read", advice)


def _sheet(
    records: Iterator[tuple[int, Sequence[str]]], above: int, notes: list[str], problems: Problems
) -> Sheet:
    """The table without the rows above it that do not belong to it."""
    header_row, headings = _header(records, above, problems)
    if header_row > 1:
        notes.append(f"headings in row {header_row}")
    rows, numbers, remarks = [], [], 0
    for number, cells in records:
        if not any(cell.strip() for cell in cells):
            continue
        kept = _fitted(cells, len(headings))
        if kept is None:
            if cells[0].lstrip().startswith("#"):
                remarks += 1
                continue
            shown, wanted = f"{len(cells)} cells", f"{len(headings)} cells"
            problems.add(number, "(row)", shown, wanted, "quote cells that hold the delimiter")
            continue
        rows.append(kept)
        numbers.append(number)
    if remarks:
        notes.append(f"{remarks} remarks (# ...) below the headings")
    if not rows and not problems.found:
        refuse(problems, "", "at least one row below the header", "the table has no row")
    return Sheet(headings, rows, numbers, notes, header_row)


def _fitted(cells: Sequence[str], count: int) -> list[str] | None:
    """The cells of a row, without blank ones beyond the headings; None where the number differs."""
    kept = list(cells)
    while len(kept) > count and not kept[-1].strip():
        kept.pop()
    return kept if len(kept) == count else None


def _header(
    records: Iterator[tuple[int, Sequence[str]]], above: int, problems: Problems
) -> tuple[int, list[str]]:
    """The first row below `above` ones that is neither blank nor a remark (`# ...`, `sep=;`)."""
    for number, cells in records:
        text = "".join(cells).strip()
        if number <= above or not text or text.startswith("#") or text.lower().startswith("sep="):
            continue
        headings = [cell.strip() for cell in cells]
        while headings and not headings[-1]:
            headings.pop()
        if len(headings) > MAX_COLUMNS:
            refuse(problems, f"{len(headings)} columns", f"at most {MAX_COLUMNS}", "a table?")
        return number, headings
    refuse(problems, "", "a header and rows", "the file is empty")
