"""Stacks under current, for every law: shoot for the signed leak current, keep the stable side.

In layer k, dE/dx = (I + j)/sigma_ion + j/sigma_ele(E). E at the far end rises with j, and the
sign of j is that of E_cathode - E_anode - I R_ion, which bounds it from both sides:

    |E_c - E_a - I R_ion|/(R_ion + sum L/min sigma_ele) <= |j| <= |E_c - E_a - I R_ion|/R_ion

so ln|j| is bracketed before the search starts. The stack is then marched from both electrodes. A
march that runs towards a standstill forgets its start, one that runs away from it magnifies every
rounding, and what is unstable from one side is stable from the other: with F = dE/dj of the march
from the anode and B = -dE/dj of that from the cathode, each node is taken from the side where the
derivative is smaller. The marches are joined in the layer whose length fits both best, and Newton
steps on all nodes close the rest. What the layers then miss of their lengths decides whether the
answer counts. Its derivatives follow from the layers' equations (implicit function), combined from
both sides in the same way.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from muli.kernels.model.stack import Stack
from muli.kernels.numerics.chandrupatla import find_zero
from muli.kernels.numerics.safe import fits, log_or_absent
from muli.kernels.solvers.divider import Raw
from muli.kernels.solvers.shooting import (
    Course,
    both_ways,
    contacts_of,
    driving_potential,
    leak_bracket,
    march,
    media_of,
)
from muli.kernels.solvers.two_sided import Ties, from_anode, from_cathode, meet, rounding_gain
from muli.kernels.transport.ambipolar import Dilute
from muli.kernels.transport.flow import Flow, Rates
from muli.kernels.transport.medium import Medium

Scalar = Float[Array, ""]
FARTHEST = 1e3
"""ln of a ratio of lengths that stands for never."""
Layers = Float[Array, " layers"]


class Answer(NamedTuple):
    """Cathode-side face of every layer (V) and signed j (A/cm2)."""

    right: Layers
    leak: Scalar


class Found(NamedTuple):
    """An answer, how far it moves when its inputs do (V, see `Raw`), and whether it converged."""

    answer: Answer
    slope: Scalar
    converged: Bool[Array, ""]


class Guess(NamedTuple):
    """An answer, and the faces (V) at which its layers are tried."""

    answer: Answer
    left: Layers
    right: Layers


def solve_under_current(stack: Stack, found: Found) -> tuple[Raw, Bool[Array, ""]]:
    """Faces, signed leak current and conditioning of a stack of any laws; whether it converged.

    Every leaf is an array of one floating type, already checked. found: what `find` finds.
    Derivatives of any order.
    """
    answer, slope, converged = found
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


def find(stack: Stack, dilute: Dilute | None = None) -> Found:
    """Nodes and current without derivatives, conditioning (V), and whether every layer fits.

    dilute: the layers as branches of one slope, for the closed form in double precision.
    """
    layers = media_of(stack, dilute)
    leak = _find_leak(stack, layers)
    courses = both_ways(stack, layers, leak)
    start = Guess(Answer(courses.right[1], leak), courses.left[0], courses.right[1])

    def improve(guess: Guess, is_first: Bool[Array, ""]) -> tuple[Guess, tuple[Guess, Ties]]:
        tied = linearise(stack, layers, guess.left, guess.right, guess.answer.leak)
        step = meet(from_anode(tied), from_cathode(tied))
        better = Answer(guess.answer.right + step.right, guess.answer.leak + step.leak)
        joined = Answer(_join(courses, worst(tied, leak)), leak)
        answer = jax.tree.map(lambda a, b: jnp.where(is_first, a, b), joined, better)
        return Guess(answer, *faces(stack, answer)), (guess, tied)

    rounds = jnp.asarray([True, False, False])
    _, (guesses, tied) = jax.lax.scan(improve, start, rounds)
    misses = jnp.stack([jnp.max(worst(row, leak)) for row in _rows(tied)[1:]])
    best = 1 + jnp.argmin(misses)
    answer, tied = jax.tree.map(lambda x: x[best], (guesses.answer, tied))
    slope = jnp.abs(answer.leak) * rounding_gain(from_anode(tied), from_cathode(tied))
    return Found(answer, slope, fits(jnp.min(misses)))


def _rows(tree: Ties) -> list[Ties]:
    return [jax.tree.map(lambda x, k=k: x[k], tree) for k in range(tree.rest.shape[0])]


def worst(tied: Ties, leak: Scalar) -> Layers:
    """By how much each layer is missed: in V at its slower face, or relative to the current."""
    miss = jnp.abs(tied.rest)
    volts = miss / jnp.maximum(jnp.abs(tied.near), 1.0)
    share = miss / (jnp.abs(tied.by_leak) * jnp.abs(leak))
    worst = jnp.where(share < volts, share, volts)
    return jnp.where(jnp.isfinite(worst), worst, jnp.inf)


def _join(courses: Course, misses: Layers) -> Layers:
    """Nodes of the march from the anode up to the layer that fits both marches best, and of the
    march from the cathode behind it.

    Behind a layer in which a rounding of j decides, a march is lost, whatever its `beyond` is.
    """
    layer = jnp.arange(misses.size)
    reached = jnp.concatenate([jnp.zeros(1, bool), courses.beyond[0, :-1] != 0])
    joint = jnp.argmin(jnp.where(reached | (courses.beyond[1] != 0), jnp.inf, misses))
    return jnp.where(layer < joint, courses.right[0], courses.right[1])


def _find_leak(stack: Stack, layers: Medium) -> Scalar:
    """j at which the march from the anode ends at E_cathode."""
    bracket = leak_bracket(stack)
    passed = _passed_by_arrival if layers.dilute is None else _passed_by_length

    def excess(log_leak: Scalar) -> Scalar:
        return bracket.sign * passed(stack, layers, bracket.sign * jnp.exp(log_leak))

    log_leak, _ = find_zero(excess, bracket.log_least, bracket.log_most)
    nearly_none = jnp.sqrt(jnp.finfo(log_leak.dtype).tiny)
    return bracket.sign * jnp.where(bracket.none, nearly_none, jnp.exp(log_leak))


def _passed_by_arrival(stack: Stack, layers: Medium, leak: Scalar) -> Scalar:
    """How far (V) the march from the anode ends above E_cathode; rises with j."""
    course = march(layers, contacts_of(stack), stack, leak)
    beyond = course.beyond[-1]
    away = beyond * (layers.E_high[0] - layers.E_low[0])
    return jnp.where(beyond != 0, away, course.end - stack.E_cathode)


def _passed_by_length(stack: Stack, layers: Medium, leak: Scalar) -> Scalar:
    """The same as ln of the last layer's length over that in which it reaches E_cathode.

    In closed form lengths are explicit and arrivals are not.
    """
    contacts, ionic = contacts_of(stack), stack.current_density + leak
    E, beyond = stack.E_anode + ionic * contacts[0], jnp.zeros_like(leak)
    if contacts.size > 2:
        before = jax.tree.map(lambda x: x[:-1], layers)
        course = march(before, contacts[:-1], stack, leak)
        E, beyond = course.end, course.beyond[-1]
    last = jax.tree.map(lambda x: x[-1], layers)
    target = stack.E_cathode - ionic * contacts[-1]
    reached = last.ask(leak, lambda flow: flow.length(E, target))
    ratio = jnp.clip(jnp.log(last.thickness) - jnp.log(reached), -FARTHEST, FARTHEST)
    rising = target >= E
    return jnp.where(beyond != 0, beyond * FARTHEST, jnp.where(rising, ratio, -ratio))


def linearise(stack: Stack, layers: Medium, left: Layers, right: Layers, leak: Scalar) -> Ties:
    """Every layer's equation at its faces and the current, contacts included; rest: its miss."""

    def misses(leak: Scalar) -> tuple[Layers, Rates]:
        return _misses_and_rates(layers, leak, left, right)

    rest, own, (near, far) = jax.jvp(misses, (leak,), (jnp.ones_like(leak),), has_aux=True)
    contacts = contacts_of(stack)
    by_leak = own + near * contacts[:-1]
    return Ties(near, far, by_leak.at[-1].add(-far[-1] * contacts[-1]), rest)


def _misses_and_rates(
    layers: Medium, leak: Scalar, left: Layers, right: Layers
) -> tuple[Layers, Rates]:
    """Of every layer by its faces, from one preparation."""

    def miss(layer: Medium, E_0: Scalar, E_1: Scalar) -> tuple[Scalar, Rates]:
        def ask(flow: Flow) -> tuple[Scalar, Rates]:
            return flow.miss(E_0, E_1, layer.thickness), flow.rates(E_0, E_1)

        return layer.ask(leak, ask)

    return jax.vmap(miss)(layers, left, right)


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
        return _misses_and_rates(media_of(stack), answer.leak, *faces(stack, answer))[0]

    _, rest = jax.jvp(misses, (stack,), (tangents[0],))
    layers = media_of(stack)
    equations = linearise(stack, layers, *faces(stack, answer), answer.leak)._replace(rest=rest)
    step = meet(from_anode(equations), from_cathode(equations))
    return answer, Answer(step.right, step.leak)
