"""Design by gradients: the thinnest coating, multilayers, and how certain they are."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from muli.screen.optimize.batch import solve_cases
from muli.screen.optimize.certainty import robust_cases
from muli.screen.optimize.descent import Optimum, search
from muli.screen.optimize.life import for_life, life_designs
from muli.screen.optimize.problem import Problem, Variable
from muli.screen.optimize.read import cases
from muli.screen.spec import Source, load
from muli.screen.spec.criteria import with_criteria

__all__ = ["Optimum", "Problem", "Variable", "design", "search"]


def design(
    spec: str | Path | Source, *, criteria: str | Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """The optimal design of every coating stack of a spec, in every scenario.

    Args:
        spec: a TOML file, or one already loaded.
        criteria: some of protects, affordable and stable (see `optimize.demands`), or "transport"
            (the first two), and lives; by default those of `[ranking] criteria`.

    Returns:
        One dictionary per case, with the keys of `answer.Answer` and the case's
        own (`coating`, `electrolyte`, `cathode`, ..., `criteria`: those applied). `feasible`: a
        design holds them all. A case without a solution is an answer. With the criterion lives,
        or the objective lifetime, the keys are those of `life.life_designs`.

    Raises:
        SpecError: the spec or a table it names is not usable; lists every problem.
        UsageError: a criterion is unknown.
    """
    source = with_criteria(spec if isinstance(spec, Source) else load(spec), criteria)
    if for_life(source):
        return life_designs(source)
    all_cases = cases(source)
    uncertain = source.spec.uncertainty is not None
    answers = robust_cases(source.spec, all_cases) if uncertain else solve_cases(all_cases)
    return [
        {**case.scenario, "criteria": list(case.criteria), **answer.as_json()}
        for case, answer in zip(all_cases, answers, strict=True)
    ]
