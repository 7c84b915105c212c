"""A row of a screen that ages: what its interphases grow from, and what they add to the cell.

Constant laws, resistances to neutral lithium per area of the electrode sheet. Whether the cathode
side grows is decided with the anode's face held at the reduction limit where the anode lies below
it (a bare anode). A coating with holes: the columns of `coverage.py`.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from muli.kernels.metrics.coverage import Interface, held_holes, in_parallel
from muli.kernels.metrics.growth_law import Feed, final_thickness, thickness_after
from muli.kernels.model.numbers import Real

Scalar = Float[Array, ""]
Number = Float[Real, ""]
LEAST_COVERAGE = 0.1
"""A coated share below it is judged as standing beside the bare one: holes have merged."""


class Rising(eqx.Module):
    """How sigma_ele of products rises with the potential: exp(slope (E - reference)), 1/V and V.

    floor: the part of sigma_ele that does not depend on the potential, S/cm.
    """

    slope: Number
    reference: Number
    floor: Number = 0.0


class Layer(eqx.Module):
    """Products as one layer: S/cm, S/cm, cm3/C, cm/s.

    rising: None where sigma_ele is constant; else sigma_ele is that at the reference, above the
    floor. Exact for a bare interface; behind a coating the potential at its far face is taken as
    the electrode's.
    """

    sigma_ion: Number
    sigma_ele: Number
    volume_per_charge: Number
    reaction_rate: Number
    rising: Rising | None = None


class Holes(eqx.Module):
    """What a coating leaves bare.

    coverage: coated share of the interface, 0 to 1. radius: of a hole, cm. products: what the
    electrolyte becomes in it.
    """

    coverage: Number
    radius: Number
    products: Layer


class Row(eqx.Module):
    """One row. Potentials V vs Li/Li+, resistances ohm cm2 of electrode sheet.

    E_anode, E_cathode: of the electrodes. reduction, oxidation: limits of the electrolyte.
    electrolyte_resistance, coating_resistance: to neutral lithium, L (1/sigma_ion + 1/sigma_ele)
    and contacts. asr_coating: ionic, coating and contacts; with the interphases it has to stay
    within asr_budget. area_factor: a. cathode, anode: products on each side. electrolyte_thickness:
    cm, the thickest that an interphase becomes. anode_counts: 1 where the anode's interphase uses
    up the budget, too, else 0. holes: None where the coating is whole.
    """

    E_anode: Number
    E_cathode: Number
    reduction: Number
    oxidation: Number
    electrolyte_resistance: Number
    coating_resistance: Number
    asr_coating: Number
    asr_budget: Number
    area_factor: Number
    cathode: Layer
    anode: Layer
    electrolyte_thickness: Number
    anode_counts: Number
    holes: Holes | None = None


class Feeds(NamedTuple):
    """What interphases grow from: under the coating, on the anode, in holes (per real area).

    unprotected: share of the interface that is held at the oxidation limit.
    """

    cathode: Feed
    anode: Feed
    hole: Feed | None
    unprotected: Scalar


class Grown(NamedTuple):
    """Thicknesses (cm) under the coating, on the anode, in holes."""

    cathode: Scalar
    anode: Scalar
    hole: Scalar | None


def feeds_of(row: Row) -> Feeds:
    """Both sides; a side that is not held has no drive."""
    E_a = jnp.where(row.reduction > row.E_anode, row.reduction, row.E_anode)
    total = row.electrolyte_resistance + row.coating_resistance
    planar = E_a + (row.E_cathode - E_a) * row.electrolyte_resistance / total
    held = planar > row.oxidation
    E_c = jnp.where(held, row.oxidation, planar)
    leak = jnp.maximum((E_c - E_a) / row.electrolyte_resistance, 0.0)
    unknown = jnp.where(jnp.isnan(row.oxidation + total), jnp.nan, 0.0)
    ends = E_c + unknown, jnp.where(held, row.E_cathode, E_c)
    cathode = _feed(row.cathode, ends, row.coating_resistance, leak, row.area_factor)
    zero, one = jnp.zeros_like(leak), jnp.ones_like(leak)
    ends = E_a + jnp.where(jnp.isnan(row.reduction), jnp.nan, 0.0), row.E_anode
    anode = _feed(row.anode, ends, zero, leak, one)
    share = jnp.where(held, one, zero) + unknown
    if row.holes is None:
        return Feeds(cathode, anode, None, share)
    hole = _hole(row, row.holes, E_a, leak)
    open_share = jnp.where(held, one, 1.0 - row.holes.coverage)
    beyond = row.E_cathode > row.oxidation
    return Feeds(cathode, anode, hole, jnp.where(beyond, open_share, zero) + unknown)


def _hole(row: Row, holes: Holes, E_a: Scalar, leak: Scalar) -> Feed:
    """What holes grow from, per real area."""
    length = row.electrolyte_thickness
    interface = Interface(
        sigma=length / row.electrolyte_resistance,
        thickness=length * row.area_factor,
        coating_resistance=row.coating_resistance * row.area_factor,
        E_anode_face=E_a,
        E_cathode=row.E_cathode,
        E_oxidation=row.oxidation,
    )
    held = held_holes(interface, jnp.maximum(holes.coverage, LEAST_COVERAGE), holes.radius)
    joined = held.joined & (holes.coverage >= LEAST_COVERAGE)
    taken = jnp.where(joined, held.leak_hole, leak / row.area_factor)
    ends = row.oxidation, jnp.maximum(row.E_cathode, row.oxidation)
    zero, one = jnp.zeros_like(taken), jnp.ones_like(taken)
    return _feed(holes.products, ends, zero, jnp.maximum(taken, 0.0), one)


def _feed(
    one: Layer, ends: tuple[Scalar, Scalar], resistance: Scalar, leak: Scalar, area: Scalar
) -> Feed:
    """ends: potentials at the held face and at the electrode; the same where nothing is held."""
    return Feed(
        jnp.abs(ends[1] - ends[0]),
        resistance,
        _per_length(one, ends) / area,
        leak,
        one.volume_per_charge / area,
        one.reaction_rate,
    )


def _per_length(one: Layer, ends: tuple[Scalar, Scalar]) -> Scalar:
    """r (ohm cm): the drive over the integral of the ambipolar conductivity between the ends."""
    plain = 1.0 / one.sigma_ion + 1.0 / one.sigma_ele
    if one.rising is None:
        return plain
    # With h = sigma_ele exp(slope (E - reference)) and A = sigma_ion + floor the conductivity is
    # sigma_ion (floor + h)/(A + h) = sigma_ion (floor/A + (sigma_ion/A) h/(A + h)).
    slope = one.rising.slope
    base = one.sigma_ion + one.rising.floor
    low, high = (one.sigma_ele * jnp.exp(slope * (E - one.rising.reference)) for E in ends)
    rises = (slope != 0) & (ends[0] != ends[1])
    steep = jnp.where(rises, slope, 1.0)
    ratio = jnp.where(rises, (high - low) / (base + low), 1.0)
    risen = one.sigma_ion * jnp.log1p(ratio) / steep
    drive = ends[1] - ends[0]
    whole = (one.sigma_ion / base) * (one.rising.floor * drive + risen)
    return jnp.where(rises, drive / jnp.where(rises, whole, 1.0), plain)


def grown_at(feeds: Feeds, time: Scalar | float | None) -> Grown:
    """Thicknesses after a time (s), or at the end of growth."""

    def grown(feed: Feed) -> Scalar:
        if time is None:
            return final_thickness(feed)
        return thickness_after(feed, jnp.asarray(time, jnp.asarray(feed.drive).dtype))

    hole = None if feeds.hole is None else grown(feeds.hole)
    return Grown(grown(feeds.cathode), grown(feeds.anode), hole)


def none_grown(feeds: Feeds) -> Grown:
    """Nothing has grown yet."""
    nothing = jnp.zeros_like(feeds.unprotected)
    return Grown(nothing, nothing, None if feeds.hole is None else nothing)


def capped(row: Row, grown: Grown) -> Grown:
    """At most as thick as the electrolyte was."""
    return jax.tree.map(lambda length: jnp.minimum(length, row.electrolyte_thickness), grown)


def mean_thickness(row: Row, grown: Grown) -> Scalar:
    """Thickness on the cathode side, mean over the interface."""
    if row.holes is None or grown.hole is None:
        return grown.cathode
    return _shared(row.holes, grown.cathode, grown.hole)


def _shared(holes: Holes, coated: Scalar, bare: Scalar) -> Scalar:
    """c x + (1 - c) y; a share of 0 of something infinite is nothing."""
    c = holes.coverage
    return jnp.where(c > 0, c * coated, 0.0) + jnp.where(c < 1, (1.0 - c) * bare, 0.0)


def charge_of(row: Row, feeds: Feeds, grown: Grown) -> Scalar:
    """Charge on the cathode side, C per cm2 of sheet."""
    own = grown.cathode / feeds.cathode.volume_per_charge
    if row.holes is None or feeds.hole is None or grown.hole is None:
        return own
    bare = grown.hole * row.area_factor / feeds.hole.volume_per_charge
    return _shared(row.holes, own, bare)


def bare_resistance(row: Row, thickness: Scalar) -> Scalar:
    """Resistance of the interphase in holes, as if it covered the whole interface."""
    assert row.holes is not None
    return thickness / (row.holes.products.sigma_ion * row.area_factor)


def _on_cathode(row: Row, grown: Grown) -> Scalar:
    """Coating, contacts and interphase of the cathode side, ohm cm2 of sheet."""
    coated = row.asr_coating + grown.cathode / (row.cathode.sigma_ion * row.area_factor)
    if row.holes is None or grown.hole is None:
        return coated
    return in_parallel(row.holes.coverage, coated, bare_resistance(row, grown.hole))


def added_resistance(row: Row, grown: Grown) -> Scalar:
    """What the interphases of both sides add to coating and contacts.

    Below 0 where holes carry more than the coating would.
    """
    return _on_cathode(row, grown) - row.asr_coating + grown.anode / row.anode.sigma_ion


def spent_resistance(row: Row, grown: Grown) -> Scalar:
    """What counts against the budget."""
    anode = grown.anode / row.anode.sigma_ion
    return _on_cathode(row, grown) + jnp.where(row.anode_counts > 0, anode, 0.0)


def passing_rate(row: Row) -> Scalar:
    """v (E_c - E_ox)/R_C (cm/s): what the coating alone would feed; 0 within the limit."""
    drive = jnp.maximum(row.E_cathode - row.oxidation, 0.0)
    v = row.cathode.volume_per_charge / row.area_factor
    bare = row.coating_resistance <= 0
    rate = v * drive / jnp.where(bare, 1.0, row.coating_resistance)
    return jnp.where(bare & (drive > 0), jnp.inf, rate)
