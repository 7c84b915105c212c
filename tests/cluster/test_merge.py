"""Shards computed apart and merged are the dataset of a single run; anything else is refused."""

import json
import shutil

import pytest

from muli.screen.cli.run import show
from muli.screen.dataset import manifest
from muli.screen.dataset.merge import merge
from muli.screen.dataset.store import Store, part_name
from muli.screen.errors import SpecError, StoreError
from muli.screen.ranking.rank import ranking
from muli.screen.running.run import run
from tests.screen.screens import contents, rewritten, small

OF_THE_RUN = {"checksum", "finished", "seconds", "notes", "workers", "devices", "versions"}
GATES = {
    "known": "sigma_ele_S_cm IS NOT NULL",
    "thin": {"sql": "coating_thickness_nm < 200 AND min_thickness_nm < 1e6", "require": True},
}


def shards(spec, folder, whole=3):
    for part in range(1, whole + 1):
        run(spec, folder / str(part), shard=(part, whole))
    return [folder / str(part) for part in range(1, whole + 1)]


@pytest.fixture(scope="module")
def two(tmp_path_factory, whole):
    folder = tmp_path_factory.mktemp("shards")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("muli.screen.space.layout.CHUNK_ROWS", 2048)
        patch.setattr("muli.screen.space.layout.TILE_ROWS", 1024)
        return shards(whole[0], folder, 2)


@pytest.mark.parametrize("mode", ["best", pytest.param("all", marks=pytest.mark.full)])
def test_merged_shards_are_the_single_run(tmp_path, mode):
    spec = small(tmp_path, mode, filters__known=GATES["known"], filters__thin=GATES["thin"])
    run(spec, tmp_path / "single")
    parts = shards(spec, tmp_path)
    result = merge(tmp_path / "merged", reversed(parts))
    assert contents(tmp_path / "merged") == contents(tmp_path / "single")
    manifests = [
        json.loads((tmp_path / name / "manifest.json").read_text()) for name in ("single", "merged")
    ]
    one, other = ({k: m[k] for k in m if k not in OF_THE_RUN} for m in manifests)
    assert one == other
    assert sum(result.counts.values()) == result.stacks == one["stacks"]
    assert result.counts["filtered"] > 0


def test_a_merged_folder_continues_as_a_finished_run(whole, two, tmp_path, monkeypatch):
    merge(tmp_path / "merged", two)
    monkeypatch.setattr(
        "muli.screen.running.run._Job._compute", lambda *_: pytest.fail("computed again")
    )
    assert run(whole[0], tmp_path / "merged").complete


def test_a_share_without_chunks_ends_well(tmp_path, capsys):
    """More shards than chunks; a ranking of it says why there are no rows."""
    result = run(small(tmp_path, "best"), tmp_path / "out", shard=(99, 99))
    show(result, json=False)
    assert "0 stacks" in capsys.readouterr().out
    with pytest.raises(StoreError, match="none of the screen's chunks is its share"):
        ranking(tmp_path / "out")


def test_missing_and_doubled_shards_are_named(whole, two, tmp_path):
    with pytest.raises(SpecError, match="shard 2/2 is missing"):
        merge(tmp_path / "merged", two[:1])
    with pytest.raises(SpecError, match="named twice"):
        merge(tmp_path / "merged", [*two, two[0]])
    run(whole[0], tmp_path / "again", shard=(1, 2))
    with pytest.raises(SpecError, match="shard 1/2 is there 2 times"):
        merge(tmp_path / "merged", [*two, tmp_path / "again"])
    run(whole[0], tmp_path / "third", shard=(3, 3))
    with pytest.raises(SpecError, match="shards of different divisions"):
        merge(tmp_path / "merged", [two[0], tmp_path / "third"])
    assert not (tmp_path / "merged").exists()


def test_shards_of_different_screens_are_refused_by_key(two, tmp_path):
    other = small(tmp_path, "all", screen__asr_budget_ohm_cm2=20.0)
    run(other, tmp_path / "other", shard=(2, 2))
    with pytest.raises(SpecError, match=r"screen\.asr_budget_ohm_cm2: 10\.0 -> 20\.0"):
        merge(tmp_path / "merged", [two[0], tmp_path / "other"])


def test_what_is_no_finished_shard_is_refused(whole, two, tmp_path):
    with pytest.raises(SpecError, match="a whole run, not a shard"):
        merge(tmp_path / "merged", [two[0], whole[2]])
    with pytest.raises(SpecError, match="no manifest"):
        merge(tmp_path / "merged", [two[0], tmp_path])
    begun = shutil.copytree(two[1], tmp_path / "begun")
    rewritten(begun, complete=False)
    with pytest.raises(SpecError, match="not finished"):
        merge(tmp_path / "merged", [two[0], begun])
    with pytest.raises(SpecError, match="holds a shard"):
        merge(two[0], two)
    other = small(tmp_path, "all", screen__asr_budget_ohm_cm2=20.0)
    run(other, tmp_path / "other")
    with pytest.raises(SpecError, match=r"asr_budget_ohm_cm2: 20\.0 -> 10\.0"):
        merge(tmp_path / "other", two)


def test_a_damaged_part_is_named_and_nothing_is_published_from_it(two, tmp_path):
    damaged = shutil.copytree(two[1], tmp_path / "damaged")
    chunk = min(Store(damaged).journal())
    (damaged / part_name(chunk)).write_bytes(b"PAR1")
    with pytest.raises(StoreError, match=part_name(chunk)):
        merge(tmp_path / "merged", [two[0], damaged])
    assert not manifest.read(tmp_path / "merged").complete
    assert not list((tmp_path / "merged").glob(".writing-*"))


def test_the_command_shows_what_a_run_shows(two, tmp_path, capsys):
    show(merge(tmp_path / "merged", two), json=True)
    assert json.loads(capsys.readouterr().out)["complete"]
