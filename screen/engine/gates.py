"""Conditions on results, applied on the device. `space.filters` reads them from the spec."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from muli.screen.conditions import names
from muli.screen.engine.answers import Answers
from muli.screen.engine.expression import Column, evaluate
from muli.screen.space.facts import AxisColumn, Words
from muli.screen.space.filters import ResultGate
from muli.screen.space.layout import THICKNESS
from muli.screen.vocabulary import CODE_NAMES, UNKNOWN, YES


@dataclass(frozen=True)
class Gates:
    """Conditions on result columns, in order; they may name columns of the axes, too."""

    gates: tuple[ResultGate, ...] = ()
    axis_columns: Mapping[str, AxisColumn] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.gates)

    @property
    def named(self) -> frozenset[str]:
        """Columns that the conditions name."""
        return frozenset(name for gate in self.gates for name in names(gate.tree))

    def apply(
        self, answers: Answers, at: Mapping[str, Array], thickness_nm: Array
    ) -> tuple[Array, Array]:
        """(removed_by, unknown_at) as `reduce_lines` takes them. at: positions on the axes."""
        columns = self._columns(answers, at, thickness_nm) if self.gates else {}
        removed = unknown = jnp.zeros((1, 1, 1, 1), jnp.int32)
        for position, gate in enumerate(self.gates):
            value, known = evaluate(gate.tree, columns)
            reached = removed == 0
            fails = jnp.where(known, ~value, gate.require)
            unknown = unknown | jnp.where(reached & ~known, 1 << position, 0)
            removed = jnp.where(reached & fails, position + 1, removed)
        return removed, unknown

    def _columns(
        self, answers: Answers, at: Mapping[str, Array], thickness_nm: Array
    ) -> dict[str, Column]:
        columns = {n: Column(v, ~jnp.isnan(v)) for n, v in answers.floats.items()}
        columns |= {n: Column(v == YES, v != UNKNOWN) for n, v in answers.verdicts.items()}
        for name, code in answers.codes.items():
            columns[name] = Column(code, jnp.ones_like(code, bool), CODE_NAMES[name])
        for name in (self.named & set(self.axis_columns)) - {THICKNESS}:
            columns[name] = _on_device(self.axis_columns[name], at, thickness_nm.dtype)
        columns[THICKNESS] = Column(thickness_nm, ~jnp.isnan(thickness_nm))
        return columns


def _on_device(column: AxisColumn, at: Mapping[str, Array], dtype: Any) -> Column:
    """A column of the axes at these positions; words by their codes."""
    place = tuple(at[axis] for axis in column.axes)
    if isinstance(column, Words):
        codes = jnp.asarray(column.codes)[place]
        return Column(codes, codes >= 0, {word: code for code, word in enumerate(column.words)})
    values = jnp.asarray(column.values.astype(dtype))[place]
    return Column(values, ~jnp.isnan(values))
