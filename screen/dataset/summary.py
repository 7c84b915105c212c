"""The summary of a run."""

import html
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from muli.screen.dataset.histograms import HISTOGRAMS
from muli.screen.dataset.manifest import Manifest
from muli.screen.vocabulary import OUTCOMES

FAILURES = (
    "extrapolated_table",
    "ill_conditioned",
    "underflow",
    "not_converged",
    "input_out_of_range",
)
"""Statuses of stacks that have no answer but could have one; errors with `--strict`."""


@dataclass(frozen=True, repr=False)
class RunResult:
    """A run's folder and numbers. `counts`: stacks per status, `filtered` if removed by gates.

    histograms: lines (a coating in a scenario) by column and bin, see `histograms.py`.
    complete: all chunks of this run (or of its shard) are done. notes: for the reader.
    """

    folder: Path
    stacks: int
    counts: dict[str, int]
    rows: int
    chunks: int
    seconds: float
    complete: bool
    funnel: list[dict[str, Any]] = field(default_factory=list)
    outcomes: dict[str, dict[str, int]] = field(default_factory=dict)
    histograms: dict[str, dict[str, int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        return "\n".join(f"{name}: {value}" for name, value in self._cells())

    def _repr_html_(self) -> str:
        cells = "".join(
            f"<tr><td>{html.escape(name)}</td><td>{html.escape(value)}</td></tr>"
            for name, value in self._cells()
        )
        return f"<table>{cells}</table>"

    def _cells(self) -> list[tuple[str, str]]:
        """Folder, counts, time and notes as text with units."""
        counts = ", ".join(f"{name} {count:,}" for name, count in self.counts.items())
        cells = [
            ("run", f"{self.folder}{'' if self.complete else ' (not complete)'}"),
            ("stacks", f"{self.stacks:,} ({counts})"),
            ("rows", f"{self.rows:,} in {self.chunks:,} chunks"),
            ("time", f"{self.seconds:.3g} s"),
        ]
        return [*cells, *(("note", note) for note in self.notes)]

    @property
    def failed(self) -> int:
        """Number of stacks with a status of `FAILURES`."""
        return sum(self.counts.get(name, 0) for name in FAILURES)


def summary(folder: Path, content: Manifest, seconds: float) -> RunResult:
    """The summary of a run from its manifest. seconds: since the command began."""
    return RunResult(
        folder=folder,
        stacks=content.stacks,
        counts=content.counts,
        rows=content.rows,
        chunks=content.chunks,
        seconds=seconds,
        complete=content.complete,
        funnel=content.funnel,
        outcomes=content.outcomes,
        histograms=content.histograms,
        notes=content.notes,
    )


def totals(entries: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Sums over the entries of the journal."""
    total: dict[str, Any] = {"stacks": 0, "rows": 0, "filtered": 0, "gates": []}
    outcomes = {column: dict.fromkeys(codes, 0) for column, codes in OUTCOMES.items()}
    spread = {column: dict.fromkeys(bins.names, 0) for column, bins in HISTOGRAMS.items()}
    for entry in entries:
        for key in ("stacks", "rows", "filtered"):
            total[key] += entry[key]
        for sums, counted in ((outcomes, entry["outcomes"]), (spread, entry["histograms"])):
            for column, counts in counted.items():
                for outcome, number in counts.items():
                    sums[column][outcome] += number
        pairs = total["gates"] or [[0, 0]] * len(entry["gates"])
        total["gates"] = [
            [a + c, b + d] for (a, b), (c, d) in zip(pairs, entry["gates"], strict=True)
        ]
    return {**total, "outcomes": outcomes, "histograms": spread}


def status_counts(sums: Mapping[str, Any], gated: int) -> dict[str, int]:
    """Stacks per status, without zeros; `filtered` counts what all gates removed."""
    counts = {name: n for name, n in sums["outcomes"]["status"].items() if n}
    filtered = sums["filtered"] + gated
    return {**counts, **({"filtered": filtered} if filtered else {})}
