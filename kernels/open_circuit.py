"""Open circuit with potential-dependent laws: the current at which every layer spans its share.

One current j runs through all layers, j L_k = G_k(E_{k-1}, E_k), G the integral of sigma_amb.
Two layers are one scalar equation for E*. More layers (or contacts with resistance) are one for
ln j: the potentials follow by marching from the anode, and whether the last layer fits decides.
Marching loses a node where a layer is saturated and its integral ends, so the nodes are marched
from both electrodes and each is taken from the side that a change of ln j moves less.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from kernels.ambipolar import Conductor
from kernels.conductor import Chain
from kernels.root import find_root

Scalar = Float[Array, ""]


class Nodes(NamedTuple):
    """Potentials at the anode and cathode side of every layer, and ln|j|."""

    left: tuple[Scalar, ...]
    right: tuple[Scalar, ...]
    log_leak: Scalar


class _Crossing(NamedTuple):
    """A march through one layer: E where it enters and leaves, and how ln j moves both (V)."""

    enter: Scalar
    leave: Scalar
    enter_slope: Scalar
    leave_slope: Scalar


def find_nodes(chain: Chain) -> Nodes:
    """Faces and ln|j| of a chain, without derivatives. |E_cathode - E_anode| must not be 0."""
    chain = jax.lax.stop_gradient(chain)
    if chain.contacts is None and len(chain.conductors) <= 2:
        return _direct(chain)
    log_leak = _find_log_leak(chain)
    forward = _march(chain, log_leak, backward=False)
    backward = _march(chain, log_leak, backward=True)
    return _merge(forward, backward, log_leak)


def log_flux(conductor: Conductor, log_thickness: Scalar, E_1: Scalar, E_2: Scalar) -> Scalar:
    """ln|G(E_1, E_2)|/L of one layer; the width must not be 0."""
    return jnp.log(jnp.abs(E_2 - E_1)) + conductor.log_mean(E_1, E_2) - log_thickness


def advance(
    conductor: Conductor, log_thickness: Scalar, start: Scalar, end: Scalar, log_leak: Scalar
) -> Scalar:
    """Potential across a layer from `start` towards `end` at |j|; `end` where the current exceeds it."""
    heading, room = jnp.sign(end - start), jnp.abs(end - start)
    closed = room <= 0
    room = jnp.where(closed, 1.0, room)

    def excess(distance: Scalar) -> tuple[Scalar, Scalar]:
        E = start + heading * distance
        log_j = jnp.log(distance) + conductor.log_mean(start, E) - log_thickness
        return log_j - log_leak, jnp.exp(conductor.log_sigma(E) - log_thickness - log_j)

    beyond = closed | (excess(room)[0] <= 0)
    guess = jnp.exp(jnp.minimum(log_leak + log_thickness - conductor.log_sigma(start), 80.0))
    low = jnp.where(beyond, room, 0.0)
    root = find_root(excess, low, room, jnp.minimum(guess, 0.5 * room))
    return jnp.where(beyond, end, start + heading * root.x)


def _direct(chain: Chain) -> Nodes:
    """One layer, or the one node between two."""
    ends = chain.E_anode, chain.E_cathode
    if len(chain.conductors) == 1:
        log_leak = log_flux(chain.conductors[0], chain.log_thickness[0], *ends)
        return Nodes((ends[0],), (ends[1],), log_leak)
    first, second = zip(chain.conductors, chain.log_thickness, strict=True)
    heading, room = jnp.sign(ends[1] - ends[0]), jnp.abs(ends[1] - ends[0])

    def imbalance(distance: Scalar) -> tuple[Scalar, Scalar]:
        E = ends[0] + heading * distance
        into, out = log_flux(*first, ends[0], E), log_flux(*second, E, ends[1])
        slope_in = first[0].log_sigma(E) - first[1] - into
        slope_out = second[0].log_sigma(E) - second[1] - out
        return into - out, jnp.exp(slope_in) + jnp.exp(slope_out)

    root = find_root(imbalance, jnp.zeros_like(room), room, 0.5 * room)
    E = ends[0] + heading * root.x
    into, out = log_flux(*first, ends[0], E), log_flux(*second, E, ends[1])
    steep_in, steep_out = (
        first[0].log_sigma(E) - first[1] - into,
        second[0].log_sigma(E) - second[1] - out,
    )
    return Nodes((ends[0], E), (E, ends[1]), jnp.where(steep_in <= steep_out, into, out))


def _find_log_leak(chain: Chain) -> Scalar:
    """ln|j|, bracketed by the least and the largest flux of any trial partition."""
    fluxes = jnp.stack(_trial_fluxes(chain))
    low, high = jnp.min(fluxes), jnp.max(fluxes)
    return find_root(lambda log_leak: _excess(chain, log_leak), low, high, 0.5 * (low + high)).x


def _trial_fluxes(chain: Chain) -> list[Scalar]:
    """ln of the flux through every layer and contact when potentials are shared out evenly."""
    contacts = chain.contacts or ()
    parts = len(chain.conductors) + len(contacts)
    share = (chain.E_cathode - chain.E_anode) / parts
    E, fluxes = chain.E_anode, []
    for contact in contacts:
        smallest = jnp.finfo(contact.dtype).tiny
        fluxes.append(jnp.log(jnp.abs(share)) - jnp.log(jnp.maximum(contact, smallest)))
    for index, pair in enumerate(zip(chain.conductors, chain.log_thickness, strict=True)):
        E = chain.E_anode + share * (index + min(index + 1, len(contacts)))
        fluxes.append(log_flux(*pair, E, E + share))
    return fluxes


def _excess(chain: Chain, log_leak: Scalar) -> tuple[Scalar, Scalar]:
    """ln j minus ln of what the last layer carries when the others are marched at j; its slope."""
    last = _march(chain, log_leak, backward=False)[-1]
    drop = _drop(chain, -1, log_leak)
    heading = jnp.sign(chain.E_cathode - chain.E_anode)
    end = chain.E_cathode - heading * drop
    room = heading * (end - last.enter)
    fits = room > 0
    end = jnp.where(fits, end, last.enter + heading)
    conductor, log_thickness = chain.conductors[-1], chain.log_thickness[-1]
    carried = log_flux(conductor, log_thickness, last.enter, end)
    losses = [(last.enter, last.enter_slope), (end, drop)]
    slope = sum(jnp.exp(conductor.log_sigma(E) - log_thickness - carried) * s for E, s in losses)
    return jnp.where(fits, log_leak - carried, jnp.inf), 1.0 + slope


def _march(chain: Chain, log_leak: Scalar, *, backward: bool) -> list[_Crossing]:
    """Cross every layer at |j| from one electrode towards the other, in the order met."""
    order = range(len(chain.conductors))
    E, end = chain.E_anode, chain.E_cathode
    if backward:
        order, E, end = reversed(order), end, E
    heading, slope = jnp.sign(end - E), jnp.zeros_like(E)
    crossings = []
    for index in order:
        drop = _drop(chain, index + backward, log_leak)
        enter = E + heading * jnp.minimum(drop, jnp.abs(end - E))
        crossing = _cross(chain, index, enter, slope + drop, end, log_leak)
        crossings.append(crossing)
        E, slope = crossing.leave, crossing.leave_slope
    return crossings


def _cross(
    chain: Chain, index: int, enter: Scalar, enter_slope: Scalar, end: Scalar, log_leak: Scalar
) -> _Crossing:
    conductor, log_thickness = chain.conductors[index], chain.log_thickness[index]
    leave = advance(conductor, log_thickness, enter, end, log_leak)
    log_out = conductor.log_sigma(leave)
    largest = 0.4 * jnp.log(jnp.finfo(log_out.dtype).max)
    carried = jnp.exp(jnp.minimum(conductor.log_sigma(enter) - log_out, largest)) * enter_slope
    own = jnp.exp(jnp.minimum(log_leak + log_thickness - log_out, largest))
    return _Crossing(enter, leave, enter_slope, jnp.minimum(carried + own, jnp.exp(largest)))


def _drop(chain: Chain, index: int, log_leak: Scalar) -> Scalar:
    """|j| R of one contact, V."""
    if chain.contacts is None:
        return jnp.zeros_like(log_leak)
    return jnp.exp(log_leak) * chain.contacts[index]


def _merge(forward: list[_Crossing], backward: list[_Crossing], log_leak: Scalar) -> Nodes:
    """Every face from the march that places it better; both meet at each interface."""
    backward = backward[::-1]
    left, right = [forward[0].enter], []
    for index in range(len(forward) - 1):
        here, there = forward[index], backward[index]
        ours = here.leave_slope <= there.enter_slope
        right.append(jnp.where(ours, here.leave, there.enter))
        left.append(jnp.where(ours, forward[index + 1].enter, backward[index + 1].leave))
    return Nodes(tuple(left), (*right, backward[-1].enter), log_leak)
