"""Where the verdicts of a line change along the thickness of its coating, in double precision.

At open circuit every potential between the layers moves one way with the thickness, and the
resistance grows with it: each comparison changes once, at a thickness that is explicit. Verdicts
and the coating's class are defined by these thicknesses, in every mode and precision. The
reported potentials are solved apart from them.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from muli.kernels import (
    CoatingClass,
    Layer,
    Stack,
    Status,
    constant_sigma_ele,
    layer_resistance,
    resting_thickness,
)
from muli.kernels.constants import CM_PER_NM
from muli.screen.engine.curve_ranges import ranges_of_curves, status_inside
from muli.screen.engine.stacks import Batch, spread
from muli.screen.vocabulary import NO, UNKNOWN, YES

Number = Float[Array, "lines states blocks 1"]
Flag = Bool[Array, "lines states blocks 1"]
Potentials = Sequence[Number]
Verdict = Any

SLACK = 1e-12
"""A thickness within this of a threshold, relative, is at it: both were rounded."""


class Cuts(NamedTuple):
    """Thicknesses (nm) at which a comparison changes, or their positions on the axis.

    Attributes:
        oxidation, reduction: E* passes the electrolyte's limits.
        affordable: coating and contacts cost more than the budget.
        inner, inner_far: the coating's face at the electrolyte leaves the coating's window, and is
            beyond the tolerance.
        electrolyte_curve, coating_curve: E* enters the range of the electrolyte's curve of
            sigma_ele, leaves that of the coating's; None where the material has none.
        outer, outer_far: as `inner`, of the coating's face at the cathode.
    """

    oxidation: Any
    reduction: Any
    affordable: Any
    inner: Any
    inner_far: Any
    electrolyte_curve: Any
    coating_curve: Any
    outer: Any
    outer_far: Any


class Thresholds(NamedTuple):
    """The cuts of lines, and what does not depend on the thickness.

    Attributes:
        cuts: see `Cuts`.
        falls: whether E* falls with the thickness: the cathode is not below the anode.
        band: whether min_thickness_nm <= max_thickness_nm, three-valued.
        oxidation_known, reduction_known, affordable_known, class_known: whether everything is
            known that these depend on.
        oxidises_known: whether it is known where the coating oxidises.
        potentials_known: whether E* is known at any thickness.
        status_inside: status where no potential leaves the range of a curve and E* is placed well.
    """

    cuts: Cuts
    falls: Any
    band: Any
    oxidation_known: Any
    reduction_known: Any
    affordable_known: Any
    class_known: Any
    oxidises_known: Any
    potentials_known: Any
    status_inside: Any


class Row(NamedTuple):
    """Verdicts of rows, in one state of the cathode; `feasible` is not yet that of all states."""

    oxidation_protected: Verdict
    protected: Verdict
    feasible: Verdict
    coating_class: Verdict


def judge_at(lines: Thresholds, thickness: Any) -> Row:
    """Verdicts at thicknesses (nm), or at their positions where the cuts are positions."""

    def below(cut: Any, known: Any, holds_below: Any) -> Verdict:
        return _verdict(jnp.where(holds_below, thickness < cut, thickness >= cut), known)

    cuts = lines.cuts
    oxidation = below(cuts.oxidation, lines.oxidation_known, ~lines.falls)
    reduction = below(cuts.reduction, lines.reduction_known, lines.falls)
    protected = both(oxidation, reduction)
    affordable = below(cuts.affordable, lines.affordable_known, holds_below=True)
    feasible = both(both(protected, lines.band), affordable)
    return Row(oxidation, protected, feasible, _coating_class(lines, thickness))


def status_at(lines: Thresholds, thickness: Any, status: Any) -> Any:
    """A status (code) of lines at thicknesses, or at positions as in `judge_at`, with what it says
    of the range of curves by the cuts."""
    first, last = lines.cuts.electrolyte_curve, lines.cuts.coating_curve
    if first is None and last is None:
        return status
    left = jnp.zeros((), bool)
    if first is not None:
        left = left | (thickness < first)
    if last is not None:
        left = left | (thickness >= last)
    inside = jnp.where(status == Status.EXTRAPOLATED_TABLE, lines.status_inside, status)
    beyond = jnp.where(left & lines.potentials_known, Status.EXTRAPOLATED_TABLE, Status.OK)
    return jnp.maximum(inside, beyond).astype(jnp.int32)


def at_most(small: Any, large: Any) -> Verdict:
    """Whether small <= large; unknown where either is NaN."""
    return _verdict(small <= large, ~(jnp.isnan(small) | jnp.isnan(large)))


def both(a: Verdict, b: Verdict) -> Verdict:
    """Three-valued and: no wins over unknown, unknown over yes."""
    no = (a == NO) | (b == NO)
    return jnp.where(no, NO, jnp.maximum(a, b)).astype(jnp.int32)


def _verdict(holds: Any, known: Any) -> Verdict:
    return jnp.where(known, jnp.where(holds, YES, NO), UNKNOWN).astype(jnp.int32)


def _coating_class(lines: Thresholds, thickness: Any) -> Verdict:
    """The class by both faces; a coating known to oxidise is `oxidises` even if its other face is
    unknown."""
    cuts, falls = lines.cuts, lines.falls
    stable = (thickness < cuts.inner) & (thickness < cuts.outer)
    inner, outer = thickness >= cuts.inner_far, thickness >= cuts.outer_far
    oxidises, reduces = jnp.where(falls, outer, inner), jnp.where(falls, inner, outer)
    code = jnp.where(stable, CoatingClass.STABLE, CoatingClass.WITHIN_TOLERANCE)
    code = jnp.where(oxidises, CoatingClass.OXIDISES, code)
    code = jnp.where(reduces, CoatingClass.REDUCES, code)
    code = jnp.where(oxidises & reduces, CoatingClass.BOTH, code)
    otherwise = jnp.where(
        lines.oxidises_known & oxidises, CoatingClass.OXIDISES, CoatingClass.UNKNOWN
    )
    return jnp.where(lines.class_known, code, otherwise).astype(jnp.int32)


class Line(NamedTuple):
    """Where potentials of lines meet limits, by the thickness of the coating.

    Attributes:
        falls: whether E* falls with the thickness: the cathode is not below the anode.
        known: whether E* is known at any thickness.
        contact: thicknesses (nm) at which the electrolyte's side of the contact is at the first
            potentials, the coating's side at the others: 0 at or beyond the cathode's end, infinite
            at or beyond the anode's.
        cathode_face: thickness up to which the coating's face at the cathode, which a contact there
            keeps from the cathode's potential, does not pass a potential.
    """

    falls: Flag
    known: Flag
    contact: Callable[[Potentials, Potentials], Sequence[Number]]
    cathode_face: Callable[[Number], Number]


def _line_of_plane(batch: Batch) -> Line:
    """Lines of electrolyte | coating of constant laws at open circuit."""
    first, middle, last = batch.stack.interface_asr or (0.0, 0.0, 0.0)
    electrolyte, coating_layer = batch.stack.layers
    E_a, E_c = _ends(batch)
    before = first + _resistance(electrolyte, electrolyte.thickness)
    per_cm = _resistance(coating_layer)
    falls, real = E_c >= E_a, batch.limits.area_factor / CM_PER_NM

    def thickness(coating: Number, infinite: Flag) -> Number:
        """Thickness with this resistance; 0 where that is 0, even if sigma is unknown."""
        coating = jnp.maximum(coating, 0.0)
        return jnp.where(infinite, jnp.inf, jnp.where(coating == 0, 0.0, coating / per_cm * real))

    def contact(electrolyte_side: Potentials, coating_side: Potentials) -> list[Number]:
        thicknesses = []
        sides = [(E, 0.0) for E in electrolyte_side], [(E, middle) for E in coating_side]
        for E, own in itertools.chain(*sides):
            at_anode = jnp.where(falls, E_a >= E, E_a <= E)
            at_cathode = jnp.where(falls, E_c <= E, E_c >= E)
            over = jnp.where(at_anode, 1.0, E - E_a)
            coating = (E_c - E) / over * (before + own) - (middle - own + last)
            thicknesses.append(thickness(jnp.where(at_cathode, 0.0, coating), at_anode))
        return thicknesses

    def cathode_face(E: Number) -> Number:
        never = _face_never_passes(batch, E)
        whole = (E_c - E_a) * last / jnp.where(never, 1.0, E_c - E)
        coating = whole - last - middle - before
        return thickness(jnp.where(last == 0, 0.0, coating), never)

    known = ~jnp.isnan(before + middle + last + per_cm + E_a + E_c)
    return Line(falls, known, contact, cathode_face)


def _line_of_stacks(batch: Batch) -> Line:
    """Lines of any laws at open circuit, without a contact at the cathode."""
    E_a, E_c = _ends(batch)
    real = batch.limits.area_factor / CM_PER_NM

    def contact(electrolyte_side: Potentials, coating_side: Potentials) -> list[Number]:
        potentials = jnp.broadcast_arrays(*electrolyte_side, *coating_side)
        sides = jnp.arange(len(potentials)) >= len(electrolyte_side)

        def at(E: Number, side: Flag) -> Number:
            def one(stack: Stack, E: Number) -> Number:
                return resting_thickness(stack, E, coating_side=side)

            return spread((batch.stack, E), one)

        return [depth * real for depth in jax.vmap(at)(jnp.stack(potentials), sides)]

    def cathode_face(E: Number) -> Number:
        return jnp.where(_face_never_passes(batch, E), jnp.inf, 0.0)

    known = jnp.ones((1, 1, 1, 1), bool)
    for leaf in jax.tree.leaves(batch.stack):
        if isinstance(leaf, jax.Array):  # points of a curve are on a fifth axis
            unknown = jnp.isnan(leaf)
            known = known & ~(unknown.any(axis=-1) if leaf.ndim == 5 else unknown)
    return Line(E_c >= E_a, known, contact, cathode_face)


def _ends(batch: Batch) -> tuple[Any, Any]:
    return batch.stack.E_anode, batch.stack.E_cathode


def _face_never_passes(batch: Batch, E: Number) -> Flag:
    """Whether the cathode's own potential does not pass E."""
    E_a, E_c = _ends(batch)
    return jnp.where(E_c >= E_a, E_c <= E, E_c >= E)


def _resistance(layer: Layer, thickness: Any = 1.0) -> Number:
    return layer_resistance(thickness, layer.sigma_ion, constant_sigma_ele(layer.sigma_ele))


def thresholds_of_plane(batch: Batch) -> Thresholds:
    """Thresholds of electrolyte | coating of constant laws at open circuit; arrays in float64."""
    return _thresholds(batch, _line_of_plane(batch))


def thresholds_of_stacks(batch: Batch) -> Thresholds:
    """The same of any laws, without a contact at the cathode."""
    return _thresholds(batch, _line_of_stacks(batch))


def _thresholds(batch: Batch, line: Line) -> Thresholds:
    """Thresholds from the thicknesses at which the potentials of lines meet limits.

    The thicknesses of the coatings in `batch` are not used.
    """
    limits, (E_a, E_c), falls = batch.limits, _ends(batch), line.falls
    window, own = limits.electrolyte, limits.coatings[0]
    never = jnp.maximum(E_a, E_c) <= window.oxidation
    always = jnp.minimum(E_a, E_c) >= window.reduction
    farther = jnp.where(falls, -1.0, 1.0) * limits.window_tolerance
    inner = jnp.where(falls, own.reduction, own.oxidation)
    outer = jnp.where(falls, own.oxidation, own.reduction)
    ranges = ranges_of_curves(batch, falls)
    sides = (window.oxidation, window.reduction), (inner, inner + farther)
    edges = [() if each is None else (each.edge,) for each in ranges]
    found = iter(line.contact(*((*side, *edge) for side, edge in zip(sides, edges, strict=True))))
    oxidation, reduction, *entered = itertools.islice(found, 2 + len(edges[0]))
    inside, inside_far, *passed = found
    left = limits.asr_budget - sum(batch.stack.interface_asr or (), start=0.0)
    sigma_ion, real = batch.stack.layers[1].sigma_ion, limits.area_factor / CM_PER_NM
    affordable = jnp.maximum(left, 0.0) * sigma_ion * real
    cuts = Cuts(
        _lower(jnp.where(never, jnp.where(falls, 0.0, jnp.inf), oxidation), falls),
        _lower(jnp.where(always, jnp.where(falls, jnp.inf, 0.0), reduction), ~falls),
        _upper(affordable),
        _upper(inside),
        _upper(inside_far),
        None if ranges[0] is None else _lower(ranges[0].entered(*entered), holds_above=True),
        None if ranges[1] is None else _upper(ranges[1].left(*passed)),
        _upper(line.cathode_face(outer)),
        _upper(line.cathode_face(outer - farther)),
    )
    least = _first(batch, window.oxidation, oxidation)
    ends = [
        _first(batch, window.reduction, reduction),
        _first(batch, own.reduction, inside),
    ]
    most = affordable
    for end in ends:  # an unknown limit does not bind
        most = jnp.minimum(most, jnp.where(jnp.isnan(end), jnp.inf, end))
    last = (batch.stack.interface_asr or (0.0,))[-1]
    return Thresholds(
        cuts,
        falls,
        band=at_most(least, _upper(most)),
        oxidation_known=never | (line.known & ~jnp.isnan(window.oxidation)),
        reduction_known=line.known & ~jnp.isnan(window.reduction),
        affordable_known=~jnp.isnan(affordable),
        class_known=line.known & ~jnp.isnan(own.reduction + own.oxidation),
        oxidises_known=(line.known | ((last == 0) & falls)) & ~jnp.isnan(own.oxidation),
        potentials_known=line.known,
        status_inside=status_inside(batch),
    )


def _first(batch: Batch, limit: Number, crossing: Number) -> Number:
    """Thickness of a coating that brings E* down to a limit, as in `min_thickness`: 0 where the
    cathode is not above the limit, infinite where the anode is not below it."""
    E_a, E_c = _ends(batch)
    return jnp.where(E_c <= limit, 0.0, jnp.where(limit <= E_a, jnp.inf, crossing))


def _upper(thickness: Number) -> Number:
    """The cut of a comparison that holds up to a thickness."""
    return thickness * (1.0 + SLACK)


def _lower(thickness: Number, holds_above: Flag | bool) -> Number:
    """The cut of a comparison that holds from a thickness on, or up to it."""
    return thickness * jnp.where(holds_above, 1.0 - SLACK, 1.0 + SLACK)
