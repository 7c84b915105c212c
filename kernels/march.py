"""Across layers at a known current: where the potential arrives, and how thick a layer must be."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from kernels.conductivity import Constant
from kernels.conductor import as_floats
from kernels.stack import Layer, Stack

Scalar = Float[Array, ""]


def march(stack: Stack, leak: Scalar, log_leak: Scalar, *, backward: bool) -> Scalar:
    """Potential at the far end of a stack's layers and contacts, from E_anode or from E_cathode.

    leak: j in A/cm2 and log_leak: ln|j|. A stack without layers is its one contact.
    """
    stack = as_floats(stack)
    contacts = stack.interface_asr or ()
    current = stack.current_density
    ionic = sum(layer.thickness / layer.sigma_ion for layer in stack.layers) + sum(contacts)
    electronic = sum(layer.thickness / layer.sigma_ele.sigma_0 for layer in stack.layers)
    drop = (current + leak) * ionic + leak * electronic
    return stack.E_cathode - drop if backward else stack.E_anode + drop


def thickness_between(
    stack: Stack, layer: Layer, leak: Scalar, log_leak: Scalar, E_left: Scalar, E_right: Scalar
) -> Scalar:
    """Thickness (cm) over which a layer's potential runs from E_left to E_right at this current.

    0 where E_right is not above E_left, infinite where the current cannot climb.
    """
    stack, layer = as_floats((stack, layer))
    assert isinstance(layer.sigma_ele, Constant)
    slope = (stack.current_density + leak) / layer.sigma_ion + leak / layer.sigma_ele.sigma_0
    climbs = slope > 0
    thickness = jnp.where(climbs, (E_right - E_left) / jnp.where(climbs, slope, 1.0), jnp.inf)
    return jnp.where(E_right > E_left, thickness, 0.0)
