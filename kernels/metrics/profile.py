"""The profile inside a solved stack: lithium potential, carrier potentials, transport number.

Local equilibrium reads E = phi_e - phi_i. The ionic current I + j and the electronic current -j
are the same everywhere, so

    dphi_i/dx = -(I + j)/sigma_ion,   dphi_e/dx = j/sigma_ele(E)

Gauge: phi_e = 0 in the anode, hence phi_i = -E_anode there and phi_e in the cathode is the
terminal voltage. Each E(x) is marched from that face of its layer from which errors shrink.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.nn import sigmoid
from jaxtyping import Array, Float

from muli.kernels.model.stack import Stack
from muli.kernels.solvers.shooting import contacts_of, media_of
from muli.kernels.solvers.solve import Solution
from muli.kernels.transport.conductor import as_floats, is_constant
from muli.kernels.transport.flow import Flow
from muli.kernels.transport.medium import Medium

Number = Float[Array, "..."]
Scalar = Float[Array, ""]
hold = jax.lax.stop_gradient


class Profile(eqx.Module):
    """Values at one or many places of a stack.

    potential: E, V vs Li/Li+. phi_ion, phi_ele: potentials of Li+ and electrons, V (see the
    module for the gauge). ion_transport_number: sigma_ion/(sigma_ion + sigma_ele(E)), the share
    of the local conductivity that ions carry; the electrons' is 1 minus it.
    """

    potential: Number
    phi_ion: Number
    phi_ele: Number
    ion_transport_number: Number


class SolvedLayer(eqx.Module):
    """One layer of a solved stack, or several along a leading axis.

    left, right: E at its faces; phi_ion: at its anode side (V); leak: j (A/cm2).
    """

    medium: Medium
    left: Scalar
    right: Scalar
    phi_ion: Scalar
    leak: Scalar


def profile(stack: Stack, solution: Solution, x: Number) -> Profile:
    """Profile at positions x, cm from the anode's surface; on an interface the layer before it.

    x: a number or an array of any shape, which the profile's numbers then have; a list will do.

    Args:
        stack: conductivities in S/cm, thicknesses in cm, potentials in V vs Li/Li+; see `Stack`.
        solution: `solve(stack)`, node potentials in V vs Li/Li+.
        x: cm.

    Returns:
        Potentials (V) and the share of ions (no unit), of the shape of x; see `Profile`.
    """
    straight = is_constant(stack)
    stack = as_floats(stack)
    x = jnp.asarray(x, stack.E_anode.dtype)
    if x.ndim:
        return jax.vmap(lambda at: profile(stack, solution, at))(x)
    layers = solved_layers(stack, solution)
    ends = jnp.cumsum(layers.medium.thickness)
    index = jnp.minimum(jnp.sum(x > ends, dtype=jnp.int32), ends.size - 1)
    here = jax.tree.map(lambda leaf: leaf[index], layers)
    before = jnp.where(index > 0, ends[jnp.maximum(index - 1, 0)], 0.0)
    fraction = jnp.clip((x - before) / here.medium.thickness, 0.0, 1.0)
    inside = profile_in_layer(here, fraction[None], straight=straight)
    return jax.tree.map(lambda leaf: leaf[0], inside)


def solved_layers(stack: Stack, solution: Solution) -> SolvedLayer:
    """Every layer with what its profile needs, along a leading axis.

    Args:
        stack: conductivities in S/cm, thicknesses in cm, potentials in V vs Li/Li+; see `Stack`.
        solution: `solve(stack)`, node potentials in V vs Li/Li+.

    Returns:
        Leaves (layers, ...): potentials of faces in V, leak in A/cm2; see `SolvedLayer`.
    """
    stack = as_floats(stack)
    medium, contacts = media_of(stack), contacts_of(stack)
    leak = solution.leak_current_density
    ionic = stack.current_density + leak
    falls = ionic * (contacts[:-1] + medium.thickness / medium.sigma_ion)
    before = jnp.cumsum(falls) - falls
    phi_ion = -stack.E_anode - before - ionic * contacts[:-1]
    leaks = jnp.broadcast_to(leak, phi_ion.shape)
    return SolvedLayer(medium, solution.faces[:, 0], solution.faces[:, 1], phi_ion, leaks)


def profile_in_layer(
    layer: SolvedLayer, fractions: Float[Array, " fractions"], *, straight: bool = False
) -> Profile:
    """Profile at fractions (0 to 1) of one layer's thickness. `straight`: its law is constant.

    Args:
        layer: one of `solved_layers`: thickness in cm, potentials in V vs Li/Li+.
        fractions: (fractions,), 0 at the anode's side.
        straight: whether sigma_ele is constant.

    Returns:
        Potentials (V) and the share of ions (no unit), (fractions,); see `Profile`.
    """
    medium = layer.medium
    leak = jnp.where(jnp.isnan(layer.leak), 1.0, layer.leak)

    def march(flow: Flow) -> Float[Array, " fractions"]:
        return jax.vmap(lambda part: _potential(flow, layer, part))(fractions)

    line = layer.left + (layer.right - layer.left) * fractions
    E = line if straight else medium.ask(leak, march)
    ionic = medium.current + layer.leak
    phi_ion = layer.phi_ion - ionic * fractions * medium.thickness / medium.sigma_ion
    log_ratio = jnp.log(medium.sigma_ion) - jax.vmap(medium.log_sigma_ele)(E)
    return Profile(E, phi_ion, E + phi_ion, sigmoid(log_ratio))


def _potential(flow: Flow, layer: SolvedLayer, fraction: Scalar) -> Scalar:
    """E at a fraction of a layer, from the face with the larger |dE/dx|: errors shrink."""
    E_0, E_1, length = layer.left, layer.right, layer.medium.thickness
    from_left = -hold(flow.rates(E_0, E_1).near) <= 1.0
    travel = jnp.where(from_left, fraction, fraction - 1.0) * length
    E = _reach(flow, jnp.where(from_left, E_0, E_1), travel)
    E = jnp.clip(E, jnp.minimum(E_0, E_1), jnp.maximum(E_0, E_1))
    at_face = (fraction <= 0) | (fraction >= 1) | jnp.isnan(E_0)
    return jnp.where(at_face, jnp.where(fraction <= 0, E_0, E_1), E)


@jax.custom_jvp
def _reach(flow: Flow, E_0: Scalar, travel: Scalar) -> Scalar:
    """The potential a length (cm) after E_0, before it where negative."""
    return flow.arrive(E_0, travel).E


@_reach.defjvp
def _reach_jvp(
    primals: tuple[Flow, Scalar, Scalar], tangents: tuple[Flow, Scalar, Scalar]
) -> tuple[Scalar, Scalar]:
    flow, E_0, _ = primals
    E = _reach(*primals)
    _, miss = jax.jvp(lambda flow, E_0, travel: flow.miss(E_0, E, travel), primals, tangents)
    return E, -miss / flow.rates(E_0, E).far
