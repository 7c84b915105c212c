"""`muli merge`: put the shards of one screen together."""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLES = """Examples:

  muli run my.toml --out part-1 --shard 1/2      on one machine

  muli run my.toml --out part-2 --shard 2/2      on another

  muli merge whole part-1 part-2                 the dataset of a single run
"""


def merge(
    out: Annotated[str, typer.Argument(help="New folder of the whole.")],
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="All shards.")],
    json: Annotated[bool, typer.Option("--json", help="The summary as JSON on stdout.")] = False,
) -> None:
    """Put the shards of one screen together, byte for byte as a single run writes them."""
    from muli.screen.cli.run import show
    from muli.screen.dataset.merge import merge as join
    from muli.screen.terminal import working

    with working("joining the shards"):
        whole = join(out, folders)
    show(whole, json=json)
