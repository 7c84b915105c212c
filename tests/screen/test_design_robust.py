"""Robust design of one layer: the exact quantile of the least thickness over the draws."""

import jax.numpy as jnp
import numpy as np
import pytest

from muli.kernels import Constant, Layer, Stack
from muli.screen.optimize.problem import Problem, Variable
from muli.screen.optimize.robust import ladder, sampled
from muli.screen.space.distributions import draw

ION, E_C, L_SE = (1.95e-3, 1e-6), 4.2, 3e-3
CENTRAL = {"coating.sigma_ele_S_cm": 1e-12, "electrolyte.sigma_ele_S_cm": 3e-9}
SPEC = {
    "coating.sigma_ele_S_cm": {"lognormal": {"median": 1e-12, "decades": 1.0}},
    "electrolyte.sigma_ele_S_cm": {"loguniform": [1e-9, 1e-8]},
    "electrolyte.oxidation_limit_V": {"normal": {"mean": 2.01, "std": 0.05}},
}
PROBABILITIES = (0.5, 0.9, 0.95)


def problem(budget=np.inf, top=np.inf):
    layers = tuple(
        Layer(np.float64(L), np.float64(ion), Constant(np.float64(ele)))
        for L, ion, ele in zip((L_SE, 1e-6), ION, (3e-9, 1e-12), strict=True)
    )
    stack = Stack(layers, *map(np.float64, (0.0, E_C, 298.15, 0.0)))
    return Problem(
        stack=stack,
        cathode_potentials=np.array([E_C]),
        reduction=np.full(2, -np.inf),
        oxidation=np.array([2.01, top]),
        lower=np.array([1e-10]),
        upper=np.array([1e-1]),
        E_act_ion=np.zeros(2),
        E_act_ele=np.zeros(2),
        asr_budget=np.float64(budget),
        margin=np.float64(0.0),
        area_factor=np.float64(1.0),
        variables=(Variable("thickness", 1),),
        boundary="electrode",
    )


def least_thickness(draws):
    """Per draw, by hand: L_SE times the ratio of sigma_amb and of potential drops."""
    amb = [
        draws[f"{role}.sigma_ele_S_cm"] * ion / (draws[f"{role}.sigma_ele_S_cm"] + ion)
        for role, ion in (("coating", ION[1]), ("electrolyte", ION[0]))
    ]
    limit = draws["electrolyte.oxidation_limit_V"]
    return L_SE * amb[0] / amb[1] * (E_C - limit) / limit


@pytest.fixture(scope="module")
def draws():
    return draw(SPEC, 512, 1)


@pytest.fixture(scope="module")
def free(draws):
    return ladder(problem(), sampled(problem(), draws, CENTRAL), PROBABILITIES)


def test_the_robust_thickness_is_the_quantile_of_the_least_thickness(draws, free):
    ordered = np.sort(least_thickness(draws))
    exact = [ordered[int(np.ceil(p * 512)) - 1] for p in PROBABILITIES]
    np.testing.assert_allclose(free.thickness[:, 0], exact, rtol=1e-8)
    assert np.all(np.asarray(free.gap) <= 1e-9)
    assert np.all(np.asarray(free.reached) >= PROBABILITIES)


def test_certainty_costs_thickness_and_resistance(free):
    assert np.all(np.diff(np.asarray(free.thickness[:, 0])) > 0)
    np.testing.assert_allclose(free.asr, free.thickness[:, 0] / ION[1], rtol=1e-12)


def test_a_budget_caps_what_can_be_sure(draws):
    """Up to the budget's thickness the design exists, beyond it no probability is claimed."""
    cap = float(np.sort(least_thickness(draws))[int(0.7 * 512)])
    limited = problem(budget=cap / ION[1])
    found = ladder(limited, sampled(limited, draws, CENTRAL), PROBABILITIES)
    np.testing.assert_array_equal(np.asarray(found.gap) <= 1e-9, [True, False, False])


def test_a_coating_that_the_cathode_oxidises_never_holds(draws):
    limited = problem(top=4.0)
    found = ladder(limited, sampled(limited, draws, CENTRAL), PROBABILITIES)
    assert np.all(np.asarray(found.reached) == 0)
    assert np.all(np.asarray(found.gap) > 0)


def test_draws_scale_conductivities_and_replace_limits(draws):
    many = sampled(problem(), draws, CENTRAL)
    np.testing.assert_allclose(
        many.stack.layers[1].sigma_ele.sigma_0, draws["coating.sigma_ele_S_cm"], rtol=1e-12
    )
    np.testing.assert_array_equal(many.oxidation[:, 0], draws["electrolyte.oxidation_limit_V"])
    assert jnp.all(many.oxidation[:, 1] == jnp.inf)
