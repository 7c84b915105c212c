"""What a screen would cost, from the sizes of its axes alone: a dry run.

No array of the screen is made and JAX is not imported, so that the answer comes at once.
"""

from dataclasses import dataclass, replace
from typing import Literal

from pydantic import ByteSize

from muli.screen.space.layered import readied
from muli.screen.space.layout import MOST_JUDGED, DesignSpace
from muli.screen.space.problem import laid_out
from muli.screen.space.source import SpecLike, chosen_materials, refuse_other_parts, source_of

Precision = Literal["float32", "float64"]

STACKS_PER_S: dict[str, dict[str, float]] = {
    "plane": {"best": 7e7, "all": 6e6, "feasible": 1e7},
    "current": {"best": 1e6, "all": 1e6, "feasible": 1e6},
    "branches": {"best": 2e4, "all": 2e4, "feasible": 2e4},
    "table": {"best": 1e4, "all": 1e4, "feasible": 1e4},
    "searched": {"best": 300, "all": 300, "feasible": 300},
}
LINES_PER_S = {"plane": 3e6, "branches": 5e4, "table": 2e4}
"""Lines (with all their thicknesses) where those at which verdicts change are explicit."""
KEPT_PER_S = 4e5
DRAWS_PER_S = 6e5
RANKED_PER_S = 3e4
"""Rough figures of two CPU cores, for estimates only."""

BYTES_PER_ROW = {"best": 24, "feasible": 24, "all": 14}
BYTES_PER_ROW_OF_FEW = 22
FEW_THICKNESSES = 10
FEW_RANKED = 1000
"""Rows of a part below which its columns are mostly headers."""
BYTES_OF_RANKED = (50, 160)
"""A row with probabilities: of a screen with many scenarios and of one with few rows a part."""
BYTES_OF_DOUBLE = 2.6
"""What stored rows take: measured; about half as much again where thicknesses are few, and in
double precision `BYTES_OF_DOUBLE` times as much."""

BYTES_AT_WORK = 2**30
BYTES_PER_CHUNK = 7000
BYTES_PER_POINT = 64
"""Memory of a run: programs and tiles being computed, the record of every part (measured: 6,550
bytes), and the points of all axes with their copies."""


def dry_run(spec: SpecLike = None, precision: Precision = "float32") -> "Estimate":
    """Rows, size and time of a screen; nothing is written. Raises `SpecError`."""
    source = readied(source_of(spec))
    refuse_other_parts(source)
    resolved = source.spec
    visited = None
    if resolved.filters or resolved.output.per or resolved.screen.law != "constant":
        from muli.screen.space.setup import set_up  # tries every condition; imports JAX
        from muli.screen.space.visits import why_visited

        setup = set_up(source)
        if resolved.output.mode == "best" and setup.problem.space.thicknesses > 1:
            visited = why_visited(setup.problem, setup.gates, setup.axis_columns)
    method = "plane" if resolved.axes.current_density_mA_cm2.only_zero else "current"
    rests = resolved.axes.current_density_mA_cm2.only_zero
    several = resolved.axes.coating.layers > 1 or resolved.axes.anode_coating is not None
    if resolved.screen.law != "constant":
        method = "searched" if several or not rests else resolved.screen.law
    draws = resolved.uncertainty.draws if resolved.uncertainty else 0
    space = laid_out(source, chosen_materials(source))
    output = resolved.output
    explicit = space.counted or method in ("branches", "table")
    counts = output.mode == "best" and explicit and not visited
    cost = estimate(space, output.mode, output.top_k, method=method, draws=draws, counts=counts)
    if resolved.screen.missing == "prior":
        cost = _ranked(cost, space)
    wide = BYTES_OF_DOUBLE if precision == "float64" else 1
    return replace(cost, bytes_stored=round(cost.bytes_stored * wide), visited=visited)


def _ranked(cost: "Estimate", space: DesignSpace) -> "Estimate":
    """The cost with probabilities: in mode best every coating of every scenario has its row."""
    judged = min(space.lines, MOST_JUDGED)
    seconds = cost.seconds + judged / RANKED_PER_S
    if cost.mode != "best":
        return replace(cost, seconds=seconds)
    rows = judged + judged // max(1, space.coatings)
    size = rows * BYTES_OF_RANKED[rows < space.chunks * FEW_RANKED]
    return replace(cost, rows=rows, bytes_stored=size, seconds=seconds)


@dataclass(frozen=True)
class Estimate:
    """What a screen would take: a dry run's answer.

    visited: why mode best judges every thickness by itself, where that depends on more than the
    law and the current; None where it does not.
    """

    sizes: dict[str, int]
    stacks: int
    mode: str
    rows: int
    bytes_stored: int
    seconds: float
    chunks: int
    bytes_memory: int
    visited: str | None = None

    def __str__(self) -> str:
        axes = " x ".join(f"{size:,} {name}" for name, size in self.sizes.items() if size > 1)
        return (
            f"{self.stacks:,} stacks = {axes or '1'}\n"
            f"mode {self.mode}: at most {self.rows:,} rows stored, about "
            f"{_size(self.bytes_stored)} in {self.chunks:,} part{'s' * (self.chunks != 1)}\n"
            f"{_time(self.seconds)} on two CPU cores once started, "
            f"{_size(self.bytes_memory)} of memory"
            + (f"\nevery thickness is judged by itself: {self.visited}" if self.visited else "")
        )


def _size(count: int) -> str:
    """Bytes for people: `1.5 GiB`."""
    text = ByteSize(count).human_readable()
    digits = text.rstrip("KMGTPEiB")
    return f"{digits} {text[len(digits) :]}"


def _time(seconds: float) -> str:
    return "less than a second" if seconds < 1 else f"about {seconds:,.0f} s"


def estimate(
    space: DesignSpace,
    mode: str,
    top_k: int,
    *,
    method: str,
    draws: int = 0,
    counts: bool = False,
) -> Estimate:
    """Rows, size, time and memory of a screen of this space. method: a key of `STACKS_PER_S`.

    draws: of the uncertain properties of every line (a coating in a scenario). counts: whether
    lines are judged at few thicknesses.
    """
    sizes, stacks = space.sizes, space.stacks
    rows = stacks
    if mode == "best":
        lines = stacks // max(1, sizes["coating"] * sizes["coating_thickness_nm"])
        rows = lines * min(top_k, sizes["coating"])
    drawn = draws * stacks // max(1, sizes["coating_thickness_nm"])
    judged = stacks / STACKS_PER_S[method][mode]
    if counts:
        judged = space.lines / LINES_PER_S[method] + rows / KEPT_PER_S
    seconds = judged + drawn / DRAWS_PER_S
    few = mode == "all" and sizes["coating_thickness_nm"] < FEW_THICKNESSES
    size = rows * (BYTES_PER_ROW_OF_FEW if few else BYTES_PER_ROW[mode])
    memory = BYTES_AT_WORK + BYTES_PER_CHUNK * space.chunks + BYTES_PER_POINT * sum(sizes.values())
    return Estimate(sizes, stacks, mode, rows, size, seconds, space.chunks, memory)
