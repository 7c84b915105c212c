"""Files of a result folder that were changed, lost or added: told in words, never in silence."""

import json
import os
import shutil

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from muli.screen.cli.app import app
from muli.screen.dataset import journal, manifest
from muli.screen.dataset.manifest import MANIFEST, part_name
from muli.screen.dataset.results import open_results
from muli.screen.dataset.store import JOURNAL, Store
from muli.screen.dataset.verify import verify
from muli.screen.errors import ResumeRefused, StoreError, UsageError
from muli.screen.ranking.rank import ranking
from muli.screen.report.build import html
from muli.screen.running.run import run
from muli.screen.space import layout as space
from tests.screen.screens import contents, rewritten, small

PRINTED = CliRunner()
_MATERIALS = [f"{role}.parquet" for role in ("coating", "electrolyte", "cathode", "anode")]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(space, "CHUNK_ROWS", 512)
    monkeypatch.setattr(space, "TILE_ROWS", 512)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Spec and folder of a run in several parts, its rows in order, and its bytes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(space, "CHUNK_ROWS", 512)
        patch.setattr(space, "TILE_ROWS", 512)
        folder = tmp_path_factory.mktemp("integrity")
        spec = small(folder, "all", axes__electrolyte_thickness_um=[20])
        run(spec, folder / "out")
    return spec, folder / "out", best(folder / "out"), every(folder / "out")


@pytest.fixture
def out(whole, tmp_path):
    return shutil.copytree(whole[1], tmp_path / "out")


def best(folder):
    return ranking(folder, top=None).rows


def every(folder):
    """Bytes of all files that say something of the run."""
    kept = {path.name: path.read_bytes() for path in sorted(folder.glob("materials/*"))}
    return contents(folder) | kept


def flip(path, bit):
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(bytes(content))


def test_a_run_is_as_it_was_written(whole):
    found = verify(whole[1])
    assert found.ok
    assert found.complete
    assert (found.parts, found.rows) == (len(contents(whole[1])), 2 * 2 * 2 * 5 * 2 * 37)
    assert found.parts > 3
    printed = PRINTED.invoke(app, ["verify", str(whole[1])])
    assert (printed.exit_code, printed.stdout.split()[:2]) == (0, [str(found.parts), "parts"])


def _delete(folder):
    (folder / part_name(1)).unlink()
    return part_name(1), "missing"


def _exchange(folder):
    (folder / part_name(1)).write_bytes((folder / part_name(2)).read_bytes())
    return part_name(1), ""


def _cut(folder):
    content = (folder / part_name(0)).read_bytes()
    (folder / part_name(0)).write_bytes(content[: len(content) // 2])
    return part_name(0), "bytes, expected"


def _add(folder):
    shutil.copy(folder / part_name(0), folder / part_name(99))
    return part_name(99), "not of this run"


def _add_under_another_name(folder):
    shutil.copy(folder / part_name(0), folder / "part-of-monday.parquet")
    return "part-of-monday.parquet", "not of this run"


def _pipe(folder):
    (folder / part_name(0)).unlink()
    os.mkfifo(folder / part_name(0))
    return part_name(0), "not a file"


@pytest.mark.parametrize("change", [_delete, _exchange, _cut, _add, _add_under_another_name, _pipe])
def test_changed_parts_are_left_out_and_named(whole, out, change):
    name, wrong = change(out)
    found = ranking(out, top=None)
    [said] = found.results.warnings
    assert "left out" in said
    assert name in said
    if change in (_add, _add_under_another_name):
        pd.testing.assert_frame_equal(found.rows, whole[2])
    else:
        assert f"1 of {len(contents(whole[1]))} parts left out" in said
    printed = PRINTED.invoke(app, ["verify", str(out)])
    assert printed.exit_code == 1
    [line] = printed.stdout.splitlines()
    assert line.startswith(f"{name}: ")
    assert wrong in line
    told = json.loads(PRINTED.invoke(app, ["verify", str(out), "--json"]).stdout)
    assert not told["ok"]
    assert list(told["problems"]) == [name]
    printed = PRINTED.invoke(app, ["rank", str(out), "--json"])
    assert printed.exit_code == 0
    assert printed.stderr.startswith("warning: ")
    assert "left out" in printed.stderr.splitlines()[0]


def test_a_part_that_says_it_is_of_another_run_is_found(out):
    """Its manifest was rewritten, with the checksums of another run's part."""
    table = pq.read_table(out / part_name(1))
    other = {**table.schema.metadata, b"muli.spec_hash": b"another"}
    pq.write_table(table.replace_schema_metadata(other), out / part_name(1))
    from tests.screen.screens import parts_of

    rewritten(out, parts=parts_of(out))
    found = verify(out)
    assert list(found.problems) == [part_name(1)]
    assert "muli.spec_hash is another" in found.problems[part_name(1)]


def outcome(read, reference, folder):
    """Whether a reader gave the same, said what it left out, or refused in words."""
    try:
        found = read(folder)
    except StoreError:
        return "refused"
    if any("left out" in said for said in open_results(folder).warnings):
        return "left out"
    assert reference(found)
    return "same"


def flips(folder, count):
    """Places of flipped bits: spread over all files, as many in small ones as in large ones."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.stat().st_size]
    files = [path for path in files if path.name not in (".lock", "progress.json")]
    rng = np.random.default_rng(1)
    for number in range(count):
        path = files[number % len(files)]
        yield path.relative_to(folder), int(rng.integers(8 * path.stat().st_size))


@pytest.mark.parametrize("count", [40, pytest.param(400, marks=pytest.mark.full)])
def test_flipped_bits_are_never_silent_in_a_ranking(whole, out, count):
    told = []
    for name, bit in flips(out, count):
        flip(out / name, bit)
        same = whole[2].equals
        told.append((outcome(best, same, out), name.name))
        assert not verified(out), name
        flip(out / name, bit)
    assert {"left out", "refused"} <= {kind for kind, _ in told}
    assert {name for kind, name in told if kind == "same"} <= {JOURNAL, *_MATERIALS, MANIFEST}


def verified(folder):
    """Whether the flip was found: the journal is not needed once a run is finished, and blanks
    between the values of a manifest say nothing."""
    try:
        return verify(folder).ok and not (
            manifest.is_intact(manifest.load(folder)) and _journal_changed(folder)
        )
    except StoreError:
        return False


def _journal_changed(folder):
    parts = {part.chunk: part for part in manifest.read(folder).parts}
    entries = journal.read(folder)
    return {c: journal.part(e) for c, e in entries.items()} != parts or not parts


@pytest.mark.parametrize("count", [6, pytest.param(80, marks=pytest.mark.full)])
def test_flipped_bits_are_mended_by_the_same_command(whole, out, count):
    for name, bit in flips(out, count):
        flip(out / name, bit)
        assert run(whole[0], out).complete
        assert every(out) == whole[3], name
        assert verify(out).ok


@pytest.mark.parametrize("count", [2, pytest.param(40, marks=pytest.mark.full)])
def test_flipped_bits_are_never_silent_in_a_page(whole, out, count):
    page = html(out)
    places = [each for each in flips(out, 4 * count) if each[0].name != JOURNAL][:count]
    for name, bit in places:
        flip(out / name, bit)
        outcome(html, page.__eq__, out)
        flip(out / name, bit)


DAMAGES = {
    "empty": b"",
    "not JSON": b"{",
    "not UTF-8": b'{"identity": {"format": "\xff"}}',
    "a list": b"[]",
    "something else": b'{"name": "my other program"}',
    "deep": b"[" * 100_000,
    "infinite": b'{"identity": {"format": 7}, "stacks": Infinity}',
    "long number": b'{"identity": {"format": 7}, "stacks": ' + b"9" * 5000 + b"}",
    "nothing but its format": b'{"identity": {"format": 7}}',
    "an old format": b'{"identity": {"format": 3}, "stacks": 5}',
    "text for an identity": b'{"identity": "7"}',
}
READERS = {
    "rank": lambda spec, out: ranking(out),
    "report": lambda spec, out: html(out),
    "verify": lambda spec, out: verify(out),
    "run": run,
    "restart": lambda spec, out: run(spec, out, restart=True),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_manifest_is_told_in_words(whole, out, damage):
    """A run goes on where the journal is there; a file of something else stays as it is."""
    for name, read in READERS.items():
        (out / MANIFEST).write_bytes(DAMAGES[damage])
        foreign = damage in ("a list", "something else", "text for an identity")
        goes_on = name == "restart" or (name == "run" and damage != "an old format")
        if goes_on and not foreign:
            read(whole[0], out)
            assert every(out) == whole[3]
        else:
            kind = ResumeRefused if (name, damage) == ("run", "an old format") else StoreError
            with pytest.raises(kind) as refused:
                read(whole[0], out)
            assert str(out) in str(refused.value)
            assert (out / MANIFEST).read_bytes() == DAMAGES[damage]


@pytest.mark.parametrize(
    "changes",
    [
        {"stacks": "many"},
        {"counts": {"ok": -1}},
        {"parts": [{"chunk": 0}]},
        {"rows": 1.5},
        {"identity": {"format": 7}, "axes": None},
        {"materials": {"coating": {"name": "/etc/passwd", "bytes": 1, "sha256": ""}}},
        {"materials": {"coating": {"name": "materials/../../x", "bytes": 1, "sha256": ""}}},
    ],
)
def test_an_edited_manifest_with_a_right_checksum_is_told_in_words(out, changes):
    content = {**manifest.load(out), **changes}
    content.pop("checksum")
    content["checksum"] = manifest._checksum(content)
    (out / MANIFEST).write_text(json.dumps(content))
    with pytest.raises(StoreError, match="again"):
        html(out)


def test_without_its_manifest_a_run_goes_on_from_its_journal(whole, out):
    (out / MANIFEST).unlink()
    other = small(out.parent, "all", axes__electrolyte_thickness_um=[30])
    for spec, shard in ((other, None), (whole[0], (1, 2))):
        with pytest.raises(StoreError, match="not of this run"):
            run(spec, out, shard=shard)
    assert run(whole[0], out).complete
    assert every(out) == whole[3]


def test_parts_that_nobody_names_are_not_touched(whole, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / part_name(0)).write_bytes(b"mine")
    for restart in (False, True):
        with pytest.raises(StoreError, match="without a manifest"):
            run(whole[0], folder, restart=restart)
    assert (folder / part_name(0)).read_bytes() == b"mine"


def test_a_restart_removes_what_a_run_wrote_and_nothing_else(whole, out):
    mine = ["part-of-monday.parquet", "part-1.parquet", "notes.txt", ".writing-notes", "x.parquet"]
    for name in [*mine, "materials/mine.csv"]:
        (out / name).write_text("mine")
    changed = small(out.parent, "all", axes__electrolyte_thickness_um=[30], axes__anode=["Li"])
    run(changed, out, restart=True)
    assert all((out / name).read_text() == "mine" for name in [*mine, "materials/mine.csv"])
    (out / part_name(0)).unlink()
    run(changed, out)
    assert all((out / name).read_text() == "mine" for name in [*mine, "materials/mine.csv"])


def test_an_empty_name_is_no_folder(whole):
    with pytest.raises(UsageError, match="empty"):
        run(whole[0], "")
    printed = PRINTED.invoke(app, ["run", "--out", ""])
    assert isinstance(printed.exception, UsageError)


def test_a_page_is_made_from_the_materials_of_the_run(whole, out):
    """The user's table has changed since, or names another file."""
    page = html(out)
    films = whole[1].parent / "films.csv"
    before = films.read_text()
    try:
        films.write_text(before.replace("1e-6,1e-12,1.74,3.88", "1e-6,1e-12,0.1,9.88"))
        assert html(out) == page
        films.unlink()
        assert html(out) == page
    finally:
        films.write_text(before)
    flip(out / "materials" / "coating.parquet", 999)
    with pytest.raises(StoreError, match=r"coating\.parquet: not as it was written"):
        html(out)
    (out / "materials" / "coating.parquet").unlink()
    with pytest.raises(StoreError, match=r"coating\.parquet: cannot be read"):
        html(out)


def test_a_folder_without_locks_is_named(tmp_path, monkeypatch):
    import errno
    import fcntl

    def no_locks(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(StoreError, match="no file locks"), Store(tmp_path / "out").locked():
        pass
