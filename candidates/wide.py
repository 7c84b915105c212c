"""The library as one wide table: one row a material, one default a property.

Defaults follow `candidates.defaults`; what the literature lacks (windows, gaps, hull energies,
reaction energies of the same compound) is filled from the computed table where there is one, and
`window_source`, `reaction_energy_source` say so.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import pandas as pd

from candidates import computed
from candidates.defaults import Choice, choose, choose_window
from candidates.schema import EXPLAINED, NUMERIC, PARTNERS
from candidates.tables import table, values_of

OWN = ("sigma_ion_S_cm", "sigma_ion_activation_eV", "sigma_ele_S_cm", "sigma_ele_activation_eV")
"""Properties of one form of a material."""

SHARED = ("band_gap_eV", "energy_above_hull_eV_atom")
"""Properties of a compound, shared by its forms."""

TEXT = ("name", "formula", "role", "family", "form")
_DETAILS = ("source", "method", "low", "high", "count")
_CATHODES = ("NMC811", "LiCoO2", "NMC111")
_POTENTIAL_RANK = {"definition": 0, "open circuit": 1, "plateau": 2}


@cache
def columns() -> tuple[str, ...]:
    """Names of the wide table's columns, in order."""
    names = [*TEXT]
    for name in NUMERIC:
        names.append(name)
        if name in EXPLAINED:
            names += [f"{name}_{detail}" for detail in _DETAILS]
        names += _FOLLOWS.get(name, ())
    return (*names, "evidence_sigma_ele", "evidence_sigma_ion", "table")


_FOLLOWS = {
    "oxidation_limit_V": ("window_source", "window_kind"),
    "process_temperature_K": ("process_atmosphere",),
    "average_potential_V": ("potential_kind", "reaction_energy_source"),
}


@cache
def library() -> pd.DataFrame:
    """Every material of the library; `role` holds all its roles, "; " between. Do not edit."""
    rows = [_row(record) for record in table("materials").to_dict("records")]
    frame = pd.DataFrame(rows, columns=list(columns()))
    numbers = [n for n in columns() if n in NUMERIC or n.endswith(("_low", "_high", "_count"))]
    return computed.fill(frame.astype(dict.fromkeys(numbers, float)))


def _row(record: Mapping[Any, Any]) -> dict[str, Any]:
    material, compound = record["name"], record["compound"] or record["name"]
    row: dict[str, Any] = {key: record[key] or None for key in TEXT}
    row["table"] = "library"
    for name in OWN:
        choice = choose([v for v in values_of(material) if v.quantity == name])
        _put(row, name, choice)
    for name in SHARED:
        row[name] = choose([v for v in values_of(compound) if v.quantity == name]).number
    row |= _window(compound) | _potentials(material, compound) | _processing(material)
    row |= _reactions(compound)
    return row


def _put(row: dict[str, Any], name: str, choice: Choice) -> None:
    row[name] = choice.number
    if name not in EXPLAINED:
        return
    stem = name.removesuffix("_S_cm")
    row[f"{stem}_temperature_K"] = _temperature(choice)
    row[f"evidence_{stem}"] = evidence(choice)
    row |= _details(name, choice)


def _details(name: str, choice: Choice) -> dict[str, Any]:
    value = choice.value
    return {
        f"{name}_source": value.source if value else None,
        f"{name}_method": value.method if value else None,
        f"{name}_low": choice.low,
        f"{name}_high": choice.high,
        f"{name}_count": choice.count,
    }


def _temperature(choice: Choice) -> float:
    if choice.value is None:
        return float("nan")
    kelvin = choice.value.temperature_K
    return kelvin if kelvin == kelvin else 298.15


def evidence(choice: Choice) -> str:
    """measured (a default exists), range (only bounds or quotations), none."""
    if choice.value is not None:
        return "measured" if choice.value.method == "measured" else "range"
    return "range" if choice.count else "none"


def _window(compound: str) -> dict[str, Any]:
    rows = table("windows")
    rows = rows[rows["material"] == compound]
    label, _ = choose_window(rows)
    if label is None:
        return {}
    chosen = rows.loc[label]
    same = rows[rows["window_kind"] == chosen["window_kind"]]
    found: dict[str, Any] = {
        "window_source": chosen["source"],
        "window_kind": chosen["window_kind"],
    }
    for name in ("reduction_limit_V", "oxidation_limit_V"):
        known = same[name].dropna()
        found |= {
            name: chosen[name],
            f"{name}_source": chosen["source"],
            f"{name}_method": chosen["method"],
            f"{name}_low": known.min(),
            f"{name}_high": known.max(),
            f"{name}_count": len(known),
        }
    return found


def _potentials(material: str, compound: str) -> dict[str, Any]:
    rows = table("potentials")
    rows = rows[rows["material"].isin([material, compound])]
    if rows.empty:
        return {}
    ranked = rows.assign(rank=rows["potential_kind"].map(_POTENTIAL_RANK).fillna(3))
    chosen = ranked.sort_values("rank", kind="stable").iloc[0]
    names = ("discharged_potential_V", "average_potential_V", "charged_potential_V")
    found = {name: chosen[name] for name in (*names, "potential_kind")}
    cutoffs = rows.loc[rows["potential_kind"] == "cycling range", "upper_cutoff_V"].dropna()
    if pd.isna(found["charged_potential_V"]) and len(cutoffs):
        found["charged_potential_V"] = sorted(cutoffs)[(len(cutoffs) - 1) // 2]
    return found


def _processing(material: str) -> dict[str, Any]:
    rows = table("processing")
    rows = rows[rows["material"] == material]
    if rows.empty:
        return {}
    first = rows.iloc[0]
    return {
        "process_temperature_K": first["process_temperature_K"],
        "process_atmosphere": first["process_atmosphere"] or None,
    }


def _reactions(compound: str) -> dict[str, Any]:
    """Literature reaction energies, closed, worse of both charge states where both are known.

    Of several sources the one that knows most partners is taken, so that energies compare.
    """
    rows = table("reactions")
    rows = rows[(rows["material"] == compound) & (rows["mode"] == "closed")]
    coverage = rows.groupby("source")["partner"].nunique().sort_values(ascending=False)
    found: dict[str, Any] = {}
    sources: set[str] = set()
    for partner in PARTNERS:
        mine = rows[rows["partner"] == partner]
        wanted = {"lithiated", "half_delithiated"} if partner in _CATHODES else {""}
        for source in coverage.index:
            group = mine[mine["source"] == source]
            if wanted <= set(group["partner_state"]) and partner not in found:
                found[partner] = group["energy_meV_atom"].min()
                sources.add(str(source))
    energies = {f"reaction_energy_{p}_meV_atom": energy for p, energy in found.items()}
    return energies | {"reaction_energy_source": "; ".join(sorted(sources)) or None}
