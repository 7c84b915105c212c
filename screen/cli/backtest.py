"""`muli backtest`: what the model says of published cells, beside what was measured."""

import sys
from typing import Annotated, Any

import typer

from muli.screen.terminal import say

EXAMPLES = """Examples:

  muli backtest

  muli backtest --json > backtest.json
"""


def backtest(
    json: Annotated[bool, typer.Option("--json", help="All rows as a JSON list.")] = False,
) -> None:
    """Hold the model against published cells: ratios inside one source, hits, and a guess beside.

    A hit lies within a factor of three of what was measured. The guess is "no difference".
    """
    import jax

    jax.config.update("jax_enable_x64", True)
    from muli.screen.backtest.growth import growth_rows, summary
    from muli.screen.views.formats import write_json

    rows = growth_rows()
    if json:
        write_json(rows, sys.stdout)
    else:
        _table(rows, summary(rows))


def _table(rows: list[dict[str, Any]], counts: dict[str, int]) -> None:
    """A block a series: one line a ratio, misses with their reason."""
    series = None
    for row in rows:
        if row["series"] != series:
            series = row["series"]
            say(f"{series}  [{row['source']}, {row['trust']}]")
        mark = "hit " if row["hit"] else "miss"
        numbers = f"{row['predicted']:>9.3g}  measured {row['measured']:>9.3g}"
        reason = f"  ({row['reason']})" if row["reason"] else ""
        say(f"  {mark} {numbers}  {row['quantity']}{reason}")
    say(
        f"{counts['hits']} of {counts['rows']} within a factor of 3, {counts['directions']} in the "
        f'right direction; the guess "no difference": {counts["guess_hits"]} and none'
    )
