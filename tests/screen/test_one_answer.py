"""One question has one answer: run, rank, design, map, page, solve and cell of the same cells."""

import json

import pytest

from muli.screen.dataset.results import open_results
from muli.screen.interactive.cell import cell
from muli.screen.optimize import design
from muli.screen.optimize.maps import design_maps
from muli.screen.ranking.rank import rank
from muli.screen.report.scenarios import listing
from muli.screen.running.run import run
from muli.screen.solving.solve_file import solve_file
from muli.screen.space.source import source_of
from tests.screen.screens import read

pytestmark = pytest.mark.full
NM, SIGMA_ELE, SIGMA_ION = 12.0, 2e-14, 1e-7
SPEC = {
    "screen": {"boundary": ["auto", "electrode"]},
    "axes": {
        "coating": ["LiNbO3", "Li3PO4"],
        "coating_thickness_nm": [NM],
        "electrolyte": ["Li6PS5Cl", "Li3YCl6"],
        "electrolyte_thickness_um": [40.0],
        "cathode": ["NMC811"],
        "anode": ["Li-In"],
        "temperature_K": [298.15, 350.0],
        "coating.sigma_ele_S_cm": [SIGMA_ELE],
        "coating.sigma_ion_S_cm": [SIGMA_ION],
        "electrolyte.sigma_ele_S_cm": [5e-9],
    },
    "output": {"mode": "all"},
}
NAMES = ("electrolyte", "boundary", "temperature_K", "coating")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("one") / "run"
    run(SPEC, made, precision="float64")
    return made


@pytest.fixture(scope="module")
def cells():
    """The answer of `muli cell` for every cell, by the columns of `NAMES`."""
    found = {}
    for electrolyte in SPEC["axes"]["electrolyte"]:
        for boundary in SPEC["screen"]["boundary"]:
            for kelvin in SPEC["axes"]["temperature_K"]:
                for coating in SPEC["axes"]["coating"]:
                    mine = cell(
                        electrolyte=electrolyte,
                        um=40,
                        coating=coating,
                        nm=NM,
                        cathode="NMC811",
                        anode="Li-In",
                        celsius=kelvin - 273.15,
                        sigma_ele=SIGMA_ELE,
                        sigma_ion=SIGMA_ION,
                        electrolyte_sigma_ele=5e-9,
                        boundary=boundary,
                    )
                    found[electrolyte, boundary, kelvin, coating] = mine.answer
    return found


def key(row):
    return tuple(row[name] for name in NAMES)


def state_of(answer, row):
    return answer.states[0 if row["cathode_state"] == "charged" else 1]


def agree(answer, row, names):
    for name in names:
        expected = row[name]
        if isinstance(expected, bool):
            assert answer[name] == expected, name
        else:
            assert answer[name] == pytest.approx(expected, rel=1e-9, abs=1e-12), name


SHARED = (
    "interface_potential_V",
    "min_thickness_nm",
    "max_thickness_nm",
    "asr_coating_ohm_cm2",
    "leak_current_A_cm2",
    "p_works",
    "p_protects",
)


def test_run_and_cell(folder, cells):
    rows = read(folder).to_pylist()
    assert len(rows) == 2 * len(cells)
    for row in rows:
        agree(state_of(cells[key(row)], row), row, (*SHARED, "protected", "feasible"))


def test_rank_and_cell(folder, cells):
    rows = rank(folder, per=NAMES[:3], top=None).to_dict("records")
    assert {key(row) for row in rows} == set(cells)
    for row in rows:
        agree(cells[key(row)].row, row, (*SHARED, "protected", "feasible"))


def test_page_and_cell(folder, cells):
    rows = listing(open_results(folder)).rows.to_dict("records")
    assert {key(row) for row in rows} == set(cells)
    for row in rows:
        agree(state_of(cells[key(row)], row), row, SHARED)


def test_solve_and_cell(tmp_path, cells):
    stacks = [
        {
            "coating": coating,
            "coating_thickness_nm": NM,
            "electrolyte": electrolyte,
            "electrolyte_thickness_um": 40.0,
            "cathode": "NMC811",
            "anode": "Li-In",
            "temperature_K": kelvin,
            "boundary": boundary,
            "coating_sigma_ele_S_cm": SIGMA_ELE,
            "coating_sigma_ion_S_cm": SIGMA_ION,
            "electrolyte_sigma_ele_S_cm": 5e-9,
        }
        for electrolyte, boundary, kelvin, coating in cells
    ]
    path = tmp_path / "stacks.json"
    path.write_text(json.dumps(stacks))
    for mine, row in zip(cells.values(), solve_file(path), strict=True):
        assert row["nodes_V"][1] == pytest.approx(mine.row["interface_potential_V"], abs=1e-9)
        nm = row["min_thickness_cm"] * 1e7
        assert nm == pytest.approx(mine.row["min_thickness_nm"], rel=1e-9)
        leak = row["leak_current_density_A_cm2"]
        assert abs(leak) == pytest.approx(mine.row["leak_current_A_cm2"], rel=1e-9)
        assert row["anode_side_V"] == pytest.approx(mine.named.anode_side_V)
        assert row["boundary"] == mine.entry.boundary


def test_design_finds_the_least_thickness_of_the_cell(cells):
    rows = design(source_of({**SPEC, "output": {}}), criteria="transport")
    assert {key(row) for row in rows} == set(cells)
    for row in rows:
        mine = cells[key(row)]
        least = mine.contents["min_thickness_all_states_nm"]
        most = min(each["max_thickness_nm"] for each in mine.states)
        assert row["feasible"] == (least <= most)
        if row["feasible"]:
            assert row["thickness_nm"][0] == pytest.approx(least, rel=1e-4, abs=1e-3)


def test_map_places_the_coating_where_the_cell_stands(cells):
    maps = design_maps(source_of({**SPEC, "output": {}}))
    assert len(maps) == 8
    for each in maps:
        kelvin = 350.0 if "350 K" in each.title else 298.15
        electrolyte = each.title.partition(",")[0]
        for _, row in each.materials.iterrows():
            mine = cells[electrolyte, each.boundary, kelvin, row["name"]]
            assert each.anode_side_V == pytest.approx(mine.named.anode_side_V)
            if all(state["max_thickness_set_by"] == "resistance" for state in mine.states):
                largest = min(state["max_sigma_ele_at_L_max_S_cm"] for state in mine.states)
                assert row["max_sigma_ele_S_cm_low"] == pytest.approx(largest, rel=1e-9)
                assert (row["place"] == "inside") == (largest >= SIGMA_ELE)
