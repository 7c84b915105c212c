"""Electrolyte | coating with constant laws at open circuit, in plain arithmetic.

For whole planes of stacks: every number of the stack may be an array, they broadcast together,
and nothing iterates or branches on values, so that a compiler fuses all columns into one pass and
drops those not asked for. `metrics_of_plane` agrees with `metrics`, which is general. Lengths cm,
conductivities S/cm, potentials V vs Li/Li+, currents A/cm2, resistances ohm cm2.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from muli.kernels.metrics.judge import Facts, Limits, Metrics, judge, never_oxidised
from muli.kernels.model.boundary import Boundary
from muli.kernels.model.laws import constant_sigma_ele
from muli.kernels.model.stack import Layer, Stack
from muli.kernels.transport.conductor import is_constant
from muli.outcomes import Status

Number = Float[Array, "..."]


class Divider(NamedTuple):
    """Both sides of the electrolyte|coating contact, and the leak current."""

    E_electrolyte: Number
    E_coating: Number
    leak: Number


def layer_resistance(thickness: Number | float, sigma_ion: Number, sigma_ele: Number) -> Number:
    """L/sigma_amb: the resistance to an ion and its electron together.

    Args:
        thickness: cm.
        sigma_ion: S/cm.
        sigma_ele: S/cm.

    Returns:
        ohm cm2.
    """
    return thickness * (1.0 / sigma_ion + 1.0 / sigma_ele)


def contact_potentials(
    E_anode: Number, E_cathode: Number, R_electrolyte: Number, R_contact: Number, R_coating: Number
) -> Divider:
    """Potentials on both sides of the contact of resistors in series.

    Args:
        E_anode, E_cathode: V vs Li/Li+.
        R_electrolyte, R_contact, R_coating: ohm cm2.

    Returns:
        Potentials, V vs Li/Li+; see `Divider`.
    """
    leak = (E_cathode - E_anode) / (R_electrolyte + R_contact + R_coating)
    return Divider(E_anode + leak * R_electrolyte, E_cathode - leak * R_coating, leak)


def required_resistance(
    E_anode: Number, E_cathode: Number, R_electrolyte: Number, E_target: Number
) -> Number:
    """Resistance after the electrolyte that brings its cathode-side face down to E_target.

    0 where E_cathode is not above the target, infinite where E_anode is not below it, NaN where
    that depends on what is unknown.

    Args:
        E_anode, E_cathode, E_target: V vs Li/Li+.
        R_electrolyte: ohm cm2.

    Returns:
        ohm cm2.
    """
    impossible = E_target <= E_anode
    over_leak = R_electrolyte / jnp.where(impossible, 1.0, E_target - E_anode)
    needed = jnp.where(impossible, jnp.inf, (E_cathode - E_target) * over_leak)
    return jnp.where(E_cathode <= E_target, 0.0, needed)


def sigma_ele_at_resistance(required: Number, thickness: Number, sigma_ion: Number) -> Number:
    """sigma_ele at which a layer of this thickness has the required resistance.

    Infinite where its ionic resistance alone suffices, 0 where the required one is infinite.

    Args:
        required: ohm cm2.
        thickness: cm.
        sigma_ion: S/cm.

    Returns:
        S/cm.
    """
    electronic = required - thickness / sigma_ion
    enough = electronic <= 0
    return jnp.where(enough, jnp.inf, thickness / jnp.where(enough, 1.0, electronic))


class Plane(NamedTuple):
    """Resistances of electrolyte | coating stacks in series, ohm cm2, with the anode's contact
    counted to the electrolyte and the cathode's to the coating."""

    before: Number
    contact: Number
    after: Number
    E_anode: Number
    E_cathode: Number


def metrics_of_plane(stack: Stack, limits: Limits, *, boundary: Boundary | None = None) -> Metrics:
    """All columns of electrolyte | coating stacks of constant laws at open circuit.

    Every leaf may be an array; contacts at the electrodes and at the interface count. Unknown
    conductivities and windows (NaN) are `missing_property` and blank only what needs them.

    Args:
        stack: leaves of any shapes that broadcast, S/cm, cm and V vs Li/Li+; see `Stack`.
        limits: windows in V vs Li/Li+, budget in ohm cm2; see `Limits`.
        boundary: potentials in V vs Li/Li+.

    Returns:
        Every column with the unit in its name, of the broadcast shape; see `Metrics`.
    """
    if len(stack.layers) != 2 or stack.electrolyte != 0 or not is_constant(stack):
        raise ValueError("a plane is electrolyte | coating with constant laws")
    first, middle, last = stack.interface_asr or (0.0, 0.0, 0.0)
    electrolyte, coating = stack.layers
    plane = Plane(
        first + _resistance(electrolyte, electrolyte.thickness),
        middle + 0.0 * electrolyte.thickness,
        last + _resistance(coating, coating.thickness),
        stack.E_anode,
        stack.E_cathode,
    )
    E_electrolyte, E_coating, leak = contact_potentials(*plane[3:], *plane[:3])
    asr_coating = coating.thickness / coating.sigma_ion + (first + middle + last)
    asr_electrolyte = electrolyte.thickness / electrolyte.sigma_ion
    ends = _ends(stack, boundary)
    facts = Facts(
        faces=(
            (stack.E_anode + leak * first, E_electrolyte),
            (E_coating, stack.E_cathode - leak * last),
        ),
        leak=leak,
        overshoot=jnp.zeros_like(leak),
        terminal_voltage=ends - leak * (asr_coating + asr_electrolyte),
        asr_coating=asr_coating,
        asr_electrolyte=asr_electrolyte,
        **_coating_inverses(stack, limits, plane),
        **_electrolyte_inverses(stack, limits, plane),
        anode_pinned=jnp.zeros((), bool) if boundary is None else boundary.anode_pinned,
        cathode_pinned=jnp.zeros((), bool) if boundary is None else boundary.cathode_pinned,
        unprotectable=limits.electrolyte.oxidation <= stack.E_anode,
        never_oxidised=never_oxidised(stack, limits.electrolyte.oxidation),
        status=jnp.where(jnp.isnan(leak), Status.MISSING_PROPERTY, Status.OK).astype(jnp.int32),
        electrolyte=stack.electrolyte,
    )
    return judge(facts, limits)


def _resistance(layer: Layer, thickness: Number | float) -> Number:
    return layer_resistance(thickness, layer.sigma_ion, constant_sigma_ele(layer.sigma_ele))


def _ends(stack: Stack, boundary: Boundary | None) -> Number:
    if boundary is None:
        return stack.E_cathode - stack.E_anode
    return boundary.E_cathode_electrode - boundary.E_anode_electrode


def _coating_inverses(stack: Stack, limits: Limits, plane: Plane) -> dict[str, Number]:
    """Thicknesses of the coating at which E* meets a limit, and what its sigma_ele may be."""
    first, middle, last = stack.interface_asr or (0.0, 0.0, 0.0)
    coating, window = stack.layers[1], limits.electrolyte
    ends = plane.E_anode, plane.E_cathode

    def needed(E_target: Number, before: Number, fixed: Number) -> Number:
        return jnp.maximum(required_resistance(*ends, before, E_target) - fixed, 0.0)

    required = needed(window.oxidation, plane.before, middle + last)
    own = needed(limits.coatings[0].reduction, plane.before + plane.contact, last)
    electrolyte = needed(window.reduction, plane.before, middle + last)
    affordable = jnp.maximum(limits.asr_budget - (first + middle + last), 0.0) * coating.sigma_ion
    per_cm = _resistance(coating, 1.0)
    return {
        "min_thickness": _over(required, per_cm),
        "thickness_by_resistance": affordable,
        "thickness_by_coating_reduction": _over(own, per_cm),
        "thickness_by_electrolyte_reduction": _over(electrolyte, per_cm),
        "max_sigma_ele": sigma_ele_at_resistance(required, coating.thickness, coating.sigma_ion),
        "max_sigma_ele_at_L_max": sigma_ele_at_resistance(required, affordable, coating.sigma_ion),
    }


def _over(required: Number, per_cm: Number) -> Number:
    """Thickness of a layer with the required resistance; 0 where that is 0, for any layer."""
    return jnp.where(required == 0, 0.0, required / per_cm)


def _electrolyte_inverses(stack: Stack, limits: Limits, plane: Plane) -> dict[str, Number]:
    """Largest thickness and smallest sigma_ele of an electrolyte that the coating protects."""
    electrolyte, E_target = stack.layers[0], limits.electrolyte.oxidation
    first = stack.interface_asr[0] if stack.interface_asr else 0.0
    mirrored = -plane.E_cathode, -plane.E_anode, plane.after + plane.contact, -E_target
    free = plane.E_cathode <= E_target
    most = jnp.maximum(required_resistance(*mirrored) - first, 0.0)
    most = jnp.where(free, jnp.inf, most)
    sigma = sigma_ele_at_resistance(most, electrolyte.thickness, electrolyte.sigma_ion)
    return {
        "max_electrolyte_thickness": most / _resistance(electrolyte, 1.0),
        "min_electrolyte_sigma_ele": sigma,
    }
