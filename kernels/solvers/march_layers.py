"""Across layers at a known current: where the potential arrives, and how thick a layer must be.

Constant laws are explicit, with and without current. Other laws go by their integral at open
circuit, and by the flow dE/dx = (I + j)/sigma_ion + j/sigma_ele(E) under current.
"""

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from muli.kernels.model.laws import constant_sigma_ele
from muli.kernels.model.stack import Layer, Stack
from muli.kernels.solvers.open_circuit import advance, log_conductance, log_flux
from muli.kernels.transport.conductor import (
    Piece,
    as_floats,
    chain,
    has_closed_form,
    is_open_circuit,
)
from muli.kernels.transport.medium import Medium, media

Scalar = Float[Array, ""]
hold = jax.lax.stop_gradient


def march(stack: Stack, leak: Scalar, log_leak: Scalar, *, backward: bool) -> Scalar:
    """Potential at the far end of a stack's layers and contacts, from E_anode or from E_cathode.

    leak: j in A/cm2, log_leak: ln|j|. A stack without layers is its one contact.
    """
    numbers = as_floats(stack)
    contacts = numbers.interface_asr or (jnp.zeros_like(leak),) * (len(stack.layers) + 1)
    ionic = numbers.current_density + leak
    sign, E, end = 1.0, numbers.E_anode, numbers.E_cathode
    order = range(len(stack.layers))
    if backward:
        sign, E, end, order = -1.0, end, E, order[::-1]
    for index in order:
        enter = E + sign * ionic * contacts[index + backward]
        alone = replace(stack, layers=(stack.layers[index],), interface_asr=None)
        E = _cross(alone, leak, log_leak, enter, end, sign)
    return E + sign * ionic * contacts[0 if backward else -1]


def thickness_between(
    stack: Stack, layer: Layer, leak: Scalar, log_leak: Scalar, E_left: Scalar, E_right: Scalar
) -> Scalar:
    """Thickness (cm) over which a layer's potential runs from E_left to E_right at this current.

    0 where E_right is not above E_left, infinite where the current cannot climb.
    """
    alone = replace(stack, layers=(layer,), interface_asr=None)
    numbers = as_floats(alone)
    level = E_right <= E_left
    E_right = jnp.where(level, E_left + 1.0, E_right)
    if layer.sigma_ele.is_constant:
        layer = numbers.layers[0]
        slope = _constant_slope(numbers, leak)
        falls = slope <= 0
        thickness = (E_right - E_left) / jnp.where(falls, 1.0, slope)
        thickness = jnp.where(falls, jnp.inf, thickness)
    elif is_open_circuit(stack):
        piece = _piece(alone, E_left, E_right)
        thickness = jnp.exp(log_flux(piece, E_left, E_right) + piece.log_thickness - log_leak)
    else:
        medium = _medium(numbers, E_left, E_right)
        thickness = _length(_in_closed_form(alone, medium), medium, leak, E_left, E_right)
    return jnp.where(level, 0.0, thickness)


def _cross(
    alone: Stack, leak: Scalar, log_leak: Scalar, E: Scalar, end: Scalar, sign: float
) -> Scalar:
    """Potential on the other side of a stack's one layer, towards `end`."""
    numbers = as_floats(alone)
    length = sign * numbers.layers[0].thickness
    if numbers.layers[0].sigma_ele.is_constant:
        return E + length * _constant_slope(numbers, leak)
    if not is_open_circuit(alone):
        medium = _medium(numbers, *sorted_pair(E, end))
        return _arrival(_in_closed_form(alone, medium), medium, leak, E, length)
    piece = _piece(alone, *sorted_pair(E, end))
    arrived = advance(*hold((piece, E, end, log_leak)))
    return arrived + _newton(piece, E, arrived, log_leak)


def _newton(piece: Piece, E: Scalar, arrived: Scalar, log_leak: Scalar) -> Scalar:
    """Zero, with the derivative of the arrival by everything else."""
    carried = log_flux(piece, E, arrived)
    steepness = jnp.exp(log_conductance(piece, arrived) - carried)
    step = (log_leak - carried) * jnp.sign(arrived - E) / hold(steepness)
    return step - hold(step)


def _in_closed_form(alone: Stack, medium: Medium) -> Medium:
    """The same layer, crossed in closed form where its law and the precision allow it."""
    numbers = as_floats(alone)
    if not has_closed_form(alone) or numbers.E_anode.dtype != jnp.float64:
        return medium
    conductor = chain(alone, numbers).pieces.conductor
    return replace(medium, dilute=jax.tree.map(lambda leaf: leaf[0], conductor))


@jax.custom_jvp
def _length(closed: Medium, medium: Medium, leak: Scalar, E_0: Scalar, E_1: Scalar) -> Scalar:
    """Length (cm) between two potentials; its derivatives are those of `medium`."""
    return closed.ask(leak, lambda flow: flow.length(E_0, E_1))


@_length.defjvp
def _length_jvp(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Scalar, Scalar]:
    def length(medium: Medium, leak: Scalar, E_0: Scalar, E_1: Scalar) -> Scalar:
        return medium.ask(leak, lambda flow: flow.length(E_0, E_1))

    return _length(*primals), jax.jvp(length, primals[1:], tangents[1:])[1]


@jax.custom_jvp
def _arrival(closed: Medium, medium: Medium, leak: Scalar, E: Scalar, length: Scalar) -> Scalar:
    """Where a potential arrives (V); its derivatives are those of `medium`."""
    return closed.ask(leak, lambda flow: flow.arrive(E, length).E)


@_arrival.defjvp
def _arrival_jvp(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Scalar, Scalar]:
    def arrival(medium: Medium, leak: Scalar, E: Scalar, length: Scalar) -> Scalar:
        return medium.ask(leak, lambda flow: flow.arrive(E, length).E)

    return _arrival(*primals), jax.jvp(arrival, primals[1:], tangents[1:])[1]


def _constant_slope(numbers: Stack, leak: Scalar) -> Scalar:
    """dE/dx of a constant law, V/cm."""
    layer = numbers.layers[0]
    sigma_ele = constant_sigma_ele(layer.sigma_ele)
    return (numbers.current_density + leak) / layer.sigma_ion + leak / sigma_ele


def _piece(alone: Stack, E_low: Scalar, E_high: Scalar) -> Piece:
    spanned = replace(as_floats(alone), E_anode=E_low, E_cathode=E_high)
    return jax.tree.map(lambda leaf: leaf[0], chain(alone, spanned).pieces)


def _medium(numbers: Stack, E_low: Scalar, E_high: Scalar) -> Medium:
    return jax.tree.map(lambda leaf: leaf[0], media(numbers, E_low, E_high))


def sorted_pair(E_1: Scalar, E_2: Scalar) -> tuple[Scalar, Scalar]:
    """The lower and the higher of two potentials."""
    return jnp.minimum(E_1, E_2), jnp.maximum(E_1, E_2)
