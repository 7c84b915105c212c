"""The page ranks as `muli rank` does: one scenario at a time, in its order, and says which."""

import json
from itertools import product

import pandas as pd
import pytest

from muli.candidates import reality
from muli.screen.dataset.results import open_results
from muli.screen.ranking import sql
from muli.screen.ranking.rank import ranking
from muli.screen.report import columns, measuring, scenarios
from muli.screen.report.build import html
from muli.screen.running.run import run

SPEC = {
    "screen": {"name": "scenarios", "asr_budget_ohm_cm2": 8.0},
    "axes": {
        "coating": ["LiNbO3", "LiPON", "Li3PO4", "Li2SiO3", "Li4SiO4", "Li4SiO4 (film)"],
        "coating_thickness_nm": [2.5, 20.0],
        "electrolyte": ["Li3PS4", "Li6PS5Cl"],
        "cathode": ["NMC811"],
        "temperature_K": [298.15, 333.15],
        "coating.sigma_ion_S_cm": [1e-9, 1e-8],
    },
}
AXES = {
    "electrolyte": ["Li3PS4", "Li6PS5Cl"],
    "temperature_K": [298.15, 333.15],
    "coating_sigma_ion_S_cm": [1e-9, 1e-8],
}
REFERENCE = {
    "electrolyte": "Li6PS5Cl",
    "temperature_K": 298.15,
    "coating_sigma_ion_S_cm": 1e-9,
}
ORDER = ["coating", "rank", "tied", "p_works"]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenarios") / "run"
    run(SPEC, folder)
    return open_results(folder)


@pytest.fixture(scope="module")
def listed(results):
    return scenarios.listing(results)


def test_every_axis_that_varies_tells_scenarios_apart(listed):
    assert dict(listed.axes) == AXES
    assert len(listed.scenarios) == 8
    assert listed.scenarios[[*AXES]].drop_duplicates().shape == (8, 3)
    assert listed.scenarios["coatings"].tolist() == [7] * 8


def test_the_first_scenario_and_its_order_are_those_of_a_ranking(results, listed):
    found = ranking(results, top=None)
    assert found.scenario == REFERENCE
    first = listed.rows[listed.rows["scenario"] == 0]
    pd.testing.assert_frame_equal(first[ORDER].reset_index(drop=True), found.rows[ORDER])
    assert first["place"].tolist() == [*range(1, 8)]
    assert listed.order == found.order


def test_every_scenario_has_the_order_of_its_own_ranking(results, listed):
    for values in product(*AXES.values()):
        at = dict(zip(AXES, values, strict=True))
        where = " AND ".join(sql.equals(n, v, results.columns[n]) for n, v in at.items())
        expected = ranking(results, top=None, where=where).rows[ORDER]
        mine = listed.rows
        for name, value in at.items():
            mine = mine[mine[name] == value]
        assert mine["scenario"].nunique() == 1
        pd.testing.assert_frame_equal(mine[ORDER].reset_index(drop=True), expected)


def test_a_full_page_keeps_the_bare_cell_and_the_reference_coatings(results, monkeypatch):
    monkeypatch.setattr(scenarios, "MOST_ROWS", 40)
    monkeypatch.setattr(scenarios, "FEWEST_SHOWN", 1)
    listed = scenarios.listing(results)
    assert set(listed.always) == {"none", "LiNbO3", "Li3PO4"}
    for number, rows in listed.rows.groupby("scenario"):
        assert {"none", "LiNbO3", "Li3PO4"} <= set(rows["coating"])
        assert rows["place"].iloc[0] == 1
        assert (len(rows) == 7) == (number == 0)
    assert listed.scenarios["coatings"].tolist() == [7] * 8


def test_axes_of_too_many_scenarios_stand_at_their_reference(results, monkeypatch):
    monkeypatch.setattr(scenarios, "MOST_SCENARIOS", 2)
    listed = scenarios.listing(results)
    assert set(listed.held) == {"temperature_K", "coating_sigma_ion_S_cm"}
    assert list(listed.axes) == ["electrolyte"]
    assert "Temperature 298.15" in html(results)


def test_headlines_name_what_a_scenario_is(listed):
    told = scenarios.described(listed, list(listed.axes))
    assert len(set(told["headlines"])) == 8
    assert told["headlines"][0].startswith("Li6PS5Cl 30 µm · NMC811 ")
    assert told["headlines"][0].endswith("Temperature 298.15 K · σᵢ of the coating 1e-9 S/cm")
    for axis in told["axes"]:
        values = [axis["values"][code] for code in axis["codes"]]
        assert values == listed.scenarios[axis["name"]].tolist()


def test_columns_of_a_ranking_by_probability_and_by_facts(results):
    rows = pd.DataFrame({name: [1.0] for name in ("p_works", "verdict", "feasible", "why")})
    shown = {each["name"] for each in columns.described(rows, 1) if each["shown"]}
    assert shown == {"p_works"}
    facts = {each["name"] for each in columns.described(rows.drop(columns="p_works"), 1)
             if each["shown"]}  # fmt: skip
    assert facts == {"verdict"}
    data = json.loads(html(results).split('id="data">')[1].split("</script>")[0])
    shown = {each["name"] for each in data["columns"] if each["shown"]}
    assert {"rank", "p_works", "p_inert", "coating_thickness_nm", "decides", "scenario"} <= shown
    assert "interface_potential_V" not in shown


def test_rows_say_how_many_sources_used_a_coating_in_cells(results, listed):
    used = reality.sources_in_cells()
    assert any(used.values())
    coated = listed.rows[listed.rows["coating"] != "none"]
    expected = coated["coating"].map(used).fillna(0.0)
    assert coated["sources_in_cells"].tolist() == expected.tolist()


def test_measurements_are_told_in_points_with_the_value_that_changes_the_choice():
    gains = pd.DataFrame(
        {
            "material": ["A", "S", "B"],
            "property": ["sigma_ele_S_cm", "oxidation_limit_V", "sigma_ion_S_cm"],
            "gain_p_works": [0.216, 0.051, 0.0],
            "gain_of_another_coating": [0.2, 0.0, 0.0],
            "p_change_of_choice": [0.5, 0.0, 0.0],
            "value_to_beat": [2.5e-8, float("nan"), float("nan")],
        }
    )
    told = measuring.table(gains)
    assert [(each.material, each.quantity) for each in told] == [
        ("A", "σₑ"),
        ("S", "oxidation limit"),
    ]
    assert (told[0].gain, told[0].by_another, told[0].changes) == ("21.6", "20.0", "50.0")
    assert [each.value_to_beat for each in told] == ["2.5e-8 S/cm", ""]
    ranked = pd.DataFrame(
        {"coating": ["A", "B", "none"], "scenario": 0, "p_works": [0.4, 0.3, 0.0]}
    )
    (picture,) = measuring.pictures(gains, ranked)
    points = next(iter(picture.spec["datasets"].values()))
    assert [(p["label"], p["works"], p["gain"]) for p in points] == [
        ("A", 40, 21.6),
        ("S", 40, 5.1),
    ]
    assert measuring.pictures(pd.DataFrame(), ranked) == []
