"""ComputedEntry JSON, as `MPRester.get_entries_in_chemsys` and `monty.dumpfn` write it.

A list of entry dictionaries with `composition`, `energy` (uncorrected, eV per cell) and
`energy_adjustments` or `correction`; read without pymatgen. Entries of other classes than
ComputedEntry and ComputedStructureEntry compute their energy in another way and are refused one by
one; pass such objects to `from_pymatgen` instead.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from muli.candidates.formula import FormulaError, spell
from muli.candidates.importers.entries import Entry, Imported, Rejected, assemble
from muli.candidates.importers.hulls import Scale, target
from muli.candidates.importers.values import Unusable, amounts, energy, number

_CLASSES = {"ComputedEntry", "ComputedStructureEntry"}
_U_CORRECTIONS = ("gga/gga+u mixing", "advanced")
_TOLERANCE = 1e-3
"""eV per cell by which a stated correction may differ from the sum of its parts."""


def from_entry_dicts(
    entries: Iterable[Any], name: str, provenance: Mapping[str, str] | None = None
) -> Imported:
    """Energies of entry dictionaries; `name` is their source. Raises ImportRefused."""
    read = [_entry(entry, f"{name} entry {number}") for number, entry in enumerate(entries, 1)]
    return assemble(
        [one for one in read if isinstance(one, Entry)],
        [one for one in read if isinstance(one, Rejected)],
        {"source": name, **(provenance or {})},
    )


def from_pymatgen(entries: Iterable[Any], provenance: Mapping[str, str] | None = None) -> Imported:
    """Energies of pymatgen entries: anything with `composition` and `energy_per_atom`.

    Total energies: every element must be among them. Raises ImportRefused.
    """
    read = [_from_object(entry, f"entry {number}") for number, entry in enumerate(entries, 1)]
    return assemble(
        [one for one in read if isinstance(one, Entry)],
        [one for one in read if isinstance(one, Rejected)],
        {"source": "pymatgen entries", **(provenance or {})},
    )


def _entry(entry: Any, where: str) -> Entry | Rejected:
    if not isinstance(entry, Mapping):
        return Rejected(where, str(entry), "expected an object with composition and energy")
    formula = ""
    try:
        composition = amounts(entry.get("composition"))
        formula = spell(composition)
        kind = str(entry.get("@class", "ComputedEntry"))
        if kind not in _CLASSES:
            raise Unusable(f"class {kind[:40]} needs pymatgen: load it, use from_pymatgen")
        adjustments = _adjustments(entry)
        correction = _correction(entry, adjustments)
        per_atom = (number(entry.get("energy")) + correction) / sum(composition.values())
        value = energy(per_atom)
    except Unusable as error:
        shown = str(entry.get("energy") if formula else entry.get("composition"))[:200]
        return Rejected(where, shown, str(error), formula, entry.get("energy") is None)
    return Entry(
        formula,
        value,
        is_formation=False,
        where=where,
        id=str(entry.get("entry_id") or ""),
        scale=_scale(_run_type(entry.get("parameters")), adjustments, correction),
    )


def _run_type(parameters: Any) -> str:
    return str(parameters.get("run_type") or "") if isinstance(parameters, Mapping) else ""


def _adjustments(entry: Mapping[str, Any]) -> list[tuple[str, str, float]]:
    """Name, description and eV per cell of every energy adjustment. Raises Unusable."""
    listed = entry.get("energy_adjustments") or []
    if not isinstance(listed, list) or not all(isinstance(one, Mapping) for one in listed):
        raise Unusable("energy_adjustments is no list of adjustments")
    return [
        (str(one.get("name") or ""), str(one.get("description") or ""), _adjustment(one))
        for one in listed
    ]


def _adjustment(one: Mapping[str, Any]) -> float:
    try:
        if "adj_per_atom" in one:
            return number(one["adj_per_atom"]) * number(one.get("n_atoms"))
        if "value" in one:
            return number(one["value"])
    except Unusable as error:
        raise Unusable(f"energy adjustment {str(one.get('name'))[:40]!r}: {error}") from None
    raise Unusable(f"energy adjustment of an unknown kind: {str(one.get('@class'))[:40]}")


def _correction(entry: Mapping[str, Any], adjustments: Sequence[tuple[str, str, float]]) -> float:
    """eV per cell: the sum of the adjustments, or the correction where none are listed."""
    stated = entry.get("correction")
    correction = 0.0 if stated is None else number(stated)
    total = sum(value for _, _, value in adjustments)
    if not adjustments:
        return correction
    if correction and abs(correction - total) > _TOLERANCE * max(1.0, abs(total)):
        raise Unusable(
            f"correction {correction:g} eV is not the sum of its adjustments, {total:g} eV"
        )
    return total


def _scale(
    run_type: str, adjustments: Sequence[tuple[str, str, float]], correction: float
) -> Scale:
    """Scale of an energy, from its adjustments; a correction alone is taken as that of +U."""
    onto = next(filter(None, (target(name, text) for name, text, _ in adjustments)), "")
    names = [name.lower() for name, _, _ in adjustments]
    by_name = any(known in name for name in names for known in _U_CORRECTIONS)
    named = [name for name in names if name and "manual" not in name]
    corrected = by_name if named else correction != 0.0
    return Scale(run_type, run_type.endswith("+U") and corrected, onto)


def _from_object(entry: Any, where: str) -> Entry | Rejected:
    formula = ""
    try:
        composition = amounts(dict(entry.composition.get_el_amt_dict()))
        formula = spell(composition)
        value = energy(float(entry.energy_per_atom))
    except (Unusable, FormulaError) as error:
        return Rejected(where, str(entry)[:200], str(error), formula)
    listed = [
        (str(one.name), str(getattr(one, "description", "") or ""), float(one.value))
        for one in getattr(entry, "energy_adjustments", [])
    ]
    run_type = _run_type(getattr(entry, "parameters", None))
    return Entry(
        formula,
        value,
        is_formation=False,
        where=where,
        id=str(getattr(entry, "entry_id", None) or ""),
        scale=_scale(run_type, listed, float(getattr(entry, "correction", 0.0))),
    )
