"""From a tile on the device to rows of a table."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from screen.answers import UNKNOWN, YES, Answers
from screen.columns import Looked, Positions, Words, index_type
from screen.reduce import CODE_NAMES
from screen.space import COATING, STATE, THICKNESS, DesignSpace, Lines

Shape = tuple[int, int, int]
Memory = dict[str, tuple[Any, pa.Array]]


def positions(space: DesignSpace, lines: Lines) -> Positions:
    """Position of lines, states and thicknesses on every axis, as arrays that broadcast."""
    number = np.arange(lines.start, lines.stop, dtype=np.int64)[:, None, None]
    found: Positions = {"line": number}
    for name, size in reversed([*space.scenarios.items(), (COATING, space.coatings)]):
        number, found[name] = np.divmod(number, size)
    found[STATE] = np.arange(space.states)[None, :, None]
    found[THICKNESS] = np.arange(space.thicknesses)[None, None, :]
    return found


def row_ids(space: DesignSpace, at: Positions) -> NDArray[np.int64]:
    """Row ids of stacks at these positions."""
    line_state = at["line"] * space.states + at[STATE]
    return line_state * space.thicknesses + at[THICKNESS]


def table(
    schema: pa.Schema,
    looked: Mapping[str, Looked],
    answers: Answers,
    at: Positions,
    ids: NDArray[np.int64],
    chosen: NDArray[Any] | None,
    extra: Mapping[str, NDArray[Any]] | None = None,
    memory: Memory | None = None,
) -> pa.RecordBatch:
    """Rows in the order of ids; `chosen` picks some of them (a mask, or positions in order).

    memory: looked-up columns of the batch before, used again where nothing changed; most of them
    are the same from tile to tile.
    """
    shape = ids.shape
    memory = {} if memory is None or chosen is not None else memory

    def flat(column: NDArray[Any]) -> NDArray[Any]:
        whole = np.broadcast_to(column, shape).reshape(-1)
        return whole if chosen is None else whole[chosen]

    def spread(column: Looked, found: NDArray[Any], kind: pa.DataType) -> pa.Array:
        if isinstance(column, Words):
            return _words(found, column.words, flat)
        return _numbers(found.astype(kind.to_pandas_dtype()), flat)

    def array(field: pa.Field) -> pa.Array:
        name = field.name
        if name == "row_id":
            return pa.array(flat(ids))
        if extra is not None and name in extra:
            return pa.array(extra[name], field.type, from_pandas=True)
        if name in looked:
            found = looked[name].at(at)
            key = shape, found.shape, found.tobytes()
            kept = memory.get(name)
            if kept is None or kept[0] != key:
                kept = memory[name] = key, spread(looked[name], found, field.type)
            return kept[1]
        if name in answers.floats:
            return _numbers(answers.floats[name], flat)
        if name in answers.verdicts:
            verdict = answers.verdicts[name]
            unknown = verdict == UNKNOWN
            return pa.array(flat(verdict == YES), mask=flat(unknown) if unknown.any() else None)
        return _words(answers.codes[name], tuple(CODE_NAMES[name]), flat)

    return pa.RecordBatch.from_arrays([array(field) for field in schema], schema=schema)


Flat = Callable[[NDArray[Any]], NDArray[Any]]


def _words(codes: NDArray[np.int32], words: tuple[str, ...], flat: Flat) -> pa.Array:
    """A dictionary column; code -1 is null. The smallest index type makes the least traffic."""
    found = flat(codes.astype(index_type(words).to_pandas_dtype()))
    indices = pa.array(found, mask=found < 0 if (codes < 0).any() else None)
    return pa.DictionaryArray.from_arrays(indices, pa.array(words, pa.string()), safe=False)


def _numbers(values: NDArray[Any], flat: Flat) -> pa.Array:
    """A number column; NaN is null. Whether there is any is asked before rows are spread out."""
    return pa.array(flat(values), from_pandas=bool(np.isnan(values).any()))
