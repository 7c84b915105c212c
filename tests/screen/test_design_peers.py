"""Where no linear program reaches: scipy's SLSQP from ten starts finds nothing better.

And no design that is called feasible is contradicted by `muli solve`, which knows nothing of it.

Under current, and with branch laws at open circuit. The peer minimises the same total thickness
with the potentials themselves as constraints, by exact gradients through `muli.kernels.solve`.
"""

import json
from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize

from muli.kernels import Branches, Constant, Layer, Stack, solve
from muli.screen.optimize.answer import solve_batch
from muli.screen.optimize.descent import FEASIBLE
from muli.screen.optimize.problem import Problem, Variable
from muli.screen.solving.solve_file import solve_file

LOWER, UPPER, LAYERS = 1e-9, 1e-3, 3


def draw(count, kind, seed=0):
    """Random two-coating problems: under current with constant laws, or branch laws without."""
    rng = np.random.default_rng(seed)

    def columns(electrolyte, coating):
        drawn = [rng.uniform(*coating, count) for _ in range(LAYERS - 1)]
        return np.column_stack([rng.uniform(*electrolyte, count), *drawn])

    ion, floor = 10 ** columns((-4, -2.5), (-8, -5)), 10 ** columns((-10, -7.5), (-14, -10))
    n, p = 10 ** columns((-10, -6), (-13, -8)), 10 ** columns((-12, -7), (-14, -8))
    E_n, E_p = columns((0.0, 1.5), (0.0, 2.0)), columns((3.0, 4.5), (3.5, 4.6))
    E_c = rng.uniform(3.8, 4.5, count)
    reduction, oxidation = columns((0.3, 1.7), (0.3, 1.8)), columns((2.0, 3.0), (3.0, 5.0))
    oxidation[:, -1] = np.maximum(oxidation[:, -1], E_c + 0.1)
    current = rng.choice([-1e-3, 3e-4, 1e-3], count) if kind == "current" else 0.0
    L_SE = 10 ** rng.uniform(-3, -2, count)

    def law(k):
        if kind == "current":
            return Constant(floor[:, k])
        return Branches(floor[:, k], n[:, k], E_n[:, k], p[:, k], E_p[:, k], 1.0, 1.0)

    layers = tuple(
        Layer(L_SE if k == 0 else np.full(count, 1e-6), ion[:, k], law(k)) for k in range(LAYERS)
    )
    zeros = np.zeros((count, LAYERS))
    return Problem(
        stack=Stack(layers, rng.uniform(0, 1.2, count), E_c, np.full(count, 298.15), current),
        cathode_potentials=E_c[:, None],
        reduction=reduction,
        oxidation=oxidation,
        lower=np.full((count, LAYERS - 1), LOWER),
        upper=np.full((count, LAYERS - 1), UPPER),
        E_act_ion=zeros,
        E_act_ele=zeros,
        asr_budget=10 ** rng.uniform(1, 3, count),
        margin=np.zeros(count),
        area_factor=np.ones(count),
        variables=tuple(Variable("thickness", k) for k in range(1, LAYERS)),
        boundary="electrode",
    )


def one(problems, i):
    return jax.tree.map(
        lambda leaf: leaf if type(leaf) is float else jnp.asarray(leaf[i]), problems
    )


def slack(problem, x):
    """What must not be negative: V inside the windows at inner faces, and ln of budget left."""
    thickness = jnp.exp(x)
    coatings = tuple(
        replace(layer, thickness=thickness[k]) for k, layer in enumerate(problem.stack.layers[1:])
    )
    stack = replace(problem.stack, layers=(problem.stack.layers[0], *coatings))
    nodes = solve(stack).faces[:-1, 1]
    high = jnp.minimum(problem.oxidation[:-1], problem.oxidation[1:])
    low = jnp.maximum(problem.reduction[:-1], problem.reduction[1:])
    asr = sum(layer.thickness / layer.sigma_ion for layer in coatings)
    return jnp.concatenate([high - nodes, nodes - low, jnp.log(problem.asr_budget / asr)[None]])


def ten_starts(problem, value, slope, rng):
    """Least total thickness (cm) that SLSQP finds; infinite if no start ends feasible."""
    best = np.inf
    bounds = [(np.log(LOWER), np.log(UPPER))] * (LAYERS - 1)
    for _ in range(10):
        found = minimize(
            lambda x: np.log(np.exp(x).sum()),
            rng.uniform(*bounds[0], LAYERS - 1),
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
            best = min(best, np.exp(found.x).sum())
    return best


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        ("current", 8),
        pytest.param("current", 100, marks=pytest.mark.full),
        pytest.param("branches", 100, marks=pytest.mark.full),
    ],
)
def test_scipy_finds_nothing_better(kind, count):
    problems = draw(count, kind)
    optimum, checked = solve_batch(problems)
    feasible = np.asarray(optimum.violation) <= FEASIBLE
    ours = np.where(feasible, np.asarray(checked.thickness).sum(axis=1), np.inf)
    value, slope = eqx.filter_jit(slack), eqx.filter_jit(jax.jacfwd(slack, argnums=1))
    rng = np.random.default_rng(1)
    peers = [ten_starts(one(problems, i), value, slope, rng) for i in range(count)]
    assert feasible.sum() > count // 3
    assert np.all(np.asarray(peers) >= ours * (1 - 1e-3))
    for i in np.flatnonzero(feasible):
        x = np.log(np.asarray(checked.thickness)[i])
        assert np.min(value(one(problems, i), x)) > -1e-6


LAW = {"sigma_0_S_cm": "sigma_0", "sigma_n_S_cm": "sigma_n", "E_n_V": "E_n",
       "sigma_p_S_cm": "sigma_p", "E_p_V": "E_p"}  # fmt: skip


def as_stack(problem, thickness):
    """The designed stack in the format of `muli solve`."""
    depths = [problem.stack.layers[0].thickness, *thickness]
    layers = []
    for k, (layer, depth) in enumerate(zip(problem.stack.layers, depths, strict=True)):
        law = {key: getattr(layer.sigma_ele, name, 0.0) for key, name in LAW.items()}
        law |= {"z_n": 1.0, "z_p": 1.0, "sigma_ion_S_cm": layer.sigma_ion, "thickness_cm": depth}
        role = "cathode_coating" if k else "electrolyte"
        layers.append({"role": role} | {key: float(value) for key, value in law.items()})
    stack = problem.stack
    return {
        "layers": layers,
        "E_anode_V": float(stack.E_anode),
        "E_cathode_V": float(stack.E_cathode),
        "temperature_K": float(stack.temperature),
        "current_density_A_cm2": float(stack.current_density),
    }


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        ("current", 8),
        pytest.param("current", 100, marks=pytest.mark.full),
        pytest.param("branches", 100, marks=pytest.mark.full),
    ],
)
def test_solve_never_contradicts_a_feasible_design(kind, count, tmp_path):
    problems = draw(count, kind)
    optimum, checked = solve_batch(problems)
    feasible = np.flatnonzero(np.asarray(optimum.violation) <= FEASIBLE)
    thickness = np.asarray(checked.thickness)
    path = tmp_path / "designs.json"
    path.write_text(json.dumps([as_stack(one(problems, i), thickness[i]) for i in feasible]))
    answers = solve_file(path)
    assert len(answers) == len(feasible) > count // 3
    for i, found in zip(feasible, answers, strict=True):
        assert found["status"] == "ok"
        problem, nodes = one(problems, i), np.asarray(found["nodes_V"])[1:-1]
        high = np.minimum(problem.oxidation[:-1], problem.oxidation[1:])
        low = np.maximum(problem.reduction[:-1], problem.reduction[1:])
        assert np.all(nodes <= high + 1e-6)
        assert np.all(low - 1e-6 <= nodes)
        ion = [layer.sigma_ion for layer in problem.stack.layers[1:]]
        assert np.sum(thickness[i] / np.asarray(ion)) <= problem.asr_budget * (1 + 1e-8)
