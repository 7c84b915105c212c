"""A user's SQL condition: parsed, checked to be a condition only, and evaluated on a table.

A condition comes from an option, from a spec, or from a file of somebody else. DuckDB's parser
gives its syntax tree; only comparisons, AND, OR, NOT, IN, BETWEEN, LIKE, CASE, casts and the
functions listed here are allowed, on columns that exist. Queries, aggregates, functions whose
result changes from call to call, and everything that reads or writes outside the table are refused.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from muli.candidates.names import closest

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["number", "text", "truth"]
"""Kind of value of an expression; None where it is not known before it runs."""

MAX_CHARACTERS = 10_000
MAX_DEPTH = 400
LIMIT_S = 20.0
"""Longest time a condition may take on a table of materials, seconds."""

_NUMBERS = "+ - * / // % ^ ** @ abs sqrt cbrt exp ln log log2 log10 pow power sign pi length strlen"
_NUMBERS += " round floor ceil ceiling trunc"
_TEXTS = "|| lower upper trim ltrim rtrim substr substring left right replace concat strip_accents"
_TRUTHS = "~~ !~~ ~~* !~~* ~~~ like_escape ilike_escape not_like_escape not_ilike_escape contains"
_TRUTHS += " starts_with ends_with prefix suffix ^@ regexp_matches regexp_full_match"
_TRUTHS += " isnan isinf isfinite"
_SAME = "nullif ifnull greatest least if"
FUNCTIONS: dict[str, Kind | None] = {
    **dict.fromkeys(_NUMBERS.split(), "number"),
    **dict.fromkeys(_TEXTS.split(), "text"),
    **dict.fromkeys(_TRUTHS.split(), "truth"),
    **dict.fromkeys(_SAME.split(), None),
}
"""Functions and operators of a condition with the kind of their value."""

_LISTED = "abs, round, sqrt, exp, ln, log10, power, lower, upper, contains, regexp_matches and more"
_ARITHMETIC = frozenset(["+", "-", "*", "/", "//", "%", "^", "**", "@", "abs"])
_CLASSES = frozenset(
    ["COMPARISON", "CONJUNCTION", "OPERATOR", "FUNCTION", "CONSTANT", "COLUMN_REF"]
)
_CLASSES |= {"BETWEEN", "CASE", "CAST", "TYPE", "COLLATE"}
_REFUSED = {
    "SUBQUERY": "a subquery",
    "WINDOW": "a window function",
    "STAR": "a star",
    "PARAMETER": "a parameter",
    "LAMBDA": "a lambda",
}


_TOO_DEEP = "nested too deeply to be a condition"


class ConditionError(ValueError):
    """A condition that cannot be read, names unknown columns, or is more than a condition."""


def parse(sql: str) -> dict[str, Any]:
    """The syntax tree of one condition; every node is of a kind that a condition may have.

    Raises ConditionError.
    """
    import duckdb

    if len(sql) > MAX_CHARACTERS:
        raise ConditionError(f"{len(sql):,} characters; a condition has {MAX_CHARACTERS:,} at most")
    try:
        duckdb.SQLExpression(sql)  # brackets and quotes close inside the text
        query = f"SELECT 1 WHERE (\n{sql}\n)"
        answer = duckdb.execute("SELECT json_serialize_sql(?)", [query]).fetchall()[0][0]
        serialized: dict[str, Any] = json.loads(answer)
    except duckdb.Error as error:
        raise ConditionError(f"cannot be read: {first_line(error)}") from None
    except RecursionError:  # Python 3.11 reads no deeper tree
        raise ConditionError(_TOO_DEEP) from None
    if _depth(serialized) > MAX_DEPTH:
        raise ConditionError(_TOO_DEEP)
    statements = serialized.get("statements", [])
    if serialized["error"] or len(statements) != 1:
        reason = serialized.get("error_message", "expected one SQL condition on columns")
        raise ConditionError(f"cannot be read: {reason}")
    tree: dict[str, Any] = statements[0]["node"]["where_clause"]
    for node in _walk(tree):
        _refuse_other(node)
    return tree


def names(tree: Any) -> list[str]:
    """Columns that a condition names, in order, without repetition."""
    columns = (".".join(node["column_names"]) for node in _walk(tree) if "column_names" in node)
    return list(dict.fromkeys(columns))


def check(sql: str, kinds: Mapping[str, Kind | None]) -> dict[str, Any]:
    """The tree of a condition on columns of these kinds that gives true or false.

    Raises ConditionError with every unknown column and the closest names.
    """
    tree = parse(sql)
    by_lower = {name.lower(): kind for name, kind in kinds.items()}
    if unknown := [name for name in names(tree) if name.lower() not in by_lower]:
        raise ConditionError("; ".join(_unknown(name, kinds) for name in unknown))
    kind = kind_of(tree, by_lower)
    if kind in ("number", "text"):
        a = "a number" if kind == "number" else "text"
        raise ConditionError(f"{a}, not a condition; expected one such as band_gap_eV > 4")
    return tree


def kind_of(tree: dict[str, Any], kinds: Mapping[str, Kind | None]) -> Kind | None:
    """Kind of a tree's value; `kinds` has the kinds of the columns by lower-case name.

    Raises ConditionError where an operand of NOT, AND or OR is a number or text, or where text is
    compared or combined with a number.
    """
    name = tree["type"]
    parts = [kind_of(part, kinds) for part in _operands(tree)]
    if tree["class"] == "COLUMN_REF":
        return kinds.get(".".join(tree["column_names"]).lower())
    if tree["class"] == "CONSTANT":
        return _constant_kind(tree)
    if tree["class"] == "CAST":
        return _type_kind(tree["type_expr"]["type_name"])
    if tree["class"] == "CONJUNCTION" or name == "OPERATOR_NOT":
        _refuse_values(name, parts)
        return "truth"
    if tree["class"] in ("COMPARISON", "BETWEEN") or name == "COMPARE_IN":
        _refuse_mixed(tree, parts)
        return "truth"
    if name in ("OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL"):
        return "truth"
    if tree["class"] == "FUNCTION":
        return _function_kind(tree["function_name"], parts)
    if name in ("OPERATOR_COALESCE", "CASE_EXPR"):
        return next((kind for kind in reversed(parts) if kind), None)
    return parts[0] if tree["class"] == "COLLATE" else None


def kinds_of(frame: "pd.DataFrame") -> dict[str, Kind | None]:
    """Kinds of a table's columns."""
    from pandas.api import types

    def kind(column: Any) -> Kind:
        if types.is_bool_dtype(column.dtype):
            return "truth"
        return "number" if types.is_numeric_dtype(column.dtype) else "text"

    return {str(name): kind(frame[name]) for name in frame.columns}


def judge(frame: "pd.DataFrame", sql: str, name: str = "materials") -> "pd.Series[bool]":
    """True, false or missing for every row; columns may be called by `name` and a dot.

    DuckDB has access to nothing but the table. Raises ConditionError, also beyond `LIMIT_S`.
    """
    import duckdb
    import pandas as pd

    own = kinds_of(frame)
    check(sql, {**{f"{name}.{column}": kind for column, kind in own.items()}, **own})
    table = frame.assign(row_number=range(len(frame)))
    query = f'SELECT CAST((\n{sql}\n) AS BOOLEAN) FROM "{name}" ORDER BY row_number'
    with duckdb.connect(config={"enable_external_access": "false"}) as connection:
        connection.register(name, table)
        timer = threading.Timer(LIMIT_S, connection.interrupt)
        timer.start()
        try:
            rows = connection.execute(query).fetchall()
        except duckdb.InterruptException:
            raise ConditionError(f"took longer than {LIMIT_S:g} s on {len(frame):,} rows") from None
        except duckdb.Error as error:
            raise ConditionError(first_line(error)) from None
        finally:
            timer.cancel()
    return pd.Series([verdict for (verdict,) in rows], dtype="boolean")


def first_line(error: Exception) -> str:
    """The message of DuckDB without the copy of the query below it."""
    return str(error).strip().splitlines()[0]


def _refuse_other(node: dict[str, Any]) -> None:
    """Raise ConditionError for a node that no condition has."""
    kind = node.get("class")
    if kind is None:
        return
    if kind not in _CLASSES or node["type"] in ("OPERATOR_TRY", "GROUPING_FUNCTION"):
        what = _REFUSED.get(kind, str(node["type"]).lower().replace("_", " "))
        raise ConditionError(f"{what} is not allowed, only a condition on columns")
    if kind == "FUNCTION":
        called = str(node["function_name"]).lower()
        if called not in FUNCTIONS or "over" in node:
            called = "count(*)" if called == "count_star" else called[:60]
            raise ConditionError(f"{called} is not a function of conditions; these are: {_LISTED}")


def _walk(tree: Any) -> Iterator[dict[str, Any]]:
    """Every node of a serialized expression, in order."""
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            yield node
            pending.extend(reversed(list(node.values())))
        elif isinstance(node, list):
            pending.extend(reversed(node))


def _depth(tree: Any) -> int:
    """Depth to which lists and objects are nested; two for every operator of an expression."""
    level, depth = [tree], 0
    while level := [node for node in level if isinstance(node, dict | list)]:
        depth += 1
        level = [
            child for node in level for child in (node.values() if isinstance(node, dict) else node)
        ]
    return depth


def _operands(tree: dict[str, Any]) -> list[dict[str, Any]]:
    """The operands of a node."""
    operands = [tree[key] for key in ("left", "right", "input", "lower", "upper", "child")
             if tree.get(key)]  # fmt: skip
    operands += tree.get("children", [])
    operands += [argument["expression"] for argument in tree.get("arguments", [])]
    for case in tree.get("case_checks", []):
        operands += [case["when_expr"], case["then_expr"]]
    return [*operands, tree["else_expr"]] if tree.get("else_expr") else operands


def _constant_kind(tree: dict[str, Any]) -> Kind | None:
    kinds: dict[str, Kind] = {"STRING": "text", "BOOLEAN": "truth"}
    kinds |= {"INTEGER": "number", "NUMERIC": "number"}
    return kinds.get(tree["literal"]["kind"])


def _type_kind(name: str) -> Kind | None:
    if name.upper() in ("BOOLEAN", "BOOL"):
        return "truth"
    return "text" if name.upper() in ("VARCHAR", "TEXT", "CHAR", "STRING") else "number"


def _function_kind(name: str, parts: list[Kind | None]) -> Kind | None:
    if name in _ARITHMETIC and "text" in parts:
        raise ConditionError(f"{name} reckons with text")
    known = FUNCTIONS[name.lower()]
    return known if known else next((kind for kind in reversed(parts) if kind), None)


def _refuse_values(name: str, parts: list[Kind | None]) -> None:
    word = name.rpartition("_")[2]
    for kind in parts:
        if kind in ("number", "text"):
            value = "a number" if kind == "number" else "text"
            raise ConditionError(f"{word} stands at {value}, expected a condition such as a > 1")


def _refuse_mixed(tree: dict[str, Any], parts: list[Kind | None]) -> None:
    """Refuse text compared with a number; a number in quotes is allowed, as it is in SQL."""
    for part, kind in zip(_operands(tree), parts, strict=True):
        if kind != "text" or "number" not in parts:
            continue
        if part["class"] != "CONSTANT":
            raise ConditionError("text is compared with a number")
        try:
            float(part["literal"]["text"])
        except ValueError:
            word = part["literal"]["text"][:60]
            raise ConditionError(f"{word!r} is compared with a number") from None


def _unknown(name: str, known: Mapping[str, Any]) -> str:
    near = closest(name, known, 3)
    return f"unknown column {name[:80]}" + (f"; closest: {', '.join(near)}" if near else "")
