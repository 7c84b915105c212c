"""The shipped tables, read once: text files with one value, window or reaction per row.

Blank cells are missing values. Nothing is converted here: units stand in the column names.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import isnan, sqrt
from pathlib import Path
from typing import Any, TypedDict

import pandas as pd

from muli.candidates.schema import PARTNERS

Row = Mapping[Any, Any]
"""One row of a table, by column."""

LIBRARY = Path(__file__).with_name("library")

_COMPUTED = (
    "reduction_limit_V",
    "oxidation_limit_V",
    "reduction_limit_without_competitor_V",
    "oxidation_limit_without_competitor_V",
    "energy_above_hull_eV_atom",
    *(
        f"reaction_energy_{partner}_meV_atom{mode}"
        for partner in PARTNERS
        for mode in ("", "_entry", "_open")
    ),
    *(f"reaction_energy_{c}_meV_atom_delithiated" for c in ("NMC811", "LiCoO2", "NMC111")),
)

NUMBERS: dict[str, tuple[str, ...]] = {
    "materials": (),
    "sources": (),
    "values": ("value", "low", "high", "temperature_K", "thickness_nm", "field_V_cm"),
    "windows": ("reduction_limit_V", "oxidation_limit_V", "uncertainty_V"),
    "potentials": (
        "discharged_potential_V",
        "average_potential_V",
        "charged_potential_V",
        "upper_cutoff_V",
    ),
    "ocp_points": ("lithium_fraction", "potential_V"),
    "reactions": ("energy_meV_atom", "energy_eV_non_Li_atom", "mixing_fraction"),
    "decomposition_steps": ("potential_V", "delta_Li_per_formula"),
    "interphases": ("sd_log10",),
    "potential_dependence": ("value_S_cm", "slope", "activation_energy_eV", "temperature_K"),
    "interface_resistance": (
        "asr_bare_ohm_cm2",
        "asr_coated_ohm_cm2",
        "ratio_bare_to_coated",
        "resistance_bare_ohm",
        "resistance_coated_ohm",
        "electrode_area_cm2",
        "temperature_K",
        "stack_pressure_MPa",
        "activation_energy_bare_eV",
        "activation_energy_coated_eV",
    ),
    "processing": ("process_temperature_K",),
    "lowest_formation_energies": ("F", "O", "Cl", "Br", "I", "S", "Se", "Te", "N", "P", "H"),
    "mixtures": _COMPUTED,
    "comparison_values": ("value", "low", "high", "thickness_nm"),
    "priors": (
        "mean_log10",
        "sd_between_materials",
        "sd_between_samples",
        "materials",
        "samples",
    ),
    "cells": (),
    "cell_sources": (),
}
"""Every shipped table and which of its columns are numbers; the others are text."""


@dataclass(frozen=True)
class Value:
    """One printed value of one property of one material; `value` is NaN where a range stands.

    The words of `method`, `quantity_kind`, `bound`, `qualifier`, `state`, `form` and `trust` are
    those of `muli.candidates.schema`. Rows of one source with the same `sample` are one sample.
    """

    material: str
    quantity: str
    value: float
    low: float
    high: float
    temperature_K: float
    method: str
    kind: str
    quantity_kind: str
    bound: str
    qualifier: str
    state: str
    form: str
    sample: str
    thickness_nm: float
    field_V_cm: float
    source: str
    primary_doi: str
    trust: str
    note: str

    @property
    def number(self) -> float:
        """The value, or the geometric middle of its range."""
        return sqrt(self.low * self.high) if isnan(self.value) else self.value

    @property
    def extremes(self) -> tuple[float, float]:
        """Lowest and highest number this row stands for."""
        return (self.low, self.high) if isnan(self.value) else (self.value, self.value)

    @property
    def origin(self) -> str:
        """The paper the number comes from: its DOI in small letters, else the source's id."""
        return (self.primary_doi or _dois().get(self.source, "")).lower() or self.source


@cache
def table(name: str) -> pd.DataFrame:
    """One shipped table (a key of NUMBERS). Text blank is "", number blank is NaN. Do not edit."""
    frame = pd.read_csv(LIBRARY / f"{name}.csv", dtype=str, keep_default_na=False, encoding="utf-8")
    for column in NUMBERS[name]:
        frame[column] = pd.to_numeric(frame[column].replace("", None))
    return frame


@cache
def _dois() -> dict[str, str]:
    """DOIs of the sources of single papers, by id; data sets stand for many papers."""
    sources = table("sources")
    return {
        row["id"]: row["doi"] for row in sources.to_dict("records") if row["trust"] != "database"
    }


@cache
def _grouped(name: str) -> dict[str, tuple[Row, ...]]:
    groups: dict[str, list[Row]] = {}
    for record in table(name).to_dict("records"):
        groups.setdefault(record["material"], []).append(record)
    return {material: tuple(rows) for material, rows in groups.items()}


def rows_of(name: str, *materials: str) -> tuple[Row, ...]:
    """Rows of a shipped table that belong to the materials, in file order per material."""
    groups = _grouped(name)
    return tuple(row for material in dict.fromkeys(materials) for row in groups.get(material, ()))


@cache
def values_of(material: str) -> tuple[Value, ...]:
    """All values of one row of the materials table, in file order."""
    return _values().get(material, ())


@cache
def _values() -> dict[str, tuple[Value, ...]]:
    rows: dict[str, list[Value]] = {}
    for record in table("values").itertuples(index=False):
        value = Value(*record)
        rows.setdefault(value.material, []).append(value)
    return {material: tuple(values) for material, values in rows.items()}


@cache
def _compounds() -> dict[str, str]:
    materials = table("materials")
    return dict(zip(materials["name"], materials["compound"], strict=True))


class Context(TypedDict):
    """What the choice of a default depends on besides the values: keywords of `defaults`."""

    form: str
    electrolyte: bool


@cache
def _contexts() -> dict[str, Context]:
    return {
        row["name"]: Context(
            form=row["form"], electrolyte=row["role"].split("; ")[0] == "electrolyte"
        )
        for row in table("materials").to_dict("records")
    }


def context_of(material: str) -> Context:
    """Form of a material ("" where not stated) and whether it is an electrolyte first."""
    return _contexts()[material]


def compound_of(material: str) -> str:
    """The row that holds the windows and energies of the compound a material is a form of."""
    return _compounds()[material] or material
