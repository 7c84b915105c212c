"""What must always hold at open circuit, for random stacks of electrolyte | coating."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as some

from muli.kernels import Branches, Layer, Stack, min_thickness, solve
from tests.quick import quick_jit

EXPONENTS = {
    "sigma_ion": (-9.0, -2.0),
    "floor": (-14.0, -7.0),
    "electrons": (-10.0, -3.0),
    "holes": (-10.0, -3.0),
}
E_A, E_C = 0.1, 4.2


def layer(draw, low, high):
    numbers = [10.0 ** draw(some.floats(*bounds)) for bounds in EXPONENTS.values()]
    E_n, E_p = draw(some.floats(-0.5, 1.5)), draw(some.floats(3.0, 5.0))
    return [10.0 ** draw(some.floats(low, high)), *numbers, E_n, E_p]


@some.composite
def pairs(draw):
    """Two layers as arrays: thickness, sigma_ion, sigma_0, sigma_n, sigma_p, E_n, E_p."""
    return np.array([layer(draw, -3.0, -1.3), layer(draw, -7.3, -4.3)])


def layer_of(q):
    return Layer(q[0], q[1], Branches(q[2], q[3], q[5], q[4], q[6]))


@quick_jit
def answer(pair):
    solution = solve(Stack((layer_of(pair[0]), layer_of(pair[1])), E_A, E_C))
    return solution.nodes[1], solution.log_leak, solution.slope


@quick_jit
def split(pair):
    half = pair.at[1, 0].multiply(0.5)
    layers = (layer_of(pair[0]), layer_of(half[1]), layer_of(half[1]))
    solution = solve(Stack(layers, E_A, E_C))
    return solution.nodes[1], solution.nodes[2], solution.log_leak


@quick_jit
def thinnest(pair, E):
    stack = Stack((layer_of(pair[0]), layer_of(pair[1])), E_A, E_C)
    thickness = min_thickness(stack, E)
    layers = (stack.layers[0], replace(stack.layers[1], thickness=thickness))
    back = solve(replace(stack, layers=layers))
    return thickness, back.nodes[1], back.slope


def scaled(pair, row, column, factor):
    changed = pair.copy()
    changed[row, column] = changed[row, column] * factor
    return changed


@settings(max_examples=60, deadline=None)
@given(pairs())
def test_bounds_and_monotone_answers(pair):
    E, log_j, slope = (float(x) for x in answer(pair))
    room = 1e-9 * max(1.0, slope)
    assert E_A <= E <= E_C
    assert float(answer(scaled(pair, 1, 0, 3.0))[0]) <= E + room
    assert float(answer(scaled(pair, 0, 0, 3.0))[0]) >= E - room
    lower = scaled(pair, 1, slice(2, 5), 0.3)
    assert float(answer(lower)[0]) <= E + room
    lower = scaled(pair, 0, slice(2, 5), 0.3)
    assert float(answer(lower)[0]) >= E - room
    assert float(answer(lower)[1]) <= log_j + 1e-9


@settings(max_examples=40, deadline=None)
@given(pairs(), some.floats(-3.0, 3.0))
def test_only_the_ratio_of_thicknesses_and_of_conductivities_matters(pair, decades):
    E, log_j, slope = (float(x) for x in answer(pair))
    factor = 10.0**decades
    for columns, shift in ((slice(0, 1), -1.0), (slice(1, 5), 1.0)):
        changed = scaled(pair, slice(None), columns, factor)
        moved, log_k, _ = (float(x) for x in answer(changed))
        assert abs(moved - E) < 1e-9 * max(1.0, slope)
        assert abs(log_k - log_j - shift * np.log(factor)) < 1e-9


@settings(max_examples=30, deadline=None)
@given(pairs())
def test_cutting_a_layer_changes_nothing(pair):
    E, log_j, slope = (float(x) for x in answer(pair))
    first, second, log_k = (float(x) for x in split(pair))
    assert abs(first - E) < 1e-9 * max(1.0, slope)
    assert first <= second <= E_C
    assert abs(log_k - log_j) < 1e-9


@settings(max_examples=30, deadline=None)
@given(pairs(), some.floats(0.5, 3.9))
def test_minimum_thickness_put_back(pair, E):
    thickness, back, slope = (float(x) for x in thinnest(pair, jnp.float64(E)))
    assert thickness > 0
    if slope < 1e3:
        assert abs(back - E) < 1e-9 * max(1.0, slope)


def test_limits_of_thickness():
    pair = np.array(
        [[5e-3, 1e-3, 1e-9, 1e-6, 1e-6, 0.4, 3.6], [1e-6, 1e-6, 1e-12, 1e-9, 1e-8, 0.4, 4.4]]
    )
    assert abs(float(answer(scaled(pair, 1, 0, 1e-12))[0]) - E_C) < 1e-6
    assert abs(float(answer(scaled(pair, 1, 0, 1e12))[0]) - E_A) < 1e-6
