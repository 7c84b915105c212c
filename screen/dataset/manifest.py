"""The manifest of a result folder: the screen, the counts, and the checksum of each file.

Example:

    manifest = read(Path("results/first"))
    manifest.complete, manifest.counts["ok"], [part.name for part in manifest.parts]

The manifest contains a checksum of its own content. A damaged or edited manifest is an error; the
same `muli run` command writes it again from the journal.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Lt
from pydantic import Strict, TypeAdapter, ValidationError

from muli.screen.errors import StoreError

MANIFEST = "manifest.json"
FORMAT = 7
"""Format of result folders; the number changes when the bytes of parts change."""

Count = Annotated[int, Strict(), Ge(0), Lt(2**63)]
_CHECKSUM = "checksum"


@dataclass(frozen=True)
class Part:
    """A part: number of its chunk, rows, bytes and checksums of the whole file."""

    chunk: Annotated[int, Strict(), Ge(0), Lt(10**8)]
    rows: Count
    bytes: Count
    sha256: str
    crc32: Count

    @property
    def name(self) -> str:
        """File name inside the folder."""
        return part_name(self.chunk)


@dataclass(frozen=True)
class File:
    """Another file of the folder: bytes and checksum of the whole."""

    name: str
    bytes: Count
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """A run or a merged dataset.

    name, spec_file: of the spec. complete: whether all chunks (of the shard) are there.
    stacks: of this shard. counts: stacks per status, `filtered` for those removed by gates.
    outcomes: stacks per column and outcome. histograms: lines per column and bin.
    funnel: every gate with what it removed. rows: stored. chunks: of the run or shard.
    asked: stacks of the whole screen. shard: "i/n", or None for the whole.
    axes: sizes by name. scenarios: values by column. spec: with all defaults.
    identity: flat `key: value` of what decides the bytes. devices, workers: that computed.
    versions: of programs. inputs: checksum of users' tables by path. sources: identifiers.
    notes: for the reader. finished: time, ISO 8601. seconds: of the run.
    materials: tables of the materials on the axes, by role. parts: finished ones, by chunk.
    """

    name: str
    spec_file: str
    complete: bool
    stacks: Count
    counts: dict[str, Count]
    asked: Count
    axes: dict[str, Count]
    spec: dict[str, Any]
    identity: dict[str, Any]
    outcomes: dict[str, dict[str, Count]] = field(default_factory=dict)
    histograms: dict[str, dict[str, Count]] = field(default_factory=dict)
    funnel: list[dict[str, Any]] = field(default_factory=list)
    rows: Count = 0
    chunks: Count = 0
    shard: str | None = None
    scenarios: dict[str, list[str] | list[float]] = field(default_factory=dict)
    devices: list[str] = field(default_factory=list)
    workers: Count = 0
    versions: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    sources: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    finished: str = ""
    seconds: float = 0.0
    materials: dict[str, File] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)

    @property
    def counts_total(self) -> int:
        """Stacks with a status, or removed by gates."""
        return sum(self.counts.values())

    def dumped(self) -> bytes:
        """The manifest as it is stored: JSON with its checksum."""
        content = {**vars(self), "counts_total": self.counts_total}
        content["materials"] = {role: vars(file) for role, file in self.materials.items()}
        content["parts"] = [vars(part) for part in self.parts]
        content[_CHECKSUM] = _checksum(content)
        parts = [json.dumps(part) for part in content.pop("parts")]
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
        lines = ",\n  ".join(parts)  # one line per part: indenting 20,000 of them takes seconds
        head = text.removesuffix("\n}")
        text = f'{head},\n "parts": [\n  {lines}\n ]\n}}\n'
        return text.encode("utf-8", "backslashreplace")  # names that are not UTF-8 are escaped


def part_name(chunk: int) -> str:
    """File name of a chunk's part."""
    return f"part-{chunk:08d}.parquet"


def digest(values: Mapping[str, Any]) -> str:
    """Hash of a flat dictionary."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def part_metadata(identity: Mapping[str, Any], chunk: int) -> dict[str, str]:
    """Metadata in a part: hashes and versions, nothing specific to the run that wrote it."""
    data = {k: v for k, v in identity.items() if k.startswith("data.")}
    return {
        "muli.spec_hash": digest({k: v for k, v in identity.items() if k not in data}),
        "muli.data_hash": digest(data),
        "muli.physics_version": str(identity.get("physics_version")),
        "muli.format": str(FORMAT),
        "muli.chunk": str(chunk),
    }


class NotARun(StoreError):
    """The manifest is not one of a run of muli."""


def load(folder: Path) -> dict[str, Any]:
    """The manifest as plain values, intact or not; raises `StoreError`."""
    path = folder / MANIFEST
    if not path.is_file():
        raise StoreError(f"{folder}: no {MANIFEST}: not the folder of a run")
    try:
        content = json.loads(path.read_bytes(), parse_constant=_refuse_constant)
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{path}: is damaged ({_short(error)}); {_WAY_OUT}") from None
    if not (isinstance(content, dict) and isinstance(content.get("identity"), dict)):
        raise NotARun(f"{path}: is not the manifest of a run of muli; give another folder")
    return content


def read(folder: Path) -> Manifest:
    """The manifest of a folder; raises `StoreError` if it was changed after it was written."""
    path, raw = folder / MANIFEST, load(folder)
    written = raw["identity"].get("format")
    if written != FORMAT:
        raise StoreError(
            f"{folder}: holds results of format {_short(written)}, this version reads {FORMAT}; "
            "run it again with another --out, or read the Parquet files with another program"
        )
    if not is_intact(raw):
        raise StoreError(f"{path}: was changed after it was written; {_WAY_OUT}")
    try:
        return _adapter().validate_python(raw)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise StoreError(f"{path}: {key}: {first['msg']}; {_WAY_OUT}") from None


def is_intact(content: Mapping[str, Any]) -> bool:
    """Whether the checksum of a manifest matches its values."""
    values = {key: value for key, value in content.items() if key != _CHECKSUM}
    try:
        return content.get(_CHECKSUM) == _checksum(values)
    except (ValueError, RecursionError):
        return False


_WAY_OUT = "the command that made the run, given again, writes it anew"


@cache
def _adapter() -> TypeAdapter[Manifest]:
    return TypeAdapter(Manifest)


def _checksum(content: Mapping[str, Any]) -> str:
    """Checksum of the values, independent of their layout."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number of JSON")


def _short(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 80 else f"{text[:77]}..."
