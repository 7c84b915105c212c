"""The flow of branches of one slope in closed form, against an integrator and itself."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from muli.kernels import Branches
from muli.kernels.constants import BOLTZMANN_EV
from muli.kernels.transport.closed_flow import ClosedFlow
from muli.kernels.transport.conductor import dilute
from tests.quick import quick_jit

VOLT = BOLTZMANN_EV * 298.15
COUNT = 4096


@pytest.fixture(scope="module")
def drawn():
    """Layers, currents of both signs, where a potential starts and how far it runs."""
    draw = np.random.default_rng(1)

    def log(low, high, share=1.0):
        return 10.0 ** draw.uniform(low, high, COUNT) * (draw.random(COUNT) < share)

    def sign(share):
        return np.where(draw.random(COUNT) < share, 1.0, -1.0)

    floor, n, p = log(-14, -8, 0.7), log(-13, -6, 0.6), log(-13, -6, 0.6)
    floor = np.where(floor + n + p == 0, 1e-12, floor)
    ion, j, current = log(-9, -3), log(-12, -3) * sign(0.8), log(-6, -2) * sign(0.5)
    branches = n, draw.uniform(0, 2, COUNT), p, draw.uniform(2, 4.5, COUNT)
    return floor, *branches, ion, (current + j) / ion, j, draw.uniform(0, 4.5, COUNT), log(-7, -2.5)


@pytest.fixture(scope="module")
def found(drawn):
    @quick_jit
    @jax.vmap
    def both_ways(floor, n, E_n, p, E_p, ion, a, j, E, length):
        law = Branches(floor, n, E_n, p, E_p, jnp.ones(()), jnp.ones(()))
        flow = ClosedFlow(
            dilute(law, ion, jnp.asarray(VOLT)), a, j, jnp.asarray(-20.0), jnp.asarray(25.0)
        )
        end, beyond = flow.arrive(E, length)
        return end, beyond, flow.miss(E, end, length)

    return [np.asarray(each) for each in both_ways(*map(jnp.asarray, drawn))]


def test_arrivals_fit_the_length_they_were_asked_for(found):
    end, beyond, miss = found
    inside = beyond == 0
    assert np.isfinite(end).all()
    assert inside.mean() > 0.8
    assert np.abs(miss[inside]).max() < 1e-9


def test_an_integrator_arrives_at_the_same_potential(drawn, found):
    end, beyond, _ = found
    for k in np.flatnonzero(beyond == 0)[:25]:
        floor, n, E_n, p, E_p, _, a, j, E, length = (each[k] for each in drawn)

        def speed(_, E, floor=floor, n=n, E_n=E_n, p=p, E_p=E_p, a=a, j=j):
            return a + j / (floor + n * np.exp((E_n - E) / VOLT) + p * np.exp((E - E_p) / VOLT))

        walked = solve_ivp(speed, (0, length), [E], method="Radau", rtol=1e-9, atol=1e-11)
        assert walked.success
        assert walked.y[0, -1] == pytest.approx(end[k], abs=1e-6)
