"""Reading files from outside within bounds: size after unpacking, depth of JSON."""

import json
from pathlib import Path
from typing import Any

from muli.candidates.importers.entries import ImportRefused
from muli.candidates.packed import Unreadable, read_packed

MAX_BYTES = 2**29
"""Half a gibibyte of text after unpacking: a hundred times the table this project ships from."""

_MAX_DIGITS = 400


def read_limited(path: Path) -> bytes:
    """Bytes of a file, unpacked, at most MAX_BYTES. Raises ImportRefused."""
    try:
        return read_packed(path, MAX_BYTES)
    except Unreadable as error:
        raise ImportRefused(str(error)) from error


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
    encoding = json.detect_encoding(text)  # also UTF-16, as some shells write it
    return json.loads(text.decode(encoding), parse_int=_integer)


def _integer(digits: str) -> float:
    """A whole number; one of more digits than any number of atoms has becomes infinite."""
    return int(digits) if len(digits) < _MAX_DIGITS else float("inf")
