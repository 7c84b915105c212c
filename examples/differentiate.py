# Seconds: differentiate a metric through the solver, into a loss of your own.
#
#   python examples/differentiate.py
#
# A stack is an ordinary JAX pytree and `solve` a pure function, so `jax.grad` goes through both.

import jax
import jax.numpy as jnp

from muli.kernels import Constant, Layer, Stack, min_thickness, solve

jax.config.update("jax_enable_x64", True)


def cell(log10_sigma_ele, thickness_nm):
    """Li6PS5Cl-like electrolyte, 30 um, with one coating; conductivities in S/cm, lengths in cm."""
    electrolyte = Layer(30e-4, 1e-3, Constant(5e-9))
    coating = Layer(thickness_nm * 1e-7, 1e-6, Constant(10.0**log10_sigma_ele))
    return Stack((electrolyte, coating), E_anode=0.62, E_cathode=4.3)


# 1. Your own loss in three lines: how far E* is above 2.31 V, and what the coating costs.
def loss(log10_sigma_ele, thickness_nm):
    E_star = solve(cell(log10_sigma_ele, thickness_nm)).faces[0, 1]
    return jax.nn.relu(E_star - 2.31) ** 2 + 1e-4 * thickness_nm


# 2. Its gradient.
slopes = jax.grad(loss, argnums=(0, 1))(-12.0, 5.0)

# 3. The same by central differences: a gradient is worth what a second method says of it.
h = 1e-4
by_difference = (
    (loss(-12.0 + h, 5.0) - loss(-12.0 - h, 5.0)) / (2 * h),
    (loss(-12.0, 5.0 + h) - loss(-12.0, 5.0 - h)) / (2 * h),
)

# A metric instead of a potential: decades of least thickness per decade of sigma_ele.
sensitivity = jax.grad(lambda x: jnp.log10(min_thickness(cell(x, 5.0), 2.31)))(-12.0)

if __name__ == "__main__":
    for name, slope, difference in zip(
        ("per decade of sigma_ele", "per nm"), slopes, by_difference, strict=True
    ):
        print(f"d loss {name}: {slope:+.6e} (by differences {difference:+.6e})")
    print(f"decades of least thickness per decade of sigma_ele: {sensitivity:.6f}")
