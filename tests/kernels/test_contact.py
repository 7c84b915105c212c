"""Contact fraction: linear, then one; area factor scales both ends of the thickness band."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from muli.kernels import Constant, Layer, Limits, Stack, Window, metrics
from muli.kernels.model.contact import (
    contact_fraction,
    interface_resistance,
    thickness_per_electrode_area,
)


def test_contact_fraction_is_linear_then_saturates():
    low = float(contact_fraction(1e-3, 1e3, 0.1))
    assert low == pytest.approx(np.sqrt(8 / np.pi) * 1e-3 / (1e3 * 0.1), rel=1e-6)
    assert float(contact_fraction(1e4, 1e3, 0.1)) == pytest.approx(1.0)
    pressures = jnp.linspace(0.0, 300.0, 50)
    theta = contact_fraction(pressures, 1e3, 0.1)
    assert np.all(np.diff(theta) > 0)
    assert np.isfinite(float(jax.grad(contact_fraction)(0.0, 1e3, 0.1)))


def test_less_contact_more_resistance():
    assert float(interface_resistance(3.0, 0.5, 4.0)) == pytest.approx(1.5)
    assert np.isinf(float(interface_resistance(3.0, 0.0)))


def test_area_factor_scales_the_thickness_band():
    """Real thickness L on an area a times larger: both limits grow by a, E* by none at L a."""
    electrolyte = Layer(5e-3, 1e-3, Constant(1e-9))
    window, own = Window(1.71, 2.31), Window(1.74, 3.88)

    def columns(a):
        thin = Layer(thickness_per_electrode_area(1e-6 * a, a), 1e-6, Constant(1e-12))
        limits = replace(Limits(window, (own,)), area_factor=a)
        return metrics(Stack((electrolyte, thin), 0.0, 4.2), limits)

    one, four = columns(1.0), columns(4.0)
    assert float(four.min_thickness_nm) == pytest.approx(4 * float(one.min_thickness_nm))
    assert float(four.max_thickness_nm) == pytest.approx(4 * float(one.max_thickness_nm))
    assert float(four.interface_potential_V) == pytest.approx(float(one.interface_potential_V))
    assert float(four.transport_ratio) == pytest.approx(float(one.transport_ratio))
