"""One current, many nodes, known from both ends: the linear algebra of a march and its reverse.

Layer k ties its two faces and the current: near_k dE_{k-1} + far_k dE_k + by_leak_k dj + rest_k
is 0. Eliminated from the anode this reads dE_k = F_k dj + r_k, from the cathode
dE_k = s_k - B_k dj, with F and B not negative. Large F means that the march from the anode cannot
place the node in this precision, large B the same for the march from the cathode; never both,
except at a true step.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

Scalar = Float[Array, ""]
Layers = Float[Array, " layers"]


class Ties(NamedTuple):
    """Coefficients of every layer's equation, anode first; see the module."""

    near: Layers
    far: Layers
    by_leak: Layers
    rest: Layers


class Side(NamedTuple):
    """dE = rate*dj + offset at the cathode-side face of every layer."""

    rate: Layers
    offset: Layers


def from_anode(ties: Ties) -> Side:
    """F and r: the first layer starts from a fixed potential."""
    rate = offset = jnp.zeros_like(ties.far[0])
    rates, offsets = [], []
    for near, far, by_leak, rest in zip(*ties, strict=True):
        rate = -(by_leak + near * rate) / far
        offset = -(rest + near * offset) / far
        rates.append(rate)
        offsets.append(offset)
    return Side(_sound(jnp.stack(rates)), jnp.stack(offsets))


def from_cathode(ties: Ties) -> Side:
    """B (positive) and s: the last layer ends at a fixed potential, so its entry is 0."""
    rate = offset = jnp.zeros_like(ties.far[0])
    rates, offsets = [rate], [offset]
    layers = list(zip(*ties, strict=True))
    for near, far, by_leak, rest in layers[:0:-1]:
        rate = (by_leak - far * rate) / near
        offset = -(rest + far * offset) / near
        rates.insert(0, rate)
        offsets.insert(0, offset)
    return Side(_sound(jnp.stack(rates)), jnp.stack(offsets))


def _sound(rates: Layers) -> Layers:
    """A rate that is not a number is one that no march can use."""
    return jnp.where(jnp.isnan(rates), jnp.inf, jnp.maximum(rates, 0.0))


class Meeting(NamedTuple):
    """dj, dE at every cathode-side face, and F + B where the sides were joined."""

    leak: Scalar
    right: Layers
    stiffness: Scalar


def meet(anode: Side, cathode: Side) -> Meeting:
    """Join both sides at the node they place best; every node from its better side."""
    worse = jnp.maximum(anode.rate, cathode.rate)
    joint = jnp.arange(worse.size) == jnp.argmin(worse)
    gap = jnp.sum(jnp.where(joint, cathode.offset - anode.offset, 0.0))
    stiffness = jnp.sum(jnp.where(joint, anode.rate + cathode.rate, 0.0))
    leak = gap / stiffness
    ours = anode.rate <= cathode.rate
    forward = anode.offset + jnp.where(ours, anode.rate, 0.0) * leak
    backward = cathode.offset - jnp.where(ours, 0.0, cathode.rate) * leak
    return Meeting(leak, jnp.where(ours, forward, backward), stiffness)


def rounding_gain(anode: Side, cathode: Side) -> Scalar:
    """Largest dE/dj (V per A/cm2) by which the better side magnifies an error of the current."""
    small, large = (pick(anode.rate, cathode.rate) for pick in (jnp.minimum, jnp.maximum))
    share = small / jnp.where(large > 0, large, 1.0)
    return jnp.max(jnp.where(jnp.isinf(large), small, small / (1.0 + share)))
