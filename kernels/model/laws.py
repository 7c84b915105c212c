"""Electronic conductivity sigma_ele(E) of one layer: the three laws, and Arrhenius scaling.

E is the local lithium potential, V vs Li/Li+ (high E = lithium-poor); conductivities are S/cm.
Branches are handled through logarithms: at 4 V, e^(E/V_T) is e^160 and overflows float32.
"""

from collections.abc import Sequence

import equinox as eqx
import jax
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


def as_branches(law: Law, like: Float[Array, ""]) -> Branches:
    """Any law as branches in the type of `like`: a constant as absent ones, a table as a constant
    1 S/cm that holds its place."""
    zero, one = jnp.zeros_like(like), jnp.ones_like(like)
    if isinstance(law, Branches):
        return jax.tree.map(lambda leaf: jnp.asarray(leaf, like.dtype), law)
    floor = law.sigma_0 if isinstance(law, Constant) else one
    return Branches(jnp.asarray(floor, like.dtype), zero, zero, zero, zero, one, one)


def aligned_tables(laws: Sequence[Law]) -> Table:
    """Tables of one length along a leading axis, short ones continued by their end values.

    A constant is a flat table. Branches get a table that says nothing, so that places agree. Every
    number must be an array.
    """
    tables = [_as_table(law) for law in laws]
    longest = max(table.E.size for table in tables)
    grids, values = [], []
    for table in tables:
        missing = longest - table.E.size
        beyond = table.E[-1] + jnp.arange(1, missing + 1, dtype=table.E.dtype)
        level = jnp.broadcast_to(table.log10_sigma[-1], (missing,))
        grids.append(jnp.concatenate([table.E, beyond]))
        values.append(jnp.concatenate([table.log10_sigma, level]))
    return Table(jnp.stack(grids), jnp.stack(values))


def _as_table(law: Law) -> Table:
    if isinstance(law, Table):
        return law
    level = jnp.log10(law.sigma_0) if isinstance(law, Constant) else jnp.zeros_like(law.sigma_0)
    return Table(jnp.arange(2, dtype=level.dtype), jnp.broadcast_to(level, (2,)))


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
