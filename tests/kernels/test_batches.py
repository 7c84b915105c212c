"""A batch is a loop of singles; shapes compile once; every program lowers for CPU and CUDA."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from muli.kernels import (
    Branches,
    Constant,
    Layer,
    Limits,
    Stack,
    Status,
    Table,
    Window,
    max_sigma_ele,
    metrics,
    metrics_of_plane,
    min_thickness,
    solve,
)
from tests.quick import quick_jit

LIMITS = Limits(Window(1.71, 2.31), (Window(1.74, 3.88),))
ROWS = np.array(
    [
        [5e-3, 1e-3, 1e-9, 1e-6, 1e-6, 1e-11, 0.0, 4.2],
        [1e-3, 1e-3, 1e-10, 1e-5, 1e-7, 1e-12, 0.1, 4.4],
        [2e-2, 1e-2, 1e-8, 3e-6, 1e-5, 1e-13, 0.62, 3.9],
        [5e-3, 1e-4, 1e-9, 1e-6, 1e-8, 1e-11, 2.0, 2.0],
    ]
)


def constant_stack(p):
    layers = (Layer(p[0], p[1], Constant(p[2])), Layer(p[3], p[4], Constant(p[5])))
    return Stack(layers, p[6], p[7])


def branch_stack(p):
    electrolyte = Branches(p[2], 1e-6, 0.4, 1e-6, 3.6)
    coating = Branches(p[5], 1e-9, 0.4, 1e-7, 4.4)
    layers = (Layer(p[0], p[1], electrolyte), Layer(p[3], p[4], coating))
    return Stack(layers, p[6], p[7])


def other_stack(p):
    """A table and unequal slopes, charging."""
    grid = jnp.linspace(-1.0, 6.0, 15, dtype=p.dtype)
    table = Table(grid, jnp.abs(grid - 2.0) - 11.0)
    law = Branches(p[5], 1e-9, 0.4, 1e-7, 4.4, z_n=1.0, z_p=0.5)
    layers = (Layer(p[0], p[1], table), Layer(p[3], p[4], law))
    return Stack(layers, p[6], p[7], 298.15, -1e-4)


PROGRAMS = {
    "solve, constant": lambda p: solve(constant_stack(p)),
    "solve, branches": lambda p: solve(branch_stack(p)),
    "solve, table and slopes under current": lambda p: solve(other_stack(p)),
    "metrics": lambda p: metrics(constant_stack(p), LIMITS),
    "metrics, branches": lambda p: metrics(branch_stack(p), LIMITS),
    "plane": lambda p: metrics_of_plane(constant_stack(p), LIMITS),
    "min_thickness": lambda p: min_thickness(branch_stack(p), 2.31),
    "max_sigma_ele": lambda p: max_sigma_ele(branch_stack(p), 2.31),
    "gradient": jax.grad(lambda p: solve(branch_stack(p)).nodes[1]),
}


@pytest.mark.parametrize(
    ("stack_of", "dtype", "tolerance"),
    [
        (constant_stack, np.float64, 1e-12),
        (constant_stack, np.float32, 1e-6),
        (branch_stack, np.float64, 1e-12),
        pytest.param(branch_stack, np.float32, 1e-6, marks=pytest.mark.full),
    ],
)
def test_batch_is_a_loop_and_a_bad_lane_stays_alone(stack_of, dtype, tolerance):
    rows = ROWS.astype(dtype)
    rows = np.concatenate([rows[:2], rows[:1] * np.nan, -rows[:1], rows[2:]])
    single = quick_jit(lambda p: solve(stack_of(p)))
    batch = quick_jit(jax.vmap(lambda p: solve(stack_of(p))))(jnp.asarray(rows))
    for index, p in enumerate(rows):
        one = single(jnp.asarray(p))
        np.testing.assert_allclose(batch.faces[index], one.faces, atol=tolerance, rtol=0)
        assert int(batch.status[index]) == int(one.status)
    good = np.asarray(batch.status) == Status.OK
    assert good.tolist() == [True, True, False, False, True, True]
    assert np.all(np.isnan(batch.faces[2:4]))


@pytest.mark.parametrize("count", [0, 1])
def test_smallest_batches(count):
    run = quick_jit(jax.vmap(lambda p: solve(branch_stack(p))))
    assert run(jnp.asarray(ROWS[:count])).faces.shape == (count, 2, 2)


def test_one_compilation_per_shape():
    traces = []

    @quick_jit
    def run(rows):
        traces.append(rows.shape)
        return jax.vmap(lambda p: solve(branch_stack(p)))(rows).nodes

    for factor in (1.0, 1.1, 1.2):
        run(jnp.asarray(ROWS * factor))
    assert len(traces) == 1


PARTS_OF_OTHERS = ("solve, branches", "min_thickness", "metrics")
"""Lowered with `make test-full` alone: other programs of the list hold the same code."""


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.full] if n in PARTS_OF_OTHERS else []) for n in PROGRAMS],
)
def test_lowers_for_cpu_and_cuda_with_no_float64_inside_float32(name):
    """Under vmap whatever depends on the data has the batch's axis; scalars are plain numbers of
    the code, which the compiler folds and casts, so only float64 arrays would be a leak."""
    program = jax.jit(jax.vmap(PROGRAMS[name]))
    rows = jax.ShapeDtypeStruct((4, 8), jnp.float32)
    exported = jax.export.export(program, platforms=["cpu", "cuda"])(rows)
    assert tuple(exported.platforms) == ("cpu", "cuda")
    text = exported.mlir_module()
    assert "xf32" in text
    assert "xf64" not in text


@pytest.mark.parametrize("name", ["plane", "solve, branches"])
def test_no_float64_is_left_when_compiled(name):
    rows = jax.ShapeDtypeStruct((4, 8), jnp.float32)
    text = quick_jit(jax.vmap(PROGRAMS[name])).lower(rows).compile().as_text()
    assert "f32[" in text
    assert "f64[" not in text
