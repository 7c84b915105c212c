"""Check a user's table of materials: every problem at once, and a copy without the bad rows."""

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from muli.candidates.schema import EXPLAINED, NUMERIC, TEXT_COLUMNS
from muli.candidates.users.headings import CURVE, DETAILS
from muli.candidates.users.problems import Problem, TableError, report
from muli.candidates.users.texts import FREE
from muli.candidates.users.user_table import understand


@dataclass(frozen=True)
class Report:
    """How a file was understood, and its problems.

    `rows` are its good rows (see user_table.read), maybe none. `lines` tell what each column was
    taken for, `notes` how the file was read.
    """

    file: str
    rows: pd.DataFrame
    problems: list[Problem] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """True where there is no problem."""
        return not self.problems

    def __str__(self) -> str:
        good = f"{len(self.rows)} good row{'' if len(self.rows) == 1 else 's'}"
        if self.ok:
            return f"{self.file}: {good}, no problem"
        bad = len({problem.row for problem in self.problems})
        where = f"{len(self.problems)} problems in {bad} rows"
        return f"{self.file}: {good}, {where}\n{report(self.problems)}"

    def understood(self) -> str:
        """What was understood, a line a column; "" where the file is no table."""
        if not self.lines:
            return ""
        how = f" ({', '.join(self.notes)})" if self.notes else ""
        return "\n  ".join([f"{self.file}{how}:", *self.lines])

    def fixed(self) -> str:
        """The good rows as CSV text, with headings and units of muli.

        Bad rows are left out. Numbers are those of the file, converted only where a heading names
        another unit; a bound or a range keeps its ends and stays without a value.
        """
        details = [f"{name}_{detail}" for name in EXPLAINED for detail in DETAILS]
        columns = [name for name in (*TEXT_COLUMNS, *NUMERIC, *details, CURVE) if name in self.rows]
        used = [name for name in columns if name == "name" or self.rows[name].notna().any()]
        rows = self.rows[used].copy()
        for name in set(FREE) & set(used):
            rows[name] = rows[name].map(harmless)
        if CURVE in rows:
            rows = rows.assign(**{CURVE: self.rows[f"{CURVE}_as_written"]})
        return rows.to_csv(index=False, lineterminator="\n")


def harmless(text: object) -> object:
    """Text as a cell that no spreadsheet reads as a formula: with an apostrophe before it."""
    starts = isinstance(text, str) and text.lstrip().startswith(tuple("=+-@＝＋－＠"))
    return f"'{text}" if starts else text


def validate(path: str | Path) -> Report:
    """Every problem of a table with file, row, column, value, expected unit and likely slip.

    Never raises for what a file holds: a file that is no table at all is a report, too.
    """
    try:
        table = understand(path)
    except TableError as error:
        return Report(Path(path).name, pd.DataFrame(), error.problems)
    return Report(Path(path).name, table.rows, table.problems, table.lines, table.notes)
