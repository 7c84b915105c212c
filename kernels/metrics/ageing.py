"""Ageing of rows of a screen: every column of growth from the numbers of one row, constant laws.

A row is a bare anode, an electrolyte, coatings and a cathode, as resistances to neutral lithium per
area of the electrode sheet; `muli.kernels.growth` is the general way. Whether the cathode side
grows is decided with the anode's face held at the reduction limit where the anode lies below it.
Columns are pure functions of one row and batch with `jax.vmap`; where a number that they need is
unknown they are NaN.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from muli.kernels.constants import CM_PER_NM
from muli.kernels.metrics.ageing_row import (
    Feeds,
    Grown,
    Row,
    added_resistance,
    bare_resistance,
    capped,
    charge_of,
    feeds_of,
    grown_at,
    mean_thickness,
    none_grown,
    passing_rate,
    spent_resistance,
)
from muli.kernels.metrics.growth_law import (
    left_over,
    thickness_in_steps,
    time_to,
)
from muli.kernels.numerics.root import find_root

Scalar = Float[Array, ""]
Curve = Float[Array, " times"]
SECONDS_PER_YEAR = 3.15576e7
COULOMB_PER_UAH = 3600e-6
LONGEST = math.log(1e6 * SECONDS_PER_YEAR)
"""ln of the longest time (s); longer ones count as infinite."""
FOR_EVER = 0.999e6 * SECONDS_PER_YEAR
RESOLUTION = 1e-7


class Ageing(eqx.Module):
    """The columns of one row; those in time have one value per time.

    years_to_budget: infinite where the budget is never reached, 0 where the coating alone exceeds
    it. max_interphase_sigma_ele_S_cm: of the cathode's interphase, for the budget to hold for the
    wanted life; infinite where any value will do, 0 where none. asr_after_life_ohm_cm2: coating,
    contacts and interphases that count at the end of it. unprotected_share: of the interface, held
    at the oxidation limit. With holes thicknesses and charges are means over the interface, and
    resistances those of both shares side by side.
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
    unprotected_share: Scalar


def ageing(row: Row, times: Curve, life: Scalar) -> Ageing:
    """Columns of a row at times (s), and for a wanted life (s).

    Args:
        row: a cell in V vs Li/Li+, ohm cm2, S/cm and cm; see `AgeingRow`.
        times: (times,), s, rising.
        life: s.

    Returns:
        Columns with the unit in their names, one value per time where they change; see `Ageing`.
    """
    feeds = feeds_of(row)
    free = jax.vmap(lambda t: grown_at(feeds, t))(jnp.append(times, life))
    at_life = jax.tree.map(lambda leaf: leaf[-1], free)
    grown = jax.vmap(lambda g: capped(row, g))(jax.tree.map(lambda leaf: leaf[:-1], free))
    on_cathode = jax.vmap(lambda g: mean_thickness(row, g))(grown)
    last = grown_at(feeds, None)
    charge = 1.0 / COULOMB_PER_UAH
    return Ageing(
        interphase_nm=on_cathode / CM_PER_NM,
        anode_interphase_nm=grown.anode / CM_PER_NM,
        asr_interphase_ohm_cm2=jax.vmap(lambda g: added_resistance(row, g))(grown),
        anode_lithium_lost_uAh_cm2=grown.anode / feeds.anode.volume_per_charge * charge,
        electrolyte_oxidised_uAh_cm2=jax.vmap(lambda g: charge_of(row, feeds, g))(grown) * charge,
        interphase_final_nm=mean_thickness(row, last) / CM_PER_NM,
        asr_interphase_final_ohm_cm2=added_resistance(row, last),
        years_to_budget=_time_to_budget(row, feeds, last) / SECONDS_PER_YEAR,
        coating_passes_nm_per_year=passing_rate(row) * SECONDS_PER_YEAR / CM_PER_NM,
        max_interphase_sigma_ele_S_cm=_max_sigma_ele(row, feeds, at_life, life),
        asr_after_life_ohm_cm2=spent_resistance(row, at_life),
        unprotected_share=feeds.unprotected,
    )


def asr_after(row: Row, time: Scalar) -> Scalar:
    """Coating, contacts and interphases that count after a time (s), ohm cm2 of sheet.

    Args:
        row: a cell in V vs Li/Li+, ohm cm2, S/cm and cm; see `AgeingRow`.
        time: s.

    Returns:
        ohm cm2 of sheet.
    """
    return spent_resistance(row, grown_at(feeds_of(row), time))


class Lives(eqx.Module):
    """Whether the budget holds for a life, and whether it would if the coating protected."""

    as_it_is: Bool[Array, ""]
    protected: Bool[Array, ""]


def lives(row: Row, life: Scalar) -> Lives:
    """Whether the budget holds for a life (s); without holes in closed form.

    Args:
        row: a cell in V vs Li/Li+, ohm cm2, S/cm and cm; see `AgeingRow`.
        life: s.

    Returns:
        Two truth values: of the row as it is, and of the same row if its coating protects.
    """
    feeds = feeds_of(row)
    anode = thickness_in_steps(feeds.anode, life) / row.anode.sigma_ion * row.anode_counts
    allowed = row.asr_budget - row.asr_coating - anode
    if row.holes is not None:
        alive = jnp.asarray(asr_after(row, life) <= row.asr_budget)
        return Lives(alive, alive | (allowed >= 0))
    thickness = jnp.maximum(allowed, 0.0) * row.cathode.sigma_ion * row.area_factor
    grows = left_over(feeds.cathode) > 0
    enough = ~grows | (time_to(feeds.cathode, thickness) >= life)
    return Lives((allowed >= 0) & enough, allowed >= 0)


def time_to_budget(row: Row) -> Scalar:
    """Time (s) at which coating, contacts and interphases reach the budget."""
    feeds = feeds_of(row)
    return _time_to_budget(row, feeds, grown_at(feeds, None))


def _time_to_budget(row: Row, feeds: Feeds, last: Grown) -> Scalar:
    """The same, `last` being what has grown at the end."""
    final, start = (spent_resistance(row, g) for g in (last, none_grown(feeds)))
    time = _shared_budget(row, feeds) if row.holes is None else _time_with_holes(row, feeds)
    time = jnp.where((final <= row.asr_budget) | (time >= FOR_EVER), jnp.inf, time)
    unknown = jnp.isnan(final) | jnp.isnan(row.asr_budget)
    return jnp.where(unknown, jnp.nan, jnp.where(start >= row.asr_budget, 0.0, time))


def _shared_budget(row: Row, feeds: Feeds) -> Scalar:
    """The time at which both sides together have used up what the coating leaves of the budget.

    The share of the cathode's side is where the times of both, explicit in l, are the same.
    """
    left = jnp.maximum(row.asr_budget - row.asr_coating, 0.0)
    on_cathode = left * row.cathode.sigma_ion * row.area_factor
    on_anode = left * row.anode.sigma_ion
    counts = (left_over(feeds.anode) > 0) & (row.anode_counts > 0)
    grows = left_over(feeds.cathode) > 0

    def times(log_odds: Scalar) -> tuple[Scalar, Scalar]:
        cathode = time_to(feeds.cathode, on_cathode * jax.nn.sigmoid(log_odds))
        return cathode, time_to(feeds.anode, on_anode * jax.nn.sigmoid(-log_odds))

    def later(log_odds: Scalar) -> Scalar:
        tiny = jnp.finfo(log_odds.dtype).tiny
        cathode, anode = (jnp.log(jnp.maximum(time, tiny)) for time in times(log_odds))
        return cathode - anode

    def excess(log_odds: Scalar) -> tuple[Scalar, Scalar, float]:
        return *jax.value_and_grad(later)(log_odds), RESOLUTION

    end = jnp.full_like(left, 40.0)
    shared, _ = times(find_root(excess, -end, end, jnp.zeros_like(end)))
    alone = time_to(feeds.cathode, on_cathode)
    other = time_to(feeds.anode, on_anode)
    return jnp.where(grows & counts, shared, jnp.where(grows, alone, other))


def _time_with_holes(row: Row, feeds: Feeds) -> Scalar:
    """The same where coated and bare share carry current side by side."""

    def spent(log_time: Scalar) -> Scalar:
        return spent_resistance(row, grown_at(feeds, jnp.exp(log_time)))

    def excess(log_time: Scalar) -> tuple[Scalar, Scalar, float]:
        value, slope = jax.value_and_grad(spent)(log_time)
        return value - row.asr_budget, slope, RESOLUTION

    low, high = (jnp.full_like(row.asr_budget, x) for x in (-20.0, LONGEST))
    return jnp.exp(find_root(excess, low, high, jnp.log(SECONDS_PER_YEAR) * jnp.ones_like(low)))


def max_interphase_sigma_ele(row: Row, life: Scalar) -> Scalar:
    """Largest sigma_ele (S/cm) of the cathode's interphase with which a row lives.

    With holes: of that under the coating, their own products being as they are.
    """
    feeds = feeds_of(row)
    return _max_sigma_ele(row, feeds, grown_at(feeds, life), life)


def _max_sigma_ele(row: Row, feeds: Feeds, at_life: Grown, life: Scalar) -> Scalar:
    """The same, `at_life` being what has grown after the life."""
    ion = 1.0 / (row.cathode.sigma_ion * row.area_factor)
    own = _own_budget(row, at_life)
    allowed = (own - row.asr_coating) / ion

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
    grows = left_over(feeds.cathode) > 0
    free = ~grows | (lasts(ion) >= life)
    most = jnp.where(allowed <= 0, 0.0, jnp.where(free, jnp.inf, sigma))
    held = jnp.where(row.asr_coating <= own, jnp.inf, 0.0)
    most = jnp.where(grows, most, held)
    return jnp.where(jnp.isnan(allowed) | jnp.isnan(ion), jnp.nan, most)


def _own_budget(row: Row, at_life: Grown) -> Scalar:
    """What the coated share may have after a life, per area of its own; infinite: anything."""
    left = row.asr_budget - row.anode_counts * at_life.anode / row.anode.sigma_ion
    if row.holes is None or at_life.hole is None:
        return left
    beside = bare_resistance(row, at_life.hole)
    c = row.holes.coverage
    needed = 1.0 / jnp.maximum(left, 1e-30) - (1.0 - c) / jnp.maximum(beside, 1e-30)
    shared = jnp.where(needed > 0, c / jnp.where(needed > 0, needed, 1.0), jnp.inf)
    return jnp.where(left > 0, shared, left) + jnp.where(jnp.isnan(beside), jnp.nan, 0.0)
