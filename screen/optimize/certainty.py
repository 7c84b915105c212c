"""Cases with uncertain properties: draws, and a robust design with its price for each case."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from muli.kernels.constants import CM_PER_NM
from muli.screen.compiling.programs import QUICK_COMPILE, kept
from muli.screen.errors import SpecError
from muli.screen.optimize.answer import Answer, answer, check
from muli.screen.optimize.batch import unknown
from muli.screen.optimize.demands import relaxations, relaxed
from muli.screen.optimize.descent import FEASIBLE, Optimum
from muli.screen.optimize.problem import Problem, leaf
from muli.screen.optimize.read import Case
from muli.screen.optimize.robust import LADDER, Rung, ladder, sampled
from muli.screen.optimize.scenarios import central
from muli.screen.space.distributions import draw
from muli.screen.spec import Spec

DEFAULT_PROBABILITY = 0.95


def robust_cases(spec: Spec, cases: Sequence[Case]) -> list[Answer]:
    """One answer per case: the thinnest design that holds with the required probability."""
    probability = (spec.design.probability if spec.design else None) or DEFAULT_PROBABILITY
    steps = tuple(sorted({*LADDER, probability}))
    with jax.enable_x64(True):
        return [_answer(spec, case, steps, probability) for case in cases]


def _answer(spec: Spec, case: Case, steps: tuple[float, ...], asked: float) -> Answer:
    if case.problem is None:
        return unknown(case)
    if spec.uncertainty is None:
        raise SpecError("uncertainty", ["a robust design needs distributions"])
    uncertainty = spec.uncertainty
    draws = draw(uncertainty.distributions, uncertainty.draws, uncertainty.seed, case.literature)
    middle = central(spec) | {k: case.values[k] for k in draws if k in case.values}
    problems = {"": case.problem}
    problems |= {name: relaxed(case.problem, name) for name in relaxations(case.criteria)}
    answers = {
        demand: _solve(problem, list(case.names), draws, middle, steps, asked)
        for demand, problem in problems.items()
    }
    design = answers.pop("")
    easier = {
        demand: {"price_of_certainty": solution.price_of_certainty}
        for demand, solution in answers.items()
        if any(row["thickness_nm"] for row in solution.price_of_certainty)
    }
    return replace(
        design, relaxed={} if design.feasible else easier, notes=[*case.notes, *design.notes]
    )


def _solve(
    problem: Problem,
    names: list[str],
    draws: Mapping[str, np.ndarray],
    middle: Mapping[str, float],
    steps: tuple[float, ...],
    asked: float,
) -> Answer:
    """The robust design of one problem, with the ladder of probabilities."""
    rungs = jax.tree.map(np.asarray, ladder(problem, sampled(problem, draws, middle, names), steps))
    rung = jax.tree.map(lambda x: x[steps.index(asked)], rungs)
    return replace(
        _nominal(problem, rung, names),
        probability=float(rung.reached),
        price_of_certainty=[_row(rungs, i, p) for i, p in enumerate(steps)],
        active_constraints=[f"holds with probability {asked:g}"],
        notes=["nodes and resistances are those at the median of every property"],
    )


def _nominal(problem: Problem, rung: Rung, names: list[str]) -> Answer:
    """The robust design solved at the median of every property."""
    checked = jax.tree.map(np.asarray, _check(problem, rung.point))
    met = float(rung.gap) <= FEASIBLE
    optimum = Optimum(rung.point, leaf(-1.0), leaf([]), leaf(np.abs(rung.gap)), leaf(0.0))
    inside = checked._replace(excess=np.float64(-1.0), outer=np.full_like(checked.outer, -1.0))
    design = answer(problem, optimum, inside, names)
    if met:
        return replace(design, status="ok")
    return replace(
        design,
        thickness_nm=None,
        nodes_V=None,
        asr_total_ohm_cm2=None,
        asr_coating_ohm_cm2=None,
        leak_current_A_cm2=None,
        feasible=False,
        status="infeasible",
        message="no thickness holds with the probability asked for",
    )


_check = kept("check of a design", QUICK_COMPILE)(check)


def _row(rungs: Rung, i: int, p: float) -> dict[str, Any]:
    met = bool(rungs.gap[i] <= FEASIBLE)
    return {
        "probability": p,
        "thickness_nm": [float(t) / CM_PER_NM for t in rungs.thickness[i]] if met else None,
        "asr_coating_ohm_cm2": float(rungs.asr[i]) if met else None,
        "reached": float(rungs.reached[i]),
    }
