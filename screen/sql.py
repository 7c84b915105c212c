"""A DuckDB that reads the parts of a run and nothing else, and conditions that are only conditions.

A condition comes from a person, or from a file somebody mailed. It is parsed first: one
expression, no subquery, no window, no aggregate, and only columns that exist. It then runs where
external access is off for all but the part files and the configuration is locked.
"""

import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from screen.errors import UsageError
from screen.spec.names import closest, shown

if TYPE_CHECKING:
    import duckdb

MEMORY_LIMIT = "400MiB"
MAX_THREADS = 4
MOST_FOOTERS = 64
"""Footers of up to so many parts stay in memory, 0.7 MiB each: a fifth less time for a ranking."""
_REFUSED = {"SUBQUERY": "a subquery", "WINDOW": "a window function", "STAR": "a star"}


def connect(parts: Sequence[str]) -> "duckdb.DuckDBPyConnection":
    """A connection that may read `parts` and no other file, and cannot be told otherwise."""
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
    connection.execute("SET enable_progress_bar = false")
    connection.execute(f"SET parquet_metadata_cache = {len(parts) <= MOST_FOOTERS}")
    connection.execute(f"SET allowed_paths = [{', '.join(text(each) for each in parts)}]")
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
    given = text(value) if isinstance(value, str) else text(repr(float(value)))
    cast = "" if isinstance(value, str) else "::FLOAT" if kind == "float" else "::DOUBLE"
    return f"{name(column)} = {given}{cast}"


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


def check_columns(wanted: Iterable[str], known: Sequence[str], option: str) -> None:
    """Raise `UsageError` naming every column that does not exist, with the closest ones."""
    lower = {each.lower() for each in known}
    bad = [each for each in wanted if each.lower() not in lower]
    if bad:
        lines = [f"{option}: no column {shown(each)}{closest(each, known)}" for each in bad]
        raise UsageError("\n".join(lines))


def check_condition(condition: str, known: Sequence[str], option: str = "--where") -> list[str]:
    """Columns a condition speaks of; raises `UsageError` where it is more than a condition."""
    import duckdb

    try:
        duckdb.SQLExpression(condition)
        query = "SELECT 1 WHERE (\n" + condition + "\n)"
        answers = duckdb.execute("SELECT json_serialize_sql(?)", [query]).fetchall()
    except duckdb.Error as error:
        raise UsageError(f"{option} {shown(condition)}: {_first_line(error)}") from None
    tree: dict[str, Any] = json.loads(answers[0][0])
    if tree["error"] or len(tree["statements"]) != 1:
        raise UsageError(f"{option} {shown(condition)}: expected one SQL condition on columns")
    nodes = list(_walk(tree["statements"][0]["node"]["where_clause"]))
    if refused := [_REFUSED[each] for node in nodes if (each := node.get("class")) in _REFUSED]:
        raise UsageError(f"{option}: {refused[0]} is not allowed, only a condition on columns")
    columns = [".".join(node["column_names"]) for node in nodes if "column_names" in node]
    check_columns(columns, known, option)
    if bare := [c for c in columns if "." in c and f'"{c}"' not in condition]:
        raise UsageError(f"{option}: a name with a dot stands in double quotes: {name(bare[0])}")
    return columns


def run(connection: "duckdb.DuckDBPyConnection", query: str, option: str) -> Any:
    """A relation's result; a condition that does not bind or run is a `UsageError`."""
    import duckdb

    try:
        return connection.execute(query)
    except (duckdb.BinderException, duckdb.ConversionException, duckdb.CatalogException) as error:
        raise UsageError(f"{option}: {_first_line(error)}") from None


def _walk(tree: Any) -> Iterator[dict[str, Any]]:
    """Every node of a serialized expression."""
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            yield node
            pending.extend(node.values())
        elif isinstance(node, list):
            pending.extend(node)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
