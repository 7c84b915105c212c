"""The materials of a run at the time it ran, one small Parquet file per role in its folder.

A page of the run is made only from these: the user's table may have changed since.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from muli.candidates.files import replacing
from muli.screen.dataset.causes import explained
from muli.screen.dataset.manifest import File, Manifest
from muli.screen.dataset.part_file import sha256_of
from muli.screen.errors import StoreError

if TYPE_CHECKING:
    import pandas as pd

FOLDER = "materials"
ROLES = ("coating", "electrolyte", "cathode", "anode", "anode_coating")
"""Roles of materials; the files are named after them."""


def write(folder: Path, frames: Mapping[str, "pd.DataFrame"], prefix: str) -> dict[str, File]:
    """Write the table of every role unless it exists; returns the entries for the manifest.

    The same tables give the same bytes. prefix: of temporary files.
    """
    return {role: _write(folder, role, _packed(frame), prefix) for role, frame in frames.items()}


def copy(source: Path, manifest: Manifest, folder: Path, prefix: str) -> dict[str, File]:
    """Copy the tables of another run's folder; raises `StoreError` if they are damaged."""
    refuse_damaged(source, manifest)
    files = manifest.materials.items()
    contents = {role: (source / file.name).read_bytes() for role, file in files}
    return {role: _write(folder, role, content, prefix) for role, content in contents.items()}


def read(folder: Path, manifest: Manifest) -> dict[str, "pd.DataFrame"]:
    """The table of every role; raises `StoreError` if one was changed after it was written."""
    refuse_damaged(folder, manifest)
    files = manifest.materials.items()
    tables = {role: pq.read_table(folder / file.name) for role, file in files}
    return {role: table.to_pandas() for role, table in tables.items()}


def damaged(folder: Path, manifest: Manifest) -> dict[str, str]:
    """What is wrong with the tables, by file name."""
    problems = {}
    for role, file in manifest.materials.items():
        if role not in ROLES or file.name != _name(role):
            problems[str(file.name)] = "not the name of a table of materials"
            continue
        try:
            if sha256_of(folder / file.name) != file.sha256:
                problems[file.name] = "not as it was written"
        except OSError as error:
            problems[file.name] = f"cannot be read: {error.strerror}"
    return problems


def refuse_damaged(folder: Path, manifest: Manifest) -> None:
    """Raise `StoreError` if a table was changed after it was written."""
    for name, wrong in damaged(folder, manifest).items():
        raise StoreError(
            f"{folder / name}: {wrong}; the command that made the run, given again, writes it anew"
        )


def remove(folder: Path) -> None:
    """Remove the tables that a run wrote; other files stay."""
    inside = folder / FOLDER
    for role in ROLES:
        (folder / _name(role)).unlink(missing_ok=True)
    if inside.is_dir() and not any(inside.iterdir()):
        inside.rmdir()


def _name(role: str) -> str:
    return f"{FOLDER}/{role}.parquet"


def _packed(frame: "pd.DataFrame") -> bytes:
    table = pa.table({str(name): _column(frame[name]) for name in frame})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue().to_pybytes()


def _column(values: "pd.Series[Any]") -> pa.Array:
    """Numbers as they are, everything else as text; unknown is null."""
    kind = None if values.dtype.kind in "biuf" else pa.string()
    return pa.array(values.to_numpy(), type=kind, from_pandas=True)


def _write(folder: Path, role: str, content: bytes, prefix: str) -> File:
    file = File(_name(role), len(content), hashlib.sha256(content).hexdigest())
    path = folder / file.name
    with explained(folder):
        path.parent.mkdir(exist_ok=True)
        if not (path.is_file() and sha256_of(path) == file.sha256):
            with replacing(path, prefix) as stream:
                stream.write(content)
    return file
