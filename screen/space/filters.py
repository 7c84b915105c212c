"""Conditions of [filters]: on materials before the solve, on results after it, in order.

A condition that names columns of one material's table (the coating's, or `electrolyte.column`,
`cathode.column`, `anode.column`) removes materials from their axis. One that names result columns
removes rows (`engine.gates`). NULL stays, counted as `unknown`, unless the gate says
`require = true`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from muli.candidates.conditions import judge
from muli.screen.conditions import MAX_GATES, ConditionError, Kind, check_gate, names, parse
from muli.screen.errors import SpecError
from muli.screen.space.facts import AxisColumn, Words, ageing_columns
from muli.screen.space.materials import ROLES, Materials
from muli.screen.spec import Filter, Source
from muli.screen.spec.names import closest, one_line, shown
from muli.screen.vocabulary import ANODE_FLOATS, CODES, CURRENT_FLOATS, FLOATS, LIFE, VERDICTS


@dataclass(frozen=True)
class GateCount:
    """What one gate did: counts of materials for gates on these, of stacks for those on results."""

    name: str
    sql: str
    on: str
    require: bool
    before: int = 0
    removed: int = 0
    unknown: int = 0

    def as_row(self) -> dict[str, Any]:
        """The entry of the manifest's funnel."""
        return {**asdict(self), "kept": self.before - self.removed}


@dataclass(frozen=True)
class ResultGate:
    """A condition compiled for the device."""

    name: str
    sql: str
    require: bool
    tree: dict[str, Any]


RESULT_KINDS: dict[str, Kind] = {
    **dict.fromkeys((*FLOATS, *CURRENT_FLOATS, *ANODE_FLOATS), "number"),
    **dict.fromkeys(VERDICTS, "truth"),
    **dict.fromkeys(CODES, "text"),
}


def kinds(axis_columns: Mapping[str, AxisColumn]) -> dict[str, Kind]:
    """What columns of the axes hold."""
    return {name: "text" if isinstance(c, Words) else "number" for name, c in axis_columns.items()}


def gates_of(
    source: Source, materials: Materials, columns: Mapping[str, Kind]
) -> tuple[Materials, list[GateCount], list[ResultGate]]:
    """Apply the gates on materials; return what is left, the funnel and the gates on results.

    columns: the columns that follow from positions on the axes, with what they hold. Every gate is
    tried: on its table, or against the columns that programs compute. Raises `SpecError`.
    """
    errors: list[str] = []
    funnel: list[GateCount] = []
    later: list[ResultGate] = []
    for name, gate in source.spec.filters.items():
        try:
            tree = parse(gate.sql)
            wanted = names(tree)
            role = _role(wanted, materials)
            if role is not None:
                materials, count = _gate_material(name, gate, role, materials)
                funnel.append(count)
                continue
            _refuse_unaged(wanted, source)
            _refuse_unknown(wanted, materials, columns)
            tree = check_gate(gate.sql, {**RESULT_KINDS, **columns})
            later.append(ResultGate(name, gate.sql, gate.require, tree))
            funnel.append(GateCount(name, gate.sql, "results", gate.require))
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


def _refuse_unaged(wanted: list[str], source: Source) -> None:
    """Refuse columns of ageing, which follow for the rows that a run keeps."""
    ageing = source.spec.ageing
    aged = {*LIFE, *(() if ageing is None else ageing_columns(ageing.times))}
    if late := sorted(aged.intersection(wanted)):
        raise ConditionError(
            f"{', '.join(late)}: columns of [ageing] are computed for the rows that a run keeps, "
            "after its filters; use `muli rank DIR --where CONDITION`"
        )


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
) -> tuple[Materials, GateCount]:
    frame = materials.frames[role]
    verdict = judge(frame, gate.sql, role)
    unknown = verdict.isna()
    fails = ~verdict.fillna(not gate.require).astype(bool)
    kept = frame[~fails.to_numpy()].reset_index(drop=True)
    count = GateCount(
        name, gate.sql, role, gate.require, len(frame), int(fails.sum()), int(unknown.sum())
    )
    return replace(materials, frames={**materials.frames, role: kept}), count
