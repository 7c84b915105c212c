"""Every file operation of a run, a merge and a computation of windows fails once and dies once.

Whatever happened, the same command ends in the same bytes, and what failed is told in words.
"""

import shutil

import pytest

from muli.screen.dataset.merge import merge
from muli.screen.dataset.verify import verify
from muli.screen.errors import StoreError
from muli.screen.running import run as running
from muli.screen.running.local import Local
from muli.screen.running.run import run
from muli.screen.space import layout as space
from tests.candidates.test_compute import _compute
from tests.faults.injected import Died, Faults, injected
from tests.screen.screens import contents, small


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(space, "CHUNK_ROWS", 1024)
    monkeypatch.setattr(space, "TILE_ROWS", 1024)


@pytest.fixture(autouse=True)
def set_up_once(monkeypatch, small_chunks):
    """A run is set up and compiled once: what is under test are its files."""
    kept = {}
    real, compiled = running.set_up, Local._compile

    def set_up(spec):
        if "setup" not in kept:
            kept["setup"] = real(spec)
        return kept["setup"]

    def compile_once(self, *asked):
        self._chunkers = kept.get("programs", [])
        compiled(self, *asked)
        kept["programs"] = self._chunkers

    monkeypatch.setattr(running, "set_up", set_up)
    monkeypatch.setattr(Local, "_compile", compile_once)


def every(folder):
    return contents(folder) | {p.name: p.read_bytes() for p in sorted(folder.glob("materials/*"))}


def operations(folder, work):
    """How many file operations the work needs."""
    with injected(Faults(folder)) as faults:
        work()
    return faults.count


def picked(count, asked):
    """All operations, or some: the first, the last, and evenly between."""
    return (
        range(count)
        if asked is None
        else sorted({i * (count - 1) // asked for i in range(asked + 1)})
    )


def fails_and_goes_on(folder, work, at, dies, check, kind=StoreError):
    """The work with one fault, then again without."""
    shutil.rmtree(folder, ignore_errors=True)
    said = None
    try:
        with injected(Faults(folder, at, dies=dies)):
            work()
    except Died:
        assert dies
    except kind as error:
        said = str(error)
    told = said is not None and any(text in said for text in ("disk is full", "cannot be read"))
    assert said is None or (told and not dies) or kind is OSError
    work()
    check()


@pytest.fixture
def spec(tmp_path):
    return small(tmp_path, "best", axes__electrolyte_thickness_um=[20])


@pytest.mark.parametrize("asked", [2, pytest.param(None, marks=pytest.mark.full)])
@pytest.mark.parametrize("dies", [False, True], ids=["fails", "dies"])
def test_every_file_operation_of_a_run(spec, tmp_path, dies, asked):
    run(spec, tmp_path / "whole")
    expected, out = every(tmp_path / "whole"), tmp_path / "out"

    def check():
        assert every(out) == expected
        assert verify(out).ok
        assert not list(out.glob("**/.writing-*"))

    count = operations(out, lambda: run(spec, out))
    assert count > 30
    for at in picked(count, asked):
        fails_and_goes_on(out, lambda: run(spec, out), at, dies, check)


@pytest.mark.parametrize("asked", [8, pytest.param(None, marks=pytest.mark.full)])
@pytest.mark.parametrize("dies", [False, True], ids=["fails", "dies"])
def test_every_file_operation_of_a_merge(spec, tmp_path, dies, asked, monkeypatch):
    monkeypatch.setattr("muli.screen.dataset.merge.AT_A_TIME", 2)
    run(spec, tmp_path / "whole")
    shards = [tmp_path / "1", tmp_path / "2"]
    for number, folder in enumerate(shards, 1):
        run(spec, folder, shard=(number, 2))
    expected, out = every(tmp_path / "whole"), tmp_path / "out"

    def check():
        assert every(out) == expected
        assert verify(out).ok
        assert not list(out.glob("**/.writing-*"))

    count = operations(out, lambda: merge(out, shards))
    assert count > 30
    for at in picked(count, asked):
        fails_and_goes_on(out, lambda: merge(out, shards), at, dies, check)


def test_a_merge_that_was_stopped_is_continued_by_a_run(spec, tmp_path):
    shards = [tmp_path / "1", tmp_path / "2"]
    for number, folder in enumerate(shards, 1):
        run(spec, folder, shard=(number, 2))
    run(spec, tmp_path / "whole")
    out = tmp_path / "out"
    with pytest.raises(Died), injected(Faults(out, 40, dies=True)):
        merge(out, shards)
    assert run(spec, out).complete
    assert every(out) == every(tmp_path / "whole")


@pytest.mark.parametrize("asked", [6, pytest.param(None, marks=pytest.mark.full)])
@pytest.mark.parametrize("dies", [False, True], ids=["fails", "dies"])
def test_every_file_operation_of_a_computation(tmp_path, dies, asked):
    compute(tmp_path / "whole" / "table.csv")
    expected = (tmp_path / "whole" / "table.csv").read_bytes()
    folder = tmp_path / "out"

    def work():
        compute(folder / "table.csv")

    def check():
        left = {path.name for path in folder.iterdir()} - {"table.csv", "table.json"}
        assert not left or (dies and all(name.startswith(".muli-") for name in left))
        assert (folder / "table.csv").read_bytes() == expected

    count = operations(folder, work)
    assert count > 10
    for at in picked(count, asked):
        fails_and_goes_on(folder, work, at, dies, check, OSError)


def compute(out):
    """A small computation in this process."""
    out.parent.mkdir(exist_ok=True)
    _compute(out)
