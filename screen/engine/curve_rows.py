"""Rows of branch and table laws that read E* from curves instead of solving every stack.

At open circuit E* of two layers depends on the thicknesses through ln(L_electrolyte/L_coating)
alone: one curve serves all rows that agree in everything else (`kernels.solvers.curve`). Curves
depend on the design space alone and are prepared once, before the first row. So every mode and
every chunk reads the same ones. What a curve does not confirm is solved, as without curves.

Rule: curves are used where each serves at least `ROWS_PER_CURVE` stacks of the design space, and
there are at most `MOST_CURVES`. Else every stack is solved.
"""

import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int
from numpy.typing import NDArray

from muli.kernels import (
    Curve,
    CurveNode,
    CurveReading,
    curve_nodes,
    node_read,
    node_solved,
    nodes_completed,
    read_curves,
    trace_curve,
)
from muli.kernels.constants import CM_PER_NM, CM_PER_UM
from muli.screen.engine.stacks import (
    CONTACTS,
    Batch,
    Digits,
    LawForm,
    Lookup,
    build,
    of_some,
    per_line,
    spread,
)
from muli.screen.space.layout import COATING, THICKNESS
from muli.screen.space.problem import Problem

ROWS_PER_CURVE = 100_000
"""Stacks for which a curve pays off in mode best too, which solves few of them."""

MOST_CURVES = 2048
"""Curves that a run keeps in memory: some 60 kB and 1 ms each."""

TOGETHER = 8
"""Lines whose curves are prepared in one call."""

BLOCK = 128
"""Most thicknesses computed together: what a line needs takes more time than reading does."""

FREE = ("electrolyte_thickness_um", "cathode.area_factor")
"""Axes that move a stack along its curve."""


CURVES = "curves"
"""Their key among the numbers in double precision that programs take."""


@dataclass(frozen=True)
class CurveRows:
    """The curves of a problem.

    Attributes:
        problem: whose rows are read.
        law: how stacks are built.
        sizes: of the axes that tell curves apart, slow to fast, without the states of the cathode.
        grid: nodes that are laid in E; corners of tables come on top.
    """

    problem: Problem
    law: LawForm
    sizes: dict[str, int]
    grid: int

    @property
    def lines(self) -> int:
        """Lines that differ in more than their place on a curve."""
        return math.prod(self.sizes.values())

    @property
    def nodes(self) -> int:
        """Nodes of a curve."""
        points = [self.problem.tables[f"{role}.curve_E_V"].shape[-1] for role in self.law.curves]
        return self.grid + 2 + sum(points)

    @property
    def block(self) -> int:
        """Thicknesses computed together, so that blocks are full."""
        points = self.problem.space.thicknesses
        return -(-points // -(-points // BLOCK))

    @property
    def shapes(self) -> Curve:
        """The arrays of all curves, (lines times states, nodes), as shapes."""
        whole = self.lines * self.problem.space.states, self.nodes
        number: Any = jax.ShapeDtypeStruct(whole, np.float64)
        trusted: Any = jax.ShapeDtypeStruct(whole, np.bool_)
        return Curve(number, number, number, number, number, trusted)

    def trace(self, exact: Any, position: Int[Array, " lines"]) -> Curve:
        """The curves of some lines, (lines, states, nodes)."""
        digits = dict.fromkeys(self.problem.space.scenarios, jnp.zeros_like(position)[:, None])
        rest = position[:, None]
        for name, size in reversed(self.sizes.items()):
            rest, digits[name] = rest // size, rest % size
        lookup, unit = Lookup(exact, digits, self.problem.own), jnp.ones((1, 1, 1, 1), jnp.float64)
        stack = build(lookup, unit, self.problem.spec.screen, self.law).stack
        curves = spread((stack,), lambda stack: trace_curve(stack, self.grid))
        shape = len(position), self.problem.space.states
        return jax.tree.map(lambda x: jnp.broadcast_to(x[:, :, 0, 0], (*shape, self.nodes)), curves)

    def inputs(self, exact: Any, start: int = 0) -> tuple[Any, NDArray[np.int32]]:
        """What `trace` takes for the lines from one on; the last call repeats the last line."""
        numbers = {name: values for name, values in exact.items() if name != CURVES}
        lines = np.arange(start, start + TOGETHER, dtype=np.int32)
        return numbers, np.minimum(lines, self.lines - 1)

    def all(self, program: Any, exact: Any) -> Curve:
        """All curves from the program of `trace`, (lines times states, nodes)."""
        starts = range(0, self.lines, TOGETHER)
        parts = [jax.tree.map(np.asarray, program(*self.inputs(exact, n))) for n in starts]

        def joined(*leaves: NDArray[Any]) -> NDArray[Any]:
            return np.concatenate(leaves)[: self.lines].reshape(-1, self.nodes)

        return jax.tree.map(joined, *parts)

    def read(self, curves: Curve, lookup: Lookup, thickness_nm: Array) -> CurveReading:
        """Readings of rows, (lines, states, blocks, thicknesses), in double precision."""
        number: Array = jnp.zeros((), jnp.int32)
        for name, size in self.sizes.items():
            number = number * size + lookup.digits[name]
        states = jnp.arange(self.problem.space.states, dtype=jnp.int32)[None, :, None, None]
        number = per_line(number) * len(states[0]) + states
        thickness = lookup.axis("electrolyte_thickness_um") * CM_PER_UM
        thickness = thickness * lookup.optional("cathode.area_factor", 1.0)
        position = jnp.log(thickness) - jnp.log(thickness_nm * CM_PER_NM)
        return read_curves(curves, *jnp.broadcast_arrays(number, position))


def curve_rows(problem: Problem, law: LawForm) -> CurveRows | None:
    """The curves of a problem; None where every stack is solved, see the rule of the module."""
    space, numbers = problem.space, problem.numbers
    explicit = not (problem.branches or problem.curved)
    if explicit or law.current or law.layers > 1 or law.anode_coated or THICKNESS not in numbers:
        return None
    if any(key in space.scenarios for key in CONTACTS):
        return None
    sizes = {name: size for name, size in space.scenarios.items() if name not in FREE}
    sizes[COATING] = space.coatings
    curves = math.prod(sizes.values()) * space.states
    if not 0 < curves <= MOST_CURVES or space.stacks < ROWS_PER_CURVE * curves:
        return None
    tables = problem.tables
    ends = [tables[f"{role}_potential_V"] for role in ("cathode", "anode")]
    if np.isnan(ends[0]).all() or np.isnan(ends[1]).all():
        return None
    drive = max(np.nanmax(ends[0]) - np.nanmin(ends[1]), np.nanmax(ends[1]) - np.nanmin(ends[0]))
    return CurveRows(problem, law, sizes, curve_nodes(drive, numbers["temperature_K"].min()))


def nodes_of_rows(
    curves: CurveRows | None, exact: Any, digits: Digits, batch: Batch, thickness_nm: Array
) -> CurveNode | None:
    """The node of every row, (lines, states, blocks, thicknesses): read, or else solved.

    None without curves. exact, thickness_nm: in double precision.
    """
    if curves is None:
        return None
    with jax.enable_x64(True):
        reading = curves.read(exact[CURVES], Lookup(exact, digits), thickness_nm)
    node, usable = spread((batch.stack, reading), node_read)
    shape = reading.trusted.shape

    def solved(index: Int[Array, " few"]) -> CurveNode:
        return of_some(batch.stack, jnp.unravel_index(index, shape), node_solved)

    return nodes_completed(node, jnp.broadcast_to(usable, shape), solved)
