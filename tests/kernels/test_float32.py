"""float32 against float64 on random realistic stacks: how far off, and what is said about it.

`python tests/kernels/test_float32.py` prints the distribution of docs/numerics.md.
"""

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


EDGES = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3)


def distribution(seeds, count=100_000):
    """Shares (%) of the unmarked errors between EDGES, and of each status."""
    parts = [errors(count, seed) for seed in seeds]
    scaled, error, status = (np.concatenate(column) for column in zip(*parts, strict=True))
    unmarked = status == Status.OK
    bins = np.searchsorted(EDGES, scaled[unmarked])
    shares = 100.0 * np.bincount(bins, minlength=len(EDGES) + 1) / len(status)
    marks = {Status(code).label: 100.0 * np.mean(status == code) for code in np.unique(status)}
    worst = float(scaled[unmarked].max()), float(error[unmarked].max())
    return shares, marks, worst, float(np.median(error))


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    shares, marks, worst, median = distribution(range(10))
    below = [f"below {edge:g} V" for edge in EDGES] + [f"from {EDGES[-1]:g} V"]
    for name, share in zip(below, shares, strict=True):
        print(f"{name:>14} {share:9.4f} %  {'#' * round(share)}")
    print("status:", {name: f"{share:.4f} %" for name, share in marks.items()})
    print(
        f"worst unmarked: {worst[0]:.2g} of max(1, slope), {worst[1]:.2g} V; median {median:.2g} V"
    )
