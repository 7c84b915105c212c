"""The text of a user's table: names, roles, formulas, sources, and files of curves."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from muli.candidates.family import family
from muli.candidates.formula import FormulaError, parse, plain
from muli.candidates.names import closest
from muli.candidates.schema import ROLES, TEXT_COLUMNS
from muli.candidates.users.cells import is_blank
from muli.candidates.users.headings import CURVE
from muli.candidates.users.problems import Problems, TableError

MAX_CELL = 300
"""Longest cell, characters."""

FREE = ("source", "note")
"""Columns of any text: a row is never refused for it."""

_HARMFUL = r"[\x00-\x1f\x7f<>\ufffd]|\.\.[/\\]|^\s*[=+@]|^\s*-[A-Za-z(]|^[/\\]"
_HARMLESS = "plain UTF-8 text without < > or control characters, not starting with = + @ or a path"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def check_texts(
    cells: Mapping[str, Sequence[str]], rows: Sequence[int], folder: Path, problems: Problems
) -> pd.DataFrame:
    """Text columns (blank is None, `role` coating, `formula` the name, `family` from the formula).

    `folder` is where files of curves are looked for.
    """
    columns = [*TEXT_COLUMNS, *([CURVE] if CURVE in cells else [])]
    texts = pd.DataFrame(
        {name: _stripped(cells.get(name), name, len(rows)) for name in columns}, dtype=object
    )
    row = pd.Series(rows, dtype=int)
    for name in FREE:
        free = [None if text is None else _free(text) for text in texts[name]]
        texts[name] = pd.Series(free, dtype=object)
    for name in columns:
        if name not in FREE:
            _check_text(texts[name], name, row, problems)
    _check_names(texts["name"], row, problems)
    texts["role"] = texts["role"].str.lower().where(texts["role"].notna(), "coating")
    _check_roles(texts["role"], row, problems)
    families = _check_formulas(texts, row, problems)
    texts["family"] = texts["family"].where(texts["family"].notna(), families)
    if CURVE in texts:
        texts[f"{CURVE}_as_written"] = texts[CURVE]
        paths = _curves(texts[CURVE], row, folder, problems)
        texts[CURVE] = pd.Series(paths, dtype=object)
    return texts


def _stripped(cells: Sequence[str] | None, name: str, count: int) -> list[str | None]:
    if cells is None:
        return [None] * count
    stripped = [cell.strip() for cell in cells]
    return [cell if cell and (name == "name" or not is_blank(cell)) else None for cell in stripped]


def _free(text: str) -> str:
    """Any text on one line of at most MAX_CELL characters."""
    line = _CONTROL.sub(" ", text)
    return line if len(line) <= MAX_CELL else f"{line[: MAX_CELL - 1]}…"


def _check_text(column: pd.Series, name: str, row: pd.Series, problems: Problems) -> None:
    text = column.fillna("")
    long = text.str.len() > MAX_CELL
    problems.add_all(row[long], name, text[long], f"at most {MAX_CELL} characters", "shorten")
    harmful = ~long & text.str.contains(_HARMFUL, regex=True)
    problems.add_all(row[harmful], name, text[harmful], _HARMLESS, "rename")


def _check_names(names: pd.Series, row: pd.Series, problems: Problems) -> None:
    blank = names.isna()
    problems.add_all(row[blank], "name", names[blank].fillna(""), "a name", "every row needs one")
    named = names[~blank]
    doubled = named[named.duplicated()]
    first = dict(zip(named[::-1], row[named.index][::-1], strict=True))
    for number, name in zip(row[doubled.index], doubled, strict=True):
        problems.add(number, "name", name, "a unique name", f"first in row {first[name]}")


def _check_roles(roles: pd.Series, row: pd.Series, problems: Problems) -> None:
    wrong = ~roles.isin(ROLES)
    for number, role in zip(row[wrong], roles[wrong], strict=True):
        near = closest(role, ROLES, 1)
        advice = f"closest: {near[0]}" if near else "leave it blank for coating"
        problems.add(number, "role", role, f"one of {', '.join(ROLES)}", advice)


def _check_formulas(texts: pd.DataFrame, row: pd.Series, problems: Problems) -> pd.Series:
    """Family of every row; a formula left out is the name where that reads as one.

    Formulas with blanks, subscripts or dots are spelled in plain letters and digits.
    """
    stated = texts["formula"].notna()
    formulas = texts["formula"].where(stated, texts["name"])
    spelt, families, errors = _read_formulas(set(formulas.dropna()))
    wrong = stated & formulas.isin(errors)
    for number, formula in zip(row[wrong], formulas[wrong], strict=True):
        problems.add(number, "formula", formula, "a chemical formula", errors[formula])
    readable = formulas.isin(families)
    texts["formula"] = formulas.map(spelt).where(readable, None)
    return formulas.map(families).where(readable, None)


def _read_formulas(
    formulas: set[str],
) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Plain spellings and families of the readable formulas, advice for the others."""
    spelt: dict[str, str] = {}
    families: dict[str, str] = {}
    errors: dict[str, str] = {}
    for formula in formulas:
        try:
            composition = parse(formula)
        except FormulaError as error:
            errors[formula] = _advice(formula, error)
            continue
        families[formula] = family(composition)
        spelt[formula] = plain(formula)
    return spelt, families, errors


def _advice(formula: str, error: FormulaError) -> str:
    if "/" in formula:
        return "fractions as decimals"
    if re.search("[A-Za-z0-9)][-–—][A-Z(]", formula):
        return "a system has no ratio: write it with amounts, e.g. 0.7Li2S·0.3P2S5"
    return str(error)[:200]


def _curves(
    column: pd.Series, row: pd.Series, folder: Path, problems: Problems
) -> list[str | None]:
    """Paths of the files of curves, each read once to see that it is one."""
    from muli.candidates.users.curve import read_curve

    failed: dict[str, str] = {}
    bad_rows = problems.rows()
    for name in column.dropna().unique():
        try:
            if not set(row[column == name]) & bad_rows:
                read_curve(folder / name)
        except TableError as error:
            failed[name] = str(error.problems[0])[:200]
    for number, name in zip(row, column, strict=True):
        if name in failed:
            problems.add(number, CURVE, name, "a file with E_V, log10_sigma_ele, sd", failed[name])
    return [None if name is None else str(folder / name) for name in column]
