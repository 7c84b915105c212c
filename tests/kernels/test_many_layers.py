"""Batches of three layers are solved at once, with the answers of the careful search."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from muli.kernels import Branches, Layer, Stack, Status, solve
from muli.kernels.solvers import batch, many_layers
from tests.quick import quick_jit

COUNT = 512
ALIKE = 64
"""Stacks of a batch that is too small to be solved at once."""


def random_stacks():
    """Coating | electrolyte | coating with every special case among them, as arrays of COUNT."""
    random = np.random.default_rng(11)

    def log_uniform(low, high):
        return 10.0 ** random.uniform(low, high, COUNT)

    layers = []
    for thick in (False, True, False):
        L, s = ((-3, -1.3), (-4.5, -2)) if thick else ((-7.3, -4.3), (-9, -5))
        floor = log_uniform(-15, -8) * (random.random(COUNT) < 0.7)
        electrons = log_uniform(-9, -3) * (random.random(COUNT) < 0.8)
        E_n, E_p = random.uniform(-0.5, 1.2, COUNT), random.uniform(3.2, 5.2, COUNT)
        law = Branches(floor, electrons, E_n, log_uniform(-9, -3), E_p)
        layers.append(Layer(log_uniform(*L), log_uniform(*s), law))
    E_anode, E_cathode = (
        random.choice([0.0, 0.1, 0.62, 1.55], COUNT),
        random.uniform(3.4, 4.8, COUNT),
    )
    falls = np.arange(COUNT) % 4 == 1
    ends = np.where(falls, E_cathode, E_anode), np.where(falls, E_anode, E_cathode)
    stack = Stack(tuple(layers), *ends, random.uniform(233.15, 398.15, COUNT), electrolyte=1)
    return jax.tree.map(jnp.asarray, special(stack), is_leaf=lambda x: isinstance(x, float))


def special(stack):
    """The first of all stacks: equal electrodes, and mirror images whose outer gaps are tied."""
    stack = replace(stack, E_cathode=np.where(np.arange(COUNT) < 8, stack.E_anode, stack.E_cathode))
    mirrored = (np.arange(COUNT) >= 8) & (np.arange(COUNT) < 24)
    first, middle, last = stack.layers
    law = first.sigma_ele
    level = replace(
        law, sigma_n=0.0 * law.sigma_n, sigma_p=0.0 * law.sigma_p, sigma_0=law.sigma_0 + 1e-12
    )
    first = replace(first, sigma_ele=pick(mirrored, level, law))
    return replace(stack, layers=(first, middle, pick(mirrored, first, last)))


def pick(chosen, one, other):
    return jax.tree.map(lambda a, b: np.where(chosen, a, b), one, other)


@pytest.fixture(scope="module")
def stacks():
    """All numbers as arrays but the slopes and the current, which choose the closed form."""
    return random_stacks()


def plain(stack):
    """With the slopes and the current as the plain numbers that they are."""
    layers = (replace(k, sigma_ele=replace(k.sigma_ele, z_n=1.0, z_p=1.0)) for k in stack.layers)
    return replace(stack, layers=tuple(layers), current_density=0.0)


def axes(stack):
    return jax.tree.map(lambda x: 0 if np.ndim(x) else None, stack)


def solved(stacks):
    return jax.vmap(lambda k: solve(plain(k)), (axes(stacks),))(stacks)


@pytest.fixture(scope="module")
def careful(stacks):
    """The same by batches that are too small."""
    few = jax.tree.map(lambda x: x.reshape(-1, ALIKE) if np.ndim(x) else x, stacks)

    @quick_jit
    def run(few):
        return jax.lax.map(
            lambda n: solved(jax.tree.map(lambda x: x[n] if np.ndim(x) else x, few)),
            jnp.arange(COUNT // ALIKE),
        )

    found = run(few)
    return jax.tree.map(lambda x: x.reshape((COUNT, *x.shape[2:])), found)


@pytest.mark.parametrize(
    ("dtype", "within"),
    [pytest.param(jnp.float64, 1e-8, marks=pytest.mark.full), (jnp.float32, 4e-6)],
)
def test_batch_has_the_answers_of_single_stacks(stacks, careful, dtype, within):
    if dtype == jnp.float32:
        stacks = jax.tree.map(lambda x: jnp.asarray(x, dtype), stacks)
    found = quick_jit(solved)(stacks)
    assert found.faces.dtype == dtype
    fine = np.asarray(found.status) == Status.OK
    assert np.all(np.asarray(careful.status) == Status.OK)
    assert np.mean(fine) > (0.99 if dtype == jnp.float32 else 0.9999)
    off = np.abs(np.asarray(found.faces, float) - np.asarray(careful.faces)).max((1, 2))
    slope = np.asarray(careful.slope)
    rounding = 60.0 * np.finfo(dtype).eps * slope
    assert np.max((off / np.maximum(1.0, slope) - rounding)[fine]) < within


@pytest.mark.full
def test_what_is_not_vouched_for_takes_the_careful_search(stacks, careful, monkeypatch):
    """Half of the answers are spoilt and refused; none of them is seen."""
    find = many_layers.find

    def doubtful(layered, care):
        found = find(layered, care)
        half = jnp.arange(found.good.shape[0]) % 2 == 0
        return found._replace(inner=jnp.where(half, 9.0, found.inner), good=found.good & ~half)

    monkeypatch.setattr(batch, "find", doubtful)
    found = quick_jit(lambda k: solved(k).faces)(stacks)
    off = np.abs(np.asarray(found) - np.asarray(careful.faces)).max((1, 2))
    assert np.max(off / np.maximum(1.0, np.asarray(careful.slope))) < 1e-8


@pytest.mark.full
def test_gradients_follow_the_implicit_rule(stacks):
    """Reverse mode of a batch against differences of it."""

    def node(factor):
        first, *rest = stacks.layers
        thicker = replace(first, thickness=first.thickness * factor)
        return solved(replace(stacks, layers=(thicker, *rest))).faces[:, 1, 1]

    one, step = jnp.ones(COUNT), 1e-4
    slope = quick_jit(jax.grad(lambda f: jnp.sum(node(f))))(one)
    moved = quick_jit(node)
    rise = (moved(one + step) - moved(one - step)) / (2 * step)
    np.testing.assert_allclose(slope, rise, atol=1e-5, rtol=1e-4)


@pytest.mark.full
def test_a_batch_of_batches_is_a_longer_batch(stacks, careful):
    two = jax.tree.map(lambda x: x.reshape(2, -1) if np.ndim(x) else x, stacks)
    faces = quick_jit(jax.vmap(lambda k: solved(k).faces, (axes(two),)))(two)
    off = np.abs(np.asarray(faces).reshape(COUNT, 3, 2) - np.asarray(careful.faces)).max((1, 2))
    assert np.max(off / np.maximum(1.0, np.asarray(careful.slope))) < 1e-8


@pytest.mark.full
@pytest.mark.parametrize("dtype", [jnp.float64, jnp.float32])
def test_batch_under_current_has_the_answers_of_single_stacks(stacks, dtype):
    """Two layers; currents with the leak and, in the third stack of four, against it."""
    few = 16
    sense = np.where(np.arange(COUNT) % 4 == 1, -1.0, 1.0)
    against = np.arange(COUNT) == 2
    current = jnp.asarray(np.where(against, -1.0, 1.0) * sense * np.geomspace(1e-7, 1e-4, COUNT))
    two = replace(stacks, layers=stacks.layers[1:], electrolyte=0)
    two = jax.tree.map(lambda x: jnp.asarray(x, dtype) if np.ndim(x) else x, two)

    @quick_jit
    def run(two, current):
        def one(stack, current):
            return solve(replace(plain(stack), current_density=current))

        return jax.vmap(one, (axes(two), 0))(two, current)

    found = run(two, jnp.asarray(current, dtype))
    first = jax.tree.map(lambda x: jnp.asarray(x[:few], float) if np.ndim(x) else x, two)
    single = run(first, jnp.asarray(jnp.asarray(current[:few], dtype), float))
    fine = np.asarray(found.status[:few]) == Status.OK
    in_range = np.abs(np.asarray(single.leak_current_density)) > np.finfo(dtype).tiny
    assert fine[in_range].sum() >= in_range.sum() - 2
    assert in_range.sum() > few / 2
    off = np.abs(np.asarray(found.faces[:few], float) - np.asarray(single.faces)).max((1, 2))
    slope = np.maximum(1.0, np.asarray(single.slope))
    assert np.max((off / slope)[fine]) < (1e-8 if dtype == jnp.float64 else 1e-5)
