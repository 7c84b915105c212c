"""Screens with a coating at the anode against resistors in series, worked out here."""

import json

import numpy as np
import pytest

from muli.screen import run
from muli.screen.errors import SpecError
from muli.screen.solving.solve_file import solve_file
from muli.screen.space.setup import ranking_notes, set_up
from tests.screen.screens import COATINGS, read

SIGMA_ION = {"film A": 1e-6, "film B": 1e-8, "film D": 2e-7, "electrolyte": 2e-3}
SIGMA_ELE = {"film A": 1e-12, "film B": 1e-13, "film D": 3e-12, "electrolyte": 1e-9}
WINDOW = {"film B": (0.69, 4.21), "film D": (1.18, 3.95)}


def asked(folder, mode="all", **axes):
    (folder / "films.csv").write_text(COATINGS)
    given = {
        "anode_coating": ["film B", "film D"],
        "anode_coating_thickness_nm": [0.5, 4],
        "coating": ["film A"],
        "coating_thickness_nm": [1, 20],
        "electrolyte": ["Li6PS5Cl"],
        "electrolyte_thickness_um": [20],
        "cathode_potential_V": [4.2],
        "electrolyte.sigma_ion_S_cm": [SIGMA_ION["electrolyte"]],
        "electrolyte.sigma_ele_S_cm": [SIGMA_ELE["electrolyte"]],
    }
    return {
        "library": {"tables": [str(folder / "films.csv")]},
        "screen": {"asr_budget_ohm_cm2": 60.0},
        "axes": given | axes,
        "output": {"mode": mode},
    }


def nodes(row, current):
    """E at the electrolyte's two faces, and the resistance of both coatings, by hand."""
    names = row["anode_coating"], "electrolyte", row["coating"]
    L = np.array(
        [row["anode_coating_thickness_nm"] * 1e-7, 20e-4, row["coating_thickness_nm"] * 1e-7]
    )
    ionic = L / [SIGMA_ION[name] for name in names]
    electronic = L / [SIGMA_ELE[name] for name in names]
    leak = (4.2 - current * ionic.sum()) / (ionic + electronic).sum()
    drops = np.cumsum((current + leak) * ionic + leak * electronic)
    return drops[0], drops[1], ionic[0] + ionic[2]


@pytest.mark.parametrize("current", [0.0, 1e-3])
def test_every_row_is_its_own_stack(tmp_path, current):
    given = asked(tmp_path, current_density_mA_cm2=[1e3 * current])
    run(given, tmp_path / "out", precision="float64")
    rows = read(tmp_path / "out").to_pandas()
    assert len(rows) == 8
    assert set(rows["status"]) == {"ok"}
    assert set(rows["anode_boundary"]) == {"electrode"}  # a coating pins nothing
    for _, row in rows.iterrows():
        near, far, resistance = nodes(row, current)
        assert row["anode_interface_potential_V"] == pytest.approx(near, abs=1e-9)
        assert row["interface_potential_V"] == pytest.approx(far, abs=1e-9)
        assert row["asr_coating_ohm_cm2"] == pytest.approx(resistance, rel=1e-9)
        reduction, oxidation = WINDOW[row["anode_coating"]]
        assert row["anode_coating_reduction_margin_V"] == pytest.approx(min(0, near) - reduction)
        assert row["anode_coating_oxidation_margin_V"] == pytest.approx(oxidation - near)
        assert row["coating_oxidation_margin_V"] == pytest.approx(3.88 - max(4.2, far))
        assert row["anode_coating_sigma_ele_S_cm"] == SIGMA_ELE[row["anode_coating"]]
        assert row["feasible"] == (row["protected"] and resistance <= 60.0)


def test_rows_are_those_of_the_same_stacks_in_a_file(tmp_path):
    run(asked(tmp_path), tmp_path / "out", precision="float64")
    row = read(tmp_path / "out").to_pandas().iloc[3]
    roles = "anode_coating", "electrolyte", "cathode_coating"
    names = row["anode_coating"], "electrolyte", row["coating"]
    depth = row["anode_coating_thickness_nm"] * 1e-7, 20e-4, row["coating_thickness_nm"] * 1e-7
    layers = [
        {"role": role, "thickness_cm": L, "sigma_ion_S_cm": SIGMA_ION[name]}
        | {"sigma_0_S_cm": SIGMA_ELE[name]}
        for role, name, L in zip(roles, names, depth, strict=True)
    ]
    stack = {"layers": layers, "E_anode_V": 0.0, "E_cathode_V": 4.2, "temperature_K": 298.15}
    (tmp_path / "stack.json").write_text(json.dumps([stack]))
    (answer,) = solve_file(tmp_path / "stack.json")
    np.testing.assert_allclose(answer["nodes_V"][1], row["anode_interface_potential_V"], atol=1e-9)
    np.testing.assert_allclose(answer["nodes_V"][2], row["interface_potential_V"], atol=1e-9)


def test_what_does_not_fit_is_refused_with_the_way_out(tmp_path):
    given = asked(tmp_path)
    assert "no probabilities" in " ".join(ranking_notes(set_up(given).problem))
    del given["axes"]["anode_coating_thickness_nm"]
    with pytest.raises(SpecError, match="anode_coating_thickness_nm together"):
        set_up(given)
    for section in ("ageing", "uncertainty"):
        with pytest.raises(SpecError, match="not with an anode coating"):
            set_up(asked(tmp_path) | {section: {}})
    with pytest.raises(SpecError, match="one layer only"):
        set_up(asked(tmp_path, anode_coating=[["film A", "film B"]]))
