"""Quantities of a row in SI units, with the names that cell models use.

BPX and PyBaMM write a unit in brackets after every name, `[S.m-1]` for S/m.
"""

from collections.abc import Mapping

from muli.screen.exports.row import Row

DIGITS = 12
"""Digits of converted numbers: more than in rows; 30 um is written as 3e-05 m."""

M_PER_NM, M_PER_UM, M2_PER_CM2, S_M_PER_S_CM = 1e-9, 1e-6, 1e-4, 100.0

QUANTITIES: Mapping[str, tuple[str, float]] = {
    "Coating thickness [m]": ("coating_thickness_nm", M_PER_NM),
    "Coating ionic conductivity [S.m-1]": ("coating_sigma_ion_S_cm", S_M_PER_S_CM),
    "Coating electronic conductivity [S.m-1]": ("coating_sigma_ele_S_cm", S_M_PER_S_CM),
    "Solid electrolyte thickness [m]": ("electrolyte_thickness_um", M_PER_UM),
    "Solid electrolyte ionic conductivity [S.m-1]": ("electrolyte_sigma_ion_S_cm", S_M_PER_S_CM),
    "Solid electrolyte electronic conductivity [S.m-1]": (
        "electrolyte_sigma_ele_S_cm",
        S_M_PER_S_CM,
    ),
    "Coating and contact series resistance [Ohm.m2]": ("asr_coating_ohm_cm2", M2_PER_CM2),
    "Total series resistance [Ohm.m2]": ("asr_total_ohm_cm2", M2_PER_CM2),
    "Leak current density [A.m-2]": ("leak_current_A_cm2", 1.0 / M2_PER_CM2),
}
"""Name, its column, and the factor from the unit of the column."""

CONTACT_RESISTANCE = "Contact resistance [Ohm]"
"""PyBaMM's name of a resistance in series with the cell."""


def known_quantities(row: Row) -> dict[str, float]:
    """The known `QUANTITIES` of a row."""
    quantities = {}
    for name, (column, factor) in QUANTITIES.items():
        value = row.number(column)
        if value is not None and not _of_a_curve(row, column):
            quantities[name] = float(f"{value * factor:.{DIGITS}g}")
    return quantities


def contact_resistance(row: Row, area_cm2: float) -> float | None:
    """Resistance of coating and contacts of an electrode of this area, ohm."""
    specific = row.number("asr_coating_ohm_cm2")
    return None if specific is None else specific / area_cm2


def plain_numbers(row: Row) -> dict[str, float]:
    """All numbers of a row under the names of its columns, which end in their units."""
    return {f"muli {name}": value for name, value in row.numbers.items()}


def _of_a_curve(row: Row, column: str) -> bool:
    """Whether the sigma_ele of this column depends on the potential, so one number is too few."""
    return column.endswith("_sigma_ele_S_cm") and row.values.get("law") not in (None, "constant")
