"""A CSV file as a table of strings with row numbers; broken rows are problems, not crashes."""

from csv import reader
from io import BytesIO
from pathlib import Path
from typing import NoReturn

import pandas as pd

from muli.candidates.users.problems import Problems, TableError

MAX_BYTES = 1 << 29
"""Largest file read, bytes."""

_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def read_text(path: str | Path) -> tuple[pd.DataFrame, Problems]:
    """All cells as strings, a last column `row` (the header is row 1), and the problems found.

    Bytes that are not UTF-8 become U+FFFD. Raises TableError where the file is missing, empty, too
    large, binary, not separated by commas or without any row.
    """
    path = Path(path)
    problems = Problems(path.name)
    if not path.is_file():
        _refuse(problems, "", "a CSV file", f"no file {path}")
    size = path.stat().st_size
    if size > MAX_BYTES:
        _refuse(problems, f"{size} bytes", f"at most {MAX_BYTES} bytes", "split the file")
    content = path.read_bytes()
    names = _header(content, problems)
    text = content.decode("utf-8", errors="replace").encode()
    return _rows(text, names, problems), problems


def _header(content: bytes, problems: Problems) -> list[str]:
    start = content[: 1 << 16]
    if not start.strip():
        _refuse(problems, "", "a header and rows", "the file is empty")
    if b"\x00" in start:
        _refuse(problems, "", "UTF-8 text", "the file is binary, or UTF-16: save it as UTF-8")
    header = start.decode("utf-8-sig", errors="replace").splitlines()[0]
    for character, name in _DELIMITERS.items():
        if character in header and "," not in header:
            _refuse(problems, header, "commas between columns", f"the file has {name}")
    return [name.strip() for name in next(reader([header]), [])]


def _rows(content: bytes, names: list[str], problems: Problems) -> pd.DataFrame:
    import pyarrow as pa
    from pyarrow import csv

    broken: set[int] = set()

    def skip(row: csv.InvalidRow) -> str:
        broken.add(row.number)
        cells = f"{row.actual_columns} cells"
        advice = "quote cells that hold a comma"
        problems.add(row.number, "(row)", cells, f"{row.expected_columns} cells", advice)
        return "skip"

    places = [str(position) for position in range(len(names))]
    try:
        table = csv.read_csv(
            BytesIO(content),
            csv.ReadOptions(
                use_threads=False,
                block_size=max(len(content) + 1, 1 << 16),
                skip_rows=1,
                column_names=places,
            ),
            csv.ParseOptions(
                newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=skip
            ),
            csv.ConvertOptions(column_types=dict.fromkeys(places, pa.string())),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        _refuse(problems, "", "a UTF-8 CSV table", str(error).splitlines()[0][:200])
    return _numbered(table.to_pandas().fillna(""), names, broken, problems)


def _numbered(
    cells: pd.DataFrame, names: list[str], broken: set[int], problems: Problems
) -> pd.DataFrame:
    """Rows with their numbers in the file; wholly blank rows are left out."""
    last = len(cells) + len(broken) + 1
    frame = cells.set_axis(names, axis=1)
    frame["row"] = [number for number in range(2, last + 1) if number not in broken]
    frame = frame[(cells != "").any(axis=1)].reset_index(drop=True)
    if frame.empty and not broken:
        _refuse(problems, "", "at least one row below the header", "the table has no row")
    return frame


def _refuse(problems: Problems, value: str, expected: str, advice: str) -> NoReturn:
    """Stop at a file that is no table."""
    problems.add(1, "(file)", value, expected, advice)
    raise TableError(problems.sorted())
