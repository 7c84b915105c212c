"""`muli solve`: stacks from a JSON file to potentials, leak current and status, in float64."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from muli.screen.terminal import say, working

EXAMPLES = """Examples:

  muli solve examples/stacks.json           a table; the file shows the keys of a stack

  muli solve stacks.json --json > solved.json
"""


def solve(
    file: Annotated[Path, typer.Argument(metavar="FILE.json", help="Stacks.")],
    json: Annotated[bool, typer.Option("--json", help="All answers as a JSON list.")] = False,
) -> None:
    """Solve the stacks of a file: nodes, leak current, status, inverse answers.

    Everything is computed in float64. Exit 0 also where some stacks have a reason, not an answer.
    """
    import jax

    jax.config.update("jax_enable_x64", True)
    from muli.screen.solving.solve_file import solve_file
    from muli.screen.views.formats import write_json

    with working("solving"):
        answers = solve_file(file)
    if json:
        write_json(answers, sys.stdout)
    else:
        _table(answers)


def _table(answers: list[dict[str, object]]) -> None:
    """Print one line per stack: number, status, leak current, potentials at the boundaries."""
    say("    #  status              leak A/cm2  nodes V")
    for number, answer in enumerate(answers):
        leak, nodes = answer["leak_current_density_A_cm2"], answer["nodes_V"]
        if isinstance(nodes, list):
            potentials = "  ".join(f"{E:.6f}" for E in nodes)
            say(f"{number:5}  {answer['status']!s:18} {leak:>11.4e}  {potentials}")
        else:
            say(f"{number:5}  {answer['status']!s:18} unknown: {_joined(answer['missing'])}")
        if "assumptions" in answer:
            say(f"       assumed: {_joined(answer['assumptions'])}")


def _joined(texts: object) -> str:
    return "; ".join(map(str, texts)) if isinstance(texts, list) else ""
