"""Materials Project: thermo documents, live through mp-api or from saved responses.

Formation energies come from the thermo endpoint, one hull (`thermo_type`) at a time; energies of
different hulls are never put together. The key is read from the environment variable MP_API_KEY.
Terms: data CC BY 4.0, cite A. Jain et al. 2013, doi 10.1063/1.4812323.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

from muli.candidates.formula import spell
from muli.candidates.importers.entries import Entry, Imported, ImportRefused, Rejected, assemble

THERMO_TYPE = "GGA_GGA+U"
FIELDS = [
    "material_id",
    "formula_pretty",
    "composition_reduced",
    "formation_energy_per_atom",
    "thermo_type",
]
_ATTRIBUTION = {
    "licence": "Materials Project data: CC BY 4.0",
    "citation": "A. Jain et al., APL Mater. 1, 011002 (2013), doi 10.1063/1.4812323",
}


def fetch_materials_project(
    elements: Sequence[str], thermo_type: str = THERMO_TYPE, endpoint: str | None = None
) -> Imported:
    """Formation energies of every compound of these elements, live.

    `thermo_type`: GGA_GGA+U (default), R2SCAN or GGA_GGA+U_R2SCAN; it is recorded with the
    energies. `endpoint` overrides the address. Raises ImportRefused without a key.
    """
    key = os.environ.get("MP_API_KEY")
    if not key:
        raise ImportRefused(
            "no Materials Project key: set MP_API_KEY (https://materialsproject.org/api)"
        )
    from mp_api.client import MPRester
    from mp_api.client.core.exceptions import MPRestError

    systems = [
        "-".join(sorted(subset))
        for size in range(1, len(elements) + 1)
        for subset in combinations(elements, size)
    ]
    try:
        with MPRester(key, endpoint=endpoint, use_document_model=False) as rester:
            documents = rester.materials.thermo.search(
                chemsys=systems, thermo_types=[thermo_type], fields=FIELDS, all_fields=False
            )
    except MPRestError as error:
        raise ImportRefused(f"Materials Project: {str(error)[:500]}") from error
    return from_thermo_documents(documents, "Materials Project")


def from_thermo_documents(
    documents: Iterable[Any], name: str, provenance: Mapping[str, str] | None = None
) -> Imported:
    """Energies of thermo documents (`data` of a saved response). Raises ImportRefused."""
    read = [_entry(one, f"{name} document {number}") for number, one in enumerate(documents, 1)]
    found = [one for one in read if isinstance(one, Entry)]
    hulls = {entry.functional for entry in found}
    if len(hulls) > 1:
        raise ImportRefused(
            f"{name}: thermo types {', '.join(sorted(hulls))} together; each is a hull of its "
            "own: ask for one"
        )
    left_out = [one for one in read if isinstance(one, Rejected)]
    return assemble(found, left_out, {"source": name, **_ATTRIBUTION, **(provenance or {})})


def _entry(document: Any, where: str) -> Entry | Rejected:
    if not isinstance(document, dict):
        return Rejected(where, str(document), "expected a thermo document")
    try:
        composition = document.get("composition_reduced") or {}
        formula = spell({str(s): float(n) for s, n in composition.items()})
        energy = float(document["formation_energy_per_atom"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return Rejected(where, str(document)[:200], f"no formation energy ({error!r})")
    return Entry(
        formula or str(document.get("formula_pretty") or ""),
        energy,
        is_formation=True,
        where=where,
        id=str(document.get("material_id") or ""),
        functional=str(document.get("thermo_type") or ""),
    )
