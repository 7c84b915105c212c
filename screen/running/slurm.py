"""Workers as Slurm jobs, described by a small TOML file and submitted by dask-jobqueue.

One job holds one worker: with `gpu = true` Slurm gives every job a GPU of its own and pins it.
"""

import contextlib
import shlex
import shutil
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from muli.screen.errors import SpecError, WorkerError
from muli.screen.spec.load import read
from muli.screen.spec.names import closest, expected, shown
from muli.screen.terminal import tell

_Text = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
_Name = Annotated[str, Field(max_length=200, pattern=r"^[\w.,@:/+~=\[\]-]+$")]
"""What stands in a script without quotes: no blank, and nothing that a shell acts on."""
_Texts = Annotated[
    tuple[_Text, ...],
    BeforeValidator(lambda raw: tuple(raw) if isinstance(raw, list) else raw),
    Field(max_length=100),
]

_FORMS = {
    **dict.fromkeys(
        ("partition", "account", "interface", "host", "log_directory"),
        "letters, digits and . , : @ / + - _ without blanks: it becomes part of a script",
    ),
    "memory": 'a size such as "16GB"',
    "walltime": 'a time such as "02:00:00" or "1-12:00:00"',
}
_KEEP_MEMORY = (
    "export DASK_DISTRIBUTED__NANNY__PRE_SPAWN_ENVIRON="
    """'{"MALLOC_TRIM_THRESHOLD_": 268435456, "MALLOC_MMAP_THRESHOLD_": 33554432}'""",
    "export DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED=False",
)
"""By Dask's own settings malloc returns memory at once, which doubles a worker's time."""


class Jobs(BaseModel):
    """What to request from Slurm. `interface` or `host`: where workers find the scheduler."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    jobs: Annotated[int, Field(ge=1, le=100_000)]
    cores: Annotated[int, Field(ge=1, le=4096)]
    memory: Annotated[str, Field(pattern=r"^\d+(\.\d+)? ?[KMGT]i?B$")]
    walltime: Annotated[str, Field(pattern=r"^(\d+-)?\d{1,2}:\d{2}:\d{2}$")]
    interface: _Name | None = None
    host: _Name | None = None
    gpu: bool = False
    partition: _Name | None = None
    account: _Name | None = None
    directives: _Texts = ()
    setup: _Texts = ()
    log_directory: _Name = "slurm-logs"

    @model_validator(mode="after")
    def _reachable(self) -> "Jobs":
        """The scheduler needs one address to listen at, which nodes can reach."""
        if (self.interface is None) == (self.host is None):
            raise ValueError(
                "give interface (such as ib0) or host, one of them: where the scheduler listens"
            )
        return self


def load(path: Path) -> Jobs:
    """Read and validate a cluster file; raises `SpecError` listing every problem."""
    try:
        jobs = Jobs.model_validate(read(path, "a cluster file in TOML"))
    except ValidationError as error:
        raise SpecError(str(path), [_line(problem) for problem in error.errors()]) from None
    if jobs.host in ("0.0.0.0", "::", "[::]"):
        tell(
            f"warning: host = {jobs.host!r}: the scheduler listens to every network of this "
            "machine, and whoever reaches it can run code as you; give the interface of the nodes"
        )
    return jobs


def job_script(jobs: Jobs) -> str:
    """The script of one job, as dask-jobqueue submits it, for an unnamed scheduler.

    The folder of its logs is made when jobs are submitted, not here.
    """
    kind, logs = _slurm_cluster().job_cls, Path(jobs.log_directory)
    missing = [folder for folder in (logs, *logs.parents) if not folder.exists()]
    try:
        job = kind("tcp://scheduler:8786", name="worker", **_job(jobs))
    except OSError as error:
        problem = f"log_directory = {shown(str(logs))}: cannot be made: {error.strerror}"
        raise SpecError("cluster", [problem]) from None
    finally:  # dask-jobqueue makes the folder at once
        for folder in missing:
            with contextlib.suppress(OSError):
                folder.rmdir()
    return str(job.job_script())


def start(jobs: Jobs) -> Any:
    """Submit the jobs; raises `WorkerError` where there is no Slurm."""
    if shutil.which("sbatch") is None:
        raise WorkerError("sbatch is not on the PATH here: --dask slurm: needs a Slurm login node")
    listen = {"interface": jobs.interface} if jobs.interface else {"host": jobs.host}
    scheduler = {**listen, "dashboard": False, "dashboard_address": None}
    return _slurm_cluster()(n_workers=jobs.jobs, scheduler_options=scheduler, **_job(jobs))


def _slurm_cluster() -> Any:
    """dask-jobqueue's cluster. Its import replaces the handler of Ctrl-C, which is restored."""
    answer = signal.getsignal(signal.SIGINT)
    from dask_jobqueue import SLURMCluster

    signal.signal(signal.SIGINT, answer)
    return SLURMCluster


def _job(jobs: Jobs) -> dict[str, Any]:
    """One worker with one Dask thread in a job; it spreads its chunks over the job's cores."""
    prologue = [*jobs.setup, f"export NPROC={jobs.cores}", *_KEEP_MEMORY]
    directives = list(jobs.directives)
    if jobs.gpu:
        prologue.append("export XLA_PYTHON_CLIENT_MEM_FRACTION=0.85")
        directives.append("--gres=gpu:1")
    return {
        "queue": jobs.partition,
        "account": jobs.account,
        "walltime": jobs.walltime,
        "cores": 1,
        "processes": 1,
        "job_cpu": jobs.cores,
        "memory": jobs.memory,
        "interface": jobs.interface,
        "job_name": "muli",
        "job_extra_directives": directives,
        "job_script_prologue": prologue,
        "python": shlex.quote(sys.executable),
        "log_directory": jobs.log_directory,
    }


def _line(error: Any) -> str:
    """One problem: key, value, what was expected, closest name."""
    key = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"{key[:60]}: unknown key{closest(key, Jobs.model_fields)}"
    if error["type"] == "missing":
        return f"{key}: missing"
    if error["type"] == "value_error":
        return error["msg"].removeprefix("Value error, ")
    reason = expected(error)
    if error["type"] == "string_pattern_mismatch":
        reason = f"expected {_FORMS.get(key, 'one line of text without control characters')}"
    return f"{key} = {shown(error['input'])}: {reason}"
