"""The shipped table of computed compounds against published numbers (facts, with their papers)."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from muli import candidates
from muli.candidates.family import is_oxoanion_salt
from muli.candidates.formula import parse, reduced_formula

LIBRARY = Path(candidates.__file__).parent / "library"

# Zhu, He, Mo 2015, doi 10.1021/acsami.5b07517, tables 1 and S3: V vs Li/Li+
ZHU = {
    "Li3PO4": (0.69, 4.21),
    "Li2PO2N": (0.68, 2.63),
    "Li7La3Zr2O12": (0.05, 2.91),
    "Li1.3Al0.3Ti1.7(PO4)3": (2.17, 4.21),
    "Li1.5Al0.5Ge1.5(PO4)3": (2.70, 4.27),
    "Li3.5Zn0.25GeO4": (1.44, 3.39),
    "LiTaO3": (1.18, 3.95),
    "Li3PS4": (1.71, 2.31),
    "Li7P3S11": (2.28, 2.31),
    "Li6PS5Cl": (1.71, 2.01),
    "LiNbO3": (1.74, 3.88),
}
# Nolan 2021 and Xiao 2019 (doi 10.1016/j.joule.2019.02.006): oxidation limits, later tables
OXIDATION = {
    "Li2SO4": 4.66,
    "Li2CO3": 4.10,
    "LiPO3": 5.02,
    "Li2S2O7": 5.23,
    "LiSb3O8": 5.18,
    "Li2Se2O7": 4.86,
    "LiTa3O8": 4.09,
    "LiCrP2O7": 4.61,
    "LiK(PO3)2": 5.09,
    "LiAlSiO4": 4.09,
    "Li2ZrO3": 3.41,
    "LiCoPO4": 4.19,
}


@pytest.fixture(scope="module")
def table():
    frame = pd.read_csv(LIBRARY / "materials_project.csv.gz", low_memory=False)
    return frame.set_index("formula")


@pytest.fixture(scope="module")
def story():
    return json.loads((LIBRARY / "materials_project.json").read_text())


@pytest.mark.parametrize("formula", ZHU)
def test_published_windows(table, formula):
    row = table.loc[reduced_formula(formula)]
    reduction, oxidation = ZHU[formula]
    assert round(row["reduction_limit_V"], 2) == pytest.approx(reduction, abs=0.0101)
    assert row["oxidation_limit_V"] == pytest.approx(oxidation, abs=0.15)


@pytest.mark.parametrize("formula", OXIDATION)
def test_published_oxidation_limits(table, formula):
    limit = table.loc[reduced_formula(formula), "oxidation_limit_V"]
    assert limit == pytest.approx(OXIDATION[formula], abs=0.15)


@pytest.mark.parametrize("formula", ["Li4Ti5O12", "Li5La9(TiO3)16"])
def test_titanates_hang_on_one_hypothetical_phase_and_the_table_points_at_it(table, formula):
    row = table.loc[reduced_formula(formula)]
    assert row["oxidation_limit_V"] == pytest.approx(2.51, abs=0.02)
    assert row["oxidation_competitor"] == "Li7Ti10O24"
    assert row["oxidation_limit_without_competitor_V"] == pytest.approx(3.71, abs=0.02)
    assert row["reduction_limit_V"] == pytest.approx(1.75, abs=0.02)


def test_published_reactions(table):
    energy = "reaction_energy_Li3PS4_meV_atom"
    assert table.loc["LiCoO2", energy] == pytest.approx(-402, abs=1)
    assert table.loc["LiNbO3", energy] == pytest.approx(-146, abs=1)
    # Xiao 2019, tables S2 and S3: lithiated -4, half-lithiated 0
    against = "reaction_energy_NMC111_meV_atom"
    assert table.loc["LiNbO3", against] == pytest.approx(-4, abs=1)
    assert table.loc["LiNbO3", f"{against}_lithiated"] == pytest.approx(-4, abs=1)
    assert table.loc["LiNbO3", f"{against}_delithiated"] == pytest.approx(0, abs=1)
    assert table.loc["LiNbO3", "reaction_energy_LiCoO2_meV_atom"] == pytest.approx(0, abs=1)


def test_metastable_partners_decompose_apart_from_mixing(table, story):
    states = {s["formula"]: s for partner in story["partners"] for s in partner["states"]}
    assert states["Li6PS5Cl"]["self_decomposition_meV_atom"] == pytest.approx(-83, abs=1)
    assert states["Li3NiMnCoO6"]["self_decomposition_meV_atom"] == pytest.approx(-43, abs=1)
    assert states["LiNi0.8Mn0.1Co0.1O2"]["at_hull_mixture"] is True
    column = "reaction_energy_Li6PS5Cl_meV_atom"
    assert (table[f"{column}_entry"] <= -83).all()  # at worst, all of it decomposes by itself
    assert (table[column] > -5).any()


def test_compounds_without_lithium_say_why_a_limit_is_missing(table):
    free = table[[("Li" not in parse(formula)) for formula in table.index]]
    assert {"Al2O3", "ZrO2", "TiO2", "ZnO", "MgO", "AlF3"} <= set(free.index)
    assert free["oxidation_limit_V"].isna().all()
    assert free["oxidation_limit_note"].str.contains("no lithium").all()
    assert free["reduction_limit_V"].notna().all()


def test_absurd_depths_are_flagged(table):
    assert "absurd" in table.loc[reduced_formula("NaLiTm2F8"), "hull_depth_flag"]
    flagged = table["hull_depth_flag"].notna()
    deep = table["hull_depth_eV_atom"] > 0.2
    many = np.array([len(parse(formula)) >= 3 for formula in table.index])
    salts = np.array([is_oxoanion_salt(parse(formula)) for formula in table.index])
    assert (flagged == (deep & many & ~salts)).all()
    for formula in ("Li2CO3", "Li2SO4", "Li3VO4", "Li3AsO4", "LiNO3", "LiClO4"):
        assert table["hull_depth_eV_atom"][reduced_formula(formula)] > 0.2
        assert not flagged[reduced_formula(formula)]


def test_every_row_is_complete_and_consistent(table):
    assert len(table) > 9000
    assert table["name"].is_unique
    assert (table["computed_status"] == "ok").all()
    assert (table["reduction_limit_V"] >= 0).all()
    gap = table["oxidation_limit_V"] - table["reduction_limit_V"]
    assert (gap.dropna() >= -1e-6).all()
    energies = [name for name in table if name.startswith("reaction_energy_")]
    assert len(energies) == 7 * 4 + 3 * 2
    assert (table[energies] <= 0).all().all()
    for partner in ("NMC811", "LiCoO2", "NMC111", "Li6PS5Cl"):
        name = f"reaction_energy_{partner}_meV_atom"
        assert (table[f"{name}_entry"] <= table[name] + 1e-3).all()
    for cathode in ("NMC811", "LiCoO2", "NMC111"):
        name = f"reaction_energy_{cathode}_meV_atom"
        states = table[[f"{name}_lithiated", f"{name}_delithiated"]]
        assert np.allclose(table[name], states.min(axis=1), atol=1e-3)


def test_enough_stable_insulators_to_screen(table):
    stable = table["energy_above_hull_eV_atom"] <= 0.005
    assert (stable & (table["band_gap_eV"] > 0.5)).sum() > 1100


def test_the_story_names_sources_and_conventions(story):
    told = json.dumps(story, ensure_ascii=False)
    for fact in ("CC BY 4.0", "10.1063/1.4812323", "npj Comput. Mater. 6, 97", "before MP2020"):
        assert fact in told


@pytest.mark.full
@pytest.mark.skipif(
    "MULI_ENERGIES" not in os.environ,
    reason="set MULI_ENERGIES to the file of computed energies that the table was made from",
)
def test_rows_are_recomputed_from_the_energies(table):
    from muli.candidates.importers import read_energies
    from muli.candidates.thermodynamics import assess, prepare

    energies = read_energies(Path(os.environ["MULI_ENERGIES"])).energies
    partners = prepare(energies)
    for formula in table.index[::400]:
        row = assess(formula, energies, partners)
        for name, value in row.items():
            if isinstance(value, float):
                assert table.loc[formula, name] == pytest.approx(value, abs=1e-4), (formula, name)
