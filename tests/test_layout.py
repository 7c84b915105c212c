"""Rules of the source tree that no linter holds."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("kernels", "candidates", "screen", "tests", "benchmarks", "examples")
LONGEST = 400


def sources(*folders):
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_file_is_longer_than_a_reader_takes_in_at_once(folder):
    lengths = {
        path.relative_to(ROOT): len(path.read_text().splitlines()) for path in sources(folder)
    }
    assert lengths
    assert {path: length for path, length in lengths.items() if length > LONGEST} == {}


def test_only_the_laws_file_asks_which_law_this_is():
    asked = re.compile(r"isinstance\([^()]*\b(Law|Constant|Branches|Table)\b")
    home = ROOT / "kernels" / "model" / "laws.py"
    files = [path for path in sources("kernels", "candidates", "screen") if path != home]
    assert asked.search(home.read_text())
    assert [str(path) for path in files if asked.search(path.read_text())] == []
