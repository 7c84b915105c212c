"""`muli doctor`: what is installed, which devices it uses, and what is wrong."""

import sys
from typing import Annotated

import typer

from muli.screen.terminal import say

EXAMPLES = """Examples:

  muli doctor

  muli doctor --json
"""


def doctor(
    json: Annotated[bool, typer.Option("--json", help="The findings as JSON on stdout.")] = False,
) -> None:
    """Versions, devices, precision, memory, and foreign packages that shadow ours."""
    from muli.screen.cli.installation import examine, report
    from muli.screen.views.formats import write_json

    findings = examine()
    if json:
        write_json(findings, sys.stdout)
    else:
        say(report(findings))
    if findings["problems"]:
        raise typer.Exit(2)
