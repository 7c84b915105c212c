"""Where a potential arrives after a given distance in one layer: the inverse of the panel sums.

The panels in the direction of travel are added up from the start until they exceed the distance;
a bracketed Newton search places the end inside the last one. A standstill ahead is a panel of
infinite length, so that the potential comes to rest at it.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from muli.kernels.constants import ABSENT
from muli.kernels.numerics.root import find_root
from muli.kernels.numerics.safe import log_or_absent
from muli.kernels.transport.panels import (
    BARRIERS,
    INNERMOST,
    OUTWARD,
    PANELS,
    Panels,
    Place,
    Segment,
    locate,
    log_integrand,
    panel_part,
    potential,
    speed_sign,
)

Scalar = Float[Array, ""]
Index = Int[Array, ""]


class Arrival(NamedTuple):
    """The potential reached (V), and +1 or -1 where it left the range upwards or downwards."""

    E: Scalar
    beyond: Scalar


@jax.jit
def arrive(panels: Panels, E_0: Scalar, length: Scalar) -> Arrival:
    """The potential a distance `length` (cm) after E_0; before it where `length` is negative."""
    place = locate(panels, E_0, from_below=False)
    direction = jnp.sign(length) * speed_sign(panels, place)
    log_length = log_or_absent(jnp.abs(length))
    outward = direction * place.segment.side
    exit_v = place.edge + 0.5 * (1.0 + outward)
    first = jnp.abs(panel_part(panels, place.segment, place.v, exit_v, log_length))
    ahead, sums = _sums_ahead(panels, place, direction, log_length, first)
    count = jnp.sum(sums < 1.0, dtype=jnp.int32)
    passed = jnp.where(count > 0, sums[jnp.maximum(count - 1, 0)], 0.0)
    panel = ahead[jnp.minimum(count, ahead.size - 1)]
    inside = (count < ahead.size) & (panel >= 0) & (panel < panels.log_integral.size)
    segment, edge = _segment_of(panels, panel)
    entry = jnp.where(count > 0, edge + 0.5 * (1.0 - direction * segment.side), place.v)
    end = edge + 0.5 * (1.0 + direction * segment.side)
    v = _within(panels, segment, entry, end, 1.0 - passed, log_length)
    at_rest = jnp.any(panel == jnp.asarray(BARRIERS, jnp.int32))
    E = jnp.where(at_rest, segment.centre, potential(segment, v))
    bound = jnp.where(direction > 0, panels.bounds[-1], panels.bounds[0])
    still = (length == 0) | (direction == 0)
    E = jnp.where(still, E_0, jnp.where(inside, E, bound))
    return Arrival(E, jnp.where(inside | still, 0.0, direction))


def _sums_ahead(
    panels: Panels, place: Place, direction: Scalar, log_unit: Scalar, first: Scalar
) -> tuple[Int[Array, " panels"], Float[Array, " panels"]]:
    """Numbers of the panels ahead, and distance up to the far end of each (units of e^log_unit).

    Numbers outside the grid have no length: the sums end where the grid does.
    """
    size = panels.log_integral.size
    ahead = place.panel + direction.astype(jnp.int32) * jnp.arange(size, dtype=jnp.int32)
    exists = (ahead >= 0) & (ahead < size)
    log_parts = jnp.where(exists, panels.log_integral[jnp.clip(ahead, 0, size - 1)], ABSENT)
    parts = jnp.exp(jnp.minimum(log_parts - log_unit, 50.0))
    return ahead, jnp.cumsum(parts.at[0].set(first))


def _segment_of(panels: Panels, panel: Index) -> tuple[Segment, Scalar]:
    """The segment of a panel number and the panel's lower v; a centre counts to the side below."""
    bounds = jnp.asarray([PANELS, 2 * PANELS, BARRIERS[1]], jnp.int32)
    index = jnp.sum(panel > bounds, dtype=jnp.int32)
    segment = jax.tree.map(lambda leaf: leaf[index], panels.segments)
    edge = (panel - jnp.asarray(INNERMOST)[index]) * jnp.asarray(OUTWARD)[index]
    return segment, jnp.clip(edge.astype(segment.step.dtype), 0.0, PANELS - 1.0)


def _within(
    panels: Panels, segment: Segment, entry: Scalar, end: Scalar, part: Scalar, log_unit: Scalar
) -> Scalar:
    """Position in a panel after the distance `part` (units of e^log_unit) from `entry`."""
    sign = jnp.sign(end - entry)

    def excess(step: Scalar) -> tuple[Scalar, Scalar, float]:
        v = entry + sign * step
        covered = jnp.abs(panel_part(panels, segment, entry, v, log_unit))
        slope = segment.step * jnp.exp(log_integrand(panels, segment, v) - log_unit)
        return covered - part, slope, 0.0

    full = jnp.abs(end - entry)
    step = find_root(excess, jnp.zeros_like(full), full, 0.5 * full)
    return entry + sign * step
