"""Thrift's compact protocol, as far as a Parquet footer needs it: writing structs.

A struct is a dictionary from field numbers, rising, to values: `int` is an i32, `Long` an i64,
`str` and `bytes` are binary, a list holds values of one kind, a dictionary or `Struct` is a struct.
Source: thrift-compact-protocol.md of Apache Thrift.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

_I32, _I64, _BINARY, _LIST, _STRUCT = 5, 6, 8, 9, 12
_LONGEST_SHORT_LIST = 14


class Long(int):
    """An i64."""


class Struct(bytes):
    """A struct that is encoded already."""


@lru_cache(1 << 12)
def varint(number: int) -> bytes:
    """A number of 0 or more in groups of seven bits, the lowest first."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def zigzag(number: int) -> bytes:
    """A signed 64-bit number as a varint, small ones small."""
    return varint((number << 1 ^ number >> 63) & 0xFFFF_FFFF_FFFF_FFFF)


def struct(fields: Mapping[int, Any]) -> Struct:
    """A struct; fields are numbered in rising order, fewer than 16 apart."""
    found, last = list[bytes](), 0
    for number, value in fields.items():
        kind, encode = _ENCODERS[type(value)]
        found += (_BYTES[(number - last) << 4 | kind], encode(value))
        last = number
    found.append(_BYTES[0])
    return Struct(b"".join(found))


def _binary(value: bytes) -> bytes:
    return varint(len(value)) + value


def _list(values: list[Any]) -> bytes:
    kind, encode = _ENCODERS[type(values[0])] if values else (_STRUCT, struct)
    size = len(values)
    head = _BYTES[min(size, _LONGEST_SHORT_LIST + 1) << 4 | kind]
    head += varint(size) if size > _LONGEST_SHORT_LIST else b""
    return head + b"".join(map(encode, values))


_BYTES = [bytes((number,)) for number in range(256)]
_ENCODERS: dict[type, tuple[int, Callable[[Any], bytes]]] = {
    int: (_I32, zigzag),
    Long: (_I64, zigzag),
    str: (_BINARY, lambda text: _binary(text.encode())),
    bytes: (_BINARY, _binary),
    list: (_LIST, _list),
    dict: (_STRUCT, struct),
    Struct: (_STRUCT, bytes),
}
