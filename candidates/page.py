"""Everything known of one material, with its sources: which number is the default and why."""

from math import isnan

import pandas as pd

from candidates.catalogue import load
from candidates.defaults import choose, choose_window
from candidates.names import resolve
from candidates.schema import NUMERIC, TRUST
from candidates.tables import Row, Value, compound_of, rows_of, table, values_of

LONG = (
    "material",
    "property",
    "value",
    "low",
    "high",
    "temperature_K",
    "method",
    "kind",
    "caveat",
    "form",
    "source",
    "trust",
    "default",
    "note",
)
"""Columns of `values`."""

_EXPECTED = ("sigma_ion_S_cm", "sigma_ion_activation_eV", "sigma_ele_S_cm", "band_gap_eV")
_POTENTIALS = ("discharged_potential_V", "average_potential_V", "charged_potential_V")


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


def show(name: str) -> str:
    """A page on one material: all values with sources, defaults and reasons, what is missing."""
    material = resolve(name)
    compound = compound_of(material)
    rows = load()
    row = rows[rows["name"] == material].iloc[0]
    parts = [
        _title(material, row),
        *(_property(material, compound, name) for name in _listed(material, compound)),
        _window_page(compound),
        _potential_page(material, compound),
        _reaction_page(row),
        _other_forms(material, compound),
        _sources_page(values(material)["source"]),
    ]
    return "\n\n".join(part for part in parts if part)


def _printed(material: str) -> list[dict[str, object]]:
    records = []
    found = values_of(material)
    for name in dict.fromkeys(value.quantity for value in found):
        mine = [value for value in found if value.quantity == name]
        chosen = choose(mine).value if name in NUMERIC else None
        for value in mine:
            record: dict[str, object] = {key: getattr(value, key, None) for key in LONG}
            records.append(record | {"property": name, "default": value is chosen})
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
        for name in (*_POTENTIALS, "upper_cutoff_V")
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


def _title(material: str, row: pd.Series) -> str:
    record = table("materials").set_index("name").loc[material]
    form = f", {record['form']}" if record["form"] else ""
    lines = [f"{material}: {row['family']}{form}; {record['role'].replace('; ', ' and ')}"]
    lines.append(f"formula {record['formula']}")
    if record["aliases"]:
        lines.append(f"also called {record['aliases'].replace('; ', ', ')}")
    if record["note"]:
        lines.append(record["note"])
    return "\n".join(lines)


def _listed(material: str, compound: str) -> list[str]:
    have = [v.quantity for v in (*values_of(material), *values_of(compound))]
    return list(dict.fromkeys([*_EXPECTED, *have]))


def _property(material: str, compound: str, name: str) -> str:
    owner = material if name.startswith("sigma_") else compound
    found = [value for value in values_of(owner) if value.quantity == name]
    if not found:
        return f"{name}: missing"
    if name not in NUMERIC:
        return "\n".join([f"{name}: as used", *(_line(value, False) for value in found)])
    choice = choose(found)
    head = "no default" if choice.value is None else f"{choice.number:.4g}"
    if choice.count > 1:
        head += f" (known {choice.low:.3g} to {choice.high:.3g}, {choice.count} values)"
    rows = [_line(value, value is choice.value) for value in found]
    return "\n".join([f"{name}: {head}", f"  why: {choice.reason}", *rows])


def _line(value: Value, default: bool) -> str:
    number = f"{value.low:.3g} to {value.high:.3g}" if isnan(value.value) else f"{value.value:.4g}"
    kelvin = "T not stated" if isnan(value.temperature_K) else f"{value.temperature_K:g} K"
    details = [kelvin] if value.quantity.startswith("sigma_") else []
    details += [value.method, value.form, value.caveat.replace("_", " "), value.source]
    details += [value.trust.replace("_", " ")]
    if value.primary_doi:
        details.append(f"from doi:{value.primary_doi}")
    note = f"; {value.note}" if value.note else ""
    return f"  {'*' if default else ' '} {number}  {', '.join(filter(None, details))}{note}"


def _window_page(compound: str) -> str:
    rows = rows_of("windows", compound)
    if not rows:
        return "window: missing in the literature tables"
    chosen, reason = choose_window(rows)
    lines = ["window, V vs Li/Li+ (reduction, oxidation):", f"  why: {reason}"]
    for row in rows:
        red, ox = (_volts(row[f"{side}_limit_V"]) for side in ("reduction", "oxidation"))
        mark = "*" if row is chosen else " "
        trust = str(row["trust"]).replace("_", " ")
        note = f"; {row['note']}" if row["note"] else ""
        kind = str(row["window_kind"]).replace("_", " ")
        lines.append(f"  {mark} {red} - {ox}  {kind}, {row['source']}, {trust}{note}")
    return "\n".join(lines)


def _volts(value: float) -> str:
    return "?" if isnan(value) else f"{value:.2f}"


def _potential_page(material: str, compound: str) -> str:
    rows = rows_of("potentials", material, compound)
    if not rows:
        return ""
    lines = ["potential, V vs Li/Li+ (discharged, average, charged; cut-off):"]
    for row in rows:
        numbers = ", ".join(_volts(row[name]) for name in _POTENTIALS)
        cut = "" if isnan(row["upper_cutoff_V"]) else f"; {row['upper_cutoff_V']:g}"
        lines.append(f"    {numbers}{cut}  {row['potential_kind']}, {row['source']}; {row['note']}")
    return "\n".join(lines)


def _reaction_page(row: pd.Series) -> str:
    names = [n for n in row.index if n.startswith("reaction_energy_") and n.endswith("_meV_atom")]
    known = [(n.split("_")[2], row[n]) for n in names if not pd.isna(row[n])]
    if not known:
        return "reaction energies: missing"
    pairs = ", ".join(f"{partner} {energy:.0f}" for partner, energy in known)
    return f"reaction energies, meV/atom (closed): {pairs}\n  from {row['reaction_energy_source']}"


def _other_forms(material: str, compound: str) -> str:
    materials = table("materials")
    forms = materials[(materials["compound"] == compound) | (materials["name"] == compound)]
    lines = []
    for name in forms["name"]:
        choice = choose([v for v in values_of(name) if v.quantity == "sigma_ion_S_cm"])
        if name != material and choice.value is not None:
            kelvin = choice.value.temperature_K
            at = "" if isnan(kelvin) else f" at {kelvin:g} K"
            lines.append(f"  {name}: sigma_ion {choice.number:.3g} S/cm{at}")
    return "\n".join(["other forms of the compound:", *lines]) if lines else ""


def _sources_page(used: "pd.Series[str]") -> str:
    known = {row["id"]: row for row in table("sources").to_dict("records")}
    lines = ["sources (* above marks the default):"]
    for name in dict.fromkeys(used.dropna()):
        row = known[name]
        where = f" doi:{row['doi']}" if row["doi"] else f" {row['url']}" if row["url"] else ""
        lines.append(f"  {name}: {row['citation']}.{where} [{TRUST[row['trust']]}]")
    return "\n".join(lines)
