"""Errors of the operating system in words: the cause, and what to do."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from muli.screen.errors import StoreError

_NO_LOCKS = "this file system has no file locks; use an --out on another one"
_CAUSES = {
    errno.ENOSPC: "the disk is full; free some space and give the same command to continue",
    errno.EDQUOT: "the disk quota is used up; free some space and give the same command",
    errno.EFBIG: "a file would exceed the size limit (ulimit -f); raise it, same command",
    errno.EMFILE: "too many files are open (ulimit -n); raise the limit, same command",
    errno.EROFS: "the file system is read-only; use another --out",
    errno.EACCES: "no permission to write; use another --out",
    errno.EPERM: "no permission to write; use another --out",
    errno.ENOTDIR: "a file stands where the folder should be; use another --out",
    errno.EEXIST: "a file stands where the folder should be; use another --out",
    errno.ENOLCK: _NO_LOCKS,
    errno.ENOSYS: _NO_LOCKS,
    errno.EOPNOTSUPP: _NO_LOCKS,
}


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Convert an error of the operating system into a `StoreError`."""
    try:
        yield
    except OSError as error:
        cause = _CAUSES.get(error.errno or 0, error.strerror or str(error))
        raise StoreError(f"{folder}: {cause}") from error
