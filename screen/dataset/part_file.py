"""Writing one part, and checksums of files."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO
from zlib import crc32

import pyarrow as pa

from muli.screen.dataset.parquet import Encoded, Writer

BLOCK = 2**20
"""Bytes that are read at a time."""


class Checksums:
    """Number of bytes and checksums of a stream."""

    def __init__(self) -> None:
        self._sha256, self.crc32, self.bytes = hashlib.sha256(), 0, 0

    @property
    def sha256(self) -> str:
        """SHA-256 so far, as hexadecimal digits."""
        return self._sha256.hexdigest()

    def update(self, content: bytes) -> None:
        """Add the next bytes."""
        self._sha256.update(content)
        self.crc32 = crc32(content, self.crc32)
        self.bytes += len(content)


class PartWriter:
    """Writes the row groups of one part and computes the checksums of the file."""

    def __init__(self, path: Path, file: BinaryIO, schema: pa.Schema) -> None:
        self.path, self._file = path, file
        self.sums = Checksums()
        self._writer = Writer(self._put, schema)

    @property
    def rows(self) -> int:
        """Rows so far."""
        return self._writer.rows

    def write(self, group: Sequence[Encoded]) -> None:
        """Append one row group."""
        if group[0].rows:
            self._writer.write(group)

    def close(self) -> None:
        """Write the footer and flush the file to disk."""
        self._writer.close()
        self._file.flush()
        os.fsync(self._file.fileno())

    def _put(self, content: bytes) -> None:
        self._file.write(content)
        self.sums.update(content)


def sha256_of(path: str | Path, block: bytearray | None = None) -> str:
    """SHA-256 of a file. block: memory to read into."""
    digest = hashlib.sha256()
    for content in _blocks(path, block):
        digest.update(content)
    return digest.hexdigest()


def crc32_of(path: str | Path, block: bytearray | None = None) -> int:
    """CRC-32 of a file: detects accidental changes, twice as fast as SHA-256."""
    checksum = 0
    for content in _blocks(path, block):
        checksum = crc32(content, checksum)
    return checksum


def _blocks(path: str | Path, block: bytearray | None) -> Iterator[memoryview]:
    """The content of a file block by block; each block overwrites the one before."""
    block = bytearray(BLOCK) if block is None else block
    view = memoryview(block)
    with open(path, "rb", buffering=0) as file:
        while size := file.readinto(block):
            yield view[:size]
