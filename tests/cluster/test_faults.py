"""Faults of workers and schedulers: nothing is lost, nothing counted twice, words are clear."""

import json
import shutil
import threading
import time
from pathlib import Path

import dask.config
import pytest

import muli
from muli.screen.dataset.store import JOURNAL
from muli.screen.errors import WorkerError
from muli.screen.running.run import run
from tests.screen.screens import contents

ONCE = """
import os, signal, time
from muli.screen.engine import chunk
from muli.screen.running import local as workplace
def first():
    "Whether nobody did this before, on any worker."
    try:
        os.close(os.open({marker!r}, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True
"""
KILLED_IN_THE_MIDDLE = """
write = chunk.Chunker.write
def killed(self, lines, writer, advance):
    tally = write(self, lines, writer, advance)
    if first(): os.kill(os.getpid(), signal.SIGKILL)
    return tally
chunk.Chunker.write = killed
"""
KILLED_JUST_AFTER = """
results = workplace.Local.results
def killed(self, *given):
    yield from results(self, *given)
    if first(): os.kill(os.getpid(), signal.SIGKILL)
workplace.Local.results = killed
"""
HANGS = """
write = chunk.Chunker.write
def hanging(*given):
    if first(): time.sleep(3600)
    return write(*given)
chunk.Chunker.write = hanging
"""
SLOW = """
import time
from muli.screen.engine import chunk
write = chunk.Chunker.write
def slow(*given):
    time.sleep(0.5)
    return write(*given)
chunk.Chunker.write = slow
"""
LIMITED = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))
"""
OTHER_PHYSICS = "from muli import kernels\nkernels.PHYSICS_VERSION = 'next'\n"


def same_and_once(out, whole):
    """The dataset is that of one process, and every chunk stands in the journal once."""
    assert contents(out) == whole[1]
    lines = (out / JOURNAL).read_text().splitlines()
    assert sorted(json.loads(line)["chunk"] for line in lines) == list(range(len(whole[1])))
    counts = [json.loads((f / "manifest.json").read_text())["counts"] for f in (out, whole[2])]
    assert counts[0] == counts[1]
    assert not list(out.glob(".writing-*"))


@pytest.mark.parametrize(
    "moment",
    [KILLED_IN_THE_MIDDLE, pytest.param(KILLED_JUST_AFTER, marks=pytest.mark.full)],
)
def test_a_killed_workers_task_is_done_by_another(whole, tmp_path, fleet, moment):
    text = ONCE.format(marker=str(tmp_path / "marker")) + moment
    address = fleet.schedule()
    workers = [fleet.work(text), fleet.work(text)]
    fleet.wait_for_all()
    result = run(whole[0], tmp_path / "out", dask=address)
    assert result.complete
    assert sorted(worker.poll() is None for worker in workers) == [False, True]
    same_and_once(tmp_path / "out", whole)


@pytest.mark.full
def test_the_scheduler_is_killed_and_the_run_started_again(whole, tmp_path, fleet):
    address, out = fleet.schedule(), tmp_path / "out"
    fleet.work(SLOW)

    def kill_when_something_is_done():
        while not list(out.glob("part-*.parquet")):
            time.sleep(0.02)
        fleet.scheduler.kill()

    killer = threading.Thread(target=kill_when_something_is_done)
    killer.start()
    with pytest.raises(WorkerError, match=r"the scheduler is gone.*same command continues"):
        run(whole[0], out, dask=address)
    killer.join()
    done = len(list(out.glob("part-*.parquet")))
    assert 0 < done < len(whole[1])
    fleet.schedule()
    fleet.work()
    assert run(whole[0], out, dask=fleet.address).complete
    same_and_once(out, whole)


@pytest.mark.full
@pytest.mark.parametrize("nanny", [True, False])
def test_a_hanging_worker_loses_its_task_to_another(whole, tmp_path, fleet, preload, nanny):
    text = ONCE.format(marker=str(tmp_path / "marker")) + HANGS
    with dask.config.set({"muli.task-limit": 20}), preload(text):
        if not nanny:
            fleet.schedule()
            _ = fleet.work(text), fleet.work(text)
            fleet.wait_for_all()
        where = "local:2" if nanny else fleet.address
        result = run(whole[0], tmp_path / "out", dask=where)
    assert any("held a task for over 20 s" in note for note in result.notes)
    same_and_once(tmp_path / "out", whole)


def test_a_worker_of_other_physics_is_left_out_and_the_last_one_named(whole, tmp_path, fleet):
    address = fleet.schedule()
    fleet.work(OTHER_PHYSICS)
    with pytest.raises(WorkerError, match=r"physics_version: .* -> next"):
        run(whole[0], tmp_path / "out", dask=address)
    assert not list((tmp_path / "out").glob("*.parquet"))


@pytest.mark.full
def test_a_worker_with_other_data_is_left_out_and_the_rest_goes_on(whole, tmp_path, fleet):
    copied = tmp_path / "elsewhere" / "muli"  # its folders are links; they are followed
    shutil.copytree(Path(muli.__file__).parent, copied)
    values = copied / "candidates" / "library" / "values.csv"
    values.write_text(values.read_text() + "\n")
    address = fleet.schedule()
    fleet.work(folder=copied.parent, environment={"PYTHONPATH": str(copied.parent)})
    fleet.work(SLOW)
    fleet.wait_for_all()
    result = run(whole[0], tmp_path / "out", dask=address)
    assert any("library: " in note for note in result.notes)
    same_and_once(tmp_path / "out", whole)


@pytest.mark.full
def test_a_full_disk_on_one_worker_is_named_and_the_rest_goes_on(whole, tmp_path, fleet):
    size = max(len(data) for data in whole[1].values()) // 2
    address = fleet.schedule()
    fleet.work(LIMITED.format(size=size))
    fleet.work(SLOW)
    fleet.wait_for_all()
    result = run(whole[0], tmp_path / "out", dask=address)
    assert any("size limit" in note for note in result.notes)
    same_and_once(tmp_path / "out", whole)
