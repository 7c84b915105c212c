"""Thrift's compact protocol, as far as a Parquet footer needs it: writing structs.

A struct is a dictionary from field numbers, rising, to values: `int` is an i32, `Long` an i64,
`str` and `bytes` are binary, a list holds values of one kind, a dictionary or `Struct` is a struct.
Source: thrift-compact-protocol.md of Apache Thrift.
"""

from collections.abc import Mapping
from typing import Any

_TRUE, _FALSE, _I32, _I64, _BINARY, _LIST, _STRUCT = 1, 2, 5, 6, 8, 9, 12
_LONGEST_SHORT_LIST = 14


class Long(int):
    """An i64."""


class Struct(bytes):
    """A struct that is encoded already."""


_KINDS = {int: _I32, Long: _I64, str: _BINARY, bytes: _BINARY, list: _LIST}


def varint(number: int) -> bytes:
    """A number of 0 or more in groups of seven bits, the lowest first."""
    found = bytearray()
    _put_varint(found, number)
    return bytes(found)


def zigzag(number: int) -> int:
    """A signed 64-bit number as one of 0 or more, small ones small."""
    return (number << 1 ^ number >> 63) & 0xFFFF_FFFF_FFFF_FFFF


def struct(fields: Mapping[int, Any]) -> Struct:
    """A struct; fields are numbered in rising order, fewer than 16 apart."""
    found, last = bytearray(), 0
    for number, value in fields.items():
        kind = _kind(value)
        found.append((number - last) << 4 | kind)
        _put(found, kind, value)
        last = number
    found.append(0)
    return Struct(found)


def _kind(value: Any) -> int:
    if value is True:
        return _TRUE
    return _FALSE if value is False else _KINDS.get(type(value), _STRUCT)


def _put(found: bytearray, kind: int, value: Any) -> None:
    if kind in (_I32, _I64):
        _put_varint(found, zigzag(value))
    elif kind == _BINARY:
        content = value.encode() if isinstance(value, str) else value
        _put_varint(found, len(content))
        found += content
    elif kind == _LIST:
        _put_list(found, value)
    elif kind == _STRUCT:
        found += value if isinstance(value, Struct) else struct(value)


def _put_list(found: bytearray, values: list[Any]) -> None:
    kind, size = _kind(values[0]) if values else _STRUCT, len(values)
    found.append(min(size, _LONGEST_SHORT_LIST + 1) << 4 | kind)
    if size > _LONGEST_SHORT_LIST:
        _put_varint(found, size)
    for each in values:
        _put(found, kind, each)


def _put_varint(found: bytearray, number: int) -> None:
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
