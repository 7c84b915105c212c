"""Rows of the solvers: stacks per second, with the largest error of the answers beside it."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec
from peers import numba_parallel, numpy_bisection, scipy_one
from table import Row, Scale, best_time, row

from muli.kernels import (
    Branches,
    Constant,
    Curve,
    Layer,
    Limits,
    Stack,
    Window,
    curve_nodes,
    metrics_of_plane,
    read_curves,
    solve,
    trace_curve,
)
from muli.kernels.constants import BOLTZMANN_EV

T, E_A, E_C = 298.15, 0.0, 4.2
V_T = BOLTZMANN_EV * T
MATERIALS = np.array([[1e-3, 1e-10, 1e-6, 0.4, 1e-6, 3.6], [1e-6, 1e-14, 1e-8, 0.5, 1e-7, 4.4]])
"""Electrolyte and coating of the branch rows, in the layout of `peers.LAYOUT`."""
BLOCK = 4096
TOP = 20


def on_devices(rows: Any) -> Any:
    """The same arrays, their first axis dealt out to all devices."""
    return jax.device_put(rows, NamedSharding(mesh(), PartitionSpec("rows")))


def mesh() -> jax.sharding.Mesh:
    """All devices in a line; one CPU device per core (see `throughput`)."""
    return jax.make_mesh((jax.device_count(),), ("rows",), axis_types=(AxisType.Auto,))


def map_rows(one: Callable[[Any, Any], Any], shared: Any, rows: Any) -> Any:
    """`one(shared, row)` for rows in turn, on every device its share: a loop uses one core."""

    def local(shared: Any, rows: Any) -> Any:
        return jax.lax.map(partial(one, shared), rows)

    specs = PartitionSpec(), PartitionSpec("rows")
    return jax.shard_map(local, mesh=mesh(), in_specs=specs, out_specs=specs[1], check_vma=False)(
        shared, rows
    )


@cache
def numpy_rate(scale: Scale) -> float:
    """Stacks/s of NumPy on the constant plane: E* and whether it holds, nothing else."""
    thick, thin = thickness_axes(scale.stacks)
    R = thick * np.float32(1e3 + 1e9), thin * np.float32(1e6 + 1e12)

    def run() -> tuple[int, np.ndarray]:
        E = np.float32(E_C) * R[0] / (R[0] + R[1])
        return np.count_nonzero((E <= 2.31) & (E >= 1.71)), E

    return scale.stacks / best_time(lambda: run()[0])


@cache
def numba_rate(scale: Scale) -> float:
    """Stacks/s of the compiled loop of `peers.numba_parallel`: two layers of branch laws."""
    _, L = sample(scale, scale.stacks >> 6)
    seconds = best_time(lambda: numba_parallel(MATERIALS, L, E_A, E_C, V_T), repeats=3)
    return L.shape[1] / seconds


@cache
def copied_per_s() -> float:
    """Bytes/s that NumPy reads and writes in a copy of 256 MiB: the bandwidth of the memory."""
    whole = np.ones(1 << 26, np.float32)
    target = np.empty_like(whole)
    return 2 * whole.nbytes / best_time(lambda: np.copyto(target, whole))


def over_numpy(name: str, seconds: float, stacks: int, scale: Scale, error: float) -> Row:
    """A row of constant laws beside NumPy and beside the bandwidth of the memory."""
    rate, peer = stacks / seconds, numpy_rate(scale)
    words = f"NumPy, E* and one verdict: {peer:.3g} stacks/s; "
    words += f"{rate * 4 / copied_per_s():.2g} of the bandwidth if E* alone were written"
    return Row(name, rate, "stacks/s", words, rate / peer, error)


def over_numba(name: str, seconds: float, stacks: int, scale: Scale, error: float) -> Row:
    """A row of branch laws beside a compiled loop over two layers."""
    rate, peer = stacks / seconds, numba_rate(scale)
    words = f"numba, two layers at open circuit: {peer:.3g} stacks/s"
    return Row(name, rate, "stacks/s", words, rate / peer, error)


def reduced(stack_of: Callable[..., Stack], shared: Any, rows: Any, limits: Limits) -> tuple:
    """Counts of verdicts, a checksum over every column, and the exact best by resistance.

    Rows of a few thousand stacks in turn, so that what is not returned stays in the cache. The
    best of all lie in the rows with the best minima; only those are sorted. The checksum is there
    to keep the compiler from dropping columns: a NaN in it would let it drop them all.
    """

    def one(shared: Any, item: Any) -> tuple:
        columns = metrics_of_plane(stack_of(shared, item), limits)
        score = jnp.where(columns.feasible, columns.asr_total_ohm_cm2, jnp.inf)
        floats = [leaf for leaf in jax.tree.leaves(columns) if leaf.dtype == jnp.float32]
        finite = [jnp.where(jnp.isfinite(leaf), leaf, 0.0) for leaf in floats]
        checksum = jnp.sum(sum(finite[1:], finite[0]))
        flags = [columns.protected, columns.oxidation_protected, columns.feasible]
        flags += [columns.anode_side_stable, columns.coating_class[0] == 0, columns.status == 0]
        return score, jnp.min(score), checksum, [jnp.sum(f, dtype=jnp.int32) for f in flags]

    score, least, checksum, counts = map_rows(one, shared, rows)
    best = -jax.lax.top_k(-score[jax.lax.top_k(-least, TOP)[1]].reshape(-1), TOP)[0]
    return best, jnp.sum(checksum), [jnp.sum(count, dtype=jnp.int32) for count in counts]


def thickness_axes(stacks: int, dtype: type = np.float32) -> tuple[np.ndarray, np.ndarray]:
    """Electrolyte thicknesses (rows, 1) and coating thicknesses (1, columns), cm, log-spaced."""
    rows = int(np.sqrt(stacks))
    electrolyte = np.geomspace(1e-3, 5e-2, rows, dtype=dtype)[:, None]
    return electrolyte, np.geomspace(5e-8, 5e-5, stacks // rows, dtype=dtype)[None]


def constant_error(E: np.ndarray, resistances: tuple[np.ndarray, np.ndarray]) -> float:
    """Against the divider in float64."""
    first, second = (np.asarray(r, float) for r in resistances)
    return float(np.max(np.abs(np.asarray(E, float) - E_C * first / (first + second))))


@row("open_circuit_constant")
def open_circuit_constant(scale: Scale) -> Row:
    """Constant laws, all columns, materials one scalar per chunk, thicknesses broadcast."""
    limits = jax.tree.map(jnp.float32, Limits(Window(1.71, 2.31), (Window(1.74, 3.88),)))
    numbers = jnp.asarray([1e-3, 1e-9, 1e-6, 1e-12], jnp.float32)

    def stack_of(numbers: jax.Array, thick: jax.Array, thin: jax.Array) -> Stack:
        layers = (
            Layer(thick, numbers[0], Constant(numbers[1])),
            Layer(thin, numbers[2], Constant(numbers[3])),
        )
        return Stack(layers, jnp.float32(E_A), jnp.float32(E_C), jnp.float32(T))

    axes = [jnp.asarray(axis) for axis in thickness_axes(scale.stacks)]

    @jax.jit
    def run(numbers: jax.Array, thick: jax.Array, thin: jax.Array) -> tuple:
        return reduced(
            lambda shared, L: stack_of(shared[0], L, shared[1]), (numbers, thin), thick, limits
        )

    seconds = best_time(run, numbers, on_devices(axes[0][:, 0]), axes[1][0])
    E = metrics_of_plane(stack_of(numbers, *axes), limits).interface_potential_V
    R = [
        np.asarray(L, float) * (1 / s + 1 / e)
        for L, s, e in zip(axes, [1e-3, 1e-6], [1e-9, 1e-12], strict=True)
    ]
    return over_numpy("open_circuit_constant", seconds, E.size, scale, constant_error(E, R))


@row("open_circuit_gathered")
def open_circuit_gathered(scale: Scale) -> Row:
    """The same with both materials looked up per row in tables of 1000."""
    limits = jax.tree.map(jnp.float32, Limits(Window(1.71, 2.31), (Window(1.74, 3.88),)))
    random = np.random.default_rng(1)
    tables = 10.0 ** random.uniform([[-4], [-10], [-9], [-14]], [[-2], [-8], [-5], [-9]], (4, 1000))
    tables = jnp.asarray(tables, jnp.float32)
    index = jnp.asarray(random.integers(0, 1000, (2, scale.stacks)), jnp.int32)
    L = 10.0 ** random.uniform([[-3], [-7.3]], [[-1.3], [-4.3]], (2, scale.stacks))
    L = jnp.asarray(L, jnp.float32)

    def stack_of(tables: jax.Array, index: jax.Array, L: jax.Array) -> Stack:
        first, second = tables[:2, index[0]], tables[2:, index[1]]
        layers = (
            Layer(L[0], first[0], Constant(first[1])),
            Layer(L[1], second[0], Constant(second[1])),
        )
        return Stack(layers, jnp.float32(E_A), jnp.float32(E_C), jnp.float32(T))

    rows = on_devices([jnp.moveaxis(x.reshape(2, -1, BLOCK), 1, 0) for x in (index, L)])

    @jax.jit
    def run(tables: jax.Array, rows: list[jax.Array]) -> tuple:
        return reduced(lambda tables, item: stack_of(tables, *item), tables, rows, limits)

    seconds = best_time(run, tables, rows)
    E = metrics_of_plane(stack_of(tables, index, L), limits).interface_potential_V
    s = np.asarray(tables, float)
    R = [
        np.asarray(L[k], float) * (1 / s[2 * k, index[k]] + 1 / s[2 * k + 1, index[k]])
        for k in (0, 1)
    ]
    return over_numpy("open_circuit_gathered", seconds, E.size, scale, constant_error(E, R))


def branch_stack(thick: jax.Array | float, thin: jax.Array | float) -> Stack:
    """The pair of the branch rows."""
    layers = tuple(
        Layer(L, s, Branches(c, n, E_n, p, E_p))
        for L, (s, c, n, E_n, p, E_p) in zip((thick, thin), MATERIALS.tolist(), strict=True)
    )
    return Stack(layers, E_A, E_C, T)


class Plane(NamedTuple):
    """A solved plane: seconds, E* (rows, columns), both thicknesses, stacks solved one by one."""

    seconds: float
    E: np.ndarray
    L: np.ndarray
    direct: int


@cache
def plane(scale: Scale) -> Plane:
    """The plane of the branch pair, read from a curve; what it does not vouch for, solved."""
    thick, thin = (axis.ravel() for axis in thickness_axes(scale.stacks, np.float64))
    nodes = curve_nodes(E_C - E_A, T)
    curves = jax.jit(jax.vmap(lambda L: trace_curve(branch_stack(L, L), nodes)))(jnp.ones(1))
    rows, log_thin = on_devices(jnp.asarray(np.log(thick))), jnp.asarray(np.log(thin))

    def read_row(curves: Curve, log_thick: jax.Array) -> tuple:
        reading = read_curves(curves, jnp.zeros(thin.shape, jnp.int32), log_thick - log_thin)
        return reading.E.astype(jnp.float32), reading.trusted

    @jax.jit
    def run(curves: Curve, rows: jax.Array) -> tuple:
        def one(curves: Curve, log_thick: jax.Array) -> tuple:
            E, trusted = read_row(curves, log_thick)
            least, most = (jnp.where(trusted, E, end) for end in (jnp.inf, -jnp.inf))
            doubtful = jnp.sum(~trusted, dtype=jnp.int32)
            return jnp.sum(least <= 2.31, dtype=jnp.int32), doubtful, jnp.min(least), jnp.max(most)

        return map_rows(one, curves, rows)

    seconds = best_time(run, curves, rows)
    E, trusted = jax.lax.map(partial(read_row, curves), jnp.asarray(np.log(thick)))
    E, L = np.array(E), np.stack(np.broadcast_arrays(thick[:, None], thin[None]))
    doubtful = ~np.asarray(trusted)
    if doubtful.any():
        alone = jnp.asarray(L[:, doubtful])
        seconds += best_time(solve_each, *alone, repeats=2)
        E[doubtful] = solve_each(*alone)
    return Plane(seconds, E, L, int(doubtful.sum()))


@jax.jit
@jax.vmap
def solve_each(thick: jax.Array, thin: jax.Array) -> jax.Array:
    """E* of the branch pair, every stack on its own."""
    return solve(branch_stack(thick, thin)).nodes[1]


def sample(scale: Scale, count: int) -> tuple[np.ndarray, np.ndarray]:
    """E* of the plane and its thicknesses (2, count) at stacks spread over it."""
    _, E, L, _ = plane(scale)
    picks = np.random.default_rng(2).integers(0, E.size, count)
    return E.ravel()[picks], L.reshape(2, -1)[:, picks]


@row("open_circuit_branches")
def open_circuit_branches(scale: Scale) -> Row:
    """Branch law on a plane of thicknesses, from one prepared curve; against direct solves."""
    seconds, E, _, alone = plane(scale)
    read, L = sample(scale, 1 << 14)
    error = float(np.max(np.abs(read - np.asarray(solve_each(*jnp.asarray(L))))))
    found = over_numba("open_circuit_branches", seconds, E.size, scale, error)
    return replace(found, reference=f"{found.reference}; {alone} of {E.size:,} solved singly")


@row("open_circuit_direct")
def open_circuit_direct(scale: Scale) -> Row:
    """Branch law with every stack solved on its own in float32; against float64."""
    _, L = sample(scale, scale.stacks >> 6)
    run = jax.jit(jax.vmap(lambda a, b: solve(branch_stack(a, b)).nodes[1]))
    few = jnp.asarray(L, jnp.float32)
    seconds = best_time(run, *few)
    error = float(np.max(np.abs(np.asarray(run(*few)) - np.asarray(run(*few.astype(float))))))
    return over_numba("open_circuit_direct", seconds, few.shape[1], scale, error)


@row("open_circuit_three_layers")
def open_circuit_three_layers(scale: Scale) -> Row:
    """Branch law with the coating on both sides; the error is that of float32 against float64."""
    _, L = sample(scale, scale.stacks >> 8)
    anode = Layer(1e-6, 1e-6, Branches(1e-13, 1e-8, 0.3, 1e-9, 4.6))

    def node(a: jax.Array, b: jax.Array) -> jax.Array:
        two = branch_stack(a, b)
        return solve(Stack((anode, *two.layers), E_A, E_C, T, electrolyte=1)).nodes[2]

    run = jax.jit(jax.vmap(node))
    few = jnp.asarray(L, jnp.float32)
    seconds = best_time(run, *few)
    error = float(np.max(np.abs(np.asarray(run(*few)) - np.asarray(run(*few.astype(float))))))
    return over_numba("open_circuit_three_layers", seconds, few.shape[1], scale, error)


@row("under_current")
def under_current(scale: Scale) -> Row:
    """Branch law at 1 mA/cm2, float64; two layers put as three must agree."""
    return at_current("under_current", 1e-3, scale)


@row("under_current_charge")
def under_current_charge(scale: Scale) -> Row:
    """The same at -1 mA/cm2, where three layers are solved by marches and two are not."""
    return at_current("under_current_charge", -1e-3, scale)


def at_current(name: str, current: float, scale: Scale) -> Row:
    """Two layers at a current (A/cm2)."""

    def run_of(pieces: int) -> Callable[..., jax.Array]:
        def node(a: jax.Array, b: jax.Array) -> jax.Array:
            electrolyte, coating = branch_stack(a, b / pieces).layers
            stack = Stack((electrolyte, *[coating] * pieces), E_A, E_C, T, current)
            return solve(stack).nodes[1]

        return jax.jit(jax.vmap(node))

    L = jnp.asarray(sample(scale, scale.stacks >> 8)[1])
    run, few = run_of(1), L[:, :2048]
    seconds = best_time(run, *L, repeats=2)
    error = float(np.max(np.abs(np.asarray(run(*few)) - np.asarray(run_of(2)(*few)))))
    return over_numba(name, seconds, L.shape[1], scale, error)


@row("gradient")
def gradient(scale: Scale) -> Row:
    """E* and its gradient by four parameters against E* alone, summed; error: implicit formula."""
    _, L = sample(scale, scale.stacks >> 6)
    few = jnp.asarray(L, jnp.float32)

    def node(p: jax.Array) -> jax.Array:
        stack = branch_stack(p[0], p[1])
        return solve(replace(stack, E_anode=p[2], E_cathode=p[3])).nodes[1]

    ends = jnp.broadcast_to(jnp.asarray([[E_A], [E_C]], jnp.float32), few.shape)
    parameters = jnp.concatenate([few, ends]).T
    both = jax.vmap(jax.value_and_grad(node))
    forward = best_time(jax.jit(lambda p: jnp.sum(jax.vmap(node)(p))), parameters)
    seconds = best_time(jax.jit(lambda p: jax.tree.map(jnp.sum, both(p))), parameters)
    slope = jax.jit(both)(parameters)[1]
    error = float(jnp.max(jnp.abs(slope[:, 0] * few[0] + slope[:, 1] * few[1])))
    ratio = seconds / forward
    return Row("gradient", few.shape[1] / seconds, "stacks/s", "times forward", ratio, error)


def against(name: str, seconds: float, E: np.ndarray, read: np.ndarray, scale: Scale) -> Row:
    """A peer's row: its stacks/s, how many times faster the prepared plane is, difference in V."""
    ours, plane_E, *_ = plane(scale)
    speed = E.size / seconds
    ratio = plane_E.size / ours / speed
    error = float(np.max(np.abs(E - read)))
    return Row(name, speed, "stacks/s", "open_circuit_branches/this", ratio, error)


@row("scipy_loop")
def scipy_loop(scale: Scale) -> Row:
    """quad inside brentq, one stack after the other, on stacks of the same plane."""
    read, L = sample(scale, scale.loop)
    start = time.perf_counter()
    E = np.array([scipy_one(MATERIALS, pair, E_A, E_C, V_T) for pair in L.T])
    return against("scipy_loop", time.perf_counter() - start, E, read, scale)


@row("numpy_bisection")
def numpy_bisection_row(scale: Scale) -> Row:
    """Vectorised bisection on the closed form."""
    read, L = sample(scale, scale.stacks >> 5)
    seconds = best_time(lambda: numpy_bisection(MATERIALS, L, E_A, E_C, V_T), repeats=2)
    E = numpy_bisection(MATERIALS, L, E_A, E_C, V_T)
    return against("numpy_bisection", seconds, E, read, scale)


@row("numba_parallel")
def numba_parallel_row(scale: Scale) -> Row:
    """Compiled Newton on the closed form, every stack on its own, all cores."""
    read, L = sample(scale, scale.stacks >> 3)
    seconds = best_time(lambda: numba_parallel(MATERIALS, L, E_A, E_C, V_T), repeats=3)
    E = numba_parallel(MATERIALS, L, E_A, E_C, V_T)
    return against("numba_parallel", seconds, E, read, scale)
