"""Where workers come from: started here, found at an address, or asked of Slurm.

local:N                processes on this machine, one per GPU, or N sharing the cores
tcp://host:port        a scheduler that runs already (tls:// with Dask's own settings)
slurm:FILE             jobs described in a TOML file (`screen.distributed.slurm`)
"""

import logging
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import dask.config
from distributed import Client, Nanny, Scheduler, SpecCluster

from screen.distributed.order import Work
from screen.distributed.slurm import load, start
from screen.distributed.workers import Workers
from screen.errors import UsageError, WorkerError

LOOPBACK = "127.0.0.1"
GPU_MEMORY_FRACTION = "0.85"
_LOCAL = re.compile(r"local:([1-9]\d{0,3})")
_SETTINGS = {
    "distributed.worker.multiprocessing-method": "spawn",
    "distributed.comm.retry.count": 3,
    "distributed.worker.daemon": True,
    # Dask's default has malloc give memory back at once: half the processor time went into that.
    "distributed.nanny.pre-spawn-environ": {},
    "distributed.worker.profile.enabled": False,
}


@contextmanager
def connected(where: str, work: Work, stop: Event) -> Iterator[Workers]:
    """Workers of `where` with the work sent to them; what was started here ends with the block.

    Raises `UsageError` for an unreadable `where`, `WorkerError` where nobody answers or is fit.
    """
    with ExitStack() as stack:
        stack.enter_context(dask.config.set(_SETTINGS))
        cluster, expected = _cluster(where, work)
        if not isinstance(cluster, str):
            stack.enter_context(cluster)
        client = stack.enter_context(_client(cluster))
        workers = Workers(client, work, stop, expected)
        stack.callback(workers.close)
        yield workers


def _cluster(where: str, work: Work) -> tuple[Any, int]:
    """A cluster, or the address of a scheduler, and how many workers to expect."""
    if local := _LOCAL.fullmatch(where):
        count = int(local[1])
        return local_cluster(count, gpus(work.device)), count
    if where.startswith("slurm:"):
        jobs = load(Path(where.removeprefix("slurm:")))
        return start(jobs), jobs.jobs
    if re.match(r"(tcp|tls|ucx|ws|wss)://.+:\d+$", where):
        return where, 1
    raise UsageError(
        f"--dask {where!r}: expected local:N, tcp://host:port or slurm:FILE.toml, such as local:2"
    )


def _client(cluster: Any) -> Client:
    try:
        return Client(cluster, set_as_default=False)
    except (OSError, TimeoutError) as error:
        raise WorkerError(f"no Dask scheduler answers at {cluster}: {error}") from error


def local_cluster(count: int, gpu: list[str]) -> SpecCluster:
    """Spawned processes on the loopback device, each with its own GPU or its share of cores."""
    if gpu and count > len(gpu):
        raise UsageError(f"--dask local:{count}: there are {len(gpu)} GPUs; one process for each")
    workers = {
        number: {"cls": Nanny, "options": {**_options(), "env": environment(number, count, gpu)}}
        for number in range(count)
    }
    scheduler = {"host": LOOPBACK, "dashboard": False, "dashboard_address": f"{LOOPBACK}:0"}
    return SpecCluster(
        scheduler={"cls": Scheduler, "options": scheduler},
        workers=workers,
        name="muli",
        silence_logs=logging.ERROR,
    )


def _options() -> dict[str, Any]:
    """One Dask thread: a worker spreads its own chunks over cores. Memory is the run's to plan."""
    return {
        "host": LOOPBACK,
        "nthreads": 1,
        "memory_limit": 0,
        "dashboard_address": None,
        "silence_logs": logging.ERROR,
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
    found = (re.fullmatch(r"nvidia(\d+)", path.name) for path in Path("/dev").glob("nvidia*"))
    return sorted((match[1] for match in found if match), key=int)
