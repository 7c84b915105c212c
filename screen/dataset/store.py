"""The result folder: locked, one atomic Parquet part per chunk, and a journal of finished parts.

A part is drafted in a temporary file and flushed to disk by whatever process computed it; the run
that holds the folder renames it and flushes the folder; only then does the journal name it with
its checksum. Whatever moment a process dies at, a part is either named by the journal with the
right checksum or is computed again to the same bytes.
"""

import errno
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

import pyarrow as pa

from muli.screen.dataset.parquet import Encoded, Writer
from muli.screen.errors import StoreError

JOURNAL = ".journal.jsonl"
MANIFEST = "manifest.json"
_LOCK = ".lock"
_TEMPORARY = ".writing-"


def part_name(chunk: int) -> str:
    """File name of a chunk's part."""
    return f"part-{chunk:08d}.parquet"


class Store:
    """One result folder, held by one run at a time."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    @contextmanager
    def locked(self) -> Iterator["Store"]:
        """Hold the folder; refused while another process holds it. A killed run leaves no lock."""
        with explained(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            raise StoreError(
                f"{self.folder}: another run is writing here; wait for it, or use another --out"
            ) from None
        try:
            self._sweep()
            yield self
        finally:
            self._sweep()
            os.close(handle)

    def _sweep(self) -> None:
        """Remove temporary files of processes that were killed."""
        with explained(self.folder):
            for path in self.folder.glob(f"{_TEMPORARY}*"):
                path.unlink()

    def clear(self) -> None:
        """Remove all parts, the journal and the manifest: a new start."""
        with explained(self.folder):
            for path in [*self.folder.glob("part-*.parquet")]:
                path.unlink()
            for name in (JOURNAL, MANIFEST, "progress.json"):
                (self.folder / name).unlink(missing_ok=True)

    def remove_parts_except(self, kept: Container[int]) -> None:
        """Remove parts of chunks that are not kept: truncated, altered or of another run."""
        with explained(self.folder):
            for path in self.folder.glob("part-*.parquet"):
                number = path.stem.removeprefix("part-")
                if not number.isdigit() or int(number) not in kept:
                    path.unlink()

    def read_json(self, name: str) -> dict[str, Any] | None:
        """A JSON file of the folder, or None where it is absent or unreadable."""
        try:
            found = json.loads((self.folder / name).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Replace a JSON file atomically."""
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
        temporary = self.folder / f"{_TEMPORARY}{name}"
        with explained(self.folder):
            with temporary.open("w", encoding="utf-8") as file:
                file.write(text + "\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.folder / name)
            self._flush_folder()

    def journal(self) -> dict[int, dict[str, Any]]:
        """Entries of finished parts by chunk; a half-written last line is no entry."""
        try:
            lines = (self.folder / JOURNAL).read_text("utf-8", errors="replace").splitlines()
        except OSError:
            return {}
        entries = {}
        for line in lines:
            try:
                entry = json.loads(line)
                entries[int(entry["chunk"])] = entry
            except (ValueError, KeyError, TypeError):
                continue
        return entries

    def valid(self, entry: Mapping[str, Any]) -> bool:
        """Whether the part an entry names is there with its checksum."""
        path = self.folder / part_name(int(entry["chunk"]))
        try:
            return path.stat().st_size == entry["bytes"] and checksum(path) == entry["sha256"]
        except (OSError, KeyError):
            return False

    @contextmanager
    def draft(self, chunk: int, schema: pa.Schema) -> Iterator["PartWriter"]:
        """Write a part by row groups, whole and flushed to disk, under a name nobody else has.

        Any process may do so; only the run that holds the folder publishes it.
        """
        path = self.folder / f"{_TEMPORARY}{part_name(chunk)}-{uuid4().hex}"
        with explained(self.folder):
            try:
                with path.open("xb") as file:
                    writer = PartWriter(path, file, schema)
                    yield writer
                    writer.close()
            except BaseException:
                path.unlink(missing_ok=True)
                raise

    def adopt(self, path: Path) -> str:
        """Copy a part of another folder to a draft; its name."""
        draft = self.folder / f"{_TEMPORARY}{path.name}-{uuid4().hex}"
        with explained(self.folder), path.open("rb") as source, draft.open("xb") as target:
            shutil.copyfileobj(source, target, 2**20)
            target.flush()
            os.fsync(target.fileno())
        return draft.name

    def publish(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Give finished drafts their parts' names, then add them to the journal, durably.

        Entries name their `draft`; the journal does not keep that.
        """
        if not entries:
            return
        with explained(self.folder):
            for entry in entries:
                os.replace(self.folder / entry["draft"], self.folder / part_name(entry["chunk"]))
            self._flush_folder()
        kept = [{k: v for k, v in entry.items() if k != "draft"} for entry in entries]
        self._record(kept)

    def _record(self, entries: Iterable[Mapping[str, Any]]) -> None:
        lines = [json.dumps(e, separators=(",", ":"), allow_nan=False) for e in entries]
        with explained(self.folder), (self.folder / JOURNAL).open("ab+") as file:
            if file.tell() and not _ends_a_line(file):
                lines.insert(0, "")
            file.write(("\n".join(lines) + "\n").encode())
            file.flush()
            os.fsync(file.fileno())

    def _flush_folder(self) -> None:
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


class PartWriter:
    """Row groups of one part, hashed on their way to the file."""

    def __init__(self, path: Path, file: BinaryIO, schema: pa.Schema) -> None:
        self.path, self._file = path, file
        self._hash, self.bytes = hashlib.sha256(), 0
        self._writer = Writer(self._put, schema)

    @property
    def rows(self) -> int:
        """Rows so far."""
        return self._writer.rows

    @property
    def sha256(self) -> str:
        """Checksum of what was written."""
        return self._hash.hexdigest()

    def write(self, group: Sequence[Encoded]) -> None:
        """Append one row group."""
        if group[0].rows:
            self._writer.write(group)

    def close(self) -> None:
        """Write the footer and flush the file to disk."""
        self._writer.close()
        self._file.flush()
        os.fsync(self._file.fileno())

    def _put(self, content: bytes) -> None:
        self._file.write(content)
        self._hash.update(content)
        self.bytes += len(content)


def checksum(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _ends_a_line(file: Any) -> bool:
    file.seek(-1, os.SEEK_END)
    return bool(file.read(1) == b"\n")


_CAUSES = {
    errno.ENOSPC: "the disk is full; free some space and give the same command to continue",
    errno.EDQUOT: "the disk quota is used up; free some space and give the same command",
    errno.EFBIG: "a file would exceed the size limit (ulimit -f); raise it, same command",
    errno.EROFS: "the file system is read-only; use another --out",
    errno.EACCES: "no permission to write; use another --out",
    errno.EPERM: "no permission to write; use another --out",
    errno.ENOTDIR: "a file stands where the folder should be; use another --out",
    errno.EEXIST: "a file stands where the folder should be; use another --out",
}


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn an error of the operating system into one that says the cause and the way out."""
    try:
        yield
    except OSError as error:
        cause = _CAUSES.get(error.errno or 0, error.strerror or str(error))
        raise StoreError(f"{folder}: {cause}") from error
