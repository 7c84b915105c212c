"""Strict arithmetic for every test: float64 available, no silent promotion of rank or dtype.

Programs are compiled once for the whole session: its processes, workers and commands alike, share a
folder of compiled programs that is gone when the session ends, or stays where
`JAX_COMPILATION_CACHE_DIR` names it. Hypothesis draws the same examples every time.
"""

import atexit
import gc
import os
import shutil
import tempfile

if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    compiled = tempfile.mkdtemp(prefix="muli-compiled-")
    atexit.register(shutil.rmtree, compiled, ignore_errors=True)
    os.environ["JAX_COMPILATION_CACHE_DIR"] = compiled
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.1")
os.environ["XDG_CACHE_HOME"] = os.environ["JAX_COMPILATION_CACHE_DIR"]

from collections.abc import Iterator

import hypothesis
import jax
import pytest

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")

hypothesis.settings.register_profile("muli", deadline=None, derandomize=True)
hypothesis.settings.load_profile("muli")


def pytest_collection_finish() -> None:
    """Objects of imported modules live for ever: the garbage collector need not visit them again.

    Tracing makes many short-lived objects, so that the collector would take a tenth of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture(autouse=True)
def double_precision() -> Iterator[None]:
    """Every test begins in double precision: a command run in this process may have left it."""
    yield
    jax.config.update("jax_enable_x64", True)
