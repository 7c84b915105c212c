"""A start for stacks of many layers: every layer by the one of its terms that conducts most.

sigma_amb is held to be the largest of three: a constant, holes and electrons, each bounded by
sigma_ion. The distance a current needs from a potential on is then explicit, and is the least of
three. With t = j L/(sigma_ion V_T), y = ln(holes/sigma_ion) and z = ln(electrons/sigma_ion) at the
start, the distances in V_T are

    t (1 + c)/c,    ln(e^t - 1 + e^(y + t)) - y,    t - ln(1 - (e^t - 1) e^-z)

ln j is bisected; the nodes are where the marches from both electrodes agree.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.nn import logsumexp
from jaxtyping import Array, Float

from muli.kernels.numerics.safe import log_or_absent
from muli.kernels.transport.ambipolar import Dilute

Rows = Float[Array, "layers stacks"]
Row = Float[Array, "1 stacks"]
BISECTIONS, BISECTIONS_UNDER_CURRENT = 10, 14
ROUGH = 1.5
"""ln of how much less than its sum the largest of three terms is, with their saturation."""
DOUBT = 0.3
"""Change of ln j by which marches are compared."""
SMALLEST_DRIVE = 1e-6
"""V; stacks with a smaller drive are left to the careful solver."""
LARGEST = 80.0
"""Where e^x still fits float32."""


class _Layer(NamedTuple):
    """ln of floor/(sigma_ion + floor), holes and electrons over sigma_ion at 0 V; V_T/z; and
    ln(L/(sigma_ion V_T/z))."""

    log_floor: Array
    log_p: Array
    log_n: Array
    volt: Array
    log_length: Array


def with_ions_lowered(conductor: Dilute, share: Array) -> Dilute:
    """The same layer with sigma_ion divided by e^share."""
    return Dilute(
        conductor.log_sigma_ion - share,
        conductor.floor * jnp.exp(share),
        conductor.log_n + share,
        conductor.log_p + share,
        conductor.volt,
    )


def start(
    conductor: Dilute,
    log_thickness: Rows,
    E_anode: Row,
    E_cathode: Row,
    log_current: Row | None = None,
) -> tuple[Rows, Row]:
    """Gaps of the layers (V) and ln j; log_current: as in `many_layers.Layered`."""

    def at(log_leak: Row) -> _Layer:
        share = jnp.zeros_like(log_leak)
        if log_current is not None:
            share = jax.nn.softplus(log_current - log_leak)
        return _prepared(with_ions_lowered(conductor, share), log_thickness)

    if log_current is None:
        bracket, times = _bracket(conductor, log_thickness, E_anode, E_cathode), BISECTIONS
    else:
        numbers = conductor, log_thickness, E_anode, E_cathode, log_current
        bracket, times = _bracket_under_current(*numbers), BISECTIONS_UNDER_CURRENT

    def halve(_: int, bracket: tuple[Row, Row]) -> tuple[Row, Row]:
        low, high = bracket
        middle = 0.5 * (low + high)
        end = _march(at(middle), middle, E_anode, E_cathode)[-1:]
        too_much = end >= E_cathode
        return jnp.where(too_much, low, middle), jnp.where(too_much, middle, high)

    low, high = jax.lax.fori_loop(0, times, halve, bracket)
    middle = 0.5 * (low + high)
    nodes = _agreed(at, middle, E_anode, E_cathode)
    edges = jnp.concatenate([E_anode, nodes, E_cathode])
    gaps = _gaps(at(middle), middle, edges)
    return gaps * ((E_cathode - E_anode) / jnp.sum(gaps, axis=0, keepdims=True)), middle


def _prepared(conductor: Dilute, log_thickness: Rows) -> _Layer:
    ready = log_thickness - conductor.log_sigma_ion - jnp.log(conductor.volt)
    floor = log_or_absent(conductor.floor / (1.0 + conductor.floor))
    return _Layer(floor, conductor.log_p, conductor.log_n, conductor.volt, ready)


def _bracket_under_current(
    conductor: Dilute, log_thickness: Rows, E_anode: Row, E_cathode: Row, log_current: Row
) -> tuple[Row, Row]:
    """ln j between drive/(R_ion + largest R_ele) and drive/R_ion."""
    log_ionic = logsumexp(log_thickness - conductor.log_sigma_ion, axis=0, keepdims=True)
    low, high = (E / conductor.volt for E in (E_anode, E_cathode))
    u = jnp.clip(0.5 * (conductor.log_n - conductor.log_p), low, high)
    least = jnp.logaddexp(conductor.log_n - u, conductor.log_p + u)
    least = conductor.log_sigma_ion + jnp.logaddexp(log_or_absent(conductor.floor), least)
    log_electronic = logsumexp(log_thickness - least, axis=0, keepdims=True)
    drive = E_cathode - E_anode - jnp.exp(log_current + log_ionic)
    log_drive = jnp.log(jnp.maximum(drive, SMALLEST_DRIVE))
    return log_drive - jnp.logaddexp(log_ionic, log_electronic) - ROUGH, log_drive - log_ionic


def _bracket(
    conductor: Dilute, log_thickness: Rows, E_anode: Row, E_cathode: Row
) -> tuple[Row, Row]:
    """ln j between the least and the largest flux of an even partition."""
    share = (E_cathode - E_anode) / log_thickness.shape[0]
    lefts = E_anode + share * jnp.arange(log_thickness.shape[0], dtype=share.dtype)[:, None]
    fluxes = jnp.log(share) + conductor.log_mean(lefts, lefts + share) - log_thickness
    least, most = (find(fluxes, axis=0, keepdims=True) for find in (jnp.min, jnp.max))
    return least - ROUGH, most


def _agreed(at: Callable[[Row], _Layer], log_leak: Row, E_anode: Row, E_cathode: Row) -> Rows:
    """Every node from the march that a change of ln j moves less."""
    up, down = [], []
    for tried in (log_leak - DOUBT, log_leak, log_leak + DOUBT):
        layers = at(tried)
        up.append(_march(layers, tried, E_anode, E_cathode)[:-1])
        back = _march(_mirrored(layers), tried, -E_cathode, -E_anode)[:-1]
        down.append(-back[::-1])
    return jnp.where(up[2] - up[0] <= down[0] - down[2], up[1], down[1])


def _gaps(layers: _Layer, log_leak: Row, edges: Rows) -> Rows:
    """Differences of nodes; where the current needs less than V_T, what it needs."""
    forward = _distance(layers, log_leak, edges[:-1])
    mirrored = _Layer(layers.log_floor, layers.log_n, layers.log_p, layers.volt, layers.log_length)
    backward = _distance(mirrored, log_leak, -edges[1:])
    needed = jnp.maximum(forward, backward)
    between = jnp.maximum(edges[1:] - edges[:-1], layers.volt)
    return jnp.where(needed < layers.volt, needed, between)


def _mirrored(layers: _Layer) -> _Layer:
    """The stack seen from its cathode, with E of the other sign."""
    flipped = jax.tree.map(lambda x: x[::-1], layers)
    return flipped._replace(log_p=flipped.log_n, log_n=flipped.log_p)


def _march(layers: _Layer, log_leak: Row, E: Row, end: Row) -> Rows:
    """Nodes at the far side of every layer, none beyond `end`."""
    nodes = []
    for k in range(layers.volt.shape[0]):
        layer = jax.tree.map(lambda x, k=k: x[k : k + 1], layers)
        E = jnp.minimum(E + _distance(layer, log_leak, E), end)
        nodes.append(E)
    return jnp.concatenate(nodes)


def _distance(layer: _Layer, log_leak: Row, E: Array) -> Array:
    """V that a current needs from E upwards."""
    log_t = log_leak + layer.log_length
    t = jnp.exp(jnp.minimum(log_t, LARGEST))
    u = E / layer.volt
    y, z = layer.log_p + u, layer.log_n - u
    log_grown = jnp.where(t > 1e-3, t + jnp.log1p(-jnp.exp(-jnp.maximum(t, 1e-3))), log_t)
    holes = jnp.logaddexp(log_grown, y + t) - y
    spent = jnp.exp(jnp.minimum(log_grown - z, 1.0))
    electrons = jnp.where(spent < 1.0, t - jnp.log1p(-jnp.minimum(spent, 0.999999)), jnp.inf)
    constant = jnp.exp(jnp.minimum(log_t - layer.log_floor, LARGEST))
    return layer.volt * jnp.minimum(jnp.minimum(holes, electrons), constant)
