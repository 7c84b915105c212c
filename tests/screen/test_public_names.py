"""What a script gets from `screen`, whatever was imported before."""

import inspect
import subprocess
import sys

import pytest

from muli import screen


def test_the_three_functions_are_there():
    from muli.screen.ranking import rank
    from muli.screen.running import run

    assert rank.rank is screen.rank
    assert run.run is screen.run
    assert [inspect.isfunction(getattr(screen, name)) for name in screen.__all__] == [True] * 3
    assert list(inspect.signature(screen.run).parameters)[:2] == ["spec", "out"]


def test_other_names_are_errors():
    with pytest.raises(AttributeError, match="no attribute 'ran'"):
        screen.ran  # noqa: B018


def test_importing_screen_is_light():
    heavy = "import sys, muli.screen; print({'jax', 'pandas', 'duckdb'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
