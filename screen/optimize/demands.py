"""Demands on a design: the criteria of its spec, and the designs with a demand dropped.

protects: the electrolyte inside its window, and no coating reduced, for then its conductivities
would not hold. affordable: coating and contacts within the resistance budget. These two are what
`feasible` means in a run. stable: no coating oxidised. The fourth criterion, inert, rests on
reaction energies that no thickness changes: a design does not include it.
"""

from collections.abc import Collection
from dataclasses import replace
from typing import Literal

import numpy as np

from muli.screen.errors import SpecError
from muli.screen.optimize.problem import Problem, leaf
from muli.screen.spec import Source

Demand = Literal["electrolyte", "coatings reduced", "coatings oxidised", "budget"]

CRITERIA = ("protects", "affordable", "stable")
DEMANDS: dict[str, tuple[Demand, ...]] = {
    "protects": ("electrolyte", "coatings reduced"),
    "affordable": ("budget",),
    "stable": ("coatings oxidised",),
}
"""What each criterion demands."""

_WINDOWS: frozenset[Demand] = frozenset({"coatings reduced", "coatings oxidised"})
_BUDGET: frozenset[Demand] = frozenset({"budget"})
RELAXATIONS: dict[str, tuple[frozenset[Demand], ...]] = {
    "without the coatings' own windows": (_WINDOWS,),
    "without the resistance budget": (_BUDGET,),
    "the electrolyte alone": (_WINDOWS, _BUDGET),
}
"""Demands that are dropped, one at a time and both, where no design holds them all."""


def asked_criteria(source: Source) -> tuple[str, ...]:
    """The criteria of the spec that a design can hold. Raises `SpecError` where it has none."""
    criteria = source.spec.ranking.criteria
    chosen = tuple(name for name in CRITERIA if name in criteria)
    if not chosen:
        expected = ", ".join(CRITERIA)
        raise SpecError(
            source.name, [f"ranking.criteria = {list(criteria)}: a design takes some of {expected}"]
        )
    return chosen


def only(problem: Problem, criteria: Collection[str]) -> Problem:
    """The problem with no other demands than those of these criteria."""
    return _without(
        problem, {d for name in CRITERIA if name not in criteria for d in DEMANDS[name]}
    )


def relaxed(problem: Problem, name: str) -> Problem:
    """The problem with the demands of a relaxation dropped."""
    return _without(problem, frozenset().union(*RELAXATIONS[name]))


def relaxations(criteria: Collection[str]) -> list[str]:
    """The relaxations that drop only demands of these criteria."""
    demands = {demand for name in criteria for demand in DEMANDS[name]}
    return [name for name, parts in RELAXATIONS.items() if all(part & demands for part in parts)]


def _without(problem: Problem, dropped: Collection[Demand]) -> Problem:
    electrolyte = np.arange(len(problem.stack.layers)) == problem.stack.electrolyte
    none = "electrolyte" in dropped
    reduction = np.where(electrolyte, none, "coatings reduced" in dropped)
    oxidation = np.where(electrolyte, none, "coatings oxidised" in dropped)
    return replace(
        problem,
        reduction=leaf(np.where(reduction, -np.inf, problem.reduction)),
        oxidation=leaf(np.where(oxidation, np.inf, problem.oxidation)),
        asr_budget=leaf(np.inf) if "budget" in dropped else problem.asr_budget,
    )
