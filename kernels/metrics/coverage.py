"""A coating with holes: what its bare share does to the electrolyte beside and under it.

A share c of the interface is coated, 1 - c is holes of radius h, spread evenly; all layers have
constant conductivities. Where the coating alone does not protect, coated and bare columns stand
side by side. Where it does, the electrolyte joins them. With e = sqrt(1 - c),

    g = 4 sigma/(pi h psi),   psi = 1 - 1.409 e + 0.338 e^3 + 0.068 e^5,   h << L

is the conductance of the constriction per area of the holes (M. M. Yovanovich: flux tubes with an
isothermal spot) and G = sigma/L that of the electrolyte. The flux through the coating enters
evenly; what a hole carries beyond that is constricted:

    j_hole = q + g (E_hole - E_mean),   q = (E_c - E_coated)/R_C
    c q + (1 - c) j_hole = G (E_mean - E_a),   E_mean = c E_coated + (1 - c) E_hole

E_coated is the potential under the coating. A hole with an interphase is held at E_ox (E_hole =
E_ox): it takes up to hundreds of times the planar flux and does not short the coating. A hole that
does not heal would be at the cathode's potential (E_hole = E_c) and raise E everywhere.
Potentials V vs Li/Li+, lengths cm, conductances S/cm2, per area of the real interface.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from muli.kernels.model.numbers import Real
from muli.kernels.numerics.root import find_root

Number = Float[Array, "..."]
RESOLUTION = 1e-9
"""Newton steps of the log-odds of a share below this are the last."""


class Interface(eqx.Module):
    """Electrolyte and coating between two potentials, constant laws.

    sigma: ambipolar conductivity of the electrolyte (S/cm). thickness: of it (cm).
    coating_resistance: R_C of coating and contacts to neutral lithium (ohm cm2). E_anode_face: at
    the electrolyte's anode side. E_cathode: of the electrode. E_oxidation: of the electrolyte.
    """

    sigma: Float[Real, "..."]
    thickness: Float[Real, "..."]
    coating_resistance: Float[Real, "..."]
    E_anode_face: Float[Real, "..."]
    E_cathode: Float[Real, "..."]
    E_oxidation: Float[Real, "..."]


class Holes(eqx.Module):
    """What holes that are held at the oxidation limit do.

    E_coated: under the coating (V). leak_hole: j_hole, per area of the holes (A/cm2). joined:
    whether the coating protects, so that the electrolyte joins the columns; elsewhere both stand
    alone at E_oxidation.
    """

    E_coated: Number
    leak_hole: Number
    joined: Bool[Array, "..."]


def constriction(sigma: Number, radius: Number, hole_share: Number) -> Number:
    """g (S/cm2): conductance from the electrolyte into holes, per area of the holes."""
    e = jnp.sqrt(jnp.asarray(hole_share))
    psi = 1.0 - 1.409 * e + 0.338 * e**3 + 0.068 * e**5
    return 4.0 * sigma / (math.pi * radius * psi)


def held_holes(interface: Interface, coverage: Number, radius: Number) -> Holes:
    """Potential under the coating and flux into the holes; `coverage` is c, 0 < c <= 1.

    Args:
        interface: potentials in V vs Li/Li+, resistances in ohm cm2; see `Interface`.
        coverage: coated share c, 0 < c <= 1.
        radius: of the holes, cm.

    Returns:
        Potential under the coating (V vs Li/Li+) and flux into the holes (A/cm2 of hole).
    """
    cell, c = interface, jnp.asarray(coverage)
    G, bare, R_C = cell.sigma / cell.thickness, 1.0 - c, cell.coating_resistance
    g = constriction(cell.sigma, radius, bare)
    into = G * cell.E_anode_face + cell.E_cathode / R_C
    into = into + bare * (g + 1.0 / (R_C * c)) * cell.E_oxidation
    mean = into / (G + 1.0 / (R_C * c) + bare * g)
    under = (mean - bare * cell.E_oxidation) / c
    joined = _spare(cell) >= 0
    under, mean = (jnp.where(joined, E, cell.E_oxidation) for E in (under, mean))
    through = jnp.where(joined, (cell.E_cathode - under) / R_C, G * (mean - cell.E_anode_face))
    return Holes(under, through + g * (cell.E_oxidation - mean), joined)


def max_hole_share(interface: Interface, radius: Number) -> Number:
    """Share 1 - c of holes that, at the cathode's potential, would bring E_coated to E_oxidation.

    Holes with an interphase are held and do not do so. 0 where the coating alone does not protect,
    1 where the cathode lies within the limit; shares above a half are given as a half. One
    interface: scalars.

    Args:
        interface: potentials in V vs Li/Li+, resistances in ohm cm2; see `Interface`.
        radius: of the holes, cm.

    Returns:
        Share of the interface, 0 to 1.
    """
    cell = interface
    drive, spare = jnp.asarray(cell.E_cathode - cell.E_oxidation), _spare(cell)
    limited = (drive > 0) & (spare > 0)
    log_allowed = jnp.log(jnp.where(limited, spare, 1.0)) - jnp.log(jnp.where(limited, drive, 1.0))

    def log_admits(log_odds: Number) -> Number:
        share = 1.0 / (1.0 + jnp.exp(-log_odds))
        g = constriction(cell.sigma, radius, share)
        shorted = (1.0 - share) * g - cell.sigma / cell.thickness
        return jnp.log(share) + jnp.log(shorted) - log_allowed

    def excess(log_odds: Number) -> tuple[Number, Number, float]:
        return *jax.value_and_grad(log_admits)(log_odds), RESOLUTION

    low = 0.9 * jnp.log(jnp.finfo(log_allowed.dtype).tiny)
    share = jax.nn.sigmoid(find_root(excess, low, jnp.zeros_like(low), 0.1 * low))
    return jnp.where(drive <= 0, 1.0, jnp.where(spare > 0, share, 0.0))


def in_parallel(coverage: Number, R_coated: Number, R_bare: Number) -> Number:
    """Resistance (ohm cm2) of both columns, each given per area of its own; 0 where one is 0.

    Args:
        coverage: coated share c, 0 to 1.
        R_coated: ohm cm2 of coated interface.
        R_bare: ohm cm2 of bare interface.

    Returns:
        ohm cm2 of the whole interface.
    """
    shorted = (R_bare <= 0) & (coverage < 1) | (R_coated <= 0) & (coverage > 0)
    safe = (jnp.where(R <= 0, 1.0, R) for R in (R_coated, R_bare))
    coated, bare = safe
    total = 1.0 / (coverage / coated + (1.0 - coverage) / bare)
    return jnp.where(shorted, 0.0, total)


def _spare(interface: Interface) -> Number:
    """What the electrolyte carries at its limit beyond what the coating lets through (A/cm2)."""
    cell = interface
    carried = cell.sigma / cell.thickness * (cell.E_oxidation - cell.E_anode_face)
    return jnp.asarray(carried - (cell.E_cathode - cell.E_oxidation) / cell.coating_resistance)
