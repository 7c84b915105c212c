"""Integers as DELTA_BINARY_PACKED: the first one, then differences in blocks of usual size.

Blocks of 128 differences in 4 miniblocks of 32, as in other writers: readers that skip rows hold a
miniblock in a buffer of fixed size. All miniblocks of a column have one width, in whole bytes, so
no bits have to be shifted.

Source: Apache Parquet format 2.11, Encodings.md, "Delta encoding".
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from muli.screen.dataset.thrift import varint, zigzag

BLOCK = 128
_MINIBLOCKS = 4
_MINIBLOCK = BLOCK // _MINIBLOCKS


def consecutive(numbers: range) -> bytes:
    """The result of `differences` for consecutive integers."""
    blocks = -(-(len(numbers) - 1) // BLOCK)
    return _head(len(numbers), numbers[0]) + _block_head(1, 0) * blocks


def differences(numbers: NDArray[Any]) -> bytes:
    """Integers of 32 or 64 bits, one or more; differences wrap around."""
    count, first = len(numbers), int(numbers[0])
    if count == 1:
        return _head(count, first)
    steps = np.diff(numbers)
    least = steps.min()
    blocks = -(-len(steps) // BLOCK)
    if steps.max() == least:
        return _head(count, first) + _block_head(int(least), 0) * blocks
    over = (steps - least).view(f"u{steps.itemsize}")
    body = _blocks(over.astype(np.min_scalar_type(over.max())), int(least), blocks)
    return _head(count, first) + body


def _head(count: int, first: int) -> bytes:
    return b"".join((*map(varint, (BLOCK, _MINIBLOCKS, count)), zigzag(first)))


def _block_head(least: int, width: int, miniblocks: int = _MINIBLOCKS) -> bytes:
    """Smallest difference, and the bits per number of every miniblock, 0 for an empty one."""
    return zigzag(least) + bytes([8 * width] * miniblocks + [0] * (_MINIBLOCKS - miniblocks))


def _blocks(over: NDArray[Any], least: int, blocks: int) -> bytes:
    """Blocks of the differences minus `least`; empty miniblocks at the end are left out."""
    width = over.itemsize
    padded = np.zeros(blocks * BLOCK, over.dtype)
    padded[: len(over)] = over
    head = _block_head(least, width)
    packed = np.empty((blocks, len(head) + BLOCK * width), np.uint8)
    packed[:, : len(head)] = np.frombuffer(head, np.uint8)
    packed[:, len(head) :] = padded.view(np.uint8).reshape(blocks, -1)
    used = -(-(len(over) - (blocks - 1) * BLOCK) // _MINIBLOCK)
    packed[-1, : len(head)] = np.frombuffer(_block_head(least, width, used), np.uint8)
    absent = (_MINIBLOCKS - used) * _MINIBLOCK * width
    return packed.reshape(-1)[: packed.size - absent].tobytes()
