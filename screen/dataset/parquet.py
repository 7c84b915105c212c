"""Parquet from columns with many repeated values: the values, and how often each is repeated.

Materials, limits and verdicts of a line are the same in hundreds of consecutive rows. A usual
writer gets one value per row and has to compare all of them. Here such a column becomes a
dictionary and one run per value, for any number of rows, and the encoded column can be reused.

Per column and row group there is one data page (version 2, LZ4_RAW, with a checksum) and
statistics. Encodings:

- text: RLE_DICTIONARY, indices of whole bytes
- floating point: RLE_DICTIONARY if values repeat, else BYTE_STREAM_SPLIT
- integers: DELTA_BINARY_PACKED
- booleans: RLE

or, for readers without some of these, RLE_DICTIONARY if values repeat and else PLAIN.

Source: Apache Parquet format 2.11 (parquet.thrift, Encodings.md). Tests read the files back with
pyarrow, DuckDB, pandas and DataFusion.
"""

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple
from zlib import crc32

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from muli.screen.dataset.delta import consecutive, differences
from muli.screen.dataset.thrift import Long, Struct, fields, struct, varint

Encoding = Literal["byte_stream_split", "plain"]
"""Encoding of numbers that do not repeat: split by bytes, or one number after the other."""

SHORTEST_RUN = 16
"""Values with fewer repeats are written row by row: finding distinct ones would be slower."""

FEW_WORDS = 16
"""With at most this many words, the dictionary holds all of them, used or not."""

LONGEST_STATISTIC = 64
"""Bytes; longer words are left out of the statistics."""

_MAGIC = b"PAR1"
_BOOLEAN, _INT32, _INT64, _FLOAT, _DOUBLE, _BYTE_ARRAY = 0, 1, 2, 4, 5, 6
_PLAIN, _RLE, _DELTA, _RLE_DICTIONARY, _BYTE_STREAM_SPLIT = 0, 3, 5, 8, 9
_PHYSICAL = {
    pa.bool_(): _BOOLEAN,
    pa.int32(): _INT32,
    pa.int64(): _INT64,
    pa.float32(): _FLOAT,
    pa.float64(): _DOUBLE,
}
_DICTIONARY_PAGE, _DATA_PAGE_V2 = 2, 3
_LZ4_RAW = 7


@dataclass(frozen=True)
class Planes:
    """Floating-point numbers byte by byte: the first bytes of all, then the second ones, ...

    planes: one per byte, of any shape. low, high: the smallest and the largest number.
    """

    planes: NDArray[np.uint8]
    low: np.floating[Any]
    high: np.floating[Any]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the numbers."""
        return self.low.dtype

    def __len__(self) -> int:
        return self.planes[0].size


class Column(NamedTuple):
    """Values (or codes of `words`), each `repeats` times; null if not `known`.

    A range of step 1 means its integers.
    """

    values: NDArray[Any] | range | Planes
    known: NDArray[np.bool_] | None = None
    repeats: int = 1
    words: tuple[str, ...] | None = None


class Encoded(NamedTuple):
    """One column of a row group, ready to be written.

    pages: a dictionary page of `dictionary` bytes (0: none), then the data page. uncompressed:
    their size before compression. facts, statistics: of ColumnMetaData in parquet.thrift, fields 1
    to 7 and 12.
    """

    rows: int
    pages: bytes
    dictionary: int
    uncompressed: int
    facts: bytes
    statistics: Struct


class _Content(NamedTuple):
    """Values of a column without its nulls: dictionary and how many are in it, data, bounds."""

    encoding: int
    data: Any
    low_high: Sequence[bytes]
    dictionary: bytes = b""
    kinds: int = 0


def encode(field: pa.Field, column: Column, encoding: Encoding = "byte_stream_split") -> Encoded:
    """One column of a row group; raises `ValueError` if it does not match the schema."""
    column = _laid_out(field, column)
    values, known, repeats, _ = column
    rows = len(values) * repeats
    nulls = 0 if known is None else (len(known) - int(np.count_nonzero(known))) * repeats
    content = _content(column, encoding)
    first, plain = b"", 0
    if content.kinds:
        first, plain = _page(
            _DICTIONARY_PAGE, {7: {1: content.kinds, 2: _PLAIN}}, content.dictionary
        )
    levels = _levels(known, rows, repeats) if field.nullable else b""
    head = {8: {1: rows, 2: nulls, 3: rows, 4: content.encoding, 5: len(levels), 6: 0}}
    second, size = _page(_DATA_PAGE_V2, head, content.data, levels)
    facts = {
        1: _physical(field),
        2: [*dict.fromkeys([_RLE, content.encoding, *([_PLAIN] if first else [])])],
        3: [field.name],
        4: _LZ4_RAW,
        5: Long(rows),
        6: Long(plain + size),
        7: Long(len(first) + len(second)),
    }
    statistics = _statistics(content, nulls)
    return Encoded(rows, first + second, len(first), plain + size, fields(facts), statistics)


def _laid_out(field: pa.Field, column: Column) -> Column:
    """The column as it is written: values with few repeats are expanded to one per row."""
    values, known, repeats, words = column
    if known is not None and not field.nullable:
        raise ValueError(f"{field.name}: a column without nulls has unknown values")
    dtype = np.dtype(np.int64) if isinstance(values, range) else values.dtype
    if words is None and dtype != field.type.to_pandas_dtype():
        raise ValueError(f"{field.name}: {dtype} for a column of {field.type}")
    if 1 < repeats < SHORTEST_RUN:
        known = None if known is None else np.repeat(known, repeats)
        return Column(np.repeat(np.asarray(values), repeats), known, 1, words)
    return column


def _page(kind: int, head: dict[int, Any], data: Any, levels: bytes = b"") -> tuple[bytes, int]:
    """A page in bytes, and its size before compression."""
    packed = pa.Codec("lz4_raw").compress(data, asbytes=True)
    plain = len(levels) + memoryview(data).nbytes
    checksum = crc32(packed, crc32(levels))
    signed = checksum - (checksum >> 31 << 32)
    header = struct({1: kind, 2: plain, 3: len(levels) + len(packed), 4: signed, **head})
    return b"".join((header, levels, packed)), len(header) + plain


def _statistics(content: _Content, nulls: int) -> Struct:
    """Count of nulls, smallest and largest value."""
    values: dict[int, Any] = {3: Long(nulls)}
    if content.low_high and max(map(len, content.low_high)) <= LONGEST_STATISTIC:
        values |= {5: content.low_high[1], 6: content.low_high[0]}
    return struct(values)


def _content(column: Column, encoding: Encoding) -> _Content:
    values, known, repeats, words = column
    if isinstance(values, range):
        if encoding == "plain":
            return _content(column._replace(values=np.array(values, np.int64)), encoding)
        ends = [np.int64(end).tobytes() for end in (values[0], values[-1])]
        return _Content(_DELTA, consecutive(values), ends)
    if isinstance(values, Planes):
        return _Content(_BYTE_STREAM_SPLIT, values.planes, _bounds(values.low, values.high))
    present = values if known is None else values[known]
    if not len(present):
        return _Content(_PLAIN, b"", ())
    if words is not None:
        return _words(present, repeats, words)
    low_high = _bounds(present.min(), present.max())
    if present.dtype.kind == "f" and repeats > 1:
        return _repeated(present.view(f"u{present.itemsize}"), repeats, low_high)
    if encoding == "plain":
        return _Content(_PLAIN, _plain(present, repeats), low_high)
    if present.dtype.kind == "f":
        return _Content(_BYTE_STREAM_SPLIT, _split(present.view(f"u{present.itemsize}")), low_high)
    if present.dtype.kind == "b":
        runs = _runs(present, repeats)
        return _Content(_RLE, len(runs).to_bytes(4, "little") + runs, low_high)
    rows = np.repeat(present, repeats) if repeats > 1 else present
    return _Content(_DELTA, differences(rows), low_high)


def _bounds(low: Any, high: Any) -> Sequence[bytes]:
    """Smallest and largest value as statistics hold them.

    Empty if a value is NaN. Zero has two signs: the smallest value is written as -0, the largest as
    +0.
    """
    if low != low or high != high:
        return ()
    if low.dtype.kind == "f":
        low, high = low if low else -abs(low), high if high else abs(high)
    return low.tobytes(), high.tobytes()


def _plain(values: NDArray[Any], repeats: int) -> Any:
    """PLAIN: one value after the other, booleans as bits."""
    rows = np.repeat(values, repeats) if repeats > 1 else values
    return np.packbits(rows, bitorder="little").tobytes() if rows.dtype == np.bool_ else rows.data


def _repeated(bits: NDArray[Any], repeats: int, low_high: Sequence[bytes]) -> _Content:
    """Floating-point numbers that repeat, compared by their bits."""
    kinds, places = np.unique(bits, return_inverse=True)
    indices = _indices(places, len(kinds), repeats)
    return _Content(_RLE_DICTIONARY, indices, low_high, kinds.tobytes(), len(kinds))


def _words(codes: NDArray[Any], repeats: int, words: Sequence[str]) -> _Content:
    """Text: the dictionary holds all words if they are few, else those that occur."""
    few = len(words) <= FEW_WORDS
    codes = codes.astype(_index_type(len(words)))
    every = range(len(words))
    seen = [c for c in every if (codes == c).any()] if few else np.unique(codes).tolist()
    used = [words[code].encode() for code in seen]
    texts = [word.encode() for word in words] if few else used
    plain = b"".join(len(text).to_bytes(4, "little") + text for text in texts)
    places = codes if few else np.searchsorted(seen, codes)
    indices = _indices(places, len(texts), repeats)
    return _Content(_RLE_DICTIONARY, indices, (min(used), max(used)), plain, len(texts))


def _index_type(kinds: int) -> Any:
    return np.min_scalar_type(max(kinds - 1, 0))


def _indices(places: NDArray[Any], kinds: int, repeats: int) -> bytes:
    """Bit width, then runs; in whole bytes, so no bits have to be shifted."""
    narrow = places.astype(_index_type(kinds))
    return bytes([8 * narrow.itemsize]) + _runs(narrow, repeats)


def _runs(numbers: NDArray[Any], repeats: int) -> bytes:
    """RLE/bit-packed hybrid: a run for each sequence of equal numbers, or one bit-packed run."""
    ends = np.append(np.flatnonzero(numbers[1:] != numbers[:-1]) + 1, len(numbers))
    if repeats == 1 and len(numbers) < SHORTEST_RUN * len(ends) > SHORTEST_RUN:
        return _packed(numbers)
    heads = _varints(np.diff(ends, prepend=0) * (2 * repeats))
    content = numbers[ends - 1].view(np.uint8).reshape(len(ends), -1)
    return np.concatenate([heads, content], axis=1).tobytes()


def _packed(numbers: NDArray[Any]) -> bytes:
    """One bit-packed run: booleans as bits, others as bytes, padded to groups of eight."""
    groups = -(-len(numbers) // 8)
    if numbers.dtype == np.bool_:
        return varint(groups << 1 | 1) + np.packbits(numbers, bitorder="little").tobytes()
    padding = bytes((8 * groups - len(numbers)) * numbers.itemsize)
    return varint(groups << 1 | 1) + numbers.tobytes() + padding


def _varints(numbers: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Numbers as varints of one length, (numbers, bytes)."""
    size = len(varint(int(numbers.max())))
    groups = numbers[:, None] >> 7 * np.arange(size) & 0x7F
    groups[:, :-1] |= 0x80
    return groups.astype(np.uint8)


def _levels(known: NDArray[np.bool_] | None, rows: int, repeats: int) -> bytes:
    """Definition levels: 1 for a known value, 0 for null."""
    return varint(rows << 1) + b"\1" if known is None else _runs(known, repeats)


def _split(bits: NDArray[Any]) -> NDArray[np.uint8]:
    """First bytes of all numbers, then the second ones, ..."""
    planes = np.empty((bits.itemsize, len(bits)), np.uint8)
    for position, plane in enumerate(planes):
        np.right_shift(bits, 8 * position, out=plane, casting="unsafe")
    return planes


class Writer:
    """A Parquet file, row group by row group."""

    def __init__(self, write: Callable[[bytes], object], schema: pa.Schema) -> None:
        self._write, self._schema = write, schema
        self._place, self._groups, self.rows = 0, list[Struct](), 0
        self._put(_MAGIC)

    def write(self, group: Sequence[Encoded]) -> None:
        """Append a row group: one encoded column per field of the schema."""
        columns = []
        for _, column in zip(self._schema, group, strict=True):
            columns.append(_column_chunk(column, self._place))
            self._put(column.pages)
        rows = group[0].rows
        size = sum(column.uncompressed for column in group)
        self._groups.append(struct({1: columns, 2: Long(size), 3: Long(rows)}))
        self.rows += rows

    def close(self) -> None:
        """Write the footer."""
        arrow = b64encode(self._schema.serialize())
        facts = {**(self._schema.metadata or {}), b"ARROW:schema": arrow}
        footer = struct(
            {
                1: 2,
                2: [{4: "schema", 5: len(self._schema)}, *map(_element, self._schema)],
                3: Long(self.rows),
                4: self._groups,
                5: [{1: key, 2: value} for key, value in facts.items()],
                6: "muli",
                7: [{1: {}}] * len(self._schema),
            }
        )
        self._put(footer + len(footer).to_bytes(4, "little") + _MAGIC)

    def _put(self, content: bytes) -> None:
        self._write(content)
        self._place += len(content)


def _column_chunk(column: Encoded, start: int) -> Struct:
    offsets: dict[int, Any] = {9: Long(start + column.dictionary)}
    if column.dictionary:
        offsets[11] = Long(start)
    metadata = struct({**offsets, 12: column.statistics}, column.facts, last=7)
    return struct({2: Long(0), 3: metadata})


def _physical(field: pa.Field) -> int:
    return _BYTE_ARRAY if pa.types.is_dictionary(field.type) else _PHYSICAL[field.type]


def _element(field: pa.Field) -> dict[int, Any]:
    """A column in the schema of the file."""
    text = {6: 0, 10: {1: {}}} if pa.types.is_dictionary(field.type) else {}
    return {1: _physical(field), 3: int(field.nullable), 4: field.name, **text}
