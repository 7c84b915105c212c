"""What `muli run` prints at its end: the counts, and the ten best coatings of the first cell."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from muli.screen.dataset.results import Results
from muli.screen.ranking import sql
from muli.screen.ranking.held import Rows, connected
from muli.screen.ranking.rank import TOP, ranking
from muli.screen.spec.names import one_line
from muli.screen.views.table import render
from muli.screen.views.works import render_works
from muli.screen.vocabulary import CELL, P_COLUMNS

if TYPE_CHECKING:
    from muli.screen.dataset.summary import RunResult

NEEDED = "min_thickness_nm IS DISTINCT FROM 0"
"""Leaves out cells in which the electrolyte is stable without a coating."""


def closing(result: "RunResult") -> str:
    """Stacks, seconds, statuses, verdicts, the funnel, and what a reader should know."""
    rate = result.stacks / result.seconds if result.seconds > 0 else 0.0
    lines = [f"{result.stacks:,} stacks in {result.seconds:.1f} s ({rate:,.0f} per second)"]
    lines.append("status: " + _counts(result.counts))
    lines += [
        f"{name.replace('_', ' ')}: {_counts(counts)}"
        for name, counts in result.outcomes.items()
        if name != "status" and any(counts.values())
    ]
    lines += [_gate(gate) for gate in result.funnel]
    return "\n".join([*lines, *(f"note: {note}" for note in result.notes)])


def overview(folder: Path, width: int) -> str:
    """The ten best coatings of one cell, the first on the axes whose electrolyte needs a coating.

    A cell is a scenario: nothing is compared across cells. `muli rank` shows the others.
    """
    with connected(folder) as rows:
        return _overview(rows, width)


def _overview(rows: Rows, width: int) -> str:
    results = rows.results
    if set(P_COLUMNS) <= set(results.columns):
        return works(rows, TOP, width)
    cells = ranking(rows, top=1, per=cell_columns(results), where=NEEDED)
    if cells.rows.empty:
        return "Nowhere in this screen does an electrolyte need a coating."
    first = cells.rows.sort_values("row_id").iloc[0]
    values = {column: first[column] for column in cells.per}
    kinds = results.columns
    pins = [sql.equals(column, value, kinds[column]) for column, value in values.items()]
    best = ranking(rows, top=TOP, where=" AND ".join([NEEDED, *pins]))
    cell = " | ".join(str(value) for value in values.values())
    rest = f"; {len(cells.rows) - 1} other cells need one too" if len(cells.rows) > 1 else ""
    return f"The best {len(best.rows)} for {cell}{rest}:\n\n" + render(best, width)


def works(
    results: Results | Rows,
    top: int,
    width: int,
    *,
    criteria: str | None = None,
    where: str | None = None,
    sentences: bool = False,
    wide: bool = False,
) -> str:
    """The best coatings of the reference scenario by probability; below them the references."""
    everything = ranking(results, top=None, criteria=criteria, where=where)
    best = replace(everything, rows=everything.rows.head(top))
    return render_works(best, everything.rows, width, sentences=sentences, wide=wide)


def cell_columns(results: Results) -> list[str]:
    """The columns that identify a cell in these runs: a cathode by name, else by its potential."""
    electrolyte, *cathodes = CELL
    return [electrolyte, *[name for name in cathodes if name in results.columns][:1]]


def _counts(counts: dict[str, int]) -> str:
    parts = (f"{number:,} {name.replace('_', ' ')}" for name, number in counts.items() if number)
    return ", ".join(parts) or "none"


def _gate(gate: dict[str, object]) -> str:
    words = ", ".join(f"{key} {one_line(value)}" for key, value in gate.items())
    return f"gate: {words}"
