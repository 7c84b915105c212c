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

from muli.kernels.constants import ABSENT, BOLTZMANN_EV
from muli.kernels.model.laws import Branches, Constant, Law, Table
from muli.kernels.model.stack import Stack
from muli.kernels.numerics.safe import log_or_absent
from muli.kernels.transport.ambipolar import Conductor, Dilute
from muli.kernels.transport.quadrature import tabulate

Scalar = Float[Array, ""]
Tree = TypeVar("Tree")


class Piece(eqx.Module):
    """One layer as the solvers see it, or several along a leading axis."""

    conductor: Conductor
    log_thickness: Float[Array, "..."]


class Chain(eqx.Module):
    """A stack ready to solve at open circuit; contacts count one more than layers, or None."""

    pieces: Piece
    contacts: Float[Array, " contacts"] | None
    E_anode: Scalar
    E_cathode: Scalar


def as_floats(tree: Tree) -> Tree:
    """The same tree with every number an array of one floating type, the widest given."""
    dtype = jnp.result_type(float, *jax.tree.leaves(tree))
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), tree)


def is_constant(stack: Stack) -> bool:
    """Whether every layer has a constant law, so that the answer is explicit."""
    return all(isinstance(layer.sigma_ele, Constant) for layer in stack.layers)


def is_open_circuit(stack: Stack) -> bool:
    """Whether the cell current is known to be zero when the program is built: a plain 0."""
    return isinstance(stack.current_density, int | float) and stack.current_density == 0


def plain_slope(law: Law) -> float | None:
    """The slope of both branches where they are equal plain numbers; else None. Constant: 1."""
    if isinstance(law, Constant):
        return 1.0
    if not isinstance(law, Branches):
        return None
    slopes = law.z_n, law.z_p
    known = all(isinstance(slope, int | float) for slope in slopes)
    return slopes[0] if known and slopes[0] == slopes[1] else None


def chain(given: Stack, safe: Stack) -> Chain:
    """A stack ready to solve: its numbers from `safe` (guarded), its plain slopes from `given`.

    All layers take the method of the hardest, so that one program serves them in turn.
    """
    volt = BOLTZMANN_EV * safe.temperature
    slopes = [plain_slope(layer.sigma_ele) for layer in given.layers]
    log_thickness = jnp.stack([jnp.log(layer.thickness) for layer in safe.layers])
    sigma_ion = jnp.stack([layer.sigma_ion for layer in safe.layers])
    laws = [as_branches(layer.sigma_ele) for layer in safe.layers]
    laws = jax.tree.map(lambda *leaves: jnp.stack(leaves), *laws)
    conductors: Conductor
    if all(slope is not None for slope in slopes):
        conductors = jax.vmap(dilute)(laws, sigma_ion, volt / jnp.asarray(slopes, volt.dtype))
    else:
        low = jnp.minimum(safe.E_anode, safe.E_cathode)
        high = jnp.maximum(safe.E_anode, safe.E_cathode)
        prepare = jax.vmap(tabulate, (0, 0, None, None, None))
        conductors = prepare(laws, sigma_ion, volt, low, high)
    contacts = None if safe.interface_asr is None else jnp.stack(safe.interface_asr)
    return Chain(Piece(conductors, log_thickness), contacts, safe.E_anode, safe.E_cathode)


def as_branches(law: Law) -> Branches | Table:
    """A constant law as branches that are absent; any other law as it is."""
    if not isinstance(law, Constant):
        return law
    none, one = jnp.zeros_like(law.sigma_0), jnp.ones_like(law.sigma_0)
    return Branches(law.sigma_0, none, none, none, none, one, one)


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
