"""Curves of E* over ln(L_electrolyte/L_coating): against solves, steps, tables, both electrodes."""

from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from muli.kernels import Branches, Layer, Stack, Status, Table, solve
from muli.kernels.solvers.curve import (
    TOLERANCE,
    curve_nodes,
    node_read,
    node_solved,
    read_curves,
    solution_at,
    trace_curve,
)

E_CATHODE = 4.2
GRID = curve_nodes(E_CATHODE, 250.0)
FLAT, UNKNOWN = (1e-9, 0.0, 0.0, 0.0, 0.0), (np.nan, 0.0, 0.0, 0.0, 0.0)
PAIRS = np.array(
    [
        [(1e-10, 1e-6, 0.4, 1e-6, 3.6), (1e-14, 1e-8, 0.5, 1e-7, 4.4)],
        [(0.0, 1e-4, 0.4, 0.0, 0.0), (0.0, 0.0, 0.0, 1e-6, 4.0)],
        [FLAT, (1e-13, 1e-5, 0.3, 1e-3, 3.0)],
        [FLAT, UNKNOWN],
    ]
)
"""sigma_0, sigma_n, E_n, sigma_p, E_p of electrolyte and coating: smooth, a step of E*, a floor,
unknown."""
STEEP = 1
TEMPERATURES = np.array([298.15, 298.15, 250.0, 298.15])


def branchy(laws, E_a, E_c, T, log_thick):
    layers = (
        Layer(jnp.exp(log_thick), 1e-3, Branches(*laws[0])),
        Layer(1e-6, 1e-6, Branches(*laws[1])),
    )
    return Stack(layers, E_a, E_c, T)


def tabular(logs, E_a, E_c, T, log_thick):
    """Curves of three and of four points, which E* crosses."""
    grids = jnp.array([0.0, 2.0, 4.5]), jnp.array([-1.0, 1.1, 2.4, 5.0])
    layers = [
        Layer(L, s, Table(E, log[: E.size]))
        for L, s, E, log in zip((jnp.exp(log_thick), 1e-6), (1e-3, 1e-6), grids, logs, strict=True)
    ]
    return Stack(tuple(layers), E_a, E_c, T)


@lru_cache
def programs(quick_jit, build):
    """Curves of several pairs, and readings and solves of stacks of each."""

    @quick_jit
    def traced(laws, E_a, E_c, T):
        return jax.vmap(lambda *pair: trace_curve(build(*pair, jnp.zeros(())), GRID))(
            laws, E_a, E_c, T
        )

    @quick_jit
    def compared(curves, laws, E_a, E_c, T, position):
        number = jnp.broadcast_to(jnp.arange(len(T))[:, None], position.shape)
        reading = read_curves(curves, number, position)

        def one(reading, x, *pair):
            stack = build(*pair, x + jnp.log(1e-6))
            node, usable = node_read(stack, reading)
            return node, usable, solution_at(stack, node), node_solved(stack), solve(stack)

        each = jax.vmap(jax.vmap(one, (0, 0, *[None] * 4)), (0, 0, *[0] * 4))
        return reading, *each(reading, position, laws, E_a, E_c, T)

    return traced, compared


def answers(tools, build, laws, E_a, E_c, T, low, high):
    ends = jnp.full(len(T), E_a), jnp.full(len(T), E_c)
    numbers = jnp.asarray(laws), *ends, jnp.asarray(T)
    traced, compared = programs(tools["quick_jit"], build)
    position = jnp.asarray(np.random.default_rng(0).uniform(low, high, (len(T), 200)))
    return compared(traced(*numbers), *numbers, position)


def test_every_interval_but_the_ends_is_confirmed(tools):
    traced, _ = programs(tools["quick_jit"], branchy)
    ends = jnp.zeros(4), jnp.full(4, E_CATHODE)
    curves = traced(jnp.asarray(PAIRS), *ends, jnp.asarray(TEMPERATURES))
    trusted = np.asarray(curves.trusted)
    assert trusted[[0, 2], 1:-2].mean() > 0.99
    assert not trusted[3].any()
    assert not trusted[:, [0, -1]].any()
    step = np.asarray(jnp.diff(curves.position[STEEP]))
    inside = np.asarray((curves.E[STEEP] > 0.5) & (curves.E[STEEP] < 3.5))[:-1]
    assert np.nanmin(step[inside]) < 1e-3  # of less than 4 mV each: steeper than 4 V


@pytest.mark.parametrize(("E_a", "E_c"), [(0.0, E_CATHODE), (E_CATHODE, 0.0), (1.7, 2.3)])
def test_readings_are_solves_whichever_electrode_is_higher(tools, E_a, E_c):
    read_, node, usable, solution, solved, _ = answers(
        tools, branchy, PAIRS, E_a, E_c, TEMPERATURES, 2.0, 14.0
    )
    confirmed = np.asarray(read_.trusted & usable)
    assert confirmed[:3].mean() > 0.9
    error = np.abs(node.E - solved.E) / np.maximum(1.0, solved.slope)
    assert error[confirmed].max() < TOLERANCE
    assert np.abs(node.log_leak - solved.log_leak)[confirmed].max() < 1e-6
    np.testing.assert_allclose(node.slope[confirmed], solved.slope[confirmed], rtol=0.3)
    assert (np.asarray(solution.status)[confirmed] == Status.OK).all()


def test_solutions_of_nodes_that_were_solved_are_those_solutions(tools):
    """A pair without a number is not solved: it keeps its status."""
    _, _, usable, solution, _, exact = answers(
        tools, branchy, PAIRS, 0.0, E_CATHODE, TEMPERATURES, 2.0, 14.0
    )
    assert np.asarray(usable[3]).all()
    assert (np.asarray(solution.status[3]) == Status.MISSING_PROPERTY).all()
    assert (np.asarray(solution.status) == np.asarray(exact.status)).all()
    np.testing.assert_allclose(solution.leak_current_density, exact.leak_current_density, rtol=1e-6)
    assert np.isnan(np.asarray(solution.faces[3])).all()


def test_outside_nothing_is_trusted(tools):
    reading = answers(tools, branchy, PAIRS, 0.0, E_CATHODE, TEMPERATURES, 500.0, 600.0)[0]
    assert not np.asarray(reading.trusted).any()


def test_tables_have_nodes_at_their_corners(tools):
    laws = np.array([[(-8.0, -9.0, -7.0, 0.0), (-9.0, -12.0, -12.5, -10.0)]])
    reading, node, usable, solution, solved, exact = answers(
        tools, tabular, laws, 0.0, E_CATHODE, TEMPERATURES[:1], 0.0, 12.0
    )
    assert np.asarray(reading.trusted & usable).all()
    assert np.abs(node.E - solved.E).max() < TOLERANCE
    assert (np.asarray(solution.status) == np.asarray(exact.status)).all()
    assert np.ptp(np.asarray(node.E)) > 2.0
