"""`muli backtest`: predictions of the model for published cells, compared with measurements."""

import sys
import textwrap
from typing import Annotated, Any

import typer

from muli.screen.errors import UsageError
from muli.screen.spec.names import shown
from muli.screen.terminal import say, terminal_width, working

EXAMPLES = """Examples:

  muli backtest

  muli backtest --criteria chemistry

  muli backtest --json > backtest.json
"""


def backtest(
    criteria: Annotated[
        str, typer.Option(metavar="NAME", help="all, transport or chemistry.")
    ] = "all",
    json: Annotated[bool, typer.Option("--json", help="All rows as a JSON list.")] = False,
) -> None:
    """Hold the model against published cells: hits, misses with a reason, and a guess beside.

    Growth: ratios inside one source; a hit lies within a factor of three. The guess is "no
    difference". Ranking: which of two samples of a series is better, by the probability that the
    criteria hold; a difference below 0.005 is undecided, and no hit. The guess is that the coated,
    or the thicker one, is better.
    """
    from muli.screen.spec.criteria import NAMED
    from muli.screen.vocabulary import CRITERIA

    choices = {"all": CRITERIA, **NAMED}
    if criteria not in choices:
        raise UsageError(f"--criteria {shown(criteria)}: expected one of {', '.join(choices)}")
    import jax

    jax.config.update("jax_enable_x64", True)
    from muli.screen.backtest.growth import growth_rows, summary
    from muli.screen.backtest.ranking import ranking_rows, ranking_summary
    from muli.screen.views.formats import write_json

    with working("judging published cells"):
        rows, pairs = growth_rows(), ranking_rows(choices[criteria])
    if json:
        parts = (("growth", rows), ("ranking", pairs.rows))
        write_json(
            [{"part": part, **row} for part, part_rows in parts for row in part_rows], sys.stdout
        )
        return
    _table(rows, summary(rows))
    _pairs(pairs.rows, ranking_summary(pairs.rows), pairs.not_judged)


def _line(text: str) -> None:
    """Print one line; in a narrow terminal it is wrapped and indented."""
    say(textwrap.fill(text, terminal_width(), subsequent_indent=" " * 7))


def _pairs(
    rows: list[dict[str, Any]], counts: dict[str, dict[str, int]], left: dict[str, int]
) -> None:
    """Print all pairs of the ranking by kind, reasons of misses, and pairs that are not judged."""
    for kind, count in counts.items():
        say()
        _line(f"{kind}: probability of the first less that of the second; measured 1: the first")
        for row in (row for row in rows if row["kind"] == kind):
            mark = "hit " if row["hit"] else "tie " if row["undecided"] else "miss"
            reason = f"  ({row['reason']})" if row["reason"] else ""
            series = f"{row['series']}, {row['quantity']}  [{row['source']}, {row['trust']}]"
            _line(
                f"  {mark} {row['predicted']:+.3f}  measured {row['measured']:+d}  {series}{reason}"
            )
        _line(
            f"{count['hits']} hits, {count['misses']} misses, {count['undecided']} undecided of "
            f"{count['pairs']} from {count['sources']} sources; the guess: {count['guess_hits']}"
        )
    reasons = ", ".join(f"{number} {reason}" for reason, number in left.items())
    say()
    _line(f"not judged: {sum(left.values())} ({reasons})")


def _table(rows: list[dict[str, Any]], counts: dict[str, int]) -> None:
    """Print a block per series with a line per ratio; misses have a reason."""
    series = None
    for row in rows:
        if row["series"] != series:
            series = row["series"]
            say(f"{series}  [{row['source']}, {row['trust']}]")
        mark = "hit " if row["hit"] else "miss"
        numbers = f"{row['predicted']:>9.3g}  measured {row['measured']:>9.3g}"
        reason = f"  ({row['reason']})" if row["reason"] else ""
        _line(f"  {mark} {numbers}  {row['quantity']}{reason}")
    _line(
        f"{counts['hits']} of {counts['rows']} within a factor of 3, {counts['directions']} in the "
        f'right direction; the guess "no difference": {counts["guess_hits"]} and none'
    )
