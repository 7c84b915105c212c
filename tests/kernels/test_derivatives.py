"""Derivatives of E* and j: finite differences, the implicit formula, both ways of autodiff."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from muli.kernels import Branches, Constant, Layer, Stack, solve
from muli.kernels.constants import BOLTZMANN_EV

NAMES = ("L_1", "s_1", "c_1", "n_1", "E_n", "p_1", "E_p", "L_2", "s_2", "c_2", "E_a", "E_c", "T")
POINTS = {
    "ordinary": [5e-3, 1e-3, 1e-10, 1e-6, 0.4, 1e-6, 3.6, 1e-6, 1e-6, 1e-12, 0.1, 4.2, 298.15],
    "rivals sigma_ion": [5e-3, 1e-3, 1e-9, 4e-3, 2.2, 3e-3, 2.0, 1e-6, 1e-6, 1e-6, 0.1, 4.2, 330.0],
    "saturated": [1e-6, 1e-7, 0.0, 1.6e-11, 0.1, 0.0, 4.0, 5e-3, 1e-3, 1e-9, 0.1, 4.2, 298.15],
}


def answers(p, contact=None):
    """E* and ln j of branches | constant as a function of every continuous parameter."""
    layers = (
        Layer(p[0], p[1], Branches(p[2], p[3], p[4], p[5], p[6])),
        Layer(p[7], p[8], Constant(p[9])),
    )
    asr = None if contact is None else (0.0, contact, 0.0)
    solution = solve(Stack(layers, p[10], p[11], p[12], interface_asr=asr))
    return jnp.stack([solution.nodes[1], solution.log_leak])


def central(function, x, index):
    """Two central differences of relative step 1e-4 and 2e-4, extrapolated."""
    step = 1e-4 * x[index]
    near = function(x.at[index].add(step)) - function(x.at[index].add(-step))
    far = function(x.at[index].add(2 * step)) - function(x.at[index].add(-2 * step))
    return (8 * near - far) / (12 * step)


@pytest.fixture(scope="module")
def compiled(tools):
    functions = {
        "value": answers,
        "forward": jax.jacfwd(answers),
        "reverse": jax.jacrev(answers),
        "second": jax.hessian(lambda p: answers(p)[0]),
    }
    return {name: tools["quick_jit"](function) for name, function in functions.items()}


@pytest.mark.parametrize("name", POINTS)
def test_first_derivatives(compiled, name):
    p = jnp.asarray(POINTS[name])
    forward = np.asarray(compiled["forward"](p))
    reverse = np.asarray(compiled["reverse"](p))
    scale = np.asarray(POINTS[name])
    np.testing.assert_allclose(reverse * scale, forward * scale, rtol=1e-9, atol=1e-12)
    assert np.all(np.isfinite(forward))
    for index, value in enumerate(POINTS[name]):
        if value == 0.0:
            continue
        expected = np.asarray(central(compiled["value"], p, index)) * value
        scale = np.maximum(np.abs(expected), 1e-3)
        error = np.abs(forward[:, index] * value - expected) / scale
        assert np.max(error) < 1e-6, NAMES[index]


def test_second_derivatives(compiled):
    p = jnp.asarray(POINTS["ordinary"])
    second = np.asarray(compiled["second"](p))
    np.testing.assert_allclose(second, second.T, rtol=1e-6, atol=1e-9 * np.abs(second).max())
    for index in (0, 4, 7, 11):
        expected = central(lambda q: compiled["forward"](q)[0], p, index)
        scale = np.max(np.abs(expected) * np.asarray(p))
        assert np.max(np.abs(second[index] - expected) * np.asarray(p)) < 1e-5 * scale


def test_second_derivatives_are_finite_at_an_absent_branch(compiled):
    assert np.all(np.isfinite(compiled["second"](jnp.asarray(POINTS["saturated"]))))


def test_implicit_formula(compiled):
    """dE*/d ln(L_2/L_1) = -1/(sigma_1/G_1 + sigma_2/G_2), the integrals from j itself."""
    p = jnp.asarray(POINTS["ordinary"])
    E, log_j = np.asarray(compiled["value"](p))
    L_1, s_1, c, n, E_n, hole, E_p, L_2, s_2, e_2, _, _, T = POINTS["ordinary"]
    V_T = T * BOLTZMANN_EV
    ele = c + n * np.exp(-(E - E_n) / V_T) + hole * np.exp((E - E_p) / V_T)
    j = np.exp(log_j)
    slope = -1 / (s_1 * ele / (s_1 + ele) / (j * L_1) + s_2 * e_2 / (s_2 + e_2) / (j * L_2))
    got = np.asarray(compiled["forward"](p))[0]
    assert got[7] * L_2 == pytest.approx(slope, rel=1e-7)
    assert got[0] * L_1 == pytest.approx(-slope, rel=1e-7)


def test_derivative_by_a_contact(tools):
    """By its resistance, ideal contact included, against a one-sided and a central difference."""
    p = jnp.asarray(POINTS["ordinary"])

    def node(R):
        return answers(p, R)[0]

    step, contacts = 1.0, np.array([0.0, 3e5])
    resistances = jnp.asarray((contacts[:, None] + step * np.arange(3)).ravel())
    values, slopes = tools["quick_jit"](jax.vmap(jax.value_and_grad(node)))(resistances)
    a, b, c = np.asarray(values).reshape(2, 3).T
    slope = np.asarray(slopes).reshape(2, 3)[:, 0]
    np.testing.assert_allclose(slope, (4 * b - c - 3 * a) / (2 * step), rtol=1e-4)
    assert np.all(slope < 0)
