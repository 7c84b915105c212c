"""From a tile on the device to a row group of a part."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from muli.screen.dataset.parquet import Column, Encoded, Encoding, Planes, encode
from muli.screen.engine.answers import Answers
from muli.screen.space.facts import AxisColumn, Positions, Words
from muli.screen.space.layout import COATING, STATE, THICKNESS, DesignSpace, Lines
from muli.screen.vocabulary import CODE_NAMES, UNKNOWN, YES

Shape = tuple[int, int, int]


@dataclass
class Memory:
    """How columns are encoded, and by name the last column whose values hold for several rows each.

    Such a column is often the same in the next tile.
    """

    encoding: Encoding = "byte_stream_split"
    columns: dict[str, tuple[Any, Encoded]] = field(default_factory=dict)

    def encode(self, field: pa.Field, column: Column) -> Encoded:
        """One column of a row group."""
        return encode(field, column, self.encoding)


def positions(space: DesignSpace, lines: Lines) -> Positions:
    """Position of lines, states and thicknesses on every axis, as arrays that broadcast."""
    number = np.arange(lines.start, lines.stop, dtype=np.int64)[:, None, None]
    at: Positions = {"line": number}
    for name, size in reversed([*space.scenarios.items(), (COATING, space.coatings)]):
        number, at[name] = np.divmod(number, size)
    at[STATE] = np.arange(space.states)[None, :, None]
    at[THICKNESS] = np.arange(space.thicknesses)[None, None, :]
    return at


def row_ids(space: DesignSpace, at: Positions) -> NDArray[np.int64]:
    """Row ids of stacks at these positions."""
    line_state = at["line"] * space.states + at[STATE]
    return line_state * space.thicknesses + at[THICKNESS]


class Place(NamedTuple):
    """Where rows lie: positions on the axes, which broadcast to the shape, and their ids in order.

    shape: lines, states, thicknesses.
    """

    at: Positions
    ids: range | NDArray[np.int64]
    shape: Shape


class Rows(NamedTuple):
    """Answers; planes: numbers that the device has already split into bytes."""

    answers: Answers
    planes: Mapping[str, NDArray[np.uint8]] = {}


def row_group(
    schema: pa.Schema,
    axis_columns: Mapping[str, AxisColumn],
    place: Place,
    rows: Rows,
    chosen: NDArray[Any] | None = None,
    extra: Mapping[str, NDArray[Any]] | None = None,
    memory: Memory | None = None,
) -> list[Encoded]:
    """Rows in the order of ids, column by column; `chosen` picks some (a mask, or positions).

    memory: columns of the previous group, used again where they are equal.
    """
    at, ids, shape = place
    memory = memory or Memory()
    encode = memory.encode
    if chosen is not None:
        memory = Memory(memory.encoding)
    answers, planes = rows

    def column(field: pa.Field) -> Encoded:
        name = field.name
        if extra is not None and name in extra:
            if pa.types.is_boolean(field.type):
                unknown = np.isnan(np.asarray(extra[name], float))
                codes = np.where(unknown, UNKNOWN, np.nan_to_num(extra[name]) != 0)
                return encode(field, _verdicts(codes.astype(np.int8), 1))
            dtype = field.type.to_pandas_dtype()
            return encode(field, _numbers(extra[name].astype(dtype, copy=False), 1))
        if name in axis_columns:
            return _axis_column(
                memory, field, axis_columns[name], axis_columns[name].at(at), shape, chosen
            )
        if name == "row_id":
            return encode(field, Column(ids if chosen is None else np.asarray(ids)[chosen]))
        if name in answers.floats:
            values, repeats = _condensed(answers.floats[name], shape, chosen)
            split = name in planes and memory.encoding == "byte_stream_split"
            if repeats == 1 and chosen is None and split:
                return encode(field, _bytewise(values, planes[name]))
            return _remembered(memory, field, values, repeats, _numbers)
        if name in answers.verdicts:
            values, repeats = _condensed(answers.verdicts[name], shape, chosen)
            return _remembered(memory, field, values, repeats, _verdicts)
        values, repeats = _condensed(answers.codes[name], shape, chosen)
        words = partial(_words, words=tuple(CODE_NAMES[name]))
        return _remembered(memory, field, values, repeats, words)

    return [column(field) for field in schema]


def _axis_column(
    memory: Memory,
    field: pa.Field,
    column: AxisColumn,
    column_values: NDArray[Any],
    shape: Shape,
    chosen: NDArray[Any] | None,
) -> Encoded:
    def laid_out(column_values: NDArray[Any], _: int) -> Column:
        values, repeats = _condensed(column_values, shape, chosen)
        if isinstance(column, Words):
            return _words(values, repeats, column.words)
        return _numbers(values.astype(field.type.to_pandas_dtype()), repeats)

    repeats = math.prod(shape) // max(1, column_values.size)
    return _remembered(memory, field, column_values, repeats, laid_out)


def _remembered(
    memory: Memory,
    field: pa.Field,
    values: NDArray[Any],
    repeats: int,
    column: Callable[[NDArray[Any], int], Column],
) -> Encoded:
    """Values that hold for several rows each; from memory if equal to those of the last group."""
    if repeats == 1:
        return memory.encode(field, column(values, 1))
    key = values.shape, repeats, values.tobytes()
    kept = memory.columns.get(field.name)
    if kept is None or kept[0] != key:
        kept = memory.columns[field.name] = key, memory.encode(field, column(values, repeats))
    return kept[1]


def _condensed(
    column: NDArray[Any], shape: Shape, chosen: NDArray[Any] | None
) -> tuple[NDArray[Any], int]:
    """Values of a column that broadcasts to `shape`, and for how many rows each of them holds."""
    if chosen is not None:
        return np.broadcast_to(column, shape).reshape(-1)[chosen], 1
    if column.shape[2] > 1 and _constant(column):
        column = column[:, :, :1]
    if column.size == 1:
        return column.reshape(1), math.prod(shape)
    axes = 3 if column.shape[2] > 1 else 2 if column.shape[1] > 1 else 1
    whole = (*shape[:axes], *(1,) * (3 - axes))
    spread = column if column.shape == whole else np.broadcast_to(column, whole)
    return spread.reshape(-1), math.prod(shape[axes:])


def _constant(column: NDArray[Any]) -> bool:
    """Whether values are equal along the last axis, to the bit."""
    bits = column.view(f"u{column.itemsize}")
    if bits[0, 0, 0] != bits[0, 0, -1]:
        return False
    first = bits[:, :, :1]
    return bool((bits[:, :, -1:] == first).all() and (bits == first).all())


def _numbers(values: NDArray[Any], repeats: int) -> Column:
    """A number column; NaN is null."""
    known = ~np.isnan(values) if len(values) and np.isnan(values.min()) else None
    return Column(values, known, repeats)


def _bytewise(values: NDArray[Any], planes: NDArray[np.uint8]) -> Column:
    """A number column from its bytes; from its numbers where NaN must become null."""
    low, high = values.min(), values.max()
    return _numbers(values, 1) if np.isnan(low) else Column(Planes(planes, low, high))


def _verdicts(codes: NDArray[Any], repeats: int) -> Column:
    """A column of yes and no; unknown is null."""
    return Column(codes == YES, _unless(codes == UNKNOWN), repeats)


def _words(codes: NDArray[Any], repeats: int, words: tuple[str, ...]) -> Column:
    """A text column; code -1 is null."""
    return Column(codes, _unless(codes < 0), repeats, words)


def _unless(null: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    return ~null if null.any() else None
