"""Chemical classes of the evidence model: groups, redox-active metals, disordered or crystalline.

A group is a role and a chemistry. The model of `nested` pools groups partially: the mean of a small
group is close to that of its role, and a group needs no least number of values.
"""

from dataclasses import dataclass
from math import exp, isnan

from muli.candidates.formula import FormulaError, parse

D0_METALS = frozenset({"Ti", "Nb", "Ta", "V", "Mo", "W", "Ge", "Sn"})
"""Cations whose oxides conduct electrons once they are reduced."""

OPEN_SHELL = frozenset({"Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Ru", "Ce", "Pr", "Tb"})
"""Cations with electrons in an open d or f shell: their oxides conduct as they are."""

SEMICONDUCTING = frozenset({"Zn", "In", "Cd", "Pb", "Sb", "Bi", "Se", "Te", "I", "As", "Ag"})
"""Cations with low empty s or p states: their oxides are semiconductors."""

HALOGENS = frozenset({"F", "Cl", "Br", "I"})

ACTIVE_AT_V = 1.4
"""A d0 oxide with this reduction limit is counted half active, V vs Li/Li+."""
ACTIVE_WIDTH_V = 0.4
"""Width of the step of the activity, V. A sharp step puts 37 ranks between Li3NbO4 and LiNbO3."""

GROUPS = {
    "oxide without lithium": "coating",
    "insulating lithium oxide": "coating",
    "oxide of a redox metal": "coating",
    "fluoride or binary halide": "coating",
    "ternary halide": "coating",
    "sulfide coating": "coating",
    "nitride, phosphide, hydride": "coating",
    "sulfide electrolyte": "electrolyte",
    "halide electrolyte": "electrolyte",
    "garnet": "electrolyte",
    "NASICON": "electrolyte",
    "other electrolyte": "electrolyte",
}
"""Every group and its role."""


@dataclass(frozen=True)
class Chemistry:
    """What the evidence model knows of a compound before any measurement.

    Attributes:
        group: a key of GROUPS.
        lithium: whether it contains lithium.
        oxide: whether it contains oxygen.
        activity: 0 (insulating oxide) to 1 (redox-active oxide): weight of the active class in
            sigma_ele.
        open_shell: whether an oxide of an open-shell metal.
        reducible: whether it holds a metal whose reduction leaves a conductor.
        crystal_share: how likely a coating of some nanometres is crystalline, for sigma_ion.
        crystal_share_electrons: the same for sigma_ele.
    """

    group: str
    lithium: bool
    oxide: bool
    activity: float
    open_shell: bool
    reducible: bool
    crystal_share: float
    crystal_share_electrons: float


def chemistry(
    formula: str, role: str, family: str, *, name: str = "", reduction_limit_V: float = float("nan")
) -> Chemistry:
    """The class of a compound.

    Args:
        formula: chemical formula; one that cannot be read belongs to the rest of its role.
        role: coating, electrolyte, or several with "; " between (the first one decides; LiPON,
            a film in both roles, counts with the coatings).
        family: the library's family, e.g. argyrodite, garnet, halide.
        name: the material's name; "(crystal)" in it says that the coating is a crystal.
        reduction_limit_V: the compound's own reduction limit, NaN where unknown.
    """
    elements = _elements(formula)
    electrolyte = role.split("; ")[0] == "electrolyte" and family != "oxynitride"
    group = _electrolyte_group(elements, family) if electrolyte else _coating_group(elements)
    oxide = "O" in elements and not elements & HALOGENS - {"I"}
    metals = elements - {"Li", "O"}
    open_shell = oxide and bool(metals & OPEN_SHELL)
    share = _crystal_share(elements, name)
    electrons = 0.0 if oxide and "Li" not in elements and "crystal" not in name else share
    return Chemistry(
        group=group,
        lithium="Li" in elements,
        oxide=oxide,
        activity=_activity(metals, reduction_limit_V) if oxide and not electrolyte else 0.0,
        open_shell=open_shell,
        reducible=bool(elements & (D0_METALS | OPEN_SHELL | SEMICONDUCTING)) or not elements,
        crystal_share=0.0 if electrolyte else share,
        crystal_share_electrons=0.0 if electrolyte else electrons,
    )


def _elements(formula: str) -> frozenset[str]:
    try:
        return frozenset(parse(formula))
    except FormulaError:
        return frozenset()


def _coating_group(elements: frozenset[str]) -> str:
    if "O" in elements:
        metals = elements - {"Li", "O"}
        if metals & (D0_METALS | OPEN_SHELL | (SEMICONDUCTING - {"I"})) and "N" not in metals:
            return "oxide of a redox metal"
        return "insulating lithium oxide" if "Li" in elements else "oxide without lithium"
    if "S" in elements:
        return "sulfide coating"
    if elements & HALOGENS:
        simple = "F" in elements or len(elements) == 2
        return "fluoride or binary halide" if simple else "ternary halide"
    return "nitride, phosphide, hydride"


def _electrolyte_group(elements: frozenset[str], family: str) -> str:
    if family in ("garnet", "NASICON"):
        return family
    if "O" in elements:
        return "halide electrolyte" if family == "halide" else "other electrolyte"
    if "S" in elements:
        return "sulfide electrolyte"
    return "halide electrolyte" if elements & HALOGENS else "other electrolyte"


def _activity(metals: frozenset[str], reduction_limit_V: float) -> float:
    """Weight of the active class; smooth in the reduction limit for d0 metals."""
    if metals & (OPEN_SHELL | (SEMICONDUCTING - {"I"})) or metals == {"I"}:
        return 1.0
    if not metals & D0_METALS:
        return 0.0
    if isnan(reduction_limit_V):
        return 0.5
    return 1.0 / (1.0 + exp(-(reduction_limit_V - ACTIVE_AT_V) / ACTIVE_WIDTH_V))


def _crystal_share(elements: frozenset[str], name: str) -> float:
    """A thin coating is disordered unless it is binary or named a crystal."""
    if "crystal" in name or "annealed" in name:
        return 1.0
    if "(film)" in name or "glass" in name:
        return 0.0
    if "O" in elements and "Li" not in elements:
        return 0.5
    if "F" in elements and len(elements) > 2:
        return 0.5
    return 1.0 if len(elements) == 2 else 0.0
