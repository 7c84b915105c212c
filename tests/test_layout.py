"""Rules of the source tree that no linter holds."""

import inspect
import re
from pathlib import Path

import pytest

from muli import kernels

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


FUNCTIONS = [name for name in kernels.__all__ if inspect.isfunction(getattr(kernels, name))]
UNITS = re.compile(
    r"\b(cm|ohm cm2|S/cm|A/cm2|V|eV|K|s|MPa|0 to 1|share|area|unit|integer|truth|see|whether)\b"
)


def sections(docstring):
    """The lines of Args by name of the argument, and the text of Returns."""
    _, _, rest = docstring.partition("\nArgs:\n")
    args, _, returns = rest.partition("\nReturns:\n")
    entries = re.findall(r"^    ([\w, ]+): (.*(?:\n {8}.*)*)", args, flags=re.MULTILINE)
    return {name: text for names, text in entries for name in names.split(", ")}, returns


def test_all_functions_of_kernels_are_looked_at():
    assert {"solve", "metrics", "min_thickness", "arrhenius_sigma_ion"} < set(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_public_kernel_functions_give_arguments_and_results_with_units(name):
    function = getattr(kernels, name)
    args, returns = sections(inspect.getdoc(function))
    assert set(args) == set(inspect.signature(function).parameters)
    assert [arg for arg, text in args.items() if not UNITS.search(text)] == []
    assert UNITS.search(returns)
