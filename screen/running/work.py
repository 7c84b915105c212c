"""What a worker receives and checks once, and then computes ranges of chunks from.

A worker whose program, physics, libraries or shipped data are not those of the run would put other
bytes into the same dataset. It therefore compares fingerprints before it unpacks anything, and
returns any failure as text, so that the run can continue without it.
"""

import hashlib
import pickle
import signal
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from importlib.resources.abc import Traversable
from threading import Event, Lock
from typing import Any, cast

from distributed import Worker, WorkerPlugin, get_worker

from muli.kernels import PHYSICS_VERSION
from muli.screen.dataset.journal import Entry
from muli.screen.dataset.store import Store
from muli.screen.engine.device import DeviceName
from muli.screen.engine.evaluate import Programs
from muli.screen.errors import ScreenError
from muli.screen.running.identity import identity, versions
from muli.screen.running.local import Local, Request
from muli.screen.space.cost import Precision
from muli.screen.space.setup import Setup


@dataclass(frozen=True)
class Work:
    """What to compute and where to: all that `Local` needs, as plain data.

    programs: compiled already, for workers on processors like the one that compiled them.
    """

    setup: Setup
    folder: str
    precision: Precision
    device: DeviceName = "auto"
    batch: int | None = None
    max_memory: int | None = None
    programs: Programs | None = None

    def place(self) -> Local:
        """Devices of this process, made ready."""
        knobs = self.device, self.batch, self.max_memory, self.programs
        return Local(self.setup, Store(self.folder), self.precision, *knobs)

    def compiled(self) -> "Work":
        """The same work with compiled programs."""
        return replace(self, programs=self.place().programs())


@dataclass(frozen=True)
class Outcome:
    """What a worker gives back: entries of drafts, or why it could do nothing.

    kind, devices: of the worker, filled in by `survey`.
    """

    worker: str
    entries: list[Entry] = field(default_factory=list)
    failure: str | None = None
    exit_code: int = 1
    kind: str = ""
    devices: tuple[str, ...] = ()


class Order(WorkerPlugin):
    """Work sent once to every worker, also to those that join later. `name` identifies it."""

    def __init__(self, work: Work, name: str) -> None:
        self.name = name
        self.made_by = fingerprint()
        self.content = pickle.dumps(work)

    def setup(self, worker: Worker) -> None:
        """Start with nothing unpacked, and ignore Ctrl-C: only the run handles it."""
        self.stop, self.lock = Event(), Lock()
        self.local: Local | None = None
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    def teardown(self, worker: Worker) -> None:
        """Let tasks that still run end after their chunks."""
        self.stop.set()

    def place(self) -> Local:
        """The compiled screen of this worker. Raises `ScreenError` where it must not be used."""
        if self.local is None:
            refuse_other(self.made_by, fingerprint())
            self.local = pickle.loads(self.content).place()
        return self.local


def survey(name: str) -> Outcome:
    """Kind and devices of the worker this runs on, or why it is unfit."""
    return _answer(name, lambda place: {"kind": place.kind, "devices": tuple(place.devices)})


def compute(name: str, run_identity: Mapping[str, Any], chunks: range | list[int]) -> Outcome:
    """Draft the parts of these chunks on the worker this runs on."""

    def entries(place: Local) -> dict[str, Any]:
        own = identity(place.setup.problem, precision=place.precision, platform_name=place.kind)
        refuse_other(run_identity, own)
        results = place.results(Request(run_identity, chunks, order.stop, _ignore))
        return {"entries": [entry for some in results for entry in some]}

    order = _order(name, get_worker())
    return _answer(name, entries)


def halt(name: str, dask_worker: Worker) -> None:
    """Let a worker end its task after the chunks in work."""
    _order(name, dask_worker).stop.set()


def refuse_other(expected: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    """Raise `ScreenError` listing every `key: the run's -> the worker's`."""
    different = [
        f"{key}: {expected.get(key)} -> {own.get(key)}"
        for key in {**expected, **own}
        if expected.get(key) != own.get(key)
    ]
    if different:
        raise ScreenError("not the program or data of this run (" + "; ".join(different) + ")")


def fingerprint() -> dict[str, str]:
    """Everything installed that decides the bytes of a part."""
    installed = versions()
    outcomes = (resources.files("muli") / "outcomes.py").read_bytes()
    wanted = ("muli", "jax", "jaxlib", "numpy", "pandas", "pyarrow")
    return {
        **{name: installed[name] for name in wanted},
        "physics_version": PHYSICS_VERSION,
        "outcomes": hashlib.sha256(outcomes).hexdigest()[:12],
        "kernels": _hash(resources.files("muli.kernels"), ".py"),
        "screen": _hash(resources.files("muli.screen"), ".py"),
        "library": _hash(resources.files("muli.candidates") / "library", ".csv", ".gz"),
    }


def _hash(folder: Traversable, *endings: str) -> str:
    """Hash of paths and contents of all files with these endings in a folder and below it."""
    digest = hashlib.sha256()
    for path, file in sorted(_files(folder, ""), key=lambda pair: pair[0]):
        if path.endswith(endings):
            digest.update(path.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


def _files(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    """All files below a folder with their paths relative to it."""
    for entry in folder.iterdir():
        path = f"{prefix}{entry.name}"
        if entry.is_dir():
            yield from _files(entry, f"{path}/")
        else:
            yield path, entry


def _answer(name: str, ask: Any) -> Outcome:
    """Run on the worker's screen, one caller at a time; any failure is returned as text."""
    worker = get_worker()
    try:
        order = _order(name, worker)
        with order.lock:
            return Outcome(worker.address, **ask(order.place()))
    except ScreenError as error:
        return Outcome(worker.address, failure=str(error), exit_code=error.exit_code)
    except Exception as error:
        return Outcome(worker.address, failure=f"{type(error).__name__}: {error}")


def _order(name: str, worker: Worker) -> Order:
    return cast(Order, worker.plugins[name])


def _ignore(_stacks: int) -> None:
    return None
