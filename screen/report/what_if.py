"""Stacks of ranked rows: starting values of the what-if panel, and profiles of the first rows.

Conductivities and windows are those of the run: the library's (or the user's) values, with what
the spec assumed in their place, at the row's temperature.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from muli.kernels import (
    Window,
    contact_potentials,
    layer_resistance,
    required_resistance,
    resolve_boundary,
    sigma_ele_at_resistance,
)
from muli.kernels.constants import CM_PER_NM, CM_PER_UM, ROOM_TEMPERATURE
from muli.screen.compiling.programs import kept
from muli.screen.space.own import is_of
from muli.screen.spec.quantities import material_of
from muli.screen.vocabulary import column_name

ROLES = ("coating", "electrolyte")
DIGITS = 7
STAND_INS = {
    "coating_sigma_ion_S_cm": 1e-7,
    "electrolyte_sigma_ion_S_cm": 1e-3,
    "electrolyte_sigma_ele_S_cm": 1e-9,
    "coating_thickness_nm": 10.0,
}
"""Start of a slider where the run does not know the value; a note beside it says so."""

SEPARATOR = " • "
NOTES = {
    "sigma_ele": "The coating's electronic conductivity is not known: the slider starts at the "
    "largest value that still protects.",
    "prior": "The coating's {} was not measured so that one number is known: the slider starts at "
    "the median of its distribution.",
    "stand_in": "{}'s {} conductivity is not known: the slider starts at {:g} S/cm.",
    "law": "The run did not use the constant law; this panel does.",
    "contacts": "The run had contact resistances; this panel leaves them out.",
    "area": "The run had a composite cathode; this panel is planar.",
    "pinned": "An interphase pins the anode side at the electrolyte's reduction limit.",
}


def numbers(
    rows: pd.DataFrame,
    materials: Mapping[str, pd.DataFrame],
    settings: Mapping[str, Any],
    typed: Collection[str] = (),
) -> pd.DataFrame:
    """What the panel needs of every row, NaN where unknown, and `notes` on what it leaves out.

    materials: a table per role, indexed by name. settings: the spec's `[screen]` section.
    typed: keys of the spec; conductivities among them hold at the temperature of their row.
    """
    panel = pd.DataFrame(index=rows.index)
    for role in ROLES:
        panel = panel.join(_layers(rows, materials[role], role, typed))
    for name in ("coating_thickness_nm", "electrolyte_thickness_um", "cathode_potential_V"):
        panel[name] = _significant(_column(rows, name))
    panel["anode_potential_V"] = _anode_side(rows, panel["electrolyte_reduction_limit_V"])
    panel["anode_electrode_V"] = _significant(_column(rows, "anode_potential_V"))
    panel["pins"] = (_boundary(rows) != "electrode").astype(float)
    panel["temperature_K"] = _significant(_column(rows, "temperature_K")).fillna(ROOM_TEMPERATURE)
    flows = _significant(_column(rows, "current_density_mA_cm2"))
    panel["current_density_mA_cm2"] = flows.fillna(0.0)
    for name in ("asr_budget_ohm_cm2", "areal_capacity_mAh_cm2"):
        panel[name] = float(settings[name])
    panel["notes"] = _notes(rows, panel)
    for kind in ("sigma_ele", "sigma_ion"):
        median = _significant(_column(rows, f"{kind}_median_S_cm"))
        panel[f"coating_{kind}_S_cm"] = panel[f"coating_{kind}_S_cm"].fillna(median)
    for name, value in STAND_INS.items():
        panel[name] = panel[name].fillna(value)
    return panel


def _column(table: pd.DataFrame, name: str) -> "pd.Series[float]":
    if name not in table:
        return pd.Series(np.nan, index=table.index)
    return pd.to_numeric(table[name], errors="coerce").astype(np.float64)


def _layers(
    rows: pd.DataFrame, table: pd.DataFrame, role: str, typed: Collection[str]
) -> pd.DataFrame:
    """Conductivities as the run used them, at each row's temperature, and windows."""
    material = table.reindex(rows[role]).set_axis(rows.index)
    layer = pd.DataFrame(index=rows.index)
    for name in ("sigma_ion", "sigma_ele"):
        value = layer[f"{role}_{name}_S_cm"] = _significant(_column(rows, f"{role}_{name}_S_cm"))
        activation = _column(material, f"{name}_activation_eV")
        has_own = _own(rows, role, f"{name}_S_cm", typed).notna()
        held = value.isna() | has_own | (f"{role}.{name}_S_cm" in typed)
        layer[f"{role}_{name}_activation_eV"] = activation.mask(held)
    for side in ("reduction_limit_V", "oxidation_limit_V"):
        own = _own(rows, role, side, typed)
        assumed_limit = own.fillna(_significant(_column(rows, f"{role}_{side}")))
        layer[f"{role}_{side}"] = assumed_limit.fillna(_column(material, side))
    return layer


def _own(rows: pd.DataFrame, role: str, name: str, typed: Collection[str]) -> "pd.Series[float]":
    """A property where the spec gives it to the row's material by name, else unknown."""
    own = pd.Series(np.nan, index=rows.index)
    for key in typed:
        if key.endswith(f".{name}") and material_of(key):
            matches = np.array([is_of(key, str(material)) for material in rows[role]], bool)
            own = own.mask(matches, _significant(_column(rows, column_name(key))))
    return own


def _significant(column: "pd.Series[float]") -> "pd.Series[float]":
    """Rounded to seven digits, the precision of stored numbers."""
    return column.map(lambda value: float(f"{value:.{DIGITS}g}"))


def _anode_side(rows: pd.DataFrame, reduction: "pd.Series[float]") -> "pd.Series[float]":
    anode = _significant(_column(rows, "anode_potential_V"))
    ends = resolve_boundary(
        anode.to_numpy(), anode.to_numpy(), Window(reduction.to_numpy(), reduction.to_numpy())
    )
    pinned = pd.Series(np.asarray(ends.E_anode), index=rows.index)
    return pinned.mask(_boundary(rows) == "electrode", anode)


def _boundary(rows: pd.DataFrame) -> "pd.Series[str]":
    return rows.get("boundary", pd.Series("auto", index=rows.index))


def _notes(rows: pd.DataFrame, found: pd.DataFrame) -> "pd.Series[str]":
    """What each row's panel assumes or leaves out, as sentences joined by `SEPARATOR`."""

    def differs(name: str, usual: float) -> "pd.Series[bool]":
        return _column(rows, name).fillna(usual) != usual

    words = pd.Series("constant", index=rows.index)
    contacts = [str(name) for name in rows if str(name).startswith("interface_")]
    contacts = [name for name in contacts if name.endswith("asr_ohm_cm2")]
    holds = {}
    for kind, phrase in (("sigma_ele", "electronic conductivity"), ("sigma_ion", "ionic one")):
        unknown = found[f"coating_{kind}_S_cm"].isna()
        believed = _column(rows, f"{kind}_median_S_cm").notna()
        holds[NOTES["prior"].format(phrase)] = unknown & believed
        missing = unknown & ~believed
        if kind == "sigma_ele":
            holds[NOTES["sigma_ele"]] = missing
        else:
            holds[_stand_in("coating_sigma_ion_S_cm")] = missing
    for name in list(STAND_INS)[1:3]:
        holds[_stand_in(name)] = found[name].isna()
    holds |= {
        NOTES["law"]: rows.get("law", words).fillna("constant") != "constant",
        NOTES["contacts"]: sum((differs(c, 0.0) for c in contacts), start=words != "constant"),
        NOTES["area"]: differs("cathode_area_factor", 1.0),
        NOTES["pinned"]: rows.get("anode_boundary", words) == "interphase",
    }
    notes = pd.Series("", index=rows.index)
    for text, mask in holds.items():
        notes = notes.mask(mask.astype(bool), notes + text + SEPARATOR)
    return notes.str.removesuffix(SEPARATOR)


def _stand_in(name: str) -> str:
    """The note on a slider that starts at a stand-in."""
    role, _, kind = name.split("_")[:3]
    adjective = "ionic" if kind == "ion" else "electronic"
    return NOTES["stand_in"].format(f"The {role}", adjective, STAND_INS[name])


NEEDED = (
    "anode_potential_V",
    "cathode_potential_V",
    "electrolyte_thickness_um",
    "electrolyte_reduction_limit_V",
    "electrolyte_oxidation_limit_V",
)
"""Values without which a profile cannot be drawn."""


def nodes(found: pd.DataFrame) -> Any:
    """E at the anode side, the contact of the layers and the cathode side: (rows, 3), V.

    An unknown sigma_ele of the coating is set to the largest value that protects.
    """

    columns = {name: jnp.asarray(found[name].to_numpy(np.float64)) for name in _DRAWN}
    ends = columns["anode_potential_V"], columns["cathode_potential_V"]
    return np.stack([ends[0], np.asarray(_between(columns)), ends[1]], 1)


_DRAWN = (
    "anode_potential_V",
    "cathode_potential_V",
    "electrolyte_thickness_um",
    "electrolyte_sigma_ion_S_cm",
    "electrolyte_sigma_ele_S_cm",
    "electrolyte_oxidation_limit_V",
    "coating_thickness_nm",
    "coating_sigma_ion_S_cm",
    "coating_sigma_ele_S_cm",
)


@kept("contact potentials of a page")
def _between(columns: dict[str, jax.Array]) -> jax.Array:
    """E at the contact of the layers of rows (rows,), V."""

    def through(sigma_ele: jax.Array, role: str, thickness: jax.Array) -> jax.Array:
        return layer_resistance(thickness, columns[f"{role}_sigma_ion_S_cm"], sigma_ele)

    ends = columns["anode_potential_V"], columns["cathode_potential_V"]
    thickness = columns["coating_thickness_nm"] * CM_PER_NM
    before = through(
        columns["electrolyte_sigma_ele_S_cm"],
        "electrolyte",
        columns["electrolyte_thickness_um"] * CM_PER_UM,
    )
    required = required_resistance(*ends, before, columns["electrolyte_oxidation_limit_V"])
    most = sigma_ele_at_resistance(required, thickness, columns["coating_sigma_ion_S_cm"])
    known = columns["coating_sigma_ele_S_cm"]
    sigma_ele = jnp.where(jnp.isnan(known), jnp.clip(most, 1e-30, 1e3), known)
    after = through(sigma_ele, "coating", thickness)
    return contact_potentials(*ends, before, jnp.zeros_like(before), after).E_electrolyte


def profile(
    leader: str, row: Mapping[str, Any], found: Mapping[str, Any], nodes: Sequence[float]
) -> list[dict[str, Any]]:
    """Rows of the picture of one stack: windows, the potential at the layers' faces, and labels."""
    parts: list[dict[str, Any]] = [
        {"part": "curve", "x": x, "E": float(E)} for x, E in enumerate(nodes)
    ]
    for x, role, size in (
        (0, "electrolyte", f"{found['electrolyte_thickness_um']:.3g} µm"),
        (1, "coating", f"{found['coating_thickness_nm']:.3g} nm"),
    ):
        low, high = (found[f"{role}_{side}_limit_V"] for side in ("reduction", "oxidation"))
        text = f"{row[role]}, {size}"
        place = {"x": x, "x2": x + 1, "layer": role, "text": text}
        parts.append({"part": "label", **place, "x": x + 0.5})
        if low < high:
            parts.append({"part": "band", **place, "low": low, "high": high})
        elif math.isnan(low) != math.isnan(high):  # the one limit that is known
            parts.append({"part": "limit", **place, "E": high if math.isnan(low) else low})
    return [{"leader": leader, **part} for part in parts]
