"""A column of times in seconds: elapsed times as numbers, or clock times as `0:05:30` and dates."""

import re
from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

_CLOCK = re.compile(r"(?:(\d+)[d.] ?)?(\d+):(\d\d):(\d\d(?:[.,]\d+)?)")
_DAY_S = 86400.0


class NoTime(ValueError):
    """Cells that are not times."""


def seconds(cells: Sequence[str]) -> NDArray[np.float64] | None:
    """(n,) seconds of clock times or dates; None where the cells are numbers.

    Clock times that restart at midnight are continued. Raises `NoTime` with the reason.
    """
    first = next((cell.strip() for cell in cells if cell.strip()), "")
    if ":" not in first:
        if re.search("[A-Za-z]{3}|[-/.].*[-/.]", first.replace("e-", "e")):
            raise NoTime(f"{first[:30]!r} is no time (numbers, h:mm:ss, or ISO dates)")
        return None
    times = np.array([_moment(cell.strip()) for cell in cells])
    back = np.append(False, np.diff(times) < -_DAY_S / 2)
    return times + _DAY_S * np.cumsum(back)


def _moment(cell: str) -> float:
    if clock := _CLOCK.fullmatch(cell):
        days, hours, minutes, rest = clock.groups()
        whole = int(days or 0) * _DAY_S + int(hours) * 3600.0 + int(minutes) * 60.0
        return whole + float(rest.replace(",", "."))
    try:
        return datetime.fromisoformat(cell).timestamp()
    except (ValueError, OverflowError, OSError):
        reason = f"{cell[:30]!r} is no time (numbers, h:mm:ss, or ISO dates)"
        raise NoTime(reason) from None
