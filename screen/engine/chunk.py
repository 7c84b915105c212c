"""One storage chunk from start to end: compute its tiles, keep what the mode asks for, write it."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from muli.screen.dataset.histograms import histograms, leaders
from muli.screen.dataset.parquet import Encoded
from muli.screen.dataset.part_file import PartWriter
from muli.screen.engine.ageing import aged_columns
from muli.screen.engine.best_rows import (
    best_on_axis,
    group_sums,
    judged,
    line_columns,
    recommended_rows,
)
from muli.screen.engine.evaluate import Evaluator
from muli.screen.engine.judged import Judged, LineBest, Whole
from muli.screen.engine.layered_lines import LayerPrograms, row_columns
from muli.screen.engine.reduce import NOTHING, count_names, feasible_lines
from muli.screen.engine.row_groups import Memory, Place, Rows, Shape, positions, row_group
from muli.screen.engine.stability import top_k_shares
from muli.screen.space.facts import AxisColumn, Words
from muli.screen.space.layout import COATING, THICKNESS, Lines
from muli.screen.vocabulary import OUTCOMES, TOP_K_SHARE, YES


@dataclass
class Tally:
    """Counts of a chunk: of kept stacks by column and outcome; [removed, unknown] by gate.

    histograms: of kept lines. leaders: coatings feasible in the most scenarios, and in
    how many.
    """

    stacks: int = 0
    outcomes: dict[str, dict[str, int]] = field(default_factory=dict)
    gates: list[list[int]] = field(default_factory=list)
    histograms: dict[str, dict[str, int]] = field(default_factory=dict)
    leaders: dict[str, int] = field(default_factory=dict)

    @property
    def filtered(self) -> int:
        """Stacks the gates removed."""
        return sum(removed for removed, _ in self.gates)


class Spread(NamedTuple):
    """Numbers of lines, (lines, states), that `histograms` and `leaders` summarise."""

    smallest: Any
    margin: Any
    kept: Any
    feasible: Any

    @classmethod
    def of(cls, judged: Judged, shape: Shape) -> "Spread":
        """Made from all rows of some lines, as copies: the rows need not stay in memory."""
        floats = judged.answers.floats
        smallest, margin = floats["min_thickness_nm"][..., 0], floats["oxidation_margin_V"][..., -1]
        kept = np.broadcast_to(judged.removed_by == 0, shape)
        yes = kept & (judged.answers.verdicts["feasible"] == YES)
        smallest, margin = (np.broadcast_to(x, shape[:2]).copy() for x in (smallest, margin))
        return cls(smallest, margin, kept.any(axis=2), yes.any(axis=2))


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
    axis_columns: dict[str, AxisColumn]
    schema: pa.Schema

    def write(self, lines: Lines, writer: PartWriter, pause: Callable[[int], None]) -> Tally:
        """All rows of a chunk that the mode keeps; `pause(stacks)` is called in between."""
        mode = self.evaluator.problem.spec.output.mode
        return (self._best if mode == "best" else self._rows)(lines, writer, pause)

    def _rows(self, lines: Lines, writer: PartWriter, pause: Callable[[int], None]) -> Tally:
        evaluator, space = self.evaluator, self.evaluator.problem.space
        total: dict[tuple[str, str], int] = dict.fromkeys(count_names(len(evaluator.gates)), 0)
        stable = self._stable(lines) | self._believed(lines)
        spread: list[Spread] = []
        memory = Memory(self.evaluator.problem.spec.output.encoding)
        for tiles in _batches(evaluator.tiles(lines), evaluator.tiles_per_call):
            for tile, result in self._whole(tiles):
                shape = len(tile), space.states, space.thicknesses
                own = {k: v[tile.start - lines.start :][: len(tile)] for k, v in stable.items()}
                writer.write(self._batch(tile, result, own, memory))
                spread.append(Spread.of(result.judged, shape))
                for name, count in _count(result.judged, shape, len(evaluator.gates)).items():
                    total[name] += count
                del result  # frees its memory before the next tile
            pause(sum(len(tile) for tile in tiles) * space.rows_per_line)
        counted = tally(total, len(lines) * space.rows_per_line, len(evaluator.gates))
        return self._with_lines(counted, lines, jax.tree.map(lambda *x: np.concatenate(x), *spread))

    def _whole(self, tiles: list[Lines]) -> Iterator[tuple[Lines, Whole]]:
        """All rows of some tiles."""
        starts = [self.evaluator.start(tile.start) for tile in tiles]
        wholes = self.evaluator.call(self.evaluator.whole, starts)
        for tile in tiles:
            result = wholes.pop(0)
            yield tile, result if len(tile) == self.evaluator.lines else _part(result, len(tile))

    def _stable(self, lines: Lines) -> dict[str, NDArray[np.float64]]:
        """Rank stability of lines, (lines, states), where properties are uncertain."""
        if self.evaluator.draws is None:
            return {}
        return {TOP_K_SHARE: top_k_shares(self.evaluator, self.axis_columns, lines)}

    def _believed(self, lines: Lines) -> dict[str, NDArray[Any]]:
        """Probabilities of lines, (lines, states): at the thickness of the screen where it has
        one, else at the recommended thickness; of coatings of several layers at every combination,
        (lines, states, combinations)."""
        believed, problem = self.evaluator.believed, self.evaluator.problem
        if believed is None:
            return {}
        offsets = judged(problem, self.axis_columns, lines)
        states = problem.space.states
        if isinstance(believed, LayerPrograms):
            rows = row_columns(believed, lines.start, offsets)
            return {
                name: _of_rows(values, offsets, (len(lines), states))
                for name, values in rows.items()
            }
        known = THICKNESS in problem.numbers and problem.space.thicknesses == 1
        only = np.repeat(self.evaluator.thickness_nm, len(offsets)) if known else None
        columns = line_columns(believed, lines, offsets, thickness_nm=only)
        whole = {name: np.full((len(lines), states), np.nan) for name in columns}
        for name, values in columns.items():
            whole[name][offsets] = values[:, None]
        return whole

    def _batch(
        self, tile: Lines, one: Whole, stable: dict[str, NDArray[np.float64]], memory: Memory
    ) -> list[Encoded]:
        space, (judged, planes) = self.evaluator.problem.space, one
        shape = len(tile), space.states, space.thicknesses
        kept = np.broadcast_to(judged.removed_by == 0, shape)
        if self.evaluator.problem.spec.output.mode == "feasible":
            kept = kept & (np.broadcast_to(judged.answers.verdicts["feasible"], shape) == YES)
        chosen = None if kept.all() else kept.reshape(-1)
        ids = range(tile.start * space.rows_per_line, tile.stop * space.rows_per_line)
        place = Place(positions(space, tile), ids, shape)
        extra = {
            name: np.broadcast_to(values.reshape(*values.shape[:2], -1), shape).reshape(-1)[
                slice(None) if chosen is None else chosen
            ]
            for name, values in stable.items()
        }
        thickness = self.evaluator.thickness_nm[None, None, :]
        extra |= aged_columns(self.evaluator.aged, place, thickness, chosen)
        rows = Rows(judged.answers, planes)
        return row_group(self.schema, self.axis_columns, place, rows, chosen, extra, memory)

    def _best(self, lines: Lines, writer: PartWriter, pause: Callable[[int], None]) -> Tally:
        evaluator, space = self.evaluator, self.evaluator.problem.space
        gates = len(evaluator.gates)
        of_lines = self._lines(lines, pause)
        keep = recommended_rows if evaluator.recommends else best_on_axis
        stable = self._stable(lines)
        writer.write(keep(evaluator, self.axis_columns, self.schema, lines, of_lines, stable))
        sums = group_sums(space, lines.start, of_lines.best.counts).sum(axis=(0, 1))
        total = {name: int(n) for name, n in zip(count_names(gates), sums, strict=True)}
        order, key = of_lines.order, of_lines.best.key
        spread = Spread(order.smallest, order.margin_last, key != NOTHING, feasible_lines(key))
        return self._with_lines(
            tally(total, len(lines) * space.rows_per_line, gates), lines, spread
        )

    def _with_lines(self, counted: Tally, lines: Lines, spread: Spread) -> Tally:
        """The tally with the histograms of its lines and its leading coatings."""
        names = self.axis_columns[COATING]
        assert isinstance(names, Words)
        coating = np.arange(lines.start, lines.stop) % self.evaluator.problem.space.coatings
        best = leaders(coating, spread.feasible)
        counted.leaders = {names.words[names.codes[position]]: n for position, n in best.items()}
        counted.histograms = histograms(spread.smallest, spread.margin, spread.kept)
        return counted

    def _lines(self, lines: Lines, pause: Callable[[int], None]) -> LineBest:
        """The best thickness of every line of a chunk."""
        evaluator = self.evaluator
        parts = []
        for tiles in _batches(
            evaluator.tiles(lines, evaluator.counter.shape[0]), evaluator.tiles_per_call
        ):
            starts = [evaluator.start(tile.start) for tile in tiles]
            best = evaluator.call(evaluator.best, starts)
            parts += [_first(result, len(tile)) for tile, result in zip(tiles, best, strict=True)]
            pause(sum(len(tile) for tile in tiles) * evaluator.problem.space.rows_per_line)
        return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)


def _of_rows(
    values: NDArray[Any], offsets: NDArray[np.int64], shape: tuple[int, int]
) -> NDArray[np.float64]:
    """Values of some lines (offsets, thicknesses) for every line and state; NaN of the others."""
    whole = np.full((*shape, values.shape[1]), np.nan)
    whole[offsets] = values[:, None, :]
    return whole


def _batches(items: list[Any], size: int) -> Iterator[list[Any]]:
    for first in range(0, len(items), size):
        yield items[first : first + size]


def _first(tree: LineBest, lines: int) -> LineBest:
    return jax.tree.map(lambda leaf: leaf[:lines], tree)


def _part(whole: Whole, lines: int) -> Whole:
    """The first lines of a tile; the others only fill the compiled shape."""

    def first(leaf: NDArray[Any]) -> NDArray[Any]:
        return leaf[:lines]

    planes = {name: np.ascontiguousarray(plane[:, :lines]) for name, plane in whole.planes.items()}
    return Whole(jax.tree.map(first, whole.judged), planes)


def _count(judged: Judged, shape: Shape, gates: int) -> dict[tuple[str, str], int]:
    """Counts of all rows of a tile, by the names of `count_names`."""
    kept = judged.removed_by == 0
    columns = {**judged.answers.codes, **judged.answers.verdicts}
    counts: dict[tuple[str, str], int] = {}
    for column, codes in OUTCOMES.items():
        number = _numbers_of(columns[column], kept, shape, len(codes))
        counts |= {(column, outcome): number[code] for outcome, code in codes.items()}
    for gate in range(gates):
        removed = np.broadcast_to(judged.removed_by == gate + 1, shape)
        unknown = np.broadcast_to((judged.unknown_at >> gate) & 1, shape)
        counts["removed", str(gate)] = int(np.count_nonzero(removed))
        counts["unknown", str(gate)] = int(np.count_nonzero(unknown))
    return counts


def _numbers_of(
    codes: NDArray[np.int32], kept: NDArray[np.bool_], shape: Shape, kinds: int
) -> list[int]:
    """How often each code occurs among the kept rows; one element may stand for many rows."""
    narrow, repeats = codes.astype(np.int8, copy=False), math.prod(shape) // codes.size
    if not kept.all():
        narrow, repeats = np.where(kept, narrow, np.int8(-1)), 1
        narrow = np.broadcast_to(narrow, shape)
    counts, left = [], narrow.size
    for code in range(kinds):
        counts.append(int(np.count_nonzero(narrow == code)) if left else 0)
        left -= counts[-1]
    return [count * repeats for count in counts]
