"""A user's table of materials: every problem of every row at once, good rows usable.

Only `name` is required; `role` is coating where absent, the formula is the name where that reads
as one, the family follows from the formula. Nothing in a file is evaluated, and names that a
spreadsheet, a browser or a file system would act on are refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from muli.candidates.schema import BOUNDS, EXPLAINED, NUMERIC, QUALIFIERS
from muli.candidates.users.cells import decimal_mark, is_blank
from muli.candidates.users.headings import Heading, described, is_export, read_headings
from muli.candidates.users.numbers import Numbers, read_numbers, slip
from muli.candidates.users.problems import Problem, Problems, TableError
from muli.candidates.users.sheet import Sheet, read_sheet
from muli.candidates.users.texts import check_texts

__all__ = ["Table", "read", "slip", "understand"]

_WORDS = {"bound": tuple(filter(None, BOUNDS)), "qualifier": tuple(filter(None, QUALIFIERS))}


@dataclass(frozen=True)
class Table:
    """What was understood of a file.

    `rows`: its good rows (see `read`). `problems`: all of them. `lines`: what each column was taken
    for, in words. `notes`: how the file was read.
    """

    rows: pd.DataFrame
    problems: list[Problem]
    lines: list[str]
    notes: list[str]


def read(path: str | Path, *, bad: str = "error") -> tuple[pd.DataFrame, list[Problem]]:
    """Good rows of a user's table and the problems found.

    Columns: name, formula, role, family, form, process_atmosphere, source, note, `table` (the
    file's name), `row`, the numeric columns the file holds as floats with NaN for blank, and where
    a cell states them `<property>_low`, `_high`, `_bound`, `_qualifier` of conductivities and
    limits and `sigma_ele_curve`, the path of a curve (`curve.read_curve`).

    Args:
        path: a CSV file of any dialect, packed or not, or an .xlsx file.
        bad: "error" raises TableError when there is any problem; "skip" leaves bad rows out.

    Raises:
        TableError: with `bad="error"`, or where the file cannot be read as a table at all.
        ValueError: `bad` is neither word.
    """
    if bad not in ("error", "skip"):
        raise ValueError(f"bad={bad!r}: it is 'error' or 'skip'")
    table = understand(path)
    if table.problems and bad == "error":
        raise TableError(table.problems)
    return table.rows, table.problems


def understand(path: str | Path) -> Table:
    """A user's table and how each of its columns was understood. Raises TableError if none."""
    sheet, problems = read_sheet(path)
    sheet = _with_units(sheet)
    cells, headings = _columns(sheet, problems)
    notes = list(sheet.notes)
    if is_export(sheet.headings):
        notes.append("downloaded from the Materials Project; names are formulas with its ids")
        cells["name"] = _export_names(cells)
    if "name" not in cells:
        problems.add(sheet.header_row, "name", "", "a column `name`", "only `name` is required")
        raise TableError(problems.sorted())
    texts = check_texts(cells, sheet.numbers, Path(path).parent, problems)
    decimal = decimal_mark(cell for name in cells if described(name) for cell in cells[name])
    if decimal == ",":
        notes.append("decimal commas")
    numbers = {
        name: read_numbers(
            name, cells[name], sheet.numbers, heading.unit, decimal, name in EXPLAINED, problems
        )
        for name, heading in headings.items()
        if heading.unit is not None
    }
    values = _values(numbers, cells, sheet.numbers, problems)
    _check_order(values, sheet.numbers, problems)
    table = pd.concat([texts, values], axis=1)
    table = table.assign(table=Path(path).name, row=sheet.numbers)
    good = ~table["row"].isin(problems.rows())
    lines = _lines(sheet, headings, cells, numbers)
    return Table(table[good].reset_index(drop=True), problems.sorted(), lines, notes)


def _with_units(sheet: Sheet) -> Sheet:
    """A table whose first row holds the units of the headings above it, with both in one row."""
    if len(sheet.rows) < 2:
        return sheet
    pairs = zip(sheet.headings, sheet.rows[0], strict=True)
    joined = [f"{text} ({cell.strip('()[] ')})" if cell.strip() else text for text, cell in pairs]
    before, after = read_headings(sheet.headings), read_headings(joined)
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old.text != new.text]
    if not changed or any(not old.problem or new.problem for old, new in changed):
        return sheet
    return replace(sheet, headings=joined, rows=sheet.rows[1:], numbers=sheet.numbers[1:])


def _columns(sheet: Sheet, problems: Problems) -> tuple[dict[str, list[str]], dict[str, Heading]]:
    """Cells and headings by our column; unknown and doubled ones are problems of the header."""
    cells: dict[str, list[str]] = {}
    headings: dict[str, Heading] = {}
    row = sheet.header_row
    for at, heading in enumerate(read_headings(sheet.headings)):
        text = heading.text[:60]
        if heading.problem:
            problems.add(row, text, text, *heading.problem)
        elif heading.column in cells:
            problems.add(row, text, text, "every column once", "column appears twice")
        elif heading.column:
            cells[heading.column] = [cells[at] for cells in sheet.rows]
            headings[heading.column] = heading
    return cells, headings


def _export_names(cells: dict[str, list[str]]) -> list[str]:
    pairs = zip(cells["formula"], cells.pop("material_id"), strict=True)
    return [f"{formula.strip()} ({number.strip()})" for formula, number in pairs]


def _values(
    numbers: dict[str, Numbers],
    cells: dict[str, list[str]],
    rows: Sequence[int],
    problems: Problems,
) -> pd.DataFrame:
    """Numeric columns, and the ends, bounds and qualifiers that cells or columns state."""
    columns: dict[str, object] = {name: numbers[name].value for name in NUMERIC if name in numbers}
    for name in EXPLAINED:
        for end in ("low", "high"):
            parts = [getattr(numbers[name], end)] if name in numbers else []
            parts += [numbers[f"{name}_{end}"].value] if f"{name}_{end}" in numbers else []
            if parts and not all(np.isnan(part).all() for part in parts):
                columns[f"{name}_{end}"] = np.where(np.isnan(parts[0]), parts[-1], parts[0])
        for what, known in _WORDS.items():
            words = [*getattr(numbers[name], what)] if name in numbers else [""] * len(rows)
            stated = _stated(cells.get(f"{name}_{what}"), f"{name}_{what}", known, rows, problems)
            words = [own or word for own, word in zip(words, stated or words, strict=True)]
            if any(words):
                columns[f"{name}_{what}"] = pd.Series(
                    [word or None for word in words], dtype=object
                )
    return pd.DataFrame(columns, index=range(len(rows)))


def _stated(
    cells: Sequence[str] | None,
    name: str,
    known: Sequence[str],
    rows: Sequence[int],
    problems: Problems,
) -> list[str] | None:
    if cells is None:
        return None
    words = ["" if is_blank(cell) else cell.strip().casefold() for cell in cells]
    for row, word in zip(rows, words, strict=True):
        if word and word not in known:
            problems.add(row, name, word, f"one of {', '.join(known)}", "blank for a plain value")
    return words


def _check_order(values: pd.DataFrame, rows: Sequence[int], problems: Problems) -> None:
    """Note limits of a window, and ends of a range, that are not in rising order."""
    pairs = [("reduction_limit_V", "oxidation_limit_V", "the two limits may be exchanged")]
    for name in EXPLAINED:
        ends = (f"{name}_low", name, f"{name}_high")
        pairs += [(a, b, "ends exchanged?") for a, b in (ends[:2], ends[1:], ends[::2])]
    for low, high, advice in pairs:
        if {low, high} <= set(values):
            for at in np.flatnonzero(values[high] < values[low]):
                shown, wanted = f"{values[high][at]:g}", f"{_unit(high)}, not below {low}"
                problems.add(rows[int(at)], high, shown, wanted, advice)


def _unit(name: str) -> str:
    """Unit of a column or of its ends."""
    column = described(name)
    return column.unit if column else ""


def _lines(
    sheet: Sheet,
    headings: dict[str, Heading],
    cells: dict[str, list[str]],
    numbers: dict[str, Numbers],
) -> list[str]:
    """How each heading was understood, in words."""
    lines = []
    for heading in read_headings(sheet.headings):
        name = heading.column
        if name is None or headings.get(name) != heading:
            reason = heading.reason or "not understood, see below"
            lines.append(f"{heading.text[:60] or '(no heading)'}: passed over, {reason}")
            continue
        if name in numbers:
            column, unit = described(name), heading.unit
            converted = unit.words(column) if unit and column else ""
            counts = [f"{count} {what}" for what, count in numbers[name].counts.items() if count]
            contents = ", ".join(filter(None, [*counts, converted and f"converted: {converted}"]))
        else:
            known = sum(not is_blank(cell) for cell in cells.get(name, []))
            contents = f"{known} cells of text"
        arrow = "" if heading.text == name else f" -> {name}"
        lines.append(f"{heading.text[:60]}{arrow}: {contents}")
    return lines
