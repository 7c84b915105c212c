"""The file of computed compounds: columns in a fixed order, rounded, and a JSON with its origin."""

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from muli.candidates.files import write_atomically
from muli.candidates.thermodynamics import Energies, Prepared
from muli.candidates.thermodynamics.assess import Row

CONVENTIONS = {
    "windows": "grand-potential window against Li metal at 0 V vs Li/Li+; compounds above the hull "
    "at their hull mixture (Zhu, He, Mo 2015, doi 10.1021/acsami.5b07517)",
    "limit_without_competitor": "the limit when the compound formed there whose absence moves it "
    "most is left out of the table",
    "reaction_energy_X_meV_atom": "worst mixing ratio, closed, both sides at the hull (mixing "
    "alone), per atom, worse of both charge states of a cathode",
    "_entry": "the same with the compounds' own energies: own decomposition included",
    "_lithiated, _delithiated": "the same as the first, against one charge state of the cathode "
    "alone; delithiated means half lithiated (Xiao 2019, doi 10.1016/j.joule.2019.02.006)",
    "_open": "open to lithium at the partner's potential, both sides at the open hull, per "
    "non-lithium atom",
    "_open_entry": "open, with the compounds' own grand potentials (a cathode at equilibrium)",
    "hull_depth_flag": "compounds of three or more elements deeper than 0.2 eV/atom below all "
    "others: suspect energies; not ternary salts of an oxoanion, deep by nature",
}


def about(
    energies: Energies, partners: Sequence[Prepared], key: Mapping[str, str]
) -> dict[str, Any]:
    """Origin of the numbers, meaning of the columns, and the energies of each partner alone."""
    return {
        "provenance": dict(energies.provenance),
        "inputs": dict(key),
        "conventions": CONVENTIONS,
        "partners": [_partner(partner) for partner in partners],
    }


def _partner(partner: Prepared) -> dict[str, Any]:
    return {
        "name": partner.name,
        "potential_of_open_reaction_V": round(partner.potential, 6),
        "states": [
            {
                "formula": state.formula,
                "self_decomposition_meV_atom": round(1e3 * state.self_decomposition, 4),
                "at_hull_mixture": state.at_hull,
            }
            for state in partner.states
        ],
    }


def write(out: Path, rows: Sequence[Row], story: Mapping[str, Any]) -> None:
    """Write `out` (.csv, or .csv.gz) and its origin, OUT's name with .json in place of .csv.

    A file is written completely or not at all; the same rows give the same bytes.
    """
    text = io.StringIO()
    columns = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(name, value) for name, value in row.items()} for row in rows)
    content = text.getvalue().encode()
    packed = gzip.compress(content, mtime=0) if out.suffix == ".gz" else content
    story_file = out.with_name(f"{out.name.removesuffix('.gz').removesuffix('.csv')}.json")
    write_atomically(story_file, json.dumps(story, indent=2, ensure_ascii=False).encode() + b"\n")
    write_atomically(out, packed)


def _cell(name: str, value: str | float | bool | None) -> str:
    """Potentials and energies to 1e-6 V or eV, meV to 1e-4: finer than the inputs are known."""
    if value is None:
        return ""
    if isinstance(value, float):
        digits = 4 if "meV" in name else 6
        return f"{round(value, digits) + 0.0:.{digits}f}".rstrip("0").rstrip(".")
    return str(value)
