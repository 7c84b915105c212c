"""One meaning of feasible: a design for it ends at the thickness from which a run says it."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from muli.screen import run
from muli.screen.cli.app import app
from muli.screen.errors import SpecError, UsageError
from muli.screen.optimize import design
from muli.screen.optimize.maps import design_maps
from muli.screen.spec import load
from tests.screen.screens import read

COATINGS = """name,sigma_ion_S_cm,sigma_ele_S_cm,reduction_limit_V,oxidation_limit_V
narrow,1e-6,1e-11,0.7,3.6
resistive,1e-9,1e-11,0.7,5.0
wide,1e-6,1e-12,0.7,5.0
reduced,1e-6,2e-12,2.9,5.0
"""
CELL = {
    "cathode_potential_V": [4.3],
    "electrolyte": ["Li6PS5Cl"],
    "electrolyte.sigma_ele_S_cm": [1e-8],
}


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    """The cell as a file, with criteria and thicknesses."""
    folder = tmp_path_factory.mktemp("criteria")
    (folder / "films.csv").write_text(COATINGS)

    def write(criteria="", thicknesses=""):
        path = folder / "spec.toml"
        axes = "\n".join(f"{json.dumps(key)} = {value}" for key, value in CELL.items())
        path.write_text(
            f'{criteria}\n[screen]\nmissing = "status"\nasr_budget_ohm_cm2 = 100.0\n'
            f'[output]\nmode = "all"\n[axes]\ncoating = {{ file = "films.csv" }}\n'
            f"{thicknesses}\n{axes}\n"
        )
        return path

    return write


def by_coating(designs):
    return {found["coating"]: found for found in designs}


def test_a_design_for_transport_is_the_thickness_at_which_a_run_becomes_feasible(spec, tmp_path):
    asked = '[ranking]\ncriteria = ["protects", "affordable"]'
    designs = by_coating(design(spec(asked)))
    assert {name for name, found in designs.items() if not found["feasible"]} == {
        "resistive",
        "reduced",
    }
    needed = {n: found["thickness_nm"][0] for n, found in designs.items() if found["feasible"]}
    ends = sorted(share * L for L in needed.values() for share in (0.999, 1.001))
    path = spec(asked, f"coating_thickness_nm = {ends}")
    run(path, tmp_path / "run")
    rows = read(tmp_path / "run").to_pandas()
    assert len(rows) == 4 * len(ends)
    for name, group in rows.groupby("coating", observed=True):
        least = needed.get(name, np.inf)
        assert group["feasible"].tolist() == (group["coating_thickness_nm"] > least).tolist(), name
        affordable = group["min_thickness_nm"] <= group["max_thickness_nm"]
        assert affordable.all() == (name in needed)
        if name in needed:
            np.testing.assert_allclose(group["min_thickness_nm"], least, rtol=1e-5)


def test_the_window_of_the_coating_is_a_switch_of_its_own(spec):
    every = by_coating(design(spec()))
    assert all(
        found["criteria"] == ["protects", "affordable", "stable"] for found in every.values()
    )
    assert [name for name, found in every.items() if found["feasible"]] == ["wide"]
    assert every["narrow"]["active_constraints"] == ["narrow oxidation limit at the cathode"]
    transport = by_coating(design(spec(), criteria="transport"))
    assert all(found["criteria"] == ["protects", "affordable"] for found in transport.values())
    dropped = every["narrow"]["relaxed"]["without the coatings' own windows"]["thickness_nm"]
    assert transport["narrow"]["thickness_nm"] == pytest.approx(dropped, rel=1e-9)
    assert transport["wide"]["thickness_nm"] == pytest.approx(every["wide"]["thickness_nm"])
    lost = transport["reduced"]
    assert "without the coatings' own windows" in lost["relaxed"]
    assert "reduced reduction limit at Li6PS5Cl | reduced" in lost["active_constraints"]
    assert "without the resistance budget" in transport["resistive"]["relaxed"]
    chemistry = by_coating(design(spec(), criteria="chemistry"))
    assert all(found["criteria"] == ["affordable", "stable"] for found in chemistry.values())
    assert chemistry["resistive"]["thickness_nm"] == [pytest.approx(1e-3, rel=1e-3)]


def test_commands_name_the_criteria_or_refuse_them(spec):
    done = CliRunner().invoke(app, ["design", str(spec()), "--criteria", "transport", "--json"])
    assert {tuple(row["criteria"]) for row in json.loads(done.stdout)} == {
        ("protects", "affordable")
    }
    with pytest.raises(UsageError, match="--criteria safe: expected some of transport"):
        design(spec(), criteria="safe")
    with pytest.raises(SpecError, match="a design takes some of protects, affordable, stable"):
        design(spec('[ranking]\ncriteria = ["inert"]'))
    with pytest.raises(SpecError, match="a map shows protects and affordable; name both"):
        design_maps(load(spec('[ranking]\ncriteria = ["affordable", "stable"]')))
