"""`design` from a spec: contracts, states of charge, refusals, the command line."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from muli import candidates
from muli.screen.cli.app import app
from muli.screen.errors import SpecError
from muli.screen.optimize import design
from muli.screen.optimize.pairs import layered
from muli.screen.spec import load, parse
from muli.screen.spec.axes import Selection

EXAMPLES = Path(__file__).parents[2] / "examples"
COATINGS = """name,sigma_ion_S_cm,sigma_ele_S_cm,reduction_limit_V,oxidation_limit_V
inner,1e-6,1e-11,0.7,3.6
outer,1e-6,1e-10,2.0,5.0
unlimited,1e-6,1e-11,,
silent,1e-6,,0.7,5.0
"""
SPEC = """
[library]
tables = ["coatings.csv"]
[screen]
asr_budget_ohm_cm2 = {budget}
boundary = "electrode"
[axes]
coating = {coating}
electrolyte = ["Li6PS5Cl"]
electrolyte_thickness_um = [30]
"electrolyte.sigma_ele_S_cm" = [1e-8]
"electrolyte.reduction_limit_V" = [{floor}]
"electrolyte.oxidation_limit_V" = [2.31]
{cathode}
{rest}
"""


@pytest.fixture
def written(tmp_path):
    def write(coating, budget=1e4, cathode="cathode_potential_V = [4.3]", rest="", floor=1.71):
        (tmp_path / "coatings.csv").write_text(COATINGS)
        path = tmp_path / "spec.toml"
        path.write_text(
            SPEC.format(coating=coating, budget=budget, cathode=cathode, rest=rest, floor=floor)
        )
        return path

    return write


def amb(ion, ele):
    return ion * ele / (ion + ele)


def test_one_layer_by_hand(written):
    (found,) = design(written('["unlimited"]'))
    ion = 1.95e-3  # library value of Li6PS5Cl, S/cm
    thickness = 30e-4 * amb(1e-6, 1e-11) / amb(ion, 1e-8) * (4.3 - 2.31) / 2.31 * 1e7
    assert found["feasible"]
    assert found["status"] == "ok"
    assert found["thickness_nm"] == [pytest.approx(thickness, rel=1e-6)]
    assert found["nodes_V"] == [0.0, pytest.approx(2.31, abs=1e-6), 4.3]
    assert found["asr_total_ohm_cm2"] == pytest.approx(
        thickness * 1e-7 / 1e-6 + 30e-4 / ion, rel=1e-6
    )
    assert found["active_constraints"] == ["Li6PS5Cl oxidation limit at Li6PS5Cl | unlimited"]
    assert found["optimality"] < 1e-6
    assert any("no known oxidation limit" in note for note in found["notes"])


def test_two_layers_hold_where_the_inner_one_alone_would_oxidise(written):
    single, pair = design(written('["inner", ["inner", "outer"]]'))
    assert not single["feasible"]
    assert single["active_constraints"] == ["inner oxidation limit at the cathode"]
    assert single["relaxed"]["without the coatings' own windows"]["thickness_nm"][0] > 0
    assert pair["feasible"]
    rho = 30e-4 / amb(1.95e-3, 1e-8)
    inner = rho * (3.6 - 2.31) / 2.31 * amb(1e-6, 1e-11) * 1e7
    outer = rho * (4.3 - 3.6) / 2.31 * amb(1e-6, 1e-10) * 1e7
    assert pair["thickness_nm"] == pytest.approx([inner, outer], rel=1e-5)
    assert pair["nodes_V"] == pytest.approx([0, 2.31, 3.6, 4.3], abs=1e-6)


def test_the_budget_that_cannot_be_met_is_named(written):
    (found,) = design(written('["unlimited"]', budget=1.0))
    assert not found["feasible"]
    assert found["status"] == "infeasible"
    assert found["thickness_nm"] is None
    assert set(found["active_constraints"]) == {
        "resistance budget",
        "Li6PS5Cl oxidation limit at Li6PS5Cl | unlimited",
    }
    assert found["relaxed"]["without the resistance budget"]["asr_coating_ohm_cm2"] > 1.0


def test_a_named_cathode_is_judged_charged_and_discharged(written):
    """Where 2.31 V is held at 4.273 V, the node is at 1.93 V when discharged to 3.568 V."""
    named = 'cathode = ["NMC811"]'
    (low,) = design(written('["unlimited"]', cathode=named, floor=1.9))
    (high,) = design(written('["unlimited"]', cathode=named, floor=1.95))
    (charged,) = design(
        written('["unlimited"]', cathode="cathode_potential_V = [4.273]", floor=1.95)
    )
    assert low["feasible"]
    assert charged["feasible"]
    assert not high["feasible"]
    assert {c.split(" at ")[0] for c in high["active_constraints"]} == {
        "Li6PS5Cl oxidation limit",
        "Li6PS5Cl reduction limit",
    }


def test_a_margin_moves_the_node_by_itself(written):
    (found,) = design(written('["unlimited"]', rest="[design]\nmargin_V = 0.1"))
    assert found["nodes_V"][1] == pytest.approx(2.21, abs=1e-6)


def test_unknown_conductivity_is_a_status_not_a_guess(written):
    (found,) = design(written('["silent"]'))
    assert found["status"] == "missing_property"
    assert "sigma_ele of silent" in found["message"]
    assert found["thickness_nm"] is None


def test_other_variables_and_objectives(written):
    """The electrolyte's thickness that gives the largest margin puts E* amid the window."""
    rest = (
        "coating_thickness_nm = [300]\n[design]\n"
        'variables = { electrolyte_thickness_um = [5, 500] }\nobjective = "margin"'
    )
    (found,) = design(written('["unlimited"]', rest=rest))
    assert found["feasible"]
    assert found["nodes_V"][1] == pytest.approx((2.31 + 1.71) / 2, abs=1e-5)
    assert found["variables"]["margin"] == pytest.approx(0.3, abs=1e-5)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("variables = { coating_thicknes_nm = [1, 2] }", "coating_thickness_nm"),
        ("variables = { coating_thickness_nm = [5, 2] }", "not below"),
        ('objective = "thinness"', "unknown objective"),
        ("objective = { leak = -1 }", "above zero"),
        ("probability = 1.5", "less than 1"),
    ],
)
def test_a_wrong_design_section_says_what_is_expected(section, message):
    import tomllib

    axes = '[axes]\ncoating = ["LiNbO3"]\nelectrolyte = ["Li6PS5Cl"]\ncathode_potential_V = 4.3\n'
    text = f"{axes}[design]\n{section}"
    with pytest.raises(SpecError, match=message):
        parse(tomllib.loads(text))


def test_pairs_are_ranked_and_say_why(written):
    table = layered(load(written('["inner", "outer", "silent"]')), 2)
    assert sorted(table["coating"]) == ["inner | outer", "outer | inner"]
    best = table.iloc[0]
    assert best["coating"] == "inner | outer"
    assert best["feasible"]
    assert "inner alone fails (inner oxidation limit at the cathode)" in best["why"]
    assert best["beats_members"]
    assert not table.iloc[1]["feasible"]


@pytest.mark.full
def test_pairs_that_hold_nowhere_are_ordered_by_how_little_they_miss(written):
    table = layered(load(written('["inner", "outer", "unlimited"]', budget=1e-3)), 2)
    assert not table["feasible"].any()
    known = table["misses_by"].dropna()
    assert len(known) > 2
    assert known.is_monotonic_increasing
    assert known.nunique() > 1
    assert table["misses_by"].isna().to_numpy().argmax() == len(known)  # beyond help: last


def test_what_cannot_be_done_tells_by_what_factor_it_misses(written):
    """A tenth of the resistance that the thinnest film costs: each demand is missed by sqrt(10)."""
    (met,) = design(written('["unlimited"]'))
    budget = met["asr_coating_ohm_cm2"] / 10
    (short,) = design(written('["unlimited"]', budget=budget))
    assert not short["feasible"]
    assert short["misses_by"] == pytest.approx(10**0.5, rel=1e-3)
    assert f"misses by a factor of {10**0.5:.3g}" in short["message"]


@pytest.mark.full
def test_a_pair_of_the_library_holds_where_neither_material_does():
    """Windows of the literature, an assumed sigma_ele; potentials by the divider of resistances."""
    films = ["LiNbO3", "LiTi2(PO4)3"]
    source = load(EXAMPLES / "pairs.toml")
    axes = source.spec.axes
    chosen = axes.model_copy(update={"coating": Selection(tuple((name,) for name in films))})
    source = replace(source, spec=source.spec.model_copy(update={"axes": chosen}))
    best, other = layered(source, 2).to_dict("records")
    assert best["coating"] == "LiNbO3 | LiTi2(PO4)3"
    assert best["beats_members"]
    assert not other["feasible"]
    table = candidates.load().set_index("name")
    charged, discharged, E_anode, SE_ele = 4.273, 3.568, 1.71, 5.1e-9
    resistances = [30e-4 / amb(1.95e-3, SE_ele)]
    for name, thickness in zip(films, best["thickness_nm"], strict=True):
        resistances.append(thickness * 1e-7 / amb(table["sigma_ion_S_cm"][name], 1e-13))
    shares = np.cumsum(resistances) / np.sum(resistances)
    for E_cathode in (charged, discharged):
        nodes = E_anode + (E_cathode - E_anode) * shares
        assert nodes[0] <= 2.01 + 1e-3
        for face, name in zip(nodes, films, strict=False):
            assert face >= table["reduction_limit_V"][name]
        assert nodes[1] <= table["oxidation_limit_V"]["LiNbO3"]
        assert E_cathode <= table["oxidation_limit_V"]["LiTi2(PO4)3"]
    assert charged > table["oxidation_limit_V"]["LiNbO3"]  # alone it would touch the cathode
    assert table["reduction_limit_V"]["LiTi2(PO4)3"] > 2.01  # alone, the electrolyte held


def test_the_command_prints_json_and_text(written):
    path = str(written('["unlimited"]'))
    result = CliRunner().invoke(app, ["design", path, "--json"])
    assert result.exit_code == 0
    (row,) = json.loads(result.stdout)
    assert {"thickness_nm", "nodes_V", "asr_total_ohm_cm2", "feasible", "status"} <= set(row)
    assert {"active_constraints", "optimality"} <= set(row)
    assert np.isfinite(row["thickness_nm"][0])
    text = CliRunner().invoke(app, ["design", path])
    assert text.exit_code == 0
    assert "limited by: Li6PS5Cl oxidation limit" in text.stdout
