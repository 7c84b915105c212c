"""The page of designs: what each one says, without a search."""

import re

import pytest
from typer.testing import CliRunner

from muli.screen.cli.app import app
from muli.screen.report.designs import cell, write_designs

DESIGN = {
    "coating": "LiNbO3",
    "electrolyte": "Li6PS5Cl",
    "cathode": "NMC811",
    "anode": "Li",
    "boundary": "auto",
    "anode_side_V": 1.71,
    "electrolyte_thickness_um": 30.0,
    "temperature_K": 333.15,
    "current_density_mA_cm2": 0.0,
    "coating.sigma_ele_S_cm": 1e-13,
    "criteria": ["protects", "affordable"],
    "thickness_nm": [4.437],
    "asr_coating_ohm_cm2": 3.336,
    "feasible": True,
    "status": "optimal",
    "active_constraints": ["Li6PS5Cl oxidation limit"],
    "relaxed": {},
    "price_of_certainty": [{"probability": 0.9, "thickness_nm": [12.0]}],
    "message": "",
}
NONE = {
    **DESIGN,
    "coating": "<script>bad()</script>",
    "cathode": 4.3,
    "temperature_K": 298.15,
    "thickness_nm": None,
    "asr_coating_ohm_cm2": None,
    "feasible": False,
    "status": "infeasible",
    "active_constraints": [],
    "relaxed": {"the electrolyte alone": {"thickness_nm": [5.0], "asr_coating_ohm_cm2": 1.0}},
    "message": "no design holds all",
}


@pytest.fixture
def text(tmp_path):
    spec = tmp_path / "spec.toml"
    spec.write_text("[axes]\n")
    write_designs([DESIGN, NONE], spec, "muli design spec.toml --out a.html", tmp_path / "a.html")
    return (tmp_path / "a.html").read_text()


def test_a_cell_names_what_is_not_plain():
    assert cell(DESIGN) == (
        "Li6PS5Cl 30 µm · NMC811 · anode side 1.71 V; Li · boundary auto · "
        "σₑ of the coating 1e-13 S/cm · Temperature 333.1 K"
    )
    assert "4.30 V" in cell(NONE)


def test_every_design_has_its_numbers_limits_and_ways_out(text):
    table = text.split("<tbody>")[1].split("</tbody>")[0]
    for part in ("4.44", "3.34", "Li6PS5Cl oxidation limit", "with probability 0.9: 12 nm",
                 "no design holds all", "the electrolyte alone: 5 nm, 1 Ω cm²"):  # fmt: skip
        assert part in table, part
    assert "1 of 2 hold everything" in text
    assert "muli design spec.toml --out a.html" in text


def test_the_page_is_one_file_that_runs_nothing_of_a_name(text):
    assert "<script>bad" not in text
    assert not re.search(r"(?:https?|ftp|wss?):?//", text)


def test_what_has_no_page_says_so(tmp_path):
    spec = tmp_path / "spec.toml"
    spec.write_text("[axes]\n")
    for more, said in (
        (["--layers", "2", "--out", "a.html"], "--out and --layers exclude each other"),
        (["--out", str(tmp_path / "a.pdf")], "ends in .html"),
    ):
        found = CliRunner().invoke(app, ["design", str(spec), *more])
        assert found.exit_code != 0
        assert said in (found.output + str(found.exception))
