"""Contact under stack pressure, and the larger interface of a composite cathode.

Two laws for the share of an interface that is in real contact. Elastic rough solids (B. N. J.
Persson, J. Chem. Phys. 115, 3840 (2001), doi 10.1063/1.1388626): theta = erf(sqrt(2) p/p_full),
p_full = E* g with E* the contact modulus and g the rms slope of the surfaces; linear in p at low
pressure, 1 at high pressure. Pressed ceramic electrolytes follow a weaker power: for Li6PS5Cl the
interface resistance was found to go as p^-1/2 and as the inverse of the contact area
(arXiv:2501.00600), hence theta = sqrt(p/p_full) up to 1.

Contact loss acts on the ionic resistance of the interface. The electronic path through a coating
is limited by its bulk and is left alone: an assumption, stated here because it is one.
"""

import math

import jax.numpy as jnp
from jax.scipy.special import erf
from jax.typing import ArrayLike
from jaxtyping import Array, Float

Number = Float[Array, "..."]
MEASURED_EXPONENT = 0.5
"""Of the pressure, Li6PS5Cl, arXiv:2501.00600."""


def contact_fraction(pressure: ArrayLike, full_contact_pressure: ArrayLike) -> Number:
    """Share of an interface in real contact, elastic rough solids; both pressures in one unit."""
    return erf(math.sqrt(2.0) * jnp.maximum(jnp.asarray(pressure) / full_contact_pressure, 0.0))


def measured_contact_fraction(pressure: ArrayLike, full_contact_pressure: ArrayLike) -> Number:
    """Share in contact by the measured square-root law, 1 from `full_contact_pressure` on."""
    ratio = jnp.asarray(pressure) / full_contact_pressure
    apart = ratio <= 0
    part = jnp.where(apart, 1.0, jnp.minimum(ratio, 1.0)) ** MEASURED_EXPONENT
    return jnp.where(apart, 0.0, part)


def interface_asr(
    intimate_asr: ArrayLike, contact: ArrayLike = 1.0, area_factor: ArrayLike = 1.0
) -> Number:
    """Interface resistance per electrode area, ohm cm2: R_intimate/(theta a); infinite at theta 0.

    area_factor: interface area over electrode area of a composite cathode, 1 for a planar one.
    """
    loaded = jnp.asarray(contact) * area_factor
    open_ = loaded <= 0
    return jnp.where(open_, jnp.inf, intimate_asr / jnp.where(open_, 1.0, loaded))


def coating_thickness_per_electrode(thickness: ArrayLike, area_factor: ArrayLike) -> Number:
    """L/a: what enters Wagner's equation for a coating spread over a times the electrode area.

    The same for ions and electrons; valid while the coating is thin against the particle radius.
    """
    return jnp.asarray(thickness) / area_factor
