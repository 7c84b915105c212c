"""Family of a compound from its elements: oxide, phosphate, niobate, halide, sulfide, ..."""

from muli.candidates.formula import Composition

_HALOGENS = ("F", "Cl", "Br", "I")
_OXOANIONS = {
    "P": "phosphate",
    "B": "borate",
    "Si": "silicate",
    "C": "carbonate",
    "S": "sulfate",
    "Nb": "niobate",
    "Ta": "tantalate",
    "W": "tungstate",
    "Mo": "molybdate",
    "V": "vanadate",
    "Ti": "titanate",
    "Zr": "zirconate",
    "Ge": "germanate",
    "Sn": "stannate",
    "Al": "aluminate",
}
"""Centre of the oxoanion -> family; the first that is present names the compound."""
_ANIONS = {
    "S": "sulfide",
    "Se": "selenide",
    "Te": "telluride",
    "N": "nitride",
    "P": "phosphide",
    "H": "hydride",
    "C": "carbide",
}


_STRONG_CENTRES = ("B", "C", "N", "Si", "P", "S", "Cl", "As", "Se", "Br", "I", "V")


def is_oxoanion_salt(composition: Composition) -> bool:
    """Whether a compound is a salt of one metal and one strong oxoanion: Li2CO3, Li2SO4, LiClO4.

    Such a ternary is often the only stable one of its elements; then its energy is far below that
    of all others.
    """
    centres = [symbol for symbol in composition if symbol in _STRONG_CENTRES]
    return len(composition) == 3 and "O" in composition and len(centres) == 1


def family(composition: Composition) -> str:
    """Family by the anion that rules the chemistry; LiNbO3 -> "niobate", Al2O3 -> "oxide".

    A compound of a metal with oxygen and an oxoanion centre is named after the centre, a binary
    oxide stays an oxide, oxygen beside a halogen is an oxyhalide, beside nitrogen an oxynitride
    (a nitrate where nitrogen is the only centre and lithium and hydrogen balance its NO3; a salt
    of ammonium is named after its anion).
    """
    if len(composition) == 1:
        return "element"
    if "O" in composition:
        return _oxygen_family(composition)
    for symbol in ("S", "Se", "Te"):
        if symbol in composition:
            return _ANIONS[symbol]
    if any(symbol in composition for symbol in _HALOGENS):
        return "halide"
    return next(
        (name for symbol, name in _ANIONS.items() if symbol in composition), "intermetallic"
    )


def _is_ammonium_salt(composition: Composition) -> bool:
    """Four hydrogens to each nitrogen beside the centre of an oxoanion: LiNH4SO4."""
    centres = any(symbol in composition for symbol in _OXOANIONS)
    return centres and composition.get("H", 0) >= 4 * composition["N"]


def _is_nitrate(composition: Composition) -> bool:
    """NO3 groups and oxide or water beside them: charge +1 of Li and H, -1 of NO3, -2 of O."""
    nitrogen, oxygen = composition["N"], composition["O"]
    if oxygen < 3 * nitrogen or any(symbol in composition for symbol in _OXOANIONS):
        return False
    light = composition.get("Li", 0) + composition.get("H", 0)
    return light <= nitrogen + 2 * (oxygen - 3 * nitrogen)


def _oxygen_family(composition: Composition) -> str:
    oxygen = composition["O"]
    if any(symbol in composition for symbol in _HALOGENS):
        return "oxyhalide"
    if "N" in composition and not _is_ammonium_salt(composition):
        return "nitrate" if _is_nitrate(composition) else "oxynitride"
    if "S" in composition and oxygen < 3 * composition["S"]:
        return "oxysulfide"
    if len(composition) > 2:
        for symbol, name in _OXOANIONS.items():
            if symbol in composition:
                return name
    if composition.get("H", 0) >= oxygen:
        return "hydroxide"
    return "oxide"
