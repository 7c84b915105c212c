"""Ranked rows for programs: CSV, JSON, Parquet. Units stay in the column names.

Names come from files of users. In CSV a text that a spreadsheet would run as a formula is
preceded by an apostrophe; JSON has null where a number is infinite or unknown.
"""

import csv
import io
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from muli.candidates.files import replacing
from muli.screen.errors import StoreError
from muli.screen.terminal import ACTING, visible

if TYPE_CHECKING:
    import pandas as pd

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def plain(value: Any) -> Any:
    """A cell as a JSON value: null for NaN, infinity and missing."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if value != value else str(value)


def records(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    """Rows as dictionaries of JSON values."""
    columns = [str(label) for label in frame.columns]
    return [
        {name: plain(value) for name, value in zip(columns, row, strict=True)}
        for row in frame.itertuples(index=False, name=None)
    ]


def write_json(content: Any, stream: TextIO) -> None:
    """One JSON document and a line end; without NaN, Infinity and control characters."""
    text = json.dumps(plain(content), ensure_ascii=False, allow_nan=False, indent=1)
    stream.write(ACTING.sub(lambda match: json.dumps(match[0])[1:-1], text) + "\n")


def write_csv(frame: "pd.DataFrame", stream: TextIO) -> None:
    """CSV with a header; unknown is empty, infinite is `inf`.

    Control characters are made visible in a terminal; a file or a pipe gets names unchanged.
    """
    if stream.isatty():
        text = io.StringIO()
        write_csv(frame, text)
        stream.write(visible(text.getvalue()))
        return
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([harmless(str(label)) for label in frame.columns])
    writer.writerows(_cells(frame))


def harmless(text: str) -> str:
    """`text` as a cell that no spreadsheet reads as a formula."""
    start = text.lstrip(" \u00a0\u3000\ufeff\u200b")
    return "'" + text if start.startswith(_FORMULA) else text


def write_parquet(frame: "pd.DataFrame", path: Path) -> None:
    """A Parquet file of the rows; raises `StoreError` if it cannot be written."""
    try:
        with replacing(path) as stream:
            frame.to_parquet(stream, index=False)
    except OSError as error:
        raise StoreError(f"--parquet {path}: cannot be written: {error.strerror}") from None


def _cells(frame: "pd.DataFrame") -> Iterator[list[str]]:
    for row in frame.itertuples(index=False, name=None):
        yield [_cell(value) for value in row]


def _cell(value: Any) -> str:
    if value is None or value != value:
        return ""
    return harmless(value) if isinstance(value, str) else str(value)
