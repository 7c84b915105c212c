"""Many stacks: design space, evaluation, storage, ranking, design, report, command line.

`run(spec, out)` computes a screen into a folder, `rank(folders)` orders what was found,
`design(spec)` finds optima by gradients. They are loaded when first asked for: importing JAX takes
a second that `muli --help` should not cost.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from muli.screen.optimize import design
    from muli.screen.ranking.rank import rank
    from muli.screen.running.run import run

__all__ = ["design", "rank", "run"]

_HOMES = {
    "design": "muli.screen.optimize",
    "rank": "muli.screen.ranking.rank",
    "run": "muli.screen.running.run",
}


def __getattr__(name: str) -> Any:
    """The functions above, from where they live."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
