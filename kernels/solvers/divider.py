"""Stacks of constant conductivities: a voltage divider, exact, with and without current.

Layer k resists ions by r_k = L_k/sigma_ion and the pair of carriers by r_k + L_k/sigma_ele. With
the cell current I and contacts R (ionic), Wagner's equation gives

    j = (E_c - E_a - I R_ion)/(R_ele + R_ion),   E_k - E_{k-1} = I r_k + j (r_k + L_k/sigma_ele)

R_ion counting the contacts. At I = 0 the potentials are those of resistors in series.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from muli.kernels.model.laws import constant_sigma_ele
from muli.kernels.model.stack import Stack

Scalar = Float[Array, ""]


class Raw(NamedTuple):
    """A solver's answer before it is checked: faces (N, 2) in V, j in A/cm2, ln|j|, slope in V.

    `slope` is the largest |dE/d ln(resistance ratio)| of the nodes, or a bound of it: how far an
    answer moves when its inputs do.
    """

    faces: Float[Array, "layers 2"]
    leak_current_density: Scalar
    log_leak: Scalar
    slope: Scalar


def solve_constant(stack: Stack) -> Raw:
    """Potentials and leak current of a stack whose laws are all constant."""
    ionic = [layer.thickness / layer.sigma_ion for layer in stack.layers]
    both = [
        r + layer.thickness / constant_sigma_ele(layer.sigma_ele)
        for r, layer in zip(ionic, stack.layers, strict=True)
    ]
    none = jnp.zeros_like(stack.E_anode)
    contacts = stack.interface_asr or (none,) * (len(stack.layers) + 1)
    current = stack.current_density
    drive = stack.E_cathode - stack.E_anode - current * (sum(ionic) + sum(contacts))
    total = sum(both) + sum(contacts)
    leak = drive / total
    faces, E = [], stack.E_anode
    for r_ion, r_both, contact in zip(ionic, both, contacts[:-1], strict=True):
        left = E + (current + leak) * contact
        E = left + current * r_ion + leak * r_both
        faces.append(jnp.stack([left, E]))
    faces[-1] = faces[-1].at[1].set(stack.E_cathode - (current + leak) * contacts[-1])
    nothing = drive == 0
    log_leak = jnp.log(jnp.where(nothing, 1.0, jnp.abs(drive))) - jnp.log(total)
    slope = 0.25 * jnp.abs(stack.E_cathode - stack.E_anode)
    return Raw(jnp.stack(faces), leak, jnp.where(nothing, -jnp.inf, log_leak), slope)
