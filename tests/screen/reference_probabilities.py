"""Probabilities of a coating by draws: plain NumPy, from the equations, without the engine.

One draw is one set of properties; its coating protects between two thicknesses that follow from
the voltage divider, so a thickness needs no enumeration: P(L) is the share of draws whose interval
holds L. Slow and simple on purpose; the engine's quadrature is tested against it.
"""

from dataclasses import dataclass

import numpy as np

NM = 1e7  # nm per cm


@dataclass(frozen=True)
class Case:
    """A coating in a cell. Pairs are (mean, standard deviation); log10 (S/cm), V, meV/atom.

    sigma_ion is a mixture: (weight, mean, sd) each. `pinned`: an interphase holds the anode side of
    the electrolyte at its own reduction limit where the anode lies below it. `oxidised_loses`: the
    coating loses its sigma_ele when oxidised (no oxide). rho: correlation of log sigma_ele of the
    coating with its sigma_ion and with the electrolyte's sigma_ele.
    """

    sigma_ion: tuple[tuple[float, float, float], ...]
    sigma_ele: tuple[float, float]
    electrolyte_sigma_ele: tuple[float, float]
    electrolyte_sigma_ion: float
    electrolyte_cm: float
    anode_V: float
    pinned: bool
    cathode_high_V: float
    cathode_low_V: float
    electrolyte_reduction_V: tuple[float, float]
    electrolyte_oxidation_V: tuple[float, float]
    reduction_V: tuple[float, float]
    reduction_allowance_V: tuple[float, float]
    oxidation_V: tuple[float, float]
    oxidation_allowance_V: tuple[float, float]
    oxidised_loses: bool
    reaction_electrolyte: tuple[float, float]
    limit_electrolyte: tuple[float, float]
    reaction_cathode: tuple[float, float]
    limit_cathode: tuple[float, float]
    budget_ohm_cm2: float = 10.0
    contacts_ohm_cm2: float = 0.0
    area_factor: float = 1.0
    current_A_cm2: float = 0.0
    rho_ion: float = 0.0
    rho_electrolyte: float = 0.0


@dataclass(frozen=True)
class Draws:
    """What happens in each draw: bounds of the thickness in nm, and three verdicts."""

    protects_from_nm: np.ndarray
    protects_to_nm: np.ndarray
    affordable_to_nm: np.ndarray
    stable: np.ndarray
    inert: np.ndarray

    def transport(self, nm: float) -> float:
        """P(protects and affordable) at a thickness."""
        return float(np.mean(self._protects(nm) & (nm <= self.affordable_to_nm)))

    def _protects(self, nm: float) -> np.ndarray:
        return (nm >= self.protects_from_nm) & (nm <= self.protects_to_nm)

    def all(self, nm: float) -> dict[str, float]:
        """Every probability at a thickness."""
        protects, affordable = self._protects(nm), nm <= self.affordable_to_nm
        chemistry = affordable & self.stable & self.inert
        return {
            "p_protects": float(np.mean(protects)),
            "p_affordable": float(np.mean(affordable)),
            "p_stable": float(np.mean(self.stable)),
            "p_inert": float(np.mean(self.inert)),
            "p_transport": float(np.mean(protects & affordable)),
            "p_chemistry": float(np.mean(chemistry)),
            "p_works": float(np.mean(protects & chemistry)),
        }


def draw(case: Case, points: np.ndarray) -> Draws:
    """Judge every draw; `points` are independent standard normals, shape (n, 14)."""
    at = dict(enumerate(points.T))

    def of(pair: tuple[float, float], column: int) -> np.ndarray:
        return pair[0] + pair[1] * at[column]

    log_ion = _mixture(case, at[0], at[13])
    rest = np.sqrt(max(1.0 - case.rho_ion**2 - case.rho_electrolyte**2, 0.0))
    shared = case.rho_ion * at[0] + case.rho_electrolyte * at[2] + rest * at[1]
    log_ele = case.sigma_ele[0] + case.sigma_ele[1] * shared
    b = 10.0**-log_ion
    r = b + 10.0**-log_ele
    electrolyte_ele = 10.0 ** of(case.electrolyte_sigma_ele, 2)
    ion_SE = case.electrolyte_cm / case.electrolyte_sigma_ion
    r_SE = ion_SE + case.electrolyte_cm / electrolyte_ele
    red_SE, ox_SE = of(case.electrolyte_reduction_V, 3), of(case.electrolyte_oxidation_V, 4)
    anode = np.maximum(case.anode_V, red_SE) if case.pinned else case.anode_V + 0.0 * red_SE
    red = of(case.reduction_V, 5) - of(case.reduction_allowance_V, 6)
    ox = of(case.oxidation_V, 7) + of(case.oxidation_allowance_V, 8)
    # a pinned side stands at the electrolyte's own limit: the other face cannot be below it
    lowest = red if case.pinned else np.maximum(red_SE, red)
    current, contacts = case.current_A_cm2, case.contacts_ohm_cm2

    def bound(limit: np.ndarray, cathode: float) -> tuple[np.ndarray, np.ndarray]:
        leak = (limit - anode - current * ion_SE) / r_SE
        top = cathode - limit - contacts * (leak + current)
        return top, r * leak + b * current

    top, slope = bound(ox_SE, case.cathode_high_V)
    with np.errstate(divide="ignore", invalid="ignore"):
        start = np.where(top <= 0.0, 0.0, np.where(slope > 0.0, top / slope, np.inf))
        top, slope = bound(lowest, case.cathode_low_V)
        end = np.where(slope <= 0.0, np.inf, top / slope)
    stable = case.cathode_high_V <= ox
    if case.oxidised_loses:
        start = np.where(stable, start, np.inf)
    inert = (of(case.reaction_electrolyte, 9) >= of(case.limit_electrolyte, 10)) & (
        of(case.reaction_cathode, 11) >= of(case.limit_cathode, 12)
    )
    wide = case.area_factor * NM
    afford = (case.budget_ohm_cm2 - contacts) / b
    kept = (red_SE < ox_SE) if case.electrolyte_oxidation_V[1] + case.electrolyte_reduction_V[1] else np.ones(len(b), bool)  # fmt: skip  # noqa: E501
    return Draws(*(a[kept] for a in (start * wide, end * wide, afford * wide, stable, inert)))


def _mixture(case: Case, z: np.ndarray, selector: np.ndarray) -> np.ndarray:
    """log10 sigma_ion: the part of the mixture is picked by another normal's own probability."""
    from scipy.special import ndtr

    share = ndtr(selector)
    edges = np.cumsum([weight for weight, _, _ in case.sigma_ion])
    which = np.minimum(np.searchsorted(edges, share), len(edges) - 1)
    mean = np.array([m for _, m, _ in case.sigma_ion])[which]
    sd = np.array([s for _, _, s in case.sigma_ion])[which]
    return mean + sd * z


def recommended(
    found: Draws, floor_nm: float = 2.5, ceiling_nm: float = 1000.0, count: int = 241
) -> tuple[float, float, float]:
    """Thinnest thickness within 0.005 of the best, and the band within 90 % of the best, nm."""
    grid = np.geomspace(floor_nm, ceiling_nm, count)
    start = np.maximum(found.protects_from_nm, 0.0)
    end = np.minimum(found.protects_to_nm, found.affordable_to_nm)
    some = end >= start
    begun = np.searchsorted(np.sort(start[some]), grid, side="right")
    ended = np.searchsorted(np.sort(end[some]), grid, side="left")
    p = (begun - ended) / len(start)
    best = p.max()
    band = grid[p >= 0.9 * best]
    return float(grid[np.argmax(p >= best - 0.005)]), float(band[0]), float(band[-1])
