"""From a tile on the device to rows of a table."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from screen.answers import UNKNOWN, YES, Answers
from screen.columns import Looked, Positions, Words
from screen.reduce import CODE_NAMES
from screen.space import COATING, STATE, THICKNESS, DesignSpace, Lines

Shape = tuple[int, int, int]


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
) -> pa.RecordBatch:
    """Rows in the order of ids; `chosen` picks some of them (a mask, or positions in order)."""
    shape = ids.shape

    def flat(column: NDArray[Any]) -> NDArray[Any]:
        whole = np.broadcast_to(column, shape).reshape(-1)
        return whole if chosen is None else whole[chosen]

    arrays = []
    for field in schema:
        name = field.name
        if name == "row_id":
            arrays.append(pa.array(flat(ids)))
        elif extra is not None and name in extra:
            arrays.append(pa.array(extra[name], field.type))
        elif name in looked:
            arrays.append(_looked(looked[name], flat(looked[name].at(at)), field.type))
        elif name in answers.floats:
            arrays.append(pa.array(flat(answers.floats[name]), field.type, from_pandas=True))
        elif name in answers.verdicts:
            verdict = flat(answers.verdicts[name])
            arrays.append(pa.array(verdict == YES, mask=verdict == UNKNOWN))
        else:
            words = list(CODE_NAMES[name])
            arrays.append(pa.DictionaryArray.from_arrays(flat(answers.codes[name]), words))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _looked(column: Looked, values: NDArray[Any], kind: pa.DataType) -> pa.Array:
    if isinstance(column, Words):
        codes = pa.array(values, mask=values < 0)
        return pa.DictionaryArray.from_arrays(codes, pa.array(column.words, pa.string()))
    return pa.array(values.astype(kind.to_pandas_dtype()), from_pandas=True)
