"""Workers give the same bytes as one process, are reached on the loopback device alone, and obey
signals, shards and resuming as a run in one process does."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest

from muli.screen.errors import ResumeRefused, SpecError, UsageError
from muli.screen.running.clusters import environment, gpus, local_cluster
from muli.screen.running.run import run
from muli.screen.running.workers import CHUNKS_PER_TASK, cut
from tests.cluster.conftest import PRELOAD
from tests.screen.screens import contents, small

LISTENERS = """
import json, os, psutil
from muli.screen.running import local as workplace
results = workplace.Local.results
def telling(self, *given):
    near = [c.laddr.ip for c in psutil.Process().net_connections("inet") if c.status == "LISTEN"]
    text = json.dumps({{"listens": near, "threads": os.environ.get("NPROC")}})
    with open({path!r} + str(os.getpid()), "w") as file: file.write(text)
    yield from results(self, *given)
workplace.Local.results = telling
"""


def test_two_workers_give_the_same_bytes_and_listen_on_loopback(whole, tmp_path, preload):
    told = tmp_path / "told-"
    with preload(LISTENERS.format(path=str(told))):
        result = run(whole[0], tmp_path / "out", dask="local:2")
    assert result.complete
    assert contents(tmp_path / "out") == whole[1]
    manifests = [
        json.loads((f / "manifest.json").read_text()) for f in (tmp_path / "out", whole[2])
    ]
    for key in (
        "identity",
        "counts",
        "outcomes",
        "histograms",
        "funnel",
        "parts",
        "stacks",
        "rows",
        "axes",
    ):
        assert manifests[0][key] == manifests[1][key], key
    assert manifests[0]["workers"] == 2
    assert "://" not in json.dumps({k: v for k, v in manifests[0].items() if k != "sources"})
    found = [json.loads(path.read_text()) for path in tmp_path.glob("told-*")]
    assert found
    share = str(max(1, len(os.sched_getaffinity(0)) // 2))
    for worker in found:
        assert set(worker["listens"]) == {"127.0.0.1"}
        assert worker["threads"] == share
    near = psutil.Process().net_connections("inet")
    assert not [c for c in near if c.status == "LISTEN" and c.laddr.ip != "127.0.0.1"]


@pytest.mark.full
@pytest.mark.parametrize(("mode", "workers"), [("best", 1), ("best", 2), ("feasible", 1)])
def test_every_mode_and_number_of_workers_give_the_same(tmp_path, preload, mode, workers):
    spec = small(tmp_path, mode)
    run(spec, tmp_path / "here", precision="float64")
    with preload():
        run(spec, tmp_path / "there", precision="float64", dask=f"local:{workers}")
    assert contents(tmp_path / "here") == contents(tmp_path / "there")


@pytest.mark.full
def test_workers_continue_what_one_process_began_and_refuse_another_screen(whole, tmp_path, fleet):
    out = tmp_path / "out"
    shutil.copytree(whole[2], out)
    (out / "part-00000001.parquet").unlink()
    (out / "part-00000003.parquet").write_bytes(b"cut off")
    address = fleet.schedule()
    fleet.work()
    other = small(tmp_path, "all", screen__asr_budget_ohm_cm2=20.0)
    with pytest.raises(ResumeRefused, match="asr_budget"):
        run(other, out, dask=address)
    assert run(whole[0], out, dask=address).complete
    assert contents(out) == whole[1]


RUN = """
import json, sys
import dask.config
from muli.screen.space import layout as space
from muli.screen.errors import ScreenError
from muli.screen.running.run import run
if __name__ == "__main__":
    space.CHUNK_ROWS, space.TILE_ROWS = 2048, 1024
    try:
        with dask.config.set({"distributed.worker.preload": [sys.argv[3]]}):
            run(json.load(open(sys.argv[1])), sys.argv[2], dask="local:2")
    except ScreenError as error:
        print(error, flush=True)
        sys.exit(error.exit_code)
"""
NO_COMPILER = """
from jax import stages
def compile(*given, **more): raise RuntimeError("a worker was asked to compile")
stages.Lowered.compile = compile
"""
SLOW = """
import time
from muli.screen.engine import chunk
write = chunk.Chunker.write
def slow(*given):
    time.sleep(2)
    return write(*given)
chunk.Chunker.write = slow
"""


def start(tmp_path, spec, text, **environment):
    """A run with two workers in a session of its own, its words in `log`."""
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    (tmp_path / "run.py").write_text(RUN)
    command = [sys.executable, "run.py", "spec.json", "out", PRELOAD.format(text=text)]
    with (tmp_path / "log").open("w") as file:
        return subprocess.Popen(
            command,
            cwd=tmp_path,
            env={**os.environ, **environment},
            stdout=file,
            stderr=file,
            start_new_session=True,
        )


@pytest.mark.full
def test_workers_on_this_machine_are_given_the_programs_of_the_run(whole, tmp_path):
    """Without JAX's cache: with it, each takes them from there."""
    process = start(tmp_path, whole[0], NO_COMPILER, JAX_COMPILATION_CACHE_DIR="")
    assert process.wait() == 0, (tmp_path / "log").read_text()
    assert contents(tmp_path / "out") == whole[1]


@pytest.mark.full
def test_ctrl_c_ends_after_the_chunks_in_work_and_the_same_command_continues(whole, tmp_path):
    """The signal goes to the whole group of processes, as a terminal sends it."""
    out, log = tmp_path / "out", tmp_path / "log"
    process = start(tmp_path, whole[0], SLOW)
    while not list(out.glob("part-*.parquet")):
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait() == 130
    assert "the same command" in log.read_text()
    assert 0 < len(contents(out)) < len(whole[1])
    assert not list(out.glob(".writing-*"))
    assert run(whole[0], out).complete
    assert contents(out) == whole[1]


def test_workers_on_their_way_end_with_a_run_that_cannot_begin(tmp_path):
    before = set(psutil.Process().children(recursive=True))
    with pytest.raises(SpecError, match="cannot be read"):
        run(tmp_path / "absent.toml", tmp_path / "out", dask="local:2")
    left = set(psutil.Process().children(recursive=True)) - before
    assert not [child for child in left if "spawn_main" in " ".join(child.cmdline())]


def test_tasks_are_ranges_that_cover_everything_once():
    tasks = list(cut(range(5, 100_000), 4))
    assert [chunk for task in tasks for chunk in task] == list(range(5, 100_000))
    assert max(map(len, tasks)) == CHUNKS_PER_TASK
    sizes = [len(task) for task in tasks]
    assert sorted(sizes, reverse=True) == sizes
    assert sizes[-1] == 1
    assert list(cut([3, 8], 100)) == [[3], [8]]
    assert len(list(cut(range(2_400_000), 1000))) < 2_400_000 / (CHUNKS_PER_TASK / 2)


def test_every_gpu_gets_one_process_and_no_more(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,GPU-5ebe9f43")
    found = gpus("auto")
    assert found == ["2", "GPU-5ebe9f43"]
    assert gpus("cpu") == []
    pinned = [environment(number, 2, found) for number in range(2)]
    assert [each["CUDA_VISIBLE_DEVICES"] for each in pinned] == found
    assert all(0 < float(each["XLA_PYTHON_CLIENT_MEM_FRACTION"]) < 1 for each in pinned)
    with pytest.raises(UsageError, match="there are 2 GPUs"):
        local_cluster(3, found)


@pytest.mark.parametrize("where", ["local:0", "local", "tcp://nowhere", "node:1", "slurm"])
def test_an_unreadable_place_is_refused(whole, tmp_path, where):
    with pytest.raises(UsageError, match="expected local:N"):
        run(whole[0], tmp_path / "out", dask=where)
