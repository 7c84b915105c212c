"""The distribution of a sigma_ele that is a curve or branches: one normal per cell.

Probabilities take constant laws. A coating that just protects lies between the electrolyte's
oxidation limit and the cathode's potential, an electrolyte then between its anode side and that
limit; a constant sigma_ele equal to the mean of the curve there gives the same leakage (while
sigma_ele is far below sigma_ion). The spread is that of the curve, weighted by sigma_ele;
branches have none, as a number of the user has none.
"""

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from muli.candidates.users.curve import Curve
from muli.kernels.constants import BOLTZMANN_EV
from muli.screen.space.belief import Belief
from muli.screen.space.conductivity import Measured, used_on_host
from muli.screen.space.curves import curve_at, mean_between
from muli.screen.space.facts import Along, along, measured_along
from muli.screen.space.problem import BRANCH_PROPERTIES, Problem, column

_PARTS = ("sigma_0_S_cm", "sigma_n_S_cm", "sigma_p_S_cm")
_RANGE_V = (-1.0, 7.0, 0.01)
"""Potentials at which a branch law is taken, and their distance."""


def of_coatings(problem: Problem, ele: Belief, oxidation: Belief, cathode: Along) -> Belief:
    """log10 sigma_ele of coatings, with the means of those that have curves.

    oxidation: limit of the electrolytes, V. cathode: highest potential judged, V.
    """
    return _replaced(problem, "coating", ele, (oxidation.axes, oxidation.mean), cathode)


def of_electrolytes(
    problem: Problem, ele: Belief, limits: Mapping[str, Belief], anode: Along
) -> Belief:
    """The same of electrolytes. limits: theirs, by side, V. anode: the anode's potential, V."""
    oxidation, reduction = limits["oxidation"], limits["reduction"]
    pinned: Along = (("boundary",), 1.0 - problem.numbers["boundary"])
    axes = tuple(dict.fromkeys((*reduction.axes, *anode[0], *pinned[0])))
    limit, potential, held = (
        along(values, axes) for values in ((reduction.axes, reduction.mean), anode, pinned)
    )
    side = np.where(held > 0, np.maximum(limit, potential), potential)
    return _replaced(problem, "electrolyte", ele, (axes, side), (oxidation.axes, oxidation.mean))


def _replaced(problem: Problem, role: str, ele: Belief, low: Along, high: Along) -> Belief:
    """A belief, with the means of the role's curves between two potentials in their places."""
    known = has_law(problem, role)
    if known is None:
        return ele
    own, measured = measured_along(problem, role, "sigma_ele")
    measured = Measured(np.ones_like(measured[0]), *measured[1:])
    temperature = problem.numbers["temperature_K"].reshape([*(1,) * (len(own) - 1), -1])
    shift: Along = (own, np.log10(used_on_host("sigma_ele", measured, temperature)))
    axes = tuple(dict.fromkeys((*ele.axes, *own, *low[0], *high[0])))
    terms = ((ele.axes, ele.mean), (ele.axes, ele.sd), shift, low, high)
    mean, sd, moved, below, above = np.broadcast_arrays(*(along(values, axes) for values in terms))
    mean, sd = mean.copy(), sd.copy()
    typed = _typed(problem, role) or {}
    rows = [row | typed for row in problem.materials.frames[role].to_dict("records")]
    if typed.keys() & set(_PARTS) and f"{role}.sigma_ele_temperature_K" not in problem.numbers:
        moved = np.zeros_like(moved)  # a number that a spec gives holds at the row's temperature
    for place, number in product(np.flatnonzero(known), range(temperature.size)):
        curve = curve_at(rows[place]) or _of_branches(rows[place], temperature.ravel()[number])
        fixed: dict[str, Any] = {role: place, "temperature_K": number}
        at = tuple(fixed.get(axis, slice(None)) for axis in axes)
        pairs = np.stack([below[at].ravel(), above[at].ravel()], axis=1)
        distinct, which = np.unique(pairs, axis=0, return_inverse=True)
        means = np.array([mean_between(curve, *pair) for pair in distinct])[which.ravel()]
        mean[at] = means[:, 0].reshape(below[at].shape) + moved[at]
        sd[at] = means[:, 1].reshape(below[at].shape)
    return Belief(axes, mean, sd)


def has_law(problem: Problem, role: str) -> NDArray[np.bool_] | None:
    """Which materials of a role have a curve or branches; None where no stack is built with one.

    Of branches that the spec sweeps the constant stays.
    """
    if not problem.branches:
        return problem.curved.get(role)
    typed = _typed(problem, role)
    if typed is None:
        return None
    frame = problem.materials.frames[role]
    known = ~np.isnan(np.stack([column(frame, name) for name in _PARTS])).all(axis=0)
    known |= bool(typed.keys() & set(_PARTS))
    return np.asarray(known) if known.any() else None


def _typed(problem: Problem, role: str) -> dict[str, float] | None:
    """Parts of branches to which the spec gives one value; None where it sweeps any."""
    keys = {f"{role}.{name}": name for name in (*BRANCH_PROPERTIES, "sigma_ele_S_cm")}
    given = {name: problem.numbers[key] for key, name in keys.items() if key in problem.numbers}
    swept = any(key in problem.own for key in keys) or any(
        len(values) > 1 for values in given.values()
    )
    if swept or "sigma_ele_S_cm" in given:
        return None
    return {name: float(values[0]) for name, values in given.items()}


def _of_branches(row: Mapping[Any, Any], temperature_K: float) -> Curve:
    """The branch law of a material of a user's table, without an error."""

    def number(name: str, default: float) -> float:
        value = row.get(name)
        return default if value is None or np.isnan(value) else float(value)

    E, V_T = np.arange(*_RANGE_V), BOLTZMANN_EV * temperature_K
    total = np.full(len(E), number("sigma_0_S_cm", 0.0))
    for kind, sign in (("n", -1.0), ("p", 1.0)):
        slope = sign * number(f"z_{kind}", 1.0) / V_T
        middle = number(f"E_{kind}_V", 0.0)
        total += number(f"sigma_{kind}_S_cm", 0.0) * np.exp(slope * (E - middle))
    logs = np.log10(np.maximum(total, 1e-300))
    return Curve(tuple(E), tuple(logs), (0.0,) * len(E))
