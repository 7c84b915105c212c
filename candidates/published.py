"""The computed table compared with the windows and reaction energies of the literature."""

import pandas as pd

from muli.candidates.computed import FILE
from muli.candidates.formula import FormulaError, reduced_formula
from muli.candidates.tables import table

SAME_KIND = "grand_potential"
"""Published windows of this kind are the same quantity; measured or intrinsic ones are not."""

_STATES = {"lithiated": "_lithiated", "half_delithiated": "_delithiated", "": ""}


def compare_windows() -> pd.DataFrame:
    """Published grand-potential windows and ours, V vs Li/Li+; one row per published value.

    Columns `reduction_V` and `oxidation_V` are ours, `*_published_V` theirs, `*_difference_V` ours
    minus theirs; `oxidation_without_V` is our limit without `oxidation_competitor`.
    """
    published = table("windows")
    published = published[published["window_kind"] == SAME_KIND]
    ours = _ours(published["material"])
    frame = pd.DataFrame({"material": published["material"], "source": published["source"]})
    for side in ("reduction", "oxidation"):
        frame[f"{side}_V"] = ours[f"{side}_limit_V"]
        frame[f"{side}_published_V"] = published[f"{side}_limit_V"]
        frame[f"{side}_difference_V"] = frame[f"{side}_V"] - frame[f"{side}_published_V"]
    frame["oxidation_without_V"] = ours["oxidation_limit_without_competitor_V"]
    frame["oxidation_competitor"] = ours["oxidation_competitor"]
    return frame[frame["reduction_V"].notna()].reset_index(drop=True)


def compare_reactions() -> pd.DataFrame:
    """Published closed reaction energies at the worst ratio and ours, meV/atom, state by state."""
    published = table("reactions")
    states = published["partner_state"].map(_STATES)
    published = published[(published["mode"] == "closed") & states.notna()]
    frame = published[["material", "partner", "partner_state", "source"]].reset_index(drop=True)
    ours = _ours(frame["material"])
    columns = "reaction_energy_" + published["partner"] + "_meV_atom" + states[published.index]
    known = ours.reindex(columns=sorted({*columns}))
    places = known.columns.get_indexer(pd.Index(columns))
    frame["energy_meV_atom"] = known.to_numpy(float)[range(len(frame)), places]
    frame["published_meV_atom"] = published["energy_meV_atom"].to_numpy()
    frame["difference_meV_atom"] = frame["energy_meV_atom"] - frame["published_meV_atom"]
    return frame[frame["difference_meV_atom"].notna()].reset_index(drop=True)


def _ours(materials: pd.Series) -> pd.DataFrame:
    """Rows of the computed table for names, formulas or aliases, with the index of `materials`."""
    computed = pd.read_csv(FILE, low_memory=False)
    by_formula = computed.drop_duplicates("formula").set_index("formula")
    formulas = dict(zip(table("materials")["name"], table("materials")["formula"], strict=True))
    rows = by_formula.reindex([_formula(str(formulas.get(name, name))) for name in materials])
    rows.index = materials.index
    return rows


def _formula(text: str) -> str | None:
    try:
        return reduced_formula(text)
    except FormulaError:
        return None
