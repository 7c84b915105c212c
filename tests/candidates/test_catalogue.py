"""The wide table: defaults, roles, conditions, a user's rows beside the library's."""

import subprocess
import sys

import pandas as pd
import pytest

from muli import candidates
from muli.candidates.schema import NUMERIC
from muli.candidates.wide import columns


def row(name, **options):
    frame = candidates.load(**options)
    return frame[frame["name"] == candidates.resolve(name)].iloc[0]


def test_names_used_in_specs_resolve():
    for name in ("LiNbO3", "Li3PO4", "LiTaO3", "Li6PS5Cl", "Li3PS4", "LiPO3", "LiTi2(PO4)3"):
        assert candidates.resolve(name) == name
    for name in ("NMC811", "Li", "Li-In"):
        assert candidates.resolve(name) == name
    assert candidates.resolve("LLZO") == "Li7La3Zr2O12"
    assert candidates.resolve("lpscl") == "Li6PS5Cl"


def test_a_typo_names_the_closest():
    with pytest.raises(candidates.UnknownMaterial, match="LiNbO3") as problem:
        candidates.resolve("LiNb03")
    assert "LiNbO3" in problem.value.closest
    with pytest.raises(KeyError):
        candidates.values("LiNb03")


def test_film_values_are_what_counts_for_coatings():
    film, crystal = row("Li3PO4"), row("Li3PO4 (crystal)")
    assert (film["sigma_ion_S_cm_low"], film["sigma_ion_S_cm_high"]) == (1.4e-10, 4.6e-6)
    warm = film["sigma_ion_S_cm"], film["sigma_ion_temperature_K"], film["sigma_ion_activation_eV"]
    assert warm == (1.73e-8, 323.15, 0.51)
    assert crystal["sigma_ion_S_cm"] < 1e-17
    assert film["oxidation_limit_V"] == crystal["oxidation_limit_V"] == 4.21
    niobate = row("LiNbO3")
    assert niobate["sigma_ion_S_cm_low"] == pytest.approx(6.39e-8)
    assert niobate["sigma_ion_S_cm_high"] == 1e-5
    assert niobate["sigma_ion_S_cm"] == 1.33e-7


def test_unknown_stays_unknown():
    niobate = row("LiNbO3")
    assert pd.isna(niobate["sigma_ele_S_cm"])
    assert niobate["evidence_sigma_ele"] == "none"
    assert row("LiNbO3 (crystal)")["evidence_sigma_ele"] == "range"
    assert row("Li4Ti5O12")["evidence_sigma_ele"] == "range"
    assert row("Al2O3")["evidence_sigma_ele"] == "range"
    assert row("LiTaO3")["evidence_sigma_ele"] == "none"
    assert row("LiPON")["evidence_sigma_ele"] == "measured"
    for name in ("LiTaO3", "Li3PO4", "Li2ZrO3", "LAGP", "LLTO", "Li3N", "Li4Ti5O12", "Al2O3"):
        assert pd.isna(row(name)["sigma_ele_S_cm"])


def test_measured_defaults_of_the_argyrodite():
    argyrodite = row("Li6PS5Cl")
    assert argyrodite["sigma_ele_S_cm"] == 5.1e-9
    assert (argyrodite["sigma_ion_S_cm"], argyrodite["sigma_ion_activation_eV"]) == (1.95e-3, 0.37)
    assert argyrodite["sigma_ion_temperature_K"] == 298.15
    assert argyrodite["sigma_ion_S_cm_count"] == 13


def test_a_value_hot_keeps_its_temperature():
    glass = row("LiPO3")
    assert (glass["sigma_ion_S_cm"], glass["sigma_ion_temperature_K"]) == (5.5e-8, 343.15)
    assert glass["sigma_ion_activation_eV"] == 0.72


def test_electrodes_have_three_potentials():
    nmc = row("NMC811")
    three = nmc["discharged_potential_V"], nmc["average_potential_V"], nmc["charged_potential_V"]
    assert three == (3.568, 3.88, 4.273)
    assert row("Li-In")["average_potential_V"] == 0.62
    assert row("Li")["charged_potential_V"] == 0.0
    assert row("NMC622")["charged_potential_V"] == 4.3
    assert row("NMC622")["potential_kind"] == "cycling range"


def test_every_column_promised_is_there_and_names_are_unique():
    frame = candidates.load()
    assert list(frame.columns) == list(columns())
    assert frame["name"].is_unique
    for name in NUMERIC:
        assert frame[name].dtype == float, name
    for name in ("sigma_ion_S_cm", "sigma_ele_S_cm", "reduction_limit_V", "oxidation_limit_V"):
        known = frame[name].notna()
        assert frame.loc[known, f"{name}_source"].notna().all()
        assert frame.loc[known, f"{name}_method"].notna().all()
        assert (frame.loc[known, f"{name}_low"] <= frame.loc[known, name]).all()
        assert (frame.loc[known, name] <= frame.loc[known, f"{name}_high"]).all()


def test_a_row_plays_each_of_its_roles():
    for role in ("coating", "anode"):
        frame = candidates.load(role=role)
        assert (frame["role"] == role).all()
        assert "Li4Ti5O12" in set(frame["name"])
    assert "LiPON" in set(candidates.load(role="coating")["name"])
    assert "LiPON" in set(candidates.load(role="electrolyte")["name"])
    with pytest.raises(ValueError, match="coating, electrolyte, cathode, anode"):
        candidates.load(role="separator")


def test_loading_twice_gives_the_same_and_the_first_may_be_changed():
    first = candidates.load()
    first.loc[:, "sigma_ion_S_cm"] = 1.0
    pd.testing.assert_frame_equal(candidates.load(), candidates.load())
    assert candidates.load()["sigma_ion_S_cm"].ne(1.0).all()


def test_where_is_a_condition_and_nothing_else():
    frame = candidates.load(role="coating", where="oxidation_limit_V > 4.5 AND family='phosphate'")
    assert len(frame) >= 3
    assert (frame["oxidation_limit_V"] > 4.5).all()
    assert set(frame["family"]) == {"phosphate"}
    for condition in (
        "no_such_column > 1",
        "1=1) --",
        "read_csv('/etc/passwd')",
        "1; DROP TABLE x",
    ):
        with pytest.raises(ValueError, match=r"^where "):
            candidates.load(where=condition)


def test_computed_compounds_have_the_same_columns():
    frame = candidates.load(table="materials-project")
    assert set(columns()) <= set(frame.columns)
    assert len(frame) > 1100
    assert frame["name"].is_unique
    assert (frame["evidence_sigma_ele"] == "none").all()
    known = frame["reduction_limit_V"].notna()
    assert (frame.loc[known, "window_kind"] == "grand_potential").all()
    with pytest.raises(ValueError, match="materials-project"):
        candidates.load(table="oqmd")


def test_the_computed_table_fills_what_the_literature_lacks_and_no_more():
    filled = row("Al2O3")
    assert "computed" in filled["window_source"]
    assert filled["reduction_limit_V"] > 0.5
    assert pd.isna(filled["oxidation_limit_V"])
    assert row("LiNbO3")["window_source"] == "Zhu2015"
    assert row("LiNbO3")["reaction_energy_source"] == "materials-project"
    assert row("LiNbO3")["reaction_energy_Li3PS4_meV_atom"] == pytest.approx(-146, abs=1)


def user_table(tmp_path, text, name="mine.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_users_rows_join_and_take_the_place_of_their_namesakes(tmp_path):
    path = user_table(
        tmp_path,
        "name,formula,sigma_ion_S_cm,sigma_ele_S_cm,oxidation_limit_V,source\n"
        "film A,LiNbO3,1e-6,1e-11,3.88,measured here\n"
        "LiTaO3,,2e-8,,,\n",
    )
    before, frame = candidates.load(), candidates.load([path])
    assert len(frame) == len(before) + 1
    film = frame[frame["name"] == "film A"].iloc[0]
    assert (film["role"], film["family"], film["table"]) == ("coating", "niobate", "mine.csv")
    assert (film["sigma_ele_S_cm"], film["evidence_sigma_ele"]) == (1e-11, "measured")
    assert film["sigma_ion_temperature_K"] == 298.15
    assert (film["window_source"], film["window_kind"]) == ("measured here", "user")
    assert pd.isna(film["reduction_limit_V"])
    tantalate = frame[frame["name"] == "LiTaO3"].iloc[0]
    assert (tantalate["sigma_ion_S_cm"], tantalate["formula"]) == (2e-8, "LiTaO3")
    assert pd.isna(tantalate["oxidation_limit_V"])


def test_a_table_may_name_other_roles(tmp_path):
    path = user_table(
        tmp_path, "name,formula,role,sigma_ion_S_cm\nmy SE,Li6PS5Cl,electrolyte,2e-3\n"
    )
    assert "my SE" in set(candidates.load([path], role="electrolyte")["name"])
    assert "my SE" not in set(candidates.load([path], role="coating")["name"])


def test_bad_rows_stop_a_load_unless_skipped(tmp_path):
    path = user_table(tmp_path, "name,sigma_ion_S_cm\ngood,1e-6\nbad,-1\n")
    with pytest.raises(candidates.TableError, match="row 3"):
        candidates.load([path])
    frame = candidates.load([path], bad="skip")
    assert {"good"} == set(frame["name"]) & {"good", "bad"}
    assert [problem.row for problem in frame.attrs["problems"]] == [3]


def test_importing_the_package_imports_nothing_heavy():
    code = (
        "import sys, candidates; print([m for m in ('pandas','numpy','jax') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there_whatever_was_imported_first():
    for name in candidates.__all__:
        assert callable(getattr(candidates, name)), name
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = candidates.no_such_name
