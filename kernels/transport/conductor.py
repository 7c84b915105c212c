"""From a stack to what the solvers march on: conductors, thicknesses, contacts, potentials.

The method that answers for a layer is chosen here, from what is known when the program is built:
constant laws are explicit; tables have a closed form piece by piece, branches of one slope one
where their slopes are equal plain numbers; unequal or traced slopes go by panels prepared once per
layer.
"""

from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from muli.kernels.constants import ABSENT, BOLTZMANN_EV
from muli.kernels.model.laws import Branches, aligned_tables
from muli.kernels.model.stack import Stack
from muli.kernels.numerics.safe import log_or_absent
from muli.kernels.transport.ambipolar import Conductor, Dilute
from muli.kernels.transport.quadrature import Graded, Mixed, graded, piecewise

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
    return all(layer.sigma_ele.is_constant for layer in stack.layers)


def is_open_circuit(stack: Stack) -> bool:
    """Whether the cell current is known to be zero when the program is built: a plain 0."""
    return isinstance(stack.current_density, int | float) and stack.current_density == 0


def has_closed_form(stack: Stack) -> bool:
    """Whether all layers are constants or branches of one plain slope each."""
    return crosses_in_closed_form(stack) and not _has_table(stack)


def crosses_in_closed_form(stack: Stack) -> bool:
    """Whether all layers are constants, branches of one plain slope each, or tables; tables and
    constants alone, which go by tables, do not count."""
    laws = [layer.sigma_ele for layer in stack.layers]
    plain = all(law.is_table or law.plain_slope is not None for law in laws)
    by_tables = _has_table(stack) and all(law.is_table or law.is_constant for law in laws)
    return plain and not by_tables


def _has_table(stack: Stack) -> bool:
    return any(layer.sigma_ele.is_table for layer in stack.layers)


def dilute_layers(given: Stack, safe: Stack) -> Dilute:
    """Layers that cross in closed form, along a leading axis; tables are never used.

    Numbers from `safe` (guarded), plain slopes from `given`.
    """
    conductor = _of_branches(given, safe)
    assert isinstance(conductor, Dilute)
    return conductor


def chain(given: Stack, safe: Stack) -> Chain:
    """A stack ready to solve: its numbers from `safe` (guarded), its plain slopes from `given`."""
    log_thickness = jnp.stack([jnp.log(layer.thickness) for layer in safe.layers])
    contacts = None if safe.interface_asr is None else jnp.stack(safe.interface_asr)
    pieces = Piece(_conductors(given, safe), log_thickness)
    return Chain(pieces, contacts, safe.E_anode, safe.E_cathode)


def _conductors(given: Stack, safe: Stack) -> Conductor:
    """All layers take the method of the hardest, so that one program serves them in turn."""
    laws = [layer.sigma_ele for layer in safe.layers]
    if not _has_table(safe):
        return _of_branches(given, safe)
    sigma_ion = jnp.stack([layer.sigma_ion for layer in safe.layers])
    tables = jax.vmap(piecewise)(aligned_tables(laws), sigma_ion)
    if all(law.is_table or law.is_constant for law in laws):
        return tables
    is_table = jnp.asarray([law.is_table for law in laws])
    return Mixed(tables, _of_branches(given, safe), is_table, tables.log_sigma_ion)


def _of_branches(given: Stack, safe: Stack) -> Dilute | Graded:
    """Constants and branches; a table counts as a constant that is never used."""
    volt = BOLTZMANN_EV * safe.temperature
    sigma_ion = jnp.stack([layer.sigma_ion for layer in safe.layers])
    slopes = [layer.sigma_ele.plain_slope for layer in given.layers]
    rows = [layer.sigma_ele.as_branches(volt) for layer in safe.layers]
    laws = jax.tree.map(lambda *leaves: jnp.stack(leaves), *rows)
    if all(slope is not None for slope in slopes):
        return jax.vmap(dilute)(laws, sigma_ion, volt / jnp.asarray(slopes, volt.dtype))
    low = jnp.minimum(safe.E_anode, safe.E_cathode)
    high = jnp.maximum(safe.E_anode, safe.E_cathode)
    return jax.vmap(graded, (0, 0, None, None, None))(laws, sigma_ion, volt, low, high)


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
