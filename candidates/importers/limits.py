"""Reading files from outside within bounds: size after unpacking, depth of JSON."""

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

from muli.candidates.importers.entries import ImportRefused

MAX_BYTES = 2**29
"""Half a gibibyte of text after unpacking: a hundred times the table this project ships from."""

_CHUNK = 2**20


def read_limited(path: Path) -> bytes:
    """Bytes of a file, unpacked where the name ends in .gz. Raises ImportRefused beyond MAX_BYTES.

    Unpacking stops at the bound, so that a small file that unpacks to terabytes costs no more.
    """
    unpack = gzip.open if path.suffix == ".gz" else open
    chunks, size = [], 0
    try:
        with unpack(path, "rb") as stream:
            while chunk := stream.read(_CHUNK):
                size += len(chunk)
                if size > MAX_BYTES:
                    raise ImportRefused(f"{path.name}: holds more than {MAX_BYTES:,} bytes")
                chunks.append(chunk)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ImportRefused(f"{path.name}: damaged gzip file ({error})") from error
    return b"".join(chunks)


def parse_json(text: bytes, name: str) -> Any:
    """JSON as Python data. Raises ImportRefused where it is broken or nested too deep to read."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ImportRefused(f"{name}: JSON nested too deep to be a table of energies") from error
    except ValueError as error:
        raise ImportRefused(f"{name}: not JSON ({error})") from error
