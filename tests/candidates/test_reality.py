"""Published facts: complete, with a trust each, and in step with the library they are held to."""

import math
import re

import pytest

from muli import candidates
from muli.candidates import reality

FRAMES = {
    "endured": reality.endured,
    "published_cells": reality.published_cells,
    "comparisons": reality.comparisons,
    "growth": reality.growth,
}


def test_every_shipped_table_has_a_reader():
    assert {path.stem for path in reality.FOLDER.glob("*.csv")} == {*FRAMES, "sources"}


@pytest.mark.parametrize("name", FRAMES)
def test_every_row_has_a_trust_and_a_known_source(name):
    frame, known = FRAMES[name](), set(reality.sources()["id"])
    assert set(frame["trust"]) <= set(reality.TRUST)
    for row in frame.to_dict("records"):
        named = [each for each in row["source"].split("; ") if each]
        assert set(named) <= known, row
        assert named or row["trust"] == "not_stated", row
    assert not frame.duplicated().any()


def test_sources_are_cited_once_with_a_trust():
    sources = reality.sources()
    assert sources["id"].is_unique
    assert set(sources["trust"]) <= set(reality.TRUST)
    dois = sources["doi"][sources["doi"] != ""]
    assert dois.str.fullmatch(r"10\.\d{4,9}/\S+").all()
    assert dois.is_unique


def test_frames_are_copies():
    mine = reality.endured()
    mine["outcome"] = "changed"
    assert "changed" not in set(reality.endured()["outcome"])


def test_what_was_endured_agrees_with_the_library():
    """A reaction energy is the computed one, or lies between it and a published one."""
    library = candidates.load().drop_duplicates("name").set_index("name")
    for row in reality.endured().to_dict("records"):
        assert row["limit_is"] in reality.LIMIT_IS, row
        low, high = row["value_low"], row["value_high"]
        assert math.isnan(low) == (row["limit_is"] == "at_most"), row
        assert math.isnan(high) == (row["limit_is"] == "at_least"), row
        assert not high < low, row
        assert row["material"] in library.index, row
        column = f"reaction_energy_{row['partner']}_meV_atom"
        if row["kind"] == "reaction" and column in library:
            values = candidates.values(row["material"])
            printed = values.loc[values["property"] == column, "value"].to_list()
            known = [library.loc[row["material"], column], *printed]
            energy = high if math.isnan(low) else low
            assert min(known) - 1 <= energy <= max(known) + 1, row


def test_potentials_beyond_a_limit_start_at_the_limit_of_the_library():
    library = candidates.load().set_index("name")
    rows = reality.endured()
    niobate = rows[(rows["material"] == "LiNbO3") & (rows["kind"] == "potential_beyond_limit")]
    limit = library.loc["LiNbO3", "oxidation_limit_V"]
    assert [4.52 - limit, 4.82 - limit] == pytest.approx(
        niobate[["value_low", "value_high"]].to_numpy()[0].tolist(), abs=0.01
    )


def test_cells_name_materials_of_the_library_and_a_control_where_they_compare():
    cells = reality.published_cells()
    names = set(candidates.load()["name"]) | {"", "none"}
    for column in ("coating_material", "cathode_material", "electrolyte_material"):
        assert set(cells[column]) <= names, column
    assert set(cells["anode_material"]) <= names
    assert set(cells["role"]) == {"control", "coated", "reference"}
    assert set(cells["outcome"]) <= set(reality.OUTCOMES)
    compared = cells[cells["role"] == "control"]["series"]
    assert len(compared) == compared.nunique() == 19
    assert (cells.loc[cells["role"] == "control", "coating_material"] == "none").all()


def test_numbers_of_a_printed_series_stand_unchanged():
    cells = reality.published_cells()
    bong = cells[cells["series"] == "LNO-spray-Bong2023"]
    assert bong["thickness_nm"].to_list() == [0.0, 2.0, 5.5, 13.5]
    assert bong["retention_pct"].to_list() == [26.5, 67.8, 79.6, 85.1]
    assert set(bong["trust"]) == {"third_party_digest"}
    assert bong["R_first_ohm"].to_list() == [41.7, 1.55, 1.45, 1.25]
    growth = reality.growth()
    constants = growth[(growth["quantity"] == "rate constant, resistance")]
    assert dict(zip(constants["electrolyte_material"], constants["value"], strict=True)) == {
        "Li7P3S11": 2.9,
        "Li6PS5Cl": 3.8,
        "Li10GeP2S12": 45.1,
        "Li6PS5I": 1394.3,
        "": 14.6,
    }


def test_numbers_of_growth_are_those_printed():
    for row in reality.growth().to_dict("records"):
        known = [row[key] for key in ("value", "value_low", "value_high")]
        for number in (each for each in known if not math.isnan(each)):
            printed = re.findall(r"\d+\.?\d*(?:e-?\d+)?", row["value_as_printed"])
            assert number in map(float, printed), row


def test_no_place_of_work_is_named():
    for path in reality.FOLDER.glob("*.csv"):
        text = path.read_text("utf-8")
        assert not re.search(r"github|/work/|litdb|@[0-9a-f]{7,}|file id|curator", text), path.name
