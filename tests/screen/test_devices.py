"""Eight virtual devices, any number of chunks in work: the same bytes."""

import json
import os
import subprocess
import sys

import pandas as pd
import pytest

from screen import space
from screen.running import run
from tests.screen.screens import contents, read, small

SCRIPT = """
import json, sys
from screen import space
space.CHUNK_ROWS, space.TILE_ROWS = 1024, 256
import jax
assert len(jax.local_devices()) == 8
from screen.running import run
for mode in sys.argv[3:]:
    spec = json.load(open(sys.argv[1]))
    spec["output"]["mode"] = mode
    run(spec, f"{sys.argv[2]}/{mode}")
    manifest = json.load(open(f"{sys.argv[2]}/{mode}/manifest.json"))
    assert len(manifest["devices"]) == 8, manifest["devices"]
"""


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
