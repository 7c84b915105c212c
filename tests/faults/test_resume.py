"""Whatever happens to a run or its folder: the same command ends in the same bytes, or says why."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, nullcontext
from pathlib import Path
from uuid import uuid4

import pyarrow.parquet as pq
import pytest

from muli.screen.dataset import journal
from muli.screen.dataset.store import JOURNAL, Store, part_name
from muli.screen.errors import Interrupted, ResumeRefused, StoreError
from muli.screen.running.run import run
from muli.screen.space import layout as space
from tests.screen.screens import contents, small


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(space, "CHUNK_ROWS", 2048)
    monkeypatch.setattr(space, "TILE_ROWS", 1024)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Spec and bytes of an uninterrupted run."""
    folder = tmp_path_factory.mktemp("whole")
    spec = small(folder, "all")
    before = space.CHUNK_ROWS, space.TILE_ROWS
    space.CHUNK_ROWS, space.TILE_ROWS = 2048, 1024
    run(spec, folder / "out")
    space.CHUNK_ROWS, space.TILE_ROWS = before
    return spec, contents(folder / "out"), folder / "out"


def copy(whole, folder):
    return shutil.copytree(whole[2], folder)


def test_a_finished_run_is_not_computed_again(whole, tmp_path, monkeypatch):
    out = copy(whole, tmp_path / "out")
    monkeypatch.setattr(
        "muli.screen.running.run._Job._compute", lambda *_: pytest.fail("computed again")
    )
    assert run(whole[0], out).complete
    assert contents(out) == whole[1]


def _truncate(path):
    path.write_bytes(path.read_bytes()[:-7])


def _flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(bytes(data))


def _swap(path):
    path.write_bytes((path.parent / part_name(0)).read_bytes())


@pytest.mark.parametrize("damage", [_truncate, _flip, _swap, os.unlink])
def test_a_damaged_part_is_computed_again(whole, tmp_path, damage):
    out = copy(whole, tmp_path / "out")
    damage(out / part_name(2))
    (out / f".writing-{part_name(9)}-{uuid4().hex}").write_bytes(b"half")
    assert run(whole[0], out).complete
    assert contents(out) == whole[1]
    assert not list(out.glob(".writing-*"))


def test_a_part_of_another_run_is_not_taken(whole, tmp_path):
    out = copy(whole, tmp_path / "out")
    entries = Store(out).journal()
    entries[1] = {**entries[1], "identity": "another"}
    (out / JOURNAL).write_bytes(journal.lines(entries.values()) + b'{"chunk": 3, "sha')
    pq.write_table(pq.read_table(out / part_name(1)).slice(5), out / part_name(1))
    assert run(whole[0], out).complete
    assert contents(out) == whole[1]


def test_changed_axes_are_refused_by_name_and_restart_starts_anew(whole, tmp_path):
    out = copy(whole, tmp_path / "out")
    changed = small(tmp_path, "all", axes__anode=["Li"], screen__asr_budget_ohm_cm2=20.0)
    with pytest.raises(ResumeRefused) as refused:
        run(changed, out)
    text = str(refused.value)
    assert refused.value.exit_code == 3
    assert "screen.asr_budget_ohm_cm2: 10.0 -> 20.0" in text
    assert "axes.anode.names" in text
    assert "--restart" in text
    assert "--out" in text
    assert contents(out) == whole[1]
    assert run(changed, out, restart=True).stacks == 4440


def test_changed_data_are_refused(whole, tmp_path):
    out = copy(whole, tmp_path / "out")
    films = whole[2].parent / "films.csv"
    before = films.read_text()
    try:
        films.write_text(before.replace("1e-6,1e-12", "1e-6,2e-12"))
        with pytest.raises(ResumeRefused, match=r"data\.coating"):
            run(whole[0], out)
    finally:
        films.write_text(before)


def test_changed_physics_and_precision_are_refused(whole, tmp_path, monkeypatch):
    out = copy(whole, tmp_path / "out")
    with pytest.raises(ResumeRefused, match='precision: "float32" -> "float64"'):
        run(whole[0], out, precision="float64")
    monkeypatch.setattr("muli.screen.running.identity.PHYSICS_VERSION", "next")
    with pytest.raises(ResumeRefused, match=r'physics_version: "\S+" -> "next"'):
        run(whole[0], out)


def test_a_second_run_in_the_same_folder_is_refused(whole, tmp_path):
    out = copy(whole, tmp_path / "out")
    with Store(out).locked(), pytest.raises(StoreError, match="another run"):
        run(whole[0], out)


def test_a_clock_set_back_changes_nothing(whole, tmp_path):
    out = copy(whole, tmp_path / "out")
    os.unlink(out / part_name(0))
    for path in out.iterdir():
        os.utime(path, (2**33, 2**33))
    run(whole[0], out)
    assert contents(out) == whole[1]


@contextmanager
def somebody_without_rights():
    """The superuser may write anywhere; tests run by it step down for a while."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_read_only_folder_is_named():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "mine").mkdir()
        for mode in (0o555, 0o777):
            folder.chmod(mode)
            (folder / "mine").chmod(mode)
            with somebody_without_rights():
                for out in (folder / "mine", folder / f"new-{mode}"):
                    expected = nullcontext() if mode == 0o777 else pytest.raises(
                        StoreError, match="no permission to write; use another --out"
                    )  # fmt: skip
                    with expected, Store(out).locked():
                        (out / part_name(0)).write_bytes(b"something")
        assert (folder / "new-511" / part_name(0)).exists()


def test_a_full_disk_is_named_and_the_run_goes_on_afterwards(whole, tmp_path):
    """RLIMIT_FSIZE makes the operating system refuse the write, as a full disk would."""
    out = tmp_path / "out"
    largest = max(len(data) for data in whole[1].values())
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest - 1000, limits[1]))
    try:
        with pytest.raises(StoreError, match="size limit"):
            run(whole[0], out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert not list(out.glob(".writing-part*"))
    run(whole[0], out)
    assert contents(out) == whole[1]


def test_a_material_whose_every_row_fails_does_not_stop_the_others(tmp_path):
    spec = small(tmp_path, "all")
    films = tmp_path / "films.csv"
    films.write_text(films.read_text() + "film F,LiF,1e-6,1e-300,0.0,6.38,here\n")
    result = run(spec, tmp_path / "out")
    assert sum(result.counts.values()) == result.stacks
    assert result.counts["ok"] == 7104
    assert result.notes or result.failed


SCRIPT = """
import sys, json
from muli.screen.space import layout as space
space.CHUNK_ROWS, space.TILE_ROWS = 2048, 1024
import jax
jax.config.update("jax_compilation_cache_dir", sys.argv[3])
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
from muli.screen.engine import chunk
from muli.screen.errors import ScreenError
from muli.screen.running.run import run
slow = chunk.Chunker.write
def write(self, lines, writer, pause):
    print("writing", flush=True)
    import time; time.sleep(0.15)
    return slow(self, lines, writer, pause)
chunk.Chunker.write = write
try:
    run(json.load(open(sys.argv[1])), sys.argv[2])
except ScreenError as error:
    print(error, flush=True)
    sys.exit(error.exit_code)
"""


def start(spec, folder, cache):
    path = folder / "spec.json"
    path.write_text(json.dumps(spec))
    command = [sys.executable, "-c", SCRIPT, str(path), str(folder / "out"), str(cache)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize(
    ("mode", "kills"),
    [
        ("all", 2),
        ("best", 1),
        pytest.param("all", 20, marks=pytest.mark.full),
        pytest.param("best", 20, marks=pytest.mark.full),
    ],
)
def test_killed_runs_end_in_the_same_bytes(tmp_path, mode, kills, cache):
    """kill -9 again and again, then to the end."""
    spec = small(tmp_path, mode)
    run(spec, tmp_path / "straight")
    for kill in range(kills):
        process = start(spec, tmp_path, cache)
        for _ in range(1 + kill % 3):
            process.stdout.readline()
        time.sleep(0.05 * (kill % 7))
        process.kill()
        process.wait()
        process.stdout.close()
    assert run(spec, tmp_path / "out").complete
    assert contents(tmp_path / "out") == contents(tmp_path / "straight")
    assert not list((tmp_path / "out").glob(".writing-*"))


def test_sigterm_finishes_the_chunk_and_says_how_to_go_on(whole, tmp_path, cache):
    process = start(whole[0], tmp_path, cache)
    process.stdout.readline()
    refused = pytest.raises(StoreError, match="another run is writing here")
    with refused, Store(tmp_path / "out").locked():
        pass
    process.send_signal(signal.SIGTERM)
    text = process.stdout.read()
    assert process.wait() == 130 == Interrupted.exit_code
    process.stdout.close()
    assert "the same command" in text
    out = tmp_path / "out"
    done = Store(out).journal()
    assert 0 < len(done) < len(whole[1])
    assert set(contents(out)) == {part_name(chunk) for chunk in done}
    assert not json.loads((out / "manifest.json").read_text())["complete"]
    assert run(whole[0], out).complete
    assert contents(out) == whole[1]


@pytest.mark.full
def test_a_second_signal_ends_a_run_at_once_and_loses_nothing(whole, tmp_path, cache):
    process = start(whole[0], tmp_path, cache)
    for number in (signal.SIGINT, signal.SIGTERM):
        process.stdout.readline()
        process.send_signal(number)
        time.sleep(0.05)
    assert process.wait() == 130
    assert "the same command" not in process.stdout.read()
    process.stdout.close()
    assert run(whole[0], tmp_path / "out").complete
    assert contents(tmp_path / "out") == whole[1]
    assert not list((tmp_path / "out").glob(".writing-*"))


TWO_SIGNALS = """
import os, signal
from muli.screen.running.signals import stop_on_signal
with stop_on_signal() as stop:
    for number in (signal.SIGTERM, signal.SIGINT):
        os.kill(os.getpid(), number)
        print("stopping" if stop.is_set() else "going on", flush=True)
"""


def test_the_second_signal_ends_the_process():
    found = subprocess.run([sys.executable, "-c", TWO_SIGNALS], capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (130, "stopping\n")
