"""E* of electrolyte | coating as one curve of ln(L_coating/L_electrolyte), for planes of thickness.

At open circuit E* depends on the two thicknesses through r = L_coating/L_electrolyte alone. A
curve per (electrolyte, coating, potentials, temperature) is solved at uniform ln r together with
its exact slope, dE*/d ln r = -1/(sigma_amb,SE/G_SE + sigma_amb,CL/G_CL), and read by cubic Hermite
interpolation. Every interval is compared with solves inside it; where it fails (a step), what is
read there is marked and has to be solved on its own.
"""

from dataclasses import replace
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from muli.kernels.model.stack import Stack
from muli.kernels.solvers.solve import solve

Scalar = Float[Array, ""]
TOLERANCE = 5e-6
"""V; an interval that misses a solve by more is not trusted."""
CHECKED_AT = (0.1, 0.5, 0.9)
"""Fractions of every interval where it is compared with a solve: a step may hide at one end."""


class Curve(eqx.Module):
    """Node i stands at ln r = log_r_low + i*step. rise: dE*/di, V. trusted: per interval.

    Positions are worked out in the type of log_r_low and step: keep those in float64 where E and
    rise are cast to float32.
    """

    log_r_low: Scalar
    step: Scalar
    E: Float[Array, " nodes"]
    rise: Float[Array, " nodes"]
    trusted: Bool[Array, " intervals"]


class Reading(NamedTuple):
    """E* (V) and whether its interval was confirmed."""

    E: Float[Array, "..."]
    trusted: Bool[Array, "..."]


def trace(stack: Stack, log_r_low: Scalar, step: Scalar, nodes: int) -> Curve:
    """The curve of a stack of two layers at open circuit; its thicknesses are not used.

    Its dtype is that of the stack's numbers. A node that did not solve leaves its two intervals
    untrusted.
    """
    index = jnp.arange(nodes, dtype=step.dtype)
    solved = jax.vmap(_solve_at, (None, 0))(stack, log_r_low + step * index)
    rise = -step * solved.slope * jnp.sign(stack.E_cathode - stack.E_anode)
    trusted = solved.good[:-1] & solved.good[1:]
    for fraction in CHECKED_AT:
        between = jax.vmap(_solve_at, (None, 0))(stack, log_r_low + step * (index[:-1] + fraction))
        read = _hermite(*_corners(solved.E, rise), jnp.asarray(fraction, step.dtype))
        trusted = trusted & between.good & (jnp.abs(read - between.E) <= TOLERANCE)
    return Curve(log_r_low, step, solved.E, rise, trusted)


def read_at(curve: Curve, log_r: Float[Array, "..."]) -> Reading:
    """E* at any ln r; outside the curve nothing is trusted."""
    position = (log_r - curve.log_r_low) / curve.step
    last = curve.trusted.shape[0] - 1
    index = jnp.clip(position.astype(jnp.int32), 0, last)
    inside = (position >= 0) & (position <= last + 1)
    fraction = (position - index.astype(position.dtype)).astype(curve.E.dtype)
    corners = (curve.E[index], curve.rise[index], curve.E[index + 1], curve.rise[index + 1])
    return Reading(_hermite(*corners, fraction), curve.trusted[index] & inside)


def read_row(curve: Curve, log_r_first: Scalar, count: int) -> Reading:
    """E* at ln r = log_r_first + i*step, i < count: contiguous, the fastest way to read.

    A coating's thicknesses spaced like the curve's nodes fall at one fraction of every interval.
    """
    position = (log_r_first - curve.log_r_low) / curve.step
    last = curve.trusted.shape[0] - count
    start = jnp.clip(jnp.floor(position).astype(jnp.int32), 0, last)
    inside = (position >= 0) & (position < last + 1)

    fraction = (position - start.astype(position.dtype)).astype(curve.E.dtype)

    def cut(values: Array) -> Array:
        return jax.lax.dynamic_slice(values, (start,), (count + 1,))

    E, rise = cut(curve.E), cut(curve.rise)
    trusted = jax.lax.dynamic_slice(curve.trusted, (start,), (count,))
    return Reading(_hermite(*_corners(E, rise), fraction), trusted & inside)


class _Node(NamedTuple):
    """slope: as in `Solution`, |dE*/d ln r| for two layers."""

    E: Scalar
    slope: Scalar
    good: Bool[Array, ""]


def _solve_at(stack: Stack, log_r: Scalar) -> _Node:
    """E* and |dE*/d ln r| for thicknesses sqrt(r) and 1/sqrt(r)."""
    electrolyte, coating = stack.layers
    layers = (
        replace(electrolyte, thickness=jnp.exp(-0.5 * log_r)),
        replace(coating, thickness=jnp.exp(0.5 * log_r)),
    )
    solution = solve(replace(stack, layers=layers, interface_asr=None))
    return _Node(solution.nodes[1], solution.slope, solution.status == 0)


def _corners(E: Array, rise: Array) -> tuple[Array, Array, Array, Array]:
    return E[:-1], rise[:-1], E[1:], rise[1:]


def _hermite(E_0: Array, rise_0: Array, E_1: Array, rise_1: Array, t: Array) -> Array:
    """Cubic through both values with both slopes (per interval), t from 0 to 1."""
    across = E_1 - E_0
    bend_0, bend_1 = rise_0 - across, rise_1 - across
    return E_0 + t * (across + (1.0 - t) * (bend_0 * (1.0 - t) - bend_1 * t))
