"""The journal of a result folder: one line for each finished part, with its counts.

A line contains its own checksum. A line with another checksum, for example a half-written last
line, is ignored: the chunk is computed again.
"""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NotRequired
from zlib import crc32

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from muli.screen.dataset.manifest import Count, Part
from muli.screen.errors import StoreError

JOURNAL = ".journal.jsonl"
_CHECK = "check"


class Entry(TypedDict):
    """A finished chunk.

    draft: name of its file until it is published. identity: hash of the run's identity.
    stacks, filtered, outcomes, gates, histograms, leaders: see `muli.screen.engine.chunk.Tally`.
    """

    chunk: Count
    draft: NotRequired[str]
    identity: str
    sha256: str
    crc32: Count
    bytes: Count
    rows: Count
    filtered: Count
    stacks: Count
    outcomes: dict[str, dict[str, Count]]
    gates: list[list[Count]]
    histograms: dict[str, dict[str, Count]]
    leaders: dict[str, Count]


def part(entry: Entry) -> Part:
    """The part of an entry."""
    return Part(entry["chunk"], entry["rows"], entry["bytes"], entry["sha256"], entry["crc32"])


def read(folder: Path) -> dict[int, Entry]:
    """Entries of finished parts by chunk, the last of each."""
    try:
        lines = (folder / JOURNAL).read_bytes().split(b"\n")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StoreError(f"{folder / JOURNAL}: cannot be read: {error.strerror}") from None
    entries = {}
    for line in lines:
        if line and (entry := _entry(line)) is not None:
            entries[entry["chunk"]] = entry
    return entries


def lines(entries: Iterable[Entry]) -> bytes:
    """Entries as lines of the journal; the name of a draft is left out."""
    contents = ({key: value for key, value in entry.items() if key != "draft"} for entry in entries)
    return b"".join(_line(entry) for entry in contents)


def _line(entry: Mapping[str, Any]) -> bytes:
    text = _dumped({**entry, _CHECK: crc32(_dumped(entry))})
    return text + b"\n"


def _entry(line: bytes) -> Entry | None:
    try:
        entry = json.loads(line)
        intact = entry.pop(_CHECK, None) == crc32(_dumped(entry))
        return _adapter().validate_python(entry, strict=True) if intact else None
    except (ValueError, AttributeError, RecursionError, ValidationError):
        return None


def _dumped(entry: Mapping[str, Any]) -> bytes:
    return json.dumps(entry, separators=(",", ":"), allow_nan=False).encode()


@cache
def _adapter() -> TypeAdapter[Entry]:
    return TypeAdapter(Entry)
