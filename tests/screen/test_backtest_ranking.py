"""The ranking against published cells: pairs of one series, beside the guess."""

import pytest

from muli.candidates import reality
from muli.screen.backtest.ranking import KINDS, ranking_rows, ranking_summary


@pytest.fixture(scope="module")
def found():
    return ranking_rows()


def find(found, *texts):
    names = [(row, f"{row['series']} {row['quantity']}") for row in found.rows]
    return next(row for row, name in names if all(text in name for text in texts))


def test_what_is_known_is_predicted(found):
    """A coating of LiNbO3 is better than none, and a thicker one has the lower resistance."""
    for sample in ("Nb-1", "Nb-2", "Nb-3"):
        assert find(found, f"{sample} against Pristine")["hit"]
    assert find(found, "Nb-2 against Nb-3", "resistance")["hit"]


def test_a_tie_is_no_hit_and_a_miss_has_a_reason(found):
    for row in found.rows:
        assert row["undecided"] == (abs(row["predicted"]) < 0.005)
        assert not (row["hit"] and row["undecided"])
        assert row["hit"] == (not row["reason"])
        assert row["trust"]
        assert row["source"]
    assert "electrons" in find(found, "NMC-WZO against NMC")["reason"]


def test_nothing_is_dropped(found):
    """Coated samples and pairs of them are judged or counted."""
    cells = reality.published_cells()
    coated = int((cells["role"] == "coated").sum())
    bare = sum(row["kind"] == KINDS[0] for row in found.rows)
    assert bare <= coated <= len(found.rows) + sum(found.not_judged.values())
    counts = ranking_summary(found.rows)
    assert sum(each["pairs"] for each in counts.values()) == len(found.rows)
    for each in counts.values():
        assert each["pairs"] == each["hits"] + each["misses"] + each["undecided"]


def test_the_guess_knows_no_order_of_coatings(found):
    counts = ranking_summary(found.rows)
    assert counts[KINDS[0]]["guess_hits"] > 0.8 * counts[KINDS[0]]["pairs"]
    assert counts[KINDS[1]]["guess_hits"] == 0
    assert counts[KINDS[2]]["hits"] > 0.5 * counts[KINDS[2]]["pairs"]


def test_sources_in_cells():
    used = reality.sources_in_cells()
    assert used["LiNbO3"] == 7
    assert "none" not in used


def test_halides_conduct_electrons_too_well_to_keep_a_sulfide_inside_its_window(found):
    """Their measured sigma_ele holds for them as coatings, so the ranking decides nothing."""
    for name in ("LIC", "LYC", "LZC"):
        row = find(found, f"NCM@{name} against NCM stated")
        assert row["undecided"]


def test_chemistry_decides_them():
    """A halide lets the sulfide no longer touch the oxide; one of the three is reduced instead."""
    rows = ranking_rows(("affordable", "stable", "inert")).rows
    assert all(row["undecided"] == (abs(row["predicted"]) < 0.005) for row in rows)
    stated = {row["series"]: row["hit"] for row in rows if row["quantity"] == "stated outcome"}
    hits = [
        stated[f"halides-RAM-Cha2024, NCM@{name} against NCM"] for name in ("LIC", "LYC", "LZC")
    ]
    assert hits == [False, True, True]
