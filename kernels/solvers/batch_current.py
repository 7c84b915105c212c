"""Under current: one stack by shooting, a batch all at once where the current helps the leak.

Where the cell current has the sign of j (discharge, in the main), the layers of branches of one
slope are those of an open circuit, and `jax.vmap` hands a batch to
`muli.kernels.solvers.many_layers`. The other stacks of the batch, and those it does not confirm,
take the search for one stack, many at a time. Layers of one slope are crossed in closed form.
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
from muli.kernels.solvers.many_layers import PATIENT, QUICK, Care, Ladder
from muli.kernels.solvers.shooting import driving_potential
from muli.kernels.solvers.two_sided import Ties, from_anode, from_cathode, rounding_gain
from muli.kernels.solvers.under_current import Answer, Found, find
from muli.kernels.transport.ambipolar import Dilute
from muli.kernels.transport.conductor import Chain

Scalar = Float[Array, ""]


SHOT = 128
"""Stacks that are searched for one by one together."""


class Given(NamedTuple):
    """A stack as `under_current.find` takes it, and its chain in closed form."""

    stack: Stack
    chain: Chain


class _Answers(NamedTuple):
    """Of a batch; good: which of them are confirmed."""

    found: Found
    good: Bool[Array, " stacks"]


def find_of_many(stack: Stack, chain: Chain | None) -> Found:
    """As `under_current.find`, and quick under `jax.vmap` where a chain in closed form is given.

    Carries no derivatives.
    """
    stack, chain = jax.lax.stop_gradient((stack, chain))
    if chain is None:
        return find(stack)
    many = chain.contacts is None and len(stack.layers) > 1
    return _one(Given(stack, chain)) if many else _found(Given(stack, chain))


def _found(given: Given) -> Found:
    """The search for one stack; in closed form in double precision, in which that is right."""
    conductor = given.chain.pieces.conductor
    double = given.stack.E_anode.dtype == jnp.float64
    return find(given.stack, conductor if double and isinstance(conductor, Dilute) else None)


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
        return _by_shooting(given).found
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


def _by_shooting(given: Given) -> _Answers:
    """The search for one stack, which checks its answer."""
    solutions = jax.vmap(_found)(given)
    return _Answers(solutions, jnp.ones_like(solutions.converged))


def _at_once(given: Given, care: Care) -> _Answers:
    """In closed form; good where that holds and its last step was small."""
    chain, current = given.chain, given.stack.current_density
    heading = jnp.sign(chain.E_cathode - chain.E_anode)
    helps = _helped(given)
    log_current = log_or_absent(jnp.where(helps, jnp.abs(current), 0.0))
    solution = in_blocks(rising(chain, heading)._replace(log_current=log_current[None]), care)
    dtype = current.dtype
    inner = (solution.inner.T * heading[:, None]).astype(dtype)
    right = jnp.concatenate([inner, given.stack.E_cathode[:, None]], axis=1)
    leak = (heading * jnp.exp(solution.log_leak[0])).astype(dtype)
    slope = jax.vmap(_slope, -1)(solution.ladder).astype(dtype)
    good = solution.good[0] & helps & (solution.log_leak[0] > jnp.log(jnp.finfo(dtype).tiny))
    return _Answers(Found(Answer(right, leak), slope, good), good)


def _helped(given: Given) -> Bool[Array, " stacks"]:
    """Whether the cell current has the sign of the leak, which has that of the potential's rise."""
    heading = jnp.sign(given.chain.E_cathode - given.chain.E_anode)
    drive = heading * jax.vmap(driving_potential)(given.stack)
    return (heading * given.stack.current_density >= 0) & (drive > 0)


def _slope(ladder: Ladder) -> Scalar:
    """By how many V the better of two marches moves a node when ln j changes by 1."""
    by_leak = ladder.by_leak - 1.0
    ties = Ties(-ladder.near, ladder.far, by_leak, jnp.zeros_like(by_leak))
    return rounding_gain(from_anode(ties), from_cathode(ties))
