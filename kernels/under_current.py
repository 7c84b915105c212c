"""Stacks under current, for every law: shoot for the signed leak current, keep the stable side.

In layer k, dE/dx = (I + j)/sigma_ion + j/sigma_ele(E). E at the far end rises with j, and the
sign of j is that of E_cathode - E_anode - I R_ion, which bounds it from both sides:

    |E_c - E_a - I R_ion|/(R_ion + sum L/min sigma_ele) <= |j| <= |E_c - E_a - I R_ion|/R_ion

so ln|j| is bracketed before the search starts. The stack is then marched from both electrodes. A
march that runs towards a standstill forgets its start, one that runs away from it magnifies every
rounding, and what is unstable from one side is stable from the other: with F = dE/dj of the march
from the anode and B = -dE/dj of that from the cathode, each node is taken from the side where the
derivative is smaller. One Newton step closes the gap, at the node both sides place best. The
derivatives of the answer follow from the layers' equations (implicit function), combined from both
sides in the same way.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kernels.chandrupatla import find_zero
from kernels.constant import Raw
from kernels.march_current import (
    Course,
    both_ways,
    contacts_of,
    driving_potential,
    leak_bracket,
    march,
    media_of,
)
from kernels.medium import Medium
from kernels.safe import log_or_absent
from kernels.stack import Stack
from kernels.two_sided import (
    Meeting,
    Side,
    Ties,
    from_anode,
    from_cathode,
    meet,
    nearest,
    rounding_gain,
)

Scalar = Float[Array, ""]
Layers = Float[Array, " layers"]
ROUNDINGS = 1e4
"""Roundings of ln j by which two marches may miss each other and still count as one solution."""
CLOSE = 1e-9
"""V by which they may miss each other in any case."""


class Answer(NamedTuple):
    """Cathode-side face of every layer (V) and signed j (A/cm2)."""

    right: Layers
    leak: Scalar


def solve_under_current(stack: Stack) -> tuple[Raw, Bool[Array, ""]]:
    """Faces, signed leak current and conditioning of a stack of any laws; whether it converged.

    Every leaf is an array of one floating type, already checked. Derivatives of any order.
    """
    answer, slope, converged = find(jax.lax.stop_gradient(stack))
    answer = _attach(stack, answer)
    left, right = faces(stack, answer)
    undriven = driving_potential(jax.lax.stop_gradient(stack)) == 0
    leak = answer.leak - jnp.where(undriven, jax.lax.stop_gradient(answer.leak), 0.0)
    return Raw(
        jnp.stack([left, right], axis=1), leak, log_or_absent(jnp.abs(leak)), slope
    ), converged


def faces(stack: Stack, answer: Answer) -> tuple[Layers, Layers]:
    """Anode-side and cathode-side face of every layer, V: contacts jump by (I + j) R."""
    drops = (stack.current_density + answer.leak) * contacts_of(stack)
    right = answer.right.at[-1].set(stack.E_cathode - drops[-1])
    left = jnp.concatenate([stack.E_anode[None], right[:-1]]) + drops[:-1]
    return left, right


def find(stack: Stack) -> tuple[Answer, Scalar, Bool[Array, ""]]:
    """Nodes and current without derivatives, conditioning (V), and whether the marches meet."""
    leak = _find_leak(stack)
    anode, cathode = _sides(stack, leak)
    best = meet(anode, cathode)
    # Beyond a layer in which a rounding of j decides, the march from the anode is lost, and so is
    # its derivative: the gap then closes at the node behind that layer.
    closest = meet(anode, cathode, nearest(anode, cathode))
    rounding = jnp.finfo(leak.dtype).eps * ROUNDINGS * jnp.abs(leak)
    rounding = rounding * (1.0 + jnp.abs(log_or_absent(jnp.abs(leak))))

    def meets(step: Meeting) -> Bool[Array, ""]:
        close = jnp.abs(step.leak) <= rounding + CLOSE / step.stiffness
        return close & jnp.all(jnp.isfinite(step.right))

    step = jax.tree.map(lambda a, b: jnp.where(meets(best), a, b), best, closest)
    slope = jnp.abs(leak) * rounding_gain(anode, cathode)
    return Answer(step.right, leak + jnp.where(meets(step), step.leak, 0.0)), slope, meets(step)


def _find_leak(stack: Stack) -> Scalar:
    """j at which the march from the anode ends at E_cathode."""
    bracket = leak_bracket(stack)
    layers = media_of(stack)

    def excess(log_leak: Scalar) -> Scalar:
        course = march(layers, contacts_of(stack), stack, bracket.sign * jnp.exp(log_leak))
        away = course.beyond * (layers.E_high[0] - layers.E_low[0])
        return bracket.sign * jnp.where(course.beyond != 0, away, course.end - stack.E_cathode)

    log_leak, _ = find_zero(excess, bracket.log_least, bracket.log_most)
    nearly_none = jnp.sqrt(jnp.finfo(log_leak.dtype).tiny)
    return bracket.sign * jnp.where(bracket.none, nearly_none, jnp.exp(log_leak))


def _sides(stack: Stack, leak: Scalar) -> tuple[Side, Side]:
    """Nodes met from either electrode at this current, and how they move with it."""
    courses = both_ways(stack, leak)
    rest = jnp.zeros_like(courses.left[0])

    def tie(course: Course) -> Ties:
        return ties(stack, course.left, course.right, leak, rest)

    tied = jax.lax.map(tie, courses)
    anode, cathode = (jax.tree.map(lambda leaf, k=k: leaf[k], tied) for k in (0, 1))
    rates = jnp.stack([from_anode(anode).rate, from_cathode(cathode).rate])
    rates = jnp.where(courses.beyond[:, None] != 0, jnp.inf, rates)
    ends = courses.right.at[:, -1].set(jnp.stack([courses.end[0], stack.E_cathode]))
    return Side(rates[0], ends[0]), Side(rates[1], ends[1])


def ties(stack: Stack, left: Layers, right: Layers, leak: Scalar, rest: Layers) -> Ties:
    """Every layer's equation linearised at its faces and the current, contacts included."""
    layers = media_of(stack)
    near, far = jax.vmap(lambda layer, *E: layer.ask(leak, lambda flow: flow.rates(*E)))(
        layers, left, right
    )
    _, own = jax.jvp(
        lambda leak: _misses(stack, leak, left, right), (leak,), (jnp.ones_like(leak),)
    )
    contacts = contacts_of(stack)
    by_leak = own + near * contacts[:-1]
    return Ties(near, far, by_leak.at[-1].add(-far[-1] * contacts[-1]), rest)


def _misses(stack: Stack, leak: Scalar, left: Layers, right: Layers) -> Layers:
    def miss(layer: Medium, E_0: Scalar, E_1: Scalar) -> Scalar:
        return layer.ask(leak, lambda flow: flow.miss(E_0, E_1, layer.thickness))

    return jax.vmap(miss)(media_of(stack), left, right)


@jax.custom_jvp
def _attach(stack: Stack, answer: Answer) -> Answer:
    """The answer as it is, with the derivatives it has as the solution of this stack."""
    return answer


@_attach.defjvp
def _attach_jvp(
    primals: tuple[Stack, Answer], tangents: tuple[Stack, Answer]
) -> tuple[Answer, Answer]:
    stack, answer = primals[0], _attach(*primals)

    def misses(stack: Stack) -> Layers:
        return _misses(stack, answer.leak, *faces(stack, answer))

    _, rest = jax.jvp(misses, (stack,), (tangents[0],))
    equations = ties(stack, *faces(stack, answer), answer.leak, rest)
    step = meet(from_anode(equations), from_cathode(equations))
    return answer, Answer(step.right, step.leak)
