"""What a file holds, by its headings: polarisation, a defect calculation, or resistances."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from muli.screen.errors import UsageError
from muli.screen.measuring import defects, resistance, series
from muli.screen.measuring.columns import open_sheet
from muli.screen.measuring.headings import kinds

SHOWN = 8
"""Headings that a message lists."""
Kind = Literal["polarisation", "defects", "resistance"]


def kind_of_headings(headings: Sequence[str]) -> Kind:
    """Carriers without a current: defects. Resistances without a current: a growing interphase."""
    currents = kinds(headings, series.QUANTITIES) & {"current", "density"}
    if not currents and kinds(headings, defects.QUANTITIES) & {"electrons", "holes"}:
        return "defects"
    resistances = {"resistance", "specific resistance"}
    if not currents and kinds(headings, resistance.QUANTITIES) & resistances:
        return "resistance"
    return "polarisation"


def kind_of_file(path: str | Path) -> Kind:
    """The kind of a file. Raises `UsageError` where it is not a table."""
    headings = open_sheet(path, _known).headings
    kind = kind_of_headings(headings)
    if kind == "polarisation" and not kinds(headings, series.QUANTITIES) & {"current", "density"}:
        listed = ", ".join(repr(text[:30]) for text in headings[:SHOWN])
        raise UsageError(
            f"{path}: no column of a current (I, j), a resistance (R with t) or carriers (n, p); "
            f"its headings are {listed}"
        )
    return kind


def _known(headings: Sequence[str]) -> int:
    return max(len(kinds(headings, module.QUANTITIES)) for module in (series, defects, resistance))
