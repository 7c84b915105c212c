"""Imperfect contacts and composite cathodes: resistances and thicknesses per electrode area.

Two rough solids touch on a fraction theta of their nominal area that grows linearly with the
pressure and saturates at 1 (B. N. J. Persson, J. Chem. Phys. 115, 3840 (2001),
doi 10.1063/1.1388626, elastic contact of a randomly rough surface):

    theta(p) = erf(sqrt(2) p/(E' h'))     ~ sqrt(8/pi) p/(E' h') at low pressure

E' is the effective modulus of the pair and h' the root-mean-square slope of the surface. Contact
loss acts on the ionic interface resistance. The electronic path is limited by the coating's bulk
and is left alone. A composite cathode has `area_factor` times its electrode's area as interface;
the coating covers all of it, so that per electrode area its thickness counts divided by that
factor, for ions and electrons alike.
"""

import jax.numpy as jnp
from jax.scipy.special import erf
from jaxtyping import Array, Float

from muli.kernels.model.numbers import Real


def contact_fraction(
    pressure: Float[Real, "..."],
    effective_modulus: Float[Real, "..."],
    rms_slope: Float[Real, "..."],
) -> Float[Array, "..."]:
    """Share of the nominal area in contact, 0 to 1; both pressures in the same unit (MPa).

    Args:
        pressure: MPa.
        effective_modulus: MPa.
        rms_slope: root mean square slope of the surfaces, without a unit.

    Returns:
        A share without a unit.
    """
    return erf(jnp.sqrt(2.0) * pressure / (jnp.asarray(effective_modulus) * rms_slope))


def interface_resistance(
    intimate: Float[Real, "..."],
    contact_fraction: Float[Real, "..."] = 1.0,
    area_factor: Float[Real, "..."] = 1.0,
) -> Float[Array, "..."]:
    """Resistance per electrode area (ohm cm2) of an interface that has `intimate` in full contact.

    Infinite where nothing touches.

    Args:
        intimate: ohm cm2 of real contact.
        contact_fraction: 0 to 1.
        area_factor: interface area over electrode area.

    Returns:
        ohm cm2 of electrode.
    """
    return jnp.asarray(intimate) / (jnp.asarray(contact_fraction) * area_factor)


def thickness_per_electrode_area(
    thickness: Float[Real, "..."], area_factor: Float[Real, "..."]
) -> Float[Array, "..."]:
    """What a coating's thickness counts as in a stack: L/a, in the unit given.

    Args:
        thickness: cm (or another unit of length).
        area_factor: interface area over electrode area.

    Returns:
        L/a in the unit of the thickness.
    """
    return jnp.asarray(thickness) / area_factor
