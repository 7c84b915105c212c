"""The compiled programs of a screen: tiles of one fixed shape, whatever is asked of them.

A tile is a run of consecutive lines with all their states and thicknesses. Its shape and content
depend on the design space alone; several tiles go to the devices in one call, sharded over them,
and each is computed by the same inner program. So the bytes of a row do not depend on the batch
size, the number of devices or threads.
"""

from functools import cached_property, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P
from jaxtyping import Array, Float, Int
from numpy.typing import NDArray

from screen.answers import Answers, answer, without_thickness
from screen.gates import Gates
from screen.problem import Problem
from screen.reduce import Best, reduce_lines, thickness_position
from screen.space import COATING, STATE, THICKNESS, Lines
from screen.stacks import LawForm, Lookup, build, unravel

Digits = dict[str, Int[Array, " lines"]]


class Judged(NamedTuple):
    """Answers, and which gate removed a row (0: none) or could not tell (bit by gate)."""

    answers: Answers
    removed_by: Array
    unknown_at: Array


class LineBest(NamedTuple):
    """What best mode keeps of a tile: a line's key, counts, and the columns of its best row."""

    best: Best
    answers: Answers


class Evaluator:
    """Programs for one problem, compiled once each, in one precision on given devices."""

    def __init__(
        self, problem: Problem, gates: Gates, *, dtype: str, devices: list[Any], tiles_per_call: int
    ) -> None:
        self.problem, self.gates, self.dtype = problem, gates, dtype
        self.mesh = Mesh(np.array(devices), ("tiles",))
        self.tiles_per_call = -(-tiles_per_call // len(devices)) * len(devices)
        self.lines = problem.space.lines_per_tile
        self.sizes = {**problem.space.scenarios, COATING: problem.space.coatings}
        self.tables = {
            key: jax.device_put(values.astype(dtype), NamedSharding(self.mesh, P()))
            for key, values in problem.tables.items()
        }

    def starts(self, tiles: list[Lines]) -> NDArray[np.int32]:
        """First lines of tiles as positions on the axes, padded to a whole call: (tiles, axes)."""
        space = self.problem.space
        digits = [list(space.line_digits(tile.start).values()) for tile in tiles]
        digits += [digits[-1]] * (self.tiles_per_call - len(digits))
        return np.array(digits, dtype=np.int32).reshape(len(digits), len(self.sizes))

    def tiles(self, lines: Lines) -> list[Lines]:
        """A chunk's lines cut into tiles; the last one may be short."""
        return [
            Lines(start, min(start + self.lines, lines.stop))
            for start in range(lines.start, lines.stop, self.lines)
        ]

    @cached_property
    def rows(self) -> Any:
        """starts -> `Judged` with a leading axis of tiles: every column of every row."""
        return self._over_tiles(self._rows)

    @cached_property
    def best(self) -> Any:
        """starts -> `LineBest` with a leading axis of tiles: each line's best and its counts."""
        return self._over_tiles(self._best)

    def compile(self, mode: str) -> None:
        """Build the one program a mode needs, before any thread asks for it."""
        _ = self.best if mode == "best" else self.rows

    def _over_tiles(self, one: Any) -> Any:
        def many(tables: Any, starts: Array) -> Any:
            return jax.lax.map(lambda start: one(tables, start), starts)

        sharded = jax.shard_map(
            many, mesh=self.mesh, in_specs=(P(), P("tiles")), out_specs=P("tiles"), check_vma=False
        )
        starts = jax.ShapeDtypeStruct((self.tiles_per_call, len(self.sizes)), jnp.int32)
        return partial(jax.jit(sharded).lower(self.tables, starts).compile(), self.tables)

    @cached_property
    def plane(self) -> bool:
        """Whether all stacks have constant laws at open circuit: no iteration then."""
        return not self.problem.branches and not self.current

    @property
    def current(self) -> bool:
        """Whether a current flows in some stack."""
        return bool(self.problem.numbers["current_density_mA_cm2"].any())

    def _rows(self, tables: Any, start: Array) -> Judged:
        digits = unravel(start, self.sizes, self.lines)
        return self._judge(tables, digits, self._thickness(tables))

    def _best(self, tables: Any, start: Array) -> LineBest:
        digits = unravel(start, self.sizes, self.lines)
        thickness = self._thickness(tables)
        answers, removed_by, unknown_at = self._judge(tables, digits, thickness)
        space = self.problem.space
        shape = (self.lines, space.states, space.thicknesses)
        best = reduce_lines(answers, removed_by, unknown_at, len(self.gates), shape)
        chosen = thickness[0, 0][thickness_position(best.key)]
        per_state = [
            self._judge(tables, digits, chosen[:, state, None, None]).answers
            for state in range(space.states)
        ]
        return LineBest(best, _own_states(per_state))

    def _thickness(self, tables: Any) -> Float[Array, "1 1 thicknesses"]:
        if THICKNESS in tables:
            return tables[THICKNESS][None, None, :]
        return jnp.full((1, 1, 1), NO_THICKNESS_NM, self.dtype)

    def _judge(self, tables: Any, digits: Digits, thickness: Array) -> Judged:
        law = LawForm(self.problem.branches, self.problem.slope)
        lookup = Lookup(tables, digits)
        batch = build(lookup, thickness, self.problem.spec.screen, law)
        answers = answer(batch, plane=self.plane, current=self.current)
        if THICKNESS not in tables:
            answers = without_thickness(answers)
        states = jnp.arange(self.problem.space.states, dtype=jnp.int32)[None, :, None]
        at = {name: position[:, None, None] for name, position in digits.items()}
        return Judged(answers, *self.gates.apply(answers, {**at, STATE: states}, thickness))


NO_THICKNESS_NM = 1.0
"""Stands in where a screen has no thickness axis; what depends on it is blanked."""


def _own_states(per_state: list[Answers]) -> Answers:
    """Of answers at each state's best thickness, those of that state: (lines, states, 1)."""
    states = len(per_state)

    def own(*columns: Array) -> Array:
        each = [
            jnp.broadcast_to(c, (c.shape[0], states, 1))[:, s : s + 1]
            for s, c in enumerate(columns)
        ]
        return jnp.concatenate(each, axis=1)

    return jax.tree.map(own, *per_state)
