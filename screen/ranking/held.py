"""One connection for several rankings; of very many parts, the columns that decide are read once.

Opening 20,000 files takes seconds, however little is read from each, and a ranking asks several
questions. Example:

    with connected(results) as rows:
        table = rows.table("feasible", per=(), columns={"coating", "feasible"})
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from muli.screen.dataset.results import Dirs, Results, open_results
from muli.screen.ranking import sql
from muli.screen.ranking.rows import Table

MANY = 256
"""Parts from which on columns are held."""

MOST_ROWS = 4_000_000
"""Rows of which columns are held, 16 bytes or less for each; DuckDB moves to disk what exceeds its
limit of memory."""


class Rows:
    """The rows of results, through one connection."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self.connection = sql.connect(results.parts)
        self._held = frozenset[str]()

    def table(self, where: str, per: tuple[str, ...], columns: Collection[str]) -> Table:
        """The rows for which a condition holds. columns: all that will be asked for."""
        held = len(self.results.parts) >= MANY and self.results.rows <= MOST_ROWS
        if held and not self._held.issuperset(columns):
            self._hold(self._held.union(columns))
        return Table(self.connection, self.results, where, per, held)

    def _hold(self, columns: frozenset[str]) -> None:
        """Read columns into a table in memory."""
        source = Table(self.connection, self.results, "true", ()).source
        listed = ", ".join(map(sql.name, sorted(columns)))
        query = f"SELECT {listed}, file_index, file_row_number FROM {source}"
        sql.rows(self.connection, f"CREATE OR REPLACE TABLE held AS {query}", "columns")
        self._held = columns


@contextmanager
def connected(dirs: Dirs | Rows) -> Iterator[Rows]:
    """A connection to what folders hold, or the one that is there; raises `StoreError`."""
    if isinstance(dirs, Rows):
        yield dirs
        return
    rows = Rows(open_results(dirs))
    with rows.connection:
        yield rows
