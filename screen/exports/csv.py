"""The whole row as CSV: one line of column names with their units at the end, one of values."""

import io

import pandas as pd

from muli.screen.exports.row import Row
from muli.screen.views.formats import write_csv


def content(row: Row, _area_cm2: float) -> bytes:
    """The file, as `muli rank --csv` prints such a row; unknown is empty, infinite is `inf`."""
    stream = io.StringIO()
    write_csv(pd.DataFrame([row.values], dtype=object), stream)
    return stream.getvalue().encode()
