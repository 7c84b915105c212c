"""The distribution of a sigma_ele that is a curve: one normal per cell, for probabilities.

Probabilities take constant laws. A coating that just protects lies between the electrolyte's
oxidation limit and the cathode's potential, an electrolyte then between its anode side and that
limit; a constant sigma_ele equal to the mean of the curve there gives the same leakage (while
sigma_ele is far below sigma_ion). The spread is that of the curve, weighted by sigma_ele.
"""

from collections.abc import Mapping

import numpy as np

from muli.screen.space.belief import Belief
from muli.screen.space.conductivity import used_on_host
from muli.screen.space.curves import curve_at, mean_between
from muli.screen.space.facts import Along, along, measured_along
from muli.screen.space.problem import Problem


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
    known = problem.curved.get(role)
    if known is None:
        return ele
    own, measured = measured_along(problem, role, "sigma_ele", curved=1.0)
    temperature = problem.numbers["temperature_K"].reshape([*(1,) * (len(own) - 1), -1])
    shift: Along = (own, np.log10(used_on_host("sigma_ele", measured, temperature)))
    axes = tuple(dict.fromkeys((*ele.axes, *own, *low[0], *high[0])))
    given = ((ele.axes, ele.mean), (ele.axes, ele.sd), shift, low, high)
    mean, sd, moved, below, above = np.broadcast_arrays(*(along(values, axes) for values in given))
    mean, sd = mean.copy(), sd.copy()
    rows = problem.materials.frames[role].to_dict("records")
    for place in np.flatnonzero(known):
        curve = curve_at(rows[place])
        assert curve is not None
        at = tuple(place if axis == role else slice(None) for axis in axes)
        pairs = np.stack([below[at].ravel(), above[at].ravel()], axis=1)
        distinct, which = np.unique(pairs, axis=0, return_inverse=True)
        means = np.array([mean_between(curve, *pair) for pair in distinct])[which.ravel()]
        mean[at] = means[:, 0].reshape(below[at].shape) + moved[at]
        sd[at] = means[:, 1].reshape(below[at].shape)
    return Belief(axes, mean, sd)
