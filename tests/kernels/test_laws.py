"""Laws by their methods: a new one needs its own class only; factors and limits by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import constants

from muli.kernels import Branches, Constant, Law, Layer, Stack, Status, Table, solve
from muli.kernels.constants import BOLTZMANN_EV, FARADAY
from tests.quick import quick_jit

VOLT = BOLTZMANN_EV * 298.15
FLOOR = Constant(1e-9)


class Line(Law):
    """A law that no other file knows: log10 sigma_ele = level + decades E."""

    form = "table"
    level: jax.Array
    decades: jax.Array

    def as_table(self):
        E = jnp.asarray([-1.0, 6.0], self.level.dtype)
        return Table(E, self.level + self.decades * E)

    def out_of_range(self):
        return jnp.zeros((), bool)

    def scaled(self, factor):
        return Line(self.level + jnp.log10(factor), self.decades)


@quick_jit
def solved(law, E_cathode):
    layers = (Layer(5e-3, 1e-3, FLOOR), Layer(1e-6, 1e-6, law))
    return solve(Stack(layers, 0.0, E_cathode))


def test_a_law_that_only_its_class_knows_is_solved_as_the_branch_it_is():
    """10^(level + decades E) is one branch where decades = 1/(V_T ln 10)."""
    line = Line(jnp.asarray(-80.0), jnp.asarray(1.0 / (VOLT * np.log(10.0))))
    branch = Branches(0.0, 0.0, 0.0, 10.0**-80, 0.0, 1.0, 1.0)
    found, expected = solved(line, 4.2), solved(branch, 4.2)
    assert found.status == expected.status == Status.OK
    np.testing.assert_allclose(found.nodes, expected.nodes, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.log_leak, expected.log_leak, rtol=0, atol=1e-9)
    assert solved(line, 6.3).status == Status.EXTRAPOLATED_TABLE


def sigma(law, E):
    """sigma_ele (S/cm) at E (V), written out."""
    if law.form == "constant":
        return law.sigma_0
    if law.form == "table":
        return 10.0 ** np.interp(E, law.E, law.log10_sigma)
    electrons = law.sigma_n * np.exp(-law.z_n * (E - law.E_n) / VOLT)
    return law.sigma_0 + electrons + law.sigma_p * np.exp(law.z_p * (E - law.E_p) / VOLT)


@pytest.mark.parametrize(
    "law",
    [
        Constant(2e-11),
        Branches(1e-12, 3e-9, 0.1, 2e-10, 4.1, 1.0, 0.5),
        Table(jnp.asarray([0.0, 1.0, 4.0]), jnp.asarray([-8.0, -11.0, -9.0])),
    ],
    ids=["constant", "branches", "table"],
)
def test_a_factor_is_a_factor_at_every_potential(law):
    E = np.linspace(-0.5, 5.0, 23)
    np.testing.assert_allclose(sigma(law.scaled(7.0), E), 7.0 * sigma(law, E), rtol=1e-12)


def test_only_one_number_can_be_capped_or_replaced():
    assert Constant(1e3).capped(10.0).sigma_0 == 10.0
    assert Constant(1e-9).with_sigma_0(1e-7).sigma_0 == 1e-7
    table = Table(jnp.asarray([0.0, 1.0]), jnp.asarray([-8.0, -9.0]))
    with pytest.raises(ValueError, match="cannot vary"):
        table.with_sigma_0(1e-7)


def test_constants_are_those_of_codata():
    assert pytest.approx(constants.value("Boltzmann constant in eV/K"), rel=1e-9) == BOLTZMANN_EV
    assert pytest.approx(constants.value("Faraday constant"), rel=1e-9) == FARADAY
