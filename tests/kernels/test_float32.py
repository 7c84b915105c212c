"""float32 against float64 on random realistic stacks: how far off, and what is said about it."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from muli.kernels import Status

FILE = Path(__file__).parents[2] / "benchmarks" / "float32_errors.py"


@pytest.fixture(scope="module")
def comparison():
    """The script that makes the distribution in docs/numerics.md."""
    spec = importlib.util.spec_from_file_location("float32_errors", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def judge(found):
    unmarked = found.unmarked
    marks = {Status.OK, Status.ILL_CONDITIONED, Status.UNDERFLOW}
    assert set(found.status.tolist()) <= marks
    assert np.mean(found.scaled[unmarked] < 1e-4) >= 0.9999
    assert np.mean(unmarked) > 0.97
    assert np.all(np.isfinite(found.volts))


def test_float32_errors(comparison, tmp_path):
    found = comparison.errors(20_000, seed=7)
    judge(found)
    assert f"{found.status.size:,} stacks" in comparison.describe(found)[-2]
    comparison.draw(found, tmp_path / "errors.png")
    assert (tmp_path / "errors.png").stat().st_size > 5000


@pytest.mark.full
def test_float32_errors_of_a_million(comparison):
    judge(comparison.joined(comparison.errors(50_000, seed) for seed in range(20)))
