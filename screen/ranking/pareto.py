"""Non-dominated rows: no other row is at least as good in every column and better in one.

Only columns with a better direction can be traded off. Rows in which one of the columns is
unknown (NaN, NULL) cannot be compared and are left out.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from muli.screen.errors import UsageError
from muli.screen.ranking import sql
from muli.screen.spec.names import closest
from muli.screen.vocabulary import better, directed

if TYPE_CHECKING:
    import duckdb

SAMPLE_ROWS = 20_000
MAX_RIVALS = 16
_BLOCK = 512


def condition(
    connection: "duckdb.DuckDBPyConnection", source: str, where: str, columns: Sequence[str]
) -> str:
    """An SQL condition that holds on exactly the non-dominated rows of `source`.

    The front of a sample removes most rows inside SQL; only the distinct rest is compared.
    """
    signs = [_direction(column) for column in columns]
    known = [f"({where})", *(f"NOT isnan({sql.name(c)}::DOUBLE)" for c in columns)]
    points = ", ".join(
        f"{sign} * {sql.name(c)}::DOUBLE AS k{i}"
        for i, (sign, c) in enumerate(zip(signs, columns, strict=True))
    )
    table = f"(SELECT {points} FROM {source} WHERE {' AND '.join(known)})"
    sample = _points(connection, f"SELECT DISTINCT * FROM {table} USING SAMPLE {SAMPLE_ROWS} ROWS")
    rivals = non_dominated(sample)
    rivals = rivals[:: max(1, len(rivals) // MAX_RIVALS)]
    undominated = " AND ".join(_not_dominated_by(point) for point in rivals) or "true"
    query = f"SELECT DISTINCT * FROM {table} WHERE {undominated}"
    best = non_dominated(_points(connection, query))
    if not len(best):
        return "false"
    stated = ", ".join(f"({', '.join(_literal(v) for v in point)})" for point in best)
    mine = ", ".join(f"{s} * {sql.name(c)}::DOUBLE" for s, c in zip(signs, columns, strict=True))
    return f"(({where}) AND ({mine}) IN ({stated}))"


def non_dominated(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distinct points (n, k), smaller better in every column, that no other one dominates.

    In lexicographic order a point can be dominated by an earlier one only, and among distinct
    points "at most in every column" is domination.
    """
    points = np.unique(points, axis=0)
    best = points[:0]
    for start in range(0, len(points), _BLOCK):
        block = points[start : start + _BLOCK]
        block = block[~_below(best, block).any(axis=1)]
        rivals = np.tril(_below(block, block), k=-1)
        best = np.concatenate([best, block[~rivals.any(axis=1)]])
    return best


def _below(rivals: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(points, rivals): whether the rival is at most the point in every column."""
    below = np.ones((len(points), len(rivals)), dtype=bool)
    for column in range(points.shape[1]):
        below &= rivals[None, :, column] <= points[:, None, column]
    return below


def _direction(column: str) -> int:
    sign = better(column)
    if sign is None:
        known = closest(column, directed()) or f"; these have: {', '.join(directed())}"
        raise UsageError(f"--pareto: neither more nor less of {column} is better by itself{known}")
    return sign


def _not_dominated_by(point: NDArray[np.float64]) -> str:
    """Better than `point` somewhere, or equal to it."""
    some = " OR ".join(f"k{i} < {_literal(v)}" for i, v in enumerate(point))
    same = " AND ".join(f"k{i} = {_literal(v)}" for i, v in enumerate(point))
    return f"({some} OR ({same}))"


def _literal(value: float) -> str:
    return f"'{float(value)!r}'::DOUBLE"


def _points(connection: "duckdb.DuckDBPyConnection", query: str) -> NDArray[np.float64]:
    with sql.told("--where"):
        columns = connection.execute(query).fetchnumpy()
    return np.stack([np.ma.getdata(columns[key]) for key in columns], axis=1)
