"""Inside a solved stack: gauge, carriers, slopes, derivatives; programs for other devices."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from muli.kernels import Branches, Constant, Layer, Stack, profile, solve
from muli.kernels.constants import BOLTZMANN_EV

VOLT = BOLTZMANN_EV * 298.15
LAWS = ((1e-9, 1e-7, 0.5, 1e-7, 3.6), (1e-11, 0.0, 0.0, 1e-9, 4.4))
THICKNESS, SIGMA_ION = np.array([5e-3, 1e-6]), np.array([1e-3, 1e-6])
CONTACTS = (2.0, 30.0, 4.0)
PLACES = np.concatenate([np.linspace(0.0, 5e-3, 9), 5e-3 + np.linspace(0.0, 1e-6, 10)[1:]])


def stack(current, dtype=jnp.float64):
    layers = tuple(
        Layer(jnp.asarray(L, dtype), jnp.asarray(s, dtype), Branches(*law))
        for L, s, law in zip(THICKNESS, SIGMA_ION, LAWS, strict=True)
    )
    return Stack(layers, 0.1, 4.3, 298.15, jnp.asarray(current, dtype), CONTACTS)


def sigma_ele(law, E):
    return law[0] + law[1] * np.exp(-(E - law[2]) / VOLT) + law[3] * np.exp((E - law[4]) / VOLT)


@pytest.fixture(scope="module")
def inside(tools):
    """Solution, profile and dE/dx of a discharging, a resting and a charging stack."""

    def run(row, x):
        stack, solution = row
        shown = jax.vmap(lambda x: profile(stack, solution, x))(x)
        slope = jax.vmap(jax.grad(lambda x: profile(stack, solution, x).potential))(x)
        return shown, slope

    stacks = [stack(current) for current in (1e-3, 0.0, -1e-3)]
    solutions = tools["solve_two_layers"](stacks)
    inner = tools["quick_jit"](lambda rows, x: jax.lax.map(lambda row: run(row, x), rows))
    return solutions, *inner((tools["batch_of"](stacks), solutions), jnp.asarray(PLACES))


@pytest.mark.parametrize("lane", range(3))
def test_gauge_and_carriers(inside, lane):
    """phi_e is 0 in the anode and the terminal voltage in the cathode; E = phi_e - phi_i."""
    solution, shown, _ = jax.tree.map(lambda leaf: np.asarray(leaf[lane]), inside)
    current = (1e-3, 0.0, -1e-3)[lane]
    leak = float(solution.leak_current_density)
    ionic = current + leak
    voltage = 4.2 - ionic * (np.sum(THICKNESS / SIGMA_ION) + sum(CONTACTS))
    np.testing.assert_allclose(shown.phi_ele - shown.phi_ion, shown.potential, atol=1e-12)
    assert shown.phi_ele[0] == pytest.approx(0.0, abs=1e-12)
    assert shown.phi_ion[0] == pytest.approx(-0.1 - ionic * CONTACTS[0], abs=1e-12)
    assert shown.phi_ele[-1] == pytest.approx(voltage, abs=1e-9)
    layer = (THICKNESS[0] < PLACES).astype(int)
    sigma = np.stack([sigma_ele(law, shown.potential) for law in LAWS])[
        layer, np.arange(PLACES.size)
    ]
    electrons = sigma / (sigma + SIGMA_ION[layer])
    np.testing.assert_allclose(shown.ion_transport_number + electrons, 1.0, atol=1e-9)


@pytest.mark.parametrize("lane", range(3))
def test_slope_is_wagners_equation(inside, lane):
    solution, shown, slope = jax.tree.map(lambda leaf: np.asarray(leaf[lane]), inside)
    leak = float(solution.leak_current_density)
    ionic = (1e-3, 0.0, -1e-3)[lane] + leak
    inner = np.r_[1:8, 9:16]
    for index in inner:
        k = int(PLACES[index] > THICKNESS[0])
        expected = ionic / SIGMA_ION[k] + leak / sigma_ele(LAWS[k], shown.potential[index])
        assert slope[index] == pytest.approx(expected, rel=1e-6)


def test_charge_carriers_add_up(inside):
    """phi_e climbs by j dx/sigma_ele: coarse trapezoids between the places shown."""
    solution, shown, _ = jax.tree.map(lambda leaf: np.asarray(leaf[1]), inside)
    sigma = sigma_ele(LAWS[1], shown.potential[8:])
    sigma[0] = sigma_ele(LAWS[1], solution.faces[1, 0])
    climb = float(solution.leak_current_density) * np.trapezoid(1.0 / sigma, PLACES[8:])
    assert shown.phi_ele[-1] - shown.phi_ele[8] == pytest.approx(climb, rel=0.05)


def test_straight_where_laws_are_constant():
    layers = (Layer(5e-3, 1e-3, Constant(1e-9)), Layer(1e-6, 1e-6, Constant(1e-11)))
    plain = Stack(layers, 0.0, 4.2)
    solution = solve(plain)
    E = [float(profile(plain, solution, x).potential) for x in (0.0, 2.5e-3, 5.0005e-3, 5.001e-3)]
    node = float(solution.nodes[1])
    np.testing.assert_allclose(E, [0.0, node / 2, (node + 4.2) / 2, 4.2], atol=1e-9)
    assert float(profile(plain, solution, 1e-3).ion_transport_number) == pytest.approx(1 - 1e-6)


@pytest.mark.full
def test_a_current_in_single_precision(tools, inside):
    """float32 within 1e-4 V and 1e-4 of j; lowers for CPU and CUDA; no float64 inside."""
    single = tools["quick_jit"](jax.vmap(lambda k, x: profile(k, solve(k), x), (0, None)))
    batch = tools["batch_of"]([stack(current, jnp.float32) for current in (1e-3, 0.0, -1e-3)])
    batch = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), batch)
    x = jnp.asarray(PLACES[4], jnp.float32)  # in a coating, rounding of x would be 1e-3 V
    exported = jax.export.export(single, platforms=["cpu", "cuda"])(batch, x)
    assert tuple(exported.platforms) == ("cpu", "cuda")
    assert "xf32" in exported.mlir_module()
    assert "xf64" not in exported.mlir_module()
    shown = single(batch, x)
    assert shown.potential.dtype == jnp.float32
    np.testing.assert_allclose(shown.potential, inside[1].potential[:, 4], atol=1e-4)


def test_bad_stacks_have_no_profile():
    layers = (Layer(5e-3, 1e-3, Constant(1e-9)), Layer(-1e-6, 1e-6, Constant(1e-11)))
    bad = Stack(layers, 0.0, 4.2)
    assert np.isnan(float(profile(bad, solve(bad), 1e-3).potential))
    assert np.isnan(float(profile(replace(bad), solve(bad), 1e-3).phi_ele))
