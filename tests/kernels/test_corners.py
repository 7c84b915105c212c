"""Stacks where such work goes wrong, with answers found by other means, in both precisions."""

import equinox as eqx
import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

from muli.kernels import Branches, Constant, Layer, Stack, Status, solve
from muli.kernels.constants import BOLTZMANN_EV
from muli.kernels.transport.conductor import dilute
from muli.screen.solving.batches import QUICK_COMPILE

SE0 = Layer(5e-3, 1e-3, Constant(1e-9))
CL0 = Layer(1e-6, 1e-6, Constant(1e-11))
FLOATS = [jnp.float64, jnp.float32]


def electrons(sigma, E):
    return Branches(0.0, sigma, E, 0.0, 0.0)


def holes(sigma, E):
    return Branches(0.0, 0.0, 0.0, sigma, E)


solve_once = eqx.filter_jit(solve, compiler_options=QUICK_COMPILE)
STEP = Layer(2e-3, 1e-3, electrons(1e-4, 0.4))


def step(thickness, sigma_ion):
    return Stack((STEP, Layer(thickness, sigma_ion, holes(1e-6, 4.0))), 0.0, 4.2)


STEPS = {
    (1e-7, 1e-7): 4.0287551617,
    (1e-6, 1e-7): 0.0518323739,
    (1e-7, 1e-6): 4.1829478989,
    (1e-6, 1e-6): 4.0198287455,
}
"""E* (V) of a step by coating thickness (cm) and sigma_ion, see `test_steps_by_quadrature`."""

CORNERS = {
    "by hand": (Stack((SE0, CL0), 0.0, 4.2), [4.117646], 8.235284e-7),
    "saturated anode coating": (
        Stack((Layer(1e-6, 1e-7, electrons(1.6e-11, 0.0)), SE0, CL0), 0.0, 4.2, electrolyte=1),
        [2.10365078, 4.15889475],
        4.11048383e-7,
    ),
    "branches above sigma_ion": (
        Stack((SE0, Layer(1e-5, 1e-6, Branches(0.0, 1e-6, 2.2, 1e-6, 2.0))), 0.0, 4.2),
        [4.1999916],
        None,
    ),
    "hardly any coating": (
        Stack((Layer(5e-3, 1e-3, Constant(1e-12)), Layer(1e-6, 1e-6, Constant(1e-5))), 0.0, 4.2),
        [4.2 - 9.24e-10],
        8.4e-10,
    ),
    "contact resistance": (
        Stack((SE0, CL0), 0.0, 4.2, interface_asr=(0.0, 1e5, 0.0)),
        [4.038461],
        None,
    ),
}
CORNERS |= {
    f"step, {thickness:g} cm, {sigma_ion:g} S/cm": (step(thickness, sigma_ion), [E], None)
    for (thickness, sigma_ion), E in STEPS.items()
}


def in_precision(stack, dtype):
    """The same stack with arrays of one type for its numbers; plain slopes and currents stay."""

    def array(number):
        return jnp.asarray(number, dtype)

    def layer(one):
        law = one.sigma_ele
        if isinstance(law, Constant):
            law = Constant(array(law.sigma_0))
        else:
            law = Branches(*map(array, (law.sigma_0, law.sigma_n, law.E_n, law.sigma_p, law.E_p)))
        return Layer(array(one.thickness), array(one.sigma_ion), law)

    return Stack(
        tuple(map(layer, stack.layers)),
        array(stack.E_anode),
        array(stack.E_cathode),
        array(stack.temperature),
        interface_asr=jax.tree.map(array, stack.interface_asr),
        electrolyte=stack.electrolyte,
    )


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", CORNERS)
def test_corner(name, dtype):
    stack, nodes, leak = CORNERS[name]
    solution = solve_once(in_precision(stack, dtype))
    tolerance = 1e-6 if dtype == jnp.float64 else 1e-5
    assert solution.faces.dtype == dtype
    assert int(solution.status) == Status.OK
    scale = max(1.0, float(solution.slope))
    np.testing.assert_allclose(solution.nodes[1:-1], nodes, atol=tolerance * scale, rtol=0)
    if leak is not None:
        assert float(solution.leak_current_density) == pytest.approx(leak, rel=1e-5)


@pytest.mark.parametrize("dtype", [jnp.float64, pytest.param(jnp.float32, marks=pytest.mark.full)])
def test_equal_potentials(tools, dtype):
    """No current, yet a derivative: both layers still divide a change of one electrode."""
    law = Branches(1e-9, 0.0, 0.0, 1e-5, 3.0)
    layers = (Layer(5e-3, 1e-3, law), CL0)

    def node(E):
        return solve(Stack(layers, jnp.asarray(2.9, dtype), E)).nodes[1]

    def orders(E):
        return node(E), jax.grad(node)(E), jax.grad(jax.grad(node))(E)

    found = tools["quick_jit"](orders)(jnp.asarray(2.9, dtype))
    E, slope, bend = (float(x) for x in found)
    assert pytest.approx(2.9, rel=1e-6) == E
    assert slope == pytest.approx(0.19610, rel=1e-4)
    assert np.isfinite(bend)


def test_reversed_potentials():
    """Exchanging the electrodes and the order of layers turns the current round, nothing else."""
    law = Branches(1e-9, 1e-7, 0.5, 1e-5, 3.0)
    layers = (Layer(5e-3, 1e-3, law), CL0)
    forward = solve_once(in_precision(Stack(layers, 0.3, 4.1), jnp.float64))
    backward = solve_once(in_precision(Stack(layers[::-1], 4.1, 0.3), jnp.float64))
    assert float(backward.leak_current_density) == pytest.approx(
        -float(forward.leak_current_density)
    )
    np.testing.assert_allclose(backward.nodes[::-1], forward.nodes, atol=1e-12)


@pytest.mark.parametrize("sizes", STEPS)
def test_steps_by_quadrature(sizes):
    """Flux in and flux out cross within 1e-8 V of the pinned E*, by 30-digit quadrature."""
    thickness, sigma_ion = sizes
    with mpmath.workdps(30):
        V_T = mpmath.mpf(BOLTZMANN_EV) * mpmath.mpf(298.15)

        def flux(sigma_ion, sigma_ele, low, high, L):
            cuts = mpmath.linspace(low, high, max(2, int((high - low) / V_T)))
            value = mpmath.quad(lambda E: 1 / (1 / sigma_ion + 1 / sigma_ele(E)), cuts, maxdegree=4)
            return value / L

        def excess(E):
            into = flux(1e-3, lambda x: 1e-4 * mpmath.exp((0.4 - x) / V_T), 0.0, E, 2e-3)
            return into - flux(
                sigma_ion, lambda x: 1e-6 * mpmath.exp((x - 4.0) / V_T), E, 4.2, thickness
            )

        E = mpmath.mpf(STEPS[sizes])
        assert excess(E - 1e-8) < 0 < excess(E + 1e-8)


def test_an_integral_that_ends():
    V_T = jnp.asarray(0.025692579, jnp.float64)
    law = jax.tree.map(jnp.float64, electrons(1e-6, 0.5))
    conductor = dilute(law, jnp.float64(1e-7), V_T)
    for end in (1.0, 50.0):
        integral = end * jnp.exp(conductor.log_mean(jnp.float64(0.0), jnp.float64(end)))
        assert float(integral) == pytest.approx(5.59159e-8, rel=1e-5)


BAD = {
    "negative thickness": (Layer(-1e-6, 1e-6, Constant(1e-11)), Status.INPUT_OUT_OF_RANGE),
    "no conductivity at all": (Layer(1e-6, 1e-6, Constant(0.0)), Status.INPUT_OUT_OF_RANGE),
    "infinite": (Layer(1e-6, jnp.inf, Constant(1e-11)), Status.INPUT_OUT_OF_RANGE),
    "unknown": (Layer(1e-6, 1e-6, Constant(jnp.nan)), Status.MISSING_PROPERTY),
    "negative branch": (
        Layer(1e-6, 1e-6, Branches(1e-9, -1e-9, 0.0, 0.0, 0.0)),
        Status.INPUT_OUT_OF_RANGE,
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named_and_blanked(name):
    coating, status = BAD[name]
    solution = solve_once(in_precision(Stack((SE0, coating), 0.0, 4.2), jnp.float64))
    assert int(solution.status) == status
    assert np.all(np.isnan(solution.faces))
    assert np.isnan(float(solution.leak_current_density))


def test_underflow_is_computed():
    tiny = Layer(1.0, 1e-3, electrons(1e-20, -1.5))
    stack = in_precision(Stack((tiny, tiny), 2.0, 4.2), jnp.float32)
    assert int(solve_once(stack).status) == Status.UNDERFLOW


def test_steep_step_is_marked_in_float32():
    """A node that rounding moves by more than 1e-4 V says so, in the precision it was asked in."""

    def status(thickness, dtype):
        coating = Layer(thickness, 1e-7, holes(1e-6, 4.0))
        stack = in_precision(Stack((STEP, coating), 0.0, 4.2), dtype)
        return int(solve_once(stack).status)

    ratio = 1e-7 * 10.0867 / (1e-3 * 13.2656)
    critical = 2e-3 * ratio
    assert status(critical, jnp.float32) == Status.ILL_CONDITIONED
    assert status(critical * 0.5, jnp.float32) == Status.OK
