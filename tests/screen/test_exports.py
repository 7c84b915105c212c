"""Rows for cell models: what is written is read back by BPX's own reader, or stands in the row."""

import json
import math
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from muli.screen.cli import app
from muli.screen.errors import UsageError
from muli.screen.exports import export
from muli.screen.exports.pybamm import AREA, NAMES
from muli.screen.exports.row import Row
from muli.screen.ranking.rank import rank
from muli.screen.running.run import run
from tests.screen.screens import small

ROW = {
    "coating_sigma_ion_S_cm": 1e-8,
    "coating_sigma_ele_S_cm": 1e-13,
    "electrolyte_sigma_ion_S_cm": 1.95e-3,
    "electrolyte_sigma_ele_S_cm": 5.1e-9,
    "asr_total_ohm_cm2": 6.5,
    "law": "constant",
}
PYBAMM = {
    "Contact resistance [Ohm]",
    "SEI resistivity [Ohm.m]",
    "Initial SEI thickness [m]",
    "SEI lithium ion conductivity [S.m-1]",
    "SEI electron conductivity [S.m-1]",
    "Separator thickness [m]",
}
"""Names in `pybamm.Parameter(...)` of PyBaMM 26.10: parameters/electrical_parameters.py,
lithium_ion_parameters.py, geometric_parameters.py."""

bpx = pytest.importorskip("bpx")


@pytest.fixture
def folder(folder_of):
    rows = [ROW, {**ROW, "row_id": 2**40, "asr_coating_ohm_cm2": math.nan, "law": "branches"}]
    return folder_of([*rows, {**ROW, "min_thickness_nm": math.inf}])


def written(folder, row_id, form, tmp_path, **options):
    out = tmp_path / f"{form}_{row_id}"
    export(folder, row_id, form, out, **options)
    return out


def test_bpx_reads_the_numbers_back(folder, tmp_path):
    out = written(folder, 0, "bpx", tmp_path, area_cm2=4.0)
    read = bpx.parse_bpx_file(out, convert_legacy=False)
    assert read.header.bpx.startswith("1.1")
    assert read.header.model == "Partial"
    assert read.header.title == "Li | SE 30 um | A 50 nm | NMC charged"
    assert "Row 0 of the run run" in read.header.description
    block = read.parameterisation.user_defined.model_dump()
    assert block["Coating thickness [m]"] == 5e-8
    assert block["Coating ionic conductivity [S.m-1]"] == 1e-6
    assert block["Coating electronic conductivity [S.m-1]"] == 1e-11
    assert block["Solid electrolyte thickness [m]"] == 3e-5
    assert block["Solid electrolyte ionic conductivity [S.m-1]"] == 0.195
    assert block["Coating and contact series resistance [Ohm.m2]"] == 5e-4
    assert block["Total series resistance [Ohm.m2]"] == 6.5e-4
    assert block["Contact resistance [Ohm]"] == 1.25
    assert block["Electrode area of the contact resistance [m2]"] == 4e-4
    assert block["Leak current density [A.m-2]"] == pytest.approx(8.2e-3, rel=1e-12)
    for name in ("oxidation_margin_V", "min_thickness_nm", "asr_coating_ohm_cm2"):
        assert block[f"muli {name}"] == {**ROW, "oxidation_margin_V": 0.1, "min_thickness_nm": 40,
                                         "asr_coating_ohm_cm2": 5}[name]  # fmt: skip


def test_what_is_unknown_or_infinite_is_named_and_left_out(folder, tmp_path):
    block = bpx.parse_bpx_file(written(folder, 2**40, "bpx", tmp_path)).parameterisation
    held = block.user_defined.model_dump()
    assert "Contact resistance [Ohm]" not in held
    assert "muli asr_coating_ohm_cm2" not in held
    assert "Coating electronic conductivity [S.m-1]" not in held  # one number of a curve
    assert "left out: asr_coating_ohm_cm2" in held["description"]
    held = json.loads(written(folder, 2, "bpx", tmp_path).read_text())["Parameterisation"]
    assert "muli min_thickness_nm" not in held["User-defined"]
    assert "min_thickness_nm" in held["User-defined"]["description"]


def test_pybamm_finds_its_own_names(folder, tmp_path):
    assert set(NAMES) == PYBAMM
    found = json.loads(written(folder, 0, "pybamm", tmp_path, area_cm2=10.0).read_text())
    assert set(NAMES) <= set(found)
    assert all(isinstance(value, float) for value in found.values())
    assert found["Contact resistance [Ohm]"] == 0.5
    assert found[AREA] == 1e-3
    assert found["SEI resistivity [Ohm.m]"] == pytest.approx(1e6)
    film = found["SEI resistivity [Ohm.m]"] * found["Initial SEI thickness [m]"] * 1e4
    assert film == pytest.approx(500.0)  # ohm cm2: 50 nm at 1e-8 S/cm
    assert found["SEI electron conductivity [S.m-1]"] == 1e-11
    assert found["Separator thickness [m]"] == 3e-5
    found = json.loads(written(folder, 2**40, "pybamm", tmp_path).read_text())
    assert "Contact resistance [Ohm]" not in found
    assert "SEI electron conductivity [S.m-1]" not in found


def test_csv_is_the_whole_row(folder, tmp_path):
    found = pd.read_csv(written(folder, 2, "csv", tmp_path))
    (row,) = rank(folder, by="row_id asc", top=None).to_dict("records")[1:2]
    expected = {name: value for name, value in row.items() if name not in ("rank", "tied")}
    assert found.iloc[0].to_dict() == pytest.approx(expected, nan_ok=True)
    assert math.isinf(found["min_thickness_nm"][0])


def command(*words):
    return CliRunner().invoke(app.app, ["export", *map(str, words)])


@pytest.mark.parametrize("row_id", [7, -1, 2**63, 10**30])
def test_a_row_that_is_not_there(folder, row_id, tmp_path):
    out = tmp_path / "x"
    with pytest.raises(UsageError, match=r"holds no such row among its 3 rows") as refused:
        export(folder, row_id, "csv", out)
    assert "\n" not in str(refused.value)
    assert refused.value.exit_code == 2
    assert not out.exists()


@pytest.mark.parametrize(
    ("form", "name", "area", "said"),
    [
        ("xml", "new", 1.0, "expected one of bpx, pybamm, csv"),
        ("bpx", "new", 0.0, "expected an area in cm2"),
        ("bpx", "new", math.nan, "expected an area in cm2"),
        ("bpx", "there", 1.0, "exists already"),
        ("bpx", "link", 1.0, "exists already"),
        ("bpx", "", 1.0, "it is a folder"),
        ("bpx", "none/new", 1.0, "there is no folder"),
    ],
)
def test_refused(folder, form, name, area, said, tmp_path):
    (tmp_path / "there").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=said):
        export(folder, 0, form, tmp_path / name, area_cm2=area)
    assert (tmp_path / "there").read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()


def test_the_command(folder, tmp_path):
    done = command(folder, "--row-id", 0, "--format", "pybamm", "--out", tmp_path / "a.json")
    assert done.exit_code == 0
    assert done.stdout == ""
    assert "electrode of 1 cm2" in done.stderr
    row = 2**40
    done = command(folder, "--row-id", row, "--format", "bpx", "--out", tmp_path / "b.json")
    assert "left out: the contact resistance" in done.stderr


@pytest.mark.parametrize("mode", ["all", "best"])
def test_rows_of_runs(mode, tmp_path):
    run(small(tmp_path, mode), tmp_path / "run", precision="float64")
    for row in rank(tmp_path / "run", top=3).to_dict("records"):
        out = written(tmp_path / "run", row["row_id"], "bpx", tmp_path)
        block = bpx.parse_bpx_file(out).parameterisation.user_defined.model_dump()
        assert block["muli asr_coating_ohm_cm2"] == row["asr_coating_ohm_cm2"]
        assert block["muli coating_thickness_nm"] == row["coating_thickness_nm"]
        assert f"coating: {row['coating']};" in bpx.parse_bpx_file(out).header.description


def test_the_title_names_every_layer_and_potential():
    values = {
        "electrolyte": "Li6PS5Cl",
        "electrolyte_thickness_um": 30.0,
        "coating": "LiNbO3 | Li3PO4",
        "coating_thickness_nm": 7.0,
        "coating_1": "LiNbO3",
        "coating_1_thickness_nm": 5.0,
        "coating_2": "Li3PO4",
        "coating_2_thickness_nm": 2.0,
        "anode": "Li",
        "cathode_potential_V": 4.0,
    }
    title = Row(values, None, Path("run"), ()).title
    assert title == "Li | Li6PS5Cl 30 um | LiNbO3 5 nm | Li3PO4 2 nm | cathode 4 V"
