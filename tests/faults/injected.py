"""File operations that fail once, or after which a process is as if it were dead.

`Faults` counts what Python does with files below one folder: opening, writing, flushing to disk,
renaming, removing, making folders. At a chosen number the operation fails like a full disk, or the
process "dies": this and every later operation raises, so that nothing changes on the disk any more.
"""

import builtins
import errno
import io
import os
import shutil
from contextlib import contextmanager
from pathlib import Path


class Died(BaseException):
    """The process is gone; no handler can still do anything."""


class Faults:
    """Operations on files below `folder`; number `at` fails, or is the last one (`dies`)."""

    def __init__(self, folder: Path, at: int | None = None, *, dies: bool = False) -> None:
        self.folder, self.at, self.dies = os.path.realpath(folder), at, dies
        self.count, self.dead = 0, False
        self.descriptors: set[int] = set()

    def step(self, what: str) -> None:
        """One operation."""
        if self.dead:
            raise Died
        number, self.count = self.count, self.count + 1
        if number == self.at:
            if self.dies:
                self.dead = True
                raise Died(what)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), what)

    def mine(self, path: object) -> bool:
        """Whether a path or a descriptor is of the folder."""
        if isinstance(path, int):
            return path in self.descriptors
        try:
            name = os.path.abspath(os.fspath(path))
        except TypeError:
            return False
        return name == self.folder or name.startswith(self.folder + os.sep)


class _File:
    """A file whose writes may fail."""

    def __init__(self, file, faults, name):
        self._file, self._faults, self._name = file, faults, name

    def write(self, content):
        self._faults.step(f"write {self._name}")
        return self._file.write(content)

    def flush(self):
        self._faults.step(f"flush {self._name}")
        return self._file.flush()

    def __getattr__(self, name):
        return getattr(self._file, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()

    def __iter__(self):
        return iter(self._file)


@contextmanager
def injected(faults: Faults):
    """Within the block, file operations below the folder of `faults` are counted and fail."""
    real = {name: getattr(os, name) for name in ("replace", "unlink", "mkdir", "open", "fsync")}
    opened = builtins.open

    def open_file(file, mode="r", *args, **options):
        if not faults.mine(file):
            return opened(file, mode, *args, **options)
        faults.step(f"open {file}")
        found = opened(file, mode, *args, **options)
        if not set(mode) & set("wax+"):
            return found
        faults.descriptors.add(found.fileno())
        return _File(found, faults, file)

    def wrapped(name):
        def call(path, *args, **options):
            if faults.mine(path):
                faults.step(f"{name} {path}")
            found = real[name](path, *args, **options)
            if name == "open" and faults.mine(path):
                faults.descriptors.add(found)
            return found

        return call

    kept = io.open
    builtins.open = io.open = open_file
    for name in real:
        setattr(os, name, wrapped(name))
    try:
        yield faults
    finally:
        builtins.open, io.open = opened, kept
        for name, function in real.items():
            setattr(os, name, function)


def copied(source: Path, target: Path) -> Path:
    """A fresh copy of a folder."""
    shutil.rmtree(target, ignore_errors=True)
    return shutil.copytree(source, target)
