"""Prints how far the order of coatings rests on its assumptions: `python docs/sensitivity.py`.

The cell is Li6PS5Cl (30 um) | NMC811, charged and discharged, all coatings of the library. One
assumption is changed at a time; printed are Spearman's correlation of the whole order with the
default one, how many of its first ten stay, and the first three.
"""

import sys
from typing import Any

import jax
import numpy as np
from scipy.stats import spearmanr

from muli.candidates.evidence import chemistry
from muli.screen.engine.lines import LinePrograms
from muli.screen.engine.probabilities import FLOOR_NM, at_thickness, recommend
from muli.screen.engine.probability_line import Line
from muli.screen.ranking.criteria import STEP
from muli.screen.space.evidence import beliefs
from muli.screen.space.problem import prepare
from muli.screen.space.source import source_of

AXES = {
    "coating": "*",
    "coating_thickness_nm": [10.0],
    "electrolyte": ["Li6PS5Cl"],
    "electrolyte_thickness_um": [30.0],
    "cathode": ["NMC811"],
    "anode": ["Li"],
}
CHANGES: dict[str, dict[str, Any]] = {
    "default": {},
    "spread of the coatings' conductivities halved": {"width": 0.5},
    "thinnest film 1 nm": {"floor": 1.0},
    "thinnest film 5 nm": {"floor": 5.0},
    "window tolerance 0.05 V": {"tolerance": 0.05},
    "window tolerance 0.2 V": {"tolerance": 0.2},
    "A = 0.6 V for all": {"ranking": {"oxidation_allowance_V": 0.6}},
    "A = 0 V for all": {"ranking": {"oxidation_allowance_V": 0.0}},
    "R = -100 meV/atom": {"ranking": {"reaction_limit_meV_atom": -100.0}},
    "what a coating has itself endured left out": {"own": False},
    "all oxides of Ti, Nb, Ta, V, Mo, W, Ge, Sn redox-active": {"active_at_V": -100.0},
    "none of them": {"active_at_V": 100.0},
}


def line(
    width: float = 1.0,
    tolerance: float = 0.1,
    ranking: dict[str, float] | None = None,
    own: bool = True,
    active_at_V: float = chemistry.ACTIVE_AT_V,
) -> tuple[list[str], Line]:
    """Names of all coatings, and their lines under one change."""
    if active_at_V != chemistry.ACTIVE_AT_V:
        chemistry.ACTIVE_AT_V = active_at_V
        for name in ("distributions", "limits", "observations", "priors"):
            for each in vars(sys.modules[f"muli.candidates.evidence.{name}"]).values():
                if hasattr(each, "cache_clear"):
                    each.cache_clear()
    screen = {"boundary": ["auto"], "window_tolerance_V": tolerance}
    problem = prepare(source_of({"screen": screen, "axes": AXES, "ranking": ranking or {}}))
    programs = LinePrograms(problem, beliefs(problem, own=own), "float64", None)
    found = programs.lines(0, problem.space.coatings)
    spreads = ("sigma_ion_sd", "sigma_ion_second_sd", "sigma_ele_sd")
    found = found._replace(**{name: width * getattr(found, name) for name in spreads})
    return list(problem.materials.frames["coating"]["name"]), found


@jax.jit
def judged(found: Line, floor: Any) -> tuple[Any, Any]:
    """Probabilities at the recommended thickness, and the resistance there."""
    best = recommend(found, floor)
    return at_thickness(found, best.thickness_nm, fine=False), best.asr_median_ohm_cm2


def order(names: list[str], found: Line, floor: float) -> list[str]:
    """Coatings in the order of a ranking."""
    p, cost = judged(found, floor)
    steps = np.floor(np.asarray(p.p_works) / STEP + 1e-6)
    transport = np.asarray(p.p_protects) * np.asarray(p.p_affordable)
    return [names[k] for k in np.lexsort((names, np.asarray(cost), -transport, -steps))]


def main() -> None:
    """Print the table."""
    jax.config.update("jax_enable_x64", True)
    orders: dict[str, list[str]] = {}
    for name, change in CHANGES.items():
        floor = change.pop("floor", FLOOR_NM)
        orders[name] = order(*line(**change), floor)
    default = orders.pop("default")
    print(f"first ten: {', '.join(default[:10])}\n")
    print("| changed | Spearman | of the first ten stay | first three |")
    print("|---|---|---|---|")
    for name, changed in orders.items():
        place = [changed.index(each) for each in default]
        rho = spearmanr(range(len(place)), place).statistic
        stay = len({*default[:10]} & {*changed[:10]})
        print(f"| {name} | {rho:.2f} | {stay} | {', '.join(changed[:3])} |")


if __name__ == "__main__":
    main()
