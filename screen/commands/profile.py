"""`muli profile`: E(x) of stacks in a JSON file, as a table and a picture."""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLES = """Examples:

  muli profile stack.json --plot stack.svg

  muli profile stack.json --csv > profile.csv
"""


def profile(
    file: Annotated[Path, typer.Argument(metavar="FILE.json", help="Stacks, as for `muli solve`.")],
    plot: Annotated[Path | None, typer.Option(help="Write a picture, .svg or .png.")] = None,
) -> None:
    """Print the potential through the stacks of a file."""
