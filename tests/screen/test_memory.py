"""Out of memory: the batch is halved, the run says so, and the bytes are the same."""

import jax
import pytest

from muli.screen.engine.chunk import Chunker
from muli.screen.engine.device import plan, tile_bytes
from muli.screen.engine.evaluate import Evaluator
from muli.screen.engine.gates import Gates
from muli.screen.errors import DeviceError
from muli.screen.running.run import run
from muli.screen.space import layout as space
from muli.screen.space.setup import set_up
from tests.screen.screens import contents, small


def test_a_batch_that_does_not_fit_is_halved(tmp_path, monkeypatch):
    monkeypatch.setattr(space, "CHUNK_ROWS", 4096)
    monkeypatch.setattr(space, "TILE_ROWS", 512)
    spec = small(tmp_path, "best")
    run(spec, tmp_path / "roomy", batch=4096)
    write = Chunker.write

    def scarce(self, *args):
        if self.evaluator.tiles_per_call > 3:
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


def test_draws_are_in_work_too(tmp_path):
    """What the compiled program asks for lies between the estimates without and with draws."""
    spec = small(tmp_path, "best")
    sigma = {"lognormal": {"median": 1e-12, "decades": 1.0}}
    spec["uncertainty"] = {"draws": 128, "seed": 1, "coating.sigma_ele_S_cm": sigma}
    setup = set_up(spec)
    space, draws = setup.problem.space, setup.problem.draws
    asked = space, "best", "float32"
    gates = Gates(setup.gates, setup.axis_columns)
    evaluator = Evaluator(
        setup.problem, gates, dtype="float32", device=jax.devices()[0], tiles_per_call=1
    )
    evaluator.compile("all")
    needed = evaluator.programs["rows"].memory_analysis().temp_size_in_bytes
    assert tile_bytes(*asked, None) < needed < tile_bytes(*asked, draws)
    limit = tile_bytes(*asked, draws) + 1
    knobs = "auto", None
    assert plan(*asked, *knobs, limit, draws).workers == 1
    assert plan(*asked, *knobs, limit).workers > 1
    with pytest.raises(DeviceError, match="fewer draws"):
        plan(*asked, *knobs, limit // 2, draws)
