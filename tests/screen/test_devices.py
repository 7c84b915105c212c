"""Eight virtual devices, any number of chunks in work: the same bytes. Programs lower for CUDA."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import jax
import jax.export
import pandas as pd
import pytest

from muli.screen.engine.evaluate import Evaluator
from muli.screen.engine.gates import Gates
from muli.screen.running.run import run
from muli.screen.space import layout as space
from muli.screen.space.setup import set_up
from tests.screen.screens import contents, read, small

SCRIPT = """
import json, sys
from muli.screen.space import layout as space
space.CHUNK_ROWS, space.TILE_ROWS = 1024, 256
import jax
assert len(jax.local_devices()) == 8
from muli.screen.running.run import run
for mode in sys.argv[3:]:
    spec = json.load(open(sys.argv[1]))
    spec["output"]["mode"] = mode
    run(spec, f"{sys.argv[2]}/{mode}")
    manifest = json.load(open(f"{sys.argv[2]}/{mode}/manifest.json"))
    assert len(manifest["devices"]) == 8, manifest["devices"]
"""


BEST = ["ends", "positions", "pieces", "judge", "reduce"]
"""Programs of mode best where thicknesses are solved and not visited."""


@pytest.mark.parametrize("mode", ["all", pytest.param("best", marks=pytest.mark.full)])
def test_eight_devices_write_what_one_writes(tmp_path, monkeypatch, mode):
    monkeypatch.setattr(space, "CHUNK_ROWS", 1024)
    monkeypatch.setattr(space, "TILE_ROWS", 256)
    (tmp_path / "spec.json").write_text(json.dumps(small(tmp_path, "all")))
    many = tmp_path / "many"
    eight = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=8"
    flags = {"XLA_FLAGS": eight, "JAX_PLATFORMS": "cpu"}
    subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "spec.json"), str(many), mode],
        check=True, env={**os.environ, **flags},
    )  # fmt: skip
    run(small(tmp_path, mode), tmp_path / mode)
    assert contents(tmp_path / mode) == contents(many / mode)


@pytest.mark.parametrize("mode", ["all", pytest.param("best", marks=pytest.mark.full)])
def test_tiles_of_few_lines_hold_what_one_large_tile_holds(tmp_path, monkeypatch, mode):
    """Up to rounding: these are different programs."""
    tables = []
    for lines in (120, 3, 2):
        monkeypatch.setattr(space, "TILE_ROWS", lines * 2 * 37)
        run(small(tmp_path, mode), tmp_path / str(lines))
        tables.append(read(tmp_path / str(lines)).to_pandas())
    for table in tables[1:]:
        pd.testing.assert_frame_equal(table, tables[0], rtol=1e-5, check_categorical=False)


def test_shards_make_the_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(space, "CHUNK_ROWS", 2048)
    run(small(tmp_path, "all"), tmp_path / "whole")
    parts, stacks = {}, 0
    for share in (1, 2, 3):
        result = run(small(tmp_path, "all"), tmp_path / f"share{share}", shard=(share, 3))
        assert sum(result.counts.values()) == result.stacks
        stacks += result.stacks
        parts |= contents(tmp_path / f"share{share}")
    assert stacks == 8880
    assert parts == contents(tmp_path / "whole")


@pytest.mark.parametrize(
    ("law", "mode"),
    [
        ("constant", "all"),
        ("constant", "best"),
        pytest.param("branches", "best", marks=pytest.mark.full),
        pytest.param("branches", "all", marks=pytest.mark.full),
    ],
)
def test_every_program_of_a_screen_lowers_for_cpu_and_cuda(tmp_path, monkeypatch, law, mode):
    sigma = {"lognormal": {"median": 1e-12, "decades": 1.0}}
    drawn = {"draws": 8, "seed": 1, "coating.sigma_ele_S_cm": sigma}
    setup = set_up(small(tmp_path, mode, screen__law=law) | {"uncertainty": drawn})
    lowered = []

    def exported(evaluator, function, *inputs):
        shapes = jax.tree.map(lambda array: jax.ShapeDtypeStruct(array.shape, array.dtype), inputs)
        found = jax.export.export(jax.jit(function), platforms=["cpu", "cuda"])(*shapes)
        lowered.append(found.platforms)
        answers = jax.tree.unflatten(found.out_tree, found.out_avals)
        return SimpleNamespace(out_info=answers, compile=lambda: found)

    monkeypatch.setattr(Evaluator, "_lowered", exported)
    gates = Gates(setup.gates, setup.axis_columns)
    evaluator = Evaluator(
        setup.problem, gates, dtype="float32", device=jax.devices()[0], tiles_per_call=1
    )
    evaluator.compile(mode)
    assert list(evaluator.programs) == [
        "rows", *(BEST if mode == "best" else ["whole"]), "score",
    ]  # fmt: skip
    assert lowered == [("cpu", "cuda")] * len(evaluator.programs)
