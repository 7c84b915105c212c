"""Check that parts exist and are unchanged since they were written.

The manifest and the journal hold the size and checksums of every part. The CRC-32 of 1e8
rows (1.1 GB) takes 0.3 s of processor time, SHA-256 twice as long.
"""

import os
import re
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from muli.screen.dataset import journal, manifest
from muli.screen.dataset.manifest import Manifest, Part
from muli.screen.dataset.part_file import BLOCK, crc32_of, sha256_of

PART = re.compile(r"part-\d{8}\.parquet")
THREADS = 4
MOST_TASKS = 1000
"""Most tasks for the threads; with more parts a task compares several, to save overhead."""
UNREADABLE = "cannot be read"
_LIKE_A_PART = re.compile(r"part-.*\.parquet", re.DOTALL)


def known_parts(folder: Path, content: Manifest) -> list[Part]:
    """Finished parts of a run by chunk: those in the manifest, and later ones in the journal."""
    parts = {part.chunk: part for part in content.parts}
    if not content.complete:
        run_hash = manifest.digest(content.identity)
        for chunk, entry in journal.read(folder).items():
            if entry["identity"] == run_hash:
                parts[chunk] = journal.part(entry)
    return [parts[chunk] for chunk in sorted(parts)]


def damaged(folder: Path, parts: Sequence[Part], *, thorough: bool = False) -> dict[str, str]:
    """What is wrong with parts, by file name. thorough: compare SHA-256, not CRC-32."""
    with os.scandir(folder) as entries:
        files = {entry.name: entry for entry in entries}

    def wrong(some: Sequence[Part]) -> list[tuple[str, str]]:
        block = bytearray(BLOCK)  # one for all: creating it takes longer than a small part
        pairs = ((part.name, _wrong(files.get(part.name), part, thorough, block)) for part in some)
        return [(name, text) for name, text in pairs if text is not None]

    size = -(-len(parts) // MOST_TASKS) or 1
    batches = [parts[first : first + size] for first in range(0, len(parts), size)]
    with ThreadPoolExecutor(min(THREADS, os.cpu_count() or 1)) as pool:
        return {name: text for listed in pool.map(wrong, batches) for name, text in listed}


def foreign(folder: Path, parts: Collection[Part]) -> list[str]:
    """Files that have a name like a part but were not written by this run."""
    names = {part.name for part in parts}
    return sorted(n for n in os.listdir(folder) if _LIKE_A_PART.fullmatch(n) and n not in names)


def misattributed(folder: Path, identity: Mapping[str, object], part: Part) -> str | None:
    """The first difference between the footer of a part and the manifest; None if there is none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        footer = pq.read_metadata(folder / part.name)
    except (pa.ArrowException, OSError) as error:
        return f"cannot be read: {str(error).splitlines()[0]}"
    metadata = {key.decode(): value.decode() for key, value in (footer.metadata or {}).items()}
    for key, value in manifest.part_metadata(identity, part.chunk).items():
        if metadata.get(key) != value:
            return f"{key} is {metadata.get(key)}, expected {value}"
    if footer.num_rows != part.rows:
        return f"{footer.num_rows:,} rows, expected {part.rows:,}"
    return None


def _wrong(
    entry: "os.DirEntry[str] | None", part: Part, thorough: bool, block: bytearray
) -> str | None:
    if entry is None:
        return "missing"
    try:
        if not entry.is_file():
            return "not a file"
        if (size := entry.stat().st_size) != part.bytes:
            return f"{size:,} bytes, expected {part.bytes:,}"
        if thorough:
            same = sha256_of(entry.path, block) == part.sha256
        else:
            same = crc32_of(entry.path, block) == part.crc32
    except OSError as error:
        return f"{UNREADABLE}: {error.strerror}"
    return None if same else "not as it was written"
