"""Electrochemical window of a compound: where it neither takes up nor gives off lithium.

The convex hull at fixed amounts of all other elements is a convex function H(n) of the lithium
content. The compound (or its hull mixture) stands between the two one-sided slopes,

    V_red = -dH/dn at n + 0    (the first reaction with lithium),
    V_ox  = -dH/dn at n - 0    (the first loss of lithium),

in V vs Li/Li+, since mu_Li = -V (eV) and Li metal is zero. This is the grand-potential window of
Zhu, He, Mo 2015 (doi 10.1021/acsami.5b07517) with the compound placed on the hull; the slopes are
directional derivatives of a linear program, exact, without a scan in mu_Li.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from muli.candidates.formula import Composition
from muli.candidates.thermodynamics.energies import System
from muli.candidates.thermodynamics.hull import Mixture, allowed, elements, mixture, named
from muli.candidates.thermodynamics.program import Floats, minimise


@dataclass(frozen=True)
class Limit:
    """One end of a window.

    `potential` V vs Li/Li+; `products` phases formed just beyond it
    (none at 0 V: stable against Li metal). `competitor` is the compound
    whose absence from the table moves this limit most, and `without_competitor` the limit then:
    a limit that hangs on one doubtful phase shows itself here. None where only elements form.
    """

    potential: float
    products: tuple[str, ...]
    competitor: str | None = None
    without_competitor: float | None = None


@dataclass(frozen=True)
class Window:
    """Both limits; `oxidation` is None for a compound without lithium to give off."""

    reduction: Limit
    oxidation: Limit | None


def window(system: System, composition: Composition) -> Window:
    """Window of a compound in a closed `system` that holds lithium and all its elements.

    A compound above the hull is taken at its hull mixture (Zhu 2015: "E_hull -> 0").
    """
    has_lithium = composition.get("Li", 0.0) > 0
    return Window(
        _limit(system, composition, lithium=+1),
        _limit(system, composition, lithium=-1) if has_lithium else None,
    )


def potential_limit(
    system: System, composition: Composition, lithium: int, without: Collection[str] = ()
) -> float:
    """V vs Li/Li+ at which the compound first takes up (+1) or gives off (-1) lithium."""
    target = system.fractions(composition)
    return _slope(system, mixture(system, target, without), lithium, without)[0]


def _limit(system: System, composition: Composition, lithium: int) -> Limit:
    start = mixture(system, system.fractions(composition))
    potential, change = _slope(system, start, lithium, ())
    products = tuple(phase for phase in named(system, change) if phase != "Li")
    rivals = sorted({*products} - {*start.phases(system)} - elements(system))
    moved = {rival: potential_limit(system, composition, lithium, {rival}) for rival in rivals}
    if not moved:
        return Limit(potential, products)
    competitor = max(rivals, key=lambda rival: abs(moved[rival] - potential))
    return Limit(potential, products, competitor, moved[competitor])


def _slope(
    system: System, start: Mixture, lithium: int, without: Collection[str]
) -> tuple[float, Floats]:
    """One-sided slope of the hull along lithium, and the change of amounts (n,) per lithium.

    With the reduced costs of the mixture, the program is bounded below by zero whatever the
    rounding: phases of the mixture may shrink, all others may only grow.
    """
    row = system.elements.index("Li")
    step = np.zeros(len(system.elements))
    step[row] = lithium
    cost, change, _ = minimise(
        start.slack, system.A, step, allowed(system, without), start.weights > 0
    )
    potential = -lithium * (lithium * start.duals[row] + cost)
    return float(potential) + 0.0, change
