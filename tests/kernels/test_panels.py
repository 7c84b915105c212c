"""Gauss-Legendre panels: the error falls geometrically with the nodes, next to a standstill too."""

import jax.numpy as jnp
import numpy as np
import pytest

from muli.kernels import Branches
from muli.kernels.transport import panels
from muli.kernels.transport.branches import centres

VOLT = 0.025692579
LAW = Branches(*map(jnp.float64, (0.0, 1e-7, 0.4, 1e-8, 3.9, 0.5, 1.0)))
FLOWS = {"same sign": (1e6, 1e-6, 0.2, 4.1), "charging": (-2e2, 1e-6, 1.1, 2.9)}


def reference(a, j, E_1, E_2):
    """The distance by 4,000 panels of numpy's own."""
    nodes, weights = np.polynomial.legendre.leggauss(24)
    edges = np.linspace(E_1, E_2, 4001)
    half = 0.5 * np.diff(edges)
    E = edges[:-1, None] + half[:, None] * (1.0 + nodes)
    electrons = 1e-7 * np.exp(-0.5 * (E - 0.4) / VOLT)
    sigma = electrons + 1e-8 * np.exp((E - 3.9) / VOLT)
    return np.sum(half[:, None] * weights / np.abs(a + j / sigma))


def length_between(a, j, E_1, E_2):
    laid = panels.lay_panels(LAW, a, j, *map(jnp.float64, (VOLT, -0.5, 4.5)))
    return jnp.exp(panels.log_distance(laid, E_1, E_2))


@pytest.fixture(scope="module")
def lengths(tools):
    """By panels of 2, 4, 6 and 10 nodes, for each flow."""
    found = {name: [] for name in FLOWS}
    for count in (2, 4, 6, 10):
        with pytest.MonkeyPatch.context() as patch:
            abscissae, weights = np.polynomial.legendre.leggauss(count)
            patch.setattr(panels, "_ABSCISSAE", abscissae)
            patch.setattr(panels, "_WEIGHTS", weights)
            for name in ("lay_panels", "log_distance", "panel_part"):
                # programs kept by these would hold the nodes they were traced with
                patch.setattr(panels, name, getattr(panels, name).__wrapped__)
            length = tools["quick_jit"](lambda *numbers: length_between(*numbers))
            for name, flow in FLOWS.items():
                found[name].append(float(length(*map(jnp.float64, flow))))
    return found


@pytest.mark.parametrize("name", FLOWS)
def test_error_falls_geometrically(lengths, name):
    expected = reference(*FLOWS[name])
    errors = [abs(length / expected - 1.0) for length in lengths[name]]
    assert errors[0] > 1e-7
    assert errors[1] < 0.05 * errors[0]
    assert errors[2] < 0.05 * errors[1] or errors[2] < 1e-12
    assert errors[3] < 1e-11


def test_a_flow_stands_still_where_both_terms_cancel(tools):
    a, j = FLOWS["charging"][:2]
    left, right, stands = centres(LAW, *map(jnp.float64, (a, j, VOLT)))
    assert bool(stands)
    for E in (float(left), float(right)):
        electrons, holes = -0.5 * (E - 0.4) / VOLT, (E - 3.9) / VOLT
        sigma = 1e-7 * np.exp(electrons) + 1e-8 * np.exp(holes)
        assert j / sigma == pytest.approx(-a, rel=1e-9)
    length = tools["quick_jit"](lambda *numbers: length_between(*numbers))
    assert float(length(*map(jnp.float64, (a, j, left - 0.1, right + 0.1)))) == np.inf
