"""Examples run: every spec through the command line, notebooks cell by cell."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

EXAMPLES = Path(__file__).parents[2] / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))
IN_README = ("first", "my_table")  # the test of README runs the same commands
LONG = (*IN_README, "argyrodite", "database", "garnet", "pairs", "two_layers", "uncertain")
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


@pytest.mark.full
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom(path, tmp_path):
    """In the kernel that people use; a cell that raises is an error."""
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}).execute()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_valid_and_committed_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(code) >= 4
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
