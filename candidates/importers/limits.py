"""Reading files from outside within bounds: size after unpacking, depth of JSON."""

import bz2
import gzip
import json
import lzma
import zlib
from pathlib import Path
from typing import IO, Any

from muli.candidates.importers.entries import ImportRefused

MAX_BYTES = 2**29
"""Half a gibibyte of text after unpacking: a hundred times the table this project ships from."""

_CHUNK = 2**20
_MAX_DIGITS = 400
_PACKED: tuple[tuple[bytes, str, Any], ...] = (
    (b"\x1f\x8b", "gzip", gzip.open),
    (b"BZh", "bzip2", bz2.open),
    (b"\xfd7zXZ\x00", "xz", lzma.open),
)
_UNREAD = (
    (b"\x28\xb5\x2f\xfd", "Zstandard"),
    (b"PK\x03\x04", "zip"),
    (b"7z\xbc\xaf", "7z"),
)


def read_limited(path: Path) -> bytes:
    """Bytes of a file, unpacked where it is gzip, bzip2 or xz. Raises ImportRefused.

    The first bytes tell the packing, whatever the name says. Unpacking stops at MAX_BYTES, so that
    a small file that unpacks to terabytes costs no more.
    """
    if not path.is_file():
        raise ImportRefused(f"{path}: no such file" if not path.exists() else f"{path}: no file")
    with path.open("rb") as stream:
        start = stream.read(8)
    for magic, name in _UNREAD:
        if start.startswith(magic):
            raise ImportRefused(f"{path.name}: a {name} archive; unpack it, or pack it with gzip")
    kind, unpack = next(((k, u) for magic, k, u in _PACKED if start.startswith(magic)), ("", open))
    try:
        with unpack(path, "rb") as stream:
            return _within_bounds(stream, path.name)
    except (gzip.BadGzipFile, EOFError, zlib.error, lzma.LZMAError) as error:
        raise ImportRefused(f"{path.name}: damaged {kind} file ({error})") from error
    except OSError as error:
        if not kind or error.errno is not None:
            raise
        raise ImportRefused(f"{path.name}: damaged {kind} file ({error})") from error


def _within_bounds(stream: IO[bytes], name: str) -> bytes:
    content = bytearray()
    while chunk := stream.read(_CHUNK):
        content += chunk
        if len(content) > MAX_BYTES:
            raise ImportRefused(f"{name}: holds more than {MAX_BYTES:,} bytes")
    return bytes(content)


def parse_json(text: bytes, name: str) -> Any:
    """JSON as Python data; a list of its lines where the file holds one value a line.

    Raises ImportRefused where it is broken or nested too deep to read.
    """
    try:
        return _parse(text)
    except RecursionError as error:
        raise ImportRefused(f"{name}: JSON nested too deep to be a table of energies") from error
    except ValueError as error:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2 or not _is_value(lines[0]):
            raise ImportRefused(f"{name}: not JSON ({error})") from error
        return [_line(line, f"{name} line {number}") for number, line in enumerate(lines, 1)]


def _line(text: bytes, name: str) -> Any:
    try:
        return _parse(text)
    except (RecursionError, ValueError) as error:
        raise ImportRefused(f"{name}: not JSON ({error})") from error


def _is_value(line: bytes) -> bool:
    try:
        return isinstance(_parse(line), dict | list)
    except (RecursionError, ValueError):
        return False


def _parse(text: bytes) -> Any:
    return json.loads(text.decode("utf-8-sig"), parse_int=_integer)


def _integer(digits: str) -> float:
    """A whole number; one of more digits than any number of atoms has becomes infinite."""
    return int(digits) if len(digits) < _MAX_DIGITS else float("inf")
