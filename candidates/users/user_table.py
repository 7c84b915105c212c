"""A user's CSV of materials: every problem of every row at once, good rows usable.

Only `name` is required; `role` is coating where absent, the formula is the name where that reads
as one, the family follows from the formula. Nothing in a file is evaluated, and names that a
spreadsheet, a browser or a file system would act on are refused.
"""

from pathlib import Path

import pandas as pd

from muli.candidates.computed_columns import CARRIED
from muli.candidates.family import family
from muli.candidates.formula import FormulaError, parse
from muli.candidates.names import closest
from muli.candidates.schema import NUMERIC, ROLES, TEXT_COLUMNS, Column
from muli.candidates.users.csv_text import read_text
from muli.candidates.users.problems import Problem, Problems, TableError

MAX_CELL = 300
"""Characters a cell may have."""

_HARMFUL = r"[\x00-\x1f\x7f<>\ufffd]|\.\.[/\\]|^\s*[=+@]|^\s*-[A-Za-z(]|^[/\\]"
_HARMLESS = "plain UTF-8 text without < > or control characters, not starting with = + @ or a path"


def read(path: str | Path, *, bad: str = "error") -> tuple[pd.DataFrame, list[Problem]]:
    """Good rows of a user's table and the problems found.

    Columns: name, formula, role, family, form, process_atmosphere, source, note, `table` (the
    file's name), `row` and the numeric columns the file holds, as floats with NaN for blank.

    Args:
        path: a CSV file, UTF-8, comma between columns.
        bad: "error" raises TableError when there is any problem; "skip" leaves bad rows out.

    Raises:
        TableError: with `bad="error"`, or where the file cannot be read as a table at all.
        ValueError: `bad` is neither word.
    """
    if bad not in ("error", "skip"):
        raise ValueError(f"bad={bad!r}: it is 'error' or 'skip'")
    raw, problems = read_text(path)
    rows = _header(raw, problems)
    texts, numbers = _split(rows)
    _check_text(texts, rows["row"], problems)
    _check_names(texts["name"], rows["row"], problems)
    _check_roles(texts["role"], rows["row"], problems)
    families = _check_formulas(texts, rows["row"], problems)
    values = pd.DataFrame(
        {
            name: _numbers(numbers[name], rows["row"], column, problems)
            for name, column in NUMERIC.items()
            if name in numbers
        },
        index=rows.index,
    )
    _check_windows(values, rows["row"], problems)
    if problems.found and bad == "error":
        raise TableError(problems.sorted())
    texts["family"] = texts["family"].where(texts["family"].notna(), families)
    table = pd.concat([texts, values], axis=1).assign(table=Path(path).name, row=rows["row"])
    good = ~rows["row"].isin(problems.rows())
    return table[good].reset_index(drop=True), problems.sorted()


def _header(raw: pd.DataFrame, problems: Problems) -> pd.DataFrame:
    """The table with known columns only; unknown and doubled ones are problems of row 1."""
    known = [*TEXT_COLUMNS, *NUMERIC]
    keep: dict[str, pd.Series] = {"row": raw["row"]}
    for position, column in enumerate(raw.columns[:-1]):
        name = str(column).strip()
        near = closest(name, known, 1)
        advice = (
            f"closest column: {near[0]}" if near else f"text columns: {', '.join(TEXT_COLUMNS)}"
        )
        if name in keep:
            problems.add(1, name, name, "every column once", "column appears twice")
        elif name in CARRIED:
            continue
        elif name not in known:
            problems.add(1, name[:60], name[:60], "a known column", advice)
        else:
            keep[name] = raw.iloc[:, position]
    if "name" not in keep:
        problems.add(1, "name", "", "a column `name`", "only `name` is required")
        raise TableError(problems.sorted())
    return pd.DataFrame(keep)


def _split(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Text columns (blank is None, `role` coating, `formula` the name) and number columns."""
    texts = rows.reindex(columns=list(TEXT_COLUMNS)).astype(object)
    for name in texts:
        stripped = texts[name].str.strip()
        texts[name] = stripped.where(stripped.fillna("") != "", None)
    texts["role"] = texts["role"].str.lower().where(texts["role"].notna(), "coating")
    return texts, rows[[name for name in NUMERIC if name in rows]]


def _check_text(texts: pd.DataFrame, row: pd.Series, problems: Problems) -> None:
    for name in TEXT_COLUMNS:
        text = texts[name].fillna("")
        length = text.str.len()
        long = length > MAX_CELL
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
        problems.add(
            number,
            "role",
            role,
            f"one of {', '.join(ROLES)}",
            f"closest: {near[0]}" if near else "leave it blank for coating",
        )


def _check_formulas(texts: pd.DataFrame, row: pd.Series, problems: Problems) -> pd.Series:
    """Family of every row; a formula left out is the name where that reads as one."""
    given = texts["formula"].notna()
    formulas = texts["formula"].where(given, texts["name"])
    families, errors = _read_formulas(set(formulas.dropna()))
    wrong = given & formulas.isin(errors)
    for number, formula in zip(row[wrong], formulas[wrong], strict=True):
        advice = "fractions as decimals" if "/" in formula else errors[formula]
        problems.add(number, "formula", formula, "a chemical formula", advice)
    readable = formulas.isin(families)
    texts["formula"] = formulas.where(readable, None)
    return formulas.map(families).where(readable, None)


def _read_formulas(formulas: set[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Families of the readable formulas, errors of the others."""
    families: dict[str, str] = {}
    errors: dict[str, str] = {}
    for formula in formulas:
        try:
            families[formula] = family(parse(formula))
        except FormulaError as error:
            errors[formula] = str(error)[:200]
    return families, errors


def _numbers(
    cells: pd.Series, row: pd.Series, column: Column, problems: Problems
) -> "pd.Series[float]":
    text = cells.str.strip()
    blank = text == ""
    numbers = pd.to_numeric(text.where(~blank), errors="coerce").astype(float)
    finite = numbers.abs() < float("inf")
    unread = ~blank & ~finite
    advice = "a finite number without unit, decimal point; blank where unknown"
    problems.add_all(row[unread], column.name, text[unread], column.unit, advice)
    below = numbers <= 0.0 if column.above_zero else numbers < column.low
    outside = finite & (below | (numbers < column.low) | (numbers > column.high))
    for number, cell, value in zip(row[outside], text[outside], numbers[outside], strict=True):
        problems.add(number, column.name, cell, expected(column), slip(column, value))
    return numbers.where(finite & ~outside)


def expected(column: Column) -> str:
    """Unit and range of a column, for a message."""
    low = f"from {column.low:g}" if column.low > 1e-30 or not column.above_zero else "above 0,"
    return f"{column.unit}, {low} to {column.high:g}"


def slip(column: Column, value: float) -> str:
    """The likely unit mistake behind a number out of range, e.g. "another unit? 35 meV is ..."."""
    if value < 0 and column.low >= 0:
        return "negative"
    if value == 0:
        return "zero; leave it blank where unknown"
    if column.unit == "K" and -100.0 < value < column.low:
        return f"degrees Celsius? {value:g} C is {value + 273.15:g} K"
    fits = [
        f"{value:g} {unit} is {value * factor:.4g} {column.unit}"
        for factor, unit in column.slips
        if column.low <= value * factor <= column.high
    ]
    return f"another unit? {', '.join(fits)}" if fits else "no unit slip fits: check the number"


def _check_windows(values: pd.DataFrame, row: pd.Series, problems: Problems) -> None:
    if not {"reduction_limit_V", "oxidation_limit_V"} <= set(values):
        return
    crossed = values["oxidation_limit_V"] < values["reduction_limit_V"]
    shown = values["oxidation_limit_V"][crossed].map("{:g}".format)
    problems.add_all(
        row[crossed],
        "oxidation_limit_V",
        shown,
        "V vs Li/Li+, not below reduction_limit_V",
        "the two limits may be exchanged",
    )
