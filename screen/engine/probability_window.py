"""The probability that the electrolyte stays inside its window, for one sigma_ion of the coating.

With R = r_coating/r_SE the divider gives E* = E_a + (E_c - E_a)/(1 + R). R is log-normal plus what
the coating's ions add. The probability is an integral over the normal score of ln R, in three
panels divided where E* passes the mean limits: at a given R, E* is known and every limit is an
independent normal. The potential of the anode side, where the electrolyte pins it, is a
mixture of narrow normals whose width is added to that of the limits. So sharp limits and sharp
conductivities are both exact, and the result is smooth.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr

from muli.kernels.constants import CM_PER_NM
from muli.screen.engine.probability_line import Array, Line, above_zero, hypot

LN10 = float(np.log(10.0))
_ROOT_2PI = float(np.sqrt(2.0 * np.pi))
_TINY = 1e-30


def _narrow(count: int, width: float) -> tuple[Any, Any, float]:
    """Centres, weights and width of narrow normals whose mixture is a standard normal."""
    points, weights = np.polynomial.hermite_e.hermegauss(count)
    return points * np.sqrt(1.0 - width**2), weights / weights.sum(), width


def unit_nodes(count: int) -> tuple[Any, Any]:
    """Gauss-Legendre nodes and weights between 0 and 1."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return (nodes + 1.0) / 2.0, weights / 2.0


class Fineness(NamedTuple):
    """How finely the anode side's potential and, in each panel, the ratio are integrated over."""

    side: tuple[Any, Any, float]
    panel: tuple[Any, Any]


LOOKING = Fineness(_narrow(1, 1.0), unit_nodes(3))
ROUGH = Fineness(_narrow(3, 0.75), unit_nodes(6))
GIVEN = Fineness(_narrow(9, 0.48), unit_nodes(8))


class Ratio(NamedTuple):
    """r_coating/r_SE = exp(normal) + ionic: mean and deviation of the logarithm, ionic part.

    The logarithm of the ionic part has the deviation of the electrolyte's resistance: `shared` is
    correlated with the normal score of the logarithm, `loose` with nothing.
    """

    log: Array
    sd: Array
    ionic: Array
    shared: Array
    loose: Array


def inside_window(line: Line, fineness: Fineness, nm: Array, ratio: Ratio, log_ion: Array) -> Array:
    """P(E* inside the window and above the coating's own limit) for one sigma_ion, integrated.

    Arrays are (..., lines), all of one rank. The ratio is integrated over, in three panels
    divided where E* passes the mean limits; at a given ratio E* is known, and each limit is an
    independent normal.
    """
    dtype = jnp.asarray(line.anode_V).dtype
    nodes, weights = (jnp.asarray(values, dtype) for values in fineness.panel)
    own, own_sd = line.reduction_V - line.reduction_allowance_V, _own_sd(line)
    judged = jnp.where(line.pinned > 0, -99.0, line.electrolyte_reduction_V)

    def of_side(total: Array, normal: tuple[Array, Array]) -> tuple[Array, None]:
        side, side_sd = _side(line, normal[0], fineness.side[2])
        anode, high, low = _potentials(line, side, nm, log_ion)
        upper = _score(ratio, line.electrolyte_oxidation_V, anode, high)
        lower = _score(ratio, jnp.maximum(own, judged), anode, low)
        first, last = ndtr(jnp.minimum(upper, lower)), ndtr(jnp.maximum(upper, lower))
        panels = ((jnp.zeros_like(first), first), (first, last - first), (last, 1.0 - last))

        def given(share: Array) -> Array:
            score = quantile(share)
            ionic = ratio.ionic * jnp.exp(ratio.shared * score)
            whole = jnp.exp(jnp.clip(ratio.log + ratio.sd * score, -80.0, 80.0)) + ionic
            fall = whole / (1.0 + whole)
            # the ionic part's own spread is not integrated over: it widens the limits
            loose = (high - anode) * ionic / (1.0 + whole) ** 2 * ratio.loose
            moved = hypot(fall * side_sd, loose)
            at_high, at_low = (anode + (end - anode) * (1.0 - fall) for end in (high, low))
            keeps = above_zero(
                line.electrolyte_oxidation_V - at_high, hypot(line.electrolyte_oxidation_sd, moved)
            )
            keeps = keeps * above_zero(at_low - own, hypot(own_sd, moved))
            red_sd = hypot(line.electrolyte_reduction_sd, loose)
            return keeps * above_zero(at_low - judged, red_sd)

        def at_node(inside: Array, node: tuple[Array, Array]) -> tuple[Array, None]:
            inside = inside + node[1] * sum(
                width * given(start + width * node[0]) for start, width in panels
            )
            return inside, None

        inside = jax.lax.scan(at_node, jnp.zeros_like(first), (nodes, weights))[0]
        return total + normal[1] * inside, None

    points, shares = (jnp.asarray(values, dtype) for values in fineness.side[:2])
    nothing = jnp.zeros(jnp.shape(ratio.log + ratio.ionic), dtype)
    total = jax.lax.scan(of_side, nothing, (points, shares))[0]
    return jnp.minimum(total / in_order(line), 1.0)


def _side(line: Line, point: Array, narrow: float) -> tuple[Array, Array]:
    """Potential of the anode side as a narrow normal: centre and width.

    The electrolyte's limits are drawn in order, reduction below oxidation. A coating that protects
    implies that order, so that its probability is no more than a divisor.
    """
    red = line.electrolyte_reduction_V + line.electrolyte_reduction_sd * point
    above, above_sd = _positive_part(red - line.anode_V, narrow * line.electrolyte_reduction_sd)
    side = line.anode_V + jnp.where(line.pinned > 0, above, 0.0)
    return side, jnp.where(line.pinned > 0, above_sd, 0.0)


def _positive_part(mean: Array, sd: Array) -> tuple[Array, Array]:
    """Mean and standard deviation of max(0, x) of a normal x."""
    spread = jnp.where(sd > 0, sd, 1.0)
    t = mean / spread
    share, density = ndtr(t), jnp.exp(-0.5 * t * t) / _ROOT_2PI
    first = mean * share + spread * density
    second = (mean * mean + spread * spread) * share + mean * spread * density
    variance = jnp.where(sd > 0, second - first * first, 0.0)
    varies = variance > 1e-12
    exact = jnp.maximum(mean, 0.0)
    width = jnp.where(varies, jnp.sqrt(jnp.where(varies, variance, 1.0)), 0.0)
    return jnp.where(sd > 0, first, exact), width


def in_order(line: Line) -> Array:
    """Probability that the electrolyte's limits, drawn apart, are in order; never 0."""
    order = above_zero(
        line.electrolyte_oxidation_V - line.electrolyte_reduction_V,
        hypot(line.electrolyte_reduction_sd, line.electrolyte_oxidation_sd),
    )
    return jnp.maximum(order, 1e-6)


def _score(ratio: Ratio, limit: Array, anode: Array, cathode: Array) -> Array:
    """Normal score of the ratio at which E* is at a limit; far out where no ratio exists."""
    bottom = jnp.maximum(limit - anode, _TINY)
    top = jnp.maximum(cathode - limit - ratio.ionic * bottom, _TINY)
    distance = jnp.log(top) - jnp.log(bottom) - ratio.log
    return jnp.clip(distance / jnp.where(ratio.sd > 0, ratio.sd, 1.0), -6.0, 6.0)


def _potentials(line: Line, side: Array, nm: Array, log_ion: Array) -> tuple[Array, Array, Array]:
    """Potentials between which the divider acts: anode side, cathode highest and lowest.

    Under current they are the electrodes' less what the ions take; a coating that is not affordable
    is judged with the polarisation of one that just is.
    """
    electrolyte_ion = line.electrolyte_cm / line.electrolyte_sigma_ion_S_cm
    most = jnp.maximum(line.budget_ohm_cm2, line.contacts_ohm_cm2)
    drop = line.current_A_cm2 * jnp.minimum(ionic_resistance(line, nm, log_ion), most)
    anode = side + line.current_A_cm2 * electrolyte_ion
    return anode, line.cathode_high_V - drop, line.cathode_low_V - drop


def _own_sd(line: Line) -> Array:
    return hypot(line.reduction_sd, line.reduction_allowance_sd)


def ratio_of(line: Line, nm: Array, z: Array, log_ion: Array, left: Array = 0.0) -> Ratio:
    """The ratio r_coating/r_SE for one sigma_ion, with normal score z of the variance `left`."""
    length = length_cm(line, nm)
    ele = line.sigma_ele + line.sigma_ele_sd * line.rho_ion * z
    electrolyte_ion = line.electrolyte_cm / line.electrolyte_sigma_ion_S_cm
    electrolyte_ele = line.electrolyte_cm * jnp.exp(-LN10 * line.electrolyte_sigma_ele)
    whole = electrolyte_ion + electrolyte_ele
    a, b = line.sigma_ele_sd, line.electrolyte_sigma_ele_sd * electrolyte_ele / whole
    variance = (
        (1.0 - line.rho_ion**2 * (1.0 - left)) * a * a + b * b - 2.0 * line.rho_electrolyte * a * b
    )
    varies = variance > 1e-14
    spread = jnp.where(varies, jnp.sqrt(jnp.where(varies, variance, 1.0)), 0.0)
    along = b - line.rho_electrolyte * a
    share = jnp.clip(along / jnp.where(varies, spread, 1.0), -1.0, 1.0)
    rest = 1.0 - share * share
    return Ratio(
        log=jnp.log(length) - LN10 * ele - jnp.log(whole),
        sd=LN10 * spread,
        ionic=ionic_resistance(line, nm, log_ion) / whole,
        shared=LN10 * b * share,
        loose=LN10 * b * jnp.where(rest > 0, jnp.sqrt(jnp.where(rest > 0, rest, 1.0)), 0.0),
    )


def ionic_resistance(line: Line, nm: Array, log_ion: Array) -> Array:
    """Ionic resistance of coating and contacts, ohm cm2."""
    ion = jnp.exp(jnp.minimum(-LN10 * log_ion, 80.0))
    return length_cm(line, nm) * ion + line.contacts_ohm_cm2


def length_cm(line: Line, nm: Array) -> Array:
    """Thickness in cm as it enters the divider: the area factor spreads current."""
    return nm * CM_PER_NM / line.area_factor


def quantile(p: Array) -> Array:
    """Normal score of a probability, finite at 0 and 1."""
    tiny = jnp.finfo(p.dtype).tiny * 1e4
    return jax.scipy.special.ndtri(jnp.clip(p, tiny, 1.0 - jnp.finfo(p.dtype).eps))
