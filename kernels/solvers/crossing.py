"""Two layers under current, in closed form: where the marches from both electrodes cross.

At a current j the march from the anode comes to A(j) at the interface, that from the cathode to
C(j). A rises with j, C falls, and the answer is where they cross. Neither is computed: at a tried
potential E and current j it is enough to know on which side of E they lie, which the explicit
lengths of both layers tell. Where A and C lie on one side of E, the answer does, too; where they
lie on two sides, j is too large or too small. Every trial therefore halves the bracket of E or
that of ln|j|, and Newton steps on both follow.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from muli.kernels.model.stack import Stack
from muli.kernels.numerics.safe import CLOSE, fits
from muli.kernels.solvers.shooting import leak_bracket, media_of
from muli.kernels.solvers.two_sided import from_anode, from_cathode, meet, rounding_gain
from muli.kernels.solvers.under_current import Answer, Found, faces, linearise, worst
from muli.kernels.transport.ambipolar import Dilute
from muli.kernels.transport.medium import Medium

Scalar = Float[Array, ""]
TRIALS = 24
"""Halvings before Newton steps."""
NEWTON_STEPS = 3
CLOSE_LEAK = 1e-6
"""Width of a bracket of ln|j| that needs no further proof where E is within `CLOSE`."""
MIDDLES, MOST_ROUNDS = 4, 8
"""Rounds in which Newton steps start from the middle of the bracket, and all rounds."""


class _Bracket(NamedTuple):
    """Of E at the interface (cathode side of the first layer, V) and of ln|j| (A/cm2)."""

    low: Scalar
    high: Scalar
    least: Scalar
    most: Scalar


class _State(NamedTuple):
    """Bracket, rounds done, and the answer of the last one."""

    bracket: _Bracket
    rounds: Int[Array, ""]
    found: Found


def find_crossing(stack: Stack, dilute: Dilute, rounds: Int[Array, ""]) -> Found:
    """As `under_current.find`, for two layers that have a closed form, in double precision.

    rounds: how often at most halving goes on where Newton steps do not converge.
    """
    layers = media_of(stack, dilute)
    bounds = leak_bracket(stack)
    nothing = jnp.zeros_like(bounds.sign)
    nearly_none = 0.5 * jnp.log(jnp.finfo(nothing.dtype).tiny)
    leaks = (jnp.where(bounds.none, nearly_none, x) for x in (bounds.log_least, bounds.log_most))
    whole = _Bracket(layers.E_low[0], layers.E_high[0], *leaks)

    def halve(_: int, bracket: _Bracket) -> _Bracket:
        return _halved(stack, layers, bounds.sign, bracket)

    def once(state: _State) -> _State:
        bracket = jax.lax.fori_loop(0, TRIALS, halve, state.bracket)
        found = _newton(stack, layers, bounds.sign, bracket, _start(state.rounds))
        placed = (state.rounds == MOST_ROUNDS - 1) & _is_narrow(bracket)
        found = found._replace(converged=found.converged | placed)
        return _State(bracket, state.rounds + 1, found)

    def goes_on(state: _State) -> Bool[Array, ""]:
        return ~state.found.converged & (state.rounds < rounds)

    none = Found(Answer(jnp.stack([nothing, nothing]), nothing), nothing, bounds.sign == 0)
    begin = _State(whole, jnp.zeros((), jnp.int32), none)
    return jax.lax.while_loop(goes_on, once, begin).found


def _start(rounds: Int[Array, ""]) -> tuple[Scalar, Scalar]:
    """Shares of both brackets at which Newton steps start: their middles, in late rounds corners.

    Where one bracket is as narrow as its rounding, a standstill may lie between its ends.
    """
    corner = rounds - MIDDLES
    ends = ((x % 2).astype(float) for x in (corner, corner // 2))
    in_E, in_leak = (jnp.where(corner < 0, 0.5, end) for end in ends)
    return in_E, in_leak


def _within(
    bracket: _Bracket, share_E: Scalar | float, share_leak: Scalar | float
) -> tuple[Scalar, Scalar]:
    """E and ln|j| at shares of both brackets."""
    low, high, least, most = bracket
    return low + share_E * (high - low), least + share_leak * (most - least)


def _is_narrow(bracket: _Bracket) -> Bool[Array, ""]:
    """Whether the bracket alone places the answer."""
    narrow = bracket.high - bracket.low <= CLOSE
    return narrow & (bracket.most - bracket.least <= CLOSE_LEAK)


def _halved(stack: Stack, layers: Medium, sign: Scalar, bracket: _Bracket) -> _Bracket:
    E, log_leak = _within(bracket, 0.5, 0.5)
    anode_above, cathode_below = _sides(stack, layers, E, sign * jnp.exp(log_leak))
    above, below = anode_above & ~cathode_below, cathode_below & ~anode_above
    split = anode_above == cathode_below
    less = split & (anode_above == (sign > 0))
    more = split & (anode_above != (sign > 0))
    low, high, least, most = bracket
    return _Bracket(
        jnp.where(above, E, low),
        jnp.where(below, E, high),
        jnp.where(more, log_leak, least),
        jnp.where(less, log_leak, most),
    )


def _sides(
    stack: Stack, layers: Medium, E: Scalar, leak: Scalar
) -> tuple[Bool[Array, ""], Bool[Array, ""]]:
    """Whether the march from the anode ends above E, and that from the cathode below."""
    left, right = faces(stack, Answer(jnp.stack([E, E]), leak))

    def passes(layer: Medium, E_0: Scalar, E_1: Scalar) -> Bool[Array, ""]:
        """Whether a march from E_0 ends above E_1; from E_0 itself its direction tells."""
        reached = layer.ask(leak, lambda flow: flow.length(E_0, E_1)) < layer.thickness
        ionic = (layer.current + leak) * jnp.exp(layer.log_sigma_ele(E_0))
        rises = ionic + leak * layer.sigma_ion > 0
        return jnp.where(E_1 > E_0, reached, jnp.where(E_1 < E_0, ~reached, rises))

    above = jax.vmap(passes)(layers, left, right)
    return above[0], above[1]


def _newton(
    stack: Stack, layers: Medium, sign: Scalar, bracket: _Bracket, start: tuple[Scalar, Scalar]
) -> Found:
    """Newton steps on the lengths of both layers, and whether the answer fits them."""
    E, log_leak = _within(bracket, *start)
    width = bracket.most - bracket.least

    def step(answer: Answer, _: None) -> tuple[Answer, tuple[Answer, Scalar, Scalar]]:
        tied = linearise(stack, layers, *faces(stack, answer), answer.leak)
        anode, cathode = from_anode(tied), from_cathode(tied)
        move = meet(anode, cathode)
        share = jnp.clip(move.leak / answer.leak, -width, width)
        right = jnp.clip(answer.right + move.right, bracket.low, bracket.high)
        better = Answer(right, answer.leak * jnp.exp(share))
        gain = rounding_gain(anode, cathode)
        return better, (answer, jnp.max(worst(tied, answer.leak)), jnp.abs(answer.leak) * gain)

    begin = Answer(jnp.stack([E, E]), sign * jnp.exp(log_leak))
    _, (answers, misses, slopes) = jax.lax.scan(step, begin, None, length=NEWTON_STEPS + 1)
    best = jnp.argmin(misses)
    answer = jax.tree.map(lambda x: x[best], answers)
    return Found(answer, slopes[best], fits(misses[best]))
