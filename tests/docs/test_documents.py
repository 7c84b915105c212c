"""Every command and every script in README and docs runs, and prints what the page says."""

import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tests.docs.blocks import BLOCK, ROOT, SHELL, Block, blocks, documents

FIRST_READ = ("README.md", "how-to-read.md")
RUNNABLE = [
    pytest.param(path, id=path.name, marks=[] if path.name in FIRST_READ else [pytest.mark.full])
    for path in documents()
    if any(b.language in (*SHELL, "python") for b in blocks(path))
]
"""Pages a newcomer reads first run always, the others with `make test-full`."""


def _environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def _run(command: list[str], block: Block, path: Path, folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, env=_environment(), capture_output=True, text=True, check=False
    )
    where = f"{path.relative_to(ROOT)}:{block.line}"
    assert done.returncode == 0, f"{where} ends with {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def _execute(block: Block, path: Path, folder: Path) -> str:
    if block.mark == "file" and block.text:
        (folder / block.text).write_text(block.body, encoding="utf-8")
    elif block.language in SHELL:
        return _run(["bash", "-euo", "pipefail", "-c", block.commands], block, path, folder)
    elif block.language == "python":
        return _run([sys.executable, "-c", block.body], block, path, folder)
    return ""


@pytest.mark.parametrize("path", RUNNABLE)
def test_a_page_runs_as_it_is_written(path, tmp_path):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    printed = ""
    for block in blocks(path):
        if block.language == "output":
            assert printed.strip() == block.body.strip(), f"{path.name}:{block.line}"
        elif block.mark in (None, "file"):
            printed = _execute(block, path, tmp_path)


def test_every_block_that_is_not_run_says_why():
    left_out = [b for path in documents() for b in blocks(path) if b.mark == "not run"]
    assert all(len(block.text.split()) >= 3 for block in left_out)


def test_no_command_stands_outside_a_fenced_block():
    """Indented ones would not be run."""
    command = r"^ {4,}(?:\$ )?(?:muli|make|pip|python|uv) .*|^ {4,}from muli.*"
    for path in documents():
        prose = BLOCK.sub("", path.read_text(encoding="utf-8"))
        assert not re.findall(command, prose, re.MULTILINE), path.name


def test_a_mark_is_one_that_is_known():
    for path in documents():
        marks = re.findall(r"^<!-- [^>]*-->\n+```", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert len(marks) == len([b for b in blocks(path) if b.mark]), path.name


def test_every_block_says_its_language():
    unnamed = [f"{p.name}:{b.line}" for p in documents() for b in blocks(p) if not b.language]
    assert not unnamed


def test_an_output_block_follows_a_block_that_runs():
    for path in documents():
        for before, after in pairwise(blocks(path)):
            if after.language == "output":
                assert before.language in (*SHELL, "python"), f"{path.name}:{after.line}"


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.name)
def test_links_inside_the_project_lead_somewhere(path):
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (path.parent / target).exists(), f"{path.name} links to {target}"
