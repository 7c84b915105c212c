"""The bracketed search: roots by hand, walls that a short Newton step must not mistake for one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from muli.kernels.numerics.root import find_root


def searched(function, low, high, start, dtype=jnp.float64):
    return float(find_root(function, *(jnp.asarray(x, dtype) for x in (low, high, start))))


@pytest.mark.parametrize("resolution", [0.0, 4e-11])
def test_a_root_by_hand(resolution):
    found = searched(lambda x: (x**3 - 2.0, 3.0 * x**2, resolution), 0.0, 4.0, 3.0)
    assert found == pytest.approx(2.0 ** (1 / 3), rel=1e-15)


def test_infinite_values_bisect():
    def climbs(x):
        return jnp.where(x < 3.0, jnp.log(x), jnp.inf), 1.0 / x, 0.0

    assert searched(climbs, 1e-3, 1e3, 500.0) == pytest.approx(1.0, rel=1e-15)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_a_wall_is_not_a_root(dtype):
    """Just before x = 4 the function is so steep that Newton steps fall below rounding of x."""
    end = 4.0

    def wall(x):
        gap = end - x
        return -1e-3 * jnp.log(gap) + x - 3.0, 1.0 + 1e-3 / gap, 0.0

    near = float(np.nextafter(dtype(end), dtype(0)))
    found = searched(wall, 2.0, near, near, dtype)
    eps = float(jnp.finfo(dtype).eps)
    assert found == pytest.approx(3.0, abs=8 * eps)


def test_a_lost_lane_ends_alone():
    def function(x):
        return jnp.where(x < 0, jnp.nan, x - 2.0), jnp.ones_like(x), 0.0

    low, high = jnp.asarray([-9.0, 0.0]), jnp.asarray([-1.0, 9.0])
    lost, found = jax.vmap(lambda a, b: find_root(function, a, b, a))(low, high)
    assert np.isnan(lost)
    assert found == pytest.approx(2.0)
