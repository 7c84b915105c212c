"""A coating in a cell as numbers with spreads, and the answers about it."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax.scipy.special import ndtr

Array = Any


class Line(NamedTuple):
    """A coating in a cell: numbers or arrays of one shape.

    A standard deviation of 0 says that the number is exact. Names ending in `_sd` belong to the
    name before them. Conductivities are log10 of S/cm; energies meV/atom.

    The coating's ions are a mixture of two normals (film or crystal); where it is one, the second
    has the weight 0 and any finite numbers. A coating without an oxidation limit has 99 V.

    Attributes:
        sigma_ion, sigma_ion_sd, sigma_ion_second, sigma_ion_second_sd, second_weight: the ions.
        sigma_ele, sigma_ele_sd: the electrons.
        reduction_V, reduction_sd, reduction_allowance_V, reduction_allowance_sd: the coating is
            reduced below limit minus allowance.
        oxidation_V, oxidation_sd, allowance_V, allowance_sd: it is oxidised above limit plus A.
        oxidised_loses: 1 where an oxidised coating has lost its sigma_ele (it is no oxide), else 0.
        reaction_electrolyte, ..._sd, limit_electrolyte, ..._sd: reaction energy and R of that pair.
        reaction_cathode, ..._sd, limit_cathode, ..._sd: the same with the cathode, worst state.
        electrolyte_sigma_ele, electrolyte_sigma_ele_sd: its electrons, log10 S/cm.
        electrolyte_sigma_ion_S_cm: its ions, S/cm, taken as exact.
        electrolyte_cm: its thickness.
        electrolyte_reduction_V, ..._sd, electrolyte_oxidation_V, ..._sd: its window.
        anode_V: potential of the anode; `pinned` 1: an interphase holds the anode side at the
            electrolyte's reduction limit where that is higher.
        cathode_high_V, cathode_low_V: highest and lowest potential of the states of charge judged.
        budget_ohm_cm2, contacts_ohm_cm2: resistance of coating and contacts, and contacts alone.
        area_factor: interface area over electrode area.
        current_A_cm2: cell current, positive on discharge.
        rho_ion, rho_electrolyte: correlation of log sigma_ele of the coating with its log sigma_ion
            and with the electrolyte's log sigma_ele.
    """

    sigma_ion: Array
    sigma_ion_sd: Array
    sigma_ion_second: Array
    sigma_ion_second_sd: Array
    second_weight: Array
    sigma_ele: Array
    sigma_ele_sd: Array
    reduction_V: Array
    reduction_sd: Array
    reduction_allowance_V: Array
    reduction_allowance_sd: Array
    oxidation_V: Array
    oxidation_sd: Array
    allowance_V: Array
    allowance_sd: Array
    oxidised_loses: Array
    reaction_electrolyte: Array
    reaction_electrolyte_sd: Array
    limit_electrolyte: Array
    limit_electrolyte_sd: Array
    reaction_cathode: Array
    reaction_cathode_sd: Array
    limit_cathode: Array
    limit_cathode_sd: Array
    electrolyte_sigma_ele: Array
    electrolyte_sigma_ele_sd: Array
    electrolyte_sigma_ion_S_cm: Array
    electrolyte_cm: Array
    electrolyte_reduction_V: Array
    electrolyte_reduction_sd: Array
    electrolyte_oxidation_V: Array
    electrolyte_oxidation_sd: Array
    anode_V: Array
    pinned: Array
    cathode_high_V: Array
    cathode_low_V: Array
    budget_ohm_cm2: Array = 10.0
    contacts_ohm_cm2: Array = 0.0
    area_factor: Array = 1.0
    current_A_cm2: Array = 0.0
    rho_ion: Array = 0.0
    rho_electrolyte: Array = 0.0


class Probabilities(NamedTuple):
    """Probabilities of one line at one thickness, each between 0 and 1."""

    p_works: Array
    p_chemistry: Array
    p_transport: Array
    p_protects: Array
    p_affordable: Array
    p_stable: Array
    p_inert: Array


class Recommended(NamedTuple):
    """The thickness of a line.

    Attributes:
        thickness_nm: the thinnest within 0.005 of the best P(protects and affordable).
        thickness_low_nm, thickness_high_nm: where that probability is within 90 % of the best.
        thin: whether it is below 3 nm.
        not_affordable: whether not even the thinnest film is affordable.
        asr_median_ohm_cm2: median resistance of coating and contacts at that thickness.
    """

    thickness_nm: Array
    thickness_low_nm: Array
    thickness_high_nm: Array
    thin: Array
    not_affordable: Array
    asr_median_ohm_cm2: Array


def above_zero(margin: Array, sd: Array) -> Array:
    """P(margin + sd z >= 0); 0 or 1 where the margin is exact."""
    spread = jnp.where(sd > 0, sd, 1.0)
    return jnp.where(sd > 0, ndtr(margin / spread), jnp.where(margin >= 0, 1.0, 0.0))


def hypot(a: Array, b: Array) -> Array:
    """Root of the sum of squares with a derivative of 0 at 0."""
    square = a * a + b * b
    return jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1.0)), 0.0)
