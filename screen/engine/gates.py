"""Gates of a spec: conditions on materials before the solve, on results after it, in order.

A condition that names columns of one material's table (the coating's, or `electrolyte.column`,
`cathode.column`, `anode.column`) takes materials off their axis. One that names result columns
takes rows out. NULL stays, counted as `unknown`, unless the gate says `require = true`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from muli.candidates.conditions import judge
from muli.screen.conditions import MAX_GATES, ConditionError, Kind, check_gate, names, parse
from muli.screen.engine.answers import Answers
from muli.screen.engine.expression import Column, evaluate
from muli.screen.errors import SpecError
from muli.screen.space.facts import Looked, Words
from muli.screen.space.layout import THICKNESS
from muli.screen.space.materials import ROLES, Materials
from muli.screen.spec import Filter, Source
from muli.screen.spec.names import closest, one_line, shown
from muli.screen.vocabulary import CODE_NAMES, CODES, CURRENT_FLOATS, FLOATS, UNKNOWN, VERDICTS, YES


@dataclass(frozen=True)
class Passed:
    """What one gate did: counts of materials for gates on these, of stacks for those on results."""

    name: str
    sql: str
    on: str
    require: bool
    before: int = 0
    removed: int = 0
    unknown: int = 0

    def as_row(self) -> dict[str, Any]:
        """For the manifest's funnel."""
        return {**asdict(self), "kept": self.before - self.removed}


@dataclass(frozen=True)
class ResultGate:
    """A condition compiled for the device."""

    name: str
    sql: str
    require: bool
    tree: dict[str, Any]


@dataclass(frozen=True)
class Gates:
    """Conditions on result columns, in order. `looked`: columns found by position on the axes."""

    gates: tuple[ResultGate, ...] = ()
    looked: Mapping[str, Looked] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.gates)

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
        wanted = {name for gate in self.gates for name in names(gate.tree)}
        for name in (wanted & set(self.looked)) - {THICKNESS}:
            columns[name] = _on_device(self.looked[name], at, thickness_nm.dtype)
        columns[THICKNESS] = Column(thickness_nm, ~jnp.isnan(thickness_nm))
        return columns


def _on_device(column: Looked, at: Mapping[str, Array], dtype: Any) -> Column:
    """A looked-up column at these positions; words by their codes."""
    place = tuple(at[axis] for axis in column.axes)
    if isinstance(column, Words):
        codes = jnp.asarray(column.codes)[place]
        return Column(codes, codes >= 0, {word: code for code, word in enumerate(column.words)})
    values = jnp.asarray(column.values.astype(dtype))[place]
    return Column(values, ~jnp.isnan(values))


RESULT_KINDS: dict[str, Kind] = {
    **dict.fromkeys((*FLOATS, *CURRENT_FLOATS), "number"),
    **dict.fromkeys(VERDICTS, "truth"),
    **dict.fromkeys(CODES, "text"),
}


def kinds_of(looked: Mapping[str, Looked]) -> dict[str, Kind]:
    """What looked-up columns hold."""
    return {name: "text" if isinstance(c, Words) else "number" for name, c in looked.items()}


def sort_gates(
    source: Source, materials: Materials, columns: Mapping[str, Kind]
) -> tuple[Materials, list[Passed], list[ResultGate]]:
    """Apply the gates on materials; give back what is left, the funnel and the gates on results.

    columns: the result columns found by position on the axes, with what they hold. Every gate is
    tried: on its table, or against what programs can compute. Raises `SpecError`.
    """
    errors: list[str] = []
    funnel: list[Passed] = []
    later: list[ResultGate] = []
    for name, gate in source.spec.filters.items():
        try:
            tree = parse(gate.sql)
            wanted = names(tree)
            role = _role(wanted, materials)
            if role is not None:
                materials, passed = _gate_material(name, gate, role, materials)
                funnel.append(passed)
                continue
            _refuse_unknown(wanted, materials, columns)
            tree = check_gate(gate.sql, {**RESULT_KINDS, **columns})
            later.append(ResultGate(name, gate.sql, gate.require, tree))
            funnel.append(Passed(name, gate.sql, "results", gate.require))
        except ConditionError as error:
            errors.append(f"filters.{one_line(name, 60)} = {shown(gate.sql, 200)}: {error}")
    if len(later) > MAX_GATES:
        errors.append(
            f"filters: {len(later)} conditions on results, {MAX_GATES} are the most; join some "
            "with AND"
        )
    if errors:
        raise SpecError(source.name, errors)
    return materials, funnel, later


def _role(wanted: list[str], materials: Materials) -> str | None:
    """The one role whose table holds all columns named, the coating's first."""
    for role in ROLES:
        if role in materials.frames and wanted:
            table = set(materials.frames[role].columns)
            plain = table if role == "coating" else set()
            if all(name in plain or _qualified(name, role, table) for name in wanted):
                return role
    return None


def _qualified(name: str, role: str, table: set[str]) -> bool:
    prefix, _, rest = name.partition(".")
    return prefix == role and rest in table


def _refuse_unknown(wanted: list[str], materials: Materials, columns: Mapping[str, Kind]) -> None:
    if not wanted:
        raise ConditionError("names no column, expected a condition such as band_gap_eV > 4")
    known = {*RESULT_KINDS, *columns}
    everything = known | set(materials.frames["coating"].columns)
    missing = [name for name in wanted if name not in known]
    if missing:
        near = "; ".join(f"unknown column {name}{closest(name, everything)}" for name in missing)
        raise ConditionError(near)


def _gate_material(
    name: str, gate: Filter, role: str, materials: Materials
) -> tuple[Materials, Passed]:
    frame = materials.frames[role]
    verdict = judge(frame, gate.sql, role)
    unknown = verdict.isna()
    fails = ~verdict.fillna(not gate.require).astype(bool)
    kept = frame[~fails.to_numpy()].reset_index(drop=True)
    passed = Passed(
        name, gate.sql, role, gate.require, len(frame), int(fails.sum()), int(unknown.sum())
    )
    return replace(materials, frames={**materials.frames, role: kept}), passed
