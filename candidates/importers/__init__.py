"""Computed energies from files, databases and Python objects, checked as one consistent set."""

from pathlib import Path

from candidates.importers.csv_table import Gap, read_csv, read_gaps
from candidates.importers.entries import Imported, ImportRefused, Rejected

__all__ = ["Gap", "ImportRefused", "Imported", "Rejected", "read_csv", "read_energies", "read_gaps"]


def read_energies(path: Path, provenance: dict[str, str] | None = None) -> Imported:
    """Energies of a file, its format told by its name. Raises ImportRefused, OSError."""
    return read_csv(path, provenance)
