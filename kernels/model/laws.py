"""Electronic conductivity sigma_ele(E) of one layer: the three laws, and Arrhenius scaling.

E is the local lithium potential, V vs Li/Li+ (high E = lithium-poor); conductivities are S/cm.
Branches are handled through logarithms: at 4 V, e^(E/V_T) is e^160 and overflows float32.
"""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from muli.kernels.constants import BOLTZMANN_EV, ROOM_TEMPERATURE
from muli.kernels.model.numbers import Real


class Constant(eqx.Module):
    """sigma_ele independent of the potential. What measured, extrinsic values allow."""

    sigma_0: Float[Real, ""]


class Branches(eqx.Module):
    """sigma_0 + sigma_n exp(-z_n (E - E_n)/V_T) + sigma_p exp(+z_p (E - E_p)/V_T).

    z = 1 for dilute carriers with pinned ionic defects; 1/2 and 1/4 occur. A branch of exactly
    zero is absent. sigma_* in S/cm, E_* in V vs Li/Li+, z dimensionless.
    """

    sigma_0: Float[Real, ""]
    sigma_n: Float[Real, ""]
    E_n: Float[Real, ""]
    sigma_p: Float[Real, ""]
    E_p: Float[Real, ""]
    z_n: Float[Real, ""] = 1.0
    z_p: Float[Real, ""] = 1.0


class Table(eqx.Module):
    """log10 sigma_ele (S/cm) on an increasing grid of E (V), linear in between.

    Beyond the grid the end values hold and the status says `extrapolated_table`.
    """

    E: Float[Array, " points"]
    log10_sigma: Float[Array, " points"]


Law = Constant | Branches | Table


def constant_sigma_ele(law: Law) -> Float[Real, "..."]:
    """sigma_0 (S/cm) of a law that the caller knows to be constant."""
    assert isinstance(law, Constant)
    return law.sigma_0


def arrhenius_sigma_ion(
    sigma_ref: Float[Real, "..."],
    E_act: Float[Real, "..."],
    temperature: Float[Real, "..."],
    T_ref: Float[Real, "..."] = ROOM_TEMPERATURE,
) -> Float[Array, "..."]:
    """sigma_ion(T) from sigma*T Arrhenius: sigma_ref (T_ref/T) exp(-(E_act/k_B)(1/T - 1/T_ref)).

    S/cm, eV, K.
    """
    return sigma_ref * (T_ref / temperature) * arrhenius_factor(E_act, temperature, T_ref)


def arrhenius_factor(
    E_act: Float[Real, "..."],
    temperature: Float[Real, "..."],
    T_ref: Float[Real, "..."] = ROOM_TEMPERATURE,
) -> Float[Array, "..."]:
    """exp(-(E_act/k_B)(1/T - 1/T_ref)): what sigma_ele and its branches are scaled by. eV, K."""
    return jnp.exp(-(E_act / BOLTZMANN_EV) * (1.0 / temperature - 1.0 / T_ref))
