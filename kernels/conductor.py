"""From a stack to what the solvers march on: conductors, thicknesses, contacts, potentials.

The method that answers for a layer is chosen here, from what is known when the program is built:
constant laws are explicit; branches of one slope have a closed form where their slopes are equal
plain numbers; unequal or traced slopes, and tables, go by panels prepared once per layer.
"""

from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from kernels.ambipolar import Conductor, Dilute, Ohmic
from kernels.conductivity import Branches, Constant, Law
from kernels.constants import ABSENT, BOLTZMANN_EV
from kernels.quadrature import tabulate
from kernels.safe import log_or_absent
from kernels.stack import Layer, Stack

Scalar = Float[Array, ""]
Tree = TypeVar("Tree")


class Chain(eqx.Module):
    """A stack ready to solve at open circuit: one entry per layer; contacts one more, or None."""

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


def plain_slope(law: Law) -> float | None:
    """The slope of both branches where they are plain numbers and equal, else None."""
    if not isinstance(law, Branches):
        return None
    slopes = law.z_n, law.z_p
    known = all(isinstance(slope, int | float) for slope in slopes)
    return slopes[0] if known and slopes[0] == slopes[1] else None


def chain(given: Stack, safe: Stack) -> Chain:
    """Conductors of a stack: its numbers from `safe` (guarded), its plain slopes from `given`."""
    low = jnp.minimum(safe.E_anode, safe.E_cathode)
    high = jnp.maximum(safe.E_anode, safe.E_cathode)
    volt = BOLTZMANN_EV * safe.temperature
    conductors = [
        conductor(layer, plain_slope(original.sigma_ele), volt, low, high)
        for original, layer in zip(given.layers, safe.layers, strict=True)
    ]
    logs = tuple(jnp.log(layer.thickness) for layer in safe.layers)
    return Chain(tuple(conductors), logs, safe.interface_asr, safe.E_anode, safe.E_cathode)


def conductor(
    layer: Layer, slope: float | None, volt: Scalar, E_low: Scalar, E_high: Scalar
) -> Conductor:
    """What answers for one layer at potentials from E_low to E_high; volt is k_B T/e."""
    law = layer.sigma_ele
    if isinstance(law, Constant):
        parallel = layer.sigma_ion * (law.sigma_0 / (layer.sigma_ion + law.sigma_0))
        return Ohmic(jnp.log(parallel))
    if isinstance(law, Branches) and slope is not None:
        return dilute(law, layer.sigma_ion, volt / slope)
    return tabulate(law, layer.sigma_ion, volt, E_low, E_high)


def dilute(law: Branches, sigma_ion: Scalar, volt: Scalar) -> Dilute:
    """Closed form of branches with one slope; volt is k_B T/(z e). An absent branch stays so."""
    log_sigma_ion = jnp.log(sigma_ion)
    log_n = log_or_absent(law.sigma_n) + law.E_n / volt - log_sigma_ion
    log_p = log_or_absent(law.sigma_p) - law.E_p / volt - log_sigma_ion
    return Dilute(
        log_sigma_ion,
        law.sigma_0 / sigma_ion,
        jnp.where(law.sigma_n > 0, log_n, ABSENT),
        jnp.where(law.sigma_p > 0, log_p, ABSENT),
        volt,
    )
