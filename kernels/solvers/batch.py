"""Open circuit, three layers and more: one stack by the careful search, a batch all at once.

`jax.vmap` turns a search for one stack into one for all, in which every stack waits for the
slowest. Here a batch is handed to `muli.kernels.solvers.many_layers` instead, in blocks that stay
in the cache of a CPU; stacks that it does not confirm are gathered, a few at a time, and take the
careful search.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, Protocol, TypeVar

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap
from jaxtyping import Array, Bool

from muli.kernels.solvers.many_layers import PATIENT, QUICK, Care, Found, Layered, find
from muli.kernels.solvers.open_circuit import Nodes, find_nodes
from muli.kernels.transport.ambipolar import Dilute
from muli.kernels.transport.conductor import Chain, Tree


class _HasGood(Protocol):
    """Answers of a batch, and which of them are confirmed."""

    @property
    def good(self) -> Bool[Array, " stacks"]:
        """Whether the answer of a stack is confirmed."""


Judged = TypeVar("Judged", bound=_HasGood)
Batch = TypeVar("Batch")

SMALLEST_BATCH = 256
"""Stacks from which on the program for all at once is worth compiling."""
BLOCK = 16384
RETRIED, GATHERED = 256, 32
"""Stacks that are taken together for a second attempt, and for the careful search."""


class Answers(NamedTuple):
    """Nodes of a batch, and which of them are confirmed."""

    nodes: Nodes
    good: Bool[Array, " stacks"]


def find_nodes_of_many(chain: Chain) -> Nodes:
    """As `find_nodes`, and quick under `jax.vmap` where layers have a closed form.

    Contacts must be ideal for it. Carries no derivatives.
    """
    closed = isinstance(chain.pieces.conductor, Dilute) and chain.contacts is None
    if closed and chain.pieces.log_thickness.shape[0] > 2:
        return _nodes(jax.lax.stop_gradient(chain))
    return find_nodes(chain)


@custom_vmap
def _nodes(chain: Chain) -> Nodes:
    return find_nodes(chain)


@_nodes.def_vmap
def _batched(size: int, is_batched: list[Chain], chain: Chain) -> tuple[Nodes, Nodes]:
    """The rule of `jax.vmap`."""
    return _answer(_nodes_of_all, spread(size, is_batched[0], chain))


@custom_vmap
def _nodes_of_all(chains: Chain) -> Nodes:
    """Of chains along a leading axis."""
    count = chains.E_anode.shape[0]
    if count < SMALLEST_BATCH:
        return jax.vmap(find_nodes)(chains)
    answers = _at_once(chains, QUICK)
    answers = mended(chains, answers, partial(_at_once, care=PATIENT), RETRIED)
    return mended(chains, answers, _one_by_one, GATHERED).nodes


@_nodes_of_all.def_vmap
def _batched_twice(size: int, is_batched: list[Chain], chains: Chain) -> tuple[Nodes, Nodes]:
    return _answer(partial(as_one_batch, _nodes_of_all), spread(size, is_batched[0], chains))


def as_one_batch(function: Callable[[Tree], Batch], tree: Tree) -> Batch:
    """Apply `function`, which takes a batch, to a batch of batches, joined to one long batch."""
    size, count = jax.tree.leaves(tree)[0].shape[:2]
    merged = jax.tree.map(lambda x: x.reshape((size * count, *x.shape[2:])), tree)
    return jax.tree.map(lambda x: x.reshape((size, count, *x.shape[1:])), function(merged))


def spread(size: int, is_batched: Tree, tree: Tree) -> Tree:
    """Every number with the axis of the batch."""

    def spread(has: bool, x: Array) -> Array:
        return x if has else jnp.broadcast_to(x, (size, *x.shape))

    return jax.tree.map(spread, is_batched, tree)


def _answer(function: Callable[[Chain], Nodes], chains: Chain) -> tuple[Nodes, Nodes]:
    nodes = function(chains)
    return nodes, jax.tree.map(lambda _: True, nodes)


def _at_once(chains: Chain, care: Care) -> Answers:
    """Nodes of all chains, and which of them are confirmed."""
    heading = jnp.sign(chains.E_cathode - chains.E_anode)
    solution = in_blocks(rising(chains, heading), care)
    inner = solution.inner.T * heading[:, None]
    dtype = chains.E_anode.dtype
    return Answers(Nodes(inner.astype(dtype), solution.log_leak[0].astype(dtype)), solution.good[0])


def _one_by_one(chains: Chain) -> Answers:
    """The careful search, whose answer `derivatives.solve_open_circuit` checks."""
    return Answers(jax.vmap(find_nodes)(chains), jnp.ones(chains.E_anode.shape, bool))


def rising(chains: Chain, heading: Array) -> Layered:
    """Chains with E of the other sign, and holes for electrons, where their potential falls."""
    conductor = chains.pieces.conductor
    assert isinstance(conductor, Dilute)
    rises = heading[:, None] > 0
    holes = jnp.where(rises, conductor.log_p, conductor.log_n)
    electrons = jnp.where(rises, conductor.log_n, conductor.log_p)
    mirrored = Dilute(conductor.log_sigma_ion, conductor.floor, electrons, holes, conductor.volt)
    layers = jax.tree.map(jnp.transpose, (mirrored, chains.pieces.log_thickness))
    ends = (heading * E for E in (chains.E_anode, chains.E_cathode))
    return Layered(*layers, *(E[None] for E in ends))


def in_blocks(stacks: Layered, care: Care) -> Found:
    """`find` on one block after the other; the last one is filled up with copies of a stack."""
    count = stacks.E_anode.shape[1]
    if count <= BLOCK or jax.default_backend() != "cpu":
        return find(stacks, care)
    blocks = -(-count // BLOCK)

    def cut(x: Array) -> Array:
        pad = [(0, 0)] * (x.ndim - 1) + [(0, blocks * BLOCK - count)]
        filled = jnp.pad(x, pad, mode="edge")
        return jnp.moveaxis(filled.reshape((*x.shape[:-1], blocks, BLOCK)), -2, 0)

    def join(x: Array) -> Array:
        whole = jnp.moveaxis(x, 0, -2)
        return whole.reshape((*whole.shape[:-2], blocks * BLOCK))[..., :count]

    by_block = jax.lax.map(lambda block: find(block, care), jax.tree.map(cut, stacks))
    return jax.tree.map(join, by_block)


def mended(given: Tree, answers: Judged, solver: Callable[[Tree], Judged], together: int) -> Judged:
    """Answers that are not confirmed, replaced by another solver, `together` stacks at a time."""
    good = answers.good
    count = good.shape[0]
    rank = jnp.cumsum(~good, dtype=jnp.int32) - 1
    slots = jnp.where(good, count + together, rank)
    places = jnp.full(count + together, count, jnp.int32)
    places = places.at[slots].set(jnp.arange(count, dtype=jnp.int32), mode="drop")

    def mend(state: tuple[Array, Judged]) -> tuple[Array, Judged]:
        start, answers = state
        chosen = jax.lax.dynamic_slice(places, (start,), (together,))
        few = jax.tree.map(lambda x: x[jnp.minimum(chosen, count - 1)], given)
        better = solver(few)
        answers = jax.tree.map(lambda x, y: x.at[chosen].set(y, mode="drop"), answers, better)
        return start + together, answers

    begin = jnp.zeros((), jnp.int32), answers
    return jax.lax.while_loop(lambda state: state[0] <= rank[-1], mend, begin)[1]
