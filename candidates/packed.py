"""Files that may be packed, unpacked within a bound."""

import bz2
import gzip
import lzma
import zlib
from pathlib import Path
from typing import IO, Any

_CHUNK = 2**20
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


class Unreadable(ValueError):
    """A file that cannot be unpacked, or is too large when unpacked; the message names it."""


def read_packed(path: Path, most: int) -> bytes:
    """Bytes of a file, unpacked where it is gzip, bzip2 or xz. Raises Unreadable, OSError.

    The packing is known from the first bytes, not from the name. Unpacking stops at `most` bytes,
    so that a small file that unpacks to terabytes takes no more memory.
    """
    if not path.is_file():
        raise Unreadable(f"{path}: no such file" if not path.exists() else f"{path}: no file")
    with path.open("rb") as stream:
        start = stream.read(8)
    for magic, name in _UNREAD:
        if start.startswith(magic):
            raise Unreadable(f"{path.name}: a {name} archive; unpack it, or pack it with gzip")
    kind, unpack = next(((k, u) for magic, k, u in _PACKED if start.startswith(magic)), ("", open))
    try:
        with unpack(path, "rb") as stream:
            return _within_bounds(stream, path.name, most)
    except (gzip.BadGzipFile, EOFError, zlib.error, lzma.LZMAError) as error:
        raise Unreadable(f"{path.name}: damaged {kind} file ({error})") from error
    except OSError as error:
        if not kind or error.errno is not None:
            raise
        raise Unreadable(f"{path.name}: damaged {kind} file ({error})") from error


def _within_bounds(stream: IO[bytes], name: str, most: int) -> bytes:
    chunks, size = [], 0
    while chunk := stream.read(_CHUNK):
        size += len(chunk)
        chunks.append(chunk)
        if size > most:
            raise Unreadable(f"{name}: holds more than {most:,} bytes")
    return b"".join(chunks)
