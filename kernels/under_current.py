"""Stacks under current, for every law: shoot for the signed leak current, keep the stable side.

In layer k, dE/dx = (I + j)/sigma_ion + j/sigma_ele(E). E at the far end rises with j, and the
sign of j is that of E_cathode - E_anode - I R_ion, which bounds it from both sides:

    |E_c - E_a - I R_ion|/(R_ion + sum L/min sigma_ele) <= |j| <= |E_c - E_a - I R_ion|/R_ion

so ln|j| is bracketed before the search starts. The stack is then marched from both electrodes. A
march that runs towards a standstill forgets its start, one that runs away from it magnifies every
rounding, and what is unstable from one side is stable from the other: with F = dE/dj of the march
from the anode and B = -dE/dj of that from the cathode, each node is taken from the side where the
derivative is smaller. One Newton step closes the gap. The derivatives of the answer follow from
the layers' equations (implicit function), combined from both sides in the same way.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.nn import logsumexp
from jaxtyping import Array, Bool, Float

from kernels.branches import log_sigma_ele, valley
from kernels.chandrupatla import find_zero
from kernels.conductivity import Branches, Constant
from kernels.constant import Raw
from kernels.constants import BOLTZMANN_EV
from kernels.flow import Flow, flow_of
from kernels.safe import log_or_absent
from kernels.stack import Stack
from kernels.two_sided import Side, Ties, from_anode, from_cathode, meet, rounding_gain

Scalar = Float[Array, ""]
Layers = Float[Array, " layers"]
ROUNDINGS = 1e4
"""Roundings of j by which two marches may miss each other and still count as one solution."""
CLOSE = 1e-9
"""V by which they may miss each other in any case."""


class Answer(NamedTuple):
    """Cathode-side face of every layer (V) and signed j (A/cm2)."""

    right: Layers
    leak: Scalar


class March(NamedTuple):
    """What one march meets: anode and cathode side of every layer (V), its end, and whether it
    left the range upwards (+1) or downwards (-1)."""

    left: tuple[Scalar, ...]
    right: tuple[Scalar, ...]
    end: Scalar
    beyond: Scalar


def solve_under_current(stack: Stack) -> tuple[Raw, Bool[Array, ""]]:
    """Faces, signed leak current and conditioning of a stack of any laws; whether it converged.

    Every leaf is an array of one floating type, already checked. Derivatives of any order.
    """
    answer, slope, converged = find(jax.lax.stop_gradient(stack))
    answer = _attach(stack, answer)
    left, right = faces(stack, answer)
    log_leak = log_or_absent(jnp.abs(answer.leak))
    return Raw(jnp.stack([left, right], axis=1), answer.leak, log_leak, slope), converged


def faces(stack: Stack, answer: Answer) -> tuple[Layers, Layers]:
    """Anode-side and cathode-side face of every layer, V: contacts jump by (I + j) R."""
    drops = (stack.current_density + answer.leak) * _contacts(stack)
    right = answer.right.at[-1].set(stack.E_cathode - drops[-1])
    left = jnp.concatenate([stack.E_anode[None], right[:-1]]) + drops[:-1]
    return left, right


def find(stack: Stack) -> tuple[Answer, Scalar, Bool[Array, ""]]:
    """Nodes and current without derivatives, conditioning (V), and whether the marches meet."""
    leak = _find_leak(stack)
    anode = _side_from(stack, leak, backward=False)
    cathode = _side_from(stack, leak, backward=True)
    step, right, stiffness = meet(anode, cathode)
    rounding = jnp.finfo(leak.dtype).eps * ROUNDINGS * jnp.abs(leak)
    meets = jnp.abs(step) <= rounding + CLOSE / stiffness
    converged = meets & jnp.all(jnp.isfinite(right))
    slope = jnp.abs(leak) * rounding_gain(anode, cathode)
    return Answer(right, leak + jnp.where(meets, step, 0.0)), slope, converged


def _side_from(stack: Stack, leak: Scalar, *, backward: bool) -> Side:
    """Nodes met from one electrode at this current, and how they move with it."""
    way = march(stack, leak, backward=backward)
    left, right = jnp.stack(way.left), jnp.stack(way.right)
    none = [jnp.zeros_like(leak)] * len(stack.layers)
    rates = ties(stack, left, right, leak, none)
    rate = (from_cathode if backward else from_anode)(rates).rate
    last = stack.E_cathode if backward else way.end
    return Side(jnp.where(way.beyond != 0, jnp.inf, rate), right.at[-1].set(last))


def _find_leak(stack: Stack) -> Scalar:
    """j at which the march from the anode ends at E_cathode."""
    drive = stack.E_cathode - stack.E_anode - stack.current_density * _ionic_resistance(stack)
    none = drive == 0
    sign = jnp.where(drive < 0, -1.0, 1.0).astype(drive.dtype)
    log_drive = jnp.log(jnp.where(none, 1.0, jnp.abs(drive)))
    most = log_drive - jnp.log(_ionic_resistance(stack))
    least = log_drive - jnp.logaddexp(*_log_resistances(stack))
    low, high = potential_range(stack)

    def excess(log_leak: Scalar) -> Scalar:
        way = march(stack, sign * jnp.exp(log_leak), backward=False)
        return jnp.where(way.beyond != 0, way.beyond * (high - low), way.end - stack.E_cathode)

    margin = 1e-3
    log_leak, _ = find_zero(excess, least - margin, most + margin)
    return jnp.where(none, jnp.sqrt(jnp.finfo(drive.dtype).tiny), sign * jnp.exp(log_leak))


def march(stack: Stack, leak: Scalar, *, backward: bool) -> March:
    """Through all layers and contacts from one electrode to the other at a given j (A/cm2)."""
    low, high = potential_range(stack)
    contacts = (stack.current_density + leak) * _contacts(stack)
    order = range(len(stack.layers))
    E, sense = stack.E_anode, 1.0
    if backward:
        order, E, sense = order[::-1], stack.E_cathode, -1.0
    pairs, beyond = {}, jnp.zeros_like(leak)
    for k in order:
        enter = E + sense * contacts[k + backward]
        leave, left_range = layer_flow(stack, k, leak).arrive(
            jnp.clip(enter, low, high), sense * stack.layers[k].thickness
        )
        for off in (_outside(enter, low, high), left_range, _outside(leave, low, high)):
            beyond = jnp.where(beyond == 0, off, beyond)
        E = jnp.clip(leave, low, high)
        pairs[k] = (E, enter) if backward else (enter, E)
    left, right = zip(*(pairs[k] for k in range(len(pairs))), strict=True)
    end = E + sense * contacts[0 if backward else -1]
    return March(left, right, end, beyond)


def layer_flow(stack: Stack, index: int, leak: Scalar) -> Flow:
    """The flow of one layer at a given j."""
    layer = stack.layers[index]
    a = (stack.current_density + leak) / layer.sigma_ion
    low, high = potential_range(stack)
    return flow_of(layer.sigma_ele, a, leak, BOLTZMANN_EV * stack.temperature, low, high)


def ties(
    stack: Stack, left: Layers, right: Layers, leak: Scalar, rest: list[Scalar]
) -> Ties:
    """Every layer's equation linearised at its faces and the current, contacts included."""

    def miss(k: int, left: Scalar, right: Scalar, leak: Scalar) -> Scalar:
        return layer_flow(stack, k, leak).miss(left, right, stack.layers[k].thickness)

    contacts = _contacts(stack)
    rows = []
    for k in range(len(stack.layers)):
        near, far, own = jax.grad(miss, argnums=(1, 2, 3))(k, left[k], right[k], leak)
        by_leak = own + near * contacts[k]
        if k + 1 == len(stack.layers):
            by_leak = by_leak - far * contacts[-1]
        rows.append((near, far, by_leak, rest[k]))
    return Ties(*(jnp.stack(column) for column in zip(*rows, strict=True)))


@jax.custom_jvp
def _attach(stack: Stack, answer: Answer) -> Answer:
    """The answer as it is, with the derivatives it has as the solution of this stack."""
    return answer


@_attach.defjvp
def _attach_jvp(
    primals: tuple[Stack, Answer], tangents: tuple[Stack, Answer]
) -> tuple[Answer, Answer]:
    stack, answer = primals[0], _attach(*primals)

    def misses(stack: Stack) -> list[Scalar]:
        left, right = faces(stack, answer)
        flows = [layer_flow(stack, k, answer.leak) for k in range(len(stack.layers))]
        return [
            flow.miss(E_1, E_2, layer.thickness)
            for flow, E_1, E_2, layer in zip(flows, left, right, stack.layers, strict=True)
        ]

    _, rest = jax.jvp(misses, (stack,), (tangents[0],))
    equations = ties(stack, *faces(stack, answer), answer.leak, rest)
    step = meet(from_anode(equations), from_cathode(equations))
    return answer, Answer(step.right, step.leak)


def potential_range(stack: Stack) -> tuple[Scalar, Scalar]:
    """Between which potentials (V) every solution runs: the electrodes', and |I| R_ion beyond."""
    reach = jnp.abs(stack.current_density) * _ionic_resistance(stack)
    reach = reach + BOLTZMANN_EV * stack.temperature
    low = jnp.minimum(stack.E_anode, stack.E_cathode) - reach
    return jax.lax.stop_gradient((low, jnp.maximum(stack.E_anode, stack.E_cathode) + reach))


def _outside(E: Scalar, low: Scalar, high: Scalar) -> Scalar:
    return jnp.where(E > high, 1.0, jnp.where(E < low, -1.0, 0.0)).astype(E.dtype)


def _contacts(stack: Stack) -> Float[Array, " contacts"]:
    if stack.interface_asr is None:
        return jnp.zeros(len(stack.layers) + 1, stack.E_anode.dtype)
    return jnp.stack(stack.interface_asr)


def _ionic_resistance(stack: Stack) -> Scalar:
    layers = jnp.stack([layer.thickness / layer.sigma_ion for layer in stack.layers])
    return jnp.sum(layers) + jnp.sum(_contacts(stack))


def _log_resistances(stack: Stack) -> tuple[Scalar, Scalar]:
    """ln of R_ion and of the largest possible sum L/sigma_ele (ohm cm2)."""
    low, high = potential_range(stack)
    V_T = BOLTZMANN_EV * stack.temperature
    logs = []
    for layer in stack.layers:
        law = layer.sigma_ele
        if isinstance(law, Constant):
            log_sigma = jnp.log(law.sigma_0)
        elif isinstance(law, Branches):
            log_sigma = log_sigma_ele(law, jnp.clip(valley(law, V_T), low, high), V_T)
        else:
            log_sigma = math.log(10.0) * jnp.min(law.log10_sigma)
        logs.append(jnp.log(layer.thickness) - log_sigma)
    return jnp.log(_ionic_resistance(stack)), logsumexp(jnp.stack(logs))
