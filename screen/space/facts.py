"""The schema of a part, and the columns that follow from the position of a row on the axes.

Three kinds of columns stand in a part: what the device computed, the axes, and facts of the
materials (family, evidence, window source, reaction energies). The last two follow from a row's
position on the axes and are looked up, not computed row by row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from muli.screen.space import layered
from muli.screen.space.conductivity import Kind, Measured, held_constant, used_on_host
from muli.screen.space.curves import FILE
from muli.screen.space.law_words import laws
from muli.screen.space.layout import COATING, STATE, THICKNESS
from muli.screen.space.materials import ROLES
from muli.screen.space.own import Own
from muli.screen.space.problem import ANODE_COATING, Problem, column
from muli.screen.spec.times import label
from muli.screen.vocabulary import (
    AGEING,
    ANODE_FLOATS,
    CODE_NAMES,
    CURRENT_FLOATS,
    FLOATS,
    IN_TIME,
    JOINT,
    LIFE,
    MARKS,
    P_COLUMNS,
    REACTIVITY_CLASSES,
    RECOMMENDED,
    TOP_K_SHARE,
    VERDICTS,
    column_name,
    unit,
)

Positions = dict[str, NDArray[np.int64]]
Along = tuple[tuple[str, ...], NDArray[Any]]
"""Values along some axes."""

KINDS: tuple[Kind, ...] = ("sigma_ele", "sigma_ion")


@dataclass(frozen=True)
class Words:
    """A text column: words, and the code of each position along some axes."""

    axes: tuple[str, ...]
    words: tuple[str, ...]
    codes: NDArray[np.int32]

    def at(self, positions: Positions) -> NDArray[np.int32]:
        """Codes of rows; -1 stands for null."""
        return self.codes[tuple(positions[axis] for axis in self.axes)]

    @property
    def distinct(self) -> list[str]:
        """All words."""
        return list(self.words)

    @property
    def in_order(self) -> list[str]:
        """The word at every position of its one axis."""
        return [self.words[code] for code in self.codes]


@dataclass(frozen=True)
class Values:
    """A numeric column along some axes, NaN where unknown."""

    axes: tuple[str, ...]
    values: NDArray[np.float64]

    def at(self, positions: Positions) -> NDArray[np.float64]:
        """Values of rows."""
        return self.values[tuple(positions[axis] for axis in self.axes)]

    @property
    def distinct(self) -> list[float]:
        """All known values, rising."""
        return np.unique(self.values[~np.isnan(self.values)]).tolist()

    @property
    def in_order(self) -> list[float]:
        """The value at every position of its one axis."""
        return self.values.tolist()


AxisColumn = Words | Values
"""A column that follows from the position of a row on the axes."""


def words(axes: tuple[str, ...], texts: NDArray[np.object_]) -> Words:
    """A text column from one text (or None) per position."""
    flat = [None if t is None or t != t else str(t) for t in texts.ravel()]
    distinct = tuple(dict.fromkeys(t for t in flat if t is not None))
    code = {text: position for position, text in enumerate(distinct)}
    codes = np.array([code.get(t, -1) if t is not None else -1 for t in flat], dtype=np.int32)
    return Words(axes, distinct, codes.reshape(texts.shape))


def all_axis_columns(problem: Problem) -> dict[str, AxisColumn]:
    """All columns that follow from positions on the axes, in the order they are stored."""
    return {**_axes(problem), **_facts(problem), **_reactions(problem)}


def _axes(problem: Problem) -> dict[str, AxisColumn]:
    frames, numbers = problem.materials.frames, problem.numbers
    columns: dict[str, AxisColumn] = {}
    for role in ROLES:
        if role in frames:
            columns[role] = words((role,), frames[role]["name"].to_numpy(object))
    if len(problem.states) > 1:
        columns[STATE] = words((STATE,), np.array(problem.states, dtype=object))
    cathode = "cathode" if "cathode" in frames else "cathode_potential_V"
    columns["cathode_potential_V"] = Values((cathode, STATE), problem.tables["cathode_potential_V"])
    anode = "anode" if "anode" in frames else "anode_potential_V"
    columns["anode_potential_V"] = Values((anode,), problem.tables["anode_potential_V"])
    columns["boundary"] = words(("boundary",), np.array(problem.spec.screen.boundary, dtype=object))
    for key in problem.space.scenarios:
        if key not in (*ROLES, "boundary", "cathode_potential_V", "anode_potential_V"):
            columns[column_name(key)] = Values((key,), numbers[key])
    thickness = numbers.get(THICKNESS, np.array([np.nan]))
    columns[THICKNESS] = Values((THICKNESS,), thickness)
    return columns | _layers(problem)


def _layers(problem: Problem) -> dict[str, AxisColumn]:
    """Material and thickness of every layer of composed coatings."""
    columns: dict[str, AxisColumn] = {}
    thicknesses = layered.thicknesses(problem.spec)
    if thicknesses is None:
        return columns
    names = [str(name).split(layered.JOINT) for name in problem.materials.frames[COATING]["name"]]
    for k in range(problem.layers):
        own = np.array([name[k] for name in names], dtype=object)
        columns[f"coating_{k + 1}"] = words((COATING,), own)
        columns[f"coating_{k + 1}_thickness_nm"] = Values((THICKNESS,), thicknesses[:, k])
    return columns


def _facts(problem: Problem) -> dict[str, AxisColumn]:
    frames, scenarios = problem.materials.frames, problem.space.scenarios
    coating, electrolyte = frames["coating"], frames["electrolyte"]
    columns: dict[str, AxisColumn] = {
        "family": words((COATING,), coating["family"].to_numpy(object)),
        "electrolyte_family": words(("electrolyte",), electrolyte["family"].to_numpy(object)),
        "law": words(*laws(problem)),
        "window_source": words((COATING,), coating["window_source"].to_numpy(object)),
        "electrolyte_window_source": words(
            ("electrolyte",), electrolyte["window_source"].to_numpy(object)
        ),
        "window_kinds_mixed": words((COATING, "electrolyte"), _mixed(problem, "window_kind")),
        "window_sources_mixed": words((COATING, "electrolyte"), _mixed(problem, "window_source")),
        "sigma_ele_held_constant": held_columns(problem),
    }
    for role in problem.roles:
        for name in KINDS:
            key = f"{role}.{name}_S_cm"
            column_of = f"evidence_{name}" if role == "coating" else f"{role}_evidence_{name}"
            texts = frames[role][f"evidence_{name}"].to_numpy(object).copy()
            if name == "sigma_ele" and role in problem.curved:
                texts[problem.curved[role]] = "measured"
            if key in scenarios:
                texts[:] = "assumed"
            for own, index in problem.own.get(key, ()):
                if own in scenarios:
                    texts[index] = "assumed"
            columns[column_of] = words((role,), texts)
            columns[column_name(key)] = used_column(problem, role, name)
    for role in problem.curved:
        key = FILE if role == "coating" else f"{role}_{FILE}"
        columns[key] = words((role,), frames[role][FILE].to_numpy(object))
    columns["assumed"] = _assumed(problem)
    return columns


def _assumed(problem: Problem) -> Words:
    """Keys of the spec that give properties of the two layers."""
    frames, scenarios = problem.materials.frames, problem.space.scenarios
    of_roles = [k for k in scenarios if k.partition(".")[0] in frames and "." in k]
    if not problem.own:
        common = np.full(scenarios["boundary"], ", ".join(of_roles), dtype=object)
        return words(("boundary",), common)
    sizes = len(frames[COATING]), len(frames["electrolyte"])
    texts = np.full(sizes, "".join(f", {key}" for key in of_roles), dtype=object)
    for property_key, owners in problem.own.items():
        for key, index in owners:
            if key in scenarios:
                place: Any = (index,) if property_key.startswith(COATING) else (slice(None), index)
                place = ... if property_key.startswith(ANODE_COATING) else place
                texts[place] += f", {key}"
    plain = np.array([text.removeprefix(", ") for text in texts.ravel()], dtype=object)
    return words((COATING, "electrolyte"), plain.reshape(sizes))


def measured_along(
    problem: Problem, role: str, kind: Kind, curved: float = np.nan
) -> tuple[tuple[str, ...], Measured]:
    """The axes that a conductivity of a role depends on, temperature last, and it along them.

    curved: stands for the sigma_ele of a material that has a curve.
    """
    frame, names = problem.materials.frames[role], ("S_cm", "activation_eV", "temperature_K")
    keys = [f"{role}.{kind}_{name}" for name in names]
    places = [key if key in problem.numbers else role for key in keys]
    own_keys = {key: _own_keys(problem, key) for key in keys}
    named = [axis for owners in own_keys.values() for own in owners for axis in (role, own.key)]
    axes = tuple(dict.fromkeys([*places, *named, "temperature_K"]))
    positions = np.arange(len(frame)).reshape([-1 if axis == role else 1 for axis in axes])

    def along(place: str, key: str) -> NDArray[np.float64]:
        column_of = column(frame, key.partition(".")[2])
        values = problem.numbers[key] if place == key else column_of
        values = values.reshape([len(values) if axis == place else 1 for axis in axes])
        for own, index in own_keys[key]:
            own_values = problem.numbers[own].reshape([-1 if axis == own else 1 for axis in axes])
            values = np.where(positions == index, own_values, values)
        return values

    stated = keys[2] in problem.numbers
    measured = {index for _, index in own_keys[keys[2]]}
    typed: Any = keys[0] in problem.numbers and not stated
    for _, index in own_keys[keys[0]]:
        typed = np.where(positions == index, not stated and index not in measured, typed)
    sigma, activation, own = map(along, places, keys)
    if kind == "sigma_ele" and role in problem.curved:
        known = problem.curved[role].reshape([-1 if axis == role else 1 for axis in axes])
        sigma = np.where(known, curved, sigma)
    return axes, Measured(sigma, activation, own, typed)


def _own_keys(problem: Problem, of: str) -> list[Own]:
    """Keys of single materials that are axes and give this `role.property`."""
    return [own for own in problem.own.get(of, ()) if own.key in problem.numbers]


def used_column(problem: Problem, role: str, kind: Kind) -> Values:
    """sigma_ion or sigma_ele of a role as stacks are built with it, S/cm."""
    axes, measured = measured_along(problem, role, kind)
    if measured.typed is True:
        return Values((axes[0],), problem.numbers[axes[0]])
    temperature = problem.numbers["temperature_K"].reshape([*(1,) * (len(axes) - 1), -1])
    shape = np.broadcast_shapes(*(np.shape(number) for number in measured[:3]), temperature.shape)
    value = used_on_host(kind, measured, temperature)
    return Values(axes, np.broadcast_to(value, shape))


def held_columns(problem: Problem) -> Words:
    """Whose sigma_ele is used away from its temperature because no activation energy
    is known: no, coating, electrolyte, both."""
    temperature = problem.numbers["temperature_K"]
    held: list[Along] = []
    for role in ("coating", "electrolyte"):
        axes, measured = measured_along(problem, role, "sigma_ele", curved=1.0)
        at = temperature.reshape([*(1,) * (len(axes) - 1), -1])
        held.append((axes, held_constant(measured, at)))
    own = (axis for axes, _ in held for axis in axes if axis != "temperature_K")
    axes = (*dict.fromkeys(own), "temperature_K")
    coating, electrolyte = (along(of_role, axes) for of_role in held)
    code = np.broadcast_to(
        coating + 2 * electrolyte,
        [len(temperature) if a == "temperature_K" else problem.space.sizes[a] for a in axes],
    )
    return words(axes, np.array(["no", "coating", "electrolyte", "both"], dtype=object)[code])


def along(given: Along, axes: tuple[str, ...]) -> NDArray[Any]:
    """Values with one dimension for every one of `axes`, of length 1 where they do not vary."""
    own, values = given
    order = sorted(range(len(own)), key=lambda place: axes.index(own[place]))
    sizes = dict(zip(own, np.shape(values), strict=True))
    shape = [sizes.get(axis, 1) for axis in axes]
    return np.transpose(values, order).reshape(shape)


def _mixed(problem: Problem, what: str) -> NDArray[np.object_]:
    """Whether the windows of coating and electrolyte differ in kind or source: yes, no, None."""
    kinds = [
        problem.materials.frames[role][what].to_numpy(object) for role in ("coating", "electrolyte")
    ]
    known = [np.array([isinstance(k, str) for k in column], dtype=bool) for column in kinds]
    same = kinds[0][:, None] == kinds[1][None, :]
    texts = np.where(same, "no", "yes").astype(object)
    texts[~(known[0][:, None] & known[1][None, :])] = None
    return texts


def _reactions(problem: Problem) -> dict[str, AxisColumn]:
    """Reaction energies of the coating with what it touches, and their class."""
    frames = problem.materials.frames
    columns: dict[str, AxisColumn] = {}
    energies = []
    for role in ("cathode", "electrolyte"):
        if role not in frames:
            continue
        energy = reaction_energies(problem, role)
        columns[f"reaction_energy_{role}_meV_atom"] = Values((COATING, role), energy)
        energies.append((role, energy))
    axes = (COATING, *(role for role, _ in energies))
    grids = np.ix_(*[np.arange(len(frames[axis])) for axis in axes])
    spread = np.broadcast_arrays(*(e[grids[0], grids[i + 1]] for i, (_, e) in enumerate(energies)))
    worst = reactivity(spread)
    columns["reactivity_class"] = Words(axes, REACTIVITY_CLASSES, worst)
    return columns


def reaction_energies(problem: Problem, role: str) -> NDArray[np.float64]:
    """(coatings, materials of `role`), meV/atom; NaN where the tables have none."""
    coating = problem.materials.frames["coating"]
    names = problem.materials.frames[role]["name"]
    columns = [column(coating, f"reaction_energy_{name}_meV_atom") for name in names]
    return np.stack(columns, axis=1) if columns else np.empty((len(coating), 0))


def reactivity(energies: Sequence[NDArray[np.float64]]) -> NDArray[np.int32]:
    """Class of the worst of several reaction energies (meV/atom, negative: reacts).

    low above -50, moderate to -100, high below; unknown where one is not known, unless another is
    high already.
    """
    low, moderate, unknown, high = range(4)
    worst = np.minimum.reduce([np.where(np.isnan(e), np.inf, e) for e in energies])
    missing = np.logical_or.reduce([np.isnan(e) for e in energies])
    code = np.where(worst >= -50, low, np.where(worst >= -100, moderate, high))
    return np.where(missing & (code != high), unknown, code).astype(np.int32)


WORD = pa.dictionary(pa.int32(), pa.string())
"""Type of a text column, whatever the number of its words: what readers of Parquet give it."""


def schema(
    problem: Problem,
    axis_columns: dict[str, AxisColumn],
    *,
    dtype: str,
    current: bool,
    believed: bool = False,
) -> pa.Schema:
    """Arrow schema of a part: row_id, axes and facts, then results; units in the metadata.

    Types are the same for every screen, so that files of several runs are read together.
    """
    number = pa.float32() if dtype == "float32" else pa.float64()
    fields = [pa.field("row_id", pa.int64(), nullable=False)]
    for name, axis_column in axis_columns.items():
        fields.append(_field(name, WORD if isinstance(axis_column, Words) else number))
    fields += [_field(name, number) for name in (*FLOATS, *(CURRENT_FLOATS if current else ()))]
    fields += [_field(name, number) for name in (ANODE_FLOATS if problem.anode_coated else ())]
    if problem.draws is not None:
        fields += [_field(name, number) for name in (*problem.draws.columns, TOP_K_SHARE)]
    if believed:
        fields += [_field(name, number) for name in P_COLUMNS]
        best = problem.spec.output.mode == "best"
        fields += [_field(name, number) for name in RECOMMENDED + (JOINT if best else ())]
        fields += [_field(name, pa.bool_()) for name in MARKS]
    if problem.spec.ageing is not None:
        names = ageing_columns(problem.spec.ageing.times)
        fields += [_field(name, number) for name in (*names, *(LIFE if believed else ()))]
    fields += [_field(name, pa.bool_()) for name in VERDICTS]
    fields += [_field(name, WORD, nullable=False) for name in CODE_NAMES]
    return pa.schema(fields)


def ageing_columns(times: Sequence[str]) -> tuple[str, ...]:
    """Columns of rows that age, for these times of a spec."""
    timed = [f"{name}_at_{label(time)}" for name in IN_TIME for time in times]
    return (*timed, *AGEING)


def _field(name: str, kind: pa.DataType, *, nullable: bool = True) -> pa.Field:
    return pa.field(name, kind, nullable, metadata={"unit": unit(name)})
