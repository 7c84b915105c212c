"""A DuckDB that reads the parts of a run and nothing else.

A condition comes from a person, or from a file somebody mailed. `screen.conditions` checks it. It
then runs where external access is off for all but the part files and the configuration is locked.
"""

import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from muli.candidates.conditions import Kind, first_line
from muli.screen.errors import StoreError, UsageError

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

MEMORY_LIMIT = "400MiB"
MAX_THREADS = 4
MOST_FOOTERS = 64
"""Footers of up to so many parts stay in memory, 0.7 MiB each: a fifth less time for a ranking."""


def connect(parts: Sequence[str]) -> "duckdb.DuckDBPyConnection":
    """A connection that may read `parts` and no other file; its settings are locked."""
    import duckdb

    connection = duckdb.connect(
        config={
            "threads": min(MAX_THREADS, os.cpu_count() or 1),
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": os.path.join(tempfile.gettempdir(), f"muli-rank-{os.getpid()}"),
            "autoload_known_extensions": False,
            "autoinstall_known_extensions": False,
            "preserve_insertion_order": False,
        }
    )
    with suppress(duckdb.InvalidInputException):  # Jupyter without ipywidgets: there is no bar
        connection.execute("SET enable_progress_bar = false")
    connection.execute(f"SET parquet_metadata_cache = {len(parts) <= MOST_FOOTERS}")
    connection.execute(f"SET allowed_paths = [{', '.join(text(part) for part in parts)}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def text(value: str) -> str:
    """`value` as an SQL text literal."""
    return "'" + value.replace("'", "''") + "'"


def name(column: str) -> str:
    """`column` as an SQL identifier."""
    return '"' + column.replace('"', '""') + '"'


def literal(value: str | float) -> str:
    """`value` as an SQL literal."""
    return text(value) if isinstance(value, str) else f"'{float(value)!r}'::DOUBLE"


def equals(column: str, value: str | float, kind: str) -> str:
    """Condition that `column`, of Arrow type `kind`, has this value.

    A single-precision column holds the nearest number to 3.4; compared in double precision the
    two would differ.
    """
    constant = text(value) if isinstance(value, str) else text(repr(float(value)))
    cast = "" if isinstance(value, str) else "::FLOAT" if kind == "float" else "::DOUBLE"
    return f"{name(column)} = {constant}{cast}"


_EXPONENT = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|(?<![\w.])((?:\d+\.?\d*|\.\d+)[eE][+-]?\d+)(?![\w.])"""
)


def as_stored(condition: str, kinds: Iterable[str]) -> str:
    """A condition in which 1e-12 means the single-precision number that such a column holds.

    DuckDB reads 4.3 as a decimal, which takes on the column's precision, but 1e-12 as double
    precision, to which no single-precision number is equal. kinds: Arrow types of the columns.
    """
    if "float" not in kinds:
        return condition
    return _EXPONENT.sub(lambda m: f"({m[1]}::FLOAT)" if m[1] else m[0], condition)


def kinds(columns: Mapping[str, str]) -> dict[str, Kind | None]:
    """What columns of these Arrow types hold."""

    def kind(arrow: str) -> Kind:
        if arrow == "bool":
            return "truth"
        numbers = ("float", "double", "int", "uint", "decimal", "halffloat")
        return "number" if arrow.startswith(numbers) else "text"

    return {name: kind(arrow) for name, arrow in columns.items()}


def rows(connection: "duckdb.DuckDBPyConnection", query: str, option: str) -> list[tuple[Any, ...]]:
    """The answer of a query as tuples; see `told`."""
    with told(option):
        return connection.execute(query).fetchall()


def frame(connection: "duckdb.DuckDBPyConnection", query: str, option: str) -> "pd.DataFrame":
    """The answer of a query as a data frame; see `told`."""
    with told(option):
        return connection.execute(query).df()


def arrow(
    connection: "duckdb.DuckDBPyConnection", query: str, option: str, values: Sequence[Any]
) -> "pa.Table":
    """The answer of a query with parameters as an Arrow table; see `told`."""
    with told(option):
        return connection.sql(query, params=values).to_arrow_table()


@contextmanager
def told(option: str) -> Iterator[None]:
    """Turn errors of DuckDB into messages.

    Raises `StoreError` where a part cannot be read or memory or disk do not suffice, `UsageError`
    for all others: a condition, given as `option`, that does not bind or run.
    """
    import duckdb

    try:
        yield
    except (
        duckdb.IOException,
        duckdb.OutOfMemoryException,
        duckdb.SerializationException,
    ) as error:
        way_out = "; raise the limit, ulimit -n" if "Too many open files" in str(error) else ""
        raise StoreError(f"parts cannot be read: {first_line(error)}{way_out}") from None
    except duckdb.Error as error:
        raise UsageError(f"{option}: {first_line(error)}") from None
