"""Closest names, for messages about a mistyped key, column or material."""

import difflib
from collections.abc import Iterable


def closest(name: str, known: Iterable[str], count: int = 3) -> str:
    """'; closest: a, b' for a mistyped `name`, or an empty string when nothing is near."""
    by_lower: dict[str, str] = {}
    for each in known:
        by_lower.setdefault(each.lower(), each)
    near = difflib.get_close_matches(name.lower()[:200], by_lower, n=count, cutoff=0.55)
    return f"; closest: {', '.join(by_lower[each] for each in near)}" if near else ""


def shown(value: object, limit: int = 60) -> str:
    """`value` as it may stand in a message: one line, cut where it is long."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"
