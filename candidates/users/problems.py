"""Problems of a table: each one names file, row, column, value and advice."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

_SHOWN = 60
_LISTED = 50


@dataclass(frozen=True, order=True)
class Problem:
    """One problem. Row 1 is the header, as in a spreadsheet; long values are shortened."""

    file: str
    row: int
    column: str
    value: str
    expected: str
    advice: str

    def __str__(self) -> str:
        shown = f" = {self.value!r}" if self.value else ""
        return (
            f"{self.file}, row {self.row}, {self.column}{shown}: "
            f"expected {self.expected} ({self.advice})"
        )


class Problems:
    """Collects the problems of one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: list[Problem] = []

    def add(self, row: int, column: str, value: str, expected: str, advice: str) -> None:
        """Note one problem."""
        self.found.append(Problem(self.file, row, column, shorten(value), expected, advice))

    def add_all(
        self,
        rows: "pd.Series[int]",
        column: str,
        values: "pd.Series[str]",
        expected: str,
        advice: str,
    ) -> None:
        """Note the same problem for several rows."""
        for row, value in zip(rows, values, strict=True):
            self.add(int(row), column, value, expected, advice)

    def rows(self) -> set[int]:
        """Rows that have a problem."""
        return {problem.row for problem in self.found}

    def sorted(self) -> list[Problem]:
        """All problems by row and column."""
        return sorted(self.found)


class TableError(ValueError):
    """A table with bad rows. `problems` holds all of them; the message lists the first fifty."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        super().__init__(report(self.problems))


def report(problems: Sequence[Problem]) -> str:
    """One line a problem, the first fifty, and how many more there are."""
    lines = [str(problem) for problem in problems[:_LISTED]]
    if len(problems) > _LISTED:
        lines.append(f"... and {len(problems) - _LISTED} more problems")
    return "\n".join(lines)


def shorten(value: str) -> str:
    """A value fit for a message: printable, at most sixty characters."""
    text = "".join(c if c.isprintable() else "?" for c in str(value)[: _SHOWN + 1])
    return f"{text[:_SHOWN]}... ({len(value)} characters)" if len(value) > _SHOWN else text
