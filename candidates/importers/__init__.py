"""Computed energies from files, databases and Python objects, checked as one consistent set."""

from muli.candidates.importers.computed_entry import from_entry_dicts, from_pymatgen
from muli.candidates.importers.csv_table import Gap, read_csv, read_gaps
from muli.candidates.importers.entries import Imported, ImportRefused, Rejected
from muli.candidates.importers.files import read_energies, write_energies
from muli.candidates.importers.materials_project import (
    fetch_materials_project,
    from_thermo_documents,
)
from muli.candidates.importers.optimade import fetch_optimade, from_optimade_pages

__all__ = [
    "Gap",
    "ImportRefused",
    "Imported",
    "Rejected",
    "fetch_materials_project",
    "fetch_optimade",
    "from_entry_dicts",
    "from_optimade_pages",
    "from_pymatgen",
    "from_thermo_documents",
    "read_csv",
    "read_energies",
    "read_gaps",
    "write_energies",
]
