"""Properties that a spec gives to single materials; they replace those from the evidence."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from muli.screen.space.belief import Belief
from muli.screen.space.conductivity import Kind
from muli.screen.space.distributions import quantile
from muli.screen.space.facts import Along, along, used_column
from muli.screen.space.problem import Problem


def with_own(problem: Problem, of: str, belief: Belief) -> Belief:
    """A belief on a `role.property`, with the values that the spec gives to single materials."""
    role, _, name = of.partition(".")
    for key, index in problem.own.get(of, ()):
        own = _given(problem, role, name, key)
        if own is None:
            continue
        axes = tuple(dict.fromkeys((*belief.axes, role, *own.axes)))
        matches = along(((role,), np.arange(len(problem.materials.frames[role])) == index), axes)
        mean, sd = (
            np.where(matches, along((own.axes, new), axes), along((belief.axes, old), axes))
            for new, old in ((own.mean, belief.mean), (own.sd, belief.sd))
        )
        belief = Belief(axes, *np.broadcast_arrays(mean, sd))
    return belief


def _given(problem: Problem, role: str, name: str, key: str) -> Belief | None:
    """What a key of one material gives: a distribution, or the value that stacks are built with."""
    logarithmic = name.endswith("_S_cm")
    uncertainty = problem.spec.uncertainty
    drawn = uncertainty.distributions.get(key) if uncertainty else None
    if drawn is not None and "literature" not in drawn:
        return of_draws(drawn, logarithmic=logarithmic)
    if key not in problem.numbers:
        return None
    value: Along = ((key,), problem.numbers[key])
    if logarithmic:
        kind: Kind = "sigma_ion" if name == "sigma_ion_S_cm" else "sigma_ele"
        typed = used_column(problem, role, kind)
        value = (typed.axes, np.log10(typed.values))
    return Belief(value[0], value[1], np.zeros_like(value[1]))


def of_draws(given: Mapping[str, Any], *, logarithmic: bool) -> Belief:
    """The normal with the median and the 16 to 84 % width of an `[uncertainty]` distribution."""
    low, middle, high = (float(quantile(given, z)[0]) for z in (-1.0, 0.0, 1.0))
    if logarithmic:
        low, middle, high = np.log10([low, middle, high])
    return Belief((), np.asarray(middle), np.asarray((high - low) / 2.0))
