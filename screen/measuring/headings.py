"""Which quantity a heading names and in which unit, as laboratories and their instruments write it.

A heading names a quantity and, in brackets, behind a bar, a comma or a blank, its unit:
`U (mV)`, `I/nA`, `n_cm-3`, `Ewe/V`, `WE(1).Current (A)`, `E vs Li (V)`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

PREFIXES = {"": 1.0, "k": 1e3, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12}
_FOLDED = str.maketrans(
    {
        **dict.fromkeys("µμ", "u"),
        **dict(zip("−⁻⁺¹²³Å", "--+123A", strict=True)),
        **dict.fromkeys("Ω\u2126", "ohm"),
        **dict.fromkeys("·⋅*^{} \u00a0", ""),
    }
)
_WORDS = {
    "amperes?|amps?": "A",
    "volts?": "V",
    "seconds?|secs?|sek|sekunden": "s",
    "minutes?|mins?|minuten": "min",
    "hours?|hrs?|stunden": "h",
    "days?|tage": "d",
}
_WORD = re.compile(
    "|".join(f"(?P<{unit}>(?<![A-Za-z])[kmunp]?(?:{words})(?![A-Za-z]))"
             for words, unit in _WORDS.items()), re.IGNORECASE)  # fmt: skip
_AGAINST = re.compile(
    r"(vs\.? .+?|gegen .+?)\s*(?:[(\[{]\s*(m?V)\s*[)\]}]|[/,]\s*(m?V))?", re.IGNORECASE
)
_ENDS_OF_A_NAME = " ([{/,:"


class Conversion(NamedTuple):
    """value * factor + shift in the unit of the quantity."""

    factor: float
    shift: float = 0.0


@dataclass(frozen=True)
class Quantity:
    """What a column may hold.

    names: headings without their unit, in small letters. units: factor or conversion to `unit` by
    spelling, without blanks and `^`.
    """

    names: tuple[str, ...]
    unit: str
    units: Mapping[str, float | Conversion]

    def conversion(self, text: str) -> Conversion | None:
        """Of a unit as a heading spells it; None where it is not known."""
        unit = self.units.get(folded(text))
        return Conversion(unit) if isinstance(unit, float) else unit


def folded(text: str) -> str:
    """One spelling for one unit: "cm^-3", "cm⁻³" and "cm -3" are the same, as are "Amps", "A"."""
    plain = _WORD.sub(_letter, text.translate(str.maketrans("µμ", "uu")))
    return plain.translate(_FOLDED).replace("Ohm", "ohm")


def _letter(word: re.Match[str]) -> str:
    """A unit's letter for its word, with the prefix before it: mAmp is mA."""
    unit = str(word.lastgroup)
    bare = re.fullmatch(
        next(words for words, letter in _WORDS.items() if letter == unit), word[0], re.IGNORECASE
    )
    return unit if bare else word[0][0] + unit


def named(heading: str, quantities: Mapping[str, Quantity]) -> tuple[str, str] | None:
    """The quantity that a heading names, and the unit as it is spelled there.

    Where quantities share a name, the one with this unit is taken. A word after the name is a unit,
    or part of another name: "I Range" is not a current.
    """
    text = _plain(heading)
    matches = []
    for kind, quantity in quantities.items():
        for name in quantity.names:
            rest = text[len(name) :]
            if text[: len(name)].lower() == name and (not rest or rest[0] in _ENDS_OF_A_NAME):
                matches.append((len(name), kind, *_unit(rest)))
    longest = max((length for length, *_ in matches), default=0)
    fits = [match[1:] for match in matches if match[0] == longest]
    known = [fit for fit in fits if not fit[1] or quantities[fit[0]].conversion(fit[1])]
    marked = [fit for fit in fits if fit[2]]
    best = next(iter(known or marked), None)
    return best[:2] if best else None


def _plain(heading: str) -> str:
    """A heading without the marks that instruments put around a name."""
    text = re.sub(r"\s+", " ", heading.replace("_", " ")).strip()
    text = re.sub(r"^WE\(?1?\)?\.", "", text)  # Metrohm's working electrode
    text = re.sub(r"^[<|](\w+)[>|]", r"\1", text)  # a mean, an absolute value
    return re.sub("^[μµ] ?", "mu ", text)  # a potential or a mobility


def _unit(rest: str) -> tuple[str, bool]:
    """What follows a name as a unit, and whether a mark says that it is one."""
    unit = rest.strip(" ,:")
    if against := _AGAINST.fullmatch(unit):
        volt = against.group(2) or against.group(3) or "V"
        return f"{volt} {against.group(1)}", False
    for opening, closing in ("()", "[]", "{}"):
        if unit.startswith(opening) and unit.endswith(closing):
            return unit[1:-1].strip(), True
    marked = rest.lstrip()[:1] in tuple("/,:")
    return unit.removeprefix("/").strip(), marked


def kinds(headings: Sequence[str], quantities: Mapping[str, Quantity]) -> set[str]:
    """The quantities that headings name."""
    names = (named(text, quantities) for text in headings)
    return {name[0] for name in names if name is not None}
