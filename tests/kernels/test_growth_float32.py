"""Growth behind films of branches in single precision: right, or not ok."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from muli.kernels import Status, Window, growth
from tests.kernels.test_growth_integration import E_OX, SHAPES, TIMES, random_cell
from tests.quick import quick_jit


def grown(cells, dtype):
    """Growth of cells of one shape in one precision, and its status."""

    def one(cell):
        stack, made = cell
        times = jnp.asarray(TIMES, dtype)
        window = Window(jnp.asarray(1.7, dtype), jnp.asarray(E_OX, dtype))
        return growth(stack, window, times, cathode=made)

    batch = jax.tree.map(lambda *leaves: jnp.asarray(np.array(leaves), dtype), *cells)
    found = quick_jit(jax.vmap(one))(batch)
    return np.asarray(found.cathode.thickness, np.float64), np.asarray(found.status)


@pytest.mark.full
@pytest.mark.parametrize("shape", [SHAPES[3], SHAPES[4], SHAPES[6]], ids=str)
def test_single_precision_behind_branches(shape):
    """A film that hardly resists leaves the end of growth within rounding of the electrode."""
    rng = np.random.default_rng(3)
    cells = [random_cell(rng, *shape) for _ in range(24)]
    double, ok = grown(cells, jnp.float64)
    assert np.all(ok == Status.OK)
    with jax.enable_x64(False):
        single, status = grown(cells, jnp.float32)
    close = np.abs(single - double) <= 1e-2 * double + 1e-9
    assert np.all(close[status == Status.OK])
    assert np.mean(status == Status.OK) > 0.5
