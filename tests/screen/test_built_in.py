"""What the built-in screen must show, read from its own output (Kimura 2024, press release)."""

import tomllib
from importlib import resources

import numpy as np
import pandas as pd
import pytest

from muli.screen.running.run import run
from muli.screen.space.cost import BYTES_OF_RANKED

CELL = ["electrolyte", "cathode", "cathode_state", "anode", "boundary"]
FEW = {
    "electrolyte": ["Li6PS5Cl", "Li3PS4", "Li3InCl6"],
    "cathode": ["NMC811", "LiCoO2", "NCA"],
}


ONE = {"coating": ["LiPON"], "electrolyte": ["Li6PS5Cl"], "cathode": ["NMC811"]}


def run_built_in(folder, axes, **output):
    """The built-in spec with some of its axes cut: the run, and its rows that have an answer."""
    spec = tomllib.loads((resources.files("muli.screen.spec") / "builtin.toml").read_text())
    spec["axes"] |= axes
    spec["output"] |= output
    result = run(spec, folder)
    parts = sorted(result.folder.glob("part-*.parquet"))
    return result, pd.read_parquet(parts).query("status == 'ok'")


@pytest.fixture(
    scope="module",
    params=[pytest.param(FEW, id="few"), pytest.param({}, id="whole", marks=pytest.mark.full)],
)
def built_in(request, tmp_path_factory):
    """The built-in spec run as it stands, or on a few of its electrolytes and cathodes."""
    return run_built_in(tmp_path_factory.mktemp("built-in") / "out", request.param)


def test_every_stack_has_an_outcome(built_in):
    result, _ = built_in
    assert result.complete
    assert sum(result.counts.values()) == result.stacks >= 10_000_000
    assert result.counts["ok"] > 0
    assert result.counts["missing_property"] > 0


def test_stored_rows_take_about_what_a_dry_run_tells(built_in):
    result, _ = built_in
    size = sum(path.stat().st_size for path in result.folder.glob("part-*.parquet"))
    least, most = BYTES_OF_RANKED
    assert 0.5 * least < size / result.rows < 1.5 * most


def test_a_more_resistive_coating_lowers_the_potential(built_in):
    """Lower sigma_ele or more thickness: E* falls with L (1/sigma_ion + 1/sigma_ele).

    Where the cathode lies above the anode, or the interphase that stands for it.
    """
    _, rows = built_in
    rows = rows[rows["interface_potential_V"] < rows["cathode_potential_V"]]
    per_cm = 1.0 / rows["coating_sigma_ion_S_cm"] + 1.0 / rows["coating_sigma_ele_S_cm"]
    ordered = rows.assign(resistance=rows["coating_thickness_nm"] * per_cm)
    compared = 0
    for _, cell in ordered.groupby([*CELL, "electrolyte_thickness_um"], observed=True):
        cell = cell.sort_values("resistance")
        steps = np.diff(cell["interface_potential_V"])
        apart = np.diff(np.log(cell["resistance"])) > 1e-4
        assert (steps[apart] <= 1e-6).all()
        compared += int((steps[apart] < -1e-3).sum())
    assert compared > 50


@pytest.fixture(scope="module")
def one_coating(tmp_path_factory):
    """All rows of one coating in one cell, at every thickness."""
    return run_built_in(tmp_path_factory.mktemp("one") / "out", ONE, mode="all")


def test_the_same_coating_stops_protecting_on_a_thicker_electrolyte(one_coating):
    _, rows = one_coating
    lost = 0
    for _, line in rows.groupby([*CELL, "coating_thickness_nm"], observed=True):
        line = line.sort_values("electrolyte_thickness_um")
        assert (np.diff(line["interface_potential_V"]) >= 0).all()
        protected = line["oxidation_protected"].astype(int).to_numpy()
        assert (np.diff(protected) <= 0).all()
        lost += bool(protected[0] and not protected[-1])
    assert lost > 0


def test_the_thickest_electrolyte_a_coating_can_serve_is_told(built_in):
    _, rows = built_in
    coated = rows[rows["min_thickness_nm"] > 0]
    limit = coated["max_electrolyte_thickness_um"] / coated["electrolyte_thickness_um"]
    clear = (limit - 1.0).abs() > 1e-3
    assert (coated["oxidation_protected"].astype(bool) == (limit > 1.0))[clear].all()
    assert 0 < (limit > 1.0).sum() < len(limit)


def test_what_ends_the_band_of_thicknesses_is_named(built_in):
    _, rows = built_in
    ends = set(rows["max_thickness_set_by"].astype(str))
    assert {"resistance", "coating_reduction"} <= ends


def test_too_thick_a_coating_lets_something_be_reduced(one_coating):
    """Both sides of the window are shown."""
    _, rows = one_coating
    below = rows[rows["reduction_margin_V"] < 0]
    assert len(below) > 0
    assert not below["protected"].astype(bool).any()
    assert below["oxidation_protected"].astype(bool).any()


def test_ionic_conductivity_sets_the_resistance_and_not_the_potential(built_in):
    _, rows = built_in
    rows = rows[rows["coating"] != "none"].reset_index(drop=True)
    thickness = rows["coating_thickness_nm"] * 1e-7
    assert np.allclose(
        rows["asr_coating_ohm_cm2"], thickness / rows["coating_sigma_ion_S_cm"], rtol=1e-5
    )
    insulating = rows["coating_sigma_ele_S_cm"] < 1e-3 * rows["coating_sigma_ion_S_cm"]
    insulating &= rows["electrolyte_sigma_ele_S_cm"] < 1e-3 * rows["electrolyte_sigma_ion_S_cm"]
    chosen = rows[insulating]
    coating = thickness[chosen.index] / chosen["coating_sigma_ele_S_cm"]
    electrolyte = chosen["electrolyte_thickness_um"] * 1e-4 / chosen["electrolyte_sigma_ele_S_cm"]
    reduction_limit = chosen["interface_potential_V"] - chosen["reduction_margin_V"]
    low, high = reduction_limit + chosen["anode_side_margin_V"], chosen["cathode_potential_V"]
    without_ions = low + (high - low) * electrolyte / (electrolyte + coating)
    assert len(chosen) > 100
    assert np.abs(without_ions - chosen["interface_potential_V"]).max() < 5e-3
