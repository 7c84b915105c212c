"""Stability windows, and the potentials at which an electrolyte pins itself.

Where a bare electrolyte is not stable against the electrode it touches, the interphase that forms
holds the lithium potential at the electrolyte's own limit (Christoph D. Alt and J. Janek, Nat.
Energy 2026, doi 10.1038/s41560-026-02038-1). Coatings never pin: a coated side keeps the
electrode's potential.
"""

from typing import Literal

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from muli.kernels.model.numbers import Real

BoundaryChoice = Literal["electrode", "interphase", "auto"]
"""How the end of a stack takes its potential; `resolve_boundary` says what each means."""


class Window(eqx.Module):
    """Stability window: reduction and oxidation limit, V vs Li/Li+; NaN where unknown."""

    reduction: Float[Real, "..."]
    oxidation: Float[Real, "..."]


class Boundary(eqx.Module):
    """Potentials a stack is solved between, those of its electrodes, and which sides are pinned."""

    E_anode: Float[Array, "..."]
    E_cathode: Float[Array, "..."]
    E_anode_electrode: Float[Array, "..."]
    E_cathode_electrode: Float[Array, "..."]
    anode_pinned: Bool[Array, "..."]
    cathode_pinned: Bool[Array, "..."]


def resolve_boundary(
    E_anode: Float[Real, "..."],
    E_cathode: Float[Real, "..."],
    electrolyte: Window,
    *,
    choice: BoundaryChoice = "auto",
    anode_coated: bool = False,
    cathode_coated: bool = True,
) -> Boundary:
    """Potentials at both ends of a stack from those of its electrodes (V vs Li/Li+).

    `interphase` pins a bare side at max(E_anode, reduction limit) or min(E_cathode, oxidation
    limit); `auto` comes to the same numbers, because a stable side is left alone by both;
    `electrode` never pins. An unknown limit (NaN) pins nothing.

    Args:
        E_anode, E_cathode: potentials of the electrodes, V vs Li/Li+.
        electrolyte: its window, V vs Li/Li+.
        choice: see above.
        anode_coated, cathode_coated: whether a layer keeps that electrode from the electrolyte.

    Returns:
        Potentials of both ends (V vs Li/Li+) and which of them are pinned.
    """
    if choice not in ("electrode", "interphase", "auto"):
        raise ValueError(f"boundary {choice!r}: expected 'electrode', 'interphase' or 'auto'")
    E_anode, E_cathode = jnp.asarray(E_anode), jnp.asarray(E_cathode)
    may_pin = choice != "electrode"
    low = (may_pin and not anode_coated) & (jnp.asarray(electrolyte.reduction) > E_anode)
    high = (may_pin and not cathode_coated) & (jnp.asarray(electrolyte.oxidation) < E_cathode)
    return Boundary(
        jnp.where(low, electrolyte.reduction, E_anode),
        jnp.where(high, electrolyte.oxidation, E_cathode),
        E_anode,
        E_cathode,
        low,
        high,
    )
