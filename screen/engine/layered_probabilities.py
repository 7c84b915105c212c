"""The probability that a coating of several layers works, by draws over the explicit solution.

The lithium potential falls through resistances in series, each layer's L/sigma_ele + L/sigma_ion
(constant laws). Questions of the whole coating:

- protects: E_red,SE <= E* <= E_ox,SE, and every layer keeps its sigma_ele: it is not reduced at its
  own face towards the electrolyte, and, where it is no oxide, not oxidised at its other face;
- affordable: all layers and contacts within the budget;
- stable: every layer withstands the potential at its own face towards the cathode: at most
  E_ox + A. At an inner layer it is the cathode's potential less the drop in the layers behind it;
- inert: the first layer with the electrolyte, the last with the cathode, and each with the next.

Conductivities and the pinned limit of the electrolyte are drawn (scrambled Sobol points); given a
draw all potentials are known, and limits are integrated exactly. Layers of one material have one
draw, and one limit: the worst of their margins decides. Contact resistances count as if they lay
between electrolyte and coating, as with one layer.

Deterministic. Tested against independent draws of everything (tests/screen).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtri
from numpy.typing import NDArray

from muli.kernels.constants import CM_PER_NM
from muli.screen.engine.probability_line import (
    Array,
    Line,
    Probabilities,
    above_zero,
    hypot,
)
from muli.screen.engine.probability_window import LN10, in_order

SEED = 1
_AT_ONCE = 32
"""Combinations judged together, so few that their draws fit into the cache."""


class Layers(NamedTuple):
    """A coating of n layers in a cell, first the layer at the electrolyte.

    Attributes:
        each: the line of every layer as if it were the whole coating; arrays (n,).
        touching, touching_sd: reaction energy of a layer with the next, meV/atom, (n - 1,).
        limit, limit_sd: R of those contacts.
        same: whether two layers are of one material, (n, n).
    """

    each: Line
    touching: Array
    touching_sd: Array
    limit: Array
    limit_sd: Array
    same: Array


class Judged(NamedTuple):
    """Probabilities of one coating at some combinations of thicknesses, and its median resistance
    (ohm cm2), each (combinations,)."""

    p: Probabilities
    asr_median_ohm_cm2: Array


class _Drawn(NamedTuple):
    """Draws along the first axis: potentials (draws,) and resistances per cm (draws, n)."""

    anode: Array
    electrolyte: Array
    ion: Array
    whole: Array


def points(layers: int, count: int) -> NDArray[np.float64]:
    """Scrambled Sobol points inside (0, 1), (count, 2 layers + 2); count: a power of two."""
    import scipy.stats

    sample = scipy.stats.qmc.Sobol(2 * layers + 2, scramble=True, rng=SEED).random(count)
    return np.clip(sample, 1e-7, 1.0 - 1e-7)


def judge(layers: Layers, nm: Array, drawn: Array) -> Judged:
    """Every probability of one coating.

    Args:
        layers: the coating.
        nm: thicknesses (combinations, n).
        drawn: `points` (draws, 2 n + 2).
    """
    cell: Line = jax.tree.map(lambda value: jnp.asarray(value)[..., 0], layers.each)
    inert, order = _inert(layers), in_order(cell)
    random = _drawn(layers, cell, drawn)

    def at(thickness: Array) -> Judged:
        return _judged(layers, cell, thickness * CM_PER_NM / cell.area_factor, random)

    judged = jax.lax.map(at, nm, batch_size=_AT_ONCE)
    p = judged.p
    # a coating that protects implies that the electrolyte's limits are in order
    return judged._replace(
        p=Probabilities(
            p_works=p.p_works * inert / order,
            p_chemistry=p.p_chemistry * inert,
            p_transport=p.p_transport / order,
            p_protects=p.p_protects / order,
            p_affordable=p.p_affordable,
            p_stable=p.p_stable,
            p_inert=jnp.broadcast_to(inert, p.p_stable.shape),
        )
    )


def _drawn(layers: Layers, cell: Line, drawn: Array) -> _Drawn:
    n = layers.same.shape[0]
    line, first = layers.each, jnp.argmax(layers.same, axis=1)
    drawn = jnp.asarray(drawn)
    normal = ndtri(drawn[:, n:])
    log_ion = jax.vmap(_ions, (None, 0))(line, drawn[:, first])
    log_ele = jax.vmap(lambda z: line.sigma_ele + line.sigma_ele_sd * z)(normal[:, first])
    ele = cell.electrolyte_sigma_ele + cell.electrolyte_sigma_ele_sd * normal[:, n]
    red = cell.electrolyte_reduction_V + cell.electrolyte_reduction_sd * normal[:, n + 1]
    ion, electron = (jnp.exp(jnp.minimum(-LN10 * log, 80.0)) for log in (log_ion, log_ele))
    per_cm = 1.0 / cell.electrolyte_sigma_ion_S_cm + jnp.exp(-LN10 * ele)
    anode = jnp.where(cell.pinned > 0, jnp.maximum(cell.anode_V, red), cell.anode_V)
    return _Drawn(anode, cell.electrolyte_cm * per_cm, ion, ion + electron)


def _ions(each: Line, share: Array) -> Array:
    """log10 sigma_ion of every layer, a mixture of two normals, at a share of probability (n,)."""
    second = each.second_weight
    first = 1.0 - second
    past = (share - first) / jnp.where(second > 0, second, 1.0)
    inside = jnp.where(share < first, share / jnp.where(first > 0, first, 1.0), past)
    tiny = jnp.finfo(inside.dtype).eps
    z = ndtri(jnp.clip(inside, tiny, 1.0 - tiny))
    from_first = each.sigma_ion + each.sigma_ion_sd * z
    return jnp.where(
        share < first, from_first, each.sigma_ion_second + each.sigma_ion_second_sd * z
    )


def _judged(layers: Layers, cell: Line, cm: Array, drawn: _Drawn) -> Judged:
    """Means over the draws at one combination (n,), in cm as it enters the divider."""
    line = layers.each
    ion, whole = cm[None, :] * drawn.ion, cm[None, :] * drawn.whole
    cost = ion.sum(1) + cell.contacts_ohm_cm2
    pays = jnp.where(cost <= cell.budget_ohm_cm2, 1.0, 0.0)
    star, outer, _ = _faces(cell, cell.cathode_high_V, drawn, ion, whole)
    low_star, _, low_inner = _faces(cell, cell.cathode_low_V, drawn, ion, whole)
    own_sd = hypot(line.reduction_sd, line.reduction_allowance_sd)
    own = line.reduction_V - line.reduction_allowance_V
    keeps = _holds(layers, low_inner - own[None, :], own_sd).prod(1)
    keeps = keeps * above_zero(cell.electrolyte_oxidation_V - star, cell.electrolyte_oxidation_sd)
    inside = above_zero(low_star - cell.electrolyte_reduction_V, cell.electrolyte_reduction_sd)
    keeps = keeps * jnp.where(cell.pinned > 0, 1.0, inside)
    margin = (line.oxidation_V + line.allowance_V)[None, :] - outer
    stands = _holds(layers, margin, hypot(line.oxidation_sd, line.allowance_sd))
    stable = stands.prod(1)
    protects = keeps * jnp.where(line.oxidised_loses[None, :] > 0, stands, 1.0).prod(1)
    return Judged(
        Probabilities(
            p_works=(keeps * stable * pays).mean(),
            p_chemistry=(stable * pays).mean(),
            p_transport=(protects * pays).mean(),
            p_protects=protects.mean(),
            p_affordable=pays.mean(),
            p_stable=stable.mean(),
            p_inert=jnp.ones_like(pays[0]),
        ),
        jnp.median(cost),
    )


def _faces(
    cell: Line, cathode: Array, drawn: _Drawn, ion: Array, whole: Array
) -> tuple[Array, Array, Array]:
    """E* (draws,), and the potential of every layer's faces (draws, n): outer and inner.

    Outer is the one towards the cathode. Under current a coating that is not affordable is judged
    with the polarisation of one that just is.
    """
    electrolyte_ion = cell.electrolyte_cm / cell.electrolyte_sigma_ion_S_cm
    cost = ion.sum(1) + cell.contacts_ohm_cm2
    most = jnp.maximum(cell.budget_ohm_cm2, cell.contacts_ohm_cm2)
    share = jnp.minimum(cost, most) / jnp.where(cost > 0, cost, 1.0)
    anode = drawn.anode + cell.current_A_cm2 * electrolyte_ion
    span = cathode - cell.current_A_cm2 * share * cost - anode
    leak = span / (drawn.electrolyte + whole.sum(1) + cell.contacts_ohm_cm2)
    fall = leak[:, None] * whole + cell.current_A_cm2 * share[:, None] * ion
    behind = jnp.cumsum(fall[:, ::-1], axis=1)[:, ::-1]
    star = anode + leak * drawn.electrolyte
    outer = cathode - behind + fall
    inner = jnp.concatenate([star[:, None], (cathode - behind)[:, 1:]], axis=1)
    return star, outer, inner


def _holds(layers: Layers, margin: Array, sd: Array) -> Array:
    """P(margin + sd z >= 0) of every layer; layers of one material count once, by the worst."""
    worst = jnp.where(layers.same[None], margin[:, None, :], jnp.inf).min(2)
    once = jnp.argmax(layers.same, axis=1) == jnp.arange(layers.same.shape[0])
    return jnp.where(once[None, :], above_zero(worst, sd[None, :]), 1.0)


def _inert(layers: Layers) -> Array:
    line = layers.each
    first = above_zero(
        line.reaction_electrolyte[0] - line.limit_electrolyte[0],
        hypot(line.reaction_electrolyte_sd[0], line.limit_electrolyte_sd[0]),
    )
    last = above_zero(
        line.reaction_cathode[-1] - line.limit_cathode[-1],
        hypot(line.reaction_cathode_sd[-1], line.limit_cathode_sd[-1]),
    )
    spread = hypot(layers.touching_sd, layers.limit_sd)
    alike = jnp.diagonal(layers.same, 1)
    between = jnp.where(alike, 1.0, above_zero(layers.touching - layers.limit, spread))
    return first * last * between.prod()
