"""Times of a spec, such as "1 month": checked, in seconds, and as the end of a column's name."""

import re
from typing import Any

SECONDS: dict[str, float] = {
    "s": 1.0,
    "min": 60.0,
    "h": 3600.0,
    "day": 86400.0,
    "week": 604800.0,
    "month": 3.15576e7 / 12.0,
    "year": 3.15576e7,
}
"""Length of every unit; a year has 365.25 days, a month is a twelfth of it."""
MOST_TIMES = 20
LONGEST = 1e4 * SECONDS["year"]
_FORM = re.compile(r"([1-9]\d{0,8}) ?(s|min|h|day|week|month|year)s?")
EXPECTED = 'a whole number and a unit, as in "1 h", "30 days", "1 month", "10 years" (s, min, h)'


def seconds(time: str) -> float:
    """A checked time in seconds."""
    count, unit = _parts(time)
    return count * SECONDS[unit]


def label(time: str) -> str:
    """What a column of this time ends with: "10 years" gives `10_years`."""
    count, unit = _parts(time)
    plural = "s" if count > 1 and unit not in ("s", "min", "h") else ""
    return f"{count}_{unit}{plural}"


def checked_times(raw: Any) -> tuple[str, ...]:
    """Times in rising order, spelled in one way. Raises `ValueError`."""
    listed = [raw] if isinstance(raw, str) else raw
    if not isinstance(listed, list | tuple) or not listed:
        raise ValueError(f"expected a list of times, each {EXPECTED}")
    if len(listed) > MOST_TIMES:
        raise ValueError(f"{len(listed)} times, {MOST_TIMES} are the most")
    for text in listed:
        if not isinstance(text, str) or not _FORM.fullmatch(text):
            raise ValueError(f"{str(text)[:40]!r}: expected {EXPECTED}")
        if seconds(text) > LONGEST:
            raise ValueError(f"{text!r}: expected at most 10000 years")
    spelled = {seconds(text): label(text).replace("_", " ") for text in listed}
    if len(spelled) < len(listed):
        raise ValueError("two of the times are the same")
    return tuple(spelled[duration] for duration in sorted(spelled))


def _parts(time: str) -> tuple[int, str]:
    match = _FORM.fullmatch(time)
    assert match is not None, f"{time!r} was not checked"
    return int(match[1]), match[2]
