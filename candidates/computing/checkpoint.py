"""Finished parts of a long computation, kept beside its output until the output is complete."""

import errno
import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from filelock import FileLock, Timeout

from muli.candidates.files import write_atomically

NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


class ResumeRefused(RuntimeError):
    """The finished parts belong to other inputs; the message lists `key: old -> new`."""


class Checkpoint:
    """A folder of JSON parts that belong to one `key` (what the results depend on).

    Entering locks the folder against a second process and raises ResumeRefused where its parts
    were computed for another key; `restart` deletes those. A part is written completely or not.
    """

    def __init__(self, folder: Path, key: Mapping[str, str], restart: bool = False) -> None:
        self._folder = folder
        self._key = dict(key)
        self._restart = restart
        self._lock = FileLock(folder / "lock", timeout=0)

    def __enter__(self) -> "Checkpoint":
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire()
        except Timeout as error:
            raise ResumeRefused(f"{self._folder}: another process is computing here") from error
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            raise ResumeRefused(
                f"{self._folder}: this file system has no file locks; write to another one"
            ) from error
        try:
            self._check()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lock.release()

    def load(self, name: str) -> Any:
        """The part, or None where it is not finished or is not readable any more."""
        try:
            return json.loads((self._folder / f"{name}.json").read_bytes())
        except (FileNotFoundError, ValueError, RecursionError):
            return None

    def save(self, name: str, part: Any) -> None:
        """Keep a finished part."""
        write_atomically(self._folder / f"{name}.json", json.dumps(part).encode())

    def discard(self) -> None:
        """Remove everything kept: the output is written. Files of others stay where they are.

        The key goes last, so that parts that a kill leaves behind still belong to it.
        """
        parts = sorted(self._folder.glob("*.json"), key=lambda path: path.name == "key.json")
        for path in [*self._folder.glob(".muli-*"), *parts, self._folder / "lock"]:
            path.unlink(missing_ok=True)
        if not any(self._folder.iterdir()):
            self._folder.rmdir()

    def _check(self) -> None:
        old = self.load("key")
        if old == self._key:
            return
        if isinstance(old, dict) and not self._restart:
            changed = [
                f"{name}: {old.get(name)} -> {self._key.get(name)}"
                for name in sorted({*old, *self._key})
                if old.get(name) != self._key.get(name)
            ]
            raise ResumeRefused(
                f"{self._folder} holds parts made from other inputs ({'; '.join(changed)}); "
                "restart to begin anew"
            )
        for path in self._folder.glob("*.json"):
            path.unlink()
        self.save("key", self._key)
