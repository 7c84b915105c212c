"""Growth against an integration in time, for every kind of law in interphase and coatings."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from muli.kernels import (
    Branches,
    Constant,
    Interphase,
    Layer,
    Stack,
    Table,
    Window,
    growth,
    leak_current,
)
from tests.quick import quick_jit

TIMES = np.geomspace(3.6e3, 3e7, 5)
E_OX = 2.1
SHAPES = [
    ("constant", ("constant",), False),
    ("constant", ("constant", "constant"), True),
    ("holes", ("constant",), False),
    ("constant", ("branches",), False),
    ("branches", ("branches",), False),
    ("branches", ("branches",), True),
    ("branches", ("branches", "constant"), False),
    ("table", ("constant",), True),
    ("branches", ("table",), False),
    ("table", ("table",), False),
]


def random_law(rng, kind):
    if kind == "constant":
        return Constant(10.0 ** rng.uniform(-13, -10))
    if kind == "table":
        E = jnp.linspace(0.0, 5.0, 12)
        return Table(E, jnp.asarray(rng.uniform(-14.0, -9.0, 12)))
    electrons = 0.0 if kind == "holes" else 10.0 ** rng.uniform(-9, -6)
    z_n, z_p = rng.choice([1.0, 0.5, 0.25], 2)
    holes = 10.0 ** rng.uniform(-10, -7), rng.uniform(3.5, 4.5)
    return Branches(10.0 ** rng.uniform(-14, -12), electrons, rng.uniform(0, 1), *holes, z_n, z_p)


def random_cell(rng, products, coatings, contacts):
    films = tuple(
        Layer(10.0 ** rng.uniform(-7, -5.5), 10.0 ** rng.uniform(-8, -6), random_law(rng, kind))
        for kind in coatings
    )
    electrolyte = Layer(3e-3, 1e-3, Constant(10.0 ** rng.uniform(-10, -8)))
    asr = (0.0, *10.0 ** rng.uniform(0, 5, len(films) + 1)) if contacts else None
    rate = np.inf if rng.random() < 0.5 else 10.0 ** rng.uniform(-12, -9)
    made = Interphase(
        10.0 ** rng.uniform(-7, -5), random_law(rng, products), 10.0 ** rng.uniform(-4, -3), rate
    )
    return Stack((electrolyte, *films), 1.7, 4.3, interface_asr=asr), made


def integrated(stack, made, supply, leak):
    """l at the times from dl/dt, the stack solver giving the leak at every l."""

    def rate(_, y):
        free = made.volume_per_charge * (float(supply(stack, made, max(y[0], 1e-16))) - leak)
        return [free / (1.0 + free / made.reaction_rate)]

    span = (0.0, TIMES[-1])
    return solve_ivp(rate, span, [0.0], "LSODA", TIMES, rtol=1e-9, atol=1e-17).y[0]


def check(shape, count, seed):
    products, coatings, contacts = shape

    @quick_jit
    def grow(stack, made):
        return growth(stack, Window(1.7, E_OX), jnp.asarray(TIMES), cathode=made)

    @quick_jit
    def supply(stack, made, length):
        layers = (Layer(length, made.sigma_ion, made.sigma_ele), *stack.layers[1:])
        return leak_current(Stack(layers, E_OX, 4.3, interface_asr=stack.interface_asr))

    rng = np.random.default_rng(seed)
    for _ in range(count):
        stack, made = random_cell(rng, products, coatings, contacts)
        found = grow(stack, made)
        length = np.asarray(found.cathode.thickness)
        kept = length < 0.99 * 3e-3
        if not bool(found.faces.cathode_pinned):
            assert np.all(length == 0.0)
            continue
        expected = integrated(stack, made, supply, float(found.faces.leak))
        np.testing.assert_allclose(length[kept], expected[kept], rtol=1e-6)


def test_constant_laws():
    check(SHAPES[0], 3, 1)


@pytest.mark.full
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_all_laws(shape):
    check(shape, 20, 2)
