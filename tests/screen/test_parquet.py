"""Parts as other readers see them: columns of every kind, of runs or rows, with gaps or without."""

from pathlib import Path

import duckdb
import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muli.screen.dataset.parquet import (
    FEW_WORDS,
    LONGEST_STATISTIC,
    Column,
    Encoded,
    Planes,
    Writer,
    encode,
)
from muli.screen.dataset.thrift import Long, fields, struct
from muli.screen.engine.judged import by_bytes

WORD = pa.dictionary(pa.int16(), pa.string())
SCHEMA = pa.schema(
    [
        pa.field("row_id", pa.int64(), nullable=False),
        pa.field("count", pa.int32(), nullable=False),
        pa.field("single", pa.float32(), metadata={"unit": "V"}),
        pa.field("double", pa.float64()),
        pa.field("sure", pa.float32(), nullable=False),
        pa.field("few", WORD),
        pa.field("many", WORD),
        pa.field("verdict", pa.bool_()),
    ],
    metadata={"muli.chunk": "7"},
)
FEW = ("ok", "", "Li\u2083PO\u2084")
MANY = tuple(f"material {i}" for i in range(FEW_WORDS + 500))


def columns(seed: int, lines: int, repeats: int, gaps: float) -> list[Column]:
    """Random columns of one row group; gaps: share of unknown values."""
    rng = np.random.default_rng(seed)

    def column(values: np.ndarray, each: int, words: tuple[str, ...] | None = None) -> Column:
        known = rng.random(len(values)) >= gaps
        return Column(values, None if known.all() else known, each, words)

    rows = lines * repeats
    start = int(rng.integers(2**60))
    return [
        Column(np.arange(start, start + rows) if seed % 2 else rng.integers(-(2**62), 2**62, rows)),
        Column(rng.integers(-(2**31), 2**31, lines).astype(np.int32), None, repeats),
        column(rng.normal(size=lines).astype(np.float32), repeats),
        column(rng.choice([-np.inf, -0.0, 0.0, 1e-300, np.inf, 3.4], rows), 1),
        Column(rng.normal(size=rows).astype(np.float32)),
        column(rng.integers(len(FEW), size=lines), repeats, FEW),
        column(rng.integers(len(MANY), size=rows), 1, MANY),
        column(rng.random(lines) < 0.5, repeats),
    ]


def plain(column: Column) -> list:
    """The rows a column stands for."""
    values = np.repeat(column.values, column.repeats).tolist()
    known = [True] * len(values)
    if column.known is not None:
        known = np.repeat(column.known, column.repeats).tolist()
    if column.words is not None:
        values = [column.words[code] for code in values]
    return [value if sure else None for value, sure in zip(values, known, strict=True)]


def encoded(group: list[Column], schema: pa.Schema = SCHEMA) -> list[Encoded]:
    return [encode(f, c) for f, c in zip(schema, group, strict=True)]


def written(path: Path, groups: list[list[Column]], schema: pa.Schema = SCHEMA) -> Path:
    with path.open("wb") as file:
        writer = Writer(file.write, schema)
        for group in groups:
            writer.write(encoded(group, schema))
        writer.close()
    return path


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 99),
            st.sampled_from([1, 2, 5, 33, 200]),
            st.sampled_from([1, 3, 15, 16, 130]),
            st.sampled_from([0.0, 0.3, 1.0]),
        ),
        max_size=3,
    )
)
def test_three_readers_agree(
    tmp_path_factory: pytest.TempPathFactory, shapes: list[tuple[int, int, int, float]]
) -> None:
    path = tmp_path_factory.mktemp("parquet") / "part.parquet"
    groups = [columns(*shape) for shape in shapes]
    written(path, groups)
    table, query = pq.read_table(path), duckdb.sql(f"FROM '{path}'").fetchall()
    frame = pd.read_parquet(path).astype(object)
    for position, name in enumerate(SCHEMA.names):
        expected = [value for group in groups for value in plain(group[position])]
        assert table[name].to_pylist() == expected
        assert [row[position] for row in query] == expected
        assert frame[name].where(frame[name].notna(), None).tolist() == expected


def test_schema_and_metadata_are_those_of_arrow(tmp_path: Path) -> None:
    path = written(tmp_path / "part.parquet", [columns(1, 5, 20, 0.3)])
    assert pq.read_schema(path).equals(SCHEMA, check_metadata=True)
    file = pq.ParquetFile(path).metadata
    assert (file.num_rows, file.num_row_groups, file.num_columns) == (100, 1, len(SCHEMA))
    assert file.row_group(0).column(4).compression == "LZ4"
    used = {SCHEMA.names[i]: file.row_group(0).column(i).encodings for i in range(len(SCHEMA))}
    assert "DELTA_BINARY_PACKED" in used["row_id"]
    assert "RLE_DICTIONARY" in used["single"]
    assert "RLE_DICTIONARY" in used["few"]
    assert "BYTE_STREAM_SPLIT" in used["sure"]


def test_statistics_are_the_smallest_and_largest_known_value(tmp_path: Path) -> None:
    group = columns(3, 200, 16, 0.3)
    file = pq.ParquetFile(written(tmp_path / "part.parquet", [group])).metadata
    for position, column in enumerate(group):
        rows = [value for value in plain(column) if value is not None]
        found = file.row_group(0).column(position).statistics
        assert (found.min, found.max) == (min(rows), max(rows)), SCHEMA.names[position]
        assert found.null_count == 200 * 16 - len(rows)


def test_conditions_find_their_rows(tmp_path: Path) -> None:
    groups = [columns(seed, 200, 16, 0.3) for seed in range(4)]
    path = written(tmp_path / "part.parquet", groups)
    for position, condition, holds in (
        (5, "few = 'ok'", lambda v: v == "ok"),
        (2, "single > 0.5", lambda v: v is not None and v > 0.5),
        (2, "single IS NULL", lambda v: v is None),
        (7, "verdict", bool),
        (6, "many = 'material 3'", lambda v: v == "material 3"),
    ):
        expected = sum(bool(holds(v)) for group in groups for v in plain(group[position]))
        query = f"SELECT count(*) FROM '{path}' WHERE {condition}"
        assert duckdb.sql(query).fetchall() == [(expected,)]
        assert expected > 0


def test_rows_and_runs_of_the_same_values_read_the_same(tmp_path: Path) -> None:
    group = columns(1, 7, 50, 0.3)
    rows = [
        Column(
            np.repeat(c.values, c.repeats),
            None if c.known is None else np.repeat(c.known, c.repeats),
            1,
            c.words,
        )
        for c in group
    ]
    one = pq.read_table(written(tmp_path / "runs.parquet", [group]))
    other = pq.read_table(written(tmp_path / "rows.parquet", [rows]))
    assert one.to_pylist() == other.to_pylist()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_split_on_the_device_are_those_split_here(dtype: str) -> None:
    values = np.random.default_rng(1).normal(size=(7, 2, 5)).astype(dtype)
    with jax.enable_x64(dtype == "float64"):
        planes = np.asarray(by_bytes(jnp.asarray(values)))
    field = pa.field("E", pa.from_numpy_dtype(values.dtype))
    split = Column(Planes(planes, values.min(), values.max()))
    assert encode(field, split) == encode(field, Column(values.reshape(-1)))


@pytest.mark.parametrize("count", [1, 2, 129, 4000])
def test_a_range_is_its_numbers(count: int) -> None:
    field, ids = pa.field("row_id", pa.int64(), nullable=False), range(2**40, 2**40 + count)
    assert encode(field, Column(ids)) == encode(field, Column(np.array(ids)))


def test_long_words_are_kept_out_of_the_statistics(tmp_path: Path) -> None:
    schema = pa.schema([pa.field("name", WORD)])
    long = "a" * (LONGEST_STATISTIC + 1)
    group = [Column(np.array([0, 1]), None, 1, (long, "b"))]
    path = written(tmp_path / "part.parquet", [group], schema)
    assert pq.read_table(path)["name"].to_pylist() == [long, "b"]
    assert not pq.ParquetFile(path).metadata.row_group(0).column(0).statistics.has_min_max


def test_what_the_schema_does_not_say_is_refused() -> None:
    field = pa.field("L", pa.float64(), nullable=False)
    with pytest.raises(ValueError, match="L: a column without nulls"):
        encode(field, Column(np.ones(2), np.array([True, False])))
    with pytest.raises(ValueError, match="L: float32 for a column of double"):
        encode(field, Column(np.ones(2, np.float32)))


def test_thrift_by_hand() -> None:
    """The example of the protocol's description: field deltas, zigzag, lists, nested structs."""
    assert struct({}) == b"\0"
    assert struct({1: 1, 3: -1}) == b"\x15\x02\x25\x01\0"
    assert struct({2: Long(300)}) == b"\x26\xd8\x04\0"
    assert struct({2: struct({1: 1})}) == struct({2: {1: 1}}) == b"\x2c\x15\x02\0\0"
    assert struct({1: "ab", 2: [1, 2], 3: {1: b""}}) == b"\x18\x02ab\x19\x25\x02\x04\x1c\x18\0\0\0"
    assert struct({3: -1}, fields({1: 1}), last=1) == struct({1: 1, 3: -1})
    assert struct({1: [0] * 15}) == b"\x19\xf5\x0f" + bytes(15) + b"\0"
