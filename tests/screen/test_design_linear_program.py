"""Thinnest coatings with constant laws are a linear program: scipy's answer is the oracle."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import linprog

from muli.kernels import Constant, Layer, Stack
from muli.screen.optimize.answer import check, solve_batch
from muli.screen.optimize.descent import FEASIBLE
from muli.screen.optimize.problem import Problem, Variable
from tests.quick import quick_jit

LOWER, UPPER = 1e-10, 1e-1  # cm
STATES = 2


def draw(count, coatings, seed):
    """Random cells: an electrolyte and some coatings, windows, two states of charge, a budget."""
    rng = np.random.default_rng(seed)

    def columns(electrolyte, coating):
        return np.column_stack(
            [rng.uniform(*electrolyte, count)]
            + [rng.uniform(*coating, count) for _ in range(coatings)]
        )

    cell = {
        "L": 10 ** rng.uniform(-3, -1.5, count),
        "sigma_ion": 10 ** columns((-4, -2.5), (-9, -5)),
        "sigma_ele": 10 ** columns((-10, -7), (-14, -8)),
        "E_anode": rng.uniform(0, 1.5, count),
        "E_cathode": np.column_stack([rng.uniform(3.9, 4.6, count), rng.uniform(3.2, 3.8, count)]),
        "reduction": columns((0.3, 1.9), (0.3, 2.2)),
        "oxidation": columns((2.0, 3.0), (3.0, 5.0)),
        "budget": 10 ** rng.uniform(0, 3, count),
        "margin": rng.choice([0.0, 0.05], count),
    }
    cell["oxidation"][:, -1] = np.maximum(cell["oxidation"][:, -1], cell["E_cathode"][:, 0] + 0.06)
    return cell


def as_problems(cell):
    count, layers = cell["oxidation"].shape
    zeros = np.zeros((count, layers))
    stack = Stack(
        tuple(
            Layer(
                cell["L"] if k == 0 else np.full(count, 1e-6),
                cell["sigma_ion"][:, k],
                Constant(cell["sigma_ele"][:, k]),
            )
            for k in range(layers)
        ),
        cell["E_anode"],
        cell["E_cathode"][:, 0],
        np.full(count, 298.15),
        np.zeros(count),
    )
    problem = Problem(
        stack,
        cell["E_cathode"],
        cell["reduction"],
        cell["oxidation"],
        np.full((count, layers - 1), LOWER),
        np.full((count, layers - 1), UPPER),
        zeros,
        zeros,
        cell["budget"],
        cell["margin"],
        np.ones(count),
        variables=tuple(Variable("thickness", k) for k in range(1, layers)),
        boundary="electrode",
    )
    return jax.tree.map(jnp.asarray, problem)


def least_total(cell, p):
    """Total thickness (cm) by scipy's linear program in the thicknesses; infinite if none."""
    sigma_ion, sigma_ele = cell["sigma_ion"][p], cell["sigma_ele"][p]
    oxidation, reduction = cell["oxidation"][p], cell["reduction"][p]
    E_a, margin = cell["E_anode"][p], cell["margin"][p]
    rho = 1 / sigma_ion + 1 / sigma_ele
    R_0, n = cell["L"][p] * rho[0], len(rho) - 1
    rows, sides = [1 / sigma_ion[1:] / cell["budget"][p]], [1.0]
    for E_c in cell["E_cathode"][p]:
        V = E_c - E_a
        for k in range(n):
            below = np.where(np.arange(n) < k, rho[1:], 0.0)
            ceiling = min(oxidation[k], oxidation[k + 1]) - margin
            floor = max(reduction[k], reduction[k + 1]) + margin
            for bound, sign in ((ceiling, 1), (floor, -1)):
                rows.append(sign * (V * below - (bound - E_a) * rho[1:]) / R_0)
                sides.append(sign * ((bound - E_a) - V))
    scale = 1e-6
    rows = np.array(rows) * scale
    size = np.abs(rows).max(axis=1)
    bounds = [(LOWER / scale, UPPER / scale)] * n
    found = linprog(
        np.ones(n), rows / size[:, None], np.array(sides) / size, bounds=bounds, method="highs"
    )
    return found.fun * scale if found.status == 0 else np.inf


@pytest.mark.parametrize(
    ("count", "coatings"),
    [(128, 1), (128, 2)]
    + [pytest.param(1000, coatings, marks=pytest.mark.full) for coatings in (1, 2, 3)],
)
def test_the_optimum_and_the_verdict_are_those_of_the_linear_program(coatings, count):
    cell = draw(count, coatings, seed=coatings)
    optimum, checked = solve_batch(as_problems(cell))
    expected = np.array([least_total(cell, p) for p in range(count)])
    feasible = np.asarray(optimum.violation) <= FEASIBLE
    assert 0.2 < feasible.mean() < 0.8
    np.testing.assert_array_equal(feasible, np.isfinite(expected))
    total = np.asarray(checked.thickness).sum(axis=1)
    np.testing.assert_allclose(total[feasible], expected[feasible], rtol=1e-4)
    assert np.asarray(checked.excess)[feasible].max() < 1e-6
    assert np.asarray(optimum.residual)[feasible].max() < 1e-3


def test_one_layer_is_the_explicit_minimum_thickness():
    cell = draw(128, 1, seed=7)
    problems = as_problems(cell)
    optimum, checked = solve_batch(problems)
    sigma = cell["sigma_ele"] * cell["sigma_ion"] / (cell["sigma_ele"] + cell["sigma_ion"])
    E_c = cell["E_cathode"]
    limit = (np.min(cell["oxidation"], axis=1) - cell["margin"])[:, None]
    ratio = (E_c - limit) / (limit - cell["E_anode"][:, None])
    need = (cell["L"] * sigma[:, 1] / sigma[:, 0])[:, None] * ratio
    thinnest = np.maximum(need.max(axis=1), LOWER)
    feasible = np.asarray(optimum.violation) <= FEASIBLE
    assert feasible.sum() > 25
    np.testing.assert_allclose(
        np.asarray(checked.thickness)[feasible, 0], thinnest[feasible], rtol=1e-8
    )
    too_resistive = thinnest / cell["sigma_ion"][:, 1] > cell["budget"]
    floor = (np.max(cell["reduction"], axis=1) + cell["margin"])[:, None]
    allowed = (E_c - floor) / (floor - cell["E_anode"][:, None])
    open_above = np.where(floor > cell["E_anode"][:, None], allowed, np.inf)
    most = ((cell["L"] * sigma[:, 1] / sigma[:, 0])[:, None] * open_above).min(axis=1)
    np.testing.assert_array_equal(
        ~feasible, too_resistive | (thinnest > most) | (limit <= cell["E_anode"][:, None])[:, 0]
    )


def test_a_wrong_thickness_would_be_seen():
    """Guard: one per cent thinner than the optimum breaks a limit, measured by the plain solver."""
    cell = draw(128, 2, seed=3)
    problems = as_problems(cell)
    optimum, _ = solve_batch(problems)
    feasible = np.asarray(optimum.violation) <= FEASIBLE
    thinner = quick_jit(jax.vmap(check))(problems, optimum.point - 0.01)
    at_bound = np.asarray(optimum.point).min(axis=1) < np.log(LOWER) + 0.02
    assert np.all(np.asarray(thinner.excess)[feasible & ~at_bound] > 1e-5)


@pytest.mark.full
def test_a_batch_gives_what_single_problems_give():
    problems = as_problems(draw(128, 2, seed=5))
    batch, _ = solve_batch(problems)
    for i in range(3):
        alone = jax.tree.map(lambda leaf, i=i: leaf[i : i + 1], problems)
        single, _ = solve_batch(alone)
        np.testing.assert_allclose(single.point[0], batch.point[i], rtol=1e-8)
