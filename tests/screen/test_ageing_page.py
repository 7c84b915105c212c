"""Curves of ageing on the page: bands around the columns of a run, and published points."""

import numpy as np
import pandas as pd

from muli.screen.report.ageing_figures import pictures
from muli.screen.solving.age_bands import Cell, curves
from tests.screen.test_ageing_columns import columns_of, spec_of

NUMBERS = {
    "electrolyte_thickness_um": 30.0,
    "electrolyte_sigma_ion_S_cm": 2e-3,
    "electrolyte_sigma_ele_S_cm": 1e-9,
    "electrolyte_reduction_limit_V": 1.71,
    "electrolyte_oxidation_limit_V": 2.01,
    "anode_electrode_V": 0.0,
    "cathode_potential_V": 4.3,
    "coating_thickness_nm": 3.0,
    "coating_sigma_ion_S_cm": 1e-8,
    "coating_sigma_ele_S_cm": 1e-12,
}


def test_bands_enclose_the_columns_of_a_run():
    spec = spec_of(
        {"electrolyte.reduction_limit_V": [1.71], "electrolyte.oxidation_limit_V": [2.01]}
    )
    columns = columns_of(spec)
    times = np.array([3600.0, 2.6298e6, 3.15576e8])
    for place, nm in ((0, 3.0), (4, 0.0)):  # the first coating at 3 nm, and none
        found = curves(Cell("Li6PS5Cl", **{**NUMBERS, "coating_thickness_nm": nm}), times)
        for side, name in (
            (found.cathode_nm, "interphase_nm"),
            (found.anode_nm, "anode_interphase_nm"),
        ):
            ours = [columns[f"{name}_at_{time}"][place] for time in ("1_h", "1_month", "10_years")]
            assert np.all(side.low < ours)
            assert np.all(ours < side.high)
            np.testing.assert_allclose(np.log10(side.middle), np.log10(ours), atol=0.4)


def test_an_unknown_coating_widens_the_band():
    cell, times = Cell("Li6PS5Cl", **NUMBERS), np.array([3600.0])
    sure, unsure = (
        curves(cell._replace(coating_sigma_ele_decades=sd), times).cathode_nm for sd in (0.0, 2.0)
    )
    assert unsure.low[0] < sure.low[0]
    assert unsure.high[0] >= sure.high[0]


def test_pictures_of_the_first_row():
    ranked = pd.DataFrame({"coating": ["none", "LiNbO3"], "electrolyte": "Li6PS5Cl"})
    numbers = pd.DataFrame([{**NUMBERS, "pins": 1.0, "temperature_K": 298.15}] * 2)
    assert pictures(ranked, numbers) == []  # a run without [ageing]
    thickness, resistance = pictures(ranked.assign(interphase_basis="prior"), numbers)
    assert "published, with an inert electrode" in thickness.caption
    assert "LiNbO3, 3 nm" in resistance.alt
    data = resistance.spec["datasets"].values()
    published = [row for table in data for row in table if "source" in row]
    assert {"bare", "coated"} <= {row["which"] for row in published}
    assert any(row["source"].startswith("Bong2023") for row in published)
