"""Numbers and compositions as sources spell them; what is not clear is refused with a reason."""

import re
from collections.abc import Mapping
from math import isfinite
from typing import Any

from muli.candidates.formula import ELEMENTS, FormulaError, parse

LARGEST_ENERGY = 2e6
"""eV/atom; all-electron total energies of the heaviest elements stay below it."""

_LARGEST_AMOUNT = 1e5
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
_SPECIES = re.compile(
    r"([A-Z][a-z]?)(?:[0-9]*\.?[0-9]*[+-]|[+-][0-9]+\.?[0-9]*)?(?:,.*)?", re.ASCII
)
_SIGNS = str.maketrans(
    {"−": "-", "⁻": "-", "⁺": "+", **dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True))}
)


class Unusable(ValueError):
    """A value that cannot be used; the message says what was expected."""


def number(value: Any) -> float:
    """A finite number given as a number, or as text in plain digits. Raises Unusable."""
    if isinstance(value, bool):
        raise Unusable("true and false are no numbers")
    if isinstance(value, str):
        text = value.strip()
        if not text:
            raise Unusable("blank")
        if len(text) > 100 or not _NUMBER.fullmatch(text):
            raise Unusable("expected a number in digits 0 to 9 with a decimal point")
        value = float(text)
    if value is None:
        raise Unusable("blank")
    if not isinstance(value, int | float):
        raise Unusable("expected a number")
    try:
        result = float(value)
    except OverflowError:
        result = float("inf")
    if not isfinite(result):
        raise Unusable("not a finite number")
    return result


def energy(value: Any) -> float:
    """An energy, eV/atom. Raises Unusable, also beyond what any calculation gives."""
    per_atom = number(value)
    if abs(per_atom) > LARGEST_ENERGY:
        raise Unusable(f"beyond {LARGEST_ENERGY:g} eV/atom: no energy of atoms")
    return per_atom


def amounts(composition: Any) -> dict[str, float]:
    """Atoms by element, from a formula or a mapping whose keys may be species (`Li+`, `O2-`).

    Species of one element add up. Raises Unusable, naming the species that cannot be read.
    """
    if isinstance(composition, str):
        try:
            return parse(composition)
        except FormulaError as error:
            raise Unusable(str(error)) from error
    if not isinstance(composition, Mapping) or not composition:
        raise Unusable("expected a composition: atoms by element")
    total: dict[str, float] = {}
    for species, value in composition.items():
        symbol = _element(str(species))
        try:
            atoms = number(value)
        except Unusable as error:
            raise Unusable(f"amount of {symbol}: {error}") from None
        if atoms < 0 or atoms > _LARGEST_AMOUNT:
            raise Unusable(f"amount of {symbol} is {atoms:g}: expected 0 to {_LARGEST_AMOUNT:g}")
        total[symbol] = total.get(symbol, 0.0) + atoms
    present = {symbol: atoms for symbol, atoms in total.items() if atoms > 0}
    if not present:
        raise Unusable("the composition holds no atom")
    return present


def _element(species: str) -> str:
    match = _SPECIES.fullmatch(species.strip().translate(_SIGNS))
    if match is None or match.group(1) not in ELEMENTS:
        raise Unusable(f"{species[:20]!r} is no element or ion such as Li or Li+")
    return match.group(1)
