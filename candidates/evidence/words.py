"""The evidence on a material in words: a line per property."""

from math import isinf

from muli.candidates.evidence.distributions import Evidence
from muli.candidates.evidence.observations import PROPERTIES
from muli.candidates.evidence.priors import priors

_OWN = {
    "measured": "its own values",
    "quoted": "values quoted or derived from leakage",
    "bound": "upper bounds only",
}


def lines(found: dict[str, Evidence]) -> list[str]:
    """One line per uncertain property; reaction energies and limits only where known."""
    written = [_conductivity(prop, found[prop]) for prop in PROPERTIES]
    written += [
        _limit(side, found[f"{side}_limit_V"], found[f"{side}_allowance_V"])
        for side in ("reduction", "oxidation")
    ]
    for name, reaction in found.items():
        if name.startswith("reaction_energy") and reaction.kind != "prior":
            partner = name.split("_")[2]
            limit = found[f"reaction_limit_{partner}_meV_atom"]
            written.append(
                f"reaction with {partner} {reaction.mean:.0f} +- {reaction.sd:.0f} meV/atom, "
                f"shows below {limit.mean:.0f} +- {limit.sd:.0f}"
            )
    return written


def _conductivity(prop: str, each: Evidence) -> str:
    head = f"log10 {prop.removesuffix('_S_cm')} {each.mean:.1f} +- {each.sd:.1f} S/cm"
    if each.kind == "given":
        return f"{head}: given"
    group = _group(prop, each.group)
    if each.kind == "prior":
        what = f"prior of {group}; no value of its own in this form"
    else:
        count = "1 value" if each.samples == 1 else f"{each.samples} values"
        what = f"{_OWN[each.kind]} ({count}), pooled with {group}"
    forms = "; film or crystal, not known which" if len(each.parts) > 1 else ""
    return f"{head}: {what}{forms}"


def _group(prop: str, name: str) -> str:
    """A group with the values and materials behind its prior."""
    rows = priors()
    rows = rows[(rows["property"] == prop) & (rows["group"] == name)]
    if rows.empty:
        return f"the group {name!r}, insulating and redox-active oxides weighed"
    samples, materials = int(rows["samples"].iloc[0]), int(rows["materials"].iloc[0])
    return f"the group {name!r} ({samples} values of {materials} materials)"


def _limit(side: str, each: Evidence, allowance: Evidence) -> str:
    if isinf(each.mean):
        return f"{side} limit: none found"
    what = "prior of its group" if each.kind == "prior" else each.kind
    if each.samples > 1:
        what += f", {each.samples} sources"
    lasting = f"; lasts {allowance.mean:.2f} +- {allowance.sd:.2f} V beyond it"
    lasting = lasting if allowance.mean or allowance.sd else ""
    return f"{side} limit {each.mean:.2f} +- {each.sd:.2f} V: {what}{lasting}"
