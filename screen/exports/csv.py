"""The whole row as CSV: one line of column names with their units at the end, one of values."""

import io

import pandas as pd

from muli.screen.exports.row import Row
from muli.screen.views.formats import write_csv


def content(row: Row, _area_cm2: float) -> bytes:
    """The file: what `muli rank --csv` prints of such a row; unknown is empty, infinite `inf`."""
    stream = io.StringIO()
    write_csv(pd.DataFrame([row.values], dtype=object), stream)
    return stream.getvalue().encode()
