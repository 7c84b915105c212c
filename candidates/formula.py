"""Chemical formulas: read, reduce, spell, without a chemistry library.

A composition is a plain ``dict`` from element symbol to atoms per formula unit, e.g.
``{"Li": 3, "P": 1, "O": 4}``. Formulas are data from outside: they are tokenised by a fixed
pattern and refused when too long or too deep, never evaluated.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache, reduce
from math import gcd, lcm

_ORDER = """
Fr Cs K Rb Ba Ra Na Sr Li Ca Yb Ac La Tb Ce Pr Pm Nd Sm Gd Eu Y Dy Ho Er Tm Lu Pu No Es Th Hf Md
Bk Am Lr Cf Cm Fm Mg Zr Sc Np U Ta Pa Ti Mn Be Nb Al Tl V Zn Cr Cd In Ga Fe Co Cu Si Re Tc Ni Ag
Sn Hg Po Ge Bi B Sb Te Mo As P H Ru Pd Ir Os At Rn Pt Rh Pb W Au C Se S Xe I Br Kr N Cl O F He Ne
Ar
"""
_RANK = {symbol: rank for rank, symbol in enumerate(_ORDER.split())}
ELEMENTS = frozenset(_RANK)
"""Symbols of the elements H to Lr. Spelling order is Pauling's electronegativity."""

_CENTRES = "B C N Si P S Cl Ge As Se Br Mo Sb Te I W"
_POLYANION_CENTRES = frozenset(_CENTRES.split())
_CONVENTION = {
    **{symbol: f"{symbol}2" for symbol in ("H", "N", "O", "F", "Cl")},
    **{f"{symbol}O": f"{symbol}2O2" for symbol in ("Li", "Na", "K", "Rb", "Cs", "H")},
}
"""Gases and peroxides, written with two atoms by custom."""
_MAX_LENGTH = 200
_MAX_AMOUNT = 1e6
_MAX_DENOMINATOR = 1000
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))
_DOTS = re.compile("[·•⋅∙‧・*]")
_NUMBER = r"[0-9]+(?:\.[0-9]+)?|\.[0-9]+"
_COEFFICIENT = re.compile(rf"({_NUMBER})(?=[A-Z(\[])", re.ASCII)
_SPLIT_NUMBER = re.compile(r"[0-9.]\s+[0-9.]")
_TOKEN = re.compile(rf"([A-Z][a-z]?)|([(\[])|([)\]])|({_NUMBER})")

Composition = Mapping[str, float]


class FormulaError(ValueError):
    """A formula that cannot be read; the message names it and the offending part."""


def parse(formula: str) -> dict[str, float]:
    """Atoms per formula unit, e.g. ``"LiTi2(PO4)3"`` -> ``{"Li": 1, "Ti": 2, "P": 3, "O": 12}``.

    Decimals and nested brackets are read, blanks between symbols, subscripts (``"Li₃PO₄"``) and the
    dot of a hydrate or a double oxide with its coefficients (``"LiOH·H2O"``, ``"CaSO4·2H2O"``).
    Raises FormulaError for anything else: an unknown element, a stray character, unbalanced
    brackets, a number broken by a blank, an amount beyond a million, an empty or overlong string.
    """
    if len(formula) > _MAX_LENGTH:
        raise FormulaError(f"formula {formula[:20]!r}... has {len(formula)} characters")
    text = formula.translate(_SUBSCRIPTS).translate(_INVISIBLE).strip()
    if broken := _SPLIT_NUMBER.search(text):
        reason = f"cannot read {broken.group()!r}, a number with a blank inside"
        raise FormulaError(f"formula {formula!r}: {reason}")
    parts = _DOTS.split("".join(text.split()))
    composition = _total([_part(part, formula, len(parts) > 1) for part in parts])
    if not composition:
        raise FormulaError(f"formula {formula!r} holds no element")
    if max(composition.values()) > _MAX_AMOUNT:
        raise FormulaError(f"formula {formula!r}: more than {_MAX_AMOUNT:g} atoms of one element")
    return composition


def plain(formula: str) -> str:
    """The formula in plain letters and digits: no blanks, no subscripts; dots are multiplied out.

    >>> plain("Li₃ PO₄"), plain("LiOH·H2O")
    ('Li3PO4', 'LiH3O2')
    """
    composition = parse(formula)
    text = "".join(formula.translate(_SUBSCRIPTS).translate(_INVISIBLE).split())
    return spell(composition) if _DOTS.search(text) else text


def _part(text: str, formula: str, has_coefficient: bool) -> tuple[dict[str, float], float]:
    """One part of a formula and how many times it counts; a coefficient stands before it."""
    times, position = 1.0, 0
    if has_coefficient and (first := _COEFFICIENT.match(text)):
        times, position = float(first.group(1)), first.end()
    levels: list[list[tuple[dict[str, float], float]]] = [[]]
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise FormulaError(f"formula {formula!r}: cannot read {text[position:][:10]!r}")
        _take(match, levels, formula)
        position = match.end()
    if len(levels) != 1:
        raise FormulaError(f"formula {formula!r}: brackets do not match")
    if has_coefficient and not levels[0]:
        raise FormulaError(f"formula {formula!r}: nothing stands beside the dot")
    return _total(levels[0]), times


def _take(
    match: re.Match[str], levels: list[list[tuple[dict[str, float], float]]], formula: str
) -> None:
    symbol, opening, closing, number = match.groups()
    if symbol:
        if symbol not in ELEMENTS:
            raise FormulaError(f"formula {formula!r}: {symbol!r} is not an element")
        levels[-1].append(({symbol: 1.0}, 1.0))
    elif opening:
        levels.append([])
    elif closing:
        if len(levels) == 1:
            raise FormulaError(f"formula {formula!r}: brackets do not match")
        group = _total(levels.pop())
        levels[-1].append((group, 1.0))
    else:
        if not levels[-1] or levels[-1][-1][1] != 1.0:
            raise FormulaError(f"formula {formula!r}: number {number} follows no element")
        levels[-1][-1] = (levels[-1][-1][0], float(number))


def _total(groups: list[tuple[dict[str, float], float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for group, times in groups:
        for symbol, amount in group.items():
            total[symbol] = total.get(symbol, 0.0) + amount * times
    return {symbol: amount for symbol, amount in total.items() if amount > 0}


def reduce_composition(composition: Composition) -> dict[str, float]:
    """The smallest whole numbers with the same ratios; unchanged where there are none.

    Ratios are taken as whole when every amount is a multiple of 1/1000 or less fine.
    """
    parts = {s: Fraction(a).limit_denominator(_MAX_DENOMINATOR) for s, a in composition.items()}
    if any(abs(float(parts[s]) - a) > 1e-9 * a for s, a in composition.items()):
        return dict(composition)
    scale = lcm(*(part.denominator for part in parts.values()))
    whole = {s: int(part * scale) for s, part in parts.items()}
    divisor = reduce(gcd, whole.values())
    return {symbol: float(amount // divisor) for symbol, amount in whole.items()}


def spell(composition: Composition) -> str:
    """The formula as chemists write it: electropositive first, polyanions bracketed.

    Amounts are written as they are; reduce first for a name that equals for equal compounds.
    """
    symbols = sorted(composition, key=_RANK.__getitem__)
    tail = ""
    if len(symbols) >= 3 and symbols[-2] in _POLYANION_CENTRES:
        pair = [composition[symbol] for symbol in symbols[-2:]]
        times = gcd(*map(int, pair)) if all(amount == int(amount) for amount in pair) else 1
        if times > 1:
            group = {symbol: composition[symbol] / times for symbol in symbols[-2:]}
            tail = f"({spell(group)}){times}"
            symbols = symbols[:-2]
    return "".join(symbol + _amount(composition[symbol]) for symbol in symbols) + tail


def reduced_formula(formula: str | Composition) -> str:
    """One spelling for one compound: ``"P3Ti2LiO12"`` -> ``"LiTi2(PO4)3"``. Raises FormulaError."""
    return _of_text(formula) if isinstance(formula, str) else _of_composition(formula)


@lru_cache(maxsize=20_000)
def _of_text(formula: str) -> str:
    return _of_composition(parse(formula))


def _of_composition(composition: Composition) -> str:
    spelt = spell(reduce_composition(composition))
    return _CONVENTION.get(spelt, spelt)


def _amount(value: float) -> str:
    """Digits as `parse` reads them: positional, never an exponent."""
    if value == int(value):
        return "" if value == 1 else f"{value:.0f}"
    return f"{Decimal(f'{value:.6g}'):f}"
