"""The shipped table of computed compounds, and what the library takes from it.

The file `library/materials_project.csv.gz` has the columns of the wide table; its rows are screened
by `load(table="materials-project")`. A compound of the library (same reduced formula) takes from it
the values that the literature lacks, and the reaction energies.

`library/mixtures.csv` holds the same quantities for compositions of the library that the energies
lack (glasses, solid solutions, a few compounds), each at the mixture it falls into on the hull
(`hull_phases`). `computed_as` is the formula that was computed, with oxygen that balances charges;
`left_out` a phase that is known to be hypothetical and was left out.
"""

from collections.abc import Sequence
from functools import cache

import pandas as pd

from muli.candidates.formula import reduced_formula
from muli.candidates.tables import LIBRARY, table

FILE = LIBRARY / "materials_project.csv.gz"
SOURCE = "materials-project"
MIXTURE = f"{SOURCE}, hull mixture"
_WINDOW = ("reduction_limit_V", "oxidation_limit_V")
_ADDED = ("reaction_energy_source", "computed_as")
_SINGLE = ("band_gap_eV", "energy_above_hull_eV_atom")


def wide(columns: Sequence[str]) -> pd.DataFrame:
    """All computed compounds with the columns of the wide table; missing is NaN or None.

    Raises FileNotFoundError where the installation holds no computed table.
    """
    if not FILE.exists():
        raise FileNotFoundError(f"the computed table {FILE.name} is not installed")
    frame = _read()
    extra = [name for name in frame.columns if name not in columns]
    frame = frame.reindex(columns=[*columns, *extra])
    for name in _WINDOW:
        known = frame[name].notna()
        frame[f"{name}_source"] = frame["window_source"].where(known)
        frame[f"{name}_method"] = pd.Series("computed", index=frame.index).where(known)
        frame[f"{name}_low"] = frame[f"{name}_high"] = frame[name]
        frame[f"{name}_count"] = known.astype(float)
    none = dict.fromkeys(("evidence_sigma_ele", "evidence_sigma_ion"), "none")
    return frame.assign(table=SOURCE, reaction_energy_source=SOURCE, **none)


def compound(formula: str) -> pd.Series | None:
    """The computed row of a compound, by any spelling of its formula; None where there is none."""
    if not FILE.exists():
        return None
    frame = _by_formula()
    wanted = reduced_formula(formula)
    return frame.loc[[wanted]].iloc[0] if wanted in frame.index else None


@cache
def _read() -> pd.DataFrame:
    return pd.read_csv(FILE, low_memory=False)


@cache
def _by_formula() -> pd.DataFrame:
    mixtures = table("mixtures").assign(reaction_energy_source=MIXTURE).replace("", None)
    frame = pd.concat([_read(), mixtures.reindex(columns=[*_read().columns, *_ADDED])])
    frame = frame.set_index("formula")
    return frame[~frame.index.duplicated()]


def fill(frame: pd.DataFrame) -> pd.DataFrame:
    """The library with missing windows, gaps, hull and reaction energies of its compounds."""
    if not FILE.exists():
        return frame
    same = _by_formula().reindex([reduced_formula(formula) for formula in frame["formula"]])
    same.index = frame.index
    frame = frame.copy()
    for name in _SINGLE:
        frame[name] = frame[name].fillna(same[name])
    _fill_windows(frame, same)
    _fill_reactions(frame, same)
    _flag_mixtures(frame, same)
    return frame


def _fill_windows(frame: pd.DataFrame, same: pd.DataFrame) -> None:
    """The computed window where the literature has none, or one half of it only."""
    unknown = frame[list(_WINDOW)].isna()
    mixture = same["reaction_energy_source"] == MIXTURE
    lacks = unknown.all(axis=1) & same[list(_WINDOW)].notna().any(axis=1)
    lacks |= unknown.any(axis=1) & same[list(_WINDOW)].notna().all(axis=1) & ~mixture
    for name in _WINDOW:
        frame.loc[lacks, name] = same.loc[lacks, name]
        for side, chosen in (("low", "min"), ("high", "max")):
            both = pd.concat([frame[f"{name}_{side}"], same[name]], axis=1)
            frame.loc[lacks, f"{name}_{side}"] = both.agg(chosen, axis=1)[lacks]
        frame.loc[lacks, f"{name}_count"] = frame[f"{name}_count"].fillna(0.0)[lacks] + 1.0
        frame.loc[lacks, f"{name}_source"] = same.loc[lacks, "window_source"]
        frame.loc[lacks, f"{name}_method"] = "computed"
    for name in ("window_source", "window_kind"):
        frame.loc[lacks, name] = same.loc[lacks, name]


def _fill_reactions(frame: pd.DataFrame, same: pd.DataFrame) -> None:
    """Computed reaction energies replace the literature's: one construction for all compounds."""
    names = [name for name in same.columns if name.startswith("reaction_energy_")]
    names = [name for name in names if name in frame.columns and "_meV_atom" in name]
    known = same[names].notna().any(axis=1)
    for name in names:
        frame.loc[known, name] = same.loc[known, name]
    sources = same["reaction_energy_source"].fillna(SOURCE)
    frame.loc[known, "reaction_energy_source"] = sources[known]


def _flag_mixtures(frame: pd.DataFrame, same: pd.DataFrame) -> None:
    """State in `flags` which values are those of a mixture on the hull, not of the material."""
    mixed = same["hull_phases"].str.contains(";").fillna(False)
    mixed &= same["reaction_energy_source"] == MIXTURE
    whole = frame["window_source"] == same["window_source"]
    what = whole.map({True: "window and reaction energies", False: "reaction energies"})
    text = what + " are those of its mixture on the hull: " + same["hull_phases"]
    before = frame["flags"].where(frame["flags"].isna(), frame["flags"] + "; ").fillna("")
    frame["flags"] = frame["flags"].where(~mixed, before + text)
