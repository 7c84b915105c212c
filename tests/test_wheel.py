"""What users install: the wheel that is built from the sdist, beside a package named `kernels`."""

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("kernels", "candidates", "screen")
CONSTRAINTS = ROOT / "constraints.txt"
BESIDE = """
import kernels
import muli.kernels
assert "muli" not in kernels.__file__, kernels.__file__
assert muli.kernels.Stack.__module__ == "muli.kernels.model.stack"
"""
pytestmark = pytest.mark.full


def run(*command, cwd):
    """Output of a command that sees no source tree of this project."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from the sdist in an environment of its own."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=folder)
    assert len(list(folder.glob("muli-*.tar.gz"))) == 1
    (built,) = folder.glob("muli-*.whl")
    return built


def test_the_wheel_holds_one_package_and_all_its_files(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"muli"}
    here = [path for folder in PACKAGES for path in (ROOT / folder).rglob("*") if path.is_file()]
    wanted = {f"muli/{path.relative_to(ROOT)}" for path in here if path.suffix != ".pyc"}
    assert len(wanted) > 200
    assert wanted - names == set()


def test_it_runs_with_its_own_dependencies_beside_another_kernels(wheel, tmp_path):
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    run(
        python, "-m", "pip", "install", "--quiet", "-c", CONSTRAINTS, wheel, "kernels", cwd=tmp_path
    )
    run(python, "-c", BESIDE, cwd=tmp_path)
    muli = python.with_name("muli")
    assert run(muli, "--version", cwd=tmp_path).split()[-1] == wheel.name.split("-")[1]
    assert "LiNbO3" in run(muli, "candidates", "show", "LiNbO3", cwd=tmp_path)
