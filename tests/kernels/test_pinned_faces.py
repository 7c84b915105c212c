"""Which faces of an electrolyte are held at its limits: one solution, both faces in the window."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from muli.kernels import Constant, Layer, Stack, Status, Window, pinned_faces, resolve_boundary
from tests.quick import quick_jit

COUNT = 10_000


def random_stacks(rng):
    """Resistances of anode coating, electrolyte and cathode coating; electrodes and limits."""
    resistances = 10.0 ** rng.uniform([2, 5, 2], [8, 7, 8], (COUNT, 3))
    electrodes = np.sort(rng.uniform(-0.5, 5.0, (COUNT, 2)), axis=1)
    limits = np.sort(rng.uniform(0.0, 4.5, (COUNT, 2)), axis=1)
    return resistances, electrodes, limits


def enumerate_solutions(R, ends, limits):
    """All solutions among the nine ways in which two faces are free or held; constant laws."""
    low, high = limits.T
    g = 1.0 / R.T
    found, pairs = [], []
    for a in ("free", low, high):
        for c in ("free", low, high):
            if isinstance(a, str) and isinstance(c, str):
                M = np.moveaxis(np.array([[g[0] + g[1], -g[1]], [-g[1], g[1] + g[2]]]), 2, 0)
                b = np.stack([g[0] * ends[:, 0], g[2] * ends[:, 1]], axis=1)
                E_a, E_c = np.linalg.solve(M, b[..., None])[..., 0].T
            elif isinstance(a, str):
                E_a, E_c = (g[0] * ends[:, 0] + g[1] * c) / (g[0] + g[1]), c
            elif isinstance(c, str):
                E_a, E_c = a, (g[2] * ends[:, 1] + g[1] * a) / (g[2] + g[1])
            else:
                E_a, E_c = a, c
            to_a = g[0] * (E_a - ends[:, 0]) - g[1] * (E_c - E_a)
            to_c = g[1] * (E_c - E_a) - g[2] * (ends[:, 1] - E_c)
            ok = np.ones(len(R), bool)
            for state, E, push in ((a, E_a, to_a), (c, E_c, to_c)):
                if isinstance(state, str):
                    ok &= (low < E) & (high > E)
                else:
                    ok &= (push > 0) if state is low else (push < 0)
            found.append(ok)
            pairs.append(np.stack([E_a, E_c], axis=1))
    return np.array(found), np.array(pairs)


@pytest.mark.parametrize("coated", [True, False])
def test_exactly_one_solution_and_it_is_found(coated):
    R, ends, limits = random_stacks(np.random.default_rng(1))

    def faces(R, ends, limits):
        layers = tuple(Layer(1e-6, jnp.asarray(1e8), Constant(1e-6 / x)) for x in R)
        stack = Stack(layers if coated else layers[1:], *ends, electrolyte=int(coated))
        return pinned_faces(stack, Window(*limits))

    found = quick_jit(jax.vmap(faces))(R, ends, limits)
    assert np.all(np.asarray(found.status) == Status.OK)
    E = np.stack([found.E_anode, found.E_cathode], axis=1)
    assert np.all((limits[:, :1] <= E) & (limits[:, 1:] >= E))
    if not coated:
        R[:, 0] = 1e-12
    holds, pairs = enumerate_solutions(R, ends, limits)
    assert np.all(holds.sum(axis=0) == 1)
    expected = pairs[np.argmax(holds, axis=0), np.arange(COUNT)]
    np.testing.assert_allclose(E, expected, rtol=1e-6, atol=1e-9)


def test_a_bare_side_is_held_as_the_boundary_says():
    """Between electrodes below and above the window, `auto` and the two faces agree."""
    rng = np.random.default_rng(2)
    R, ends, limits = random_stacks(rng)
    usual = (ends[:, 0] < limits[:, 1]) & (ends[:, 1] > limits[:, 0])

    def both(R, ends, limits):
        window = Window(*limits)
        layers = tuple(Layer(1e-6, jnp.asarray(1e8), Constant(1e-6 / x)) for x in R[1:])
        faces = pinned_faces(Stack(layers[:1], *ends), window)
        bare = resolve_boundary(*ends, window, cathode_coated=False)
        coated = pinned_faces(Stack(layers, *ends), window)
        one = resolve_boundary(*ends, window)
        return faces, bare, coated, one

    faces, bare, coated, one = jax.tree.map(
        lambda x: np.asarray(x)[usual], quick_jit(jax.vmap(both))(R, ends, limits)
    )
    np.testing.assert_array_equal(faces.E_anode, bare.E_anode)
    np.testing.assert_array_equal(faces.E_cathode, bare.E_cathode)
    np.testing.assert_array_equal(coated.E_anode, one.E_anode)
    np.testing.assert_array_equal(coated.anode_pinned, one.anode_pinned)


def test_an_unknown_limit_holds_nothing():
    stack = Stack((Layer(5e-3, 1e-3, Constant(1e-9)), Layer(1e-6, 1e-6, Constant(1e-11))), 0.0, 4.2)
    free = pinned_faces(stack, Window(jnp.nan, jnp.nan))
    assert float(free.E_cathode) == pytest.approx(4.117646, abs=1e-6)
    assert not bool(free.anode_pinned | free.cathode_pinned)
    one = pinned_faces(stack, Window(jnp.nan, 2.31))
    assert (float(one.E_anode), float(one.E_cathode)) == (0.0, 2.31)
    assert bool(one.cathode_pinned)


def test_a_contact_in_front_of_a_bare_face():
    """A contact is part of what stands before the face."""
    SE = Layer(5e-3, 1e-3, Constant(1e-9))
    stack = Stack((SE,), 0.0, 4.2, interface_asr=(1e7, 0.0))
    found = pinned_faces(stack, Window(-1.0, 3.0))
    assert float(found.E_anode) == pytest.approx(3.0 * 1e7 / (1e7 + 5e-3 * (1e9 + 1e3)))
    assert not bool(found.anode_pinned)
    assert bool(found.cathode_pinned)
