"""Growth of one cell against time with the band that uncertain products give.

    cell = Cell("Li6PS5Cl", coating_thickness_nm=6.0, coating_sigma_ele_S_cm=1e-13, ...)
    curves(cell, times_s).cathode_ohm_cm2.middle

The products are those of the library, by what the electrolyte touches; the coating's conductivities
have the stated spreads; everything else is exact.
"""

from typing import Any, NamedTuple

import jax
import numpy as np
from numpy.typing import NDArray

from muli.kernels import AgeingLayer, AgeingRising, AgeingRow, ageing
from muli.kernels.constants import BOLTZMANN_EV, CM_PER_NM, CM_PER_UM
from muli.screen.compiling.programs import QUICK_COMPILE, kept
from muli.screen.engine.ageing import NO_LIMIT_V
from muli.screen.space.distributions import normal_scores
from muli.screen.space.products import made

Floats = NDArray[np.float64]
DRAWS, SEED = 256, 20
PERCENT = (5.0, 50.0, 95.0)


class Cell(NamedTuple):
    """One cell. A thickness of 0 is no coating; pins: whether the anode's side is held at the
    electrolyte's reduction limit; decades: standard deviations of log10 of the conductivities."""

    electrolyte: str
    electrolyte_thickness_um: float
    electrolyte_sigma_ion_S_cm: float
    electrolyte_sigma_ele_S_cm: float
    electrolyte_reduction_limit_V: float
    electrolyte_oxidation_limit_V: float
    anode_electrode_V: float
    cathode_potential_V: float
    coating_thickness_nm: float
    coating_sigma_ion_S_cm: float
    coating_sigma_ele_S_cm: float
    temperature_K: float = 298.15
    area_factor: float = 1.0
    pins: bool = True
    coating_sigma_ion_decades: float = 0.0
    coating_sigma_ele_decades: float = 0.0


class Band(NamedTuple):
    """5, 50 and 95 % at every time."""

    low: Floats
    middle: Floats
    high: Floats


class Curves(NamedTuple):
    """Thickness of both interphases, and resistance of coating and interphase of the cathode side
    and of the anode's interphase."""

    cathode_nm: Band
    anode_nm: Band
    cathode_ohm_cm2: Band
    anode_ohm_cm2: Band


def curves(cell: Cell, times_s: Floats) -> Curves:
    """Bands of one cell at these times."""
    rows = _rows(cell)
    with jax.enable_x64(True):
        thickness = jax.tree.map(np.asarray, _thicknesses(rows, np.asarray(times_s, float)))
    cathode, anode = thickness
    film = np.asarray(rows.asr_coating)[:, None]
    on_cathode = film + cathode * CM_PER_NM / _column(rows.cathode.sigma_ion, cell.area_factor)
    on_anode = anode * CM_PER_NM / _column(rows.anode.sigma_ion, 1.0)
    return Curves(*(_band(values) for values in (cathode, anode, on_cathode, on_anode)))


@kept("curves of ageing", QUICK_COMPILE)
def _thicknesses(rows: AgeingRow, times: Any) -> tuple[Any, Any]:
    aged = jax.vmap(lambda row: ageing(row, times, times[-1]))(rows)  # the rest is not computed
    return aged.interphase_nm, aged.anode_interphase_nm


def _column(sigma: Any, area: float) -> Floats:
    return np.asarray(sigma)[:, None] * area


def _band(values: Floats) -> Band:
    return Band(*np.percentile(values, PERCENT, axis=0))


def _rows(cell: Cell) -> AgeingRow:
    """The cell with every draw of its products and its coating, (draws,)."""
    scores = normal_scores(8, DRAWS, SEED)
    # The second sequence is correlated with the first, so it is permuted.
    own = np.random.default_rng(SEED).permutation(normal_scores(2, DRAWS, SEED))
    film = cell.coating_thickness_nm * CM_PER_NM / cell.area_factor
    bare = cell.coating_thickness_nm == 0
    ion, ele = (
        film / (median * 10.0 ** (decades * z))
        for median, decades, z in (
            (cell.coating_sigma_ion_S_cm, cell.coating_sigma_ion_decades, own[:, 0]),
            (cell.coating_sigma_ele_S_cm, cell.coating_sigma_ele_decades, own[:, 1]),
        )
    )
    length = cell.electrolyte_thickness_um * CM_PER_UM
    sigma = cell.electrolyte_sigma_ion_S_cm, cell.electrolyte_sigma_ele_S_cm

    def all_draws(value: float) -> Floats:
        return np.full(DRAWS, float(value))

    return AgeingRow(
        E_anode=all_draws(cell.anode_electrode_V),
        E_cathode=all_draws(cell.cathode_potential_V),
        reduction=all_draws(cell.electrolyte_reduction_limit_V if cell.pins else NO_LIMIT_V),
        oxidation=all_draws(cell.electrolyte_oxidation_limit_V),
        electrolyte_resistance=all_draws(length * sum(1.0 / s for s in sigma)),
        coating_resistance=ion + ele,
        asr_coating=ion,
        asr_budget=all_draws(np.inf),
        area_factor=all_draws(cell.area_factor),
        cathode=_layer(cell, "bare" if bare else "coated", scores[:, :4]),
        anode=_layer(cell, "anode", scores[:, 4:]),
        electrolyte_thickness=all_draws(length),
        anode_counts=all_draws(1.0),
    )


def _layer(cell: Cell, touches: str, scores: Floats) -> AgeingLayer:
    products = made([cell.electrolyte], touches)
    spreads = (
        products.sigma_ion,
        products.sigma_ele,
        products.volume_per_charge,
        products.reaction_rate,
    )
    drawn = [
        spread.value * 10.0 ** (spread.sd * scores[:, place])
        for place, spread in enumerate(spreads)
    ]
    slope = products.hole_slope / (BOLTZMANN_EV * cell.temperature_K)
    law = (slope, products.hole_reference, products.hole_floor)
    rising = AgeingRising(*(np.repeat(number, DRAWS) for number in law))
    return AgeingLayer(drawn[0], drawn[1], drawn[2], drawn[3], rising)
