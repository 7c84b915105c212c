"""Rows of design and uncertainty: designs per second beside scipy's, with the error of the answers.

The peers get the same problems with formulas of their own in NumPy: SLSQP from one start (one
layer), scipy's linear program (pairs), a count over the divider (uncertainty). With branch laws
SLSQP starts ten times and gets potentials and gradients from `muli.kernels.solvers.solve`.
"""

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import permutations
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from scipy import optimize
from table import QUICK, Row, Scale, best_time, row

from muli.kernels import Branches, Constant, Layer, Stack, solve
from muli.screen.optimize.answer import solve_batch
from muli.screen.optimize.descent import FEASIBLE
from muli.screen.optimize.problem import Problem, Variable
from muli.screen.running.run import run
from muli.screen.space.distributions import draw

L_SE, ION_SE, ELE_SE, E_A, E_C, E_OX = 3e-3, 1e-3, 5e-9, 0.62, 4.2, 2.31
BUDGET, LOWER, UPPER = 50.0, 1e-10, 1e-2
MATERIALS = 40
DRAWS = 256
UNCERTAIN = {
    "coating.sigma_ele_S_cm": {"lognormal": {"median": 1e-12, "decades": 1.0}},
    "electrolyte.sigma_ele_S_cm": {"loguniform": [1e-9, 1e-8]},
    "electrolyte.oxidation_limit_V": {"normal": {"mean": 2.01, "std": 0.05}},
}


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


def branch_problems(count: int) -> Problem:
    """Random two-coating problems of branch laws; the outer coating stands the cathode."""
    rng = np.random.default_rng(0)

    def drawn(electrolyte: tuple[float, float], coating: tuple[float, float]) -> np.ndarray:
        columns = [rng.uniform(*electrolyte, count)]
        return np.column_stack(columns + [rng.uniform(*coating, count) for _ in range(2)])

    ion = 10 ** drawn((-4, -2.5), (-8, -5))
    carriers = [
        10 ** drawn((-10, -7.5), (-14, -10)),
        10 ** drawn((-10, -6), (-13, -8)),
        drawn((0.0, 1.5), (0.0, 2.0)),
        10 ** drawn((-12, -7), (-14, -8)),
        drawn((3.0, 4.5), (3.5, 4.6)),
    ]
    low, high = drawn((0.3, 1.7), (0.3, 1.8)), drawn((2.0, 3.0), (3.0, 5.0))
    high[:, 2] = np.maximum(high[:, 2], E_C + 0.1)
    plain = problems(ion[:, 1:], carriers[0][:, 1:], low[:, 1:], high[:, 1:])
    laws = [Branches(*(each[:, k] for each in carriers), 1.0, 1.0) for k in range(3)]
    layers = [
        replace(layer, sigma_ion=ion[:, k], sigma_ele=laws[k])
        for k, layer in enumerate(plain.stack.layers)
    ]
    stack = replace(plain.stack, layers=tuple(layers), current_density=0.0)
    return replace(plain, stack=stack, reduction=low, oxidation=high)


@row("design_branches")
def design_branches(scale: Scale) -> Row:
    """Two coatings of branch laws against SLSQP from ten starts, with exact gradients."""
    batch = branch_problems(16 if scale == QUICK else 100)
    seconds = best_time(solve_batch, batch, repeats=1)
    optimum, checked = jax.tree.map(np.asarray, solve_batch(batch))
    feasible = np.flatnonzero(optimum.violation <= FEASIBLE)
    value = eqx.filter_jit(slack)
    slope = eqx.filter_jit(jax.jacfwd(slack, argnums=1))
    some = feasible[: max(2, scale.loop // 20)]
    singles = [jax.tree.map(lambda x, i=i: x if type(x) is float else x[i], batch) for i in some]
    slsqp_ten(singles[0], value, slope, starts=1)
    start = time.perf_counter()
    peers = [slsqp_ten(single, value, slope, starts=10) for single in singles]
    peer = (time.perf_counter() - start) / len(peers)
    ours = checked.thickness.sum(axis=1)[some]
    better = max(0.0, float((1 - np.array(peers) / ours).max()))
    count = len(optimum.violation)
    reference = f"SLSQP, ten starts, {peer * 1e3:.3g} ms; at most {better:.1e} thinner"
    excess = max(0.0, float(checked.excess[feasible].max()))
    rate = count / seconds
    return Row("design_branches", rate, "designs/s", reference, peer * rate, excess)


def slack(problem: Problem, x: jax.Array) -> jax.Array:
    """What must not be negative at ln thicknesses x: V inside the windows, ln of budget left."""
    layers = [problem.stack.layers[0]]
    layers += [
        replace(layer, thickness=jnp.exp(x[k])) for k, layer in enumerate(problem.stack.layers[1:])
    ]
    nodes = solve(replace(problem.stack, layers=tuple(layers))).faces[:-1, 1]
    high = jnp.minimum(problem.oxidation[:-1], problem.oxidation[1:])
    low = jnp.maximum(problem.reduction[:-1], problem.reduction[1:])
    asr = sum(layer.thickness / layer.sigma_ion for layer in layers[1:])
    return jnp.concatenate([high - nodes, nodes - low, jnp.log(problem.asr_budget / asr)[None]])


def slsqp_ten(problem: Problem, value: Callable, slope: Callable, *, starts: int) -> float:
    """Least total thickness (cm) that SLSQP finds; infinite if no start ends feasible."""
    rng, best = np.random.default_rng(1), np.inf
    bounds = [(np.log(LOWER), np.log(UPPER))] * 2
    for _ in range(starts):
        found = optimize.minimize(
            lambda x: np.log(np.exp(x).sum()),
            rng.uniform(*bounds[0], 2),
            jac=lambda x: np.exp(x) / np.exp(x).sum(),
            bounds=bounds,
            constraints={
                "type": "ineq",
                "fun": lambda x: np.asarray(value(problem, x)),
                "jac": lambda x: np.asarray(slope(problem, x)),
            },
            method="SLSQP",
            options={"maxiter": 100, "ftol": 1e-10},
        )
        if np.all(np.isfinite(found.x)) and np.min(value(problem, found.x)) > -1e-7:
            best = min(best, float(np.exp(found.x).sum()))
    return best


@row("uncertainty")
def uncertainty(scale: Scale) -> Row:
    """A whole run in best mode with 256 draws, compilation included, against a NumPy count."""
    electrolytes = min(scale.stacks, 10**6) // (4 * 100)
    given: dict = {
        "axes": {
            "coating": ["LiNbO3", "Li3PO4", "LiTaO3", "LiPO3"],
            "coating_thickness_nm": {"start": 1, "stop": 300, "num": 100, "spacing": "log"},
            "electrolyte": ["Li6PS5Cl"],
            "electrolyte_thickness_um": {"start": 10, "stop": 100, "num": electrolytes},
            "cathode_potential_V": [4.2],
            "anode_potential_V": [0.62],
        },
        "screen": {"boundary": "electrode"},
        "uncertainty": {"draws": DRAWS, "seed": 0, **UNCERTAIN},
    }
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        stacks = run(given, f"{folder}/out").stacks
        seconds = time.perf_counter() - start
        rows = pd.concat(map(pd.read_parquet, sorted(Path(folder).glob("out/*.parquet"))))
    some = rows.iloc[:: max(1, len(rows) // scale.loop)]
    draws = list(draw(UNCERTAIN, DRAWS, seed=0).values())
    start = time.perf_counter()
    counted = [numpy_count(row, *draws) for _, row in some.iterrows()]
    peer = (time.perf_counter() - start) / len(counted)
    error = np.abs(np.array(counted) - some.p_protected).max()
    reference = (
        f"{seconds:.3g} s for {stacks:,}; NumPy {peer * 1e6:.3g} us a stack; p within {error:.1e}"
    )
    return Row(
        "uncertainty",
        stacks / seconds,
        f"stacks/s, {DRAWS} draws",
        reference,
        peer * stacks / seconds,
        None,
    )


def numpy_count(row: pd.Series, ele: np.ndarray, SE_ele: np.ndarray, ox: np.ndarray) -> float:
    """p_protected of one stored row by the divider of every draw."""
    coating = row.coating_thickness_nm * 1e-7 * (1 / row.coating_sigma_ion_S_cm + 1 / ele)
    depth = row.electrolyte_thickness_um * 1e-4
    SE = depth * (1 / row.electrolyte_sigma_ion_S_cm + 1 / SE_ele)
    E = 0.62 + (4.2 - 0.62) * SE / (SE + coating)
    E_red = row.interface_potential_V - row.reduction_margin_V
    return float(((ox >= E) & (E_red <= E)).mean())
