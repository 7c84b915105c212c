"""Energies from a file or a folder of saved pages, whatever its format; and back to CSV."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from muli.candidates.files import write_atomically
from muli.candidates.importers.computed_entry import from_entry_dicts
from muli.candidates.importers.csv_table import FORMATION, read_csv
from muli.candidates.importers.entries import Imported, ImportRefused
from muli.candidates.importers.limits import parse_json, read_limited
from muli.candidates.importers.materials_project import from_thermo_documents
from muli.candidates.importers.optimade import from_optimade_pages
from muli.candidates.thermodynamics.energies import Energies

FORMATS = "CSV, ComputedEntry JSON, Materials Project thermo JSON, OPTIMADE pages (.gz too)"


def read_energies(
    path: Path, provenance: Mapping[str, str] | None = None, field: str | None = None
) -> Imported:
    """Energies of a file, or of a folder of saved JSON pages; the content tells the format.

    `field` names the attribute of an OPTIMADE page with the formation energy, eV/atom.
    Raises ImportRefused, OSError.
    """
    if path.is_dir():
        pages = [_load(page) for page in sorted(path.glob("*.json*"))]
        return _from_pages(pages, path.name, provenance, field)
    if ".json" not in path.suffixes:
        return read_csv(path, provenance)
    content = _load(path)
    if isinstance(content, list) and not _is_page(content):
        return from_entry_dicts(content, path.name, provenance)
    pages = content if isinstance(content, list) else [content]
    return _from_pages(pages, path.name, provenance, field)


def write_energies(energies: Energies, out: Path) -> None:
    """Formation energies as CSV, which `read_energies` and every spreadsheet read again."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["formula", FORMATION[0]])
    rows = zip(energies.formulas, energies.formation_energy, strict=True)
    writer.writerows((formula, repr(float(energy))) for formula, energy in rows)
    write_atomically(out, text.getvalue().encode())


def _load(path: Path) -> Any:
    return parse_json(read_limited(path), path.name)


def _is_page(content: list[Any]) -> bool:
    first = content[0] if content else None
    return isinstance(first, dict) and isinstance(first.get("data"), list)


def _from_pages(
    pages: list[Any], name: str, provenance: Mapping[str, str] | None, field: str | None
) -> Imported:
    """Pages of an API: OPTIMADE structures have attributes, thermo documents do not."""
    held = [page for page in pages if isinstance(page, dict) and isinstance(page.get("data"), list)]
    items = [item for page in held for item in page["data"]]
    if not items:
        raise ImportRefused(f"{name}: no entries; readable are {FORMATS}")
    if any(isinstance(item, dict) and "attributes" in item for item in items):
        return from_optimade_pages(held, name, field, provenance)
    return from_thermo_documents(items, name, provenance)
