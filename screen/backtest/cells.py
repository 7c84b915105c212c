"""Cells built from the library, and the resistance that the growth model gives them.

Electrolytes and coatings take the means of their distributions, interphases their own table. Times
are stated by the caller; ratios between cells of one series hardly depend on them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from muli.candidates.evidence.distributions import of
from muli.candidates.interphases import Products, products
from muli.screen.solving.age import age_cells
from muli.screen.solving.age_file import AgeEntry, products_entry

THICKNESS_CM = 3e-3
"""Of the electrolyte, 30 um: it sets where growth ends, not how it begins."""
COMPOSITE = 20.0
"""Interface area of a composite cathode per electrode area; published values are 10 to 100."""


@dataclass(frozen=True)
class Setup:
    """One cell: its materials, its potential and its time.

    interphase: what its products are taken from. coating: a name and a thickness (nm), or None.
    """

    electrolyte: str
    interphase: Products
    hours: float
    E_cathode: float
    coating: tuple[str, float] | None = None
    temperature_K: float = 298.15


def on_lithium(electrolyte: str, hours: float, like: str = "") -> Setup:
    """A symmetric cell of lithium; `like` names the electrolyte whose products it takes."""
    return Setup(electrolyte, products(like or electrolyte, "anode", "lithium"), hours, 0.0)


def resistances(setups: Sequence[Setup]) -> np.ndarray:
    """Ionic resistance of interphase and coating (ohm cm2) of every cell."""
    return np.array([films + grown for films, grown, _ in _aged(setups)])


def thicknesses(setups: Sequence[Setup]) -> np.ndarray:
    """Thickness of the interphase (nm) of every cell."""
    return np.array([nm for _, _, nm in _aged(setups)])


def charges(setups: Sequence[Setup]) -> np.ndarray:
    """Charge of the interphase (uAh/cm2) of every cell."""
    volume = np.array([setup.interphase.volume_per_charge.value for setup in setups])
    return thicknesses(setups) * 1e-7 / volume / 3600e-6


def _aged(setups: Sequence[Setup]) -> list[tuple[float, float, float]]:
    """Resistance of coating and of interphase (ohm cm2), thickness of the interphase (nm)."""
    answers = age_cells([AgeEntry.model_validate(_entry(setup)) for setup in setups])
    rows = []
    for setup, aged in zip(setups, answers, strict=True):
        grown = aged.anode.anode if aged.anode is not None else None
        if aged.cathode is not None:
            grown = aged.cathode.cathode
        assert grown is not None
        film = 0.0
        if setup.coating is not None:
            name, nm = setup.coating
            film = nm * 1e-7 / _mean(name, "sigma_ion_S_cm") / COMPOSITE
        rows.append((film, float(grown.resistance[0]), float(grown.thickness[0]) * 1e7))
    return rows


def _entry(setup: Setup) -> dict[str, Any]:
    layers = [_layer("electrolyte", setup.electrolyte, THICKNESS_CM)]
    if setup.coating is not None:
        name, nm = setup.coating
        layers.append(_layer("cathode_coating", name, nm * 1e-7))
    side = "anode_interphase" if setup.interphase.side == "anode" else "interphase"
    limits = of(setup.electrolyte)
    return {
        "layers": layers,
        "E_anode_V": 0.0,
        "E_cathode_V": setup.E_cathode,
        "temperature_K": setup.temperature_K,
        "reduction_limit_V": limits["reduction_limit_V"].mean,
        "oxidation_limit_V": limits["oxidation_limit_V"].mean,
        "times_s": [3600.0 * setup.hours],
        "area_factor": COMPOSITE,
        side: products_entry(setup.interphase),
    }


def _layer(role: str, name: str, thickness: float) -> dict[str, Any]:
    return {
        "role": role,
        "thickness_cm": thickness,
        "sigma_ion_S_cm": _mean(name, "sigma_ion_S_cm"),
        "sigma_0_S_cm": _mean(name, "sigma_ele_S_cm"),
    }


def _mean(name: str, quantity: str) -> float:
    return float(10.0 ** of(name)[quantity].mean)
