"""Parts as readers on other libraries see them: rows skipped, conditions pushed down, two runs."""

from itertools import product
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from datafusion import SessionConfig, SessionContext

from muli.screen.dataset.delta import BLOCK, consecutive, differences
from muli.screen.dataset.parquet import Column, Encoding, Writer, encode
from muli.screen.running.run import run
from tests.screen.screens import small

WORD = pa.dictionary(pa.int32(), pa.string())
FIELDS = (
    pa.field("row_id", pa.int64(), nullable=False),
    pa.field("count", pa.int32(), nullable=False),
    pa.field("E", pa.float32()),
    pa.field("word", WORD),
    pa.field("law", WORD),
    pa.field("verdict", pa.bool_()),
)
SCHEMA = pa.schema(FIELDS)
ENCODINGS: tuple[Encoding, ...] = ("byte_stream_split", "plain")


def part(path: Path, rows: int, seed: int, encoding: Encoding, groups: int = 2) -> pd.DataFrame:
    """A part of random columns in some row groups, and its rows."""
    rng = np.random.default_rng(seed)
    frames = []
    with path.open("wb") as file:
        writer = Writer(file.write, SCHEMA)
        for group in range(groups):
            start = 10**6 * seed + group * rows
            ids = range(start, start + rows) if group % 2 else np.arange(start, start + rows)
            count = rng.integers(-(2**31), 2**31, rows).astype(np.int32)
            number = rng.choice([-0.0, 0.0, 1.5, np.inf, -2.0], rows).astype(np.float32)
            known = rng.random(rows) < 0.8
            codes = rng.integers(0, 700, rows)
            words = tuple(f"material {i}" for i in range(700))
            verdict = rng.random(rows) < 0.5
            columns = [
                Column(ids),
                Column(count),
                Column(number, known),
                Column(codes, known, 1, words),
                Column(np.array([group]), None, rows, ("constant", "branches")),
                Column(verdict),
            ]
            writer.write([encode(*each, encoding) for each in zip(FIELDS, columns, strict=True)])
            frames.append(
                pd.DataFrame(
                    {
                        "row_id": np.array(ids),
                        "count": count,
                        "E": np.where(known, number, np.float32(np.nan)),
                        "word": np.where(known, [words[c] for c in codes], None),
                        "law": ("constant", "branches")[group],
                        "verdict": verdict,
                    }
                )
            )
        writer.close()
    return pd.concat(frames, ignore_index=True)


def sorted_rows(frame: pd.DataFrame) -> list[tuple]:
    """Rows as comparable tuples, unknown as None."""
    plain = frame.astype(object).where(frame.notna(), None)
    return sorted(map(tuple, plain[list(SCHEMA.names)].itertuples(index=False)), key=str)


def datafusion(paths: list[Path]) -> SessionContext:
    """DataFusion (the Rust library of Parquet), conditions evaluated while it reads."""
    config = SessionConfig().with_target_partitions(1)
    config = config.set("datafusion.execution.parquet.pushdown_filters", "true")
    config = config.set("datafusion.execution.parquet.reorder_filters", "true")
    config = config.set("datafusion.sql_parser.enable_ident_normalization", "false")
    context = SessionContext(config)
    context.register_parquet("t", str(paths[0].parent))
    return context


CONDITIONS = {
    "E = 0.0": lambda t: t.E == 0,
    "E > 1.0 AND verdict": lambda t: (t.E > 1) & t.verdict,
    "word = 'material 3' OR word = 'material 4'": lambda t: t.word.isin(
        ["material 3", "material 4"]
    ),
    "law = 'branches' AND E IS NULL": lambda t: (t.law == "branches") & t.E.isna(),
    "E < -1.0": lambda t: t.E < -1,
}


@pytest.mark.parametrize(
    ("rows", "encoding"), [*product([1, 2, 32, 33, 129, 160, 4000], ENCODINGS)]
)
def test_readers_that_skip_rows_find_the_same_ones(tmp_path, rows, encoding):
    parts = [tmp_path / f"{seed}.parquet" for seed in (1, 2)]
    whole = pd.concat([part(p, rows, seed, encoding) for seed, p in enumerate(parts, 1)])
    rust, paths = datafusion(parts), [str(each) for each in parts]
    every = {f"row_id % 97 = {rows % 97}": lambda t: t.row_id % 97 == rows % 97}
    for condition, holds in (CONDITIONS | every).items():
        expected = sorted_rows(whole[holds(whole)])
        found = duckdb.sql(f"FROM read_parquet({paths}) WHERE {condition}").df()
        assert sorted_rows(found) == expected, condition
        batches = rust.sql(f"SELECT * FROM t WHERE {condition}").collect()
        found = pa.Table.from_batches(batches).to_pandas() if batches else whole[:0]
        assert sorted_rows(found) == expected, condition
    for last in (whole.row_id.iloc[-1], whole.row_id.iloc[len(whole) // 2]):
        found = pq.read_table(paths, filters=[("row_id", "==", last)]).to_pandas()
        assert sorted_rows(found) == sorted_rows(whole[whole.row_id == last])
    table = ds.dataset(paths).scanner(filter=ds.field("E") == 0.0).to_table()
    assert sorted_rows(table.to_pandas()) == sorted_rows(whole[whole.E == 0])


def test_an_offset_into_a_part_is_found(tmp_path):
    whole = part(tmp_path / "one.parquet", 4000, 1, "byte_stream_split")
    rust = datafusion([tmp_path / "one.parquet"])
    for offset in (1, 31, 127, 129, 3999, 4000, 7000):
        expected = whole.row_id[offset : offset + 3].tolist()
        query = f"SELECT row_id FROM '{tmp_path}/one.parquet' LIMIT 3 OFFSET {offset}"
        assert [row[0] for row in duckdb.sql(query).fetchall()] == expected
        query = f"SELECT row_id FROM t LIMIT 3 OFFSET {offset}"
        assert pa.Table.from_batches(rust.sql(query).collect())["row_id"].to_pylist() == expected


def test_blocks_have_the_usual_size():
    assert consecutive(range(5, 5 + 1000))[:2] == bytes([BLOCK, 1]) == b"\x80\x01"
    assert differences(np.array([7, 8, 8]))[2:4] == bytes([4, 3])


def test_two_runs_of_different_length_have_one_schema(tmp_path):
    """A run of three thicknesses and one with 200 coatings, unknown values and another anode."""
    films = tmp_path / "many.csv"
    rows = "".join(f"film {i},LiNbO3,1e-7,{1e-12 if i % 3 else ''},here\n" for i in range(200))
    films.write_text("name,formula,sigma_ion_S_cm,sigma_ele_S_cm,source\n" + rows)
    one = small(tmp_path, "all", axes__coating_thickness_nm=[1, 5, 30], axes__coating=["LiNbO3"])
    changed = {"axes__coating": {"file": str(films)}, "axes__electrolyte": ["Li6PS5Cl"]}
    other = small(tmp_path, "all", axes__coating_thickness_nm=[1.0], **changed)
    parts = []
    for name, spec in (("one", one), ("other", other)):
        run(spec, tmp_path / name)
        parts += sorted((tmp_path / name).glob("part-*.parquet"))
    first, second = (pq.read_schema(each).remove_metadata() for each in parts)
    assert first.equals(second)
    together = pq.read_table([str(each) for each in parts])
    assert len(together) == sum(pq.read_metadata(each).num_rows for each in parts)
    assert len(ds.dataset([str(each) for each in parts]).to_table()) == len(together)


def test_signed_zeros_and_nan_in_statistics():
    """The smallest zero is written as -0, the largest as +0; bounds with NaN are left out."""

    def bounds(values: list[float]) -> tuple[bytes, bytes] | None:
        field = pa.field("E", pa.float32())
        numbers, sink = np.array(values, np.float32), pa.BufferOutputStream()
        writer = Writer(sink.write, pa.schema([field]))
        writer.write([encode(field, Column(numbers))])
        writer.close()
        found = pq.ParquetFile(pa.BufferReader(sink.getvalue())).metadata.row_group(0).column(0)
        if not found.statistics.has_min_max:
            return None
        return tuple(np.float32(x).tobytes() for x in (found.statistics.min, found.statistics.max))

    zero, minus = np.float32(0.0).tobytes(), np.float32(-0.0).tobytes()
    assert bounds([0.0]) == bounds([-0.0]) == bounds([0.0, -0.0]) == (minus, zero)
    assert bounds([0.0, 1.0]) == (minus, np.float32(1).tobytes())
    assert bounds([-1.0, -0.0]) == (np.float32(-1).tobytes(), zero)
    assert bounds([1.0, np.nan]) is None


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_flipped_bit_in_a_page_is_refused_by_readers_that_check(tmp_path, encoding):
    path = tmp_path / "part.parquet"
    part(path, 300, 1, encoding)
    whole = path.read_bytes()
    assert len(pq.read_table(path, page_checksum_verification=True)) == 600
    chunk = pq.read_metadata(path).row_group(1).column(2)
    end = chunk.data_page_offset + chunk.total_compressed_size
    for bit in (0, 5):
        flipped = bytearray(whole)
        flipped[end - 3] ^= 1 << bit
        path.write_bytes(bytes(flipped))
        with pytest.raises(OSError, match="CRC checksum"):
            pq.read_table(path, page_checksum_verification=True)


def test_plain_files_hold_no_other_encoding(tmp_path):
    spec = small(tmp_path, "all", axes__coating_thickness_nm=[1, 5, 30])
    run(spec, tmp_path / "split")
    run(spec, tmp_path / "plain", encoding="plain")
    split, plain = (tmp_path / each / "part-00000000.parquet" for each in ("split", "plain"))
    assert pq.read_table(split).equals(pq.read_table(plain))
    used = {
        encoding
        for column in range(pq.read_metadata(plain).num_columns)
        for encoding in pq.read_metadata(plain).row_group(0).column(column).encodings
    }
    assert used == {"PLAIN", "RLE", "RLE_DICTIONARY"}
