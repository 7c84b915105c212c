"""Marching a stack at a given leak current, from either electrode, and the bracket of that current.

Every solution stays between the electrode potentials widened by |I| R_ion; a march that leaves
that range has too much or too little current, and reports which.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.nn import logsumexp
from jaxtyping import Array, Bool, Float

from muli.kernels.constants import BOLTZMANN_EV
from muli.kernels.model.stack import Stack
from muli.kernels.transport.ambipolar import Dilute
from muli.kernels.transport.branches import log_sigma_ele, valley
from muli.kernels.transport.medium import Medium, media

Scalar = Float[Array, ""]
Layers = Float[Array, " layers"]
MARGIN = 1e-3
"""Widening of the bracket of ln|j| on either side."""


class Course(NamedTuple):
    """What a march meets: anode and cathode side of every layer (V), where it ends behind the last
    contact, and whether it has left the range upwards (+1) or downwards (-1) behind each layer."""

    left: Layers
    right: Layers
    end: Scalar
    beyond: Layers


class Bracket(NamedTuple):
    """sign of j, bounds of ln|j| (A/cm2) within the range of the precision, and whether nothing
    drives a current."""

    sign: Scalar
    log_least: Scalar
    log_most: Scalar
    none: Bool[Array, ""]


def potential_range(stack: Stack) -> tuple[Scalar, Scalar]:
    """Between which potentials (V) every solution runs: the electrodes', and |I| R_ion beyond."""
    reach = jnp.abs(stack.current_density) * ionic_resistance(stack)
    reach = reach + BOLTZMANN_EV * stack.temperature
    low = jnp.minimum(stack.E_anode, stack.E_cathode) - reach
    return jax.lax.stop_gradient((low, jnp.maximum(stack.E_anode, stack.E_cathode) + reach))


def media_of(stack: Stack, dilute: Dilute | None = None) -> Medium:
    """All layers in one shape, prepared for every potential a solution can have.

    dilute: the layers as branches of one slope, to be crossed in closed form.
    """
    return media(stack, *potential_range(stack), dilute)


def contacts_of(stack: Stack) -> Float[Array, " contacts"]:
    """Ionic resistance of every interface, both electrodes' included, ohm cm2."""
    if stack.interface_asr is None:
        return jnp.zeros(len(stack.layers) + 1, stack.E_anode.dtype)
    return jnp.stack(stack.interface_asr)


def ionic_resistance(stack: Stack) -> Scalar:
    """Of all layers and contacts, ohm cm2."""
    layers = jnp.stack([layer.thickness / layer.sigma_ion for layer in stack.layers])
    return jnp.sum(layers) + jnp.sum(contacts_of(stack))


def driving_potential(stack: Stack) -> Scalar:
    """E_cathode - E_anode - I R_ion (V): has the sign of j, and is 0 where j is."""
    return stack.E_cathode - stack.E_anode - stack.current_density * ionic_resistance(stack)


def march(
    layers: Medium,
    contacts: Float[Array, " contacts"],
    stack: Stack,
    leak: Scalar,
    start: Scalar | None = None,
    sense: Scalar | float = 1.0,
) -> Course:
    """Through layers and contacts, in the order met, at a given j (A/cm2)."""
    low, high = layers.E_low[0], layers.E_high[0]
    drops = sense * (stack.current_density + leak) * contacts

    def cross(
        state: tuple[Scalar, Scalar], step: tuple[Medium, Scalar]
    ) -> tuple[tuple[Scalar, Scalar], tuple[Scalar, Scalar, Scalar]]:
        (E, beyond), (layer, drop) = state, step
        enter = E + drop
        inside = jnp.clip(enter, low, high)
        length = sense * layer.thickness
        leave, off = layer.ask(leak, lambda flow: flow.arrive(inside, length))
        for out in (_outside(enter, low, high), off, _outside(leave, low, high)):
            beyond = jnp.where(beyond == 0, out, beyond)
        leave = jnp.clip(leave, low, high)
        return (leave, beyond), (enter, leave, beyond)

    begin = (stack.E_anode if start is None else start), jnp.zeros_like(leak)
    (E, _), (enter, leave, beyond) = jax.lax.scan(cross, begin, (layers, drops[:-1]))
    return Course(enter, leave, E + drops[-1], beyond)


def both_ways(stack: Stack, layers: Medium, leak: Scalar) -> Course:
    """The marches from the anode and from the cathode, stacked; faces named by their true side.

    `beyond`: whether the march had left the range at the node on every layer's cathode side.
    """
    forward = layers, contacts_of(stack)
    pairs = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf[::-1]]), forward)
    starts = jnp.stack([stack.E_anode, stack.E_cathode])
    senses = jnp.asarray([1.0, -1.0], leak.dtype)

    def one_way(way: tuple[tuple[Medium, Layers], Scalar, Scalar]) -> Course:
        (layers, contacts), start, sense = way
        return march(layers, contacts, stack, leak, start, sense)

    courses = jax.lax.map(one_way, (pairs, starts, senses))
    left = courses.left.at[1].set(courses.right[1, ::-1])
    right = courses.right.at[1].set(courses.left[1, ::-1])
    met = courses.beyond[1, :-1][::-1]
    beyond = courses.beyond.at[1].set(jnp.append(met, jnp.zeros_like(met, shape=1)))
    return courses._replace(left=left, right=right, beyond=beyond)


def _outside(E: Scalar, low: Scalar, high: Scalar) -> Scalar:
    return (high < E).astype(E.dtype) - (low > E).astype(E.dtype)


def leak_bracket(stack: Stack) -> Bracket:
    """Sign and bounds of j, see `muli.kernels.solvers.under_current`."""
    resistance, drive = ionic_resistance(stack), driving_potential(stack)
    none = drive == 0
    log_drive = jnp.log(jnp.where(none, 1.0, jnp.abs(drive)))
    log_ionic = jnp.log(resistance)
    least = log_drive - jnp.logaddexp(log_ionic, _log_electronic_resistance(stack))
    most = log_drive - log_ionic
    smallest = jnp.log(jnp.finfo(drive.dtype).tiny)
    least = jnp.maximum(least, jnp.minimum(smallest, most))
    one = jnp.ones_like(drive)
    sign = jnp.where(drive < 0, -one, one)
    return Bracket(sign, least - MARGIN, most + MARGIN, none)


def _log_electronic_resistance(stack: Stack) -> Scalar:
    """ln of the largest sum L/sigma_ele (ohm cm2) that any profile in range can have."""
    layers = media_of(stack)

    def log_sigma(layer: Medium) -> Scalar:
        law, V_T = layer.branches, layer.V_T
        least = log_sigma_ele(law, jnp.clip(valley(law, V_T), layer.E_low, layer.E_high), V_T)
        if layer.table is None:
            return least
        lowest = math.log(10.0) * jnp.min(layer.table.log10_sigma)
        return jnp.where(layer.is_table, lowest, least)

    return logsumexp(jnp.log(layers.thickness) - jax.vmap(log_sigma)(layers))
