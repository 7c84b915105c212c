"""E* of electrolyte | coating as one curve of ln(L_electrolyte/L_coating), for planes of thickness.

At open circuit E* depends on the two thicknesses through their ratio alone, and the ratio that
belongs to an E* is explicit:

    L_electrolyte/L_coating = G_electrolyte(E_anode, E*)/G_coating(E*, E_cathode)

with G the integral of sigma_amb over the potential. So a curve per (electrolyte, coating,
potentials, temperature) needs no search: nodes are chosen in E, closer together than V_T, and a
step of E* is resolved like everything else. G is a sum of Gauss-Lobatto rules between the nodes, of
positive terms alone. Between nodes the curve is read by cubic Hermite interpolation with its exact
slope, dE*/d ln(L_electrolyte/L_coating) = 1/(sigma_amb,SE/G_SE + sigma_amb,CL/G_CL). Every interval
is compared with the explicit ratio at potentials inside it; where it misses, what is read there is
marked and has to be solved on its own.
"""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from muli.kernels.constants import BOLTZMANN_EV
from muli.kernels.model.stack import Stack
from muli.kernels.solvers.batch import mended
from muli.kernels.solvers.divider import Raw
from muli.kernels.solvers.guard import guard
from muli.kernels.solvers.solve import Solution, finish, largest_slope, solve
from muli.kernels.transport.conductor import Chain, as_floats, chain
from muli.outcomes import Status

Scalar = Float[Array, ""]
Number = Float[Array, "..."]
Nodes = Float[Array, " nodes"]
TOLERANCE = 5e-7
"""V, and relative error of the current; an interval that misses by more is not trusted."""
FINE, TAIL = 0.15, 0.25
"""Distance of nodes: in V_T, and in ln of the distance from an electrode close to it."""
CLEAR = 1.02
"""Factor by which a slope must differ from `largest_slope` to say on which side of it it is."""
TOGETHER = 256
"""Stacks without a confirmed reading that are solved together."""
REACH = 24.0
"""The outermost nodes are this factor, as a logarithm, closer to an electrode than to the other."""
_LOBATTO = np.array([0.0, 0.5 - np.sqrt(3 / 28), 0.5, 0.5 + np.sqrt(3 / 28), 1.0])
"""Fractions of an interval where sigma_amb is taken (Gauss-Lobatto, five points)."""
_UP_TO = np.array(
    [
        [np.polyval(np.polyint(np.poly(np.delete(_LOBATTO, j))), f) for j in range(5)]
        for f in _LOBATTO
    ]
) / np.array([np.prod(_LOBATTO[j] - np.delete(_LOBATTO, j)) for j in range(5)])
"""Weights of the integral from the start of an interval up to each of the fractions."""


class Curve(eqx.Module):
    """Nodes in the order of `position`, ln(L_electrolyte/L_coating), from anode to cathode.

    E: V. rise: dE/d position, V. log_flux: ln of G_electrolyte(E_anode, E) in S V/cm, and
    flux_rise its derivative. trusted: whether the interval behind a node was confirmed.
    """

    position: Nodes
    E: Nodes
    rise: Nodes
    log_flux: Nodes
    flux_rise: Nodes
    trusted: Bool[Array, " nodes"]


class CurveReading(NamedTuple):
    """What solves a stack of two layers.

    E: E*, V. log_flux: ln(|j| L_electrolyte), S V/cm. slope_low, slope_high: |dE*/d ln r| at the
    two nodes, the lower one first, V. trusted: whether the interval was confirmed.
    """

    E: Number
    log_flux: Number
    slope_low: Number
    slope_high: Number
    trusted: Bool[Array, "..."]


class CurveNode(NamedTuple):
    """What a solver found for a stack of two layers: E* (V), ln|j| (A/cm2), |dE*/d ln r| (V), and
    OK or the status with which it failed."""

    E: Scalar
    log_leak: Scalar
    slope: Scalar
    status: Int[Array, ""]


def curve_nodes(drive: float, temperature: float) -> int:
    """How many nodes resolve curves of some electrodes at some temperatures.

    Args:
        drive: largest difference of the electrodes' potentials, V.
        temperature: the lowest one, K.

    Returns:
        An integer for `trace_curve`.
    """
    return int(drive / (FINE * BOLTZMANN_EV * temperature) + 2.0 * REACH / TAIL) + 2


def trace_curve(stack: Stack, nodes: int) -> Curve:
    """The curve of a stack of two layers at open circuit without contacts.

    Its thicknesses are not used. Nothing is trusted where the stack cannot be solved, or where
    `nodes` are too few.

    Args:
        stack: conductivities in S/cm, potentials in V vs Li/Li+, in double precision.
        nodes: how many potentials are taken, see `curve_nodes`; corners of tables and the
            electrodes come on top.

    Returns:
        Potentials in V, logarithms of fluxes; see `Curve`.
    """
    safe, status = guard(as_floats(stack))
    links = chain(stack, safe)
    corners = [layer.sigma_ele.corners for layer in safe.layers]
    known = [E for E in corners if E is not None]
    from_anode, from_cathode = _places(links, safe.temperature, nodes, known)
    width, E = _intervals(links, from_anode, from_cathode)
    log_sigma = jax.vmap(lambda piece: jnp.vectorize(piece.conductor.log_sigma)(E))(links.pieces)
    sigma = jnp.exp(log_sigma)
    parts = sigma @ jnp.asarray(_UP_TO.T) * width[None, :, None]
    before = jnp.cumsum(parts[0, :, -1])
    behind = jnp.cumsum(parts[1, ::-1, -1])[::-1]
    none = jnp.zeros_like(before[:1])
    fluxes = jnp.concatenate([none, before]), jnp.concatenate([behind, none])
    ends = jnp.concatenate([sigma[:, :, 0], sigma[:, -1:, -1]], axis=1)
    rates = ends[0] / fluxes[0], ends[1] / fluxes[1]
    E_nodes = jnp.concatenate([E[:, 0], E[-1:, -1]])
    heading = jnp.sign(links.E_cathode - links.E_anode)
    logs = jnp.log(fluxes[0]), jnp.log(fluxes[1])
    rise = heading / (rates[0] + rates[1])
    curve = Curve(
        logs[0] - logs[1],
        E_nodes,
        rise,
        logs[0],
        jnp.abs(rise) * rates[0],
        jnp.broadcast_to(status == Status.OK, E_nodes.shape),
    )
    inside = (
        fluxes[0][:-1, None] + parts[0, :, 1:-1],
        fluxes[1][1:, None] + (parts[1, :, -1:] - parts[1, :, 1:-1]),
    )
    return _checked(curve, E[:, 1:-1], inside)


def _places(
    links: Chain, temperature: Scalar, nodes: int, corners: list[Array]
) -> tuple[Nodes, Nodes]:
    """Distances (V) of all nodes from the anode, ascending, and from the cathode."""
    across = jnp.abs(links.E_cathode - links.E_anode)
    t = jnp.linspace(-REACH, REACH, 2048, dtype=across.dtype)
    many = t / TAIL + across / (FINE * BOLTZMANN_EV * temperature) * jax.nn.sigmoid(t)
    t = jnp.interp(jnp.linspace(many[0], many[-1], nodes), many, t)
    heading = jnp.sign(links.E_cathode - links.E_anode)
    from_anode = [across * jax.nn.sigmoid(t), jnp.stack([jnp.zeros_like(across), across])]
    from_cathode = [across * jax.nn.sigmoid(-t), from_anode[1][::-1]]
    for E in corners:
        from_anode.append(jnp.clip(heading * (E - links.E_anode), 0.0, across))
        from_cathode.append(jnp.clip(heading * (links.E_cathode - E), 0.0, across))
    return jnp.sort(jnp.concatenate(from_anode)), jnp.sort(jnp.concatenate(from_cathode))[::-1]


def _intervals(
    links: Chain, from_anode: Nodes, from_cathode: Nodes
) -> tuple[Float[Array, " intervals"], Float[Array, "intervals points"]]:
    """Widths (V) of the intervals, and the potentials in them where sigma_amb is taken.

    Both are worked out from the nearer electrode, so that small distances stay precise.
    """
    heading = jnp.sign(links.E_cathode - links.E_anode)
    near = (from_anode[1:] <= from_cathode[1:])[:, None]
    rises, falls = jnp.diff(from_anode)[:, None], -jnp.diff(from_cathode)[:, None]
    fractions = jnp.asarray(_LOBATTO, heading.dtype)[None]
    ahead = links.E_anode + heading * (from_anode[:-1, None] + rises * fractions)
    back = links.E_cathode - heading * (from_cathode[:-1, None] - falls * fractions)
    return jnp.where(near, rises, falls)[:, 0], jnp.where(near, ahead, back)


def _checked(curve: Curve, E: Number, fluxes: tuple[Number, Number]) -> Curve:
    """The curve with every interval compared at potentials inside it, (intervals, points).

    fluxes: G of both layers there.
    """
    log_flux = jnp.log(fluxes[0])
    position = log_flux - jnp.log(fluxes[1])
    first, last = (jax.tree.map(lambda x, cut=cut: x[cut, None], curve) for cut in _NEIGHBOURS)
    read_E, read_flux = _between(first, last, position)
    good = (jnp.abs(read_E - E) <= TOLERANCE) & (jnp.abs(read_flux - log_flux) <= TOLERANCE)
    trusted = curve.trusted & jnp.append(good.all(axis=1), jnp.zeros((), bool))
    return eqx.tree_at(lambda curve: curve.trusted, curve, trusted)


_NEIGHBOURS = slice(None, -1), slice(1, None)


def _between(first: Curve, last: Curve, position: Number) -> tuple[Number, Number]:
    """E (V) and ln flux between two nodes: cubics through both values with both slopes."""
    step = last.position - first.position
    t = (position - first.position) / step
    E = _hermite(first.E, first.rise * step, last.E, last.rise * step, t)
    log_flux = _hermite(
        first.log_flux, first.flux_rise * step, last.log_flux, last.flux_rise * step, t
    )
    return E, log_flux


def _hermite(E_0: Array, rise_0: Array, E_1: Array, rise_1: Array, t: Array) -> Array:
    """Cubic through both values with both slopes (per interval), t from 0 to 1."""
    across = E_1 - E_0
    bend_0, bend_1 = rise_0 - across, rise_1 - across
    return E_0 + t * (across + (1.0 - t) * (bend_0 * (1.0 - t) - bend_1 * t))


def read_curves(curves: Curve, number: Int[Array, "..."], position: Number) -> CurveReading:
    """Curves read at any positions; outside a curve nothing is trusted.

    Args:
        curves: curves of one number of nodes along a leading axis; see `trace_curve`.
        number: which of them (an integer), of the shape of `position`.
        position: ln(L_electrolyte/L_coating), without a unit, in double precision.

    Returns:
        E* in V and more, of the shape of `position`; see `CurveReading`.
    """
    nodes = curves.position.shape[1]
    flat = jax.tree.map(lambda x: x.reshape(-1), curves)
    begin = number.astype(jnp.int32) * nodes

    def halve(_: int, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = ends
        middle = (low + high) // 2
        behind = _at(flat.position, begin + middle) <= position
        return jnp.where(behind, middle, low), jnp.where(behind, high, middle)

    low = jnp.zeros_like(begin)
    steps = (nodes - 1).bit_length()
    low, _ = jax.lax.fori_loop(0, steps, halve, (low, low + (nodes - 1)))
    first, last = (jax.tree.map(lambda x, i=i: _at(x, begin + low + i), flat) for i in (0, 1))
    E, log_flux = _between(first, last, position)
    inside = (first.position <= position) & (position < last.position)
    slopes = jnp.abs(first.rise), jnp.abs(last.rise)
    return CurveReading(
        E, log_flux, jnp.minimum(*slopes), jnp.maximum(*slopes), first.trusted & inside
    )


def _at(values: Array, index: Array) -> Array:
    return values.at[index].get(mode="promise_in_bounds")


def node_read(stack: Stack, reading: CurveReading) -> tuple[CurveNode, Bool[Array, ""]]:
    """The node of a stack from a reading, and whether it may be used.

    What is not confirmed, and what may or may not be ill conditioned, has to be solved. A stack
    that cannot be solved needs no node.

    Args:
        stack: conductivities in S/cm, thicknesses in cm, potentials in V vs Li/Li+; see `Stack`.
        reading: at its ln(L_electrolyte/L_coating); see `CurveReading`.

    Returns:
        E* in V, current and slope, see `CurveNode`; whether they may be used.
    """
    safe, unsolvable = guard(as_floats(stack))
    E, log_flux, low, high = (x.astype(safe.E_anode.dtype) for x in reading[:4])
    limit = largest_slope(safe)
    below, above = high * CLEAR < limit, low > limit * CLEAR
    ends = jnp.minimum(safe.E_anode, safe.E_cathode), jnp.maximum(safe.E_anode, safe.E_cathode)
    log_leak = log_flux - jnp.log(safe.layers[0].thickness)
    status = jnp.zeros((), jnp.int32)
    node = CurveNode(jnp.clip(E, *ends), log_leak, jnp.where(above, low, high), status)
    return node, (reading.trusted & (below | above)) | (unsolvable != Status.OK)


def node_solved(stack: Stack) -> CurveNode:
    """The node of a stack of two layers from `solve`.

    Args:
        stack: conductivities in S/cm, thicknesses in cm, potentials in V vs Li/Li+; see `Stack`.

    Returns:
        E* in V, current and slope; see `CurveNode`.
    """
    solution = solve(stack)
    failed = solution.status == Status.NOT_CONVERGED
    status = jnp.where(failed, solution.status, int(Status.OK)).astype(jnp.int32)
    return CurveNode(solution.faces[0, 1], solution.log_leak, solution.slope, status)


class _Rows(NamedTuple):
    """Nodes of rows along one axis, and whether they may be used."""

    node: CurveNode
    good: Bool[Array, " rows"]


def nodes_completed(
    node: CurveNode, usable: Bool[Array, "..."], solved: Callable[[Int[Array, " few"]], CurveNode]
) -> CurveNode:
    """Nodes of many stacks, those that may not be used replaced by solved ones.

    Args:
        node: E* in V and more, of the shape of `usable`.
        usable: see `node_read`.
        solved: gives nodes of some hundred stacks by their positions in the flattened shape (each
            an integer).

    Returns:
        E* in V, currents and slopes, of the shape of `usable`; see `CurveNode`.
    """
    shape = usable.shape
    rows = jax.tree.map(lambda x: jnp.broadcast_to(x, shape).reshape(-1), _Rows(node, usable))

    def solve_few(index: Int[Array, " few"]) -> _Rows:
        return _Rows(solved(index), jnp.ones(index.shape, bool))

    rows = mended(jnp.arange(rows.good.size, dtype=jnp.int32), rows, solve_few, TOGETHER)
    return jax.tree.map(lambda x: x.reshape(shape), rows.node)


def solution_at(stack: Stack, node: CurveNode) -> Solution:
    """The solution of a stack of two layers whose node is known, judged as `solve` does.

    Args:
        stack: conductivities in S/cm, thicknesses in cm, potentials in V vs Li/Li+; see `Stack`.
        node: E* in V, current and slope.

    Returns:
        Potentials in V, the current in A/cm2 and the status; see `Solution`.
    """
    safe, status = guard(as_floats(stack))
    leak = jnp.sign(safe.E_cathode - safe.E_anode) * jnp.exp(node.log_leak)
    faces = jnp.stack([safe.E_anode, node.E, node.E, safe.E_cathode]).reshape(2, 2)
    raw = Raw(faces, leak, node.log_leak, node.slope)
    return finish(safe, raw, jnp.maximum(status, node.status))
