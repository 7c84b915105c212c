"""One stack in, its lithium potentials and leak current out, by the method its laws allow."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from muli.kernels.constants import ABSENT, BOLTZMANN_EV
from muli.kernels.model import shown
from muli.kernels.model.stack import Stack
from muli.kernels.solvers.batch_current import find_of_many
from muli.kernels.solvers.derivatives import solve_chain, solve_open_circuit
from muli.kernels.solvers.divider import Raw, solve_constant
from muli.kernels.solvers.guard import guard
from muli.kernels.solvers.under_current import solve_under_current
from muli.kernels.transport.conductor import (
    as_floats,
    chain,
    crosses_in_closed_form,
    dilute_layers,
    is_constant,
    is_open_circuit,
)
from muli.outcomes import Status

Scalar = Float[Array, ""]
PLACED_WITHIN = 1e-4
"""V; an answer that rounding may move further than this is `ill_conditioned`."""


class Solution(eqx.Module):
    """Lithium potential at every face of a stack, and what leaks through it.

    faces: (layers, 2), V vs Li/Li+, anode side and cathode side of each layer; neighbours differ
    across a contact that has a resistance. leak_current_density: signed j, A/cm2.
    overshoot: V by which the potential leaves [E_anode, E_cathode], 0 at open circuit.
    status: code of `Status`. slope: largest |dE/d ln(resistance ratio)| of the nodes, V. Where
    the status is `input_out_of_range` or `missing_property` the numbers are NaN.
    """

    faces: Float[Array, "layers 2"]
    leak_current_density: Scalar
    log_leak: Scalar
    overshoot: Scalar
    slope: Scalar
    status: Int[Array, ""]

    @property
    def nodes(self) -> Float[Array, " nodes"]:
        """E at the anode end of the first layer and the cathode side of every layer, V."""
        return jnp.concatenate([self.faces[:1, 0], self.faces[:, 1]])

    def __repr__(self) -> str:
        return f"Solution({', '.join(f'{name} {value}' for name, value in self._cells())})"

    def _repr_html_(self) -> str:
        return shown.table("Solution", ("quantity", "value"), self._cells())

    def _cells(self) -> list[tuple[str, str]]:
        """Status, potentials and leak as text with units."""
        one = jnp.ndim(self.status) == 0
        nodes = ("nodes", self.nodes) if one else ("faces", self.faces)
        cells = [
            ("status", shown.counted(self.status, lambda code: Status(code).label)),
            (nodes[0], shown.quantity(nodes[1], "V")),
            ("leak", shown.quantity(self.leak_current_density, "A/cm2")),
        ]
        overshoot = shown.concrete(self.overshoot)
        if overshoot is None or overshoot.any():
            cells.append(("overshoot", shown.quantity(self.overshoot, "V")))
        return cells


def solve(stack: Stack) -> Solution:
    """Potentials and leak current of one stack in steady state (Wagner's equations).

    Pure and differentiable; batches are `jax.vmap`. Numbers may be Python floats or arrays of one
    floating type, which is also the precision of the answer. Never raises on values: see `status`.

    Args:
        stack: conductivities in S/cm, thicknesses in cm, potentials in V vs Li/Li+; see `Stack`.

    Returns:
        Node potentials (V vs Li/Li+), leak current density (A/cm2) and status; see `Solution`.
    """
    safe, status = guard(as_floats(stack))
    if is_constant(stack):
        return finish(safe, solve_constant(safe), status)
    if is_open_circuit(stack):
        raw, fits = solve_open_circuit(chain(stack, _widened(safe)))
        raw = jax.tree.map(lambda x: x.astype(safe.E_anode.dtype), raw)
    else:
        closed = crosses_in_closed_form(stack)
        fine = _in_double(safe) if closed else safe
        dilute = dilute_layers(stack, fine) if closed else None
        raw, fits = solve_under_current(fine, find_of_many(fine, dilute))
        raw = jax.tree.map(lambda x: x.astype(safe.E_anode.dtype), raw)
    lost = jnp.where(fits, Status.OK, Status.NOT_CONVERGED).astype(jnp.int32)
    return finish(safe, raw, jnp.maximum(status, lost))


def leak_current(stack: Stack) -> Scalar:
    """Signed leak current density of one stack, A/cm2, without nodes and status.

    For searches that need it many times and nothing else: less to compile than `solve`, which
    checks what they find.

    Args:
        stack: conductivities in S/cm, thicknesses in cm, potentials in V vs Li/Li+; see `Stack`.

    Returns:
        A/cm2.
    """
    if is_constant(stack) or not is_open_circuit(stack):
        return solve(stack).leak_current_density
    numbers = as_floats(stack)
    answer = solve_chain(chain(stack, _widened(numbers)))
    return (answer.leak * jnp.exp(answer.log_unit)).astype(numbers.E_anode.dtype)


def _widened(stack: Stack) -> Stack:
    """Three layers and more in float64 where that is enabled: a node between them moves by many
    roundings of the others."""
    return stack if len(stack.layers) < 3 else _in_double(stack)


def _in_double(stack: Stack) -> Stack:
    """Every number in float64, where that is enabled."""
    return jax.tree.map(lambda x: x.astype(jnp.result_type(float)), stack)


def finish(stack: Stack, raw: Raw, status: Int[Array, ""]) -> Solution:
    """Judge a raw answer: overshoot, rounding, underflow; blank what must not be used."""
    low = jnp.minimum(stack.E_anode, stack.E_cathode)
    high = jnp.maximum(stack.E_anode, stack.E_cathode)
    beyond = jnp.maximum(jnp.max(raw.faces) - high, low - jnp.min(raw.faces))
    bad = status != Status.OK
    judged = jnp.maximum(_precision_status(stack, raw), _table_status(stack, raw))
    none = jnp.zeros_like(raw.slope)
    blank = jnp.where(bad, none + jnp.nan, none)
    return Solution(
        faces=raw.faces + blank,
        leak_current_density=raw.leak_current_density + blank,
        log_leak=raw.log_leak + blank,
        overshoot=jnp.maximum(beyond, 0.0) + blank,
        slope=raw.slope + blank,
        status=jnp.where(bad, status, judged),
    )


def _table_status(stack: Stack, raw: Raw) -> Int[Array, ""]:
    """Whether the potential leaves the range of a table; a layer's extremes are at its faces."""
    left = jnp.zeros((), bool)
    for layer, faces in zip(stack.layers, raw.faces, strict=True):
        left = left | layer.sigma_ele.is_left_by(faces)
    return jnp.where(left, Status.EXTRAPOLATED_TABLE, Status.OK).astype(jnp.int32)


def largest_slope(stack: Stack) -> Scalar:
    """|dE*/d ln r| (V) above which rounding of the inputs alone moves an answer too far."""
    scale = jnp.maximum(jnp.abs(stack.E_anode), jnp.abs(stack.E_cathode))
    epsilon = jnp.finfo(scale.dtype).eps
    noise = epsilon * (1.0 + scale / (BOLTZMANN_EV * stack.temperature))
    return PLACED_WITHIN / (2.0 * noise)  # both sides err, in opposite directions


def _precision_status(stack: Stack, raw: Raw) -> Int[Array, ""]:
    """Whether rounding of the inputs alone moves the answer too far, or j is below the range."""
    tiny = jnp.finfo(raw.slope.dtype).tiny
    ill = raw.slope > largest_slope(stack)
    lost = (raw.log_leak > 0.5 * ABSENT) & (raw.log_leak < jnp.log(tiny))
    status = jnp.where(ill, Status.ILL_CONDITIONED, Status.OK)
    return jnp.where(lost, Status.UNDERFLOW, status).astype(jnp.int32)
