"""Programs for the probability that a line works and its best thickness; mode best ranks by them.

A line is a coating in a scenario, all states of charge together. Its distributions are tables
along the axes they depend on (`space.evidence`); lines are looked up and judged in
blocks.
"""

from collections.abc import Callable, Container
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from numpy.typing import NDArray

from muli.kernels.constants import BOLTZMANN_EV, CM_PER_UM
from muli.screen.compiling.programs import QUICK_COMPILE, Options
from muli.screen.engine.life import (
    COARSE,
    FINE,
    Chance,
    asked,
    chances,
    product_tables,
    products_at,
)
from muli.screen.engine.probabilities import (
    at_thickness,
    bare,
    median_resistance,
    recommend,
)
from muli.screen.engine.probability_line import Line, Probabilities, Recommended
from muli.screen.engine.stacks import CONTACTS, unravel
from muli.screen.space.evidence import Beliefs
from muli.screen.space.layout import COATING
from muli.screen.space.problem import Problem
from muli.screen.space.products import TOUCHES
from muli.screen.spec import Screen

MOST_FINE = 5_000
"""Lines of a screen up to which probabilities are integrated finely."""
BLOCK = 512
"""Lines judged together, so few that their quadrature fits into the cache."""


class LinePrograms:
    """Compiled programs over blocks of lines of one problem, in one precision on one device."""

    def __init__(self, problem: Problem, beliefs: Beliefs, dtype: str, place: Any) -> None:
        self.programs: dict[str, Any] = {}
        self.problem, self.dtype = problem, dtype
        self.sizes = {**problem.space.scenarios, COATING: problem.space.coatings}
        self.axes, tables = tables_of(beliefs)
        keys = ["electrolyte_thickness_um", "current_density_mA_cm2", "cathode.area_factor"]
        if self.ages:
            keys.append("temperature_K")
            products = product_tables(problem)
            tables |= products
            self.axes |= dict.fromkeys(products, ("electrolyte",))
        for key in (*keys, *CONTACTS):
            if key in problem.numbers:
                self.axes[key], tables[key] = (key,), problem.numbers[key]
        self.tables = {
            key: jax.device_put(np.asarray(values, dtype), place) for key, values in tables.items()
        }

    def build(self, build: Callable[..., Any]) -> None:
        """Compile every program with `build(name, function, *inputs)`."""
        at = np.zeros(len(self.sizes), np.int32), np.zeros(BLOCK, np.int32)
        thickness = np.zeros(BLOCK, self.dtype)
        build("recommend", self._recommend, self.tables, *at)
        build("at_thickness", self._at_thickness, self.tables, *at, thickness)
        if self.ages:
            build("life", self._life, self.tables, *at, thickness)
        if self.problem.spec.output.mode == "best":  # which alone has rows of bare cells
            build("bare", self._bare, self.tables, *at)
            if self.ages:
                build("bare_life", self._bare_life, self.tables, *at)

    def nm(self, coordinate: NDArray[Any]) -> NDArray[Any]:
        """Thickness (nm) of what these programs take and give as thickness."""
        return coordinate

    def layers_nm(self, _coordinate: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Thickness of every layer, by column, where a coating has several."""
        return {}

    @property
    def quick(self) -> dict[str, Options]:
        """Options for programs that run so shortly in this screen that compiling takes longer."""
        return {"recommend": QUICK_COMPILE} if self.problem.space.lines <= BLOCK else {}

    @property
    def ages(self) -> bool:
        """Whether lines have a probability of living."""
        return self.problem.spec.ageing is not None

    def recommended(self, first: int, offsets: NDArray[np.int64]) -> Recommended:
        """Recommended thicknesses of lines. offsets: of the lines from the line `first`."""
        return self._joined("recommend", first, offsets)

    def at_thickness(
        self, first: int, offsets: NDArray[np.int64], thickness_nm: NDArray[np.floating]
    ) -> tuple[Probabilities, NDArray[Any]]:
        """Probabilities and median resistance (ohm cm2) of lines, each at a thickness (lines,)."""
        return self._joined("at_thickness", first, offsets, thickness_nm.astype(self.dtype))

    def life(
        self, first: int, offsets: NDArray[np.int64], thickness_nm: NDArray[np.floating]
    ) -> Chance:
        """Probability of living of lines, each at its own thickness (lines,)."""
        return self._joined("life", first, offsets, thickness_nm.astype(self.dtype))

    def life_without_coating(self, groups: NDArray[np.int64]) -> Chance:
        """Probability of living of bare cells, by the numbers of their scenarios."""
        coatings = self.problem.space.coatings
        return self._joined("bare_life", int(groups[0]) * coatings, (groups - groups[0]) * coatings)

    def without_coating(self, groups: NDArray[np.int64]) -> Probabilities:
        """Probabilities of bare cells, by the numbers of their scenarios."""
        coatings = self.problem.space.coatings
        return self._joined("bare", int(groups[0]) * coatings, (groups - groups[0]) * coatings)

    def lines(self, first: int, count: int) -> Line:
        """Some consecutive lines as arrays (count,), for what is computed outside of a run."""
        at = jnp.asarray(self._start(first)), jnp.arange(count, dtype=jnp.int32)
        line = self._line(self.tables, *at)
        return jax.tree.map(lambda values: np.broadcast_to(np.asarray(values), (count,)), line)

    def bare_line(self, group: int) -> Line:
        """The line of a cell without a coating."""
        start = jnp.asarray(self._start(group * self.problem.space.coatings))
        return self._bare_line(self.tables, start, jnp.zeros(1, jnp.int32))

    def _joined(
        self, name: str, first: int, offsets: NDArray[np.int64], *more: NDArray[Any]
    ) -> Any:
        """A program over lines in blocks; the last block is filled up.

        Lines of one coating stand together: what only some coatings need is left out of the blocks
        of the others.
        """
        start, blocks = self._start(first), []
        order = np.argsort((first + offsets) % self.problem.space.coatings, kind="stable")
        arrays = [array[order] for array in (offsets.astype(np.int32), *more)]
        for position in range(0, len(offsets), BLOCK):
            size = min(BLOCK, len(offsets) - position)
            block = [np.resize(array[position : position + size], BLOCK) for array in arrays]
            blocks.append((self.programs[name](self.tables, start, *block), size))
        whole = [jax.tree.map(lambda x, n=n: np.asarray(x)[:n], block) for block, n in blocks]
        place = np.argsort(order)
        return jax.tree.map(lambda *x: np.concatenate(x)[place], *whole)

    def _start(self, line: int) -> NDArray[np.int32]:
        digits = self.problem.space.line_digits(line)
        return np.array([digits[name] for name in self.sizes], dtype=np.int32)

    def _recommend(self, tables: Any, start: Array, offset: Array) -> Recommended:
        floor = self.problem.spec.ranking.thinnest_film_nm
        return recommend(self._line(tables, start, offset), floor)

    def _at_thickness(
        self, tables: Any, start: Array, offset: Array, thickness: Array
    ) -> tuple[Probabilities, Array]:
        line, fine = self._line(tables, start, offset), self.problem.space.lines <= MOST_FINE
        return at_thickness(line, thickness, fine=fine), median_resistance(line, thickness)

    def _bare(self, tables: Any, start: Array, offset: Array) -> Probabilities:
        return bare(self._bare_line(tables, start, offset))

    def _life(self, tables: Any, start: Array, offset: Array, thickness: Array) -> Chance:
        return self._chance(tables, start, offset, self._line(tables, start, offset), thickness)

    def _bare_life(self, tables: Any, start: Array, offset: Array) -> Chance:
        line = self._bare_line(tables, start, offset)
        return self._chance(tables, start, offset, line, jnp.zeros(offset.shape, self.dtype))

    def _chance(
        self, tables: Any, start: Array, offset: Array, line: Line, thickness: Array
    ) -> Chance:
        read = self._lookup(start, offset)
        spec = self.problem.spec.ageing
        assert spec is not None
        V_T = BOLTZMANN_EV * read(tables, "temperature_K")
        products = [products_at(lambda key: read(tables, key), side, V_T) for side in TOUCHES]
        points = FINE if self.problem.space.lines <= MOST_FINE else COARSE
        return chances(line, products, thickness, asked(spec), points)

    def _bare_line(self, tables: Any, start: Array, offset: Array) -> Line:
        read = self._lookup(start, offset)
        line = self._line(tables, start, offset)
        return bare_of(line, lambda key: read(tables, key))

    def _lookup(self, start: Array, offset: Array) -> Callable[[Any, str], Array]:
        """Reads a table at the positions of some lines."""
        digits = unravel(start, self.sizes, offset)

        def read(tables: Any, key: str) -> Array:
            at = tuple(digits[axis] for axis in self.axes[key])
            return tables[key][at] if at else tables[key]

        return read

    def _line(self, tables: Any, start: Array, offset: Array) -> Line:
        read = self._lookup(start, offset)
        return line_of(lambda key: read(tables, key), tables, self.problem.spec.screen)


def line_of(read: Callable[[str], Array], known: Container[str], screen: Screen) -> Line:
    """A line from its numbers by name. known: the names that there are. Without them contacts are 0
    and the area factor is 1."""

    def optional(key: str, default: float) -> Any:
        return read(key) if key in known else default

    area = optional("cathode.area_factor", 1.0)
    first, middle, last = (optional(key, 0.0) for key in CONTACTS)
    rest = {name: read(name) for name in Line._fields if name in known}
    return Line(
        **rest,
        electrolyte_cm=read("electrolyte_thickness_um") * CM_PER_UM,
        budget_ohm_cm2=screen.asr_budget_ohm_cm2,
        contacts_ohm_cm2=first + (middle + last) / area,
        area_factor=area,
        current_A_cm2=read("current_density_mA_cm2") * 1e-3,
    )


def bare_of(line: Line, read: Callable[[str], Array]) -> Line:
    """The line of the same cell without a coating: the electrolyte reacts with the cathode."""
    return line._replace(
        reaction_cathode=read("reaction_bare"),
        reaction_cathode_sd=read("reaction_bare_sd"),
        limit_cathode=read("limit_bare"),
        limit_cathode_sd=read("limit_bare_sd"),
    )


def tables_of(beliefs: Beliefs) -> tuple[dict[str, tuple[str, ...]], dict[str, NDArray[Any]]]:
    """Axes and values of every field of a line, deviations included."""
    axes: dict[str, tuple[str, ...]] = {}
    tables: dict[str, NDArray[Any]] = {}
    for name, belief in beliefs.fields.items():
        for key, values in ((name, belief.mean), (_deviation(name), belief.sd)):
            axes[key], tables[key] = belief.axes, np.broadcast_to(values, belief.mean.shape)
    for name, (where, values) in beliefs.exact.items():
        axes[name], tables[name] = where, values
    return axes, tables


def _deviation(name: str) -> str:
    """Field of the standard deviation of a field: `oxidation_V` has `oxidation_sd`."""
    return f"{name.removesuffix('_V')}_sd"
