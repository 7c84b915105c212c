"""`muli cite`: BibTeX of the data and methods a run used."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from muli.screen.terminal import say

EXAMPLES = """Examples:

  muli cite first > references.bib

  muli cite first --json
"""


def cite(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a run.")],
    json: Annotated[bool, typer.Option("--json", help="A JSON list on stdout.")] = False,
) -> None:
    """Print BibTeX of the sources of every value and method a run used."""
    from muli.screen.dataset.results import read_manifest
    from muli.screen.views.cite import bibtex, references
    from muli.screen.views.formats import write_json

    sources = references(read_manifest(folder))
    if json:
        write_json([vars(source) for source in sources], sys.stdout)
    else:
        say("\n\n".join(bibtex(source) for source in sources))
