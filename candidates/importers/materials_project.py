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
from muli.candidates.importers.hulls import Scale
from muli.candidates.importers.values import Unusable, amounts, energy

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
    entries = [one for one in read if isinstance(one, Entry)]
    hulls = {entry.scale.functional or "not stated" for entry in entries}
    if len(hulls) > 1:
        listed = ", ".join(hull[:40] for hull in sorted(hulls)[:10])
        raise ImportRefused(
            f"{name}: thermo types {listed} together; each is a hull of its own: ask for one"
        )
    left_out = [one for one in read if isinstance(one, Rejected)]
    return assemble(entries, left_out, {"source": name, **_ATTRIBUTION, **(provenance or {})})


def _entry(document: Any, where: str) -> Entry | Rejected:
    if not isinstance(document, Mapping):
        return Rejected(where, str(document), "expected a thermo document")
    value, formula = document.get("formation_energy_per_atom"), ""
    try:
        formula = _formula(document)
        formation_energy = energy(value)
    except Unusable as error:
        shown = str(value if formula else document)[:200]
        return Rejected(where, shown, f"formation energy: {error}", formula, value is None)
    return Entry(
        formula,
        formation_energy,
        is_formation=True,
        where=where,
        id=str(document.get("material_id") or ""),
        scale=Scale(str(document.get("thermo_type") or "")),
    )


def _formula(document: Mapping[str, Any]) -> str:
    """The formula of a document, from its composition where it has one. Raises Unusable."""
    for key in ("composition_reduced", "composition", "formula_pretty"):
        if document.get(key):
            return spell(amounts(document[key]))
    raise Unusable("no composition and no formula")
