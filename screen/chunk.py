"""One storage chunk from start to end: compute its tiles, keep what the mode asks for, write it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from screen.answers import YES, Answers
from screen.assemble import positions, row_ids, table
from screen.columns import Looked, Positions
from screen.evaluate import Evaluator
from screen.reduce import NOTHING, OUTCOMES, count_names, thickness_position
from screen.selection import best_per_group, groups_of
from screen.space import THICKNESS, Lines
from screen.store import PartWriter

GROUP_COUNTS = {
    "group_stacks": None,
    "group_filtered": None,
    **{f"group_{name}": ("status", name) for name in OUTCOMES["status"]},
    "group_protected": ("protected", "yes"),
    "group_feasible": ("feasible", "yes"),
}
"""Integer columns of best mode: how many of a group's stacks (in this part) had which outcome."""


@dataclass
class Tally:
    """Counts of a chunk: of kept stacks by column and outcome; [removed, unknown] by gate."""

    stacks: int = 0
    outcomes: dict[str, dict[str, int]] = field(default_factory=dict)
    gates: list[list[int]] = field(default_factory=list)

    @property
    def filtered(self) -> int:
        """Stacks the gates removed."""
        return sum(removed for removed, _ in self.gates)


def tally(counts: dict[tuple[str, str], int], stacks: int, gates: int) -> Tally:
    """Sort named counts into a `Tally`."""
    outcomes = {
        column: {outcome: counts[column, outcome] for outcome in codes}
        for column, codes in OUTCOMES.items()
    }
    per_gate = [[counts["removed", str(g)], counts["unknown", str(g)]] for g in range(gates)]
    return Tally(stacks, outcomes, per_gate)


@dataclass(frozen=True)
class Chunker:
    """Computes chunks of one problem and writes them through a `PartWriter`."""

    evaluator: Evaluator
    looked: dict[str, Looked]
    schema: pa.Schema

    def write(self, lines: Lines, writer: PartWriter, pause: Callable[[int], None]) -> Tally:
        """All rows of a chunk that the mode keeps; `pause(stacks)` is told after every call."""
        mode = self.evaluator.problem.spec.output.mode
        return (self._best if mode == "best" else self._rows)(lines, writer, pause)

    def _calls(self, lines: Lines, program: Any) -> Iterator[tuple[list[Lines], Any]]:
        """The tiles of every device call with their results on the host."""
        evaluator = self.evaluator
        tiles = evaluator.tiles(lines)
        for first in range(0, len(tiles), evaluator.tiles_per_call):
            some = tiles[first : first + evaluator.tiles_per_call]
            result = program(evaluator.starts(some))
            yield some, jax.tree.map(np.asarray, result)

    def _rows(self, lines: Lines, writer: PartWriter, pause: Callable[[int], None]) -> Tally:
        space = self.evaluator.problem.space
        gates = len(self.evaluator.gates)
        total: dict[tuple[str, str], int] = dict.fromkeys(count_names(gates), 0)
        for tiles, judged in self._calls(lines, self.evaluator.rows):
            for position, tile in enumerate(tiles):
                one = _first_lines(_tile(judged, position), len(tile))
                writer.write(self._batch(tile, one))
                for name, count in _count(one, _shape(space, tile), gates).items():
                    total[name] += count
            pause(sum(len(tile) for tile in tiles) * space.rows_per_line)
        return tally(total, len(lines) * space.rows_per_line, gates)

    def _batch(self, tile: Lines, judged: Any) -> pa.RecordBatch:
        space = self.evaluator.problem.space
        shape = _shape(space, tile)
        kept = np.broadcast_to(judged.removed_by == 0, shape)
        if self.evaluator.problem.spec.output.mode == "feasible":
            kept = kept & (np.broadcast_to(judged.answers.verdicts["feasible"], shape) == YES)
        chosen = None if kept.all() else kept.reshape(-1)
        at = positions(space, tile)
        ids = row_ids(space, at)
        return table(self.schema, self.looked, judged.answers, at, ids, chosen)

    def _best(self, lines: Lines, writer: PartWriter, pause: Callable[[int], None]) -> Tally:
        problem = self.evaluator.problem
        space, gates = problem.space, len(self.evaluator.gates)
        keys, counts, answers = [], [], []
        for tiles, found in self._calls(lines, self.evaluator.best):
            for position, tile in enumerate(tiles):
                one = _first_lines(_tile(found, position), len(tile))
                keys.append(one.best.key)
                counts.append(one.best.counts)
                answers.append(one.answers)
            pause(sum(len(tile) for tile in tiles) * space.rows_per_line)
        key, count = np.concatenate(keys)[:, :, None], np.concatenate(counts)
        every: Answers = jax.tree.map(lambda *parts: np.concatenate(parts), *answers)
        at = positions(space, lines)
        at[THICKNESS] = np.asarray(thickness_position(key)).astype(np.int64)
        left = key != NOTHING
        chosen, rank = best_per_group(
            space, self.looked, every, at, left, problem.spec.output.top_k
        )
        extra = {"group_rank": rank, **_group_counts(self.evaluator, at, count, chosen)}
        batch = table(self.schema, self.looked, every, at, row_ids(space, at), chosen, extra)
        writer.write(batch)
        named = zip(count_names(gates), count.sum(axis=(0, 1), dtype=np.int64), strict=True)
        total = {name: int(number) for name, number in named}
        return tally(total, len(lines) * space.rows_per_line, gates)


def best_schema(schema: pa.Schema) -> pa.Schema:
    """The schema of best mode: that of all rows, the rank in the group, and the group's counts."""
    fields = [pa.field("group_rank", pa.int32(), metadata={"unit": ""})]
    fields += [pa.field(name, pa.int64(), metadata={"unit": "stacks"}) for name in GROUP_COUNTS]
    for each in fields:
        schema = schema.append(each)
    return schema


def _shape(space: Any, tile: Lines) -> tuple[int, int, int]:
    return len(tile), space.states, space.thicknesses


def _tile(tree: Any, position: int) -> Any:
    return jax.tree.map(lambda leaf: leaf[position], tree)


def _first_lines(tree: Any, lines: int) -> Any:
    """Without the lines that only fill the compiled shape."""
    return jax.tree.map(lambda leaf: leaf[:lines], tree)


def _count(judged: Any, shape: tuple[int, int, int], gates: int) -> dict[tuple[str, str], int]:
    """Counts of all rows of a tile, by the names of `count_names`."""
    kept = np.broadcast_to(judged.removed_by == 0, shape)
    columns = {**judged.answers.codes, **judged.answers.verdicts}
    found: dict[tuple[str, str], int] = {}
    for column, codes in OUTCOMES.items():
        column_codes = np.broadcast_to(columns[column], shape)[kept]
        number = np.bincount(column_codes, minlength=len(codes))
        found |= {(column, outcome): int(number[code]) for outcome, code in codes.items()}
    for gate in range(gates):
        removed = np.broadcast_to(judged.removed_by == gate + 1, shape)
        unknown = np.broadcast_to((judged.unknown_at >> gate) & 1, shape)
        found["removed", str(gate)] = int(np.count_nonzero(removed))
        found["unknown", str(gate)] = int(np.count_nonzero(unknown))
    return found


def _group_counts(
    evaluator: Evaluator, at: Positions, count: NDArray[np.int32], chosen: NDArray[np.int64]
) -> dict[str, NDArray[np.int64]]:
    """Counts of the group of every chosen row."""
    space, names = evaluator.problem.space, count_names(len(evaluator.gates))
    group = groups_of(space, at)
    group = (group - group.min()).reshape(-1)
    sums = np.zeros((int(group.max()) + 1, count.shape[2]), dtype=np.int64)
    np.add.at(sums, group, count.reshape(-1, count.shape[2]))
    mine = sums[group[chosen]]
    removed = [i for i, (kind, _) in enumerate(names) if kind == "removed"]
    status = [i for i, (kind, _) in enumerate(names) if kind == "status"]
    found = {
        "group_filtered": mine[:, removed].sum(axis=1),
        "group_stacks": mine[:, removed + status].sum(axis=1),
    }
    for column, name in GROUP_COUNTS.items():
        if name is not None:
            found[column] = mine[:, names.index(name)]
    return found
