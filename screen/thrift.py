"""Thrift's compact protocol, as far as a Parquet footer needs it: writing structs.

A struct is a dictionary from field numbers, rising, to values: `int` is an i32, `Long` an i64,
`str` and `bytes` are binary, a list holds values of one kind, a dictionary is a struct.
Source: thrift-compact-protocol.md of Apache Thrift.
"""

from collections.abc import Mapping
from typing import Any

_TRUE, _FALSE, _I32, _I64, _BINARY, _LIST, _STRUCT = 1, 2, 5, 6, 8, 9, 12
_LONGEST_SHORT_LIST = 14


class Long(int):
    """An i64."""


def varint(number: int) -> bytes:
    """A number of 0 or more in groups of seven bits, the lowest first."""
    if number < 0x80:
        return bytes((number,))
    return bytes((number & 0x7F | 0x80,)) + varint(number >> 7)


def zigzag(number: int) -> bytes:
    """A signed 64-bit number as a varint."""
    return varint((number << 1 ^ number >> 63) & 0xFFFF_FFFF_FFFF_FFFF)


def struct(fields: Mapping[int, Any]) -> bytes:
    """A struct; fields are numbered in rising order, fewer than 16 apart."""
    found, last = [], 0
    for number, value in fields.items():
        kind, content = _value(value)
        found += [bytes(((number - last) << 4 | kind,)), content]
        last = number
    return b"".join((*found, b"\0"))


def _value(value: Any) -> tuple[int, bytes]:
    if isinstance(value, bool):
        return (_TRUE if value else _FALSE), b""
    if isinstance(value, int):
        return (_I64 if isinstance(value, Long) else _I32), zigzag(value)
    if isinstance(value, list):
        return _LIST, _list([_value(each) for each in value])
    if isinstance(value, dict):
        return _STRUCT, struct(value)
    content = value.encode() if isinstance(value, str) else value
    return _BINARY, varint(len(content)) + content


def _list(values: list[tuple[int, bytes]]) -> bytes:
    kind, size = values[0][0] if values else _STRUCT, len(values)
    short = size <= _LONGEST_SHORT_LIST
    head = bytes((size << 4 | kind,)) if short else bytes((0xF0 | kind,)) + varint(size)
    return head + b"".join(content for _, content in values)
