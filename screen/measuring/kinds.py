"""What a file holds, told by its headings: polarisation, a defect calculation, or resistances."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from muli.screen.measuring import defects, resistance, series
from muli.screen.measuring.columns import Quantity, named, open_sheet

Kind = Literal["polarisation", "defects", "resistance"]


def kind_of_headings(headings: Sequence[str]) -> Kind:
    """Carriers without a current: defects. Resistances without a current: a growing interphase."""
    currents = _named(headings, series.QUANTITIES) & {"current", "density"}
    if not currents and _named(headings, defects.QUANTITIES) & {"electrons", "holes"}:
        return "defects"
    resistances = {"resistance", "specific resistance"}
    if not currents and _named(headings, resistance.QUANTITIES) & resistances:
        return "resistance"
    return "polarisation"


def kind_of_file(path: str | Path) -> Kind:
    """The same of a file. Raises `UsageError` where it is no table."""
    return kind_of_headings(open_sheet(path, _known).headings)


def _known(headings: Sequence[str]) -> int:
    return max(len(_named(headings, each.QUANTITIES)) for each in (series, defects, resistance))


def _named(headings: Sequence[str], quantities: Mapping[str, Quantity]) -> set[str]:
    found = (named(text, quantities) for text in headings)
    return {each[0] for each in found if each is not None}
