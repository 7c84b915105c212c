"""Under current: an independent integrator, numbers by hand, corners, derivatives."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from muli.kernels import Branches, Constant, Layer, Stack, Status, solve
from muli.kernels.constants import BOLTZMANN_EV
from muli.kernels.solvers.under_current import find
from muli.kernels.transport.conductor import as_floats, dilute_layers
from tests.quick import quick_jit

ELECTROLYTE = (5e-3, 1e-3, 1e-9)
COATING = (1e-6, 1e-6, 1e-11)


def as_branches(thickness, sigma_ion, sigma_0=0.0, **branch):
    named = {
        "sigma_n": 0.0,
        "E_n": 0.0,
        "sigma_p": 0.0,
        "E_p": 0.0,
        "z_n": 1.0,
        "z_p": 1.0,
    } | branch
    return Layer(thickness, sigma_ion, Branches(sigma_0, **named))


def two_layers(first, second, current, E_cathode=4.2, **more):
    return Stack(
        (as_branches(**first), as_branches(**second)), 0.0, E_cathode, 298.15, current, **more
    )


def plain(thickness, sigma_ion, sigma_0):
    return {"thickness": thickness, "sigma_ion": sigma_ion, "sigma_0": sigma_0}


def speed(layer, volt, a, leak, E):
    law = layer.sigma_ele
    electrons = law.sigma_n * np.exp(-law.z_n * (E - law.E_n) / volt)
    holes = law.sigma_p * np.exp(law.z_p * (E - law.E_p) / volt)
    return a + leak / (law.sigma_0 + electrons + holes)


def length_between(layer, volt, a, leak, left, right):
    """Length (cm) from one face to the other: quadrature of 1/(dE/dx), no formula of the kernels.

    Panels of V_T/4, graded towards both faces and the slowest place, where it may nearly stand.
    """
    nodes, weights = np.polynomial.legendre.leggauss(24)
    uniform = np.linspace(left, right, 2 + int(4 * abs(right - left) / volt))
    slowest = uniform[np.argmin(np.abs(speed(layer, volt, a, leak, uniform)))]
    steps = (right - left) * np.geomspace(1e-15, 1.0, 90)
    graded = [left + steps, right - steps, slowest + steps, slowest - steps]
    edges = np.unique(np.clip(np.concatenate([uniform, *graded]), *sorted((left, right))))
    half = 0.5 * np.diff(edges)
    slope = speed(layer, volt, a, leak, edges[:-1, None] + half[:, None] * (1.0 + nodes))
    assert np.all(slope * (right - left) > 0)
    return np.sum(half[:, None] * weights / np.abs(slope))


def assert_fits(layer, stack, leak, left, right):
    """The layer's length fits its faces within 1e-8 V, or within 1e-8 of the current.

    Solutions are unique, so faces and a current that no layer contradicts are the solution.
    """
    volt = BOLTZMANN_EV * stack.temperature

    def misfit(leak):
        a = (stack.current_density + leak) / layer.sigma_ion
        ends = [abs(speed(layer, volt, a, leak, E)) for E in (left, right)]
        return (length_between(layer, volt, a, leak, left, right) - layer.thickness) * min(ends)

    if abs(misfit(leak)) > 1e-8:
        assert misfit(leak * (1 - 1e-8)) * misfit(leak * (1 + 1e-8)) < 0


def random_stack(draw, *, slopes=(1.0,)):
    """One stack of the kinds screened: electrolyte and coating, both branches, either current."""

    def log_uniform(low, high):
        return float(np.exp(draw.uniform(np.log(low), np.log(high))))

    def branches(E_n, E_p):
        return {
            "sigma_n": log_uniform(1e-8, 1e-3),
            "E_n": float(draw.uniform(*E_n)),
            "sigma_p": log_uniform(1e-8, 1e-3),
            "E_p": float(draw.uniform(*E_p)),
            "z_n": float(draw.choice(slopes)),
            "z_p": float(draw.choice(slopes)),
        }

    floor = draw.random(2) < 0.7
    first = {
        "thickness": log_uniform(1e-3, 3e-2),
        "sigma_ion": log_uniform(1e-4, 1e-2),
        "sigma_0": log_uniform(1e-11, 1e-8) * floor[0],
        **branches((-0.3, 0.9), (3.0, 4.2)),
    }
    second = {
        "thickness": log_uniform(1e-7, 2e-5),
        "sigma_ion": log_uniform(1e-9, 6e-6),
        "sigma_0": log_uniform(1e-14, 1e-9) * floor[1],
        **branches((-0.3, 1.8), (3.7, 5.3)),
    }
    current = float(draw.choice([-1.0, 1.0])) * log_uniform(1e-5, 3e-3)
    changes = {"temperature": float(draw.choice([253.15, 298.15, 398.15]))}
    return replace(two_layers(first, second, current, float(draw.uniform(3.4, 4.7))), **changes)


def check(tools, stacks):
    solution = tools["solve_two_layers"](stacks)
    for index, stack in enumerate(stacks):
        assert solution.status[index] == Status.OK
        leak = float(solution.leak_current_density[index])
        for layer, (left, right) in zip(
            stack.layers, np.asarray(solution.faces[index]), strict=True
        ):
            assert_fits(layer, stack, leak, left, right)


def with_contacts(draw, count):
    """Random stacks with interface resistances, the first two between equal electrodes, and their
    numbers along an axis."""

    def one(number):
        contacts = tuple(float(x) for x in 10.0 ** draw.uniform(-1, 3, 3))
        stack = replace(random_stack(draw), interface_asr=contacts)
        return replace(stack, E_cathode=stack.E_anode) if number < 2 else stack

    stacks = [one(number) for number in range(count)]
    return stacks, jax.tree.map(lambda *x: jnp.asarray(x), *stacks)


def of_slope_one(stack):
    """A stack whose slopes are 1, known when programs are traced."""
    laws = (replace(layer.sigma_ele, z_n=1.0, z_p=1.0) for layer in stack.layers)
    layers = (replace(k, sigma_ele=law) for k, law in zip(stack.layers, laws, strict=True))
    return replace(stack, layers=tuple(layers))


def test_two_layers_in_closed_form_satisfy_the_equation():
    """Contacts and currents of either sign."""
    stacks, rows = with_contacts(np.random.default_rng(5), 8)
    found = quick_jit(jax.vmap(lambda stack: solve(of_slope_one(stack))))(rows)
    assert np.all(np.asarray(found.status) == Status.OK)
    for index, stack in enumerate(stacks):
        leak = float(found.leak_current_density[index])
        ionic = stack.current_density + leak
        (start, left), (right, end) = np.asarray(found.faces[index])
        drops = start - stack.E_anode, right - left, stack.E_cathode - end
        np.testing.assert_allclose(drops, ionic * np.array(stack.interface_asr), atol=1e-9)
        for layer, first, last in zip(stack.layers, (start, right), (left, end), strict=True):
            if abs(last - first) > 1e-9:  # else rounding decides the direction
                assert_fits(layer, stack, leak, first, last)


@pytest.mark.full
def test_a_batch_of_two_layers_has_the_answers_of_the_search_by_marches():
    _, rows = with_contacts(np.random.default_rng(6), 512)

    def by_marches(stack):
        stack = of_slope_one(stack)
        found = find(as_floats(stack), dilute_layers(stack, as_floats(stack)))
        return found.answer.right[0], found.slope, found.converged

    many = quick_jit(jax.vmap(lambda stack: solve(of_slope_one(stack))))(rows)
    node, slope, converged = quick_jit(jax.vmap(by_marches))(rows)
    assert np.all(np.asarray(many.status) == Status.OK)
    off = np.abs(np.asarray(many.faces[:, 0, 1] - node)) / np.maximum(1.0, slope)
    assert np.max(off[np.asarray(converged)]) < 1e-8


def test_random_stacks_satisfy_the_equation(tools):
    draw = np.random.default_rng(7)
    check(tools, [random_stack(draw, slopes=(1.0, 0.5, 0.25)) for _ in range(16)])


@pytest.mark.full
def test_many_random_stacks_satisfy_the_equation(tools):
    draw = np.random.default_rng(8)
    for _ in range(20):
        check(tools, [random_stack(draw, slopes=(1.0, 0.5, 0.25)) for _ in range(16)])


@pytest.mark.parametrize(
    ("sigma_ion", "current", "leak", "E"),
    [
        (1e-9, 5e-3, -1.6173e-7, -0.784),
        (1e-9, -5e-3, 1.80847e-6, 9.01734),
        (1e-6, -1e-3, 8.24705e-7, 4.118529),
    ],
)
def test_overshoot_beyond_both_electrodes(tools, sigma_ion, current, leak, E):
    coating = plain(1e-6, sigma_ion, 1e-11)
    stack = two_layers(plain(*ELECTROLYTE), coating, current)
    shot = tools["solve_two_layers"]([stack])
    assert shot.status[0] == Status.OK
    assert shot.leak_current_density[0] == pytest.approx(leak, rel=1e-4)
    assert shot.faces[0, 0, 1] == pytest.approx(E, abs=1e-3)
    outside = max(0.0, E - 4.2, -E)
    assert shot.overshoot[0] == pytest.approx(outside, abs=1e-3)
    by_hand = solve(
        replace(
            stack,
            layers=(
                Layer(*ELECTROLYTE[:2], Constant(1e-9)),
                Layer(1e-6, sigma_ion, Constant(1e-11)),
            ),
        )
    )
    np.testing.assert_allclose(shot.faces[0], by_hand.faces, atol=1e-9)


@pytest.fixture(scope="module")
def charging():
    """A charging stack as numbers, and E* and ln|j| as functions of them."""
    stack = replace(random_stack(np.random.default_rng(11)), current_density=-1e-3)
    numbers, tree = jax.tree.flatten(jax.tree.map(jnp.asarray, stack))

    def answer(numbers):
        solution = solve(jax.tree.unflatten(tree, list(numbers)))
        leak = jnp.log(jnp.abs(solution.leak_current_density))
        return jnp.stack([solution.faces[0, 1], leak])

    forward = quick_jit(jax.jacfwd(answer))
    return jnp.stack(numbers), tree, answer, forward


@pytest.mark.full
def test_gradients_against_differences(charging, tools):
    """By every number of the stack, against central differences."""
    point, tree, _, forward = charging
    point = np.asarray(point)
    steps = np.where(point == 0, 1e-6, 1e-5 * np.abs(point))
    moved = np.concatenate([point + np.diag(steps), point - np.diag(steps)])
    found = []
    for start in range(0, len(moved), 16):
        rows = moved[start : start + 16]
        solution = tools["solve_two_layers"]([jax.tree.unflatten(tree, list(row)) for row in rows])
        leak = jnp.log(jnp.abs(solution.leak_current_density))
        found.append(np.stack([solution.faces[:, 0, 1], leak], axis=1))
    high, low = np.concatenate(found).reshape(2, point.size, 2)
    slopes = np.asarray(forward(point))
    assert np.all(np.isfinite(slopes))
    usable = np.flatnonzero(point)
    differences = (high - low)[usable] / 2
    expected = (slopes * steps)[:, usable].T
    np.testing.assert_allclose(differences, expected, rtol=1e-5, atol=2e-12)


@pytest.mark.full
def test_reverse_equals_forward_and_second_derivatives_are_finite(charging):
    point, _, answer, forward = charging
    slopes = np.asarray(forward(point))
    reverse = np.asarray(quick_jit(jax.jacrev(answer))(point))
    scale = np.asarray(point)
    np.testing.assert_allclose(reverse * scale, slopes * scale, rtol=1e-7, atol=1e-9)
    direction = 1e-3 * point
    _, bend = quick_jit(
        lambda x: jax.jvp(lambda y: jax.jvp(answer, (y,), (direction,))[1], (x,), (direction,))
    )(point)
    around = [forward(point + step * direction) @ direction for step in (-1e-2, 1e-2)]
    np.testing.assert_allclose(bend, (around[1] - around[0]) / 2e-2, rtol=1e-3)
