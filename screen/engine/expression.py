"""SQL conditions on result columns, compiled to array code with SQL's three-valued logic.

Comparisons, AND/OR/NOT, IN, BETWEEN, IS NULL and arithmetic are compiled (nothing is executed by
DuckDB), so that a gate can act on every stack on the device. A value is a pair (value, known).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from muli.screen.conditions import ConditionError
from muli.screen.spec.names import closest


@dataclass(frozen=True)
class Column:
    """A column on the device. `codes` maps the words of a text column to its integer codes."""

    value: Array
    known: Array
    codes: Mapping[str, int] | None = None


Columns = Mapping[str, Column]
Pair = tuple[Any, Any]

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "COMPARE_EQUAL": lambda a, b: a == b,
    "COMPARE_NOTEQUAL": lambda a, b: a != b,
    "COMPARE_LESSTHAN": lambda a, b: a < b,
    "COMPARE_LESSTHANOREQUALTO": lambda a, b: a <= b,
    "COMPARE_GREATERTHAN": lambda a, b: a > b,
    "COMPARE_GREATERTHANOREQUALTO": lambda a, b: a >= b,
}
_ARITHMETIC: dict[str, Callable[..., Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b=None: -a if b is None else a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "abs": jnp.abs,
}


def evaluate(tree: dict[str, Any], columns: Columns) -> Pair:
    """(value, known) of a condition over columns of any shapes that broadcast."""
    kind, children = tree["type"], tree.get("children", [])
    if tree["class"] == "COLUMN_REF":
        column = _column(tree, columns)
        return column.value, column.known
    if tree["class"] == "CONSTANT":
        return _constant(tree), jnp.ones((1, 1, 1, 1), bool)
    if kind in ("CONJUNCTION_AND", "CONJUNCTION_OR"):
        return reduce(
            _or if kind.endswith("OR") else _and, (evaluate(c, columns) for c in children)
        )
    if kind in _COMPARE:
        return _compare(kind, tree["left"], tree["right"], columns)
    if kind == "OPERATOR_NOT":
        value, known = evaluate(children[0], columns)
        return ~value, known
    if kind in ("OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL"):
        _, known = evaluate(children[0], columns)
        return known if kind.endswith("NOT_NULL") else ~known, jnp.ones_like(known)
    if kind == "COMPARE_BETWEEN":
        low = _compare("COMPARE_GREATERTHANOREQUALTO", tree["input"], tree["lower"], columns)
        high = _compare("COMPARE_LESSTHANOREQUALTO", tree["input"], tree["upper"], columns)
        return _and(low, high)
    if kind == "COMPARE_IN":
        options = [
            _compare("COMPARE_EQUAL", children[0], option, columns) for option in children[1:]
        ]
        return reduce(_or, options)
    if kind == "FUNCTION" and tree["function_name"] in _ARITHMETIC:
        pairs = [evaluate(argument["expression"], columns) for argument in tree["arguments"]]
        known = reduce(lambda a, b: a & b, (k for _, k in pairs))
        return _ARITHMETIC[tree["function_name"]](*(v for v, _ in pairs)), known
    raise ConditionError(
        f"{tree.get('function_name', kind).lower()} cannot be used in gates on results"
    )


def _column(tree: dict[str, Any], columns: Columns) -> Column:
    name = ".".join(tree["column_names"])
    if name not in columns:
        raise ConditionError(f"unknown column {name}{closest(name, columns)}")
    return columns[name]


def _constant(tree: dict[str, Any]) -> Any:
    kind, text = tree["literal"]["kind"], str(tree["literal"].get("text", ""))
    if kind == "STRING":
        return text
    if kind == "BOOLEAN":
        return jnp.asarray(text.lower() == "true")
    if kind in ("INTEGER", "NUMERIC"):
        return float(text.replace("_", ""))
    raise ConditionError(f"the constant {text or kind} cannot be used in gates on results")


def _compare(kind: str, left: dict[str, Any], right: dict[str, Any], columns: Columns) -> Pair:
    left_codes, right_codes = (_codes(side, columns) for side in (left, right))
    (a, a_known), (b, b_known) = evaluate(left, columns), evaluate(right, columns)
    a, b = _coded(a, right_codes), _coded(b, left_codes)
    return jnp.asarray(_COMPARE[kind](a, b)), a_known & b_known


def _codes(side: dict[str, Any], columns: Columns) -> Mapping[str, int] | None:
    return _column(side, columns).codes if side["class"] == "COLUMN_REF" else None


def _coded(value: Any, codes: Mapping[str, int] | None) -> Any:
    """A word as the code its column holds; a word the column never holds matches nothing."""
    if not isinstance(value, str):
        return value
    if codes is None:
        raise ConditionError(f"'{value}' is compared with a number")
    return codes.get(value, -1)


def _and(a: Pair, b: Pair) -> Pair:
    (x, x_known), (y, y_known) = a, b
    no = (x_known & ~x) | (y_known & ~y)
    return ~no & (x | ~x_known) & (y | ~y_known), no | (x_known & y_known)


def _or(a: Pair, b: Pair) -> Pair:
    (x, x_known), (y, y_known) = a, b
    value, known = _and((~x, x_known), (~y, y_known))
    return ~value, known
