"""Every command and every script in README and docs runs, and prints what the page says.

- `sh` blocks run with bash, in order, in a folder that holds `examples/`.
- `python` blocks run as scripts there; an `output` block after one must be what it prints.
- any block under `<!-- file: NAME -->` is written to NAME.
- a block under `<!-- not run: REASON -->` is left out, for that reason.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>file|not run): (?P<text>[^\n]*?) -->\n+)?"
    r"^```(?P<language>[a-z]*)[^\n]*\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
SHELL = ("sh", "bash", "console", "shell")


@dataclass(frozen=True)
class Block:
    """One fenced block: its language and body, and the mark above it."""

    language: str
    body: str
    mark: str | None
    text: str | None
    line: int

    @property
    def commands(self) -> str:
        """The commands of a shell block, prompts taken off."""
        lines = self.body.splitlines()
        if any(line.startswith("$ ") for line in lines):
            lines = [line[2:] for line in lines if line.startswith("$ ")]
        return "\n".join(lines)


def documents() -> list[Path]:
    """README and every page of docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(path: Path) -> list[Block]:
    """Fenced blocks of a page in order."""
    text = path.read_text(encoding="utf-8")
    return [
        Block(
            found["language"],
            found["body"],
            found["mark"],
            found["text"],
            text.count("\n", 0, found.start()) + 1,
        )
        for found in BLOCK.finditer(text)
    ]


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
        elif block.mark != "not run":
            printed = _execute(block, path, tmp_path)


def test_every_block_that_is_not_run_says_why():
    left_out = [b for path in documents() for b in blocks(path) if b.mark == "not run"]
    assert all(len(block.text.split()) >= 3 for block in left_out)


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
