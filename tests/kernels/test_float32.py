"""float32 against float64 on random realistic stacks: how far off, and what is said about it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kernels import Branches, Layer, Stack, Status, solve


def random_stacks(count, seed):
    """Rows of two branch layers, thicknesses, potentials and temperature, in realistic ranges."""
    random = np.random.default_rng(seed)

    def log_uniform(low, high):
        return 10.0 ** random.uniform(low, high, count)

    columns = []
    for sigma_ion, L in (((-4.5, -2.0), (-3.0, -1.3)), ((-9.0, -5.0), (-7.3, -4.3))):
        columns += [log_uniform(*L), log_uniform(*sigma_ion)]
        floor = log_uniform(-15, -8) * (random.random(count) < 0.7)
        electrons = log_uniform(-9, -3) * (random.random(count) < 0.8)
        holes = log_uniform(-9, -3)
        columns += [floor, electrons, random.uniform(-0.5, 1.2, count), holes]
        columns += [random.uniform(3.2, 5.2, count)]
    columns += [random.choice([0.0, 0.1, 0.62, 1.55], count), random.uniform(3.4, 4.8, count)]
    columns += [random.uniform(233.15, 398.15, count)]
    return np.stack(columns, axis=1)


@jax.jit
@jax.vmap
def run(p):
    layers = tuple(Layer(q[0], q[1], Branches(*q[2:7])) for q in (p[:7], p[7:14]))
    solution = solve(Stack(layers, p[14], p[15], p[16]))
    return solution.nodes[1], solution.slope, solution.status


def errors(count, seed):
    """Error over max(1, slope) of float32 against float64 of the same rounded inputs; status."""
    rows = random_stacks(count, seed).astype(np.float32)
    E, _, status = run(jnp.asarray(rows))
    exact, slope, sound = run(jnp.asarray(rows, jnp.float64))
    assert E.dtype == jnp.float32
    assert np.all(np.asarray(sound) == Status.OK)
    error = np.abs(np.asarray(E, float) - np.asarray(exact))
    return error / np.maximum(1.0, np.asarray(slope)), error, np.asarray(status)


def judge(count, seed):
    scaled, error, status = errors(count, seed)
    unmarked = status == Status.OK
    marks = {Status.OK, Status.ILL_CONDITIONED, Status.UNDERFLOW}
    assert set(status.tolist()) <= marks
    assert np.mean(scaled[unmarked] < 1e-4) >= 0.9999
    assert np.mean(unmarked) > 0.97
    assert np.all(np.isfinite(error))


def test_float32_errors():
    judge(20_000, seed=7)


@pytest.mark.full
def test_float32_errors_of_a_million():
    for seed in range(10):
        judge(100_000, seed=seed)
