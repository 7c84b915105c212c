"""Out of memory: the batch is halved, the run says so, and the bytes are the same."""

import jax
import pytest

from screen import space
from screen.chunk import Chunker
from screen.errors import DeviceError
from screen.running import run
from tests.screen.screens import contents, small


def test_a_batch_that_does_not_fit_is_halved(tmp_path, monkeypatch):
    monkeypatch.setattr(space, "CHUNK_ROWS", 4096)
    monkeypatch.setattr(space, "TILE_ROWS", 512)
    spec = small(tmp_path, "best")
    run(spec, tmp_path / "roomy", batch=4096)
    write = Chunker.write

    def scarce(self, *args):
        if self.evaluator.tiles_per_call > 2:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: out of memory")
        return write(self, *args)

    monkeypatch.setattr(Chunker, "write", scarce)
    result = run(spec, tmp_path / "scarce", batch=4096)
    assert any("out of memory: now 2 tiles per call" in note for note in result.notes)
    assert contents(tmp_path / "scarce") == contents(tmp_path / "roomy")


def test_what_does_not_fit_at_all_and_other_errors_end_the_run(tmp_path, monkeypatch):
    def fail(message):
        def write(*_):
            raise jax.errors.JaxRuntimeError(message)

        monkeypatch.setattr(Chunker, "write", write)

    fail("RESOURCE_EXHAUSTED: out of memory")
    with pytest.raises(DeviceError, match="not enough memory for a single tile"):
        run(small(tmp_path, "best"), tmp_path / "a")
    fail("INTERNAL: something else")
    with pytest.raises(jax.errors.JaxRuntimeError, match="something else"):
        run(small(tmp_path, "best"), tmp_path / "b")
