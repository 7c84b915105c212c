"""A folder of compiled programs, one file each, that may be deleted at any time.

A file holds a checksum and one program. What is damaged, foreign or of another version is passed
over and written anew. Files appear whole (written beside, then renamed), so that several processes
may fill a folder at once. Reading a program executes it: the folder must belong to the user, and
nobody else may have rights in it.
"""

import hashlib
import os
import platform
import stat
import sys
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

MAGIC = b"muli program 1\n"
LARGEST_BYTES = 512 * 2**20
"""Programs used longest ago are deleted beyond this size."""
SUFFIX = ".program"
PACKAGES = ("kernels", "screen", "candidates")
"""Beside them, muli's own files hold code, too."""


@dataclass(frozen=True)
class Store:
    """Programs of one environment in a folder; all environments share the limit of size."""

    root: Path
    largest_bytes: int = LARGEST_BYTES

    @classmethod
    def of_user(cls) -> "Store":
        """`$XDG_CACHE_HOME/muli/programs`, by default in `~/.cache`."""
        cache_home = os.environ.get("XDG_CACHE_HOME", "")
        base = Path(cache_home) if os.path.isabs(cache_home) else Path("~/.cache").expanduser()
        return cls(base / "muli" / "programs")

    def read(self, key: str) -> bytes | None:
        """The program of a key; None where there is none, or none that is whole."""
        if self.refusal() is not None:
            return None
        path = self._path(key)
        try:
            content = path.read_bytes()
            os.utime(path)  # used now: deleted last
        except OSError:
            return None
        head, program = content[: len(MAGIC) + 32], content[len(MAGIC) + 32 :]
        return program if head == _head(program) else None

    def write(self, key: str, program: bytes) -> None:
        """Keep a program; where that fails (a full disk, no rights) it is not kept."""
        path = self._path(key)
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.refusal() is not None:
                return
            path.parent.mkdir(mode=0o700, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
                file.write(_head(program) + program)
            os.replace(file.name, path)
            self._shrink()
        except OSError:
            return

    def refusal(self) -> str | None:
        """Why the folder is not used; None where it is, or does not exist yet."""
        try:
            info = os.lstat(self.root)
        except OSError:
            return None
        if not stat.S_ISDIR(info.st_mode):
            return f"{self.root} is no folder"
        if info.st_uid != os.getuid():
            return f"{self.root} belongs to another user"
        if info.st_mode & 0o077:
            return f"others have rights in {self.root}: chmod 700, or delete it"
        return None

    def files(self) -> list[tuple[float, int, Path]]:
        """(time of last use, bytes, path) of every program, the one used longest ago first."""
        programs = []
        for path in self.root.glob(f"*/*{SUFFIX}"):
            try:
                facts = path.stat()
            except OSError:  # another process deleted it
                continue
            programs.append((facts.st_mtime, facts.st_size, path))
        return sorted(programs)

    def _path(self, key: str) -> Path:
        return self.root / environment() / (hashlib.sha256(key.encode()).hexdigest() + SUFFIX)

    def _shrink(self) -> None:
        files = self.files()
        total = sum(size for _, size, _ in files)
        for _, size, path in files:
            if total <= self.largest_bytes:
                return
            path.unlink(missing_ok=True)
            total -= size


_used: Store | None = None


def use(store: Store | None) -> None:
    """Read and keep programs in a store from now on; None: in no store."""
    global _used
    _used = store


def used() -> Store | None:
    """The store in use."""
    return _used


@lru_cache
def environment() -> str:
    """Name of all that decides whether a compiled program may run here, one per process."""
    parts = [version(name) for name in ("jax", "jaxlib", "equinox", "numpy", "scipy", "pandas")]
    parts += [platform.python_version(), platform.machine(), _processor()]
    settings = (f"{k}={v}" for k, v in sorted(os.environ.items()) if "CACHE" not in k)
    parts += [setting for setting in settings if setting.startswith(("XLA_", "JAX_"))]
    return hashlib.sha256("\0".join([_code(), *parts]).encode()).hexdigest()[:16]


def _code() -> str:
    """Hash of muli's own code: another version compiles other programs."""
    here, digest = Path(__file__).parents[2], hashlib.sha256()  # the folder of `muli`
    inside = (path for name in PACKAGES for path in (here / name).rglob("*.py"))
    for path in sorted([*here.glob("*.py"), *inside]):
        digest.update(str(path.relative_to(here)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _processor() -> str:
    """Model and instruction sets of the processor, as far as the system tells."""
    if sys.platform != "linux":
        return platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    wanted = ("model name", "flags", "Features", "CPU part")
    first = {line.split(":")[0].strip(): line for line in reversed(lines)}
    return "\n".join(first[name] for name in wanted if name in first)


def _head(program: bytes) -> bytes:
    return MAGIC + hashlib.sha256(program).digest()
