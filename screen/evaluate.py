"""The compiled programs of a screen: tiles of one fixed shape, whatever is asked of them.

A tile is a run of consecutive lines with all their states and thicknesses. Its shape and content
depend on the design space alone. Chunks are dealt out to the local devices, each of which runs the
same program for one device (a program partitioned over several would round differently); several
tiles may go to a device in one call, except where the answer iterates: a loop over one tile is
compiled away, and iterations then round differently. So the bytes of a row do not depend on the
batch size, the number of devices or threads.
"""

from functools import cached_property, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import SingleDeviceSharding
from jaxtyping import Array, Float, Int
from numpy.typing import NDArray

from screen.answers import Answers, answer, without_thickness
from screen.gates import Gates
from screen.problem import Problem
from screen.reduce import Best, Order, reduce_lines
from screen.space import COATING, STATE, THICKNESS, Lines
from screen.stacks import LawForm, Lookup, build, per_line, unravel

Digits = dict[str, Int[Array, "lines blocks"]]

BLOCK = 8
"""Thicknesses per block of the program that computes rows: enough to spread a line's own cost."""


class Judged(NamedTuple):
    """Answers, and which gate removed a row (0: none) or could not tell (bit by gate)."""

    answers: Answers
    removed_by: Any
    unknown_at: Any


class LineBest(NamedTuple):
    """What best mode needs of every line to choose from: see `reduce_lines` and `Order`."""

    best: Best
    order: Order


class Evaluator:
    """Programs for one problem, compiled once each, in one precision on one device."""

    def __init__(
        self, problem: Problem, gates: Gates, *, dtype: str, device: Any, tiles_per_call: int
    ) -> None:
        self.problem, self.gates, self.dtype = problem, gates, dtype
        self.place = SingleDeviceSharding(device)
        self.tiles_per_call = tiles_per_call if self.plane else 1
        self.lines = problem.space.lines_per_tile
        self.sizes = {**problem.space.scenarios, COATING: problem.space.coatings}
        self.tables = {
            key: jax.device_put(values.astype(dtype), self.place)
            for key, values in problem.tables.items()
        }

    def tiles(self, lines: Lines) -> list[Lines]:
        """A chunk's lines cut into tiles; the last one may be short."""
        return [
            Lines(start, min(start + self.lines, lines.stop))
            for start in range(lines.start, lines.stop, self.lines)
        ]

    def start(self, line: int) -> NDArray[np.int32]:
        """Position of a line on the scenario axes and `coating`."""
        digits = self.problem.space.line_digits(line)
        return np.array([digits[name] for name in self.sizes], dtype=np.int32)

    @cached_property
    def grid(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Offsets and thickness positions by which `rows` is given a whole tile."""
        points = self.problem.space.thicknesses
        blocks = -(-points // self.block)
        offset = np.repeat(np.arange(self.lines, dtype=np.int32)[:, None], blocks, axis=1)
        position = np.arange(blocks * self.block, dtype=np.int32).reshape(1, blocks, self.block)
        position = np.minimum(position, points - 1)
        return offset, np.repeat(position, self.lines, axis=0)

    @cached_property
    def block(self) -> int:
        """Thicknesses computed together in `rows`."""
        return min(BLOCK, self.problem.space.thicknesses)

    @cached_property
    def rows(self) -> Any:
        """Every column of the rows asked for: `Judged` with a leading axis of tiles.

        Takes, per tile, the start of some line, offsets of lines from it (lines, blocks) and
        positions of thicknesses (lines, blocks, block). Both `all` and `best` get their rows from
        this one program, which is why the rows of `best` are those of `all` to the last bit.
        """
        offset, position = self.grid
        return self._over_tiles(self._rows, offset.shape, position.shape)

    @cached_property
    def best(self) -> Any:
        """Start of a tile -> `LineBest`, with a leading axis of tiles."""
        return self._over_tiles(self._best)

    def call(self, program: Any, *inputs: list[NDArray[np.int32]]) -> Any:
        """Run a program on up to `tiles_per_call` tiles; results on the host, one per tile."""
        count = len(inputs[0])
        padded = [np.stack([*each, *[each[-1]] * (self.tiles_per_call - count)]) for each in inputs]
        placed = [jax.device_put(each, self.place) for each in padded]
        found = jax.tree.map(np.asarray, program(*placed))
        return [jax.tree.map(lambda leaf, t=tile: leaf[t], found) for tile in range(count)]

    def compile(self, mode: str) -> None:
        """Build the programs a mode needs, before any thread asks for them."""
        _ = self.rows, self.best if mode == "best" else None

    def _over_tiles(self, one: Any, *shapes: tuple[int, ...]) -> Any:
        def many(tables: Any, *tiles: Array) -> Any:
            return jax.lax.map(lambda tile: one(tables, *tile), tiles)

        inputs = [
            jax.ShapeDtypeStruct((self.tiles_per_call, *shape), jnp.int32, sharding=self.place)
            for shape in ((len(self.sizes),), *shapes)
        ]
        return partial(jax.jit(many).lower(self.tables, *inputs).compile(), self.tables)

    @cached_property
    def plane(self) -> bool:
        """Whether all stacks have constant laws at open circuit: no iteration then."""
        return not self.problem.branches and not self.current

    @property
    def current(self) -> bool:
        """Whether a current flows in some stack."""
        return bool(self.problem.numbers["current_density_mA_cm2"].any())

    def _rows(self, tables: Any, start: Array, offset: Array, position: Array) -> Judged:
        digits = unravel(start, self.sizes, offset)
        return self._judge(tables, digits, self._thickness(tables)[position][:, None])

    def _best(self, tables: Any, start: Array) -> LineBest:
        offset = jnp.arange(self.lines, dtype=jnp.int32)[:, None]
        digits = unravel(start, self.sizes, offset)
        thickness = self._thickness(tables)
        answers, removed_by, unknown_at = self._judge(tables, digits, thickness[None, None, None])
        shape = (self.lines, self.problem.space.states, len(thickness))
        best = reduce_lines(answers, removed_by, unknown_at, len(self.gates), shape)
        return LineBest(best, Order.of(answers, shape))

    def _thickness(self, tables: Any) -> Float[Array, " thicknesses"]:
        if THICKNESS in tables:
            return tables[THICKNESS]
        return jnp.full((1,), NO_THICKNESS_NM, self.dtype)

    def _judge(self, tables: Any, digits: Digits, thickness: Array) -> Judged:
        law = LawForm(self.problem.branches, self.problem.slope, self.current)
        lookup = Lookup(tables, digits)
        batch = build(lookup, thickness, self.problem.spec.screen, law)
        answers = answer(batch, plane=self.plane, current=self.current)
        if THICKNESS not in tables:
            answers = without_thickness(answers)
        states = jnp.arange(self.problem.space.states, dtype=jnp.int32)[None, :, None, None]
        at = {name: per_line(position) for name, position in digits.items()}
        return Judged(answers, *self.gates.apply(answers, {**at, STATE: states}, thickness))


NO_THICKNESS_NM = 1.0
"""Stands in where a screen has no thickness axis; what depends on it is blanked."""
