"""All values of one material with their sources; which one is the default, and why."""

from math import isnan

import pandas as pd

from muli.candidates import computed
from muli.candidates.catalogue import load
from muli.candidates.defaults import choose_window, defaults
from muli.candidates.formula import FormulaError
from muli.candidates.names import UnknownName, resolve
from muli.candidates.records import POTENTIALS, values
from muli.candidates.schema import NUMERIC, TRUST
from muli.candidates.tables import Value, compound_of, context_of, rows_of, table, values_of

_EXPECTED = ("sigma_ion_S_cm", "sigma_ion_activation_eV", "sigma_ele_S_cm", "band_gap_eV")


def show(name: str) -> str:
    """A page on one material: all values with sources, defaults and reasons, what is missing.

    A formula that is not in the library is looked up in the computed table. Raises UnknownMaterial
    (a KeyError) with the closest names.
    """
    try:
        material = resolve(name)
    except UnknownName:
        if page := _computed_only(name):
            return page
        raise
    compound = compound_of(material)
    rows = load()
    row = rows[rows["name"] == material].iloc[0]
    parts = [
        _title(material, row),
        _evidence_page(material, row["role"]),
        *(_property(material, compound, name) for name in _listed(material, compound)),
        _window_page(compound),
        _potential_page(material, compound),
        _computed_page(row["formula"]),
        _reaction_page(row),
        _steps_page(compound),
        _resistance_page(compound),
        _other_forms(material, compound),
        _sources_page(values(material)["source"]),
    ]
    return "\n\n".join(part for part in parts if part)


def _title(material: str, row: pd.Series) -> str:
    record = table("materials").set_index("name").loc[material]
    form = f", {record['form']}" if record["form"] else ""
    lines = [f"{material}: {row['family']}{form}; {record['role'].replace('; ', ' and ')}"]
    lines.append(f"formula {record['formula']}")
    if record["aliases"]:
        lines.append(f"also called {record['aliases'].replace('; ', ', ')}")
    lines += [str(record[key]) for key in ("note", "flag") if record[key]]
    return "\n".join(lines)


def _evidence_page(material: str, role: str) -> str:
    """Distributions of the uncertain properties; electrodes have none."""
    if not {"coating", "electrolyte"} & set(role.split("; ")):
        return ""
    from muli.candidates.evidence import of
    from muli.candidates.evidence.words import lines

    return "\n  ".join(["evidence (mean +- standard deviation):", *lines(of(material))])


def _listed(material: str, compound: str) -> list[str]:
    have = [v.quantity for v in (*values_of(material), *values_of(compound))]
    electrode = bool(rows_of("potentials", material)) and not have
    return [] if electrode else list(dict.fromkeys([*_EXPECTED, *have]))


def _property(material: str, compound: str, name: str) -> str:
    owner = material if name.startswith("sigma_") else compound
    values = [value for value in values_of(owner) if value.quantity == name]
    if not values:
        return f"{name}: missing"
    if name not in NUMERIC:
        return "\n".join([f"{name}: as used", *(_line(value, False) for value in values)])
    choice = defaults(values_of(owner), **context_of(owner))[name]
    head = "no default" if choice.value is None else f"{choice.number:.4g}"
    if choice.count > 1:
        head += f" (known {choice.low:.3g} to {choice.high:.3g}, {choice.count} values)"
    rows = [_line(value, value is choice.value) for value in values]
    return "\n".join([f"{name}: {head}", f"  why: {choice.reason}", *rows])


def _line(value: Value, default: bool) -> str:
    number = f"{value.low:.3g} to {value.high:.3g}" if isnan(value.value) else f"{value.value:.4g}"
    kelvin = "T not stated" if isnan(value.temperature_K) else f"{value.temperature_K:g} K"
    details = [kelvin] if value.quantity.startswith("sigma_") else []
    details += [value.method, value.form, value.sample, *_reservations(value)]
    details += [value.source, value.trust.replace("_", " ")]
    if value.primary_doi:
        details.append(f"from doi:{value.primary_doi}")
    note = f"; {value.note}" if value.note else ""
    return f"  {'*' if default else ' '} {number}  {', '.join(filter(None, details))}{note}"


def _reservations(value: Value) -> list[str]:
    """State, bound, kind of quantity and qualifier of a value, as far as they are stated."""
    field = "" if isnan(value.field_V_cm) else f"at {value.field_V_cm:.2g} V/cm"
    words = [
        "" if value.state == "pristine" else value.state,
        value.bound and f"{value.bound} bound",
        value.quantity_kind.replace("_", " "),
        field,
        value.qualifier.replace("_", " "),
    ]
    return [word for word in words if word]


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
        numbers = ", ".join(_volts(row[name]) for name in POTENTIALS)
        cut = "" if isnan(row["upper_cutoff_V"]) else f"; {row['upper_cutoff_V']:g}"
        note = f"; {row['note']}" if row["note"] else ""
        lines.append(f"    {numbers}{cut}  {row['potential_kind']}, {row['source']}{note}")
    return "\n".join(lines)


def _computed_only(formula: str) -> str:
    try:
        page = _computed_page(formula.strip())
    except FormulaError:
        return ""
    return f"{formula}: not in the library of the literature\n\n{page}" if page else ""


def _computed_page(formula: str) -> str:
    row = computed.compound(formula)
    if row is None or not isinstance(row["window_source"], str):
        return ""
    lines = [f"computed table ({row['window_source']}):"]
    lines += [f"    {_computed_limit(row, side)}" for side in ("reduction", "oxidation")]
    for name in ("energy_above_hull_eV_atom", "band_gap_eV"):
        value = "missing" if isnan(row[name]) else f"{row[name]:.3g}"
        lines.append(f"    {name}: {value}")
    return "\n".join(lines)


def _computed_limit(row: pd.Series, side: str) -> str:
    limit, products = row[f"{side}_limit_V"], row[f"{side}_products"]
    if isnan(limit):
        note = row["oxidation_limit_note"]
        return f"{side} limit: {note if isinstance(note, str) else 'none'}"
    if not isinstance(products, str):
        return f"{side} limit {limit:.2f} V, stable to there"
    without = row[f"{side}_limit_without_competitor_V"]
    change = "" if isnan(without) else f"; {without:.2f} V without {row[f'{side}_competitor']}"
    return f"{side} limit {limit:.2f} V, to {products}{change}"


def _reaction_page(row: pd.Series) -> str:
    names = [n for n in row.index if n.startswith("reaction_energy_") and n.endswith("_meV_atom")]
    known = [(n.split("_")[2], row[n]) for n in names if not pd.isna(row[n])]
    if not known:
        return "reaction energies: missing"
    pairs = ", ".join(f"{partner} {round(energy):d}" for partner, energy in known)
    return f"reaction energies, meV/atom (closed): {pairs}\n  from {row['reaction_energy_source']}"


def _steps_page(compound: str) -> str:
    rows = rows_of("decomposition_steps", compound)
    if not rows:
        return ""
    lines = [f"decomposition against lithium potential ({rows[0]['source']}):"]
    for row in rows:
        lithium = row["delta_Li_per_formula"]
        change = "" if isnan(lithium) else f", {lithium:+g} Li per formula"
        phases = row["phases"] or "phases not given"
        lines.append(f"    {row['potential_V']:g} V: {phases}{change}")
    return "\n".join(lines)


def _resistance_page(compound: str) -> str:
    rows = table("interface_resistance")
    rows = rows[rows["coating"].str.split(" ").str[0] == compound]
    lines = []
    for row in rows.to_dict("records"):
        bare, coated = row["asr_bare_ohm_cm2"], row["asr_coated_ohm_cm2"]
        pair = [f"bare {bare:g}"] * (not isnan(bare)) + [f"coated {coated:g}"] * (not isnan(coated))
        ratio = row["ratio_bare_to_coated"]
        numbers = f"{', '.join(pair)} ohm cm2" if pair else f"bare/coated {ratio:g}"
        if not pair and isnan(ratio):
            continue
        thick = f", {row['coating_thickness_nm']} nm" if row["coating_thickness_nm"] else ""
        condition = f"; {row['condition']}" if row["condition"] else ""
        lines.append(f"    {row['interface']}{thick}: {numbers}, {row['source']}{condition}")
    return "\n".join(["interface resistance as a coating:", *lines]) if lines else ""


def _other_forms(material: str, compound: str) -> str:
    materials = table("materials")
    forms = materials[(materials["compound"] == compound) | (materials["name"] == compound)]
    lines = []
    for name in forms["name"]:
        choice = defaults(values_of(name), **context_of(name)).get("sigma_ion_S_cm")
        if name != material and choice is not None and choice.value is not None:
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
