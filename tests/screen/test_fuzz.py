"""Mutated specs, stack files and cluster files: words or an answer, never a traceback or a hang.

A hundred of each here; three thousand in `make test-full`.
"""

import json
import random
import tomllib
from copy import deepcopy
from pathlib import Path

import pytest

from muli.screen.errors import ScreenError
from muli.screen.running.slurm import load as load_jobs
from muli.screen.solving.age_file import read_cells
from muli.screen.solving.stack_file import read_stacks
from muli.screen.space.cost import dry_run
from muli.screen.space.setup import set_up

EXAMPLES = Path(__file__).parents[2] / "examples"
SEEDS = [range(100), pytest.param(range(100, 3000), marks=pytest.mark.full)]
CLUSTER = """jobs = 20
cores = 32
memory = "64GB"
walltime = "08:00:00"
interface = "lo"
gpu = true
partition = "cpu"
account = "project"
directives = ["--exclusive"]
setup = ["module load gcc"]
log_directory = "logs"
"""
VALUES = [
    True, False, 0, -1, 1, 2**31, 2**63, 10**30, -(10**30), 10**400, 0.0, -0.0, 1e-300, 1e300,
    float("inf"), float("nan"), "", " ", "*", "1", "LiNbO3", "\x00", "\x1b[2J", "ü" * 300, "'; --",
    [], [[]], [[[]]], [None], {}, {"a": 1}, {"start": 1, "stop": 2, "num": 3}, [1, "a"], ["x"] * 50,
    {"start": 1, "stop": 1e9, "num": 10**9}, {"where": "1=1"}, {"file": "/dev/zero"},
    {"file": "."}, {"table": "materials-project", "where": "name IN (SELECT name)"},
    {"loguniform": [1e-9, 1e-8]}, {"lognormal": {"median": True, "decades": -1}},
    {"sql": "NOT oxidation_margin_V"}, {"sql": "count(*)", "require": 3},
]  # fmt: skip
TEXTS = ["[", "]", "=", '"', "'''", "\x00", "\n[axes]\n", "[[x]]", "a.b.c = 1\n", "# \u202e"]
TEXTS += ["9" * 5000, "1e999", "inf", "nan", "{", "}", "\ufeff", "\\u0000", "\r", "-", "true"]


def places(tree, path=()):
    """Every place in a tree of tables and lists."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in items:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from places(value, (*path, key))


def mutated(tree, draw):
    """The tree with one to three of its values replaced, dropped, renamed, doubled or wrapped."""
    tree = json.loads(json.dumps(tree))
    for _ in range(draw.randint(1, 3)):
        found = list(places(tree))
        if not found:
            break
        *above, key = draw.choice(found)
        parent = tree
        for step in above:
            parent = parent[step]
        change = draw.choice(["value", "value", "value", "drop", "name", "wrap", "double"])
        if change == "drop":
            del parent[key]
        elif change == "name" and isinstance(parent, dict):
            parent[f"{key}{draw.choice(['x', '.', ' ', chr(0x1B)])}"] = parent.pop(key)
        elif change == "wrap":
            parent[key] = [parent[key]]
        elif change == "double" and isinstance(parent[key], list):
            parent[key] = parent[key] * 2
        else:
            parent[key] = deepcopy(draw.choice(VALUES))
    return tree


def scrambled(text, draw):
    """The text with pieces cut out, doubled, or others put in."""
    for _ in range(draw.randint(1, 4)):
        a, b = sorted(draw.randrange(len(text) + 1) for _ in range(2))
        b = min(b, a + 40)
        piece = draw.choice(["", text[a:b] * 2, draw.choice(TEXTS), text[a:b][::-1]])
        text = text[:a] + piece + text[b:]
    return text


def attempt(work):
    """Run; what is wrong must be said in a few lines of plain text."""
    wrong = None
    try:
        work()
    except ScreenError as error:
        wrong = error
    if wrong is not None:
        said = str(wrong)
        assert wrong.exit_code == 2, said
        assert len(said) < 40_000
        assert len(said.splitlines()) < 60


@pytest.fixture(scope="module")
def specs():
    files = sorted(EXAMPLES.glob("*.toml"))
    return [(path, tomllib.loads(path.read_text("utf-8"))) for path in files]


@pytest.mark.parametrize("seeds", SEEDS, ids=["some", "many"])
def test_mutated_specs(seeds, specs, monkeypatch):
    monkeypatch.chdir(EXAMPLES)
    for seed in seeds:
        draw = random.Random(seed)
        _, tree = draw.choice(specs)
        spec = mutated(tree, draw)
        attempt(lambda spec=spec: dry_run(spec))
        if seed % 10 == 0:
            attempt(lambda spec=spec: set_up(spec))


@pytest.mark.parametrize("seeds", SEEDS, ids=["some", "many"])
def test_scrambled_spec_files(seeds, specs, tmp_path):
    for seed in seeds:
        draw = random.Random(seed)
        path, _ = draw.choice(specs)
        file = tmp_path / "spec.toml"
        file.write_text(scrambled(path.read_text("utf-8"), draw), "utf-8", newline="")
        attempt(lambda file=file: dry_run(file))


@pytest.mark.parametrize(
    ("example", "read"), [("stacks.json", read_stacks), ("ageing.json", read_cells)]
)
@pytest.mark.parametrize("seeds", SEEDS, ids=["some", "many"])
def test_mutated_stack_files(seeds, example, read, tmp_path):
    text = (EXAMPLES / example).read_text("utf-8")
    file = tmp_path / "stacks.json"
    for seed in seeds:
        draw = random.Random(seed)
        if seed % 2:
            file.write_text(scrambled(text, draw), "utf-8")
        else:
            file.write_text(json.dumps(mutated(json.loads(text), draw)), "utf-8")
        attempt(lambda: read(file))


@pytest.mark.parametrize("seeds", SEEDS, ids=["some", "many"])
def test_mutated_cluster_files(seeds, tmp_path):
    file = tmp_path / "cluster.toml"
    for seed in seeds:
        draw = random.Random(seed)
        if seed % 2:
            file.write_text(scrambled(CLUSTER, draw), "utf-8", newline="")
        else:
            tree = mutated(tomllib.loads(CLUSTER), draw)
            lines = [f"{json.dumps(key)} = {json.dumps(tree[key])}" for key in tree]
            file.write_text("\n".join(lines), "utf-8")
        attempt(lambda: load_jobs(file))
