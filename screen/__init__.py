"""Many stacks: design space, evaluation, storage, ranking, design, report, command line.

`run(spec, out)` computes a screen into a folder, `rank(folders)` orders what was found,
`read(folders)` gives its rows, `what_to_measure(folders)` what would change the order,
`design(spec)` finds optima by gradients, `cell(...)` answers for one cell. They are loaded when
first asked for: importing JAX takes a second that `muli --help` should not cost.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from muli.screen.dataset.read import read
    from muli.screen.interactive.cell import cell
    from muli.screen.interactive.stack import Stack, plot
    from muli.screen.optimize import design
    from muli.screen.ranking.next import what_to_measure
    from muli.screen.ranking.rank import rank
    from muli.screen.running.run import run

__all__ = ["Stack", "cell", "design", "plot", "rank", "read", "run", "what_to_measure"]

_HOMES = {
    "Stack": "muli.screen.interactive.stack",
    "cell": "muli.screen.interactive.cell",
    "design": "muli.screen.optimize",
    "plot": "muli.screen.interactive.stack",
    "rank": "muli.screen.ranking.rank",
    "read": "muli.screen.dataset.read",
    "run": "muli.screen.running.run",
    "what_to_measure": "muli.screen.ranking.next",
}


def __getattr__(name: str) -> Any:
    """The functions above, imported from their modules."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
