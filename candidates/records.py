"""Every value of one material as a long table: the values from which the defaults are chosen."""

from math import isnan

import pandas as pd

from muli.candidates.defaults import choose_window, defaults
from muli.candidates.names import resolve
from muli.candidates.tables import Row, compound_of, context_of, rows_of, values_of

POTENTIALS = ("discharged_potential_V", "average_potential_V", "charged_potential_V")

LONG = (
    "material",
    "property",
    "value",
    "low",
    "high",
    "temperature_K",
    "method",
    "kind",
    "quantity_kind",
    "bound",
    "qualifier",
    "state",
    "form",
    "sample",
    "thickness_nm",
    "field_V_cm",
    "source",
    "primary_doi",
    "trust",
    "default",
    "note",
)
"""Columns of `values`."""


def values(name: str) -> pd.DataFrame:
    """Every value known of a material and its compound, long, one row a value (columns LONG).

    `default` marks what `load` takes. `name` may be an alias. Raises UnknownMaterial (a KeyError)
    with the closest names.
    """
    material = resolve(name)
    compound = compound_of(material)
    records = [*_printed(material), *_windows(compound), *_potentials(material, compound)]
    if compound != material:
        records += [r for r in _printed(compound) if not str(r["property"]).startswith("sigma_")]
    records += _reactions(compound)
    return pd.DataFrame(records, columns=list(LONG))


def _printed(material: str) -> list[dict[str, object]]:
    records = []
    values = values_of(material)
    chosen = defaults(values, **context_of(material))
    for name in dict.fromkeys(value.quantity for value in values):
        default = chosen[name].value if name in chosen else None
        for value in (value for value in values if value.quantity == name):
            record: dict[str, object] = {key: getattr(value, key, None) for key in LONG}
            records.append(record | {"property": name, "default": value is default})
    return records


def _windows(compound: str) -> list[dict[str, object]]:
    rows = rows_of("windows", compound)
    chosen, _ = choose_window(rows)
    return [
        _record(row, name, row[name], row["window_kind"], row is chosen)
        for row in rows
        for name in ("reduction_limit_V", "oxidation_limit_V")
        if not isnan(row[name])
    ]


def _potentials(material: str, compound: str) -> list[dict[str, object]]:
    return [
        _record(row, name, row[name], row["potential_kind"], False)
        for row in rows_of("potentials", material, compound)
        for name in (*POTENTIALS, "upper_cutoff_V")
        if not isnan(row[name])
    ]


def _reactions(compound: str) -> list[dict[str, object]]:
    records = []
    for row in rows_of("reactions", compound):
        unit = "meV_atom" if row["mode"] == "closed" else "eV_non_Li_atom"
        kind = ", ".join(filter(None, (row["mode"], row["partner_state"], row["mixing"])))
        name = f"reaction_energy_{row['partner']}_{unit}"
        records.append(_record(row, name, row[f"energy_{unit}"], kind, False))
    return records


def _record(row: Row, name: str, value: float, kind: str, default: bool) -> dict[str, object]:
    known = {
        key: row[key] for key in ("material", "method", "source", "trust", "note") if key in row
    }
    return known | {"property": name, "value": value, "kind": kind, "default": default}
