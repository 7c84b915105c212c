"""Under current: one stack by its own search, a batch all at once where that is quick.

Where the cell current has the sign of j (discharge, in the main), the layers of branches of one
slope are those of an open circuit, and `jax.vmap` hands a batch with ideal contacts to
`muli.kernels.solvers.many_layers`. The other stacks of the batch, and those it does not confirm,
take the search for one stack, many at a time: two layers that of `muli.kernels.solvers.crossing`.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap
from jaxtyping import Array, Bool, Float

from muli.kernels.model.stack import Stack
from muli.kernels.numerics.safe import log_or_absent
from muli.kernels.solvers.batch import (
    RETRIED,
    SMALLEST_BATCH,
    as_one_batch,
    in_blocks,
    mended,
    rising,
    spread,
)
from muli.kernels.solvers.crossing import MOST_ROUNDS, find_crossing
from muli.kernels.solvers.many_layers import PATIENT, QUICK, Care, Ladder
from muli.kernels.solvers.shooting import driving_potential
from muli.kernels.solvers.two_sided import Ties, from_anode, from_cathode, rounding_gain
from muli.kernels.solvers.under_current import Answer, Found, find
from muli.kernels.transport.ambipolar import Dilute
from muli.kernels.transport.conductor import Chain, Piece

Scalar = Float[Array, ""]


SHOT, CROSSED = 128, 256
"""Stacks that are searched for one by one together: of many layers, and of two."""


class Given(NamedTuple):
    """A stack as `under_current.find` takes it, and its layers in closed form."""

    stack: Stack
    dilute: Dilute


class _Answers(NamedTuple):
    """Of a batch; good: which of them are confirmed."""

    found: Found
    good: Bool[Array, " stacks"]


def find_of_many(stack: Stack, dilute: Dilute | None) -> Found:
    """As `under_current.find`, and quick under `jax.vmap` where a closed form is given.

    Carries no derivatives.
    """
    stack, dilute = jax.lax.stop_gradient((stack, dilute))
    if dilute is None:
        return find(stack)
    given = Given(stack, dilute)
    many = _crosses(given) or (_goes_at_once(stack) and len(stack.layers) > 1)
    return _one(given) if many else _found(given)


def _crosses(given: Given) -> bool:
    """Whether there are two layers, in double precision, in which the closed form is right."""
    return len(given.stack.layers) == 2 and given.stack.E_anode.dtype == jnp.float64


def _goes_at_once(stack: Stack) -> bool:
    """Whether contacts are ideal and no layer is a table, as `many_layers` needs it."""
    return stack.interface_asr is None and not any(k.sigma_ele.is_table for k in stack.layers)


def _found(given: Given) -> Found:
    """The search for one stack; in closed form in double precision, in which that is right."""
    if _crosses(given):
        return find_crossing(*given, jnp.asarray(MOST_ROUNDS, jnp.int32))
    double = given.stack.E_anode.dtype == jnp.float64
    return find(given.stack, given.dilute if double else None)


@custom_vmap
def _one(given: Given) -> Found:
    return _found(given)


@_one.def_vmap
def _batched(size: int, is_batched: list[Given], given: Given) -> tuple[Found, Found]:
    """The rule of `jax.vmap`."""
    solutions = _all(spread(size, is_batched[0], given))
    return solutions, jax.tree.map(lambda _: True, solutions)


@custom_vmap
def _all(given: Given) -> Found:
    """Of stacks along a leading axis."""
    if given.stack.E_anode.shape[0] < SMALLEST_BATCH:
        return jax.vmap(_found)(given)
    if _crosses(given):
        return _by_crossing(given)
    answers = _at_once(given, QUICK)
    helped = _helped(given)
    tried = answers._replace(good=answers.good | ~helped)
    answers = mended(given, tried, partial(_at_once, care=PATIENT), RETRIED)
    answers = answers._replace(good=answers.good & helped)
    return mended(given, answers, _by_shooting, SHOT).found


@_all.def_vmap
def _batched_twice(size: int, is_batched: list[Given], given: Given) -> tuple[Found, Found]:
    solutions = as_one_batch(_all, spread(size, is_batched[0], given))
    return solutions, jax.tree.map(lambda _: True, solutions)


def _by_crossing(given: Given) -> Found:
    """Two layers: a short search for all that are not found at once, a long one for the rest."""
    answers = _at_once(given, QUICK) if _goes_at_once(given.stack) else _no_answers(given)

    def go_on(answers: _Answers, rounds: Scalar) -> tuple[_Answers, None]:
        def cross(few: Given) -> _Answers:
            found = jax.vmap(find_crossing, (0, 0, None))(*few, rounds)
            return _Answers(found, found.converged)

        return mended(given, answers, cross, CROSSED), None

    return jax.lax.scan(go_on, answers, jnp.asarray([1, MOST_ROUNDS], jnp.int32))[0].found


def _no_answers(given: Given) -> _Answers:
    nothing = jnp.zeros_like(given.stack.E_anode)
    right = jnp.zeros((*nothing.shape, len(given.stack.layers)), nothing.dtype)
    none = jnp.zeros(nothing.shape, bool)
    return _Answers(Found(Answer(right, nothing), nothing, none), none)


def _by_shooting(given: Given) -> _Answers:
    """The search for one stack, which checks its answer."""
    solutions = jax.vmap(_found)(given)
    return _Answers(solutions, jnp.ones_like(solutions.converged))


def _at_once(given: Given, care: Care) -> _Answers:
    """In closed form; good where that holds and its last step was small."""
    stack, current = given.stack, given.stack.current_density
    log_thickness = jnp.log(jnp.stack([layer.thickness for layer in stack.layers], axis=1))
    chain = Chain(Piece(given.dilute, log_thickness), None, stack.E_anode, stack.E_cathode)
    heading = jnp.sign(stack.E_cathode - stack.E_anode)
    helps = _helped(given)
    log_current = log_or_absent(jnp.where(helps, jnp.abs(current), 0.0))
    solution = in_blocks(rising(chain, heading)._replace(log_current=log_current[None]), care)
    dtype = current.dtype
    inner = (solution.inner.T * heading[:, None]).astype(dtype)
    right = jnp.concatenate([inner, stack.E_cathode[:, None]], axis=1)
    leak = (heading * jnp.exp(solution.log_leak[0])).astype(dtype)
    slope = jax.vmap(_slope, -1)(solution.ladder).astype(dtype)
    good = solution.good[0] & helps & (solution.log_leak[0] > jnp.log(jnp.finfo(dtype).tiny))
    return _Answers(Found(Answer(right, leak), slope, good), good)


def _helped(given: Given) -> Bool[Array, " stacks"]:
    """Whether the cell current has the sign of the leak, which has that of the potential's rise."""
    stack = given.stack
    heading = jnp.sign(stack.E_cathode - stack.E_anode)
    drive = heading * jax.vmap(driving_potential)(stack)
    return (heading * stack.current_density >= 0) & (drive > 0)


def _slope(ladder: Ladder) -> Scalar:
    """By how many V the better of two marches moves a node when ln j changes by 1."""
    by_leak = ladder.by_leak - 1.0
    ties = Ties(-ladder.near, ladder.far, by_leak, jnp.zeros_like(by_leak))
    return rounding_gain(from_anode(ties), from_cathode(ties))
