"""The rows of run folders as one table: find the few that are wanted, then read those whole."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from muli.screen.dataset.results import Results
from muli.screen.ranking import criteria, sql
from muli.screen.vocabulary import DEFAULTS

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

MOST_APART = 64
"""Parts of which single rows are read one by one, side by side."""

_ROWS_PER_FILE = 2**40
REF = f"(file_index::BIGINT * {_ROWS_PER_FILE} + file_row_number)"
"""Where a row lies: which part, and which row of it."""


@dataclass(frozen=True)
class Table:
    """The rows of `results` for which the condition `where` holds, in groups of `per`.

    held: read from the table `held` in memory, which has the columns that decide.
    shown: SQL of the columns that rows are read with.
    """

    connection: "duckdb.DuckDBPyConnection"
    results: Results
    where: str
    per: tuple[str, ...]
    held: bool = False
    shown: str = "*"

    @property
    def source(self) -> str:
        """All parts, as a FROM item."""
        return "held" if self.held else self._parts

    @property
    def placed(self) -> str:
        """What SELECT says for all columns and the place of a row."""
        return "*" if self.held else "*, file_index, file_row_number"

    @property
    def _parts(self) -> str:
        return from_parts(self.results.parts, many=len(self.results.folders) > 1)

    @property
    def filtered(self) -> str:
        """The rows that are asked for, as a FROM item."""
        return f"(SELECT {self.placed} FROM {self.source} WHERE {self.where})"

    @property
    def scenarios(self) -> list[str]:
        """Columns that tell the scenarios of these runs apart."""
        return scenarios_of(self.results)

    def reference(self, spoken: set[str], *, all_of_them: bool = False) -> dict[str, Any]:
        """Scenario axes that have a default and several values, at the value to compare at.

        all_of_them: also axes without a default, at their middle value.
        """
        values = {}
        for column in self.scenarios:
            if (all_of_them or column in DEFAULTS) and column.lower() not in spoken:
                if self.results.axes.get(column, 2) == 1:
                    continue
                value = self._compared_at(column)
                if value is not None:
                    values[column] = _as_stored(value, self.results.columns[column])
        return values

    def _compared_at(self, column: str) -> Any | None:
        """The value nearest to a default among the rows that are asked for; None if all have it.

        Manifests say what is on an axis: mostly it is enough to find a row there and one elsewhere.
        """
        default, kind = criteria.REFERENCE.get(column), self.results.columns[column]
        if known := self.results.axis_values(column):
            nearest = criteria.nearest(known, default)
            there = sql.equals(column, nearest, kind)
            if self._any(there):
                return nearest if self._any(f"NOT ({there})") else None
        values = self._distinct(column)
        return criteria.nearest(values, default) if len(values) > 1 else None

    def _any(self, condition: str) -> bool:
        query = f"SELECT 1 FROM {self.source} WHERE {self.where} AND {condition} LIMIT 1"
        return bool(sql.rows(self.connection, query, "--where"))

    def _distinct(self, column: str) -> list[Any]:
        query = f"SELECT DISTINCT {sql.name(column)} FROM {self.source} WHERE {self.where}"
        rows = sql.rows(self.connection, query, "--where")
        return [value for (value,) in rows if value is not None and value == value]

    def within(self, column: str, kind: str, top: int, *, falling: bool) -> "Table":
        """The same rows without those that cannot be among the `top` by one number.

        The bound is found from that column alone, the rest is read only where it holds, which the
        smallest and largest value of a row group often rules out.
        """
        number = sql.name(column)
        finite = f"{self.where} AND {number} <= 'inf'::DOUBLE"  # NaN is larger
        query = (
            f"SELECT {number} FROM {self.source} WHERE {finite} "
            f"ORDER BY {number} {'DESC' if falling else 'ASC'} LIMIT 1 OFFSET {top - 1}"
        )
        rows = sql.rows(self.connection, query, "--where")
        if not rows:
            return self
        bound = f"{number} {'>=' if falling else '<='} {sql.literal(rows[0][0])}"
        return replace(self, where=f"{finite} AND {bound}")

    def first(
        self, table: str, ref: str, keys: Sequence[str], ties: Sequence[str], top: int | None
    ) -> "pd.DataFrame":
        """The first rows of `table` by `keys` (smaller first), with their `rank` and `tied`.

        ref: expression of `REF` in `table`. ties: keys that must be equal for rows to tie.
        """
        picks = self._picks(table, ref, keys, ties, top)
        count = len(ties)
        tied = ", ".join(f"t{i}" for i in range(count)) or "1"
        per = [f"p{i}" for i in range(len(self.per))]
        part = f"PARTITION BY {', '.join(per)} " if per else ""
        group = ", ".join([*per, tied])
        sorting = ", ".join([*per, *(f"k{i}" for i in range(len(keys)))])
        query = (
            f"SELECT ref, rank() OVER ({part}ORDER BY {tied}) AS rank, "
            f"count(*) OVER (PARTITION BY {group}) > 1 AS tied FROM ({picks}) ORDER BY {sorting}"
        )
        ranked = sql.frame(self.connection, query, "--where")
        return self._whole(ranked)

    def _picks(
        self, table: str, ref: str, keys: Sequence[str], ties: Sequence[str], top: int | None
    ) -> str:
        """Query of `ref`, the groups p0.., keys k0.. and ties t0.. of the rows that are wanted."""
        named = [f"{key} AS k{i}" for i, key in enumerate(keys)]
        named += [f"{tie} AS t{i}" for i, tie in enumerate(ties)]
        groups = [f"{sql.name(column)} AS p{i}" for i, column in enumerate(self.per)]
        everything = f"SELECT {', '.join([*groups, *named, f'{ref} AS ref'])} FROM {table}"
        sorting = ", ".join(f"k{i}" for i in range(len(keys)))
        if top is None:
            return everything
        if not groups:
            return f"{everything} ORDER BY {sorting} LIMIT {top}"
        fields = [item.split(" AS ")[-1] for item in named]
        packed = ", ".join(f"{field} := {field}" for field in [*fields, "ref"])
        by = ", ".join(f"p{i}" for i in range(len(groups)))
        return (
            f"SELECT {by}, unnest(best, recursive := true) FROM (SELECT {by}, "
            f"min(struct_pack({packed}), {top}) AS best FROM ({everything}) GROUP BY {by})"
        )

    def _whole(self, found: "pd.DataFrame") -> "pd.DataFrame":
        """All columns of the rows found, in their order, behind `rank` and `tied`."""
        import pandas as pd
        import pyarrow as pa

        read = self._read(found["ref"])
        if not read:
            empty = sql.frame(self.connection, f"SELECT * FROM {self._parts} LIMIT 0", "--top")
            return pd.concat([found.drop(columns="ref"), empty], axis=1)
        rows = decimal(pa.concat_tables(read, promote_options="permissive").to_pandas())
        whole = found.merge(rows, on="ref", how="left")
        return whole.drop(columns="ref")

    def _read(self, refs: "pd.Series[int]") -> "list[pa.Table]":
        """The rows at these places, whole: part by part, or of very many parts together."""
        part, row = refs // _ROWS_PER_FILE, refs % _ROWS_PER_FILE
        wanted = {int(index): rows.tolist() for index, rows in row.groupby(part)}
        if len(wanted) > MOST_APART:
            return [self._read_together(wanted)]
        with ThreadPoolExecutor() as pool:
            return [*pool.map(self._read_part, wanted, wanted.values())]

    def _read_part(self, index: int, rows: Sequence[int]) -> "pa.Table":
        """Rows of one part by their numbers: DuckDB skips row groups that hold none of them."""
        query = (
            f"SELECT {self.shown}, file_row_number + {index * _ROWS_PER_FILE} AS ref "
            f"FROM {from_parts([self.results.parts[index]], many=False)} "
            "WHERE file_row_number IN (SELECT unnest(?))"
        )
        return sql.arrow(self.connection.cursor(), query, "--top", [list(rows)])

    def _read_together(self, wanted: Mapping[int, Sequence[int]]) -> "pa.Table":
        """Rows of many parts by their numbers, in one query."""
        import numpy as np

        source = from_parts([self.results.parts[index] for index in wanted], many=True)
        places = [
            i * _ROWS_PER_FILE + row for i, rows in enumerate(wanted.values()) for row in rows
        ]
        query = f"SELECT {self.shown}, {REF} AS ref FROM {source} WHERE {REF} IN (SELECT unnest(?))"
        table = sql.arrow(self.connection, query, "--top", [places])
        position, row = np.divmod(table["ref"].to_numpy(), _ROWS_PER_FILE)
        refs = np.array([*wanted])[position] * _ROWS_PER_FILE + row
        return table.drop_columns("ref").append_column("ref", [refs])


def scenarios_of(results: Results) -> list[str]:
    """Columns that tell the scenarios of these runs apart; an axis with one value does not."""
    sizes = results.axes
    ends = ("cathode_potential_V", "anode_potential_V", "cathode_state")
    # of several folders a value may differ, or a column be of one of them alone
    alike = {name for name, size in sizes.items() if size == 1 and len(results.folders) == 1}
    known = criteria.scenario_columns(results.columns)
    return [
        column for column in known if column not in alike and (column in sizes or column in ends)
    ]


def _as_stored(value: Any, kind: str) -> Any:
    """A value as a row shows it: of a single-precision column its shortest decimal."""
    import numpy as np

    return float(str(np.float32(value))) if kind == "float" else value


def decimal(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Single-precision columns in double precision by their shortest decimal: 1e-14 stays 1e-14."""
    narrow = rows.select_dtypes("float32")
    return rows.assign(**{name: narrow[name].astype(str).astype(float) for name in narrow.columns})


def from_parts(paths: Sequence[str], *, many: bool) -> str:
    """Parts as a FROM item. many: of several folders, whose columns may differ."""
    union = ", union_by_name = true" if many else ""
    return f"read_parquet([{', '.join(sql.text(path) for path in paths)}]{union})"
