"""Files that are written completely or not at all, also where the machine stops half way."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file completely or not at all."""
    with replacing(path) as stream:
        stream.write(content)


@contextmanager
def replacing(path: Path, prefix: str = ".muli-") -> Iterator[BinaryIO]:
    """A stream whose content becomes the file `path` when the block ends without an error.

    It is written under a name that nobody else has, flushed to disk and renamed; after an error
    that file is removed and `path` is as before. A link is followed. What is no regular file (a
    pipe, `/dev/stdout`) is written to directly.

    prefix: beginning of the temporary file's name.
    """
    if path.exists() and not stat.S_ISREG(path.stat().st_mode):
        with path.open("wb") as stream:
            yield stream
        return
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f"{prefix}{uuid4().hex}")
    try:
        with temporary.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename == str(temporary):
            error.filename = str(path)  # the name that the user knows
        raise
    flush_folder(target.parent)


def flush_folder(folder: Path) -> None:
    """Make names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
