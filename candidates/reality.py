"""Published cells, interphases and what coatings have endured, to compare predictions with.

Every function gives a fresh frame of one shipped table under `library/reality`; blank numbers are
NaN, blank text is "". Nothing in them is a property of a material: screens do not read them. Values
of `trust`, best first, are the keys of `TRUST`; a row with `third_party_digest` is taken from notes
of somebody else on a paper that was not read itself.

    from muli.candidates import reality

    cells = reality.published_cells()
    cells[cells["series"] == "LNO-spray-Bong2023"][["sample", "thickness_nm", "retention_pct"]]
"""

from functools import cache

import pandas as pd

from muli.candidates.tables import LIBRARY

FOLDER = LIBRARY / "reality"

TRUST = {
    "primary_text": "the paper's own text was read",
    "abstract": "title and abstract were read",
    "press": "a press release or a vendor's page",
    "third_party_digest": "a third party's notes of the paper, which was not opened",
    "derived": "computed here from two rows; `derivation` says how",
    "not_stated": "common knowledge of the field; no source is named",
}
"""How a fact was read, best first."""

LIMIT_IS = ("at_least", "at_most", "between")
"""The limit in a row of `endured`: above `value_low`, below `value_high`, or between."""

OUTCOMES = ("", "helps", "hurts", "no_gain")
"""Result of a coated sample of `published_cells` against its control, as its source states."""

_NUMBERS = {
    "endured": ("value_low", "value_high"),
    "published_cells": (
        "thickness_nm",
        "thickness_low_nm",
        "thickness_high_nm",
        "V_upper_vs_Li_V",
        "V_lower_vs_Li_V",
        "V_upper_vs_anode_V",
        "temperature_C",
        "stack_pressure_MPa",
        "electrode_area_cm2",
        "R_first_ohm",
        "R_last_ohm",
        "R_first_ohm_cm2",
        "R_last_ohm_cm2",
        "capacity_first_mAh_g",
        "CE_first_pct",
        "capacity_last_mAh_g",
        "cycles",
        "retention_pct",
    ),
    "comparisons": (),
    "growth": ("value", "value_low", "value_high"),
    "sources": (),
}
"""Every table and which of its columns are numbers."""


def endured() -> pd.DataFrame:
    """Potentials and reactions that coatings withstood or did not: one row per case.

    `kind` "potential_beyond_limit": V past the material's own oxidation limit; "reaction": reaction
    energy with `partner`, meV/atom, closed. `limit_is` says what the row tells of the limit that
    matters in a cell: "at_least" (`value_low` was stood), "at_most" (`value_high`: a reaction that
    strong did no visible harm, so the limit lies at or below it), "between".
    Mostly survivors are reported.
    """
    return _table("endured").copy()


def published_cells() -> pd.DataFrame:
    """Samples of published series with their controls: one row per sample, with its `series`.

    Columns `*_material` are the library's names, "" where it has none, "none" for no coating;
    `cathode_stands_in` is "yes" where the library's cathode is only the nearest one. Resistances
    are as printed: compare inside a series, never across two.
    """
    return _table("published_cells").copy()


def sources_in_cells() -> dict[str, int]:
    """Number of sources that used a coating in a cell, by the library's name of the coating.

    Materials that were tried as the electrolyte only are not counted.
    """
    cells = _table("published_cells")
    coated = cells[~cells["coating_material"].isin(["", "none"])]
    return {
        str(k): int(n) for k, n in coated.groupby("coating_material")["source"].nunique().items()
    }


def comparisons() -> pd.DataFrame:
    """Coatings, electrolytes or thicknesses ranked under one protocol: one row a ranking."""
    return _table("comparisons").copy()


def growth() -> pd.DataFrame:
    """Numbers and mechanisms of interphases that grow: one row a number, with the law as stated."""
    return _table("growth").copy()


def sources() -> pd.DataFrame:
    """Sources of these tables: id, citation, doi, trust, note."""
    return _table("sources").copy()


@cache
def _table(name: str) -> pd.DataFrame:
    frame = pd.read_csv(FOLDER / f"{name}.csv", dtype=str, keep_default_na=False, encoding="utf-8")
    for column in _NUMBERS[name]:
        frame[column] = pd.to_numeric(frame[column].replace("", None))
    return frame
