"""The materials as one wide table: one row each, with the default value of every property.

Screens read `load`; `candidates.values` lists all values behind a default. The rule that picks a
default is in `muli.candidates.defaults`.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from muli.candidates import computed, conditions
from muli.candidates.names import UnknownName
from muli.candidates.schema import EXPLAINED, ROLES
from muli.candidates.tables import NUMBERS
from muli.candidates.tables import table as shipped
from muli.candidates.users import user_table
from muli.candidates.users.problems import Problem
from muli.candidates.wide import OWN, columns, library

_EVIDENCE = {True: "measured", False: "none"}


def load(
    tables: Sequence[str | Path] = (),
    *,
    table: str = "library",
    role: str | None = None,
    where: str | None = None,
    bad: str = "error",
) -> pd.DataFrame:
    """Materials, one row each, with defaults by the written rule; missing is NaN or None.

    Args:
        tables: a user's CSV files whose rows join the library; a row named like one of the
            library takes its place (column `table` says where a row comes from).
        table: "library" (with literature values) or "materials-project" (computed compounds).
        role: keep materials of this role: coating, electrolyte, cathode or anode.
        where: an SQL condition on the columns, e.g. "band_gap_eV > 4 AND family = 'phosphate'".
        bad: "error" raises on the first table with a bad row, naming all of them; "skip" leaves
            bad rows out and lists them in `frame.attrs["problems"]`.

    Raises:
        TableError: a user's table has bad rows (all are listed).
        ValueError: unknown `table` or `role`, or a condition that cannot be read.
    """
    if table not in ("library", "materials-project"):
        raise ValueError(f"unknown table {table!r}: it is 'library' or 'materials-project'")
    if role is not None and role not in ROLES:
        raise ValueError(f"unknown role {role!r}: one of {', '.join(ROLES)}")
    frame = library() if table == "library" else computed.wide(columns())
    problems: list[Problem] = []
    for path in tables:
        rows, table_problems = user_table.read(path, bad=bad)
        problems += table_problems
        frame = _join(frame, _widen(rows))
    frame = _with_role(frame, role)
    if where:
        frame = _where(frame, where)
    frame = frame.reset_index(drop=True)
    frame.attrs["problems"] = problems
    return frame


def sources() -> pd.DataFrame:
    """Where the values come from: id, citation, doi, url, trust, note."""
    return library_table("sources")


def library_table(name: str) -> pd.DataFrame:
    """A shipped table as it is, a copy: materials, values, windows, potentials, ocp_points,
    reactions, decomposition_steps, interface_resistance, interphases, potential_dependence,
    processing, lowest_formation_energies, mixtures, sources, cells, cell_sources.

    Raises KeyError with the closest names.
    """
    if name not in NUMBERS:
        raise UnknownName("table", name, NUMBERS)
    return shipped(name).copy()


def _widen(rows: pd.DataFrame) -> pd.DataFrame:
    """A user's rows with every column of the wide table.

    A range is replaced by its middle, as in the library (geometric for conductivities); a bound
    gives one end and no value.
    """
    wide = rows.reindex(columns=columns())
    wide["sigma_ion_temperature_K"] = wide["sigma_ion_temperature_K"].fillna(298.15)
    wide["sigma_ele_temperature_K"] = wide["sigma_ele_temperature_K"].fillna(298.15)
    source = rows["source"].fillna(rows["table"])
    for name in EXPLAINED:
        low, high = wide[f"{name}_low"], wide[f"{name}_high"]
        ranged = wide[name].isna() & low.notna() & high.notna()
        middle = (low * high) ** 0.5 if name in OWN else (low + high) / 2.0
        wide[name] = wide[name].where(~ranged, middle)
        known = wide[name].notna()
        wide[f"{name}_source"] = source.where(known)
        wide[f"{name}_method"] = pd.Series("user", index=rows.index).where(known)
        wide[f"{name}_low"] = low.where(low.notna() | high.notna(), wide[name])
        wide[f"{name}_high"] = high.where(low.notna() | high.notna(), wide[name])
        wide[f"{name}_count"] = known.astype(float)
    for stem in ("sigma_ele", "sigma_ion"):
        value, bounded = wide[f"{stem}_S_cm"], wide[[f"{stem}_S_cm_low", f"{stem}_S_cm_high"]]
        evidence = value.notna().map(_EVIDENCE)
        wide[f"evidence_{stem}"] = evidence.where(
            value.notna() | bounded.isna().all(axis=1), "range"
        )
    window = wide["reduction_limit_V"].notna() | wide["oxidation_limit_V"].notna()
    wide["window_source"] = source.where(window)
    wide["window_kind"] = pd.Series("user", index=rows.index).where(window)
    return wide


def _join(frame: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    kept = frame[~frame["name"].isin(rows["name"])]
    rows = rows.reindex(columns=frame.columns)
    return pd.DataFrame(
        {name: pd.concat([kept[name], rows[name]], ignore_index=True) for name in frame.columns}
    )


def _with_role(frame: pd.DataFrame, role: str | None) -> pd.DataFrame:
    """Rows that have a role, with that role alone in `role`; all rows with their first if None."""
    roles = frame["role"].str.split("; ")
    if role is None:
        return frame.assign(role=roles.str[0])
    return frame[[role in played for played in roles]].assign(role=role)


def _where(frame: pd.DataFrame, condition: str) -> pd.DataFrame:
    try:
        verdict = conditions.judge(frame, condition)
    except conditions.ConditionError as error:
        raise conditions.ConditionError(f"where {condition[:60]!r}: {error}") from None
    return frame[verdict.fillna(False).to_numpy(bool)]
