"""`muli solve`: stacks from a JSON file to potentials, leak current and status, in float64."""

import sys
from pathlib import Path
from typing import Annotated

import typer

EXAMPLES = """Examples:

  muli solve stacks.json

  muli solve stacks.json --json > solved.json
"""


def solve(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.json", help="Stacks, as docs/physics.md says.")
    ],
    json: Annotated[
        bool, typer.Option("--json", help="JSON without line breaks inside rows.")
    ] = False,
) -> None:
    """Solve the stacks of a file: nodes, leak current, status, inverse answers. Prints JSON."""
    import jax

    jax.config.update("jax_enable_x64", True)
    from screen.formats import write_json
    from screen.solve_file import solve_file

    del json
    write_json(solve_file(file), sys.stdout)
