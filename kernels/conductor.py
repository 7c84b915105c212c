"""From a stack to the numbers the solvers march on: conductors, thicknesses, contacts, potentials.

The method that answers for a layer is chosen here, from what is known when the program is built:
constant laws are explicit; branches of one slope have a closed form when their slopes are equal
plain numbers; unequal or traced slopes and tables go by quadrature.
"""

from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kernels.ambipolar import Conductor, Dilute, Ohmic
from kernels.conductivity import Branches, Constant, Law, Table
from kernels.constants import BOLTZMANN_EV
from kernels.safe import log_or_absent
from kernels.stack import Layer, Stack

Scalar = Float[Array, ""]
Tree = TypeVar("Tree")


class Chain(eqx.Module):
    """A checked stack, ready to solve: one entry per layer, contacts one more or None."""

    conductors: tuple[Conductor, ...]
    log_thickness: tuple[Scalar, ...]
    contacts: tuple[Scalar, ...] | None
    E_anode: Scalar
    E_cathode: Scalar


def as_floats(tree: Tree) -> Tree:
    """The same tree with every number an array of one floating type, the widest given."""
    dtype = jnp.result_type(float, *jax.tree.leaves(tree))
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), tree)


def is_constant(stack: Stack) -> bool:
    """Whether every layer has a constant law, so that the answer is explicit."""
    return all(isinstance(layer.sigma_ele, Constant) for layer in stack.layers)


def one_slope(law: Law) -> float | None:
    """The common slope of both branches where both are plain numbers and equal, else None."""
    if not isinstance(law, Branches):
        return None
    slopes = law.z_n, law.z_p
    known = all(isinstance(z, int | float) for z in slopes)
    return float(slopes[0]) if known and slopes[0] == slopes[1] else None  # type: ignore[arg-type]
