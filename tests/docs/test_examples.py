"""Examples run: every spec through the command line, the notebook cell by cell."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
# The README runs `first`.
LONG = (
    "argyrodite",
    "database",
    "first",
    "garnet",
    "pairs",
    "two_layers",
    "uncertain",
)  # the README runs the first
SPECS = [
    pytest.param(spec, id=spec.stem, marks=[pytest.mark.full] if spec.stem in LONG else [])
    for spec in sorted(EXAMPLES.glob("*.toml"))
]
MULI = Path(sys.executable).with_name("muli")


def _muli(*words, cwd):
    command = [str(MULI), *map(str, words)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def _commands(spec):
    """The commands in a spec's opening comment, without their own remarks."""
    lines = re.findall(r"^#\s+muli (.+)$", spec.read_text(encoding="utf-8"), re.MULTILINE)
    return [line.split("#")[0].split() for line in lines]


@pytest.mark.parametrize("spec", SPECS)
def test_the_commands_in_a_specs_comment_work(spec, tmp_path):
    commands = _commands(spec)
    assert commands
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    for words in commands:
        if spec.stem == "night" and words[0] == "run" and "--dry-run" not in words:
            continue  # takes a night
        _muli(*words, cwd=tmp_path)


def test_the_night_is_a_night():
    """Its size is what its comment says."""
    done = _muli("run", EXAMPLES / "night.toml", "--dry-run", "--out", "unused", cwd="/tmp")
    stacks = int(re.search(r"([\d,]+) stacks", done)[1].replace(",", ""))
    assert 3e11 < stacks < 3e12


def test_the_notebook_runs_from_top_to_bottom(tmp_path):
    notebook = json.loads((EXAMPLES / "first_steps.ipynb").read_text(encoding="utf-8"))
    code = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    assert len(code) >= 4
    done = subprocess.run(
        [sys.executable, "-c", "\n\n".join(code)],
        cwd=tmp_path,
        env={**os.environ, "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "needs 40.91 nm" in done.stdout


def test_the_notebook_is_committed_without_outputs():
    notebook = json.loads((EXAMPLES / "first_steps.ipynb").read_text(encoding="utf-8"))
    assert all(not cell.get("outputs") for cell in notebook["cells"])
