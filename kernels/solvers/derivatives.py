"""Derivatives of a solved chain by the implicit-function rule.

The unknowns are the nodes E_k and the current j. Linearised, every layer with the contacts in
series to it obeys

    gamma_k [dphi_k + b_k dE_k - a_k dE_{k-1}] = dj,   gamma_k = 1/(1 + a_k R_left + b_k R_right)

phi_k is its flux G_k/L_k, dphi_k the change of that with the inputs at fixed nodes, a_k and b_k
its conductances sigma_amb/L_k at its two faces. Differences of neighbours are a ladder that is
eliminated by sums and products of positive shares alone: nothing cancels. phi itself, unlike its
logarithm, has derivatives where E_anode = E_cathode. The rule is differentiable in turn: second
derivatives and reverse mode follow.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from muli.kernels.numerics.safe import bounded_exp, fits, log_or_absent
from muli.kernels.solvers.batch import find_nodes_of_many
from muli.kernels.solvers.divider import Raw
from muli.kernels.solvers.open_circuit import faces, log_conductance, misfit, misses
from muli.kernels.transport.conductor import Chain

Scalar = Float[Array, ""]
Layers = Float[Array, " layers"]
Inner = Float[Array, " inner"]
hold = jax.lax.stop_gradient
NEWTON_WITHIN = 1e-4
"""V; an answer that one more Newton step would move further is not converged."""


class Answer(NamedTuple):
    """Cathode-side face of every layer but the last (V), and j = leak*exp(log_unit) (A/cm2).

    leak is 1, -1 or 0 in value and carries the derivatives of j; log_unit carries none.
    """

    inner: Inner
    leak: Scalar
    log_unit: Scalar


class Ladder(NamedTuple):
    """gamma, gamma a, gamma b of every layer, in units of the current per volt."""

    series: Layers
    near: Layers
    far: Layers


def solve_open_circuit(chain: Chain) -> tuple[Raw, Bool[Array, ""]]:
    """Faces, current and conditioning of a chain at open circuit; whether every layer fits."""
    answer = solve_chain(chain)
    ladder = hold(linearise(chain, answer))
    left, right = _faces(chain, answer)
    missed = jnp.max(misses(*hold((chain, left, right, answer.log_unit))))
    raw = Raw(
        faces=jnp.stack([left, right], axis=1),
        leak_current_density=answer.leak * jnp.exp(answer.log_unit),
        log_leak=log_or_absent(jnp.abs(answer.leak)) + answer.log_unit,
        slope=_slope(ladder),
    )
    placed = _newton_step(hold(chain), hold(answer), ladder) <= NEWTON_WITHIN
    return raw, (fits(missed) & placed) | (answer.leak == 0)


def _newton_step(chain: Chain, answer: Answer, ladder: Ladder) -> Scalar:
    """Largest move of a node (V) in one Newton step on all layers' fluxes.

    A node between layers that conduct little can be far off while either layer's miss, in V at its
    better conducting face, is small. What a rounding of the faces closes counts as closed.
    """
    left, right = _faces(chain, answer)
    volts = misfit(chain, left, right, answer.log_unit).volts
    rounding = 4.0 * jnp.finfo(volts.dtype).eps * jnp.maximum(jnp.abs(left), jnp.abs(right))
    volts = jnp.where(jnp.abs(volts) <= rounding, 0.0, volts)
    sources = answer.leak * volts * jnp.maximum(ladder.near, ladder.far)
    return jnp.max(jnp.abs(respond(ladder, sources)), initial=0.0)


def _slope(ladder: Ladder) -> Scalar:
    """Largest |dE_k/d ln r_k| of the inner nodes, V; r_k is the resistance of all layers on the
    cathode side of node k over that of all layers on its anode side."""
    count = ladder.near.size
    if count == 1:
        return jnp.zeros_like(ladder.near[0])
    ratios = jnp.asarray(np.tri(count - 1, count) - 0.5, ladder.near.dtype)
    moves = jax.vmap(respond, (None, 0))(ladder, ratios)
    return jnp.max(jnp.abs(jnp.diagonal(moves)))


@jax.custom_jvp
@jax.jit
def solve_chain(chain: Chain) -> Answer:
    """Nodes and current of a chain, differentiable to any order."""
    closed = chain.E_anode == chain.E_cathode
    apart = jnp.where(closed, chain.E_anode + 1.0, chain.E_cathode)
    nodes = find_nodes_of_many(eqx.tree_at(lambda chain: chain.E_cathode, chain, apart))
    inner = jnp.where(closed, chain.E_anode, nodes.inner)
    return Answer(inner, jnp.sign(chain.E_cathode - chain.E_anode), nodes.log_leak)


@solve_chain.defjvp
def _solve_chain_jvp(primals: tuple[Chain], tangents: tuple[Chain]) -> tuple[Answer, Answer]:
    (chain,), (chain_dot,) = primals, tangents
    answer = solve_chain(chain)
    answer = answer._replace(log_unit=hold(answer.log_unit))
    _, fluxes_dot = jax.jvp(lambda chain: _fluxes(chain, answer), (chain,), (chain_dot,))
    ladder = linearise(chain, answer)
    sources = ladder.series * fluxes_dot
    inner_dot = respond(ladder, sources)
    leak_dot = _leak_response(ladder, sources, inner_dot)
    return answer, Answer(inner_dot, leak_dot, jnp.zeros_like(answer.log_unit))


def _faces(chain: Chain, answer: Answer) -> tuple[Layers, Layers]:
    """E on the anode side and on the cathode side of every layer, V."""
    return faces(chain, answer.inner, answer.leak * jnp.exp(answer.log_unit))


def linearise(chain: Chain, answer: Answer) -> Ladder:
    """Conductances of every layer at its faces, contacts in series included."""
    left, right = _faces(chain, answer)
    conductance = jax.vmap(log_conductance)
    near = bounded_exp(conductance(chain.pieces, left) - answer.log_unit)
    far = bounded_exp(conductance(chain.pieces, right) - answer.log_unit)
    if chain.contacts is None:
        return Ladder(jnp.ones_like(near), near, far)
    contacts = chain.contacts * jnp.exp(answer.log_unit)
    loss = (near * contacts[:-1]).at[-1].add(far[-1] * contacts[-1])
    series = 1.0 / (1.0 + loss)
    return Ladder(series, series * near, series * far)


def respond(ladder: Ladder, sources: Layers) -> Inner:
    """dE at every inner node (V) when the layers' fluxes change by `sources` at fixed nodes.

    Layer k carries far_k dE_k - near_k dE_{k-1} + source_k more current, the same for all k. The
    difference of neighbours is one equation per inner node, a tridiagonal system:

        (far_k + near_{k+1}) dE_k - near_k dE_{k-1} - far_{k+1} dE_{k+1} = source_{k+1} - source_k
    """
    tiny = jnp.finfo(sources.dtype).tiny
    # Forward, from the anode: each equation takes the node before it out of the next one. What
    # remains of far_k is far_k (1 - near_k/pivot_{k-1}) = far_k coupling/pivot_{k-1}: a product of
    # positive numbers, so that nothing cancels where layers conduct very differently.
    coupling = ladder.far[0]
    pivots: list[Scalar] = []
    values: list[Scalar] = []
    for k in range(sources.shape[0] - 1):
        value = sources[k + 1] - sources[k]
        if k:
            value = value + ladder.near[k] / pivots[-1] * values[-1]
            coupling = ladder.far[k] * (coupling / pivots[-1])
        pivots.append(jnp.maximum(coupling + ladder.near[k + 1], tiny))
        values.append(value)
    # Backward, from the cathode: every node from the one behind it.
    moves: list[Scalar] = []
    for k in reversed(range(len(values))):
        from_next = ladder.far[k + 1] * moves[0] if moves else 0.0
        moves.insert(0, (values[k] + from_next) / pivots[k])
    return jnp.stack(moves) if moves else jnp.zeros_like(sources[1:])


def _fluxes(chain: Chain, answer: Answer) -> Layers:
    """Flux of every layer in units of the current, exactly `leak` in value at the solution.

    The difference of the two faces is not computed from their rounded potentials: a layer may span
    less than a rounding. Its value is the one that gives the current, its change that of the faces.
    """
    left, right = _faces(chain, answer)
    log_mean = jax.vmap(lambda piece, E_1, E_2: piece.conductor.log_mean(E_1, E_2))
    log_conductance = log_mean(chain.pieces, left, right) - chain.pieces.log_thickness
    log_conductance = log_conductance - answer.log_unit
    exact = hold(answer.leak) * bounded_exp(-hold(log_conductance))
    width = exact + (right - hold(right)) - (left - hold(left))
    return width * bounded_exp(log_conductance)


def _leak_response(ladder: Ladder, sources: Layers, inner_dot: Inner) -> Scalar:
    """dj from the layer whose flux its nodes' rounding moves least."""
    fixed = jnp.zeros_like(sources[:1])
    left = jnp.concatenate([fixed, inner_dot])
    right = jnp.concatenate([inner_dot, fixed])
    rates = sources + ladder.far * right - ladder.near * left
    return rates[jnp.argmin(hold(ladder.near + ladder.far))]
