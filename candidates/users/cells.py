"""A cell of a table as people type it: a number, a bound, a range, a spread, or nothing known.

Only spellings with a single meaning are read; everything else is refused with the reason, since a
number that is guessed looks like one that was measured. Spellings that are read:

| cell | reading |
|---|---|
| `1.5e-7`, `1,5E-7`, `7.0×10−7`, `10^-7`, `1'200.5` | the number |
| `<1e-12`, `≤ 1e-12`, `>1e-3` | a bound: no value, its upper or lower end |
| `~1e-9`, `ca. 1e-9` | the number, as an order of magnitude |
| `1e-12 ± 0.3e-12`, `(1.0 ± 0.3)e-12`, `1.0(3)e-12` | the number and its ends |
| `1e-13..1e-11`, `1e-13 to 1e-11`, `1e-13–1e-11` | both ends, no value |
| `-`, `n.d.`, `n/a` and their like | unknown |
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite

_BLANK_WORDS = """
- – — -- − n.d. n.d nd n/d n/a n.a. n.a na #n/a none null ? unknown … ...
"""
BLANKS = frozenset(
    {"", "not determined", "not measured", "not reported", "not available", *_BLANK_WORDS.split()}
)
"""What people write where nothing is known, in small letters."""

_FOLDED = str.maketrans(
    {"\u2212": "-", "\ufe63": "-", "\u00a0": " ", "\u2009": " ", "\u202f": " ", "\u2007": " "}
)
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_RAISED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+")
_MANTISSA = r"[0-9]+(?:[.,][0-9]+)*[.,]?|[.,][0-9]+"
_TEN = r"10\s*(?:\^|\*\*)\s*\{?\s*[+-]?[0-9]+\}?"
_POWER = rf"[eE][+-]?[0-9]+|\s*[x×·∙⋅*]\s*(?:{_TEN}|10\s*[+-][0-9]+)"
_NUMBER = rf"[+-]?\s?(?:(?:{_MANTISSA})(?:{_POWER})?|{_TEN})"
_ONE = re.compile(rf"({_NUMBER})")
_BOUND = re.compile(rf"(<=?|≤|≲|>=?|≥|≳)\s*({_NUMBER})")
_ABOUT = re.compile(rf"(?:~|∼|≈|ca\.?|approx\.?|about)\s*({_NUMBER})", re.IGNORECASE)
_SPREAD = re.compile(rf"({_NUMBER})\s*(?:±|\+/-|\+-)\s*({_NUMBER})")
_SPREAD_POWER = re.compile(
    rf"\(\s*([+-]?(?:{_MANTISSA}))\s*(?:±|\+/-|\+-)\s*((?:{_MANTISSA}))\s*\)({_POWER})?"
)
_DIGITS = re.compile(rf"([+-]?[0-9]+[.,]?[0-9]*)\(([0-9]+)\)({_POWER})?")
_RANGE = re.compile(
    rf"({_NUMBER})\s*(?:\.\.\.?|…|–|—|\bto\b|\s-\s|(?<=[0-9])-(?=[0-9.]))\s*({_NUMBER})"
)
_THOUSANDS = re.compile(r"[1-9][0-9]{0,2}([.,])[0-9]{3}(?:\1[0-9]{3})*")
_PARTED = re.compile(
    r"[+-]?[1-9][0-9]{0,2}(?:[\u00a0\u2009\u202f\u2007'’][0-9]{3})+(?:[.,][0-9]+)?"
)
"""Thousands separated by narrow blanks or apostrophes, which have no other meaning."""
_LONGEST = 80


class Unclear(ValueError):
    """A cell without a single meaning; the message has the reason and what to write."""


@dataclass(frozen=True)
class Reading:
    """Content of a cell: `value` (None for a bound or a range), its ends, bound and qualifier.

    `bound` is upper, lower or ""; `qualifier` is order_of_magnitude or "".
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    bound: str = ""
    qualifier: str = ""


def is_blank(text: str) -> bool:
    """Whether a cell says that nothing is known."""
    return text.strip().casefold() in BLANKS


def read_cell(text: str, decimal: str = ".") -> Reading:
    """Reading of a cell that is not blank; `decimal` is the mark of its file. Raises Unclear."""
    folded = _fold(text)
    if len(folded) > _LONGEST:
        raise Unclear("too long for a number")
    if match := _BOUND.fullmatch(folded):
        end = _value(match.group(2), decimal)
        upper = match.group(1)[0] in "<≤≲"
        return Reading(
            None, None if upper else end, end if upper else None, "upper" if upper else "lower"
        )
    if match := _ABOUT.fullmatch(folded):
        return Reading(_value(match.group(1), decimal), qualifier="order_of_magnitude")
    if match := _ONE.fullmatch(folded):
        return Reading(_value(match.group(1), decimal))
    return _read_pair(folded, decimal)


def _read_pair(folded: str, decimal: str) -> Reading:
    if match := _SPREAD_POWER.fullmatch(folded):
        value, spread = (
            _value(part + (match.group(3) or ""), decimal) for part in match.groups()[:2]
        )
        return _spread(value, spread)
    if match := _SPREAD.fullmatch(folded):
        return _spread(_value(match.group(1), decimal), _value(match.group(2), decimal))
    if match := _DIGITS.fullmatch(folded):
        mantissa, last, power = match.group(1), match.group(2), match.group(3) or ""
        places = len(re.split("[.,]", mantissa)[1]) if re.search("[.,]", mantissa) else 0
        return _spread(
            _value(mantissa + power, decimal),
            _value(f"{last}e-{places}", ".") * _value(f"1{power}", "."),
        )
    if match := _RANGE.fullmatch(folded):
        low, high = _value(match.group(1), decimal), _value(match.group(2), decimal)
        if not low < high:
            raise Unclear("a range that does not run upwards: write low..high")
        return Reading(None, low, high)
    raise Unclear("a finite number without unit, decimal point; blank where unknown")


def decimal_mark(cells: Iterable[str]) -> str:
    """The decimal mark of a file, from its cells of numbers: "," or ".".

    It is a comma where at least one cell has a comma that cannot separate thousands, and no cell
    has such a point.
    """
    commas = points = False
    for cell in cells:
        for mantissa in re.findall(r"[0-9]*[.,][0-9.,]*", _fold(cell)):
            if _THOUSANDS.fullmatch(mantissa) or ("," in mantissa and "." in mantissa):
                continue
            if mantissa.strip(".,"):
                commas |= "," in mantissa
                points |= "." in mantissa.replace("..", "")
    return "," if commas and not points else "."


def _fold(text: str) -> str:
    if _PARTED.fullmatch(text.strip()):
        return re.sub("[^-+0-9.,]", "", text)
    folded = text.translate(_FOLDED).strip()
    folded = _RAISED.sub(lambda raised: f"^{raised.group().translate(_SUPERSCRIPTS)}", folded)
    return re.sub(r"([x×·∙⋅*]\s*10|[0-9.][eE])\s*–(?=[0-9])", r"\1-", folded)


def _spread(value: float, spread: float) -> Reading:
    if spread < 0:
        raise Unclear("a spread below zero")
    low, high = (float(f"{end:.12g}") for end in (value - spread, value + spread))
    return Reading(value, low, high)


def _value(text: str, decimal: str) -> float:
    """One number, e.g. "7.0×10^-7" -> 7e-7. Raises Unclear."""
    bare = re.sub(r"[\s{}]", "", text)
    parts = re.split(r"[x×·∙⋅*](?=10)", bare, maxsplit=1)
    mantissa, power = (parts[0], parts[1]) if len(parts) == 2 else (bare, "")
    if not power and re.match(r"[+-]?10(\^|\*\*)", mantissa):
        sign, power = ("-" if mantissa[0] == "-" else ""), mantissa.lstrip("+-")
        mantissa = f"{sign}1"
    exponent = re.sub(r"^10(\^|\*\*)?", "", power) or "0"
    number, _, small = mantissa.replace("E", "e").partition("e")
    if len(exponent) > 5 or len(small) > 5:
        raise Unclear("an exponent beyond any number")
    value = float(f"{_pointed(number, decimal)}e{int(small or 0) + int(exponent)}")
    if not isfinite(value):
        raise Unclear("a finite number without unit, decimal point; blank where unknown")
    return value


def _pointed(mantissa: str, decimal: str) -> str:
    """Digits with a decimal point, from digits with the marks of the file."""
    bare = mantissa.lstrip("+-")
    marks = set(re.findall("[.,]", bare))
    other = "," if decimal == "." else "."
    if len(marks) == 2:
        last = max(marks, key=bare.rfind)
        (first,) = marks - {last}
        whole, _, rest = bare.rpartition(last)
        if not _THOUSANDS.fullmatch(whole) or first in rest:
            raise Unclear("points and commas mixed: write one decimal point")
        return mantissa.replace(first, "").replace(last, ".")
    if other in marks:
        if _THOUSANDS.fullmatch(bare):
            meant = f"{bare.replace(other, '.')} or {bare.replace(other, '')}"
            raise Unclear(f"{meant}? Write it with a decimal point and without thousands")
        if decimal == ".":
            raise Unclear("a decimal comma beside decimal points: write a decimal point")
        raise Unclear("a decimal point beside decimal commas: write all numbers alike")
    if bare.count(decimal) > 1:
        raise Unclear("several decimal marks in one number")
    return mantissa.replace(decimal, ".")
