"""Physical quantities a spec may name: unit, range, and the wrong units that their size shows."""

import math
from dataclasses import dataclass, field

from muli.screen.spec.names import closest


@dataclass(frozen=True)
class Quantity:
    """A number with a unit. `slips` maps a wrong unit to the factor that brings it to ours.

    Of several units a bad value could be in, the one that lands nearest to `typical` is named.
    """

    unit: str
    low: float
    high: float
    slips: dict[str, float] = field(default_factory=dict)
    positive: bool = False
    offset_slips: dict[str, float] = field(default_factory=dict)
    typical: float = 1.0

    def problem(self, value: float) -> str | None:
        """What is wrong with `value`, or None; names the unit the value seems to be in."""
        if self.low <= value <= self.high and not (self.positive and value <= 0):
            return None
        expected = f"expected {self.unit} between {self.low:g} and {self.high:g}"
        return f"{value:g}: {expected}{self._likely_unit(value)}"

    def _likely_unit(self, value: float) -> str:
        candidates = {unit: value * factor for unit, factor in self.slips.items()}
        candidates |= {unit: value + shift for unit, shift in self.offset_slips.items()}
        fitting = {u: v for u, v in candidates.items() if v > 0 and self.low <= v <= self.high}
        if fitting:
            unit = min(fitting, key=lambda u: abs(math.log(fitting[u] / self.typical)))
            return f"; looks like {unit} ({value:g} {unit} = {fitting[unit]:g} {self.unit})"
        return ""


def finite(value: object) -> float | None:
    """`value` as a number, or None where it is none: text, a truth value, infinite, too large."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


_TO_NM = {"um": 1e3, "cm": 1e7, "m": 1e9}
_TO_UM = {"cm": 1e4, "m": 1e6, "nm": 1e-3}
_MILLIVOLT = {"mV": 1e-3}
_CELSIUS = {"degrees Celsius": 273.15}

AXES: dict[str, Quantity] = {
    "coating_thickness_nm": Quantity("nm", 1e-3, 1e6, _TO_NM, typical=10.0),
    "anode_coating_thickness_nm": Quantity("nm", 1e-3, 1e6, _TO_NM, typical=10.0),
    "electrolyte_thickness_um": Quantity("um", 1e-2, 1e5, _TO_UM, typical=30.0),
    "cathode_potential_V": Quantity("V vs Li/Li+", -0.5, 7.0, _MILLIVOLT),
    "anode_potential_V": Quantity("V vs Li/Li+", -0.5, 7.0, _MILLIVOLT),
    "temperature_K": Quantity("K", 150.0, 700.0, offset_slips=_CELSIUS),
    "current_density_mA_cm2": Quantity("mA/cm2", -1e3, 1e3),
    "stack_pressure_MPa": Quantity("MPa", 0.0, 5e3, {"Pa": 1e-6}),
    "cathode.area_factor": Quantity("interface area per electrode area", 0.01, 1e4),
    "interface.electrolyte_coating_asr_ohm_cm2": Quantity("ohm cm2", 0.0, 1e9),
    "interface.coating_cathode_asr_ohm_cm2": Quantity("ohm cm2", 0.0, 1e9),
    "interface.anode_electrolyte_asr_ohm_cm2": Quantity("ohm cm2", 0.0, 1e9),
}
"""Scenario and choice axes that are numbers."""

PROPERTIES: dict[str, Quantity] = {
    "sigma_ion_S_cm": Quantity("S/cm", 0.0, 10.0, {"mS/cm": 1e-3, "S/m": 1e-2}, positive=True),
    "sigma_ele_S_cm": Quantity("S/cm", 0.0, 1e5, positive=True),
    "sigma_ion_activation_eV": Quantity("eV", 0.0, 5.0, {"meV": 1e-3, "kJ/mol": 1 / 96.5}),
    "sigma_ele_activation_eV": Quantity("eV", 0.0, 5.0, {"meV": 1e-3, "kJ/mol": 1 / 96.5}),
    "sigma_ion_temperature_K": Quantity("K", 150.0, 700.0, offset_slips=_CELSIUS),
    "sigma_ele_temperature_K": Quantity("K", 150.0, 700.0, offset_slips=_CELSIUS),
    "sigma_0_S_cm": Quantity("S/cm", 0.0, 1e5),
    "sigma_n_S_cm": Quantity("S/cm", 0.0, 1e5),
    "sigma_p_S_cm": Quantity("S/cm", 0.0, 1e5),
    "E_n_V": Quantity("V vs Li/Li+", -5.0, 10.0, _MILLIVOLT),
    "E_p_V": Quantity("V vs Li/Li+", -5.0, 10.0, _MILLIVOLT),
    "z_n": Quantity("(dimensionless)", 0.05, 4.0),
    "z_p": Quantity("(dimensionless)", 0.05, 4.0),
    "reduction_limit_V": Quantity("V vs Li/Li+", -1.0, 10.0, _MILLIVOLT),
    "oxidation_limit_V": Quantity("V vs Li/Li+", -1.0, 10.0, _MILLIVOLT),
}
"""Properties of a layer that an axis `"role.property"` or `"material.property"` gives."""

ROLES_WITH_PROPERTIES = ("coating", "electrolyte", "anode_coating")
OWNERS = (*ROLES_WITH_PROPERTIES, "cathode", "anode", "interface")
"""What stands before the dot of an axis key, unless it is the name of a material."""


def quantity(key: str) -> Quantity | None:
    """The quantity of an axis key: `temperature_K`, `coating.sigma_ele_S_cm`, or a property of one
    material, `LiNbO3.sigma_ele_S_cm`."""
    if key in AXES:
        return AXES[key]
    owner, _, name = key.rpartition(".")
    return PROPERTIES.get(name) if owner in ROLES_WITH_PROPERTIES or material_of(key) else None


def material_of(key: str) -> str | None:
    """The material whose property an axis key is; None where it is no key of one material."""
    owner, _, name = key.rpartition(".")
    return owner if owner and name in PROPERTIES and owner not in OWNERS else None


def unknown_axis(key: str) -> str:
    """Message for an axis key that does not exist, with the closest ones."""
    known = [*AXES, "coating", "electrolyte", "cathode", "anode", "anode_coating"]
    known += [f"{role}.{name}" for role in ROLES_WITH_PROPERTIES for name in PROPERTIES]
    return f"unknown axis{closest(key, known)}"
