"""Energies from a file or a folder of saved pages, whatever its format; and back to CSV."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from muli.candidates.files import write_atomically
from muli.candidates.importers.complete import require_complete
from muli.candidates.importers.computed_entry import from_entry_dicts
from muli.candidates.importers.contents import FORMATS, Content, content_of
from muli.candidates.importers.csv_table import FORMATION, read_csv
from muli.candidates.importers.entries import Imported, ImportRefused
from muli.candidates.importers.limits import parse_json, read_limited
from muli.candidates.importers.materials_project import from_thermo_documents
from muli.candidates.importers.optimade import from_optimade_pages
from muli.candidates.kinds import kind_of_name
from muli.candidates.thermodynamics.energies import Energies
from muli.candidates.users.sheet import is_workbook

_UNREAD = "not read"
_JSON = {".json", ".jsonl", ".ndjson"}


def read_energies(
    path: Path, provenance: Mapping[str, str] | None = None, field: str | None = None
) -> Imported:
    """Energies of a file, or of a folder of saved JSON pages; the format is seen in the content.

    `field` names the attribute of an OPTIMADE page with the formation energy, eV/atom.
    Raises ImportRefused, OSError.
    """
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if _JSON & {*file.suffixes})
        return _from_json(
            [(file, read_limited(file)) for file in files], path.name, provenance, field
        )
    if kind := kind_of_name(path, "CSV, JSON"):
        raise ImportRefused(f"{path.name}: this is {kind}; expected energies: {FORMATS}")
    if not is_workbook(path):
        content = read_limited(path)
        if _JSON & {*path.suffixes} or content[:4096].lstrip()[:1] in (b"[", b"{"):
            return _from_json([(path, content)], path.name, provenance, field)
        del content
    return read_csv(path, provenance)


def write_energies(energies: Energies, out: Path) -> None:
    """Formation energies as CSV, which `read_energies` and every spreadsheet read again.

    Compounds that were left out follow at the end with text in place of an energy, so that a hull
    without them is still known to be incomplete.
    """
    functional = energies.provenance.get("functional", "")
    rows = [
        [formula, repr(float(energy)), functional]
        for formula, energy in zip(energies.formulas, energies.formation_energy, strict=True)
    ]
    rows += [[formula, _UNREAD, functional] for formula in energies.left_out]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    used = 3 if functional else 2
    writer.writerows(row[:used] for row in [["formula", FORMATION[0], "functional"], *rows])
    write_atomically(out, text.getvalue().encode())


def _from_json(
    files: list[tuple[Path, bytes]],
    name: str,
    provenance: Mapping[str, str] | None,
    field: str | None,
) -> Imported:
    """Entries of all files, of one kind, none of which says that more of them exist."""
    contents = [
        content
        for file, text in files
        for content in content_of(parse_json(text, file.name), file.name)
    ]
    kinds = {content.kind for content in contents if content.items}
    if not kinds:
        raise ImportRefused(f"{name}: no entries; readable are {FORMATS}")
    if len(kinds) > 1:
        raise ImportRefused(f"{name}: {' and '.join(sorted(kinds))} together; give one kind")
    require_complete([(one.name, one.page, len(one.items)) for one in contents])
    return _assembled(kinds.pop(), contents, name, provenance, field)


def _assembled(
    kind: str,
    contents: list[Content],
    name: str,
    provenance: Mapping[str, str] | None,
    field: str | None,
) -> Imported:
    items = [item for content in contents for item in content.items]
    if kind == "OPTIMADE structures":
        pages = [{**content.page, "data": content.items} for content in contents]
        return from_optimade_pages(pages, name, field, provenance)
    if kind == "thermo documents":
        return from_thermo_documents(items, name, provenance)
    return from_entry_dicts(items, name, provenance)
