"""Tabulated conductivity: against branches and constants, at rest, beyond the table's ends."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from muli.kernels import Branches, Constant, Layer, Stack, Status, Table, solve
from muli.kernels.constants import BOLTZMANN_EV

VOLT = BOLTZMANN_EV * 298.15
GRID = np.array([-1.0, 0.7, 3.1, 4.4, 6.0])
FLOOR = Branches(1e-9, 0.0, 0.0, 0.0, 0.0)
CASES = {
    "charge": (0.0, 4.2, -1e-3),
    "discharge": (0.0, 4.2, 1e-4),
    "open circuit": (0.0, 4.2, 0.0),
    "higher": (0.0, 4.2 + 1e-5, 0.0),
    "lower": (0.0, 4.2 - 1e-5, 0.0),
    "equal potentials": (2.9, 2.9, 0.0),
    "undriven": (2.9, 2.9 + 1e-3 * (5.0 + 1.0), 1e-3),
    "beyond": (0.0, 6.2, 0.0),
}


def stack(law, E_anode, E_cathode, current):
    """Electrolyte of 5 ohm cm2 and a coating of 1 ohm cm2."""
    layers = (Layer(5e-3, 1e-3, FLOOR), Layer(1e-6, 1e-6, law))
    return Stack(layers, E_anode, E_cathode, 298.15, current)


@pytest.fixture(scope="module")
def answers(tools):
    """One exponential is a straight line in a table. Solutions and their change with E_cathode."""
    table = Table(GRID, (np.log(1e-10) + (GRID - 4.0) / VOLT) / np.log(10.0))

    def run(stack):
        def at(E):
            return solve(replace(stack, E_cathode=E))

        return jax.jvp(at, (stack.E_cathode,), (jnp.ones_like(stack.E_cathode),))

    batch = tools["batch_of"]([stack(table, *case) for case in CASES.values()])
    found = tools["quick_jit"](lambda batch: jax.lax.map(run, batch))(batch)
    return {
        name: jax.tree.map(lambda leaf, k=k: np.asarray(leaf[k]), found)
        for k, name in enumerate(CASES)
    }


def test_table_equals_the_branch_it_samples(answers, tools):
    hole = Branches(0.0, 0.0, 0.0, 1e-10, 4.0)
    names = ("charge", "discharge", "open circuit")
    expected = tools["solve_two_layers"]([stack(hole, *CASES[name]) for name in names])
    for k, name in enumerate(names):
        table = answers[name][0]
        assert table.status == Status.OK
        np.testing.assert_allclose(table.faces, expected.faces[k], atol=1e-9)
        leak = float(expected.leak_current_density[k])
        assert float(table.leak_current_density) == pytest.approx(leak, rel=1e-9)


def test_derivative_against_differences(answers):
    change = answers["open circuit"][1]
    high, low = answers["higher"][0], answers["lower"][0]
    slope = (high.faces[0, 1] - low.faces[0, 1]) / 2e-5
    assert float(change.faces[0, 1]) == pytest.approx(slope, rel=1e-6)
    leak = (high.leak_current_density - low.leak_current_density) / 2e-5
    assert float(change.leak_current_density) == pytest.approx(leak, rel=1e-6)


@pytest.mark.parametrize("name", ["equal potentials", "undriven"])
def test_nothing_leaks_where_nothing_drives(answers, name):
    """E_cathode - E_anode = I R_ion: no leak, ions alone; a change is shared by the resistances."""
    solution, change = answers[name]
    E_anode, _, current = CASES[name]
    assert solution.status == Status.OK
    assert abs(solution.leak_current_density) < 1e-30
    E = E_anode + current * 5.0
    assert float(solution.faces[0, 1]) == pytest.approx(E, abs=1e-12)
    x = np.linspace(0.0, 1.0, 1001)
    sigma = 1e-10 * np.exp((E + current * x - 4.0) / VOLT)
    electrolyte = 5.0 + 5e-3 / 1e-9
    coating = 1.0 + 1e-6 * np.trapezoid(1.0 / sigma, x)
    total = electrolyte + coating
    assert float(change.leak_current_density) == pytest.approx(1.0 / total, rel=1e-5)
    assert float(change.faces[0, 1]) == pytest.approx(electrolyte / total, rel=1e-5)


def test_potentials_beyond_the_table_say_so(answers):
    assert answers["beyond"][0].status == Status.EXTRAPOLATED_TABLE
    assert np.all(np.isfinite(answers["beyond"][0].faces))


@pytest.mark.full
def test_a_constant_is_a_flat_table(tools):
    flat = Table(GRID, np.full(5, -11.0))
    table = tools["quick_jit"](jax.vmap(solve))(
        tools["batch_of"]([stack(flat, *CASES["open circuit"])] * 8)
    )
    constant = (Layer(5e-3, 1e-3, Constant(1e-9)), Layer(1e-6, 1e-6, Constant(1e-11)))
    expected = solve(Stack(constant, 0.0, 4.2))
    np.testing.assert_allclose(table.faces[0], expected.faces, atol=1e-10)
