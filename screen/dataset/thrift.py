"""Thrift's compact protocol for a Parquet footer: writing structs.

A struct is a dictionary from field numbers, ascending, to values: `int` is an i32, `Long` an i64,
`str` and `bytes` are binary, a list holds values of one kind, a dictionary or `Struct` is a struct.
Source: thrift-compact-protocol.md of Apache Thrift.
"""

from collections.abc import Callable, Mapping
from typing import Any

_I32, _I64, _BINARY, _LIST, _STRUCT = 5, 6, 8, 9, 12
_LONGEST_SHORT_LIST = 14


class Long(int):
    """An i64."""


class Struct(bytes):
    """An encoded struct."""


def varint(number: int) -> bytes:
    """A number of 0 or more in groups of seven bits, the lowest first."""
    if number <= 0x7F:
        return _BYTES[number]
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)


def zigzag(number: int) -> bytes:
    """A signed 64-bit number as a varint; numbers near 0 are short."""
    return varint(number << 1 if number >= 0 else ~(number << 1))


def fields(named: Mapping[int, Any], last: int = 0) -> bytes:
    """Fields of a struct after field `last`; numbers ascend by less than 16 per field."""
    encoded = list[bytes]()
    for number, value in named.items():
        kind, encode = _ENCODERS[type(value)]
        encoded += (_BYTES[(number - last) << 4 | kind], encode(value))
        last = number
    return b"".join(encoded)


def struct(named: Mapping[int, Any], before: bytes = b"", last: int = 0) -> Struct:
    """A struct of `fields`; `before`: encoded fields up to `last`."""
    return Struct(before + fields(named, last) + b"\0")


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
