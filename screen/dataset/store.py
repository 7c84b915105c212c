"""The result folder: locked, one atomic Parquet part per chunk, and a journal of finished parts.

The process that computes a part writes it to a temporary file and flushes it to disk. The run that
holds the lock of the folder renames the file and flushes the folder; then it enters the part with
its checksum in the journal. If a process dies at any moment, a part is either in the journal with
the right checksum or is computed again to the same bytes.

Only files with names used by a run are replaced or removed, and only in a folder with the manifest
or journal of a run.
"""

import json
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pyarrow as pa
from filelock import FileLock, Timeout

from muli.candidates.files import flush_folder, replacing
from muli.screen.dataset import journal, manifest, materials
from muli.screen.dataset.causes import explained
from muli.screen.dataset.check import PART, UNREADABLE, damaged
from muli.screen.dataset.journal import JOURNAL, Entry
from muli.screen.dataset.manifest import MANIFEST, File, Manifest, Part, part_name
from muli.screen.dataset.part_file import Checksums, PartWriter
from muli.screen.errors import StoreError

if TYPE_CHECKING:
    import pandas as pd

PROGRESS = "progress.json"
_LOCK = ".lock"
_TEMPORARY = ".writing-"
_DRAFT = re.compile(r"\.writing-(part-\d{8}\.parquet-)?[0-9a-f]{32}")
_COPIED = 2**20


class Store:
    """One result folder, locked by one run at a time."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    @contextmanager
    def locked(self) -> Iterator["Store"]:
        """Lock the folder; an error if another process locks it. A killed run leaves no lock."""
        lock = FileLock(self.folder / _LOCK, timeout=0)
        with explained(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire()
            except Timeout:
                raise StoreError(
                    f"{self.folder}: another run is writing here; wait for it, or use another --out"
                ) from None
        try:
            self._sweep()
            yield self
        finally:
            try:
                self._sweep()
            finally:
                lock.release()

    def _sweep(self) -> None:
        """Remove temporary files of processes that were killed."""
        with explained(self.folder):
            for folder in (self.folder, self.folder / materials.FOLDER):
                for name in os.listdir(folder) if folder.is_dir() else ():
                    if _DRAFT.fullmatch(name):
                        (folder / name).unlink(missing_ok=True)

    def previous(self) -> tuple[dict[str, Any] | None, bool]:
        """The manifest of the folder as plain values, and whether it is unchanged.

        None if there is none, or if it is damaged and the journal is that of a run. Raises
        `StoreError` if the folder, its manifest or its parts are not those of a run.
        """
        try:
            content = manifest.load(self.folder)
            return content, manifest.is_intact(content)
        except manifest.NotARun:
            raise
        except StoreError:
            if journal.read(self.folder):
                return None, False
            if (self.folder / MANIFEST).exists():
                raise
        if self.parts():
            raise StoreError(
                f"{self.folder}: holds parts without a manifest and without a journal, which may "
                "be of anything: give another --out, or remove them"
            )
        return None, True

    def clear(self) -> None:
        """Remove the files of a run, for a new start. Other files stay."""
        self.previous()
        with explained(self.folder):
            for name in [MANIFEST, JOURNAL, PROGRESS, *self.parts()]:
                (self.folder / name).unlink(missing_ok=True)
            materials.remove(self.folder)

    def parts(self) -> list[str]:
        """Names of the files that are named as parts."""
        with explained(self.folder):
            return sorted(name for name in os.listdir(self.folder) if PART.fullmatch(name))

    def remove_parts_except(self, kept: Collection[int]) -> None:
        """Remove parts of chunks that are not kept: truncated, altered or of another run."""
        names = {part_name(chunk) for chunk in kept}
        with explained(self.folder):
            for name in self.parts():
                if name not in names:
                    (self.folder / name).unlink()

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Replace a JSON file atomically."""
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        self._write(name, text.encode("utf-8", "backslashreplace"))

    def write_manifest(self, content: Manifest) -> None:
        """Replace the manifest atomically."""
        self._write(MANIFEST, content.dumped())

    def write_materials(self, frames: Mapping[str, "pd.DataFrame"]) -> dict[str, File]:
        """Write the materials of the run; returns the entries for the manifest."""
        return materials.write(self.folder, frames, _TEMPORARY)

    def copy_materials(self, folder: Path, content: Manifest) -> dict[str, File]:
        """Copy the materials of another run's folder."""
        return materials.copy(folder, content, self.folder, _TEMPORARY)

    def _write(self, name: str, content: bytes) -> None:
        with explained(self.folder), replacing(self.folder / name, _TEMPORARY) as file:
            file.write(content)

    def journal(self) -> dict[int, Entry]:
        """Entries of finished parts by chunk; a half-written last line is ignored."""
        return journal.read(self.folder)

    def intact(self, entries: Mapping[int, Entry]) -> dict[int, Entry]:
        """The entries whose parts exist and have the right checksums.

        Raises `StoreError` if a part cannot be read: it may be undamaged.
        """
        parts = [journal.part(entry) for entry in entries.values()]
        with explained(self.folder):
            problems = damaged(self.folder, parts, thorough=True)
        for name, text in problems.items():
            if text.startswith(UNREADABLE):
                raise StoreError(f"{self.folder / name} {text}; nothing was changed")
        return {
            chunk: entry for chunk, entry in entries.items() if part_name(chunk) not in problems
        }

    @contextmanager
    def draft(self, chunk: int, schema: pa.Schema) -> Iterator[PartWriter]:
        """Write a part by row groups under a unique name; at the end it is flushed to disk.

        Any process may do so; only the run that holds the lock of the folder publishes it.
        """
        path = self._draft(chunk)
        with explained(self.folder):
            try:
                with path.open("xb") as file:
                    writer = PartWriter(path, file, schema)
                    yield writer
                    writer.close()
            except BaseException:
                path.unlink(missing_ok=True)
                raise

    def adopt(self, folder: Path, part: Part) -> str:
        """Copy a part of another folder to a draft; returns the name of the draft.

        Raises `StoreError` if the part differs from the journal of that folder.
        """
        draft, sums = self._draft(part.chunk), Checksums()
        source = folder / part.name
        with explained(self.folder):
            try:
                with source.open("rb") as read, draft.open("xb") as write:
                    while block := read.read(_COPIED):
                        sums.update(block)
                        write.write(block)
                    write.flush()
                    os.fsync(write.fileno())
            except FileNotFoundError:
                if source.exists():
                    raise
        if sums.sha256 != part.sha256:
            draft.unlink(missing_ok=True)
            raise StoreError(
                f"{source} is damaged or missing; the command that made the shard computes it again"
            )
        return draft.name

    def _draft(self, chunk: int) -> Path:
        return self.folder / f"{_TEMPORARY}{part_name(chunk)}-{uuid4().hex}"

    def publish(self, entries: Sequence[Entry]) -> None:
        """Rename finished drafts to parts, then add them to the journal; both are flushed to disk.

        Entries have the key `draft`, which is not written to the journal.
        """
        if not entries:
            return
        with explained(self.folder):
            for entry in entries:
                os.replace(self.folder / entry["draft"], self.folder / part_name(entry["chunk"]))
            flush_folder(self.folder)
            with (self.folder / JOURNAL).open("ab+") as file:
                cut = b"\n" if file.tell() and not _ends_a_line(file) else b""
                file.write(cut + journal.lines(entries))
                file.flush()
                os.fsync(file.fileno())


def _ends_a_line(file: Any) -> bool:
    file.seek(-1, os.SEEK_END)
    return bool(file.read(1) == b"\n")
