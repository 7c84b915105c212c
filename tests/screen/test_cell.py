"""One's own cell has the numbers of a run of its saved spec, and says what they rest on."""

import json
import math

import numpy as np
import pytest
from typer.testing import CliRunner

from muli.screen.cli.app import app
from muli.screen.errors import SpecError
from muli.screen.interactive.cell import cell
from muli.screen.running.run import run
from tests.screen.screens import read

CELL = {
    "electrolyte": "Li6PS5Cl",
    "um": 40,
    "coating": "LiNbO3",
    "nm": 3.5,
    "cathode": "NMC811",
    "anode": "Li-In",
    "celsius": 60,
    "sigma_ele": 5e-12,
    "sigma_ion": 3e-7,
}
BARE = {key: CELL[key] for key in ("electrolyte", "um", "cathode", "anode", "celsius")}
CONTRACT = (
    "protected",
    "feasible",
    "interface_potential_V",
    "min_thickness_nm",
    "max_thickness_nm",
    "asr_coating_ohm_cm2",
    "anode_side_V",
    "boundary",
    "p_works",
    "assumptions",
)


def same_row(answer, row):
    """Every column of a run's row stands in the answer with its value."""
    compared = 0
    for name, value in row.items():
        if name == "row_id" or name.startswith("group_") or name not in answer:
            continue
        mine, compared = answer[name], compared + 1
        if value is None or (isinstance(value, float) and math.isnan(value)):
            assert mine is None, name
        elif isinstance(value, bool | str):
            assert mine == value, name
        else:
            assert mine == pytest.approx(value, rel=1e-9, abs=1e-12), name
    return compared


def ran(mine, tmp_path):
    mine.save(tmp_path / "cell.toml")
    run(tmp_path / "cell.toml", tmp_path / "run", precision="float64")
    return read(tmp_path / "run").to_pylist()


@pytest.mark.full
def test_the_saved_spec_of_a_cell_gives_its_row(tmp_path):
    mine = cell(**CELL)
    charged, discharged = ran(mine, tmp_path)
    assert same_row(mine.solve(), charged) > 60
    other = cell(**CELL, state="discharged")
    assert same_row(other.solve(), discharged) > 60


@pytest.mark.full
@pytest.mark.parametrize(
    "changes",
    [
        {"celsius": 25, "boundary": "electrode"},
        {"coating": "Li3PO4", "nm": 12.0, "sigma_ele": None, "sigma_ion": None},
        {"coating": "LiTaO3", "celsius": 25, "anode": None, "sigma_ele": None},
        {"coating": "Al2O3", "celsius": 90, "cathode": 4.3, "sigma_ion": None},
        {"electrolyte": "Li3InCl6", "anode": 0.3, "electrolyte_sigma_ele": 2e-9, "budget": 2.0},
        {"current": -1.0, "celsius": 25},
        {"coating": None, "nm": None, "sigma_ele": None, "sigma_ion": None},
        {"coating": None, "nm": None, "sigma_ele": None, "sigma_ion": None, "cathode": 2.0,
         "boundary": "electrode", "celsius": 25},
    ],
)  # fmt: skip
def test_cell_and_run_agree(tmp_path, changes):
    mine = cell(**{**CELL, **changes})
    rows = ran(mine, tmp_path)
    row = rows[0] if mine.entry.coating else next(r for r in rows if r["coating"] == "none")
    assert same_row(mine.solve(), row) > 50


def test_a_bare_cell_sees_the_cathode():
    answer = cell(**BARE).answer
    assert answer.row["coating"] == "none"
    assert answer.row["interface_potential_V"] == answer.row["cathode_potential_V"]
    assert answer.row["protected"] is False
    assert answer.margin_V == pytest.approx(2.01 - 4.273)


def test_the_divider_by_hand():
    found = cell(**CELL).solve()
    R_SE = 40e-4 * (1 / found["electrolyte_sigma_ion_S_cm"] + 1 / 5.1e-9)
    R_C = 3.5e-7 * (1 / 3e-7 + 1 / 5e-12)
    E = 1.71 + (4.273 - 1.71) * R_SE / (R_SE + R_C)
    assert found["interface_potential_V"] == pytest.approx(E, abs=1e-9)
    needed = 3.5 * (R_SE / R_C) * (4.273 - 2.01) / (2.01 - 1.71)
    assert found["min_thickness_nm"] == pytest.approx(needed, rel=1e-9)
    assert found["asr_coating_ohm_cm2"] == pytest.approx(3.5e-7 / 3e-7)
    assert found["margin_V"] == pytest.approx(2.01 - E, abs=1e-9)
    assert found["anode_side_V"] == pytest.approx(1.71)


def test_profile_ends_at_the_electrodes_and_passes_the_interface():
    mine = cell(**CELL)
    E_star = mine.solve()["interface_potential_V"]
    at = mine.profile([0.0, 20.0, 40.0, 40.00175, 40.0035])
    middle = (1.71 + E_star) / 2
    expected = [1.71, middle, E_star, (E_star + 4.273) / 2, 4.273]
    assert at["E_V"].to_list() == pytest.approx(expected, abs=1e-9)
    assert at["role"].to_list() == ["electrolyte"] * 3 + ["cathode_coating"] * 2
    table = mine.profile(points=3)
    assert table["E_V"].to_list() == pytest.approx(
        [1.71, middle, *expected[2:3] * 2, *expected[3:]]
    )
    with pytest.raises(SpecError, match="outside the stack"):
        mine.profile([41.0])


def test_growth_is_that_of_muli_age_and_parabolic_at_first():
    mine = cell(**CELL)
    aged = mine.age(times_s=[1.0, 4.0, 2.6298e6])
    rows = aged["interphase_nm"].to_numpy()
    assert rows[-1] == pytest.approx(mine.solve()["interphase_nm_at_1_month"], rel=1e-9)
    assert 1.0 < rows[1] / rows[0] <= 4.0
    assert np.all(np.diff(aged["anode_interphase_nm"]) > 0)
    assert mine.solve()["interphase_final_nm"] >= rows[-1]


@pytest.mark.full
def test_growth_is_that_of_a_run_with_ageing(tmp_path):
    mine = cell(**CELL)
    spec = {**mine.entry.as_spec(), "ageing": {"times": ["1 month", "1 year", "10 years"]}}
    run(spec, tmp_path / "run", precision="float64")
    row, found = read(tmp_path / "run").to_pylist()[0], mine.solve()
    names = [name for name in row if "interphase" in name and name in found]
    assert len(names) >= 10
    for name in names:
        assert found[name] == pytest.approx(row[name], rel=1e-9), name


def test_assumptions_name_defaults_temperatures_and_priors():
    said = " | ".join(cell(electrolyte="Li6PS5Cl", um=40, coating="LiNbO3", nm=3.5,
                           cathode="NMC811", celsius=60).solve()["assumptions"])  # fmt: skip
    for phrase in (
        "not given: anode lithium, 0 V; the cathode is charged; boundary auto",
        "sigma_ion 0.00195 S/cm, measured at 298.15 K, scaled to 333.15 K with 0.37 eV",
        "sigma_ele 5.1e-09 S/cm, measured at 298.15 K, held constant to 333.15 K",
        "LiNbO3: sigma_ele was never measured: a prior",
    ):
        assert phrase in said


def test_unknown_sigma_ele_leaves_the_verdict_open_and_says_what_would_do(tmp_path):
    mine = cell(**{**CELL, "sigma_ele": None})
    found = mine.solve()
    assert found["protected"] is None
    assert 0 < found["p_works"] < 1
    assert "below 5.9e-14 S/cm the coating protects" in " ".join(repr(mine).split())
    with pytest.raises(SpecError, match="sigma_ele of LiNbO3 unknown"):
        mine.plot(tmp_path / "p.svg")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"coating": "LiNbO33"}, "cell: coating: unknown material 'LiNbO33'; closest: LiNbO3"),
        ({"electrolyte": "Li6PS5Cll"}, "cell: electrolyte: unknown material 'Li6PS5Cll'; closest"),
        ({"um": 1e-3}, "cell: um: 0.001: expected um between"),
        ({"nm": -3}, "cell: nm: -3: expected nm between"),
        ({"celsius": 600}, "cell: celsius: 600: expected C between"),
        ({"coating": ""}, "cell: coating: '': expected a material's name"),
        ({"celsius": math.nan}, "cell: celsius: nan: expected C between -123 and 427"),
        ({"nm": None}, "cell: nm is missing; expected a thickness in nm"),
        ({"cathode": 4300}, "looks like mV"),
        ({"sigma_ele": 0.0}, "cell: sigma_ele: 0: expected S/cm"),
        ({"boundary": "foo"}, 'cell: boundary = \'foo\'; expected "auto", "electrode"'),
    ],
)
def test_mistakes_are_one_line_about_the_argument(changes, message):
    with pytest.raises(SpecError) as caught:
        cell(**{**CELL, **changes})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def asked(*words):
    return CliRunner().invoke(app, ["cell", *map(str, words)])


def options(given):
    return [word for name, value in given.items()
            for word in (f"--{name.replace('_', '-')}", value)]  # fmt: skip


def test_command_prints_the_contract_and_writes_picture_and_spec(tmp_path):
    picture, spec = tmp_path / "p.png", tmp_path / "cell.toml"
    found = asked(*options(CELL), "--json", "--picture", picture, "--save", spec)
    assert found.exit_code == 0
    answer = json.loads(found.stdout)
    assert list(answer)[:3] == ["protected", "feasible", "interface_potential_V"]
    assert set(CONTRACT) <= set(answer)
    assert answer["boundary"] == "auto"
    assert all(isinstance(each, str) for each in answer["assumptions"])
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert 'coating = ["LiNbO3"]' in spec.read_text()
    words = asked(*options(CELL)).stdout
    for phrase in ("Not protected", "296 nm or more protect", "What this rests on", "[axes]"):
        assert phrase in words


def test_nothing_protects_is_null_in_json():
    answer = asked(*options({**CELL, "anode": 2.5}), "--json")
    assert json.loads(answer.stdout)["min_thickness_nm"] is None
    assert "No thickness of this coating protects" in asked(*options({**CELL, "anode": 2.5})).stdout
