"""What a run says when it ends, and what it would cost before it starts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from screen.histograms import HISTOGRAMS
from screen.reduce import OUTCOMES
from screen.space import CHUNK_ROWS

FAILURES = (
    "extrapolated_table",
    "ill_conditioned",
    "underflow",
    "not_converged",
    "input_out_of_range",
)
"""Statuses that mean a number could have been had: what `--strict` stumbles over."""

STACKS_PER_S = {
    "plane": {"best": 8e7, "all": 8e6, "feasible": 1e7},
    "current": {"best": 1e6, "all": 1e6, "feasible": 1e6},
    "branches": {"best": 2e4, "all": 2e4, "feasible": 2e4},
}
DRAWS_PER_S = 6e5
BYTES_STORED_PER_ROW = 60
"""Rough figures of two CPU cores, for estimates only."""


@dataclass(frozen=True)
class RunResult:
    """A run's folder and numbers. `counts`: stacks per status, `filtered` for those gated out.

    histograms: lines (a coating in a scenario) by column and bin, see `screen.histograms`.
    complete: all chunks of this run (or of its shard) are there. notes: what a reader should know.
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

    @property
    def failed(self) -> int:
        """Stacks without an answer that could have had one."""
        return sum(self.counts.get(name, 0) for name in FAILURES)


@dataclass(frozen=True)
class Estimate:
    """What a screen would take: a dry run's answer."""

    sizes: dict[str, int]
    stacks: int
    mode: str
    rows: int
    seconds: float

    @property
    def bytes_stored(self) -> int:
        """Size of the dataset, about."""
        return self.rows * BYTES_STORED_PER_ROW

    @property
    def chunks(self) -> int:
        """Storage chunks, about."""
        return -(-self.stacks // CHUNK_ROWS)

    def __str__(self) -> str:
        axes = " x ".join(f"{size:,} {name}" for name, size in self.sizes.items() if size > 1)
        return (
            f"{self.stacks:,} stacks = {axes or '1'}\n"
            f"mode {self.mode}: at most {self.rows:,} rows stored, about "
            f"{self.bytes_stored / 2**30:.2f} GiB in {self.chunks:,} parts; "
            f"about {self.seconds:,.0f} s on two CPU cores; memory stays near 1 GiB"
        )


def estimate(
    sizes: Mapping[str, int], mode: str, top_k: int, *, method: str, draws: int = 0
) -> Estimate:
    """Rows, size and time of a screen of these axes. method: a key of `STACKS_PER_S`.

    draws: of the uncertain properties of every line (a coating in a scenario).
    """
    stacks = 1
    for size in sizes.values():
        stacks *= size
    rows = stacks
    if mode == "best":
        lines = stacks // max(1, sizes["coating"] * sizes["coating_thickness_nm"])
        rows = lines * min(top_k, sizes["coating"])
    drawn = draws * stacks // max(1, sizes["coating_thickness_nm"])
    seconds = stacks / STACKS_PER_S[method][mode] + drawn / DRAWS_PER_S
    return Estimate(dict(sizes), stacks, mode, rows, seconds)


def totals(entries: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Sums over the journal's entries of finished chunks."""
    found: dict[str, Any] = {"stacks": 0, "rows": 0, "filtered": 0, "gates": []}
    outcomes = {column: dict.fromkeys(codes, 0) for column, codes in OUTCOMES.items()}
    spread = {column: dict.fromkeys(bins.names, 0) for column, bins in HISTOGRAMS.items()}
    for entry in entries:
        for key in ("stacks", "rows", "filtered"):
            found[key] += entry[key]
        for sums, counted in ((outcomes, entry["outcomes"]), (spread, entry["histograms"])):
            for column, counts in counted.items():
                for outcome, number in counts.items():
                    sums[column][outcome] += number
        pairs = found["gates"] or [[0, 0]] * len(entry["gates"])
        found["gates"] = [
            [a + c, b + d] for (a, b), (c, d) in zip(pairs, entry["gates"], strict=True)
        ]
    return {**found, "outcomes": outcomes, "histograms": spread}


def status_counts(sums: Mapping[str, Any], gated: int) -> dict[str, int]:
    """Stacks per status, those that occur; `filtered` counts what all gates removed."""
    counts = {name: n for name, n in sums["outcomes"]["status"].items() if n}
    filtered = sums["filtered"] + gated
    return {**counts, **({"filtered": filtered} if filtered else {})}
