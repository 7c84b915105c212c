"""Check a user's table of materials: every problem at once, and a copy without the bad rows."""

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from muli.candidates.schema import NUMERIC, TEXT_COLUMNS
from muli.candidates.users.problems import Problem, TableError, report
from muli.candidates.users.user_table import read


@dataclass(frozen=True)
class Report:
    """What is wrong with a file. `rows` are its good rows (see user_table.read), maybe none."""

    file: str
    rows: pd.DataFrame
    problems: list[Problem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """True where nothing is wrong."""
        return not self.problems

    def __str__(self) -> str:
        good = f"{len(self.rows)} good row{'' if len(self.rows) == 1 else 's'}"
        if self.ok:
            return f"{self.file}: {good}, no problem"
        bad = len({problem.row for problem in self.problems})
        where = f"{len(self.problems)} problems in {bad} rows"
        return f"{self.file}: {good}, {where}\n{report(self.problems)}"

    def fixed(self) -> str:
        """The good rows as CSV text. Bad rows are left out; no value is guessed or converted."""
        columns = [name for name in (*TEXT_COLUMNS, *NUMERIC) if name in self.rows]
        used = [name for name in columns if name == "name" or self.rows[name].notna().any()]
        return self.rows[used].to_csv(index=False, lineterminator="\n")


def validate(path: str | Path) -> Report:
    """Every problem of a table with file, row, column, value, expected unit and likely slip.

    Never raises for what a file holds: a file that is no table at all is a report, too.
    """
    try:
        rows, problems = read(path, bad="skip")
    except TableError as error:
        return Report(Path(path).name, pd.DataFrame(), error.problems)
    return Report(Path(path).name, rows, problems)
