"""The compiled programs of a screen: they compute tiles of one fixed shape.

A tile is a run of consecutive lines with all their states and thicknesses. Its shape and content
depend on the design space alone. Chunks are shared among the local devices; each runs the same
program for one device and one tile (a program partitioned over several devices, or looping
over several tiles, would round differently); several tiles may be computed on a device at a time.
So the bytes of a row do not depend on the batch size, the number of devices or threads.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.serialize_executable import deserialize_and_load, serialize
from jax.sharding import SingleDeviceSharding
from jax.stages import Lowered
from jaxtyping import Array, Int
from numpy.typing import NDArray

from muli.screen.compiling.programs import Made, finished
from muli.screen.compiling.recalled import recalled
from muli.screen.engine.ageing import Aged
from muli.screen.engine.answers import Answers, answer, without_thickness
from muli.screen.engine.confidence import (
    Score,
    Uncertain,
    drawn_tables,
    score,
    with_confidence,
)
from muli.screen.engine.counting import Judging, PiecePrograms, RowPrograms, VisitPrograms
from muli.screen.engine.curve_rows import CURVES, curve_rows, nodes_of_rows
from muli.screen.engine.gates import Gates
from muli.screen.engine.judged import Judged, LineBest, Whole, by_bytes, narrow
from muli.screen.engine.layered_lines import believed_of
from muli.screen.engine.stacks import LawForm, Lookup, build, per_line, unravel
from muli.screen.engine.thresholds import (
    Thresholds,
    judge_at,
    status_at,
    thresholds_of_plane,
    thresholds_of_stacks,
)
from muli.screen.space.draws import BLOCK_OF_DRAWS, Draws
from muli.screen.space.evidence import Beliefs
from muli.screen.space.layered_beliefs import LayeredBeliefs
from muli.screen.space.layout import COATING, STATE, THICKNESS, Lines
from muli.screen.space.problem import Problem
from muli.screen.space.visits import CONTACT, why_solved, why_visited

Digits = dict[str, Int[Array, "lines blocks"]]
Programs = dict[str, tuple[bytes, Any, Any]]
Given = Array | NDArray[Any]

BLOCK = 8
"""Thicknesses per block of the program that computes rows. Many share the numbers of a line that do
not depend on the thickness; few are cheap in `best`, which needs one or two rows of a line."""

SHARES = 2
"""Calls of that program for one tile: `best` needs few rows, fewer than a tile has."""


class Evaluator:
    """Programs for one problem, compiled once each, in one precision on one device."""

    def __init__(
        self,
        problem: Problem,
        gates: Gates,
        *,
        dtype: str,
        device: Any,
        tiles_per_call: int,
        beliefs: Beliefs | LayeredBeliefs | None = None,
    ) -> None:
        self.programs: dict[str, Any] = {}
        self.problem, self.gates, self.dtype = problem, gates, dtype
        self.device, self.place = device, SingleDeviceSharding(device)
        self.believed = believed_of(problem, beliefs, dtype, self.place)
        self.draws = problem.draws
        ageing = problem.spec.ageing
        self.aged = None if ageing is None else Aged(problem, ageing)
        self.tiles_per_call = tiles_per_call
        self.lines = problem.space.lines_per_tile
        self.sizes = {**problem.space.scenarios, COATING: problem.space.coatings}
        self.tables = {
            key: jax.device_put(values.astype(dtype), self.place)
            for key, values in (problem.tables | drawn_tables(problem.draws)).items()
        }
        with EXACT():
            self.exact = {
                key: jax.device_put(np.asarray(values, np.float64), self.place)
                for key, values in problem.tables.items()
            }
        self.curves = curve_rows(problem, self._law)
        if self.curves is not None:  # filled in by `_take`
            self.exact[CURVES] = self.curves.shapes

    def tiles(self, lines: Lines, size: int | None = None) -> list[Lines]:
        """A chunk's lines cut into tiles, or into runs of another size; the last may be short."""
        size = size or self.lines
        return [
            Lines(start, min(start + size, lines.stop))
            for start in range(lines.start, lines.stop, size)
        ]

    def start(self, line: int) -> NDArray[np.int32]:
        """Position of a line on the scenario axes and `coating`."""
        digits = self.problem.space.line_digits(line)
        return np.array([digits[name] for name in self.sizes], dtype=np.int32)

    @cached_property
    def thickness_nm(self) -> NDArray[np.float64]:
        """The thickness axis, or `NO_THICKNESS_NM` where there is none. With several layers the
        positions on their joint axis."""
        if self.problem.layers > 1:
            return np.arange(self.problem.space.thicknesses, dtype=np.float64)
        return self.problem.numbers.get(THICKNESS, np.full(1, NO_THICKNESS_NM))

    @cached_property
    def grid(self) -> tuple[NDArray[np.int32], NDArray[Any]]:
        """Offsets and thicknesses by which `rows` is given the first share of a tile."""
        points = self.problem.space.thicknesses
        blocks = -(-points // self.block)
        offset = np.repeat(np.arange(self.share, dtype=np.int32)[:, None], blocks, axis=1)
        position = np.arange(blocks * self.block, dtype=np.int32).reshape(1, blocks, self.block)
        position = np.minimum(position, points - 1)
        return offset, np.repeat(self.thickness_nm[position], self.share, axis=0)

    @property
    def share(self) -> int:
        """Lines of a tile that `rows` computes in one call."""
        return -(-self.lines // SHARES)

    @cached_property
    def block(self) -> int:
        """Thicknesses computed together in `rows`."""
        most = BLOCK if self.curves is None else self.curves.block
        most = most if self.draws is None else BLOCK_OF_DRAWS
        return min(most, self.problem.space.thicknesses)

    def rows(self, start: Given, offset: Given, thickness: Given) -> Judged:
        """Every column of the given rows.

        Takes the start of some line, offsets of lines from it (lines, blocks) and thicknesses
        (lines, blocks, block), nm. Both `all` and `best` get their rows from this one program,
        which is why the rows of `best` are those of `all` to the last bit.
        """
        with EXACT():
            return self.programs["rows"](self.tables, self.exact, start, offset, thickness)

    def whole(self, start: Given) -> Whole:
        """All rows of a tile, from its start."""
        offset, thickness = self.grid
        firsts = range(0, self.lines, self.share)
        shares = [self.rows(start, offset + np.int32(n), thickness) for n in firsts]
        return self.programs["whole"](shares)

    def best(self, start: Array) -> LineBest:
        """The best thickness of every line of a run of lines, from its start."""
        with EXACT():
            inputs: tuple[Any, ...] = self.tables, self.exact, start
            if self.searched:
                inputs = (self.whole(start).judged,)
            return LineBest(*self.counter.best(*inputs))

    def score(self, start: Array) -> Score:
        """Scores of the lines of a tile in all draws."""
        return self.programs["score"](self.tables, start)

    def call(self, program: Any, *inputs: Sequence[NDArray[np.int32]]) -> Any:
        """Run a program once per input, without waiting in between; results on the host."""
        results = [program(*tile) for tile in zip(*inputs, strict=True)]
        return jax.tree.map(np.asarray, results)

    def compile(self, mode: str, origin: str = "") -> None:
        """Take the programs a mode needs. origin: as `compiling.recalled` takes it."""
        given = self.tables, self.exact, self.believed and self.believed.tables
        key = origin and f"{origin}\0{mode}\0{self.dtype}\0{jax.tree.map(jax.typeof, given)}"
        self._take(recalled(key, self.device, partial(self._made, mode)))

    def _made(self, mode: str) -> dict[str, Made]:
        """The programs a mode needs: some are compiled while the next is traced."""
        start, compiled = self.start(0), dict[str, Future[Made]]()
        quick = self.believed.quick if self.believed and self.device.platform == "cpu" else {}
        with ThreadPoolExecutor() as pool:

            def build(name: str, function: Callable[..., Any], *inputs: Any) -> Any:
                lowered = self._lowered(function, *inputs)
                compiled[name] = pool.submit(finished, lowered, self.device, quick.get(name))
                return lowered.out_info

            counter_inputs: tuple[Any, ...] = self.tables, self.exact, start
            with EXACT():
                if self.curves is not None:
                    build(CURVES, self.curves.trace, *self.curves.inputs(self.exact))
                share = build("rows", self._rows, *counter_inputs, *self.grid)
            if mode != "best" or self.searched:
                shares = [share] * -(-self.lines // self.share)
                whole = build("whole", partial(self._whole, split=mode == "all"), shares)
                counter_inputs = (whole.judged,) if self.searched else counter_inputs
            if mode == "best":
                with EXACT():
                    self.counter.build(build, *counter_inputs)
            if self.draws is not None:
                build("score", self._score, self.tables, start)
            if self.believed is not None:
                self.believed.build(build)
        return {name: program.result() for name, program in compiled.items()}

    def _take(self, programs: dict[str, Any]) -> None:
        self.programs = self.counter.programs = programs
        if self.curves is not None:
            with EXACT():
                curves = self.curves.all(programs[CURVES], self.exact)
                self.exact[CURVES] = jax.device_put(curves, self.place)
        if self.believed is not None:
            self.believed.programs = programs

    def packed(self) -> Programs:
        """The programs as data, for other processes on like processors."""
        return {name: serialize(program) for name, program in self.programs.items()}

    def unpack(self, packed: Programs) -> None:
        """Take the programs that another process compiled."""
        self._take({name: deserialize_and_load(*program) for name, program in packed.items()})

    def _lowered(self, function: Callable[..., Any], *inputs: Any) -> Lowered:
        """A function of arrays like these on this device."""
        abstract = partial(jax.ShapeDtypeStruct, sharding=self.place)
        placed = jax.tree.map(lambda array: abstract(array.shape, array.dtype), inputs)
        return jax.jit(function).lower(*placed)

    @cached_property
    def plane(self) -> bool:
        """Whether all stacks are two layers of constant laws at open circuit."""
        other = self.problem.branches or self.problem.curved or self.current
        single = self.problem.layers == 1 and not self.problem.anode_coated
        return single and not other

    @property
    def current(self) -> bool:
        """Whether a current flows in some stack."""
        return bool(self.problem.numbers["current_density_mA_cm2"].any())

    @cached_property
    def searched(self) -> bool:
        """Whether stacks are solved by searches, in double precision whatever the run's is."""
        problem = self.problem
        more = self.current or problem.layers > 1 or problem.anode_coated
        return more and bool(problem.branches or problem.curved)

    @cached_property
    def explicit(self) -> bool:
        """Whether the thicknesses at which verdicts change are explicit."""
        return why_solved(self.problem) is None

    @cached_property
    def counter(self) -> PiecePrograms | VisitPrograms:
        """Programs that count the thicknesses of lines and choose among them."""
        gates, space = self.gates, self.problem.space
        visited = why_visited(self.problem, gates.gates, gates.axis_columns) is not None
        lines = self.lines if visited else space.lines_per_count
        offset = np.arange(lines, dtype=np.int32)[:, None]
        judging = Judging(
            rows=partial(self._judge, known=THICKNESS in self.problem.numbers),
            thresholds=self._thresholds,
            digits=lambda start: unravel(start, self.sizes, jnp.asarray(offset)),
            gating=self._gated,
            gates=len(gates),
            named=gates.named,
            outer=CONTACT in self.sizes,
        )
        visits = RowPrograms if self.searched else VisitPrograms
        programs = visits if visited else PiecePrograms
        return programs(judging, self.thickness_nm, (lines, space.states))

    def _arithmetic(self) -> Any:
        """Context in which the numbers of rows are computed, inside programs in double precision.

        What is computed in single precision is then the same as without those.
        """
        return jax.enable_x64(self.dtype == "float64" or self.searched)

    def _rows(
        self, tables: Any, exact: Any, start: Array, offset: Array, thickness: Array
    ) -> Judged:
        digits = unravel(start, self.sizes, offset)
        known = THICKNESS in tables or self.recommends
        judged = self._judge(tables, exact, digits, thickness[:, None], known=known)
        floats, *outcomes = judged.answers
        return judged._replace(answers=Answers(floats, *jax.tree.map(narrow, outcomes)))

    def _whole(self, shares: list[Judged], *, split: bool) -> Whole:
        """Blocks put together; the lines and points that only fill the compiled shape left out.

        split: whether to lay numbers out byte by byte.
        """
        points = self.problem.space.thicknesses

        def whole(leaf: Array) -> Array:
            if leaf.shape[3] == 1:
                return leaf[:, :, 0]
            return leaf.reshape(*leaf.shape[:2], -1)[:, :, :points]

        def joined(*leaves: Array) -> Array:
            if len(leaves[0]) < self.share:  # one for all lines
                return whole(leaves[0])
            return jnp.concatenate([whole(leaf) for leaf in leaves])[: self.lines]

        judged = jax.tree.map(joined, *shares)
        every = self.lines, self.problem.space.states, points
        floats = judged.answers.floats if split and points > 1 else {}
        return Whole(judged, {k: by_bytes(v) for k, v in floats.items() if v.shape == every})

    @property
    def recommends(self) -> bool:
        """Whether kept rows have a recommended thickness, which need not be on the axis."""
        return self.believed is not None and self.problem.spec.output.mode == "best"

    def _judge(
        self, tables: Any, exact: Any, digits: Digits, thickness: Array, *, known: bool
    ) -> Judged:
        """thickness: nm, in double precision. known: whether the screen has thicknesses; else what
        depends on it is blanked."""
        lines, row, depth = None, None, thickness
        if self.explicit:
            lines = self._thresholds(exact, digits)
            row = judge_at(lines, thickness)
        tables = exact if self.searched else tables
        thickness = thickness if self.searched else thickness.astype(self.dtype)
        with self._arithmetic():
            lookup = Lookup(tables, digits, self.problem.own)
            batch = build(lookup, thickness, self.problem.spec.screen, self._law)
            nodes = nodes_of_rows(self.curves, exact, digits, batch, depth)
            answers = answer(batch, plane=self.plane, current=self.current, row=row, nodes=nodes)
            if lines is not None:
                answers.codes["status"] = status_at(lines, depth, answers.codes["status"])
            if not known:
                answers = without_thickness(answers, None if lines is None else lines.band)
            if self.draws is not None:
                uncertain = self._uncertain(lookup, self.draws)
                answers = with_confidence(answers, uncertain, thickness if known else None)
            if self.problem.layers > 1:
                thickness = tables[THICKNESS][thickness.astype(jnp.int32)]
            floats = {name: value.astype(self.dtype) for name, value in answers.floats.items()}
            answers, thickness = answers._replace(floats=floats), thickness.astype(self.dtype)
            return Judged(answers, *self._gated(answers, digits, thickness))

    def _gated(
        self, answers: Answers, digits: Digits, thickness: Array | None = None
    ) -> tuple[Array, Array]:
        """thickness: None where no gate names it."""
        with self._arithmetic():
            nowhere = jnp.full((1, 1, 1, 1), jnp.nan, self.dtype)
            states = jnp.arange(self.problem.space.states, dtype=jnp.int32)[None, :, None, None]
            at = {name: per_line(position) for name, position in digits.items()}
            depth = nowhere if thickness is None else thickness
            return self.gates.apply(answers, {**at, STATE: states}, depth)

    def _thresholds(self, exact: Any, digits: Digits) -> Thresholds:
        """Where the verdicts of lines change along the thickness."""
        unit = jnp.ones((1, 1, 1, 1), jnp.float64)
        lookup = Lookup(exact, digits, self.problem.own)
        batch = build(lookup, unit, self.problem.spec.screen, self._law)
        return thresholds_of_plane(batch) if self.plane else thresholds_of_stacks(batch)

    @property
    def _law(self) -> LawForm:
        problem = self.problem
        law = problem.branches, problem.slope, self.current, frozenset(problem.curved)
        return LawForm(*law, problem.layers, problem.anode_coated)

    def _uncertain(self, lookup: Lookup, draws: Draws) -> Uncertain:
        return Uncertain(draws, lookup, self.problem.spec.screen, self._law, self.plane)

    def _score(self, tables: Any, start: Array) -> Score:
        assert self.draws is not None
        offset = jnp.arange(self.lines, dtype=jnp.int32)[:, None]
        lookup = Lookup(tables, unravel(start, self.sizes, offset), self.problem.own)
        return score(self._uncertain(lookup, self.draws))


EXACT = partial(jax.enable_x64, True)
"""Context of programs that compute thresholds: in double precision whatever that of a run is."""

NO_THICKNESS_NM = 1.0
"""The thickness where a screen has no thickness axis; what depends on it is blanked."""
