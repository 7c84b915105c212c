"""What a stack would need: thicknesses and conductivities that bring E* to a given potential.

With E* given, the part of the stack on one side of it decides the current, and one layer on the
other side is then explicit (no iteration for electrolyte | coating):

    L_coating = G_coating(E*, E_c)/j,   j = G_electrolyte(E_a, E*)/L_electrolyte

G is the integral of sigma_amb over the potential. Interface resistances, anode coatings and
further cathode coatings are kept as they are. All functions are pure and differentiable and take
one stack; potentials are V vs Li/Li+, thicknesses cm, conductivities S/cm.
"""

from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float

from muli.kernels.model.boundary import Window
from muli.kernels.model.stack import Layer, Stack
from muli.kernels.solvers.march_layers import march, sorted_pair, thickness_between
from muli.kernels.solvers.solve import solve
from muli.kernels.transport.conductor import as_floats, is_open_circuit

Scalar = Float[Array, ""]


class Span(NamedTuple):
    """One layer's share of a stack: the leak current and the potentials at its faces.

    free: the target holds without this layer. impossible: no such layer reaches it. The leak is
    NaN where something that decides the answer is unknown.
    """

    leak: Scalar
    log_leak: Scalar
    E_left: Scalar
    E_right: Scalar
    free: Bool[Array, ""]
    impossible: Bool[Array, ""]


def min_thickness(stack: Stack, E_oxidation: ArrayLike) -> Scalar:
    """Least thickness (cm) of the coating at the electrolyte's cathode side that protects it.

    0 where E_cathode does not exceed the limit, infinite where the limit does not exceed E_anode:
    nothing protects then. The coating's own thickness in `stack` is not used.

    Args:
        stack: conductivities in S/cm, thicknesses in cm, potentials in V vs Li/Li+; see `Stack`.
        E_oxidation: limit of the electrolyte, V vs Li/Li+.

    Returns:
        cm of coating per electrode area.
    """
    return _coating_thickness(stack, coating_span(stack, E_oxidation))


def thickness_at(stack: Stack, E_target: ArrayLike, *, coating_side: bool = False) -> Scalar:
    """Thickness (cm) of that coating at which E* is E_target, on either side of the contact.

    0 where E_cathode does not exceed the target, infinite where no thickness reaches it: at open
    circuit E* stays above E_anode, while on charge it can fall below.

    Args:
        stack: conductivities in S/cm, thicknesses in cm, potentials in V vs Li/Li+; see `Stack`.
        E_target: V vs Li/Li+.
        coating_side: whether E* is that of the coating's side of the contact.

    Returns:
        cm of coating per electrode area.
    """
    span = coating_span(stack, E_target, coating_side=coating_side, below_anode=True)
    return _coating_thickness(stack, span)


def resting_thickness(
    stack: Stack, E_target: ArrayLike, *, coating_side: ArrayLike = False
) -> Scalar:
    """Thickness (cm) of that coating at which E* is E_target at open circuit, on either side of the
    contact, whichever electrode is the higher one.

    0 where E_target is at or beyond E_cathode, infinite at or beyond E_anode, NaN where something
    that decides is unknown. E* is on the cathode's side of E_target for every thinner coating.

    Args:
        stack: conductivities in S/cm, thicknesses in cm, potentials in V vs Li/Li+; see `Stack`.
        E_target: V vs Li/Li+.
        coating_side: whether E* is that of the coating's side of the contact.

    Returns:
        cm of coating per electrode area.
    """
    numbers, target = as_floats((stack, E_target))
    E_a, E_c = numbers.E_anode, numbers.E_cathode
    falls = E_c >= E_a
    at_anode = jnp.where(falls, target <= E_a, target >= E_a)
    at_cathode = jnp.where(falls, target >= E_c, target <= E_c)
    inside = jnp.where(at_anode | at_cathode, 0.5 * (E_a + E_c), target)
    side = jnp.asarray(coating_side)
    leak, log_leak, E_left, E_right = _across(stack, inside, side)
    low, high = sorted_pair(E_left, E_right)
    layer = stack.layers[coating_index(stack)]
    thickness = thickness_between(stack, layer, jnp.abs(leak), log_leak, low, high)
    passed = jnp.where(falls, E_right <= E_left, E_right >= E_left)
    thickness = jnp.where(passed, 0.0, thickness)
    thickness = _unless_unknown(thickness, leak, E_target, *jax.tree.leaves(numbers))
    return jnp.where(at_anode, jnp.inf, jnp.where(at_cathode, 0.0, thickness))


def _coating_thickness(stack: Stack, span: Span) -> Scalar:
    thickness = _thickness(stack, stack.layers[coating_index(stack)], span)
    return _edges(span, thickness, always=0.0, never=jnp.inf)


def max_electrolyte_thickness(stack: Stack, E_oxidation: ArrayLike) -> Scalar:
    """Largest thickness (cm) of the electrolyte for which the coating still protects it.

    Infinite where E_cathode does not exceed the limit, 0 where the limit does not exceed E_anode.

    Args:
        stack: conductivities in S/cm, thicknesses in cm, potentials in V vs Li/Li+; see `Stack`.
        E_oxidation: limit of the electrolyte, V vs Li/Li+.

    Returns:
        cm of electrolyte.
    """
    return electrolyte_needs(stack, E_oxidation).max_thickness


def max_sigma_ele(stack: Stack, E_oxidation: ArrayLike) -> Scalar:
    """Largest constant sigma_ele (S/cm) with which the coating protects at its thickness.

    Infinite where any value protects, 0 where none does. The coating's own law is not used.

    Args:
        stack: conductivities in S/cm, thicknesses in cm, potentials in V vs Li/Li+; see `Stack`.
        E_oxidation: limit of the electrolyte, V vs Li/Li+.

    Returns:
        S/cm, of the coating.
    """
    span = coating_span(stack, E_oxidation)
    sigma = _constant_sigma_ele(stack, stack.layers[coating_index(stack)], span)
    return _edges(span, sigma, always=jnp.inf, never=0.0)


def min_electrolyte_sigma_ele(stack: Stack, E_oxidation: ArrayLike) -> Scalar:
    """Smallest constant sigma_ele (S/cm) of the electrolyte for which the coating still protects.

    0 where any value will do, infinite where none does.

    Args:
        stack: conductivities in S/cm, thicknesses in cm, potentials in V vs Li/Li+; see `Stack`.
        E_oxidation: limit of the electrolyte, V vs Li/Li+.

    Returns:
        S/cm, of the electrolyte.
    """
    return electrolyte_needs(stack, E_oxidation).min_sigma_ele


def coating_index(stack: Stack) -> int:
    """Position of the coating that touches the electrolyte on its cathode side."""
    if stack.electrolyte + 1 >= len(stack.layers):
        raise ValueError("this stack has no coating on the cathode side of its electrolyte")
    return stack.electrolyte + 1


class CoatingNeeds(NamedTuple):
    """Of the coating at the electrolyte's cathode side, see `coating_needs`: cm, S/cm."""

    min_thickness: Scalar
    thickness_by_coating_reduction: Scalar
    thickness_by_electrolyte_reduction: Scalar
    max_sigma_ele: Scalar
    max_sigma_ele_at_largest: Scalar


def coating_needs(
    stack: Stack, electrolyte: Window, own_reduction: ArrayLike, largest: ArrayLike
) -> CoatingNeeds:
    """`min_thickness`, two of `thickness_at` and two of `max_sigma_ele`, by one search for all.

    largest: thickness (cm) of the coating for the last one. Limits: V.
    """
    limits = electrolyte.oxidation, own_reduction, electrolyte.reduction
    targets = as_floats((stack, limits))[1]
    layer = stack.layers[coating_index(stack)]

    def need(E_target: Scalar, own: Bool[Array, ""], below: Bool[Array, ""]) -> tuple[Span, Scalar]:
        span = coating_span(stack, E_target, coating_side=own, below_anode=below)
        return span, _coating_thickness(stack, span)

    own_side, below = jnp.asarray([False, True, False]), jnp.asarray([False, True, True])
    spans, thickness = jax.vmap(need)(jnp.stack(targets), own_side, below)
    span = jax.tree.map(lambda x: x[0], spans)
    sigmas = [
        _edges(span, _constant_sigma_ele(stack, coating, span), always=jnp.inf, never=0.0)
        for coating in (layer, replace(layer, thickness=largest))
    ]
    return CoatingNeeds(*thickness, *sigmas)


class ElectrolyteNeeds(NamedTuple):
    """Largest thickness (cm) and smallest sigma_ele (S/cm) of the electrolyte."""

    max_thickness: Scalar
    min_sigma_ele: Scalar


def electrolyte_needs(stack: Stack, E_oxidation: ArrayLike) -> ElectrolyteNeeds:
    """`max_electrolyte_thickness` and `min_electrolyte_sigma_ele` by one search."""
    span, layer = electrolyte_span(stack, E_oxidation), stack.layers[stack.electrolyte]
    thickness, sigma = _thickness(stack, layer, span), _constant_sigma_ele(stack, layer, span)
    return ElectrolyteNeeds(
        _edges(span, thickness, always=jnp.inf, never=0.0),
        _edges(span, sigma, always=0.0, never=jnp.inf),
    )


def coating_span(
    stack: Stack,
    E_target: ArrayLike,
    *,
    coating_side: ArrayLike = False,
    below_anode: ArrayLike = False,
) -> Span:
    """What the coating would span if E* were E_target on the electrolyte's (or its own) side.

    below_anode: under current, look for it at and below E_anode too.
    """
    target, free, impossible = _target(stack, E_target, below_anode=below_anode)
    leak, log_leak, E_left, E_right = _across(stack, target, jnp.asarray(coating_side))
    leak = _unless_unknown(leak, E_target, E_right)
    return Span(leak, log_leak, E_left, E_right, free, impossible)


def _across(
    stack: Stack, target: Scalar, coating_side: Bool[Array, ""]
) -> tuple[Scalar, Scalar, Scalar, Scalar]:
    """Leak current, its logarithm and the potentials at the coating's faces with E* at a target."""
    index, contacts = coating_index(stack), _contacts(stack)
    between = as_floats((stack, contacts[index]))[1]
    own, contact = jnp.where(coating_side, between, 0.0), jnp.where(coating_side, 0.0, between)
    asr = None if stack.interface_asr is None else (*contacts[:index], own)
    part = solve(replace(stack, layers=stack.layers[:index], E_cathode=target, interface_asr=asr))
    leak = part.leak_current_density
    ionic = as_floats(stack).current_density + leak
    asr = None if stack.interface_asr is None else contacts[index + 1 :]
    beyond = replace(stack, layers=stack.layers[index + 1 :], interface_asr=asr)
    E_right = march(beyond, leak, part.log_leak, backward=True)
    return leak, part.log_leak, target + ionic * contact, E_right


def electrolyte_span(stack: Stack, E_target: ArrayLike) -> Span:
    """What the electrolyte would span if its cathode-side face were at E_target."""
    index, contacts = coating_index(stack), _contacts(stack)
    target, free, impossible = _target(stack, E_target)
    asr = None if stack.interface_asr is None else contacts[index:]
    behind = replace(stack, layers=stack.layers[index:], E_anode=target, interface_asr=asr)
    number, log_leak = _leak_through(behind)
    before = replace(
        stack, layers=stack.layers[: index - 1], interface_asr=asr and contacts[:index]
    )
    E_left = march(before, number, log_leak, backward=False)
    leak = _unless_unknown(number, E_target, E_left)
    return Span(leak, log_leak, E_left, target, free, impossible)


def _leak_through(stack: Stack) -> tuple[Scalar, Scalar]:
    """Leak current through the layers of a stack, and its logarithm.

    One layer alone at open circuit is solved with a thickness of 1 cm: in a batch of thicknesses
    its integral is then computed once.
    """
    layer = stack.layers[0]
    scales = len(stack.layers) == 1 and stack.interface_asr is None and is_open_circuit(stack)
    if layer.sigma_ele.is_constant or not scales:
        part = solve(stack)
        return part.leak_current_density, part.log_leak
    numbers = as_floats(stack)
    unit = solve(replace(stack, layers=(replace(layer, thickness=1.0),)))
    length = numbers.layers[0].thickness
    possible = (length > 0) & jnp.isfinite(length)
    log_leak = unit.log_leak - jnp.log(jnp.where(possible, length, jnp.nan))
    return jnp.sign(numbers.E_cathode - numbers.E_anode) * jnp.exp(log_leak), log_leak


def _contacts(stack: Stack) -> tuple[ArrayLike, ...]:
    return stack.interface_asr or (0.0,) * (len(stack.layers) + 1)


def _target(
    stack: Stack, E_target: ArrayLike, *, below_anode: ArrayLike = False
) -> tuple[Scalar, Scalar, Scalar]:
    """The target, moved strictly between the electrodes where it must lie there and does not, and
    whether it holds without the layer, or never."""
    numbers, target = as_floats((stack, E_target))
    free, impossible = numbers.E_cathode <= target, target <= numbers.E_anode
    impossible = impossible & ~(jnp.asarray(below_anode) & (numbers.current_density != 0))
    inside = jnp.where(free, 0.5 * (numbers.E_anode + numbers.E_cathode), target)
    return jnp.where(impossible, numbers.E_anode + 1.0, inside), free, impossible


def _unless_unknown(value: Scalar, *needed: ArrayLike) -> Scalar:
    """The value; NaN where anything that it needs is."""
    for number in needed:
        value = jnp.where(jnp.any(jnp.isnan(jnp.asarray(number))), jnp.nan, value)
    return value


def _thickness(stack: Stack, layer: Layer, span: Span) -> Scalar:
    value = thickness_between(stack, layer, span.leak, span.log_leak, span.E_left, span.E_right)
    return _unless_unknown(value, *jax.tree.leaves((layer.sigma_ion, layer.sigma_ele)))


def _constant_sigma_ele(stack: Stack, layer: Layer, span: Span) -> Scalar:
    """sigma_ele for which a layer of constant law spans its potentials; inf if ions alone do."""
    stack, layer = as_floats((stack, layer))
    ionic = (stack.current_density + span.leak) * layer.thickness / layer.sigma_ion
    electronic = span.E_right - span.E_left - ionic
    enough = electronic <= 0
    sigma = span.leak * layer.thickness / jnp.where(enough, 1.0, electronic)
    return jnp.where(enough, jnp.inf, sigma)


def _edges(span: Span, value: Scalar, *, always: float, never: float) -> Scalar:
    """The answer where the target holds anyway, where nothing reaches it, and where it is unknown.

    What holds anyway, or never, does so whatever the layers are.
    """
    value = jnp.where(jnp.isnan(span.leak), jnp.nan, value)
    return jnp.where(span.free, always, jnp.where(span.impossible, never, value))
