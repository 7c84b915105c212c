"""Closest names, for messages about a mistyped key, column or material."""

import difflib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


MANY_DIGITS = "a number of more than 4,300 digits"


def closest(name: str, known: Iterable[str], count: int = 3) -> str:
    """'; closest: a, b' for a mistyped `name`, or an empty string when nothing is near."""
    by_lower: dict[str, str] = {}
    for word in known:
        by_lower.setdefault(word.lower(), word)
    near = difflib.get_close_matches(name.lower()[:200], by_lower, n=count, cutoff=0.55)
    return f"; closest: {', '.join(by_lower[word] for word in near)}" if near else ""


def shown(value: object, limit: int = 60) -> str:
    """`value` as it may stand in a message: one line, cut where it is long."""
    if isinstance(value, str) and len(value) > limit:
        return f"{value[:limit]!r}... ({len(value):,} characters)"
    try:
        text = repr(value)
    except RecursionError:
        return f"a {type(value).__name__} nested too deeply to show"
    except ValueError:  # Python writes no number of more than 4,300 digits
        return MANY_DIGITS
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text):,} characters)"


def few(lines: Sequence[str], joint: str, most: int = 20) -> str:
    """The first of many short texts in one line, and how many more there are."""
    more = [f"... and {len(lines) - most:,} more"] if len(lines) > most else []
    return joint.join([*lines[:most], *more])


def one_line(error: object, limit: int = 200) -> str:
    """What an error says, as one line of a message."""
    text = " ".join(str(error).split())
    if "integer string conversion" in text:  # how Python says it, with advice for programmers
        return MANY_DIGITS
    return text if len(text) <= limit else f"{text[:limit]}..."


_EXPECTED = {
    "float_type": "expected a number",
    "int_type": "expected a whole number",
    "bool_type": "expected true or false",
    "string_type": "expected text",
    "tuple_type": "expected a list",
    "dict_type": "expected a table",
    "model_type": "expected a table",
    "too_short": "expected at least one",
}


def expected(error: "ErrorDetails") -> str:
    """What a validator expected, in the words of a TOML file."""
    message = error["msg"].removeprefix("Value error, ").replace("Input should be", "expected")
    return _EXPECTED.get(error["type"], f"{message[0].lower()}{message[1:]}")
