"""The search of designs on functions with answers by hand: two basins, and demands that fight."""

import jax
import jax.numpy as jnp
import pytest

from muli.screen.optimize.descent import CONVERGED, FEASIBLE, Box, optimise


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def box():
    return Box(jnp.zeros(2), jnp.ones(2))


def test_an_optimum_by_hand():
    """The point outside a disc that is nearest to a point inside it."""

    def function(v):
        f = (v[0] - 0.45) ** 2 + (v[1] - 0.5) ** 2
        return f, (0.09 - (v[0] - 0.5) ** 2 - (v[1] - 0.5) ** 2)[None]

    found = optimise(function, box())
    assert float(found.violation) <= FEASIBLE
    assert float(found.residual) <= CONVERGED
    assert found.point == pytest.approx([0.2, 0.5], abs=1e-6)
    assert float(found.objective) == pytest.approx(0.0625, rel=1e-6)


def test_the_deeper_of_two_wells():
    """The best point that Adam meets lies in the shallower well."""

    def function(v):
        shallow = 0.5 * jnp.exp(-(((v[0] - 0.2) / 0.08) ** 2))
        deep = 0.8 * jnp.exp(-(((v[0] - 0.7) / 0.2) ** 2))
        return 0.2 * v[0] - shallow - deep + (v[1] - 0.3) ** 2, (v[0] - 2.0)[None]

    found = optimise(function, box())
    assert found.point == pytest.approx([0.695, 0.3], abs=1e-3)
    assert float(found.objective) == pytest.approx(-0.6605, abs=1e-4)


def test_demands_that_fight_are_told_by_their_least_violation():
    def function(v):
        return jnp.sum(v), jnp.stack([0.75 - v[0], v[0] - 0.25])

    found = optimise(function, box())
    assert float(found.violation) == pytest.approx(0.25, rel=1e-6)
    assert found.multipliers[:2] == pytest.approx([0.5, 0.5], rel=1e-5)
