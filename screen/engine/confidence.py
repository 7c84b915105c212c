"""Uncertainty of a screen's numbers: probabilities, percentiles and sensitivities, on the device.

A property that is uncertain is an array over its draws on the last of the four axes of
`stacks.py`, where thicknesses stand otherwise. A draw protects at every thickness of a band
that the explicit inverses give (`space/distributions.py`), so nothing is solved per draw and
thickness.
"""

import math
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from numpy.typing import NDArray

from muli.kernels import (
    Boundary,
    Limits,
    Stack,
    Window,
    classify_coating,
    metrics_of_plane,
    min_thickness,
)
from muli.kernels.constants import CM_PER_NM
from muli.screen.engine.answers import Answers
from muli.screen.engine.stacks import Batch, LawForm, Lookup, build, spread
from muli.screen.space.distributions import Bands, bands
from muli.screen.space.draws import Draws, label
from muli.screen.spec import Screen
from muli.screen.vocabulary import LEVELS, SHARES

Number = Float[Array, "lines states blocks draws"]
Drawn = dict[str, Number]

VALUES, SLOPES = "draws.", "slopes."
"""Prefixes of the tables of values and slopes that draws add to a problem's."""

LEAST_NM, MOST_NM = 1e-3, 1e6
"""L_min is held between these where the share of each factor in ln L_min is computed."""


def drawn_tables(draws: Draws | None) -> dict[str, NDArray[np.float64]]:
    """Tables of draws for the device."""
    if draws is None:
        return {}
    values = {VALUES + key: table for key, table in draws.values.items()}
    return values | {SLOPES + key: table for key, table in draws.slopes.items()}


class Score(NamedTuple):
    """Numbers that rank coatings in a draw, (lines, states, draws): see `stability.py`.

    ratio: L_min/L_max; infinite where no thickness does, NaN where that is unknown.
    """

    ratio: Float[Array, "lines states draws"]
    coating_class: Int[Array, "lines states draws"]


class Uncertain(NamedTuple):
    """The stacks of some lines in every draw. `screen` and `law` are those of `build`.

    plane: constant laws at open circuit, for which closed forms exist.
    """

    draws: Draws
    lookup: Lookup
    screen: Screen
    law: LawForm
    plane: bool

    def drawn(self, prefix: str = VALUES, points: int | None = None) -> Drawn:
        """Values of the uncertain properties at the first points, or their slopes by factor."""
        return {key: self._of_lines(prefix + key)[..., :points] for key in self.draws.values}

    def _of_lines(self, key: str) -> Array:
        """A table (..., materials, points) as (..., lines, 1, blocks, points).

        One line and one block where all materials share a row.
        """
        table, role = self.lookup.tables[key], key.split(".")[1]
        if table.shape[-2] == 1:
            return table[..., None, None, :]
        return jnp.expand_dims(table[..., self.lookup.digits[role], :], -3)

    def batch(self, drawn: Drawn) -> Batch:
        """Stacks of these draws; the thickness of their coating is not used."""
        unit = jnp.ones((1, 1, 1, 1), self.lookup.tables["temperature_K"].dtype)
        return build(self.lookup._replace(drawn=drawn), unit, self.screen, self.law)

    def bands(self, batch: Batch) -> Bands:
        """Thicknesses, nm, at which every draw protects."""

        def one(stack: Stack, limits: Limits, _: Boundary) -> Bands:
            return bands(stack, limits.electrolyte, limits.asr_budget, limits.coatings[0])

        thicknesses = bands_of_plane(batch) if self.plane else spread(batch, one)
        shape = jnp.broadcast_shapes(*(thickness.shape for thickness in thicknesses))
        return Bands(
            *(jnp.broadcast_to(thickness * _real(batch), shape) for thickness in thicknesses)
        )

    def log_least(self, drawn: Drawn) -> Number:
        """ln of L_min (nm), held between `LEAST_NM` and `MOST_NM`."""

        def one(stack: Stack, limits: Limits, _: Boundary) -> Float[Array, ""]:
            return min_thickness(stack, limits.electrolyte.oxidation)

        batch = self.batch(drawn)
        least = bands_of_plane(batch).least if self.plane else spread(batch, one)
        return jnp.log(jnp.clip(least * _real(batch), LEAST_NM, MOST_NM))


def _real(batch: Batch) -> Array | float:
    """From cm per electrode area to nm of a coating on the interface's own area."""
    return batch.limits.area_factor / CM_PER_NM


def bands_of_plane(batch: Batch) -> Bands:
    """`muli.screen.space.distributions.bands` of whole arrays: constant laws at open circuit."""
    stack, limits = batch.stack, batch.limits
    unlimited = replace(
        limits, asr_budget=jnp.inf, coatings=(Window(jnp.nan, limits.coatings[0].oxidation),)
    )
    limited, free = (metrics_of_plane(stack, of_limits) for of_limits in (limits, unlimited))
    contacts = sum(stack.interface_asr or (), start=0.0)
    reduction, cm = limits.electrolyte.reduction, 1.0 / _real(batch)
    most = jnp.where(reduction >= stack.E_cathode, -jnp.inf, free.max_thickness_nm * cm)
    return Bands(
        least=limited.min_thickness_nm * cm,
        most=jnp.where(jnp.isnan(reduction), jnp.nan, most),
        affordable=jnp.maximum(limits.asr_budget - contacts, 0.0) * stack.layers[1].sigma_ion,
        largest=limited.max_thickness_nm * cm,
    )


def with_confidence(answers: Answers, uncertain: Uncertain, thickness_nm: Array | None) -> Answers:
    """The answers and what uncertainty adds to them (`Draws.columns`).

    thickness_nm: (lines or 1, 1, blocks, thicknesses); None in a screen without thicknesses, where
    `p_feasible` then is the probability that some thickness does.
    """
    batch = uncertain.batch(uncertain.drawn(points=uncertain.draws.count))
    probabilities = _probabilities(uncertain.bands(batch), thickness_nm)
    return answers._replace(
        floats={
            **answers.floats,
            **probabilities,
            **_costs(batch, thickness_nm),
            **_shares(uncertain),
        }
    )


def _probabilities(band: Bands, thickness_nm: Array | None) -> dict[str, Array]:
    """Shares of the draws; a feasible draw is feasible in all states of the cathode."""
    least, most, affordable, largest = band
    unknown = jnp.isnan(least + affordable)
    feasible = jnp.all((least <= largest) & ~unknown, axis=1, keepdims=True)
    from_, to = (
        jnp.max(least, axis=1, keepdims=True),
        jnp.min(jnp.minimum(most, affordable), axis=1, keepdims=True),
    )
    columns = {
        "p_protected": jnp.full_like(least[..., :1], jnp.nan),
        "p_feasible": jnp.mean(feasible, axis=-1, keepdims=True, dtype=least.dtype),
    }
    if thickness_nm is not None:
        columns = {
            "p_protected": _share(least, most, thickness_nm),
            "p_feasible": _share(from_, jnp.where(feasible, to, -jnp.inf), thickness_nm),
        }
    lost = {
        "p_protected": jnp.any(jnp.isnan(least + most), axis=-1, keepdims=True),
        "p_feasible": jnp.any(unknown, axis=(1, 3), keepdims=True),
    }
    shares = {name: jnp.where(lost[name], jnp.nan, share) for name, share in columns.items()}
    return shares | _percentiles(least, "min_thickness_p{}_nm")


def _share(least: Number, most: Number, at: Array) -> Array:
    """Share of the draws whose band holds each thickness, (lines, states, blocks, thicknesses)."""
    return _bands_at(least, most, at).astype(least.dtype) / least.shape[-1]


@partial(jnp.vectorize, signature="(d),(d),(t)->(t)")
def _bands_at(least: Array, most: Array, at: Array) -> Array:
    """How many bands hold each thickness.

    The ends of bands are counted between the thicknesses in rising order and summed up: the cost
    is that of draws plus thicknesses. A band that ends before it starts, or is unknown, counts
    nowhere.
    """
    rising = jnp.sort(at)
    one = (least <= most).astype(jnp.int32)
    changes = jnp.zeros(at.size + 1, jnp.int32)
    changes = changes.at[jnp.searchsorted(rising, least, side="left")].add(one)
    changes = changes.at[jnp.searchsorted(rising, most, side="right")].add(-one)
    return jnp.cumsum(changes)[jnp.searchsorted(rising, at)]


def _percentiles(values: Number, name: str) -> dict[str, Array]:
    """Percentiles over the draws, infinite ones the largest; NaN where a draw is unknown."""
    ordered, count = jnp.sort(values, axis=-1), values.shape[-1]
    columns = {}
    for level in LEVELS:
        place = max(0, math.ceil(level * count / 100) - 1)
        at = ordered[..., place : place + 1]
        columns[name.format(level)] = jnp.where(jnp.isnan(ordered[..., -1:]), jnp.nan, at)
    return columns


def _costs(batch: Batch, thickness_nm: Array | None) -> dict[str, Array]:
    """Percentiles of the resistance of coating and contacts; contacts are exact."""
    contacts = sum(batch.stack.interface_asr or (), start=0.0)
    per_cm = _percentiles(1.0 / batch.stack.layers[1].sigma_ion, "asr_coating_p{}_ohm_cm2")
    depth = jnp.nan if thickness_nm is None else thickness_nm / _real(batch)
    return {name: depth * resistance + contacts for name, resistance in per_cm.items()}


def _shares(uncertain: Uncertain) -> dict[str, Array]:
    """What part of the variance of ln L_min each factor has, by gradients and by Sobol indices.

    gradient_share: mean square of d ln L_min/d(normal score), over the sum of all factors. First
    and total indices by Saltelli's and Jansen's formulas.
    """
    draws = uncertain.draws
    count, names = draws.count, [label(factor) for factor in draws.factors]
    _, along = jax.linearize(uncertain.log_least, uncertain.drawn(points=count))
    slope = jax.vmap(along)(uncertain.drawn(SLOPES))
    square = jnp.mean(slope**2, axis=-1, keepdims=True)
    shares = [square / _some(jnp.sum(square, axis=0, keepdims=True))]
    y = uncertain.log_least(uncertain.drawn())
    y = y.reshape(*y.shape[:-1], len(names) + 2, count)
    samples = y[..., :2, :]
    variance = _some(jnp.var(samples, axis=(-2, -1)))[None, ..., None]
    y = jnp.moveaxis(y - jnp.mean(samples, axis=(-2, -1), keepdims=True), -2, 0)
    a, b, mixed = y[:1], y[1:2], y[2:]
    shares += [
        jnp.mean(b * (mixed - a), axis=-1, keepdims=True) / variance,
        jnp.mean((a - mixed) ** 2, axis=-1, keepdims=True) / (2.0 * variance),
    ]
    return {
        f"{kind}_{name}": share[i]
        for kind, share in zip(SHARES, shares, strict=True)
        for i, name in enumerate(names)
    }


def _some(total: Array) -> Array:
    """A sum as a divisor; NaN where it is 0."""
    return jnp.where(total > 0, total, jnp.nan)


def score(uncertain: Uncertain) -> Score:
    """Numbers that rank the coatings of a scenario in every draw, at their least thickness there.

    At that thickness E* is the electrolyte's oxidation limit, or the cathode's potential where
    this is lower and no coating is needed: the coating's faces, and so its class, are known.
    """
    batch = uncertain.batch(uncertain.drawn(points=uncertain.draws.count))
    band = uncertain.bands(batch)
    ratio = jnp.where(band.least > 0, band.least / band.largest, 0.0)
    ratio = jnp.where(band.least <= band.largest, ratio, jnp.inf)
    ratio = jnp.where(jnp.isnan(band.least + band.affordable), jnp.nan, ratio)
    own, E_c = batch.limits.coatings[0], batch.stack.E_cathode
    inner = jnp.minimum(batch.limits.electrolyte.oxidation, E_c)
    code = classify_coating(
        own.oxidation - E_c, inner - own.reduction, batch.limits.window_tolerance
    )
    shape = (*ratio.shape[:2], uncertain.draws.count)
    return Score(*(jnp.broadcast_to(x[:, :, 0], shape) for x in (ratio, code)))
