"""Programs that count the thicknesses of lines and choose the best one of each.

`PiecePrograms` judges a line at the few thicknesses where a verdict changes, `VisitPrograms` at
every one. Each is several programs one after the other: within one, the compiler would compute
what several steps need again for each of them.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int
from numpy.typing import NDArray

from muli.screen.engine.answers import Answers
from muli.screen.engine.pieces import Pieces, Ruler, judge_pieces, pieces_between
from muli.screen.engine.reduce import Best, Coded, Order, code_rows, reduce_lines, reduce_pieces
from muli.screen.engine.thresholds import Cuts, Thresholds

Digits = dict[str, Int[Array, "lines blocks"]]


class Judging(NamedTuple):
    """The functions and numbers that the programs are made from.

    Attributes:
        rows: of lines at thicknesses, from (tables, exact, digits, thickness).
        thresholds: of lines, from (exact, digits).
        digits: positions on the axes of the lines after a start.
        gating: (removed_by, unknown_at) of answers, from (answers, digits).
        gates: how many there are. named: columns that they name.
        outer: whether a contact moves the coating's face at the cathode.
    """

    rows: Callable[..., Any]
    thresholds: Callable[..., Thresholds]
    digits: Callable[[Array], Digits]
    gating: Callable[[Answers, Digits], tuple[Array, Array]]
    gates: int
    named: frozenset[str]
    outer: bool


class VisitPrograms:
    """Best thickness and counts of some consecutive lines, judged at every thickness."""

    def __init__(self, judging: Judging, axis: NDArray[np.float64], shape: tuple[int, int]) -> None:
        """axis: thicknesses, nm. shape: lines and states."""
        self.judging, self.axis, self.shape = judging, axis, shape
        self.programs: dict[str, Any] = {}

    def build(self, build: Callable[..., Any], *given: Any) -> None:
        """Compile every program with `build(name, function, *inputs)`."""
        coded, _ = build("judge", self._judge, *given)
        build("reduce", partial(reduce_lines, gates=self.judging.gates), coded)

    def best(self, *given: Any) -> tuple[Best, Order]:
        """Best thickness and counts of the lines from a start on: (tables, exact, start)."""
        coded, order = self.programs["judge"](*given)
        return self.programs["reduce"](coded), order

    def rows(self, *given: Any) -> Any:
        """Every row of the lines."""
        tables, exact, start = given
        thickness = jnp.asarray(self.axis)[None, None, None]
        return self.judging.rows(tables, exact, self.judging.digits(start), thickness)

    def _judge(self, *given: Any) -> tuple[Coded, Order]:
        rows = self.rows(*given)
        shape = (*self.shape, len(self.axis))
        removed, unknown = rows.removed_by, rows.unknown_at
        coded = code_rows(rows.answers, removed, unknown, self.judging.gates, shape)
        return coded, Order.of(rows.answers, shape)


class RowPrograms(VisitPrograms):
    """The same from rows that are computed already: their program takes long to compile."""

    def rows(self, *given: Any) -> Any:
        """Those given, (lines, states, thicknesses), with an axis of blocks."""

        def spread(leaf: Array) -> Array:
            whole = jnp.issubdtype(leaf.dtype, jnp.integer)
            return (leaf.astype(jnp.int32) if whole else leaf)[:, :, None]

        return jax.tree.map(spread, given[0])


class PiecePrograms:
    """Best thickness and counts of some consecutive lines, judged where verdicts change."""

    def __init__(self, judging: Judging, axis: NDArray[np.float64], shape: tuple[int, int]) -> None:
        """axis: thicknesses, nm, ascending. shape: lines and states."""
        self.judging, self.axis, self.shape = judging, axis, shape
        self.ruler = Ruler.of(axis)
        self.programs: dict[str, Any] = {}

    def build(self, build: Callable[..., Any], tables: Any, exact: Any, start: Any) -> None:
        """Compile every program with `build(name, function, *inputs)`."""
        _, lines, answers = build("ends", self._ends, tables, exact, start)
        cuts = build("positions", self._positions, lines.cuts, self.axis, self.ruler.starts)
        pieces = build("pieces", self._pieces, cuts)
        lines = lines._replace(cuts=cuts)
        coded = build("judge", self._judge, start, lines, answers, pieces)
        build("reduce", partial(reduce_pieces, gates=self.judging.gates), coded, *pieces)

    def best(self, tables: Any, exact: Any, start: Array) -> tuple[Best, Order]:
        """Best thickness and counts of the lines from a start on."""
        run = self.programs
        order, lines, answers = run["ends"](tables, exact, start)
        cuts = run["positions"](lines.cuts, self.axis, self.ruler.starts)
        pieces = run["pieces"](cuts)
        coded = run["judge"](start, lines._replace(cuts=cuts), answers, pieces)
        return run["reduce"](coded, *pieces), order

    def _ends(self, tables: Any, exact: Any, start: Array) -> tuple[Order, Thresholds, Answers]:
        """What orders lines, their thresholds (nm), and answers that no thickness changes."""
        digits = self.judging.digits(start)
        ends = jnp.asarray(self.axis[[0, -1]])[None, None, None]
        answers = self.judging.rows(tables, exact, digits, ends).answers
        floats = {n: v[..., :1] for n, v in answers.floats.items() if n in self.judging.named}
        codes = {name: code[..., :1] for name, code in answers.codes.items()}
        # a status that one thickness alone has is not that of its line
        codes["status"] = jnp.min(answers.codes["status"], axis=-1, keepdims=True)
        order = Order.of(answers, (*self.shape, 2))
        return order, self.judging.thresholds(exact, digits), Answers(floats, {}, codes)

    def _positions(self, cuts: Cuts, axis: Array, starts: Array) -> Cuts:
        def position(cut: Array) -> Array:
            return self.ruler.below(cut, axis, starts)

        return jax.tree.map(position, cuts)

    def _pieces(self, cuts: Cuts) -> Pieces:
        used = cuts if self.judging.outer else cuts[: Cuts._fields.index("outer")]
        return pieces_between(
            [cut for cut in used if cut is not None], self.shape[0], len(self.axis)
        )

    def _judge(self, start: Array, lines: Thresholds, answers: Answers, pieces: Pieces) -> Coded:
        digits = self.judging.digits(start)

        def gating(answers: Answers) -> tuple[Array, Array]:
            return self.judging.gating(answers, digits)

        return judge_pieces(lines, answers, pieces, self.judging.gates, gating)
