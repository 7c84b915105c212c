"""What a script gets from `screen`, whatever was imported before."""

import inspect
import subprocess
import sys

import pytest

import muli
from muli import candidates, kernels, screen


def test_what_is_public_is_there_and_shown():
    from muli.screen.ranking import rank
    from muli.screen.running import run

    assert rank.rank is screen.rank
    assert run.run is screen.run
    assert all(callable(getattr(screen, name)) for name in screen.__all__)
    assert not any(inspect.ismodule(getattr(screen, name)) for name in screen.__all__)
    assert list(inspect.signature(screen.run).parameters)[:2] == ["spec", "out"]


@pytest.mark.parametrize("package", [muli, candidates, kernels, screen])
def test_tab_shows_the_public_names_alone(package):
    packages = {"candidates", "kernels", "screen"} if package is muli else set()
    assert set(dir(package)) == set(package.__all__) | packages
    assert all(getattr(package, name) is not None for name in dir(package))


def test_other_names_are_errors():
    with pytest.raises(AttributeError, match="no attribute 'ran'"):
        screen.ran  # noqa: B018


def test_importing_screen_is_light():
    heavy = "import sys, muli.screen; print({'jax', 'pandas', 'duckdb'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
