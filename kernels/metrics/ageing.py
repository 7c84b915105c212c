"""Ageing of rows of a screen: every column of growth from the numbers of one row, constant laws.

A row is a bare anode, an electrolyte, coatings and a cathode, as resistances to neutral lithium per
area of the electrode sheet; `muli.kernels.growth` is the general way. Whether the cathode side
grows is decided with the anode's face held at the reduction limit where the anode lies below it.
Columns are pure functions of one row and batch with `jax.vmap`; where a number that they need is
unknown they are NaN.
"""

import math
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from muli.kernels.constants import CM_PER_NM
from muli.kernels.metrics.growth_law import (
    Feed,
    final_thickness,
    growth_rate,
    thickness_after,
    time_to,
)
from muli.kernels.numerics.root import find_root

Scalar = Float[Array, ""]
Curve = Float[Array, " times"]
SECONDS_PER_YEAR = 3.15576e7
COULOMB_PER_UAH = 3600e-6
LONGEST = math.log(1e6 * SECONDS_PER_YEAR)
"""ln of the longest time (s) that is told apart from for ever."""
RESOLUTION = 1e-7


class Layer(eqx.Module):
    """An interphase of constant laws: S/cm, S/cm, cm3/C, cm/s."""

    sigma_ion: Scalar
    sigma_ele: Scalar
    volume_per_charge: Scalar
    reaction_rate: Scalar


class Row(eqx.Module):
    """One row. Potentials V vs Li/Li+, resistances ohm cm2 of electrode sheet.

    E_anode, E_cathode: of the electrodes. reduction, oxidation: limits of the electrolyte.
    electrolyte_resistance, coating_resistance: to neutral lithium, L (1/sigma_ion + 1/sigma_ele)
    and contacts. asr_coating: ionic, coating and contacts; with the interphases it has to stay
    within asr_budget. area_factor: a. cathode, anode: products on each side.
    """

    E_anode: Scalar
    E_cathode: Scalar
    reduction: Scalar
    oxidation: Scalar
    electrolyte_resistance: Scalar
    coating_resistance: Scalar
    asr_coating: Scalar
    asr_budget: Scalar
    area_factor: Scalar
    cathode: Layer
    anode: Layer


class Ageing(eqx.Module):
    """The columns of one row; those in time have one value per time.

    years_to_budget: infinite where the budget is never reached, 0 where the coating alone exceeds
    it. max_interphase_sigma_ele_S_cm: of the cathode's interphase, for the budget to hold for the
    wanted life; infinite where any value will do, 0 where none. asr_after_life_ohm_cm2: coating,
    contacts and interphases at the end of it.
    """

    interphase_nm: Curve
    anode_interphase_nm: Curve
    asr_interphase_ohm_cm2: Curve
    anode_lithium_lost_uAh_cm2: Curve
    electrolyte_oxidised_uAh_cm2: Curve
    interphase_final_nm: Scalar
    asr_interphase_final_ohm_cm2: Scalar
    years_to_budget: Scalar
    coating_passes_nm_per_year: Scalar
    max_interphase_sigma_ele_S_cm: Scalar
    asr_after_life_ohm_cm2: Scalar


class _Feeds(NamedTuple):
    """What both sides grow from."""

    cathode: Feed
    anode: Feed


def ageing(row: Row, times: Curve, life: Scalar) -> Ageing:
    """Columns of a row at times (s), and for a wanted life (s)."""
    feeds = _feeds(row)
    anode, cathode = feeds.anode, feeds.cathode
    on_cathode = jax.vmap(lambda t: thickness_after(cathode, t))(times)
    on_anode = jax.vmap(lambda t: thickness_after(anode, t))(times)
    last = final_thickness(cathode)
    passes = _passing(row)
    return Ageing(
        interphase_nm=on_cathode / CM_PER_NM,
        anode_interphase_nm=on_anode / CM_PER_NM,
        asr_interphase_ohm_cm2=_resistance(row, on_cathode, on_anode),
        anode_lithium_lost_uAh_cm2=on_anode / (anode.volume_per_charge * COULOMB_PER_UAH),
        electrolyte_oxidised_uAh_cm2=on_cathode / (cathode.volume_per_charge * COULOMB_PER_UAH),
        interphase_final_nm=last / CM_PER_NM,
        asr_interphase_final_ohm_cm2=_resistance(row, last, final_thickness(anode)),
        years_to_budget=time_to_budget(row) / SECONDS_PER_YEAR,
        coating_passes_nm_per_year=passes * SECONDS_PER_YEAR / CM_PER_NM,
        max_interphase_sigma_ele_S_cm=max_interphase_sigma_ele(row, life),
        asr_after_life_ohm_cm2=asr_after(row, life),
    )


def asr_after(row: Row, time: Scalar) -> Scalar:
    """Coating, contacts and interphases after a time (s), ohm cm2 of electrode sheet."""
    feeds = _feeds(row)
    return row.asr_coating + _resistance(row, *(thickness_after(feed, time) for feed in feeds))


def p_lives(
    row: Row, spreads: Float[Array, " 8"], draws: Float[Array, "draws 8"], life: Scalar
) -> Scalar:
    """Share of draws in which the budget holds for a life (s); NaN where a number is unknown.

    spreads: standard deviations of log10 of sigma_ion, sigma_ele, volume per charge and rate of
    the cathode's and then the anode's products. draws: standard normal numbers.
    """

    def drawn(one: Layer, numbers: Float[Array, " 4"]) -> Layer:
        factors = 10.0**numbers
        leaves = (one.sigma_ion, one.sigma_ele, one.volume_per_charge, one.reaction_rate)
        return Layer(*(leaf * factor for leaf, factor in zip(leaves, factors, strict=True)))

    def aged(numbers: Float[Array, " 8"]) -> Scalar:
        scaled = spreads * numbers
        changed = (drawn(row.cathode, scaled[:4]), drawn(row.anode, scaled[4:]))
        return asr_after(eqx.tree_at(lambda r: (r.cathode, r.anode), row, changed), life)

    asr = jax.vmap(aged)(draws)
    unknown = jnp.any(jnp.isnan(asr)) | jnp.isnan(row.asr_budget)
    share = jnp.mean((asr <= row.asr_budget).astype(asr.dtype))
    return jnp.where(unknown, jnp.nan, share)


def time_to_budget(row: Row) -> Scalar:
    """Time (s) at which coating, contacts and interphases reach the budget."""
    feeds = _feeds(row)
    final = _resistance(row, final_thickness(feeds.cathode), final_thickness(feeds.anode))
    endures = row.asr_coating + final <= row.asr_budget
    spent = row.asr_coating >= row.asr_budget
    unknown = jnp.isnan(final) | jnp.isnan(row.asr_coating) | jnp.isnan(row.asr_budget)

    def excess(log_time: Scalar) -> tuple[Scalar, Scalar, float]:
        time = jnp.exp(log_time)
        lengths = [thickness_after(feed, time) for feed in feeds]
        rates = [growth_rate(*pair) for pair in zip(feeds, lengths, strict=True)]
        value = row.asr_coating + _resistance(row, *lengths) - row.asr_budget
        return value, time * _resistance(row, *rates), RESOLUTION

    low, high = -20.0 * jnp.ones_like(final), LONGEST * jnp.ones_like(final)
    start = jnp.log(SECONDS_PER_YEAR) * jnp.ones_like(final)
    time = jnp.exp(find_root(excess, low, high, start))
    time = jnp.where(endures | (time >= 0.999 * math.exp(LONGEST)), jnp.inf, time)
    return jnp.where(unknown, jnp.nan, jnp.where(spent, 0.0, time))


def max_interphase_sigma_ele(row: Row, life: Scalar) -> Scalar:
    """Largest sigma_ele (S/cm) of the cathode's interphase with which a row lives."""
    feeds = _feeds(row)
    others = row.asr_coating + _resistance(row, 0.0, thickness_after(feeds.anode, life))
    allowed = (row.asr_budget - others) * row.cathode.sigma_ion * row.area_factor
    ion = 1.0 / (row.cathode.sigma_ion * row.area_factor)

    def lasts(per_length: Scalar) -> Scalar:
        feed = eqx.tree_at(lambda f: f.per_length, feeds.cathode, per_length)
        return time_to(feed, allowed)

    def log_lasts(log_sigma: Scalar) -> Scalar:
        time = lasts(ion + jnp.exp(-log_sigma) / row.area_factor)
        return jnp.log(life) - jnp.log(jnp.maximum(time, jnp.finfo(time.dtype).tiny))

    def excess(log_sigma: Scalar) -> tuple[Scalar, Scalar, float]:
        return *jax.value_and_grad(log_lasts)(log_sigma), RESOLUTION

    low, high = (math.log(x) * jnp.ones_like(ion) for x in (1e-30, 1e8))
    sigma = jnp.exp(find_root(excess, low, high, 0.5 * (low + high)))
    grows = feeds.cathode.drive > feeds.cathode.leak * feeds.cathode.resistance
    free = ~grows | (lasts(ion) >= life)
    found = jnp.where(allowed <= 0, 0.0, jnp.where(free, jnp.inf, sigma))
    held = jnp.where(others <= row.asr_budget, jnp.inf, 0.0)
    found = jnp.where(grows, found, held)
    return jnp.where(jnp.isnan(allowed) | jnp.isnan(ion), jnp.nan, found)


def _feeds(row: Row) -> _Feeds:
    """Both sides; a side that is not held has no drive."""
    E_a = jnp.where(row.reduction > row.E_anode, row.reduction, row.E_anode)
    total = row.electrolyte_resistance + row.coating_resistance
    planar = E_a + (row.E_cathode - E_a) * row.electrolyte_resistance / total
    held = planar > row.oxidation
    E_c = jnp.where(held, row.oxidation, planar)
    leak = (E_c - E_a) / row.electrolyte_resistance
    unknown = jnp.where(jnp.isnan(row.oxidation + total), jnp.nan, 0.0)
    cathode = _feed(row.cathode, jnp.where(held, row.E_cathode - E_c, 0.0) + unknown, leak, row)
    drive = jnp.where(row.reduction > row.E_anode, E_a - row.E_anode, 0.0)
    drive = drive + jnp.where(jnp.isnan(row.reduction), jnp.nan, 0.0)
    bare = eqx.tree_at(
        lambda r: (r.coating_resistance, r.area_factor),
        row,
        (jnp.zeros_like(leak), jnp.ones_like(leak)),
    )
    return _Feeds(cathode, _feed(row.anode, drive, leak, bare))


def _feed(one: Layer, drive: Scalar, leak: Scalar, row: Row) -> Feed:
    return Feed(
        drive,
        row.coating_resistance,
        (1.0 / one.sigma_ion + 1.0 / one.sigma_ele) / row.area_factor,
        jnp.maximum(leak, 0.0),
        one.volume_per_charge / row.area_factor,
        one.reaction_rate,
    )


def _resistance(row: Row, cathode: Scalar | float, anode: Scalar | float) -> Scalar:
    """Ionic resistance of both interphases from their thicknesses (cm)."""
    on_cathode = cathode / (row.cathode.sigma_ion * row.area_factor)
    return on_cathode + anode / row.anode.sigma_ion


def _passing(row: Row) -> Scalar:
    """v (E_c - E_ox)/R_C (cm/s): what the coating alone would feed; 0 within the limit."""
    drive = jnp.maximum(row.E_cathode - row.oxidation, 0.0)
    v = row.cathode.volume_per_charge / row.area_factor
    bare = row.coating_resistance <= 0
    rate = v * drive / jnp.where(bare, 1.0, row.coating_resistance)
    return jnp.where(bare & (drive > 0), jnp.inf, rate)
