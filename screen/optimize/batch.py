"""Many cases at once: those of one shape share one compiled program."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import replace

import jax
import numpy as np

from muli.screen.optimize.answer import Answer, answer, solve_batch
from muli.screen.optimize.demands import relaxations, relaxed
from muli.screen.optimize.problem import Problem, is_plain
from muli.screen.optimize.read import Case

SMALLEST_BATCH, LARGEST_BATCH = 8, 4096


def solve_cases(cases: Sequence[Case], *, relax: bool = True) -> list[Answer]:
    """One answer per case, in order. Works in float64 whatever the global setting of JAX is.

    relax: where a case has no solution, give also the designs with a demand dropped.
    """
    answers: dict[int, Answer] = {}
    shapes: dict[Hashable, list[int]] = defaultdict(list)
    for i, case in enumerate(cases):
        if case.problem is None:
            answers[i] = unknown(case)
        else:
            shapes[_shape(case.problem)].append(i)
    with jax.enable_x64(True):
        for members in shapes.values():
            for start in range(0, len(members), LARGEST_BATCH):
                part = members[start : start + LARGEST_BATCH]
                answers |= zip(part, _solve([cases[i] for i in part], relax), strict=True)
    return [answers[i] for i in range(len(cases))]


def stacked(problems: Sequence[Problem], size: int) -> Problem:
    """A batch of problems of one shape, padded to `size` with copies of the last.

    Plain Python numbers are one for the whole batch and stay as they are.
    """
    padded = [*problems, *[problems[-1]] * (size - len(problems))]
    return jax.tree.map(lambda *each: each[0] if is_plain(each[0]) else np.stack(each), *padded)


def _solve(cases: Sequence[Case], relax: bool) -> list[Answer]:
    """Answers of cases of one shape and spec; the infeasible again with one demand dropped."""
    problems = [case.problem for case in cases if case.problem is not None]
    names = [list(case.names) for case in cases]
    answers = _answers(problems, names)
    failed = [i for i, solution in enumerate(answers) if not solution.feasible]
    for demand in relaxations(cases[0].criteria) if failed and relax else ():
        easier = _answers(
            [relaxed(problems[i], demand) for i in failed], [names[i] for i in failed]
        )
        for i, solution in zip(failed, easier, strict=True):
            if solution.feasible:
                design = {
                    "thickness_nm": solution.thickness_nm,
                    "asr_coating_ohm_cm2": solution.asr_coating_ohm_cm2,
                }
                answers[i] = replace(answers[i], relaxed={**answers[i].relaxed, demand: design})
    return [
        replace(solution, notes=list(c.notes)) for c, solution in zip(cases, answers, strict=True)
    ]


def _answers(problems: Sequence[Problem], names: Sequence[list[str]]) -> list[Answer]:
    size = _padded(len(problems))
    solved = jax.tree.map(np.asarray, solve_batch(stacked(problems, size)))
    lanes = [jax.tree.map(lambda x, i=i: x[i], solved) for i in range(len(problems))]
    return [
        answer(problem, optimum, checked, its)
        for problem, (optimum, checked), its in zip(problems, lanes, names, strict=True)
    ]


def _padded(count: int) -> int:
    """Batch size for `count` problems: 8, 32, 128, ..., so that few programs are compiled."""
    size = SMALLEST_BATCH
    while size < count:
        size *= 4
    return min(size, LARGEST_BATCH)


def _shape(problem: Problem) -> Hashable:
    leaves, structure = jax.tree.flatten(problem)
    return structure, tuple(leaf if is_plain(leaf) else np.shape(leaf) for leaf in leaves)


def unknown(case: Case) -> Answer:
    """The answer where a property is missing."""
    return Answer(
        thickness_nm=None,
        nodes_V=None,
        asr_total_ohm_cm2=None,
        feasible=False,
        status="missing_property",
        active_constraints=[],
        optimality=None,
        message="unknown: " + ", ".join(case.missing) + "; give it as an axis or in a table",
    )
