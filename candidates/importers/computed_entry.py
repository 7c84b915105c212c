"""ComputedEntry JSON, as `MPRester.get_entries_in_chemsys` and `monty.dumpfn` write it.

A list of entry dictionaries with `composition`, `energy` (uncorrected, eV per cell) and
`correction`; read without pymatgen. Entries of other classes than ComputedEntry and
ComputedStructureEntry change their energy in ways of their own and are refused one by one;
hand such objects to `from_pymatgen` instead.
"""

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any

from muli.candidates.formula import spell
from muli.candidates.importers.entries import Entry, Imported, Rejected, assemble

_CLASSES = {"ComputedEntry", "ComputedStructureEntry"}


def from_entry_dicts(
    entries: Iterable[Any], name: str, provenance: Mapping[str, str] | None = None
) -> Imported:
    """Energies of entry dictionaries; `name` tells where they come from. Raises ImportRefused."""
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
    return assemble(read, (), {"source": "pymatgen entries", **(provenance or {})})


def _entry(entry: Any, where: str) -> Entry | Rejected:
    if not isinstance(entry, dict):
        return Rejected(where, str(entry), "expected an object with composition and energy")
    kind = entry.get("@class", "ComputedEntry")
    if kind not in _CLASSES:
        return Rejected(where, str(kind), "this class needs pymatgen: load it, use from_pymatgen")
    try:
        composition = {str(s): float(n) for s, n in entry["composition"].items() if float(n) > 0}
        atoms = sum(composition.values())
        energy = (float(entry["energy"]) + _correction(entry)) / atoms
        formula = spell(composition)
    except (KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError) as error:
        return Rejected(where, str(entry)[:200], f"no usable composition and energy ({error!r})")
    parameters = entry.get("parameters") or {}
    run_type = parameters.get("run_type") if isinstance(parameters, dict) else None
    return Entry(
        formula,
        energy,
        is_formation=False,
        where=where,
        id=str(entry.get("entry_id") or ""),
        functional=str(run_type or ""),
        mixed_in=_is_mixed(str(run_type), _correction(entry)),
    )


def _correction(entry: Mapping[str, Any]) -> float:
    """eV per cell; the sum of the adjustments where only those are given."""
    if entry.get("correction") is not None:
        return float(entry["correction"])
    adjustments = entry.get("energy_adjustments") or []
    total = sum(_adjustment(one) for one in adjustments)
    if not isfinite(total):
        raise ValueError("correction is not finite")
    return total


def _adjustment(one: Mapping[str, Any]) -> float:
    if "adj_per_atom" in one:
        return float(one["adj_per_atom"]) * float(one["n_atoms"])
    return float(one["value"])


def _is_mixed(run_type: str, correction: float) -> bool:
    """Whether the source has shifted a +U energy to stand beside those without U."""
    return run_type.endswith("+U") and correction != 0.0


def _from_object(entry: Any, where: str) -> Entry:
    run_type = str(getattr(entry, "parameters", {}).get("run_type") or "")
    return Entry(
        spell(entry.composition.get_el_amt_dict()),
        float(entry.energy_per_atom),
        is_formation=False,
        where=where,
        id=str(getattr(entry, "entry_id", None) or ""),
        functional=run_type,
        mixed_in=_is_mixed(run_type, float(getattr(entry, "correction", 0.0))),
    )
