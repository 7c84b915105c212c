"""Conditions on result columns: what a gate can compile, and what `--where` may say.

`candidates.conditions` parses a condition and refuses any other SQL. Gates on results run inside
the compiled programs, where words are integer codes: a word may be equal to a word or not, and has
no order there.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from muli.candidates.conditions import ConditionError, Kind, check, kind_of, names, parse
from muli.screen.errors import UsageError
from muli.screen.spec.names import closest, shown

__all__ = ["ConditionError", "Kind", "check_condition", "check_gate", "names", "parse"]

MAX_GATES = 31
"""Gates on results in one spec: each has a bit of a 32-bit integer."""

ARITHMETIC = {"+": (1, 2), "-": (1, 2), "*": (2, 2), "/": (2, 2), "abs": (1, 1)}
"""Arithmetic of gates on results: least and largest number of operands."""

_EQUAL = frozenset({"COMPARE_EQUAL", "COMPARE_NOTEQUAL", "COMPARE_IN"})
_ORDER = frozenset({"COMPARE_BETWEEN", "COMPARE_LESSTHAN", "COMPARE_LESSTHANOREQUALTO"})
_ORDER |= {"COMPARE_GREATERTHAN", "COMPARE_GREATERTHANOREQUALTO"}
_LOGIC = frozenset({"CONJUNCTION_AND", "CONJUNCTION_OR", "OPERATOR_NOT", "COLUMN_REF"})
_LOGIC |= {"OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL"}


def check_gate(sql: str, kinds: Mapping[str, Kind | None]) -> dict[str, Any]:
    """The tree of a gate on results, which is sure to compile.

    Raises ConditionError for unknown columns and for what programs do not know.
    """
    tree = check(sql, kinds)
    by_name = {name.lower(): kind for name, kind in kinds.items()}
    if exact := [name for name in names(tree) if name not in kinds]:
        raise ConditionError(f"unknown column {exact[0]}{closest(exact[0], kinds)}")
    if tree["class"] == "CONSTANT":
        raise ConditionError("the same for all rows, expected a condition on columns")
    pending = [tree]
    while pending:
        node = pending.pop()
        parts = _parts(node)
        _refuse(node, [kind_of(part, by_name) for part in parts], parts)
        pending += parts
    return tree


def check_condition(
    condition: str, known: Mapping[str, Kind | None], option: str = "--where"
) -> list[str]:
    """Columns that a condition names; raises `UsageError` where it is more than a condition."""
    try:
        tree = parse(condition)
        check_columns(names(tree), list(known), option)
        check(condition, known)
    except ConditionError as error:
        raise UsageError(f"{option} {shown(condition)}: {error}") from None
    columns = names(tree)
    if bare := [c for c in columns if "." in c and f'"{c}"' not in condition]:
        raise UsageError(f'{option}: a name with a dot stands in double quotes: "{bare[0]}"')
    return columns


def check_columns(wanted: Sequence[str], known: Sequence[str], option: str) -> None:
    """Raise `UsageError` naming every column that does not exist, with the closest ones."""
    lower = {name.lower() for name in known}
    bad = [name for name in wanted if name.lower() not in lower]
    if bad:
        problems = [f"no column {shown(name)}{closest(name, known)}" for name in bad]
        quotes = "; text stands in single quotes, inside the double quotes of the terminal"
        message = f"{option}: {'; '.join(problems)}"
        raise UsageError(message + quotes * (option == "--where" and len(bad) > 1))


def _parts(node: dict[str, Any]) -> list[dict[str, Any]]:
    """The expressions that a node of a gate joins."""
    operands = [node[key] for key in ("left", "right", "input", "lower", "upper") if node.get(key)]
    arguments = [argument["expression"] for argument in node.get("arguments", [])]
    return [*operands, *node.get("children", []), *arguments]


def _refuse(node: dict[str, Any], kinds: list[Kind | None], parts: list[dict[str, Any]]) -> None:
    """Raise ConditionError where a program cannot compute a node."""
    name = str(node.get("function_name", node["type"]))
    if node["class"] == "CONSTANT":
        if node["literal"]["kind"] not in ("STRING", "BOOLEAN", "INTEGER", "NUMERIC"):
            raise ConditionError("NULL is never equal to anything; write IS NULL")
    elif node["class"] == "FUNCTION":
        least, most = ARITHMETIC.get(name, (1, 0))
        if not least <= len(parts) <= most or set(kinds) != {"number"}:
            raise ConditionError(f"{name} is not known to gates on results: {_known()}")
    elif name in _EQUAL | _ORDER and {"truth", "number"} <= set(kinds):
        raise ConditionError("true or false is compared with a number; write protected, or NOT")
    elif name in _ORDER and "text" in kinds:
        raise ConditionError("words have no order; compare them with =, <> or IN")
    elif name in _EQUAL and "text" in kinds:
        columns = [part for part in parts if part["class"] == "COLUMN_REF"]
        if set(kinds) != {"text"} or len(columns) != 1 or parts[0]["class"] != "COLUMN_REF":
            raise ConditionError("a text column is compared with words, such as status = 'ok'")
    elif name not in _EQUAL | _ORDER | _LOGIC:
        words = name.removeprefix("OPERATOR_").lower().replace("_", " ")
        raise ConditionError(f"{words} is not known to gates on results: {_known()}")


def _known() -> str:
    return "AND, OR, NOT, IN, BETWEEN, IS NULL, comparisons, + - * / and abs"
