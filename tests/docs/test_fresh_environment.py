"""A newcomer's first pages, command by command, in clones that have what the page installs."""

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pandas as pd
import pytest

from tests.docs.blocks import ROOT, blocks

pytestmark = pytest.mark.full
NOT_CLONED = shutil.ignore_patterns(".git", ".venv", "results", "site", "__pycache__", ".*_cache")
PAGES = ("README.md", "docs/quickstart.md")
APART = [
    (page, block) for page in PAGES for block in blocks(ROOT / page) if block.mark == "own clone"
]


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone in which the pages are followed one after the other."""
    return _clone(tmp_path_factory.mktemp("newcomer"))


@pytest.fixture(scope="module")
def uv(tmp_path_factory):
    """The folder of the commands `uv` and `uvx`."""
    folder = tmp_path_factory.mktemp("uv")
    venv.create(folder, with_pip=True)
    subprocess.run([folder / "bin" / "pip", "install", "--quiet", "uv"], check=True)
    return folder / "bin"


def _clone(folder):
    # copied links stay links: `muli/` leads to the three packages
    return shutil.copytree(ROOT, folder / "muli", symlinks=True, ignore=NOT_CLONED)


def _environment(*folders):
    """The variables of a terminal in which no environment is active; `python3` is this Python."""
    ours = Path(sys.prefix)
    kept = [p for p in os.environ["PATH"].split(os.pathsep) if not Path(p).is_relative_to(ours)]
    path = [*map(str, folders), str(Path(sys.base_prefix) / "bin"), *kept]
    unset = ("PYTHONPATH", "VIRTUAL_ENV", "XLA_FLAGS", "JAX_ENABLE_X64")
    return {k: v for k, v in os.environ.items() if k not in unset} | {"PATH": os.pathsep.join(path)}


def _type(script, folder, environment):
    done = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize("page", PAGES)
def test_a_page_works_in_order_with_what_it_installs(page, clone):
    followed = [b for b in blocks(ROOT / page) if b.mark not in ("own clone", "not run")]
    script = "\n".join(block.script for block in followed)
    assert "make run" in script
    printed = _type(script, clone, _environment())
    assert "next: .venv/bin/muli rank results/built-in" in printed


@pytest.mark.parametrize(("page", "block"), APART, ids=[f"{p}:{b.line}" for p, b in APART])
def test_another_way_to_install_works(page, block, uv, tmp_path):
    del page
    uses_uv = "uv sync" in block.script
    _type(block.script, _clone(tmp_path), _environment(*[uv] * uses_uv))


def test_a_missing_extra_is_one_line_with_a_command_that_works(clone):
    table = clone / "table.xlsx"
    pd.DataFrame({"name": ["my coating"], "sigma_ion_S_cm": [1e-8]}).to_excel(table, index=False)
    script = "make .venv/.run\nset +x\n.venv/bin/muli candidates validate table.xlsx || true"
    said = _type(script, clone, _environment())
    command = re.search(r"for .xlsx: (.+?), or save as CSV", said)[1]
    assert command == ".venv/bin/python -m pip install -e '.[excel]'"
    script = f"{command} --quiet\n.venv/bin/muli candidates validate table.xlsx"
    assert "name: 1 cell" in _type(script, clone, _environment())
