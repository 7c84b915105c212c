"""A PyBaMM parameter dictionary as JSON: contact resistance, and the coating as a surface film.

    values.update(json.load(open("cell.json")), check_already_exists=False)

`Contact resistance [Ohm]` is the resistance of coating and contacts in series with the cell (option
"contact resistance"). The SEI parameters describe the coating as a film (option "SEI film
resistance"). Both contain the coating, so use only one of them in a model.

Source: names as PyBaMM 26.10 spells them in `parameters/electrical_parameters.py`,
`lithium_ion_parameters.py` and `geometric_parameters.py`.
"""

import json

from muli.screen.exports.quantities import (
    CONTACT_RESISTANCE,
    M2_PER_CM2,
    contact_resistance,
    known_quantities,
    plain_numbers,
)
from muli.screen.exports.row import Row

AREA = "muli electrode area of the contact resistance [m2]"
FROM_QUANTITIES = {
    "Initial SEI thickness [m]": "Coating thickness [m]",
    "SEI lithium ion conductivity [S.m-1]": "Coating ionic conductivity [S.m-1]",
    "SEI electron conductivity [S.m-1]": "Coating electronic conductivity [S.m-1]",
    "Separator thickness [m]": "Solid electrolyte thickness [m]",
}
SEI_RESISTIVITY = "SEI resistivity [Ohm.m]"
NAMES = (CONTACT_RESISTANCE, SEI_RESISTIVITY, *FROM_QUANTITIES)
"""PyBaMM's parameters that can be computed from a row."""


def parameters(row: Row, area_cm2: float) -> dict[str, float]:
    """The known parameters with PyBaMM's names, then all numbers of the row."""
    known = known_quantities(row)
    values: dict[str, float] = {}
    if (resistance := contact_resistance(row, area_cm2)) is not None:
        values |= {CONTACT_RESISTANCE: resistance, AREA: area_cm2 * M2_PER_CM2}
    conductivity = known.get("Coating ionic conductivity [S.m-1]", 0.0)
    if conductivity > 0:
        values[SEI_RESISTIVITY] = 1.0 / conductivity
    values |= {name: known[own] for name, own in FROM_QUANTITIES.items() if own in known}
    return values | plain_numbers(row)


def content(row: Row, area_cm2: float) -> bytes:
    """The file."""
    text = json.dumps(parameters(row, area_cm2), ensure_ascii=False, allow_nan=False, indent=1)
    return f"{text}\n".encode()
