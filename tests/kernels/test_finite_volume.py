"""A finite-volume grid under current: second order, and its limit is the kernels' answer."""

import jax
import numpy as np
import pytest

from muli.kernels import Branches, Layer, Stack, Status, solve
from muli.kernels.constants import BOLTZMANN_EV

VOLT = BOLTZMANN_EV * 298.15
LAYERS = (
    (3e-3, 1e-3, (1e-9, 1e-10, 0.8, 1e-10, 3.7, 0.25, 0.25)),
    (2e-6, 1e-6, (1e-11, 1e-12, 1.8, 1e-12, 4.1, 0.25, 0.25)),
)
E_ANODE, E_CATHODE, CURRENT = 0.1, 4.2, -2e-4


def sigma_ele(law, E):
    """sigma_ele and its derivative by E."""
    floor, n, E_n, p, E_p, z_n, z_p = law
    electrons, holes = n * np.exp(-z_n * (E - E_n) / VOLT), p * np.exp(z_p * (E - E_p) / VOLT)
    return floor + electrons + holes, (z_p * holes - z_n * electrons) / VOLT


def on_grid(cells, E, j):
    """Nodes (V) and j (A/cm2) on that many cells a layer, from a start.

    Each cell's flux is that of the potential at its middle; Newton on all nodes and j at once.
    """
    h = np.concatenate([np.full(cells, layer[0] / cells) for layer in LAYERS])
    ion = np.repeat([layer[1] for layer in LAYERS], cells)
    for _ in range(200):
        middle = 0.5 * (E[1:] + E[:-1])
        parts = [sigma_ele(k[2], middle[i * cells :][:cells]) for i, k in enumerate(LAYERS)]
        sigma, bend = (np.concatenate(pair) for pair in zip(*parts, strict=True))
        rest = np.diff(E) - h * ((CURRENT + j) / ion + j / sigma)
        half = 0.5 * h * j * bend / sigma**2
        matrix = np.diag((1.0 + half)[:-1]) + np.diag((half - 1.0)[1:-1], -1)
        last = np.append(np.zeros(2 * cells - 2), half[-1] - 1.0)
        matrix = np.vstack([matrix, last])
        by_leak = -h * (1.0 / ion + 1.0 / sigma)
        step = np.linalg.solve(np.column_stack([matrix, by_leak]), -rest)
        damp = min(1.0, 0.2 / np.max(np.abs(step[:-1])))
        E[1:-1] += damp * step[:-1]
        j += damp * step[-1]
        if np.max(np.abs(step[:-1])) < 1e-12:
            return E, j
    raise AssertionError("the grid did not converge")


def refined(grids):
    """(E*, j) on finer and finer grids, each started from the one before."""
    E, j, found = np.linspace(E_ANODE, E_CATHODE, 2 * grids[0] + 1), 1e-7, []
    for cells in grids:
        E = np.interp(np.linspace(0.0, 1.0, 2 * cells + 1), np.linspace(0.0, 1.0, E.size), E)
        E, j = on_grid(cells, E, j)
        found.append([E[cells], j])
    return np.array(found)


@pytest.mark.full
def test_grid_converges_with_second_order_to_the_answer(tools):
    layers = tuple(Layer(L, s, Branches(*law)) for L, s, law in LAYERS)
    batch = tools["batch_of"]([Stack(layers, E_ANODE, E_CATHODE, 298.15, CURRENT)] * 16)
    solution = tools["quick_jit"](jax.vmap(solve))(batch)
    assert solution.status[0] == Status.OK
    exact = np.array([solution.faces[0, 0, 1], solution.leak_current_density[0]])
    errors = refined((40, 80, 160)) / exact - 1.0
    orders = np.log2(errors[:-1] / errors[1:])
    assert np.all(np.abs(orders - 2.0) < 0.1), orders
    limit = errors[2] + (errors[2] - errors[1]) / 3.0
    assert np.all(np.abs(limit) < 1e-2 * np.abs(errors[2])), limit
