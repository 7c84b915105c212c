"""Rows of design and uncertainty: designs per second beside scipy's, with the error of the answers.

The peers get the same problems with formulas of their own in NumPy: SLSQP from one start (one
layer), scipy's linear program (pairs), a count over the divider (uncertainty).
"""

import tempfile
import time
from functools import partial
from itertools import permutations
from pathlib import Path

import jax
import numpy as np
import pandas as pd
from scipy import optimize
from table import QUICK, Row, Scale, best_time, row

from kernels import Constant, Layer, Stack
from screen.optimize.answer import solve_batch
from screen.optimize.descent import FEASIBLE
from screen.optimize.problem import Problem, Variable
from screen.running import run
from screen.uncertainty import draw

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
