"""A sheet of an .xlsx file as rows of text, as Excel shows the values."""

import io
import warnings
from typing import Any
from zipfile import BadZipFile, ZipFile

from numpy.typing import NDArray

from muli.candidates.environment import install_command
from muli.candidates.users.dialect import Known, has_header
from muli.candidates.users.problems import Problems

_MAX_BYTES = 1 << 28
_MAX_SHEETS = 20
_NOT_READ = "an .xlsx file that can be read"


def excel_rows(
    content: bytes, problems: Problems, known: Known
) -> tuple[list[list[str]], list[str]]:
    """Rows of the first sheet with headings that are known, else of the first, and notes.

    Raises TableError with the way out.
    """
    from muli.candidates.users.sheet import refuse

    try:
        with ZipFile(io.BytesIO(content)) as archive:
            names = set(archive.namelist())
            size = sum(one.file_size for one in archive.infolist())
    except (BadZipFile, OSError, ValueError, NotImplementedError) as error:
        refuse(problems, "", _NOT_READ, f"damaged or another zip file: binary ({error})")
    if "xl/workbook.xml" not in names:
        refuse(problems, "", "a CSV file or .xlsx", "a zip archive, binary: unpack it first")
    if size > _MAX_BYTES:
        refuse(problems, f"{size} bytes", f"at most {_MAX_BYTES} bytes", "split the file")
    try:
        import openpyxl  # noqa: F401  (pandas names only itself where it is missing)
        import pandas as pd
    except ModuleNotFoundError:
        refuse(problems, "", "a CSV file", f"for .xlsx: {install_command('excel')}, or save as CSV")
    try:
        with warnings.catch_warnings(), pd.ExcelFile(io.BytesIO(content), "openpyxl") as book:
            warnings.simplefilter("ignore")
            sheets = [str(name) for name in book.sheet_names]
            frames = (
                book.parse(name, header=None, dtype=object, keep_default_na=False)
                for name in sheets[:_MAX_SHEETS]
            )
            tables = [_rows(frame.to_numpy(dtype=object)) for frame in frames]
    except Exception as error:  # of many kinds: openpyxl states none for damaged files
        refuse(problems, "", _NOT_READ, f"damaged: {str(error)[:100]}; save it as CSV")
    at = next((at for at, rows in enumerate(tables) if has_header(rows, known)), 0)
    notes = [f"Excel sheet {sheets[at][:40]!r}"]
    if len(sheets) > 1:
        notes.append(f"sheet {at + 1} of {len(sheets)}; the others are not read")
    return tables[at], notes


def _rows(table: NDArray[Any]) -> list[list[str]]:
    return [[_text(cell) for cell in row] for row in table]


def _text(cell: Any) -> str:
    """A cell as CSV would hold it; numbers in full."""
    if cell is None or cell != cell:
        return ""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return repr(cell) if isinstance(cell, float) else str(cell)
