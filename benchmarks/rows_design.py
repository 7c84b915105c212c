"""Rows of design and uncertainty: designs per second beside scipy's, with the error of the answers.

The peers get the same problems with formulas of their own in NumPy: SLSQP from one start (one
layer), scipy's linear program (pairs), a vectorised NumPy count (uncertainty).
"""

import time
from functools import partial
from itertools import permutations

import jax
import jax.numpy as jnp
import numpy as np
from scipy import optimize
from table import QUICK, Row, Scale, best_time, row

from kernels import Constant, Layer, Stack, Window
from screen.optimize.answer import solve_batch
from screen.optimize.descent import FEASIBLE
from screen.optimize.problem import Problem, Variable
from screen.uncertainty import bands, draw, protection

L_SE, ION_SE, ELE_SE, E_A, E_C, E_OX = 3e-3, 1e-3, 5e-9, 0.62, 4.2, 2.31
BUDGET, LOWER, UPPER = 50.0, 1e-10, 1e-2
MATERIALS = 40
DRAWS = 256


def problems(ion: np.ndarray, ele: np.ndarray, low: np.ndarray, high: np.ndarray) -> Problem:
    """Thinnest coatings: arrays (problems, coatings) of conductivities and windows."""
    count, coatings = ion.shape
    fill = partial(np.full, count)
    layers = [Layer(fill(L_SE), fill(ION_SE), Constant(fill(ELE_SE)))]
    layers += [Layer(fill(1e-6), ion[:, k], Constant(ele[:, k])) for k in range(coatings)]
    zeros = np.zeros((count, coatings + 1))
    return Problem(
        stack=Stack(tuple(layers), fill(E_A), fill(E_C), fill(298.15), fill(0.0)),
        cathode_potentials=np.full((count, 1), E_C),
        reduction=np.column_stack([fill(1.0), low]),
        oxidation=np.column_stack([fill(E_OX), high]),
        lower=np.full((count, coatings), LOWER),
        upper=np.full((count, coatings), UPPER),
        E_act_ion=zeros,
        E_act_ele=zeros,
        asr_budget=fill(BUDGET),
        margin=fill(0.0),
        area_factor=fill(1.0),
        variables=tuple(Variable("thickness", k + 1) for k in range(coatings)),
        boundary="electrode",
    )


@row("design_single")
def design_single(scale: Scale) -> Row:
    """One-layer designs against SLSQP, and against the explicit minimum thickness."""
    count = 500 if scale == QUICK else 10_000
    rng = np.random.default_rng(0)
    ion, ele = 10 ** rng.uniform(-8, -5, (count, 1)), 10 ** rng.uniform(-14, -11, (count, 1))
    batch = problems(ion, ele, np.zeros((count, 1)), np.full((count, 1), 5.0))
    seconds = best_time(solve_batch, batch, repeats=2)
    optimum, checked = jax.tree.map(np.asarray, solve_batch(batch))
    feasible = optimum.violation <= FEASIBLE
    exact = explicit(ion[:, 0], ele[:, 0])
    assert np.array_equal(feasible, exact / ion[:, 0] <= BUDGET)
    error = np.abs(checked.thickness[:, 0] / np.maximum(exact, LOWER) - 1)[feasible].max()
    start = time.perf_counter()
    for p in range(scale.loop):
        slsqp_single(ion[p, 0], ele[p, 0])
    peer = (time.perf_counter() - start) / scale.loop
    reference = f"SLSQP {peer * 1e3:.3g} ms; thickness within {error:.1e} of the explicit one"
    excess = max(0.0, float(checked.excess[feasible].max()))
    return Row(
        "design_single", count / seconds, "designs/s", reference, peer * count / seconds, excess
    )


def explicit(ion: np.ndarray, ele: np.ndarray) -> np.ndarray:
    """Least thickness, cm, of a coating of constant law."""
    amb = ion * ele / (ion + ele) * (ION_SE + ELE_SE) / (ION_SE * ELE_SE)
    return L_SE * amb * (E_C - E_OX) / (E_OX - E_A)


def slsqp_single(ion: float, ele: float) -> float:
    """The same by scipy: ln thickness least with E* at most the limit and the budget kept."""
    rho, SE = 1 / ion + 1 / ele, L_SE * (1 / ION_SE + 1 / ELE_SE)

    def node(x: np.ndarray) -> float:
        return E_A + (E_C - E_A) * SE / (SE + np.exp(x[0]) * rho)

    found = optimize.minimize(
        lambda x: x[0],
        [np.log(1e-6)],
        bounds=[(np.log(LOWER), np.log(UPPER))],
        constraints=[
            {"type": "ineq", "fun": lambda x: E_OX - node(x)},
            {"type": "ineq", "fun": lambda x: np.log(BUDGET * ion) - x[0]},
        ],
        method="SLSQP",
    )
    return float(found.x[0])


@row("design_pairs")
def design_pairs(scale: Scale) -> Row:
    """All ordered pairs of 40 materials against scipy's linear program, problem by problem."""
    rng = np.random.default_rng(1)
    ion, ele = 10 ** rng.uniform(-8, -5, MATERIALS), 10 ** rng.uniform(-13.5, -10.5, MATERIALS)
    low, high = rng.uniform(0.5, 2.0, MATERIALS), rng.uniform(3.2, 5.0, MATERIALS)
    chosen = np.array(list(permutations(range(MATERIALS), 2)))
    batch = problems(ion[chosen], ele[chosen], low[chosen], high[chosen])
    seconds = best_time(solve_batch, batch, repeats=2)
    optimum, checked = jax.tree.map(np.asarray, solve_batch(batch))
    start = time.perf_counter()
    peers = [linear_program(ion[c], ele[c], low[c], high[c]) for c in chosen[: 10 * scale.loop]]
    peer = (time.perf_counter() - start) / len(peers)
    exact, ours = np.array(peers), checked.thickness.sum(axis=1)[: len(peers)]
    feasible = optimum.violation[: len(peers)] <= FEASIBLE
    assert np.array_equal(feasible, np.isfinite(exact))
    error = np.abs(ours / exact - 1)[feasible].max()
    reference = f"linprog {peer * 1e3:.3g} ms; same verdicts, total within {error:.1e}"
    stands = feasible & (checked.outer[: len(peers)].max(axis=(1, 2)) <= 0)
    excess = max(0.0, float(checked.excess[: len(peers)][stands].max()))
    count = len(chosen)
    return Row(
        "design_pairs", count / seconds, "pairs/s", reference, peer * count / seconds, excess
    )


def linear_program(ion: np.ndarray, ele: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    """Least total thickness (cm) of two layers by HiGHS; infinite where there is none.

    The outer face at the cathode is no thickness's business and is not asked here.
    """
    rho, SE, V = 1 / ion + 1 / ele, L_SE * (1 / ION_SE + 1 / ELE_SE), E_C - E_A
    limits = [(min(E_OX, high[0]), max(1.0, low[0])), (min(high), max(low))]
    rows, sides = [1 / ion / BUDGET], [1.0]
    for k, (ceiling, floor) in enumerate(limits):
        below = np.where(np.arange(2) < k, rho, 0.0)
        for bound, sign in ((ceiling, 1), (floor, -1)):
            rows.append(sign * (V * below - (bound - E_A) * rho) / SE)
            sides.append(sign * (bound - E_A - V))
    matrix = np.array(rows) * 1e-6
    size = np.abs(matrix).max(axis=1)
    bounds = [(LOWER * 1e6, UPPER * 1e6)] * 2
    found = optimize.linprog([1, 1], matrix / size[:, None], np.array(sides) / size, bounds=bounds)
    return found.fun * 1e-6 if found.status == 0 else np.inf


@row("uncertainty")
def uncertainty(scale: Scale) -> Row:
    """p_protected of every stack and the surest per line, 256 draws, against NumPy."""
    thickness = np.geomspace(1e-8, 1e-4, 400)
    lines = scale.stacks // 4 // len(thickness)
    values = draw(
        {"ele": {"lognormal": {"median": 1.0, "decades": 0.7}}, "ox": {"uniform": [2.2, 2.4]}},
        DRAWS,
        seed=0,
    )
    ele, ox = (jnp.asarray(values[key]) for key in ("ele", "ox"))
    median = jnp.asarray(np.geomspace(1e-14, 1e-11, lines))

    def one_draw(base: jax.Array, factor: jax.Array, limit: jax.Array) -> object:
        layers = (
            Layer(L_SE, ION_SE, Constant(ELE_SE)),
            Layer(1e-6, 1e-6, Constant(base * factor)),
        )
        return bands(Stack(layers, E_A, E_C), Window(1.0, limit), BUDGET)

    def best(base: jax.Array) -> tuple[jax.Array, jax.Array]:
        p, _ = protection(jax.vmap(partial(one_draw, base))(ele, ox), jnp.asarray(thickness))
        return jnp.max(p), p

    reduced = jax.jit(lambda bases: jax.lax.map(lambda b: best(b)[0], bases, batch_size=64))
    seconds = best_time(reduced, median, repeats=2)
    start = time.perf_counter()
    plain = [numpy_count(float(b), thickness, values) for b in median[: scale.loop]]
    peer = (time.perf_counter() - start) / len(plain)
    ours = np.stack([np.asarray(best(b)[1]) for b in median[: scale.loop]])
    error = np.abs(ours - np.stack(plain)).max()
    stacks = lines * len(thickness)
    reference = f"NumPy count {peer * 1e3:.3g} ms a line; p within {error:.1e}"
    return Row(
        "uncertainty",
        stacks / seconds,
        "stacks/s, 256 draws",
        reference,
        peer * lines / seconds,
        None,
    )


def numpy_count(base: float, thickness: np.ndarray, values: dict[str, np.ndarray]) -> np.ndarray:
    """p_protected of one line by solving the divider of every thickness and draw."""
    ele = base * values["ele"]
    coating = thickness[:, None] * (1 / 1e-6 + 1 / ele)
    SE = L_SE * (1 / ION_SE + 1 / ELE_SE)
    E = E_A + (E_C - E_A) * SE / (SE + coating)
    return ((values["ox"] >= E) & (E >= 1.0)).mean(axis=1)
