"""One connection for several rankings; of very many parts, the columns that decide are read once.

Opening 20,000 files takes seconds, however little is read from each, and a ranking asks several
questions. Example:

    with connected(results) as rows:
        table = rows.table("feasible", per=(), columns={"coating", "feasible"})
"""

import resource
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from muli.screen.dataset.results import Dirs, Results, open_results
from muli.screen.ranking import sql
from muli.screen.ranking.rows import Table, from_parts

MANY = 256
"""Parts from which on columns are held."""

MOST_ROWS = 4_000_000
"""Rows of which columns are held, 16 bytes or less for each; DuckDB moves to disk what exceeds its
limit of memory."""


FEW_FILES = 256
"""A limit of open files (`ulimit -n`) is respected where it is below this."""

OTHER_FILES = 16
"""Files that are open besides parts."""


class Rows:
    """The rows of results, through one connection."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self.connection = sql.connect(results.parts)
        self._held = frozenset[str]()

    def table(self, where: str, per: tuple[str, ...], columns: Collection[str]) -> Table:
        """The rows for which a condition holds. columns: all that will be asked for."""
        many = min(MANY, files_at_a_time())
        held = len(self.results.parts) >= many and self.results.rows <= MOST_ROWS
        if held and not self._held.issuperset(columns):
            self._hold(self._held.union(columns))
        return Table(self.connection, self.results, where, per, held)

    def _hold(self, columns: frozenset[str]) -> None:
        """Read columns into a table in memory, as many files at a time as may be open."""
        parts, folders = self.results.parts, len(self.results.folders)
        size = len(parts) if folders > 1 else files_at_a_time()
        listed = ", ".join(map(sql.name, sorted(columns)))
        for first in range(0, len(parts), size):
            into = "INSERT INTO held" if first else "CREATE OR REPLACE TABLE held AS"
            source = from_parts(parts[first : first + size], many=folders > 1)
            place = f"file_index::BIGINT + {first} AS file_index, file_row_number"
            sql.rows(self.connection, f"{into} SELECT {listed}, {place} FROM {source}", "columns")
        self._held = columns


def files_at_a_time() -> int:
    """Files that DuckDB may read in one query: it opens some ahead, and closes them at the end."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, (soft - OTHER_FILES) // 2) if 0 <= soft < FEW_FILES else MOST_ROWS


@contextmanager
def connected(dirs: Dirs | Rows) -> Iterator[Rows]:
    """A connection to what folders hold, or the one that is there; raises `StoreError`."""
    if isinstance(dirs, Rows):
        yield dirs
        return
    rows = Rows(open_results(dirs))
    with rows.connection:
        yield rows
