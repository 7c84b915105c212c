"""Real schedulers and workers on the loopback device, each ended by its own process id."""

import os
import subprocess
import sys
import time
from pathlib import Path

import dask.config
import pytest

from muli.screen.running.run import run
from muli.screen.space import layout as space
from tests.screen.screens import contents, small

PRELOAD = """
from muli.screen.space import layout as space
if space.CHUNK_ROWS != 2048:  # Dask imports a preload twice
    space.CHUNK_ROWS, space.TILE_ROWS = 2048, 1024
    exec({text!r}, {{}})
"""
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(space, "CHUNK_ROWS", 2048)
    monkeypatch.setattr(space, "TILE_ROWS", 1024)


@pytest.fixture(autouse=True, scope="session")
def compiled_everywhere(tmp_path_factory):
    """Workers share a cache of compiled programs; the suite's processes start one after another."""
    patch = pytest.MonkeyPatch()
    patch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path_factory.mktemp("compiled")))
    patch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    yield
    patch.undo()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Spec, bytes and folder of a run in one process."""
    folder = tmp_path_factory.mktemp("whole")
    spec = small(folder, "all")
    before = space.CHUNK_ROWS, space.TILE_ROWS
    space.CHUNK_ROWS, space.TILE_ROWS = 2048, 1024
    run(spec, folder / "out")
    space.CHUNK_ROWS, space.TILE_ROWS = before
    return spec, contents(folder / "out"), folder / "out"


@pytest.fixture
def preload():
    """Python text that every worker of `local:N` runs when it starts."""

    def use(text=""):
        return dask.config.set({"distributed.worker.preload": [PRELOAD.format(text=text)]})

    return use


class Fleet:
    """A scheduler and workers without nannies, started as separate processes."""

    def __init__(self, folder):
        self.folder, self.processes, self.scheduler = folder, [], None

    def schedule(self):
        """Start a scheduler; its address."""
        told = self.folder / f"scheduler-{len(self.processes)}.json"
        self.scheduler = self._start(
            "dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
            "--dashboard-address", "127.0.0.1:0", "--scheduler-file", str(told),
        )  # fmt: skip
        while not told.exists():
            assert self.scheduler.poll() is None
            time.sleep(0.05)
        self.address = dask.config.yaml.safe_load(told.read_text())["address"]
        return self.address

    def work(self, text="", folder=None, environment=None):
        """Start a worker that runs `text` first."""
        preload = self.folder / f"preload_{len(self.processes)}.py"
        preload.write_text(PRELOAD.format(text=text))
        return self._start(
            "dask_worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard",
            "--host", "127.0.0.1", "--preload", str(preload), "--memory-limit", "0",
            "--local-directory", str(self.folder),
            folder=folder, environment=environment,
        )  # fmt: skip

    def wait_for_all(self):
        """Until every worker begun is registered."""
        for number, process in enumerate(self.processes):
            log = self.folder / f"log-{number}"
            while process is not self.scheduler and "Registered to" not in log.read_text():
                assert process.poll() is None
                time.sleep(0.05)

    def _start(self, program, *arguments, folder=None, environment=None):
        with (self.folder / f"log-{len(self.processes)}").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.{program}", *arguments],
                cwd=folder or ROOT,
                env={**os.environ, **(environment or {})},
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        return process

    def end(self):
        for process in reversed(self.processes):
            process.kill()
            process.wait()


@pytest.fixture
def fleet(tmp_path):
    fleet = Fleet(tmp_path)
    yield fleet
    fleet.end()
