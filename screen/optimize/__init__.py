"""Design by gradients: the thinnest coating, multilayers, and how sure one can be of them."""

from pathlib import Path
from typing import Any

from muli.screen.optimize.batch import solve_cases
from muli.screen.optimize.certainty import robust_cases
from muli.screen.optimize.descent import Optimum, search
from muli.screen.optimize.problem import Problem, Variable
from muli.screen.optimize.read import cases
from muli.screen.spec import Source, load

__all__ = ["Optimum", "Problem", "Variable", "design", "search"]

CRITERIA = ("protects", "affordable", "stable")
"""What every design is asked for; stable: each coating inside its own window, where it is known."""


def design(spec: str | Path | Source) -> list[dict[str, Any]]:
    """The optimal design of every coating stack of a spec, in every scenario.

    Args:
        spec: a TOML file, or one already loaded.

    Returns:
        One dictionary per case, with the keys of `answer.Answer` and the case's
        own (`coating`, `electrolyte`, `cathode`, ...). A case without a solution is an answer.

    Raises:
        SpecError: the spec or a table it names is not usable; lists every problem.
    """
    source = spec if isinstance(spec, Source) else load(spec)
    found = cases(source)
    uncertain = source.spec.uncertainty is not None
    answers = robust_cases(source.spec, found) if uncertain else solve_cases(found)
    criteria = {"criteria": [*CRITERIA]}
    return [{**c.scenario, **criteria, **a.as_json()} for c, a in zip(found, answers, strict=True)]
