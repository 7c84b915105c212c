"""The probability that a coating works in a cell, and the thickness to make it at.

    line = Line(...)                       # arrays of one shape, one number per coating and cell
    best = recommend(line)                 # thickness, its band, marks
    p = at_thickness(line, best.thickness_nm)
    p.p_works, p.p_chemistry, p.p_transport

All laws are constant (a branch law needs draws). Four events, each over every state of charge:

- protects: E_red,SE <= E* <= E_ox,SE, and the coating keeps its sigma_ele: it is not reduced at the
  electrolyte's face, and, where it is no oxide, not oxidised at the cathode's;
- affordable: coating and contacts within the budget;
- stable: the cathode's potential is at most E_ox + A;
- inert: both reaction energies are above their limits R.

`probability_window` describes how the first is integrated.

Deterministic, differentiable, safe in float32. Tested against draws (tests/screen).
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import log_ndtr, ndtr

from muli.kernels.constants import CM_PER_NM
from muli.screen.engine.probability_line import (
    Array,
    Line,
    Probabilities,
    Recommended,
    above_zero,
    hypot,
)
from muli.screen.engine.probability_window import (
    GIVEN,
    LN10,
    LOOKING,
    ROUGH,
    Fineness,
    inside_window,
    length_cm,
    quantile,
    ratio_of,
    unit_nodes,
)

_IONS = unit_nodes(4)
"""Shares of probability at which sigma_ion is taken, in each of four panels."""

FLOOR_NM = 2.5
"""Thinnest film that is recommended (`thinnest_film_nm` of a spec)."""
CEILING_NM = 1000.0
THIN_NM = 3.0
"""Below it tunnelling and pinholes decide, which are outside the model."""
WITHIN = 0.005
"""The thinnest film within this of the best probability is recommended."""
NEVER_AFFORDABLE = 0.01
"""A coating less likely to be affordable at the floor is not affordable at any film."""
_COARSE, _FINE = 24, 10
_ROOT_2PI = float(np.sqrt(2.0 * np.pi))
_JUST = 3e-4
"""How far inside a threshold of the medians a thickness is tried, relative."""


def at_thickness(line: Line, thickness_nm: Array, fine: bool = True) -> Probabilities:
    """Every probability of every line at a thickness (nm), of the lines' shape.

    `fine=False` takes an eighth of the time, for large screens: of 31,624 lines of the library
    99 % keep their p_works within 0.006, all within 0.02.
    """
    judge = _at_thickness if fine else _at_thickness_coarsely
    return _each(judge, line, thickness_nm)


def recommend(
    line: Line, floor_nm: Array = FLOOR_NM, ceiling_nm: Array = CEILING_NM
) -> Recommended:
    """The thinnest film within 0.005 of the best P(protects and affordable)."""
    return _each(_recommend, line, floor_nm, ceiling_nm)


def bare(line: Line) -> Probabilities:
    """The row "no coating": the electrolyte touches the cathode.

    Of the coating's fields only `reaction_cathode` and `limit_cathode` are read: they are those of
    the electrolyte with the cathode.
    """
    return _each(_bare, line)


def median_resistance(line: Line, thickness_nm: Array) -> Array:
    """Median resistance (ohm cm2) of coating and contacts of lines, each at a thickness (nm)."""
    per_cm = 10.0 ** (-jnp.maximum(_median(line), -30.0))
    return length_cm(line, thickness_nm) * per_cm + line.contacts_ohm_cm2


def _each(function: Any, line: Line, *more: Array) -> Any:
    """Apply a function of lines (1, 1, lines) to arrays of lines of any shape.

    Inside, arrays are (panels, points, lines): lines come last, so that loops are vector loops.
    """
    dtype = jnp.asarray(line.sigma_ele, float if isinstance(line.sigma_ele, int) else None).dtype
    arrays = [jnp.asarray(value, dtype) for value in (*line, *more)]
    shape = jnp.broadcast_shapes(*(value.shape for value in arrays))
    flat = [jnp.broadcast_to(value, shape).reshape(1, 1, -1) for value in arrays]
    count = len(line)
    result = function(Line(*flat[:count]), *flat[count:])
    return jax.tree.map(lambda value: value.reshape(shape), result)


def _at_thickness_coarsely(line: Line, nm: Array) -> Probabilities:
    return _at_thickness(line, nm, ROUGH, unit_nodes(2))


def _at_thickness(
    line: Line, nm: Array, fineness: Fineness = GIVEN, ions: tuple[Any, Any] = _IONS
) -> Probabilities:
    means, sds, weights = (jnp.stack(parts) for parts in _parts(line))

    def added(total: Array, part: tuple[Array, Array, Array]) -> tuple[Array, None]:
        mean, sd, weight = part

        def judge() -> Array:
            return weight * _of_normal(line, mean, sd, nm, fineness, ions)

        # most lines have one normal
        return total + jax.lax.cond((weight > 0).any(), judge, lambda: jnp.zeros_like(total)), None

    nothing = jnp.zeros((3, *nm.shape[1:]), nm.dtype)
    sums = jax.lax.scan(added, nothing, (means, sds, weights))[0]
    affordable, transport, rest = (sums[i : i + 1] for i in range(3))
    protects = transport + rest
    stable, inert = _stable(line), _inert(line)
    keeps = jnp.where(line.oxidised_loses > 0, stable, 1.0)
    return Probabilities(
        p_works=transport * stable * inert,
        p_chemistry=affordable * stable * inert,
        p_transport=transport * keeps,
        p_protects=protects * keeps,
        p_affordable=affordable,
        p_stable=stable,
        p_inert=inert,
    )


def _parts(line: Line) -> tuple[tuple[Array, Array], tuple[Array, Array], tuple[Array, Array]]:
    """Means, deviations and weights of both normals of log sigma_ion."""
    return (
        (line.sigma_ion, line.sigma_ion_second),
        (line.sigma_ion_sd, line.sigma_ion_second_sd),
        (1.0 - line.second_weight, line.second_weight),
    )


def _stable(line: Line) -> Array:
    margin = line.oxidation_V + line.allowance_V - line.cathode_high_V
    return above_zero(margin, hypot(line.oxidation_sd, line.allowance_sd))


def _inert(line: Line) -> Array:
    electrolyte = above_zero(
        line.reaction_electrolyte - line.limit_electrolyte,
        hypot(line.reaction_electrolyte_sd, line.limit_electrolyte_sd),
    )
    return electrolyte * _inert_cathode(line)


def _inert_cathode(line: Line) -> Array:
    margin = line.reaction_cathode - line.limit_cathode
    return above_zero(margin, hypot(line.reaction_cathode_sd, line.limit_cathode_sd))


def _bare(line: Line) -> Probabilities:
    ox = above_zero(
        line.electrolyte_oxidation_V - line.cathode_high_V, line.electrolyte_oxidation_sd
    )
    red = above_zero(
        line.cathode_low_V - line.electrolyte_reduction_V, line.electrolyte_reduction_sd
    )
    pays = jnp.where(line.contacts_ohm_cm2 <= line.budget_ohm_cm2, 1.0, 0.0)
    inert = _inert_cathode(line)
    protects = ox * red
    certain = jnp.ones_like(pays)
    return Probabilities(
        protects * pays * inert, pays * inert, protects * pays, protects, pays, certain, inert
    )


def _of_normal(
    line: Line, mean: Array, sd: Array, nm: Array, fineness: Fineness, ions: tuple[Any, Any]
) -> Array:
    """For one normal of sigma_ion: P(affordable), P(protects and affordable) and P(protects and not
    affordable), (3, 1, lines)."""
    pays = ndtr(-_edge(line, mean, sd, nm))
    nodes, weights = (jnp.asarray(values, mean.dtype)[None, :, None] for values in ions)
    # normal scores of sigma_ion above the edge of the budget, by equal probability
    good = -quantile(nodes * pays)
    # and below it, in three panels divided where the ions alone hold E* at a limit
    ends = jnp.sort(jnp.minimum(_blocking(line, mean, sd, nm), 1.0 - pays), axis=0)
    width = ends[1:] - ends[:-1]
    bad = quantile(ends[:-1] + width * nodes)
    scores = jnp.concatenate([good, bad])
    log_ion = mean + sd * scores
    inside = inside_window(line, fineness, nm, ratio_of(line, nm, scores, log_ion), log_ion)
    transport, rest = weights * pays * inside[:1], weights * width * inside[1:]
    return jnp.concatenate([pays, *(x.sum((0, 1), keepdims=True) for x in (transport, rest))])


def _blocking(line: Line, mean: Array, sd: Array, nm: Array) -> Array:
    """0, the probabilities that sigma_ion is below what holds E* at either limit, and 1: four
    panel ends. Under current with the polarisation of a coating that is just affordable."""
    most = jnp.maximum(line.budget_ohm_cm2, line.contacts_ohm_cm2)
    ions = line.electrolyte_cm / line.electrolyte_sigma_ion_S_cm
    ends = _ratios_at_limits(line, line.current_A_cm2 * ions, line.current_A_cm2 * most)
    ratios = jnp.concatenate(ends) * _electrolyte(line) - line.contacts_ohm_cm2
    log_ion = jnp.log10(length_cm(line, nm)) - jnp.log10(jnp.clip(ratios, 1e-12, 1e30))
    below = above_zero(log_ion - mean, sd)
    return jnp.concatenate([jnp.zeros_like(below[:1]), below, jnp.ones_like(below[:1])])


def _electrolyte(line: Line) -> Array:
    """Median resistance of the electrolyte to lithium, ohm cm2."""
    ele = jnp.exp(-LN10 * line.electrolyte_sigma_ele)
    return line.electrolyte_cm * (1.0 / line.electrolyte_sigma_ion_S_cm + ele)


def _edge(line: Line, mean: Array, sd: Array, nm: Array) -> Array:
    """Normal score of log sigma_ion at which coating and contacts just meet the budget."""
    left = line.budget_ohm_cm2 - line.contacts_ohm_cm2
    needed = jnp.log10(length_cm(line, nm)) - jnp.log10(jnp.where(left > 0, left, 1.0))
    spread = jnp.where(sd > 0, sd, 1.0)
    exact = jnp.where(mean >= needed, -30.0, 30.0)
    score = jnp.where(sd > 0, (needed - mean) / spread, exact)
    return jnp.where(left > 0, jnp.clip(score, -30.0, 30.0), 30.0)


def _recommend(line: Line, floor: Array, ceiling: Array) -> Recommended:
    grid = _coarse(line, floor, ceiling)
    p = _search(line, grid)
    highest = p.max(1, keepdims=True)
    first = _first(p >= highest - WITHIN)
    start, end = _take(grid, jnp.maximum(first - 1, 0)), _take(grid, first)
    fine = _evenly(start, end, _FINE)
    q = _search(line, fine)
    best = jnp.maximum(highest, q.max(1, keepdims=True))
    thickness = _crossing(fine, q, best - WITHIN)
    low, high = (_crossing(grid[:, ::n], p[:, ::n], 0.9 * best) for n in (1, -1))
    thickness = jnp.clip(thickness, floor, ceiling)
    return Recommended(
        thickness,
        jnp.minimum(low, thickness),
        jnp.maximum(high, thickness),
        thickness < THIN_NM,
        _affordable(line, floor) < NEVER_AFFORDABLE,
        median_resistance(line, thickness),
    )


def _take(values: Array, position: Array) -> Array:
    """The value of every line at its own point."""
    return jnp.take_along_axis(values, position, axis=1)


def _first(holds: Array) -> Array:
    """The first point of every line at which something holds."""
    return jnp.argmax(holds, axis=1, keepdims=True)


def _evenly(start: Array, end: Array, count: int) -> Array:
    """Points evenly in the logarithm."""
    logs = jnp.linspace(jnp.log(start[:, 0]), jnp.log(end[:, 0]), count, axis=1)
    return jnp.exp(logs)


def _coarse(line: Line, floor: Array, ceiling: Array) -> Array:
    """Thicknesses to try: evenly in the logarithm, and where the medians cross a threshold."""
    steps = _evenly(floor, ceiling, _COARSE)
    thinnest, thickest = _thresholds(line)
    inside = jnp.sqrt(jnp.maximum(thinnest, floor) * jnp.minimum(thickest, ceiling))
    for wanted in (thinnest * (1.0 + _JUST), inside, thickest * (1.0 - _JUST)):
        steps = _inserted(steps, jnp.clip(wanted, floor, ceiling))
    return steps


def _inserted(ordered: Array, value: Array) -> Array:
    """Points in ascending order with one more inserted."""
    end = jnp.full_like(ordered[:, :1], jnp.inf)
    below, above = (jnp.concatenate(pair, axis=1) for pair in ([-end, ordered], [ordered, end]))
    return jnp.maximum(below, jnp.minimum(above, value))


def _thresholds(line: Line) -> tuple[Array, Array]:
    """Thickness in nm from which and to which the medians protect within the budget."""
    ion = jnp.exp(jnp.minimum(-LN10 * line.sigma_ion, 80.0))
    per_cm = ion + jnp.exp(jnp.minimum(-LN10 * line.sigma_ele, 80.0))
    start, end = (
        jnp.maximum(ratio * _electrolyte(line) - line.contacts_ohm_cm2, 0.0) / per_cm
        for ratio in _ratios_at_limits(line)
    )
    pays = jnp.maximum(line.budget_ohm_cm2 - line.contacts_ohm_cm2, 0.0) / ion
    wide = line.area_factor / CM_PER_NM
    return (
        jnp.clip(start * wide, 1e-6, 1e9),
        jnp.clip(jnp.minimum(pays, end) * wide, 1e-6, 1e9),
    )


def _ratios_at_limits(line: Line, rise: Array = 0.0, drop: Array = 0.0) -> tuple[Array, Array]:
    """Ratio of the divider at which E* is at the oxidation limit, and at the lowest it may have.

    rise, drop: what a current takes between the anode and the electrolyte's face, and between there
    and the cathode, V.
    """
    pinned = jnp.maximum(line.anode_V, line.electrolyte_reduction_V)
    anode = jnp.where(line.pinned > 0, pinned, line.anode_V) + rise
    own = line.reduction_V - line.reduction_allowance_V
    lowest = jnp.where(line.pinned > 0, own, jnp.maximum(own, line.electrolyte_reduction_V))

    def ratio(limit: Array, cathode: Array) -> Array:
        above = limit - anode
        inside = jnp.maximum(cathode - drop - limit, 0.0) / jnp.where(above > 1e-6, above, 1.0)
        return jnp.where(above > 1e-6, inside, 1e12)

    return (
        ratio(line.electrolyte_oxidation_V, line.cathode_high_V),
        ratio(lowest, line.cathode_low_V),
    )


def _search(line: Line, grid: Array) -> Array:
    """P(protects and affordable) on a grid, with one sigma_ion in place of all affordable ones.

    Within the budget a coating's ions add next to nothing to the divider, so that one value is
    enough to search for the thickness; `at_thickness` integrates.
    """

    edge = _edge(line, line.sigma_ion, line.sigma_ion_sd, grid)
    # mean and variance of the normal score above the edge
    z = jnp.exp(-0.5 * edge * edge - log_ndtr(-edge)) / _ROOT_2PI
    left = jnp.clip(1.0 + edge * z - z * z, 0.0, 1.0)
    known = line.sigma_ion_sd > 0
    z, left = jnp.where(known, z, 0.0), jnp.where(known, left, 1.0)
    log_ion = line.sigma_ion + line.sigma_ion_sd * z
    ratio = ratio_of(line, grid, z, log_ion, left)
    return inside_window(line, LOOKING, grid, ratio, log_ion) * _affordable(line, grid)


def _affordable(line: Line, nm: Array) -> Array:
    return sum(
        weight * ndtr(-_edge(line, mean, sd, nm))
        for mean, sd, weight in zip(*_parts(line), strict=True)
    )


def _crossing(grid: Array, p: Array, wanted: Array) -> Array:
    """First thickness of a grid where p reaches a value, between its points by interpolation."""
    first = _first(p >= wanted)
    before = jnp.maximum(first - 1, 0)
    low = _take(p, before)
    rise = _take(p, first) - low
    share = jnp.where(rise > 0, (wanted - low) / jnp.where(rise > 0, rise, 1.0), 1.0)
    logs = jnp.log(grid)
    start = _take(logs, before)
    return jnp.exp(start + jnp.clip(share, 0.0, 1.0) * (_take(logs, first) - start))


def _median(line: Line) -> Array:
    """Median of log10 sigma_ion of the mixture, by bisection between the medians of its parts."""
    (first, second), (first_sd, second_sd), _ = _parts(line)
    second = jnp.where(line.second_weight > 0, second, first)
    low, high = jnp.minimum(first, second), jnp.maximum(first, second)

    def halve(_: int, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        middle = 0.5 * (ends[0] + ends[1])
        share = (1.0 - line.second_weight) * above_zero(middle - first, first_sd)
        share = share + line.second_weight * above_zero(middle - second, second_sd)
        more = share < 0.5
        return jnp.where(more, middle, ends[0]), jnp.where(more, ends[1], middle)

    low, high = jax.lax.fori_loop(0, 40, halve, (low, high))
    return jnp.where(line.second_weight > 0, 0.5 * (low + high), first)
