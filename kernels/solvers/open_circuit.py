"""Open circuit with potential-dependent laws: the current at which every layer spans its share.

One current j runs through all layers, j L_k = G_k(E_{k-1}, E_k), G the integral of sigma_amb.
Two layers are one scalar equation for E*. More layers (or contacts with resistance) are one for
ln j: the potentials follow by marching from the anode, and whether the last layer fits decides.
Marching loses a node where a layer is saturated and its integral ends, so the nodes are marched
from both electrodes and each is taken from the side that a change of ln j moves less.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from muli.kernels.numerics.root import find_root
from muli.kernels.numerics.safe import bounded_exp
from muli.kernels.transport.conductor import Chain, Piece, Tree

Scalar = Float[Array, ""]
Layers = Float[Array, " layers"]
BELOW = 1e-3
"""Widening of the lower bound of ln distance, for its rounding."""


class Nodes(NamedTuple):
    """Potential at the cathode side of every layer but the last, and ln|j|."""

    inner: Float[Array, " inner"]
    log_leak: Scalar


class _Crossing(NamedTuple):
    """A march through layers: E where it enters and leaves each, and how ln j moves both (V)."""

    enter: Layers
    leave: Layers
    enter_slope: Layers
    leave_slope: Layers


def find_nodes(chain: Chain) -> Nodes:
    """Nodes and ln|j| of a chain whose electrodes differ; carries no derivatives."""
    chain = jax.lax.stop_gradient(chain)
    count = chain.pieces.log_thickness.shape[0]
    if chain.contacts is None and count == 1:
        piece = jax.tree.map(lambda x: x[0], chain.pieces)
        return Nodes(
            jnp.zeros_like(chain.pieces.log_thickness[1:]),
            log_flux(piece, chain.E_anode, chain.E_cathode),
        )
    if chain.contacts is None and count == 2:
        return _find_one_node(chain)
    log_leak = _find_log_leak(chain)
    return Nodes(_join(chain, log_leak), log_leak)


def _join(chain: Chain, log_leak: Scalar) -> Float[Array, " inner"]:
    """Every node from the march that places it better.

    A march that is lost behind a layer whose integral ends can look accurate after a later layer,
    where the potential no longer depends on the start. Where layers then miss the current, the
    marches are joined in the layer that fits both best.
    """
    forward, backward = _march_both_ways(chain, log_leak)
    ours = forward.leave_slope[:-1] <= backward.enter_slope[:-1]
    mixed = misses(chain, forward.enter, backward.enter, log_leak)
    before = jnp.arange(ours.size) < jnp.argmin(mixed)

    def nodes(from_anode: Array) -> Float[Array, " inner"]:
        return jnp.where(from_anode, forward.leave[:-1], backward.enter[:-1])

    def worst(inner: Float[Array, " inner"]) -> Scalar:
        leak = jnp.sign(chain.E_cathode - chain.E_anode) * jnp.exp(log_leak)
        return jnp.max(misses(chain, *faces(chain, inner, leak), log_leak))

    ways = jax.vmap(nodes)(jnp.stack([ours, before]))
    return ways[jnp.argmin(jax.vmap(worst)(ways))]


def faces(chain: Chain, inner: Float[Array, " inner"], leak: Scalar) -> tuple[Layers, Layers]:
    """E on the anode side and on the cathode side of every layer (V) at a signed j (A/cm2)."""
    left = jnp.concatenate([chain.E_anode[None], inner])
    right = jnp.concatenate([inner, chain.E_cathode[None]])
    if chain.contacts is None:
        return left, right
    drops = leak * chain.contacts
    return left + drops[:-1], right.at[-1].add(-drops[-1])


class Misfit(NamedTuple):
    """By how much layers miss the current: the relative error, and the signed V by which the face
    of larger conductance is too far on, at that conductance."""

    share: Layers
    volts: Layers


def misses(chain: Chain, left: Layers, right: Layers, log_leak: Scalar) -> Layers:
    """By how much every layer between its faces misses the current: the relative error, or the V
    that its face of larger conductance would have to move, whichever is less."""
    share, volts = misfit(chain, left, right, log_leak)
    worst = jnp.minimum(jnp.abs(share), jnp.abs(volts))
    return jnp.where(jnp.isnan(worst), jnp.inf, worst)


def misfit(chain: Chain, left: Layers, right: Layers, log_leak: Scalar) -> Misfit:
    """By how much every layer between its faces misses the current.

    The V are a difference of two fluxes over the conductance: the relative error can be beyond the
    largest number of the precision.
    """
    width = (right - left) * jnp.sign(chain.E_cathode - chain.E_anode)
    apart = jnp.where(width == 0, left + 1.0, right)
    logs = jax.vmap(log_flux)(chain.pieces, left, apart)
    near, far = (jax.vmap(log_conductance)(chain.pieces, E) for E in (left, right))
    unit = jnp.maximum(near, far)
    share = jnp.sign(width) * bounded_exp(logs - log_leak) - 1.0
    volts = jnp.sign(width) * bounded_exp(logs - unit) - bounded_exp(log_leak - unit)
    return Misfit(share, volts)


def log_flux(piece: Piece, E_1: Scalar, E_2: Scalar) -> Scalar:
    """ln|G(E_1, E_2)|/L of one layer; the width must not be 0."""
    width = jnp.abs(E_2 - E_1)
    return jnp.log(width) + piece.conductor.log_mean(E_1, E_2) - piece.log_thickness


def log_conductance(piece: Piece, E: Scalar) -> Scalar:
    """ln(sigma_amb/L) of one layer at E."""
    return piece.conductor.log_sigma(E) - piece.log_thickness


def advance(piece: Piece, start: Scalar, end: Scalar, log_leak: Scalar) -> Scalar:
    """Where |j| brings the potential across a layer, from `start` towards `end` and not beyond."""
    heading, room = jnp.sign(end - start), jnp.abs(end - start)
    closed = room <= 0
    room = jnp.where(closed, 1.0, room)

    def excess(log_distance: Scalar) -> tuple[Scalar, Scalar, Scalar]:
        distance = jnp.exp(log_distance)
        E = start + heading * distance
        carried = log_distance + piece.conductor.log_mean(start, E) - piece.log_thickness
        slope = distance * jnp.exp(log_conductance(piece, E) - carried)
        return carried - log_leak, slope, _resolution(E, distance)

    log_room = jnp.log(room)
    beyond = closed | (excess(log_room)[0] <= 0)
    guess = log_leak - log_conductance(piece, start)
    least = log_leak + piece.log_thickness - piece.conductor.log_sigma_ion
    low = jnp.where(beyond, log_room, jnp.minimum(least - BELOW, log_room))
    log_way = find_root(excess, low, log_room, guess)
    return jnp.where(beyond, end, start + heading * jnp.exp(log_way))


def _find_one_node(chain: Chain) -> Nodes:
    """E* of two layers: the flux into it equals the flux out of it.

    Found as t, the logit of its share of the way from the anode: close to either electrode the
    imbalance is straight in t, and a bend over V_T stays one over V_T/(E_cathode - E_anode).
    """
    E_anode, E_cathode = chain.E_anode, chain.E_cathode
    across = E_cathode - E_anode

    def place(t: Scalar) -> tuple[Scalar, Scalar]:
        tail = jnp.exp(-jnp.abs(t))
        share = tail / (1.0 + tail)
        E = jnp.where(t < 0, E_anode + across * share, E_cathode - across * share)
        return E, jnp.abs(across) * share * (1.0 - share)

    def fluxes(E: Scalar) -> tuple[Scalar, Scalar, Scalar, Scalar]:
        starts, ends = jnp.stack([E_anode, E]), jnp.stack([E, E_cathode])
        logs = jax.vmap(log_flux)(chain.pieces, starts, ends)
        moves = jax.vmap(log_conductance, (0, None))(chain.pieces, E) - logs
        return logs[0], logs[1], moves[0], moves[1]

    def imbalance(t: Scalar) -> tuple[Scalar, Scalar, Scalar]:
        E, rate = place(t)
        before, after, rises, falls = fluxes(E)
        slope = rate * (jnp.exp(rises) + jnp.exp(falls))
        return before - after, slope, _resolution(E, rate)

    farthest = 2.0 - jnp.log(jnp.finfo(across.dtype).eps) * jnp.ones_like(across)
    E, _ = place(find_root(imbalance, -farthest, farthest, jnp.zeros_like(across)))
    before, after, rises, falls = fluxes(E)
    return Nodes(E[None], jnp.where(rises <= falls, before, after))


def _resolution(E: Scalar, rate: Scalar) -> Scalar:
    """Smallest Newton step worth a successor, in an unknown x with dE/dx = rate.

    Laws bend over V_T, some 0.01 of x: after a step of eps^(2/3) the next is below rounding. Close
    to where E starts, x is finer than E is rounded; the function is straight there over 0.1.
    """
    epsilon = float(jnp.finfo(E.dtype).eps)
    return jnp.clip(4.0 * epsilon * jnp.abs(E) / rate, epsilon ** (2 / 3), 0.1)


def _find_log_leak(chain: Chain) -> Scalar:
    """ln|j|, bracketed by the least and the largest flux of any trial partition."""
    fluxes = _trial_fluxes(chain)
    low, high = jnp.min(fluxes), jnp.max(fluxes)
    middle = 0.5 * (low + high)
    return find_root(lambda x: _excess(chain, x), low, high, middle)


def _trial_fluxes(chain: Chain) -> Float[Array, " parts"]:
    """ln of the flux through every layer and contact when potentials are shared out evenly."""
    count = chain.pieces.log_thickness.shape[0]
    contacts = jnp.zeros((0,)) if chain.contacts is None else chain.contacts
    gap = 0 if chain.contacts is None else 1
    share = (chain.E_cathode - chain.E_anode) / (count + contacts.shape[0])
    position = jnp.arange(count, dtype=share.dtype) * (1 + gap) + gap
    starts = chain.E_anode + share * position
    layers = jax.vmap(log_flux)(chain.pieces, starts, starts + share)
    smallest = jnp.finfo(share.dtype).tiny
    drops = jnp.log(jnp.abs(share)) - jnp.log(jnp.maximum(contacts.astype(share.dtype), smallest))
    return jnp.concatenate([layers, drops])


def _excess(chain: Chain, log_leak: Scalar) -> tuple[Scalar, Scalar, Scalar]:
    """ln j minus ln of what the last layer carries when the others are marched at j; its slope,
    and the resolution: it bends over V_T of a node, however fast ln j moves that."""
    crossed = _march(chain, log_leak)
    enter, enter_slope = crossed.enter[-1], crossed.enter_slope[-1]
    last = jax.tree.map(lambda x: x[-1], chain.pieces)
    heading = jnp.sign(chain.E_cathode - chain.E_anode)
    drop = jnp.zeros_like(log_leak)
    if chain.contacts is not None:
        drop = jnp.exp(log_leak) * chain.contacts[-1]
    end = chain.E_cathode - heading * drop
    fits = heading * (end - enter) > 0
    end = jnp.where(fits, end, enter + heading)
    carried = log_flux(last, enter, end)
    losses = jnp.exp(log_conductance(last, enter) - carried) * enter_slope
    losses = losses + jnp.exp(log_conductance(last, end) - carried) * drop
    resolution = float(jnp.finfo(losses.dtype).eps) ** (2 / 3) / (1.0 + enter_slope + drop)
    return jnp.where(fits, log_leak - carried, jnp.inf), 1.0 + losses, resolution


def _march(chain: Chain, log_leak: Scalar) -> _Crossing:
    """Cross every layer at |j| from the anode towards the cathode."""
    drops = _drops(chain, log_leak)
    return _cross_all(chain.E_anode, chain.E_cathode, chain.pieces, drops, log_leak)


def _march_both_ways(chain: Chain, log_leak: Scalar) -> tuple[_Crossing, _Crossing]:
    """Crossings from the anode and from the cathode, layers in the stack's order in both.

    One loop over the two directions: the march is then compiled once.
    """

    def flip(tree: Tree) -> Tree:
        return jax.tree.map(lambda x: jnp.flip(x, 0), tree)

    pieces, drops = chain.pieces, _drops(chain, log_leak)
    drops_back = drops if chain.contacts is None else flip(jnp.exp(log_leak) * chain.contacts[1:])
    ways = (
        (chain.E_anode, chain.E_cathode, pieces, drops),
        (chain.E_cathode, chain.E_anode, flip(pieces), drops_back),
    )
    both = jax.tree.map(lambda *leaves: jnp.stack(leaves), *ways)
    crossed = jax.lax.map(lambda way: _cross_all(way[0], way[1], way[2], way[3], log_leak), both)
    forward, backward = (jax.tree.map(lambda x, k=k: x[k], crossed) for k in (0, 1))
    return forward, flip(backward)


def _drops(chain: Chain, log_leak: Scalar) -> Layers:
    """V across the contact on the anode side of every layer."""
    if chain.contacts is None:
        return jnp.zeros_like(chain.pieces.log_thickness)
    return jnp.exp(log_leak) * chain.contacts[:-1]


def _cross_all(
    start: Scalar, end: Scalar, pieces: Piece, drops: Layers, log_leak: Scalar
) -> _Crossing:
    """Cross layers at |j| from one electrode towards the other, in the order met."""

    def cross(state: tuple[Scalar, Scalar], item: tuple[Piece, Scalar]) -> tuple[Any, Any]:
        (E, slope), (piece, drop) = state, item
        enter = E + jnp.sign(end - E) * jnp.minimum(drop, jnp.abs(end - E))
        leave = advance(piece, enter, end, log_leak)
        ratio = log_conductance(piece, enter) - log_conductance(piece, leave)
        own = bounded_exp(log_leak - log_conductance(piece, leave))
        entering = slope + drop
        leaving = jnp.minimum(
            bounded_exp(ratio) * entering + own, bounded_exp(jnp.full_like(own, jnp.inf))
        )
        return (leave, leaving), _Crossing(enter, leave, entering, leaving)

    return jax.lax.scan(cross, (start, jnp.zeros_like(start)), (pieces, drops))[1]
