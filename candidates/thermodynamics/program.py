"""Linear programs over phases: the one numerical method for all questions of the convex hull.

Every question here (hull energy, limit of a window, reaction at the worst ratio) is a linear
program with one column per phase and one row per conserved element. HiGHS solves them; columns are
normalised per atom so that its absolute tolerances mean eV/atom.
"""

from functools import cache

import highspy
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_SETTINGS: dict[str, bool | int | float | str] = {
    "output_flag": False,
    "threads": 1,
    "presolve": "off",  # these programs are smaller than what presolve costs
    "solver": "simplex",  # a vertex: which phases form, not a blend of ties
    "primal_feasibility_tolerance": 1e-10,
    "dual_feasibility_tolerance": 1e-10,
}


class Infeasible(ValueError):
    """The phases given cannot make up the composition asked for."""


def minimise(
    cost: Floats, A: Floats, b: Floats, upper: Floats | None = None, free: Mask | None = None
) -> tuple[float, Floats, Floats]:
    """Minimum of cost . w over A w = b, w >= 0: value, w (n,), and the rows' duals (m,).

    `A` is (m, n). `upper` bounds w from above (n,), infinite where absent; w is unbounded below
    where the boolean mask `free` (n,) holds. Raises Infeasible where no w satisfies the rows.
    """
    highs = _solver()
    highs.passModel(_model(cost, A, b, upper, free))
    highs.run()
    status = highs.getModelStatus()
    if status != highspy.HighsModelStatus.kOptimal:
        raise Infeasible(f"no decomposition: {highs.modelStatusToString(status)}")
    solution = highs.getSolution()
    weights = np.asarray(solution.col_value)
    return float(cost @ weights), weights, np.asarray(solution.row_dual)


@cache
def _solver() -> highspy.Highs:
    highs = highspy.Highs()
    for name, value in _SETTINGS.items():
        highs.setOptionValue(name, value)
    return highs


def _model(
    cost: Floats, A: Floats, b: Floats, upper: Floats | None, free: Mask | None
) -> highspy.HighsLp:
    rows, columns = A.shape
    model = highspy.HighsLp()
    model.num_row_, model.num_col_ = rows, columns
    model.col_cost_ = cost
    model.col_lower_ = np.zeros(columns) if free is None else np.where(free, -np.inf, 0.0)
    model.col_upper_ = np.full(columns, np.inf) if upper is None else upper
    model.row_lower_ = model.row_upper_ = b
    at, element = np.nonzero(A.T)
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_ = np.searchsorted(at, np.arange(columns + 1))
    model.a_matrix_.index_ = element
    model.a_matrix_.value_ = A[element, at]
    return model
