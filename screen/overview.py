"""What `muli run` says when it ends: the counts, and the ten best where a coating is needed."""

from pathlib import Path
from typing import TYPE_CHECKING

from screen.rank import TOP, ranking
from screen.table import render

if TYPE_CHECKING:
    from screen.summary import RunResult

NEEDED = "min_thickness_nm IS DISTINCT FROM 0"
"""Leaves out cells in which the bare electrolyte already stands the cathode."""


def closing(result: "RunResult") -> str:
    """Stacks, seconds, statuses, verdicts, the funnel, and what a reader should know."""
    rate = result.stacks / result.seconds if result.seconds > 0 else 0.0
    lines = [f"{result.stacks:,} stacks in {result.seconds:.1f} s ({rate:,.0f} per second)"]
    lines.append("status: " + _counts(result.counts))
    lines += [
        f"{name.replace('_', ' ')}: {_counts(counts)}"
        for name, counts in result.outcomes.items()
        if name != "status" and any(counts.values())
    ]
    lines += [_gate(gate) for gate in result.funnel]
    return "\n".join([*lines, *(f"note: {note}" for note in result.notes)])


def overview(folder: Path, width: int) -> str:
    """The ten best answers of a run among the cells that need a coating."""
    found = ranking(folder, top=TOP, where=NEEDED)
    if found.rows.empty:
        return "Nowhere in this screen does an electrolyte need a coating."
    return f"The best {len(found.rows)} where a coating is needed:\n\n" + render(found, width)


def _counts(counts: dict[str, int]) -> str:
    found = (f"{number:,} {name.replace('_', ' ')}" for name, number in counts.items() if number)
    return ", ".join(found) or "none"


def _gate(gate: dict[str, object]) -> str:
    words = ", ".join(f"{key} {value}" for key, value in gate.items())
    return f"gate: {words}"
