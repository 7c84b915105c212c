"""Curves of E* over ln(L_coating/L_electrolyte): against solves, and where a step hides."""

from functools import lru_cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from muli.kernels import Branches, Layer, Stack, solve
from muli.kernels.solvers.curve import read_at, read_row, trace

NODES, STEP, LOW = 257, 0.05, -12.0
SMOOTH = ((1e-10, 1e-6, 0.4, 1e-6, 3.6), (1e-14, 1e-8, 0.5, 1e-7, 4.4))
STEEP = ((0.0, 1e-4, 0.4, 0.0, 0.0), (0.0, 0.0, 0.0, 1e-6, 4.0))


def stack_of(laws, log_r):
    """laws: sigma_0, sigma_n, E_n, sigma_p, E_p of both layers; slopes are plain numbers."""
    layers = (Layer(1.0, 1e-3, Branches(*laws[0])), Layer(jnp.exp(log_r), 1e-6, Branches(*laws[1])))
    return Stack(layers, 0.0, 4.2)


@lru_cache
def traced(quick_jit):
    """One program for all laws."""
    return quick_jit(lambda laws, low, step: trace(stack_of(laws, jnp.zeros(())), low, step, NODES))


def curve_of(tools, laws, low=LOW):
    run = traced(tools["quick_jit"])
    return run(jnp.asarray(laws), jnp.float64(low), jnp.float64(STEP))


@pytest.fixture(scope="module")
def smooth(tools):
    return curve_of(tools, SMOOTH)


def direct(tools, laws, log_r):
    node = jax.vmap(lambda laws, x: solve(stack_of(laws, x)).nodes[1], (None, 0))
    return tools["quick_jit"](node)(jnp.asarray(laws), log_r)


def test_every_smooth_interval_is_confirmed_and_right(tools, smooth):
    assert bool(smooth.trusted.all())
    log_r = jnp.asarray(np.random.default_rng(0).uniform(LOW, LOW + STEP * (NODES - 1), 500))
    reading = read_at(smooth, log_r)
    assert bool(reading.trusted.all())
    np.testing.assert_allclose(reading.E, direct(tools, SMOOTH, log_r), atol=5e-6)


def test_rise_is_the_slope_of_the_nodes(smooth):
    """Central differences of a step of 0.05 are right to its square."""
    E, rise = np.asarray(smooth.E), np.asarray(smooth.rise)
    np.testing.assert_allclose(rise[1:-1], 0.5 * (E[2:] - E[:-2]), rtol=2e-2, atol=1e-6)


def test_rows_are_readings(smooth):
    first, count = jnp.float64(LOW + 3.3 * STEP), 40
    row = jax.jit(partial(read_row, count=count))(smooth, first)
    reading = read_at(smooth, first + STEP * jnp.arange(count, dtype=jnp.float64))
    np.testing.assert_allclose(row.E, reading.E, atol=1e-12)
    assert bool(row.trusted.all())
    assert not bool(read_at(smooth, jnp.float64(LOW - 1e-3)).trusted)


def test_a_step_is_not_trusted_and_the_rest_is(tools):
    curve = curve_of(tools, STEEP, low=-12.0)
    jump = int(jnp.argmax(jnp.abs(jnp.diff(curve.E))))
    assert float(jnp.abs(curve.E[jump + 1] - curve.E[jump])) > 1.0
    assert not bool(curve.trusted[jump])
    assert float(curve.trusted.mean()) > 0.3
