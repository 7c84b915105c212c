"""`muli age`: answers as the reference has them, words, a picture, and what a bad file is told."""

import json
import math

import pytest
from typer.testing import CliRunner

from muli.screen.cli.app import app
from muli.screen.errors import SpecError
from muli.screen.solving.age import age_file
from muli.screen.solving.age_file import read_cells
from muli.screen.views.age import duration

SE = {
    "role": "electrolyte",
    "thickness_cm": 3e-3,
    "sigma_ion_S_cm": 1.9e-3,
    "sigma_0_S_cm": 5e-9,
}
COATING = {
    "role": "cathode_coating",
    "thickness_cm": 5e-7,
    "sigma_ion_S_cm": 1.3e-7,
    "sigma_0_S_cm": 1e-11,
}
PRODUCTS = {
    "sigma_ion_S_cm": 1e-6,
    "sigma_ele_S_cm": 1e-11,
    "volume_per_charge_cm3_C": 6.8e-4,
}
CELL = {
    "layers": [SE, COATING],
    "E_anode_V": 0.0,
    "E_cathode_V": 4.27,
    "oxidation_limit_V": 2.01,
    "interphase": PRODUCTS,
    "times_s": [3600.0, 86400.0, 2592000.0],
    "boundary": "given",
}


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "cells.json"
        path.write_text(json.dumps(content))
        return path

    return write


def test_given_ends_and_ends_that_are_looked_for(write):
    """With its reduction limit the anode's face is held, and less is taken off the cathode's."""
    held = {**CELL, "boundary": "auto", "reduction_limit_V": 1.71}
    wide = {**CELL, "area_factor": 20.0, "E_anode_V": 1.71}
    given, auto, composite = age_file(write([CELL, held, wide]))
    assert given["interphase_nm"][0] == pytest.approx(54.163351076441565, rel=1e-12)
    assert given["final_nm"] == pytest.approx(62.461854866616605, rel=1e-12)
    assert auto["interphase_nm"][1] == pytest.approx(336.03378487103333, rel=1e-12)
    assert auto["cathode_side_V"] == 2.01
    assert composite["interphase_nm"][0] == pytest.approx(99.8995550956749, rel=1e-12)
    assert composite["asr_interphase_ohm_cm2"][0] == pytest.approx(9.98995550956749e-6 / 20e-6)
    assert {row["status"] for row in (given, auto, composite)} == {"ok"}
    assert "anode_interphase_nm" not in auto


def test_the_anode_side(write):
    products = {**PRODUCTS, "sigma_ion_S_cm": 7e-7, "sigma_ele_S_cm": 2e-12}
    products["volume_per_charge_cm3_C"] = 2.5e-4
    alone = {"layers": [SE], "E_anode_V": 0.0, "E_cathode_V": 2.01, "reduction_limit_V": 1.71}
    alone |= {"anode_interphase": products, "times_s": [3600.0]}
    endless = {**alone, "E_cathode_V": 1.71}
    with_cathode = {**endless, "oxidation_limit_V": 2.01, "interphase": PRODUCTS}
    first, second, both = age_file(write([alone, endless, with_cathode]))
    assert first["anode_interphase_nm"] == pytest.approx([21.90641905911878], rel=1e-12)
    assert second["anode_interphase_nm"] == pytest.approx([24.81125230914156], rel=1e-12)
    assert math.isinf(second["anode_final_nm"])
    assert both["interphase_nm"] == [0.0]
    assert both["final_nm"] == 0.0
    assert both["anode_interphase_nm"] == second["anode_interphase_nm"]


def test_words_a_picture_and_json(write, tmp_path):
    out = tmp_path / "aged.svg"
    file = write([{**CELL, "name": "A $ cell"}])
    found = CliRunner().invoke(app, ["age", str(file), "--out", str(out)])
    assert found.exit_code == 0
    assert "cathode side: an interphase grows to 62.46 nm" in found.stdout
    assert "1 day" in found.stdout
    assert out.read_text().startswith("<?xml")
    found = CliRunner().invoke(app, ["age", str(file), "--json"])
    assert len(json.loads(found.stdout)[0]["interphase_nm"]) == 3


def test_at_contact_nothing_has_grown(write):
    """Bare sides and coated ones, constant laws and others, at times in any order."""
    rising = {"sigma_0_S_cm": 1e-14, "sigma_p_S_cm": 1e-10, "E_p_V": 4.3, "z_p": 0.5}
    branches = {key: value for key, value in COATING.items() if key != "sigma_0_S_cm"} | rising
    both = {**CELL, "boundary": "auto", "reduction_limit_V": 1.71, "anode_interphase": PRODUCTS}
    cells = [
        {**both, "layers": layers, "times_s": times}
        for layers in ([SE, COATING], [SE], [SE, branches])
        for times in ([86400.0, 0.0, 3600.0], [0.0, 3600.0, 86400.0])
    ]
    found = age_file(write(cells))
    for mixed, rising in zip(found[::2], found[1::2], strict=True):
        assert mixed["status"] == rising["status"] == "ok"
        for name in ("interphase_nm", "anode_interphase_nm", "asr_interphase_ohm_cm2"):
            assert rising[name][0] == 0.0
            assert 0.0 < rising[name][1] < rising[name][2]
            assert mixed[name] == [rising[name][2], 0.0, rising[name][1]]


def test_durations():
    assert [duration(t) for t in (3.15576e8, 7200.0, 0.5)] == ["10 year", "2 h", "0.5 s"]


def test_what_a_bad_file_is_told(write):
    cells = [
        {**CELL, "interphase": {**PRODUCTS, "volume_per_charge_cm3_C": -1.0}},
        {**CELL, "interphase": {**PRODUCTS, "sigma_0_S_cm": 1e-9}},
        {key: value for key, value in CELL.items() if key != "oxidation_limit_V"},
        {**CELL, "interphase": {**PRODUCTS, "sigma_el_S_cm": 1.0}},
        {**CELL, "times_s": []},
        {**CELL, "current_density_A_cm2": 1e-3},
        {**CELL, "reduction_limit_V": 3.0},
        {**CELL, "layers": [COATING, SE]},
        {**CELL, "interphase": {**PRODUCTS, "sigma_ele_S_cm": -1.0}},
    ]
    with pytest.raises(SpecError) as caught:
        read_cells(write(cells))
    text = "\n".join(caught.value.problems)
    for words in (
        "stack 0, interphase: volume_per_charge_cm3_C = -1.0; expected the volume of the products",
        "stack 1, interphase: give sigma_ele_S_cm or a law",
        "stack 2: interphase needs oxidation_limit_V",
        "stack 3, interphase: unknown key 'sigma_el_S_cm'; closest: sigma_ele_S_cm",
        "stack 4: times_s",
        "stack 5: growth is computed at open circuit",
        "stack 6: reduction_limit_V lies above oxidation_limit_V",
        "stack 7: layers run from the anode to the cathode",
        "stack 8, interphase: sigma_ele_S_cm = -1.0; expected an electronic conductivity",
    ):
        assert words in text
    assert "sigma_0_S_cm" not in caught.value.problems[-1]
    assert len(caught.value.problems) == len(cells)
