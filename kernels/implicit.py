"""Derivatives of a solved chain by the implicit-function rule.

The unknowns are the nodes E_k and the current j. Linearised, every layer with the contacts in
series to it obeys

    gamma_k [dphi_k + b_k dE_k - a_k dE_{k-1}] = dj,   gamma_k = 1/(1 + a_k R_left + b_k R_right)

phi_k is its flux G_k/L_k, dphi_k the change of that with the inputs at fixed nodes, a_k and b_k
its conductances sigma_amb/L_k at its two faces. Differences of neighbours are a ladder that is
eliminated by sums and products of positive shares alone: nothing cancels. phi itself, unlike its logarithm, has
derivatives where E_anode = E_cathode. The rule is differentiable in turn: second derivatives and
reverse mode follow.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from kernels.conductor import Chain
from kernels.constant import Raw
from kernels.open_circuit import find_nodes
from kernels.safe import log_or_absent

Scalar = Float[Array, ""]
hold = jax.lax.stop_gradient


class Answer(NamedTuple):
    """Cathode-side face of every layer but the last (V), and j = leak*exp(log_unit) (A/cm2).

    leak is 1, -1 or 0 in value and carries the derivatives of j; log_unit carries none.
    """

    inner: tuple[Scalar, ...]
    leak: Scalar
    log_unit: Scalar


class Linear(NamedTuple):
    """gamma, gamma a, gamma b of one layer, in units of the current per volt."""

    series: Scalar
    near: Scalar
    far: Scalar


def solve_open_circuit(chain: Chain) -> Raw:
    """Faces, current and conditioning of a chain at open circuit."""
    answer = solve_chain(chain)
    layers = linearise(chain, answer)
    ones = [jnp.ones_like(answer.leak) * (-1.0) ** k for k in range(len(layers))]
    slopes = [jnp.abs(move) for move in respond(layers, ones)]
    return Raw(
        faces=jnp.stack([jnp.stack(pair) for pair in faces(chain, answer)]),
        leak_current_density=answer.leak * jnp.exp(answer.log_unit),
        log_leak=log_or_absent(jnp.abs(answer.leak)) + answer.log_unit,
        slope=sum(slopes, start=jnp.zeros_like(answer.leak)),
    )


@jax.custom_jvp
def solve_chain(chain: Chain) -> Answer:
    """Nodes and current of a chain, differentiable to any order."""
    closed = chain.E_anode == chain.E_cathode
    heading = jnp.sign(chain.E_cathode - chain.E_anode)
    apart = jnp.where(closed, chain.E_anode + 1.0, chain.E_cathode)
    nodes = find_nodes(eqx.tree_at(lambda chain: chain.E_cathode, chain, apart))
    inner = tuple(jnp.where(closed, chain.E_anode, E) for E in nodes.right[:-1])
    return Answer(inner, heading, nodes.log_leak)


@solve_chain.defjvp
def _solve_chain_jvp(primals: tuple[Chain], tangents: tuple[Chain]) -> tuple[Answer, Answer]:
    (chain,), (chain_dot,) = primals, tangents
    answer = solve_chain(chain)
    answer = answer._replace(log_unit=hold(answer.log_unit))
    _, fluxes_dot = jax.jvp(lambda chain: _fluxes(chain, answer), (chain,), (chain_dot,))
    layers = linearise(chain, answer)
    sources = [layer.series * dot for layer, dot in zip(layers, fluxes_dot, strict=True)]
    inner_dot = respond(layers, sources)
    leak_dot = _leak_response(layers, sources, inner_dot)
    return answer, Answer(tuple(inner_dot), leak_dot, jnp.zeros_like(answer.log_unit))


def faces(chain: Chain, answer: Answer) -> list[tuple[Scalar, Scalar]]:
    """(E on the anode side, E on the cathode side) of every layer, V."""
    drops = [jnp.zeros_like(answer.leak)] * (len(chain.conductors) + 1)
    if chain.contacts is not None:
        drops = [answer.leak * jnp.exp(answer.log_unit) * R for R in chain.contacts]
    left = [E + drop for E, drop in zip((chain.E_anode, *answer.inner), drops[:-1], strict=True)]
    return list(zip(left, (*answer.inner, chain.E_cathode - drops[-1]), strict=True))


def linearise(chain: Chain, answer: Answer) -> list[Linear]:
    """Conductances of every layer at its faces, contacts in series included."""
    unit = jnp.exp(answer.log_unit)
    contacts = chain.contacts or (jnp.zeros_like(unit),) * (len(chain.conductors) + 1)
    last = len(chain.conductors) - 1
    layers = []
    for index, (left, right) in enumerate(faces(chain, answer)):
        conductor = chain.conductors[index]
        per_unit = -chain.log_thickness[index] - answer.log_unit
        near = _bounded_exp(conductor.log_sigma(left) + per_unit)
        far = _bounded_exp(conductor.log_sigma(right) + per_unit)
        loss = near * contacts[index] * unit
        if index == last:
            loss = loss + far * contacts[-1] * unit
        series = 1.0 / (1.0 + loss)
        layers.append(Linear(series, series * near, series * far))
    return layers


def respond(layers: list[Linear], sources: list[Scalar]) -> list[Scalar]:
    """dE at every inner node (V) when the layers' fluxes change by `sources` at fixed nodes.

    The ladder far_k dE_k - near_k dE_{k-1} + source_k, equal for all k, eliminated from the anode:
    `grip` is what still holds a node from the left, a product of shares, never a difference.
    """
    tiny = jnp.finfo(sources[0].dtype).tiny
    grip, pivots, values = layers[0].far, [], []
    for k, (here, after) in enumerate(zip(layers, layers[1:], strict=False)):
        value = sources[k + 1] - sources[k]
        if k:
            value = value + here.near / pivots[-1] * values[-1]
            grip = here.far * (grip / pivots[-1])
        pivots.append(jnp.maximum(grip + after.near, tiny))
        values.append(value)
    moves: list[Scalar] = []
    for k in reversed(range(len(values))):
        pull = layers[k + 1].far * moves[0] if moves else 0.0
        moves.insert(0, (values[k] + pull) / pivots[k])
    return moves


def _fluxes(chain: Chain, answer: Answer) -> list[Scalar]:
    """Flux of every layer in units of the current, exactly `leak` in value at the solution.

    The width enters as the one that makes it so plus its own change: differences of rounded
    potentials would lose layers that span less than a rounding.
    """
    fluxes = []
    for index, (left, right) in enumerate(faces(chain, answer)):
        log_mean = chain.conductors[index].log_mean(left, right)
        log_conductance = log_mean - chain.log_thickness[index] - answer.log_unit
        exact = hold(answer.leak) * _bounded_exp(-hold(log_conductance))
        width = exact + (right - hold(right)) - (left - hold(left))
        fluxes.append(width * _bounded_exp(log_conductance))
    return fluxes


def _leak_response(layers: list[Linear], sources: list[Scalar], inner_dot: list[Scalar]) -> Scalar:
    """dj from the layer whose flux its nodes' rounding moves least."""
    zero = jnp.zeros_like(sources[0])
    ends = zip([zero, *inner_dot], [*inner_dot, zero], strict=True)
    rates = jnp.stack(
        [
            source + layer.far * right - layer.near * left
            for layer, source, (left, right) in zip(layers, sources, ends, strict=True)
        ]
    )
    best = jnp.argmin(jnp.stack([hold(layer.near + layer.far) for layer in layers]))
    return jnp.sum(jnp.where(jnp.arange(len(layers)) == best, rates, 0.0))


def _bounded_exp(x: Scalar) -> Scalar:
    return jnp.exp(jnp.minimum(x, 0.9 * jnp.log(jnp.finfo(x.dtype).max)))
