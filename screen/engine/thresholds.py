"""Where the verdicts of a line change along the thickness of its coating, in double precision.

At open circuit every potential between the layers moves one way with the thickness, and the
resistance grows with it: each comparison changes once, at a thickness that is explicit. Verdicts
and the coating's class are defined by these thicknesses, in every mode and precision. The
reported potentials are solved apart from them.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from muli.kernels import CoatingClass, Layer, constant_sigma_ele, layer_resistance, metrics_of_plane
from muli.kernels.constants import CM_PER_NM
from muli.screen.engine.stacks import Batch
from muli.screen.vocabulary import NO, UNKNOWN, YES

Number = Float[Array, "lines states blocks 1"]
Flag = Bool[Array, "lines states blocks 1"]
Verdict = Any

SLACK = 1e-12
"""A thickness within this of a threshold, relative, is at it: both were rounded."""


class Cuts(NamedTuple):
    """Thicknesses (nm) from which on something is otherwise than below, or their positions.

    Attributes:
        oxidation, reduction: E* passes the electrolyte's limits.
        affordable: coating and contacts cost more than the budget.
        inner, inner_far: the coating's face at the electrolyte leaves the coating's window, and is
            beyond the tolerance.
        outer, outer_far: the same of its face at the cathode.
    """

    oxidation: Any
    reduction: Any
    affordable: Any
    inner: Any
    inner_far: Any
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
    """

    cuts: Cuts
    falls: Any
    band: Any
    oxidation_known: Any
    reduction_known: Any
    affordable_known: Any
    class_known: Any
    oxidises_known: Any


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
    """The class by both faces; a coating known to oxidise does so whatever its other side does."""
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


class _Line(NamedTuple):
    """Resistances (ohm cm2) and ends (V) of lines; the coating's resistance is per cm."""

    before: Number
    middle: Number
    last: Number
    per_cm: Number
    E_anode: Number
    E_cathode: Number
    real: Number

    @classmethod
    def of(cls, batch: Batch) -> "_Line":
        first, middle, last = batch.stack.interface_asr or (0.0, 0.0, 0.0)
        layers = batch.stack.layers
        electrolyte, coating = _resistance(layers[0], layers[0].thickness), _resistance(layers[1])
        ends = batch.stack.E_anode, batch.stack.E_cathode
        real = batch.limits.area_factor / CM_PER_NM
        return cls(first + electrolyte, middle, last, coating, *ends, real)

    @property
    def known(self) -> Flag:
        """Whether E* is known at any thickness."""
        return ~jnp.isnan(sum(self))

    @property
    def falls(self) -> Flag:
        """Whether E* falls with the thickness: the cathode is not below the anode."""
        return self.E_cathode >= self.E_anode

    def contact(self, E: Number, *, coating_side: bool) -> Number:
        """Thickness (nm) at which a side of the contact is at E: 0 at or beyond the cathode's end,
        infinite at or beyond the anode's."""
        before = self.before + self.middle if coating_side else self.before
        after = self.last if coating_side else self.middle + self.last
        at_anode = jnp.where(self.falls, self.E_anode >= E, self.E_anode <= E)
        at_cathode = jnp.where(self.falls, self.E_cathode <= E, self.E_cathode >= E)
        over = jnp.where(at_anode, 1.0, E - self.E_anode)
        coating = (self.E_cathode - E) / over * before - after
        return self._thickness(jnp.where(at_cathode, 0.0, coating), at_anode)

    def cathode_face(self, E: Number) -> Number:
        """Thickness (nm) up to which the coating's face at the cathode, which a contact there keeps
        from the cathode's potential, does not pass E."""
        never = jnp.where(self.falls, self.E_cathode <= E, self.E_cathode >= E)
        over = jnp.where(never, 1.0, self.E_cathode - E)
        whole = (self.E_cathode - self.E_anode) * self.last / over
        coating = whole - self.last - self.middle - self.before
        return self._thickness(jnp.where(self.last == 0, 0.0, coating), never)

    def _thickness(self, coating: Number, infinite: Flag) -> Number:
        """Of a resistance of the coating; none, whatever the coating is, where that is 0."""
        coating = jnp.maximum(coating, 0.0)
        thickness = jnp.where(coating == 0, 0.0, coating / self.per_cm * self.real)
        return jnp.where(infinite, jnp.inf, thickness)


def _resistance(layer: Layer, thickness: Any = 1.0) -> Number:
    return layer_resistance(thickness, layer.sigma_ion, constant_sigma_ele(layer.sigma_ele))


def thresholds_of_plane(batch: Batch) -> Thresholds:
    """Thresholds of electrolyte | coating of constant laws at open circuit; arrays in float64.

    The thicknesses of the coatings in `batch` are not used.
    """
    line, limits = _Line.of(batch), batch.limits
    window, own, falls = limits.electrolyte, limits.coatings[0], line.falls
    low, high = (f(line.E_anode, line.E_cathode) for f in (jnp.minimum, jnp.maximum))
    never, always = high <= window.oxidation, low >= window.reduction
    oxidation = line.contact(window.oxidation, coating_side=False)
    reduction = line.contact(window.reduction, coating_side=False)
    farther = jnp.where(falls, -1.0, 1.0) * limits.window_tolerance
    inner = jnp.where(falls, own.reduction, own.oxidation)
    outer = jnp.where(falls, own.oxidation, own.reduction)
    left = limits.asr_budget - sum(batch.stack.interface_asr or (), start=0.0)
    affordable = jnp.maximum(left, 0.0) * batch.stack.layers[1].sigma_ion * line.real
    cuts = Cuts(
        _lower(jnp.where(never, jnp.where(falls, 0.0, jnp.inf), oxidation), falls),
        _lower(jnp.where(always, jnp.where(falls, jnp.inf, 0.0), reduction), ~falls),
        _upper(affordable),
        _upper(line.contact(inner, coating_side=True)),
        _upper(line.contact(inner + farther, coating_side=True)),
        _upper(line.cathode_face(outer)),
        _upper(line.cathode_face(outer - farther)),
    )
    found = metrics_of_plane(batch.stack, limits, boundary=batch.boundary)
    return Thresholds(
        cuts,
        falls,
        band=at_most(found.min_thickness_nm, _upper(found.max_thickness_nm)),
        oxidation_known=never | (line.known & ~jnp.isnan(window.oxidation)),
        reduction_known=line.known & ~jnp.isnan(window.reduction),
        affordable_known=~jnp.isnan(affordable),
        class_known=line.known & ~jnp.isnan(own.reduction + own.oxidation),
        oxidises_known=(line.known | ((line.last == 0) & falls)) & ~jnp.isnan(own.oxidation),
    )


def _upper(thickness: Number) -> Number:
    """The cut of what holds up to a thickness."""
    return thickness * (1.0 + SLACK)


def _lower(thickness: Number, holds_above: Flag) -> Number:
    """The cut of what holds from a thickness on, or up to it."""
    return thickness * jnp.where(holds_above, 1.0 - SLACK, 1.0 + SLACK)
