"""Compiled programs kept in a folder: found again, never trusted when damaged, deleted at will."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental.compilation_cache.compilation_cache import reset_cache
from typer.testing import CliRunner

from muli.kernels import Constant, Layer, Solution, Stack, solve
from muli.screen.cli.app import app
from muli.screen.compiling import store as stores
from muli.screen.compiling.programs import QUICK_COMPILE, finished, kept
from muli.screen.compiling.recalled import recalled
from muli.screen.compiling.store import Store
from muli.screen.engine.evaluate import Evaluator
from muli.screen.running.run import run
from muli.screen.space import remembered as setup_store
from muli.screen.space import setup
from muli.screen.space.evidence import partners_of, pooled
from tests.screen.screens import read, small


@pytest.fixture
def store(tmp_path):
    """A new one in use; JAX's own cache, which goes before it, is off."""
    before, folder = stores.used(), jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", None)
    reset_cache()
    stores.use(Store(tmp_path / "programs"))
    yield stores.used()
    stores.use(before)
    jax.config.update("jax_compilation_cache_dir", folder)
    reset_cache()


def program(traces, factor=2.0):
    """A new one, as another process has it: nothing of it is in memory."""

    @kept("double", QUICK_COMPILE)
    def double(x, factor):
        traces.append(x.shape)
        return {"doubled": x * factor}

    return lambda x: double(np.asarray(x), factor)["doubled"]


def only_file(store):
    ((_, _, path),) = store.files()
    return path


def test_a_second_process_finds_the_program_without_tracing(store):
    traces = []
    for _ in range(2):
        np.testing.assert_array_equal(program(traces)([1.0, 2.0]), [2.0, 4.0])
    assert traces == [(2,)]
    np.testing.assert_array_equal(program(traces, 3.0)([1.0, 2.0]), [3.0, 6.0])
    np.testing.assert_array_equal(program(traces)([1.0]), [2.0])
    assert len(store.files()) == len(traces) == 3  # numbers and shapes make programs of their own


def test_trees_come_back_as_what_they_were(store):
    stack = Stack((Layer(5e-3, 1e-3, Constant(1e-9)), Layer(1e-6, 1e-6, Constant(1e-11))), 0.0, 4.2)
    stack = jax.tree.map(np.asarray, stack)
    first, second = (kept("one", QUICK_COMPILE)(solve)(stack) for _ in range(2))
    assert isinstance(second, Solution)
    np.testing.assert_array_equal(first.faces, second.faces)
    assert float(second.nodes[1]) == pytest.approx(4.117646, abs=1e-6)


def test_a_traced_program_is_found_by_its_content(store):
    lowered = [jax.jit(lambda x, k=k: x + k).lower(jnp.zeros(3)) for k in (1.0, 1.0, 2.0)]
    found = [finished(each, jax.devices()[0]).program(jnp.zeros(3)) for each in lowered]
    assert [float(each[0]) for each in found] == [1.0, 1.0, 2.0]
    assert len(store.files()) == 2


TWO_DEVICES = """
import sys, jax, numpy as np
from pathlib import Path
from muli.screen.compiling import store
from muli.screen.compiling.programs import finished, kept
store.use(store.Store(Path(sys.argv[1])))
for device in jax.devices():
    given = jax.device_put(np.arange(3.0, dtype=np.float32), device)
    like = jax.ShapeDtypeStruct((3,), np.float32, sharding=given.sharding)
    doubled = finished(jax.jit(lambda x: x * 2).lower(like), device).program(given)
    assert doubled.device == device and float(doubled[2]) == 4.0
assert float(kept("one")(lambda x: x + 1)(np.ones(1))[0]) == 2.0
print(len(store.used().files()))
"""


def without_jax_cache():
    return {k: v for k, v in os.environ.items() if k != "JAX_COMPILATION_CACHE_DIR"}


def test_where_jax_keeps_programs_itself_nothing_is_kept_twice(store):
    jax.config.update("jax_compilation_cache_dir", str(store.root / "jax"))
    np.testing.assert_array_equal(program([])([1.0]), [2.0])
    assert store.files() == []


def test_a_program_is_for_its_device(tmp_path):
    flags = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2", "JAX_PLATFORMS": "cpu"}
    for _ in range(2):
        found = subprocess.run(
            [sys.executable, "-c", TWO_DEVICES, str(tmp_path / "programs")],
            check=True, capture_output=True, text=True, env={**without_jax_cache(), **flags},
        )  # fmt: skip
        assert found.stdout.strip() == "3"


def test_inside_another_program_it_is_a_function(store):
    double = kept("double")(lambda x: x * 2.0)
    np.testing.assert_array_equal(jax.jit(double)(jnp.ones(2)), [2.0, 2.0])
    assert store.files() == []


@pytest.mark.parametrize("damage", ["cut", "flipped", "foreign", "empty"])
def test_a_damaged_file_is_passed_over_and_written_anew(store, damage):
    traces = []
    program(traces)([1.0])
    path = only_file(store)
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[-7] ^= 255
    path.write_bytes(
        {"cut": whole[:-50], "flipped": bytes(flipped), "foreign": b"x" * 99, "empty": b""}[damage]
    )
    np.testing.assert_array_equal(program(traces)([1.0]), [2.0])
    program(traces)([1.0])
    assert len(traces) == 2


def test_a_whole_file_that_holds_no_program_is_passed_over(store):
    traces = []
    program(traces)([1.0])
    junk = b"junk"
    only_file(store).write_bytes(stores._head(junk) + junk)
    np.testing.assert_array_equal(program(traces)([1.0]), [2.0])


def test_only_the_owner_has_rights_and_else_nothing_is_read(store):
    traces = []
    program(traces)([1.0])
    path = only_file(store)
    for each in (store.root, path.parent, path):
        assert each.stat().st_mode & 0o077 == 0
    store.root.chmod(0o770)
    assert "chmod 700" in store.refusal()
    program(traces)([1.0])
    assert len(traces) == 2
    store.root.chmod(0o700)
    target = store.root.rename(store.root.with_name("elsewhere"))
    store.root.symlink_to(target)
    assert "no folder" in store.refusal()


def test_the_program_used_longest_ago_goes_first(tmp_path):
    store = Store(tmp_path / "programs", largest_bytes=2500)
    for key in ("a", "b"):
        store.write(key, key.encode() * 1000)
    for age, (_, _, path) in enumerate(store.files()):
        stores.os.utime(path, (age, age))
    first = "a" if store.files()[0][2] == store._path("a") else "b"
    assert store.read(first) is not None  # used now
    store.write("c", b"c" * 1000)
    assert store.read(first) is not None
    assert store.read("b" if first == "a" else "a") is None


def test_several_write_at_once_and_a_deleted_folder_comes_back(tmp_path):
    store = Store(tmp_path / "programs")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: store.write("same", bytes([n]) * 10_000), range(40)))
    assert len(set(store.read("same"))) == 1
    assert not [p for p in store.root.rglob("*") if p.is_file() and p.suffix != stores.SUFFIX]
    shutil.rmtree(store.root)
    assert store.read("same") is None
    store.write("same", b"again")
    assert store.read("same") == b"again"


def test_nothing_is_kept_where_nothing_can_be_written(tmp_path, store):
    (tmp_path / "file").write_text("in the way")
    stores.use(Store(tmp_path / "file" / "programs"))
    np.testing.assert_array_equal(program([])([1.0]), [2.0])


@pytest.mark.parametrize(
    ("words", "is_kept"),
    [
        (["cite", "--help"], True),
        (["--no-cache", "cite", "--help"], False),
        (["cite", "--no-cache", "--help"], False),
    ],
)
def test_the_command_line_keeps_programs_unless_told_not_to(store, monkeypatch, words, is_kept):
    monkeypatch.setenv("XDG_CACHE_HOME", str(store.root))
    assert CliRunner().invoke(app, words).exit_code == 0
    assert (stores.used() == Store(store.root / "muli" / "programs")) == is_kept
    assert (stores.used() is None) != is_kept


def test_a_relative_cache_folder_counts_as_none(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    assert Store.of_user().root.parts[-3:] == (".cache", "muli", "programs")


def listed(origin, builds, factors=(2.0, 3.0)):
    """Two programs of a run, built and listed, or found."""

    def build():
        builds.append(origin)
        pairs = {"a": {"x": np.ones(3, np.float32)}, "b": (np.ones(2, np.float32),)}
        return {
            name: finished(jax.jit(lambda tree, k=k: jax.tree.map(lambda x: x * k, tree))
                           .lower(tree), jax.devices()[0])
            for (name, tree), k in zip(pairs.items(), factors, strict=True)
        }  # fmt: skip

    return recalled(origin, jax.devices()[0], build)


def test_the_programs_of_a_run_are_found_together_without_tracing(store):
    builds = []
    for _ in range(2):
        programs = listed("one", builds)
        np.testing.assert_array_equal(programs["a"]({"x": np.ones(3, np.float32)})["x"], 2.0)
        np.testing.assert_array_equal(programs["b"]((np.ones(2, np.float32),))[0], 3.0)
    assert builds == ["one"]
    other = listed("other", builds, (5.0, 7.0))
    assert float(other["b"]((np.ones(2, np.float32),))[0][0]) == 7.0
    listed("", builds)
    listed("", builds)
    assert builds == ["one", "other", "", ""]


def test_another_setting_of_jax_builds_anew(store):
    builds = []
    listed("one", builds)
    jax.config.update("jax_numpy_rank_promotion", "warn")
    try:
        listed("one", builds)
    finally:
        jax.config.update("jax_numpy_rank_promotion", "allow")
    assert builds == ["one", "one"]


@pytest.mark.parametrize("lost", [0, 1, 2])
@pytest.mark.parametrize("junk", [None, b"cut", b"whole"])
def test_where_the_list_or_a_program_is_lost_all_are_built(store, lost, junk):
    builds = []
    listed("one", builds)
    path = store.files()[lost][2]
    if junk is None:
        path.unlink()
    else:
        path.write_bytes(stores._head(junk) + junk if junk == b"whole" else junk)
    for _ in range(2):
        programs = listed("one", builds)
        assert float(programs["b"]((np.ones(2, np.float32),))[0][0]) == 3.0
    assert builds == ["one", "one"]


@pytest.mark.parametrize("mode", ["best", pytest.param("all", marks=pytest.mark.full)])
def test_a_second_run_traces_nothing_and_another_does(store, tmp_path, monkeypatch, mode):
    gate = {"films": "min_thickness_nm < 50"}
    spec = small(tmp_path, mode) | {"filters": gate}
    before = run(spec, tmp_path / "first")

    def refuse(*_):
        raise AssertionError("traced")

    monkeypatch.setattr(Evaluator, "_lowered", refuse)
    after = run(spec, tmp_path / "second")
    assert after.outcomes == before.outcomes
    assert read(tmp_path / "first").equals(read(tmp_path / "second"))
    gate["films"] = "min_thickness_nm < 60"
    with pytest.raises(AssertionError, match="traced"):
        run(spec, tmp_path / "third")


CELL = {"axes": {"coating": ["LiNbO3", "Li3PO4"], "electrolyte": ["Li6PS5Cl"],
                 "electrolyte_thickness_um": [30.0], "cathode": ["NMC811"],
                 "coating_thickness_nm": [3.0]}}  # fmt: skip


def set_up_anew(monkeypatch, spec):
    """A set-up, and whether it was made rather than found."""
    made = []
    with monkeypatch.context() as patch:
        build = setup._made
        patch.setattr(setup, "_made", lambda source: made.append(source) or build(source))
        return setup.set_up(spec), bool(made)


def same_tables(one, other):
    """Whether all numbers of two set-ups are equal to the bit."""
    assert one.problem.tables.keys() == other.problem.tables.keys()
    for key, values in one.problem.tables.items():
        np.testing.assert_array_equal(values, other.problem.tables[key])
    for name, belief in one.beliefs.fields.items():
        np.testing.assert_array_equal(belief.mean, other.beliefs.fields[name].mean)
        np.testing.assert_array_equal(belief.sd, other.beliefs.fields[name].sd)
    for role, frame in one.problem.materials.frames.items():
        assert frame.equals(other.problem.materials.frames[role])


def test_reactions_of_every_pair_are_those_of_its_partners(store):
    given = {**CELL["axes"], "cathode": {"where": "family = 'layered oxide'"}}
    found = setup.set_up({"axes": given})
    for quantity, name in (("energy", "reaction_cathode"), ("limit", "limit_cathode")):
        pairs = [
            [pooled(row, quantity, names) for names in partners_of(found.problem, "cathode")]
            for row in found.beliefs.known["coating"]
        ]
        belief = found.beliefs.fields[name]
        np.testing.assert_array_equal(np.stack([belief.mean, belief.sd], axis=-1), pairs)


def test_a_set_up_of_shipped_materials_is_found_again(store, monkeypatch):
    first, made = set_up_anew(monkeypatch, CELL)
    second, again = set_up_anew(monkeypatch, CELL)
    assert made
    assert not again
    same_tables(first, second)


@pytest.mark.parametrize("change", [
    {"screen": {"asr_budget_ohm_cm2": 9.0}},
    {"ranking": {"reference": ["LiNbO3"]}},
    {"screen": {"missing": "prior"}},  # the default, but given
])  # fmt: skip
def test_another_spec_is_set_up_anew(store, monkeypatch, change):
    set_up_anew(monkeypatch, CELL)
    _, made = set_up_anew(monkeypatch, CELL | change)
    assert made


def test_a_changed_library_or_folder_is_set_up_anew(store, monkeypatch, tmp_path):
    set_up_anew(monkeypatch, CELL)
    with monkeypatch.context() as patch:
        patch.setattr(setup_store, "_library", lambda: "another")
        assert set_up_anew(monkeypatch, CELL)[1]
    monkeypatch.chdir(tmp_path)
    assert set_up_anew(monkeypatch, CELL)[1]


def test_a_set_up_with_a_users_table_is_not_kept(store, monkeypatch, tmp_path):
    spec = small(tmp_path, "best")
    set_up_anew(monkeypatch, spec)
    (tmp_path / "films.csv").write_text("name,formula,role\nfilm Z,Li3PO4,coating\n")
    second, made = set_up_anew(monkeypatch, spec)
    assert made
    assert list(second.problem.materials.frames["coating"]["name"]) == ["film Z"]


@pytest.mark.parametrize("junk", [b"cut", b"whole"])
def test_a_damaged_set_up_is_made_anew(store, monkeypatch, junk):
    set_up_anew(monkeypatch, CELL)
    for _, _, path in store.files():
        path.write_bytes(stores._head(junk) + junk if junk == b"whole" else junk)
    assert set_up_anew(monkeypatch, CELL)[1]
    assert not set_up_anew(monkeypatch, CELL)[1]
