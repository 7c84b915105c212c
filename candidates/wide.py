"""The library as one wide table: one row per material, one default per property.

Defaults follow `muli.candidates.defaults`; what the literature lacks (windows, gaps, hull energies,
reaction energies of the same compound) is filled from the computed table where there is one, and
`window_source`, `reaction_energy_source` say so.
"""

from functools import cache
from math import isnan, nan
from typing import Any

import pandas as pd

from muli.candidates import computed
from muli.candidates.defaults import Choice, choose, choose_window, defaults
from muli.candidates.schema import EXPLAINED, NUMERIC, PARTNERS
from muli.candidates.tables import Row, context_of, rows_of, table, values_of

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
    return (*names, "evidence_sigma_ele", "evidence_sigma_ion", "sigma_ele_curve", "table")


_FOLLOWS = {
    "oxidation_limit_V": ("window_source", "window_kind", "flags"),
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


def _row(record: Row) -> dict[str, Any]:
    material, compound = record["name"], record["compound"] or record["name"]
    row: dict[str, Any] = {key: record[key] or None for key in TEXT}
    row["table"] = "library"
    row["flags"] = record["flag"] or None
    own = defaults(values_of(material), **context_of(material))
    for name in OWN:
        _put(row, name, own.get(name) or choose(()))
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
    rows = rows_of("windows", compound)
    chosen, _ = choose_window(rows)
    if chosen is None:
        return {}
    window = {"window_source": chosen["source"], "window_kind": chosen["window_kind"]}
    for name in ("reduction_limit_V", "oxidation_limit_V"):
        same = [row[name] for row in rows if row["window_kind"] == chosen["window_kind"]]
        known = [value for value in same if not isnan(value)]
        window |= {
            name: chosen[name],
            f"{name}_source": chosen["source"],
            f"{name}_method": chosen["method"],
            f"{name}_low": min(known, default=nan),
            f"{name}_high": max(known, default=nan),
            f"{name}_count": len(known),
        }
    return window


def _potentials(material: str, compound: str) -> dict[str, Any]:
    rows = rows_of("potentials", material, compound)
    if not rows:
        return {}
    chosen = min(rows, key=lambda row: _POTENTIAL_RANK.get(row["potential_kind"], 3))
    names = ("discharged_potential_V", "average_potential_V", "charged_potential_V")
    potentials = {name: chosen[name] for name in (*names, "potential_kind")}
    cycled = [row for row in rows if row["potential_kind"] == "cycling range"]
    cutoffs = sorted(r["upper_cutoff_V"] for r in cycled if not isnan(r["upper_cutoff_V"]))
    if isnan(potentials["charged_potential_V"]) and cutoffs:
        potentials["charged_potential_V"] = cutoffs[(len(cutoffs) - 1) // 2]
    return potentials


def _processing(material: str) -> dict[str, Any]:
    for row in rows_of("processing", material):
        return {
            "process_temperature_K": row["process_temperature_K"],
            "process_atmosphere": row["process_atmosphere"] or None,
        }
    return {}


def _reactions(compound: str) -> dict[str, Any]:
    """Literature reaction energies, closed; the worse of both charge states where both are known.

    Of several sources the one with most partners comes first, so that energies are comparable.
    """
    closed = [row for row in rows_of("reactions", compound) if row["mode"] == "closed"]
    states: dict[str, dict[str, dict[str, float]]] = {}
    for row in closed:
        partners = states.setdefault(row["source"], {})
        partners.setdefault(row["partner"], {})[row["partner_state"]] = row["energy_meV_atom"]
    reactions: dict[str, Any] = {}
    used = set()
    for source in sorted(states, key=lambda source: -len(states[source])):
        for partner in PARTNERS:
            energies = states[source].get(partner, {})
            name = f"reaction_energy_{partner}_meV_atom"
            if name not in reactions and _wanted(partner) <= set(energies):
                reactions[name] = min(energies.values())
                used.add(source)
    return reactions | {"reaction_energy_source": "; ".join(sorted(used)) or None}


def _wanted(partner: str) -> set[str]:
    return {"lithiated", "half_delithiated"} if partner in _CATHODES else {""}
