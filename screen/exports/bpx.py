"""Battery Parameter eXchange (BPX) 1.1: a partial parameterisation with muli's numbers.

A row has no particles, porosities or concentrations, so the model of the file is `Partial` and its
parameters are under `User-defined`, where BPX allows numbers, tables and functions of any name.
Text is allowed only in `description`.

Source: the schema of the package bpx 1.1 (https://github.com/FaradayInstitution/BPX).
"""

import json
from typing import Any

from muli.screen.exports.quantities import (
    CONTACT_RESISTANCE,
    M2_PER_CM2,
    contact_resistance,
    known_quantities,
    plain_numbers,
)
from muli.screen.exports.row import Row

VERSION = "1.1.0"
AREA = "Electrode area of the contact resistance [m2]"


def content(row: Row, area_cm2: float) -> bytes:
    """The file: JSON for `bpx.parse_bpx_file`."""
    header: dict[str, Any] = {"BPX": VERSION, "Title": row.title, "Model": "Partial"}
    header["Description"] = (
        f"Coating of a solid electrolyte. {row.described} A row knows no electrodes, particles "
        "and concentrations: only the user-defined block is given."
    )
    if row.manifest.sources:
        header["References"] = "; ".join(row.manifest.sources)
    text = json.dumps(
        {"Header": header, "Parameterisation": {"User-defined": _user_defined(row, area_cm2)}},
        ensure_ascii=False,
        allow_nan=False,
        indent=1,
    )
    return f"{text}\n".encode()


def _user_defined(row: Row, area_cm2: float) -> dict[str, Any]:
    description = (
        "Numbers of one row of a muli run. The contact resistance is that of coating and contacts, "
        "without the electrolyte, for the electrode area named beside it. Names that begin with "
        "muli are columns of the run with their units at the end."
    )
    if row.unknown:
        description += f" Not known or infinite, left out: {', '.join(row.unknown)}."
    block: dict[str, Any] = {"description": description, **known_quantities(row)}
    if (resistance := contact_resistance(row, area_cm2)) is not None:
        block |= {CONTACT_RESISTANCE: resistance, AREA: area_cm2 * M2_PER_CM2}
    return block | plain_numbers(row)
