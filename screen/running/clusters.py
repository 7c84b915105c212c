"""Sources of workers: started here, found at an address, or requested from Slurm.

local:N                processes on this machine, one per GPU, or N sharing the cores
tcp://host:port        a scheduler that runs already (tls:// with Dask's own settings)
slurm:FILE             jobs described in a TOML file (`muli.screen.running.slurm`)
"""

import logging
import os
import re
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import dask.config
from distributed import Nanny, Scheduler, Security, SpecCluster
from distributed.utils import silence_logging_cmgr

from muli.screen.errors import UsageError

LOOPBACK = "127.0.0.1"
GPU_MEMORY_FRACTION = "0.85"
POLL_S = 0.1
PRELOAD = "muli.screen.running.preload"
_LOCAL = re.compile(r"local:([1-9]\d{0,3})")
_ADDRESS = re.compile(r"(tcp|tls|ucx|ws|wss)://.+:\d+")
_SETTINGS = {
    "distributed.worker.multiprocessing-method": "spawn",
    "distributed.comm.retry.count": 3,
    "distributed.worker.daemon": True,
    # By Dask's default malloc returns memory at once, which took half of the processor time.
    "distributed.nanny.pre-spawn-environ": {},
    "distributed.worker.profile.enabled": False,
    # Pages about tasks and workers, which anybody on the machine could read.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}


@dataclass(frozen=True)
class Start:
    """Workers that are starting.

    ready: waits for a cluster or a scheduler's address and returns it. expected: number of workers.
    alike: they run on the processor of this process, and so do programs compiled here.
    """

    ready: Callable[[], Any]
    expected: int = 1
    alike: bool = False


@contextmanager
def begun(where: str, device: str) -> Iterator[Start]:
    """Workers of `where`; what was started here ends with the block.

    Processes on this machine start at once, in the background, and import what they need while
    the caller does. Jobs are submitted when asked for. Raises `UsageError` for an unreadable
    `where`, `SpecError` for an unreadable file.
    """
    with dask.config.set(_SETTINGS), _kind_of(where, device) as start:
        yield start


def _kind_of(where: str, device: str) -> AbstractContextManager[Start]:
    if local := _LOCAL.fullmatch(where):
        return _processes(int(local[1]), device)
    if where.startswith("slurm:"):
        return _jobs(Path(where.removeprefix("slurm:")))
    if _ADDRESS.fullmatch(where):
        if where.startswith(("tls:", "wss:")):
            _refuse_without_keys(where)
        return nullcontext(Start(lambda: where))
    raise UsageError(
        f"--dask {where!r}: expected local:N, tcp://host:port or slurm:FILE.toml, such as local:2"
    )


def _refuse_without_keys(where: str) -> None:
    """Raise `UsageError` where Dask's configuration has no keys for an encrypted address."""
    try:
        context = Security().get_connection_args("client")["ssl_context"]
    except (OSError, ValueError) as error:
        raise UsageError(f"--dask {where}: Dask's keys cannot be read: {error}") from None
    if context is None:
        raise UsageError(
            f"--dask {where}: no keys; name them in Dask's configuration under "
            "distributed.comm.tls (see docs/cluster.md), or use tcp://"
        )


@contextmanager
def _processes(count: int, device: str) -> Iterator[Start]:
    gpu, others = gpus(device), active_children()
    with silence_logging_cmgr(logging.ERROR), ThreadPoolExecutor(1) as background:
        cluster = background.submit(local_cluster, count, gpu)
        try:
            yield Start(cluster.result, count, alike=not gpu)
        finally:
            _end(cluster, others)


def _end(starting: Future[SpecCluster], others: list[Any]) -> None:
    """End processes at once, also those that are starting: they hold no results, and an orderly
    end takes half a second for each.
    """
    while not starting.done():
        for child in active_children():
            if child not in others:
                child.kill()
        wait([starting], POLL_S)
    if starting.exception() is not None:
        return
    cluster = starting.result()
    for nanny in cluster.workers.values():
        nanny.auto_restart = False
        if nanny.pid is not None:
            os.kill(nanny.pid, signal.SIGKILL)
    cluster.close()


@contextmanager
def _jobs(file: Path) -> Iterator[Start]:
    from muli.screen.running.slurm import load, start

    jobs = load(file)
    with ExitStack() as submitted:
        yield Start(lambda: submitted.enter_context(start(jobs)), jobs.jobs)


def local_cluster(count: int, gpu: list[str]) -> SpecCluster:
    """Spawned processes on the loopback device, each with its own GPU or its share of cores.

    Whoever reaches a scheduler can run code on it, and other users of this machine reach the
    loopback device. So keys are made for this run alone, and both sides ask for them.
    """
    if gpu and count > len(gpu):
        raise UsageError(f"--dask local:{count}: there are {len(gpu)} GPUs; one process for each")
    keys = {"protocol": "tls", "security": Security.temporary()}
    options = {**_options(), **keys}
    workers = {
        number: {"cls": Nanny, "options": {**options, "env": environment(number, count, gpu)}}
        for number in range(count)
    }
    dashboard = {"dashboard": False, "dashboard_address": f"{LOOPBACK}:0"}
    return SpecCluster(
        scheduler={"cls": Scheduler, "options": {"host": LOOPBACK, **dashboard, **keys}},
        workers=workers,
        security=keys["security"],
        name="muli",
    )


def _options() -> dict[str, Any]:
    """One Dask thread: a worker spreads its own chunks over cores. The run plans the memory."""
    return {
        "host": LOOPBACK,
        "nthreads": 1,
        "memory_limit": 0,
        "dashboard_address": None,
        "silence_logs": logging.ERROR,
        "preload": [*dask.config.get("distributed.worker.preload"), PRELOAD],
    }


def environment(number: int, count: int, gpu: list[str]) -> dict[str, str]:
    """Variables of worker `number` of `count`: its GPU, or how many threads XLA may use."""
    if gpu:
        return {
            "CUDA_VISIBLE_DEVICES": gpu[number],
            "XLA_PYTHON_CLIENT_MEM_FRACTION": GPU_MEMORY_FRACTION,
        }
    return {"NPROC": str(max(1, len(os.sched_getaffinity(0)) // count))}


def gpus(device: str) -> list[str]:
    """Names of NVIDIA GPUs a process here may see, without starting JAX."""
    if device == "cpu":
        return []
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name for name in visible.split(",") if name.strip() not in ("", "-1")]
    matches = (re.fullmatch(r"nvidia(\d+)", path.name) for path in Path("/dev").glob("nvidia*"))
    return sorted((match[1] for match in matches if match), key=int)
