"""What to measure next, as a table in a terminal."""

import io
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def render_next(rows: "pd.DataFrame", top: int, width: int = 120) -> str:
    """The first rows as a table for people, in a terminal of `width` columns."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("material", no_wrap=True, max_width=max(width - 60, 10))
    table.add_column("property", no_wrap=True)
    for heading in ("gain %", "by another\ncoating", "changes\nchoice %", "value\nto beat"):
        table.add_column(heading, justify="right", no_wrap=True)
    for _, row in rows.head(top).iterrows():
        beat = "" if np.isnan(row["value_to_beat"]) else f"{row['value_to_beat']:.2g}"
        names = ("gain_p_works", "gain_of_another_coating", "p_change_of_choice")
        shares = (f"{100 * row[name]:.1f}" for name in names)
        table.add_row(row["material"], row["property"], *shares, beat)
    text = io.StringIO()
    Console(file=text, width=width, color_system=None, highlight=False, markup=False).print(table)
    return "\n".join(line.rstrip() for line in text.getvalue().rstrip().split("\n"))
