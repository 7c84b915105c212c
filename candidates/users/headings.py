"""Headings as people write them: the column that each one means, and its unit.

A heading is a name and a unit: `sigma_ion_mS_cm`, `Ionic conductivity [mS/cm]`,
`σ_ion / S cm⁻¹`, `Oxidation limit (V vs Li-In)`. A name that is not known, a unit that is not known
and a unit that is not named where one is needed are problems of the heading, never guesses.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from muli.candidates.computed_columns import CARRIED
from muli.candidates.names import closest
from muli.candidates.schema import EXPLAINED, NUMERIC, TEXT_COLUMNS, Column
from muli.candidates.users.units import Unit, known_units, unit_of

DETAILS = ("low", "high", "bound", "qualifier")
"""Suffixes of the columns beside a property of `EXPLAINED`: `<property>_low` and so on."""

CURVE = "sigma_ele_curve"
"""A file with log10 of the electronic conductivity over the potential."""

_ALIASES = {
    "name": "material, sample, sample name, material name, label, coating, coating material, "
    "compound, probe",
    "formula": "composition, chemical formula, formula pretty, pretty formula",
    "role": "use",
    "family": "class, material class",
    "form": "morphology",
    "source": "reference, references, ref, ref., doi, citation, literature, sources",
    "note": "notes, comment, comments, remark, remarks",
    "sigma_ion": "ionic conductivity, ion conductivity, li ion conductivity, "
    "lithium ion conductivity, li+ conductivity, sigma li, sigma li+, sigma i, sigma ionic, "
    "ionische leitfähigkeit",
    "sigma_ele": "electronic conductivity, electron conductivity, sigma el, sigma e, "
    "sigma electronic, sigma eon, elektronische leitfähigkeit",
    "sigma_ion_activation": "ionic activation energy, activation energy ionic, "
    "activation energy ion, activation energy of ionic conductivity, ea ion, ea ionic",
    "sigma_ele_activation": "electronic activation energy, activation energy electronic, "
    "activation energy of electronic conductivity, ea ele, ea electronic",
    "sigma_ion_temperature": "temperature of ionic conductivity, ionic conductivity temperature",
    "sigma_ele_temperature": "temperature of electronic conductivity, "
    "electronic conductivity temperature",
    "reduction_limit": "reduction potential, cathodic limit, e red, v red, ered, vred",
    "oxidation_limit": "oxidation potential, anodic limit, e ox, v ox, eox, vox",
    "band_gap": "bandgap, e gap, eg, e g, egap",
    "energy_above_hull": "e above hull, ehull, e hull, energy above convex hull",
    "process_temperature": "processing temperature, annealing temperature, calcination temperature",
    "charged_potential": "potential charged",
    "discharged_potential": "potential discharged",
    "average_potential": "mean potential",
}
_SUFFIX = re.compile(r"_(S_cm|eV_atom|meV_atom|eV|V|K)$")
_WITH_UNIT = (
    re.compile(r"(.+?)\s*[\[(]\s*([^\[\]()]+?)\s*[\])]"),
    re.compile(r"(.+?)\s+/\s*(.+)"),
    re.compile(r"(.+?),\s*(.+)"),
    re.compile(r"(.+?)\s+in\s+(.+)"),
)


@dataclass(frozen=True)
class Heading:
    """Meaning of a heading: a known `column`, with `unit` for numbers, or a `problem`.

    A heading with neither is ignored (`reason` states why).
    """

    text: str
    column: str | None = None
    unit: Unit | None = None
    problem: tuple[str, str] | None = None
    reason: str = ""

    @property
    def is_known(self) -> bool:
        """Whether it names a known column, with a known unit or without one."""
        return self.column is not None or bool(
            self.problem and self.problem[0].startswith("a unit")
        )


def read_heading(text: str) -> Heading:
    """Meaning of one heading."""
    bare = " ".join(text.replace("\u00a0", " ").split())
    if bare in NUMERIC:
        return Heading(text, bare, Unit(NUMERIC[bare].unit))
    if bare in TEXT_COLUMNS or bare == CURVE or bare in _details():
        unit = Unit(NUMERIC[_details()[bare]].unit) if bare.endswith(("_low", "_high")) else None
        return Heading(text, bare, unit)
    if bare in CARRIED:
        return Heading(text, reason="written by muli candidates compute, not read here")
    return _named(text, bare)


def read_headings(texts: Sequence[str]) -> list[Heading]:
    """Meaning of all headings of a table, also of an export of the Materials Project website."""
    if is_export(texts):
        return [_exported(text) for text in texts]
    return [read_heading(text) for text in texts]


def is_export(texts: Sequence[str]) -> bool:
    """Whether these are the headings of a table downloaded from materialsproject.org."""
    folded = {_folded(text) for text in texts}
    return "material id" in folded and bool({"formula", "formula pretty"} & folded)


def _exported(text: str) -> Heading:
    known = {
        "formula": Heading(text, "formula"),
        "formula pretty": Heading(text, "formula"),
        "material id": Heading(text, "material_id"),
        "energy above hull": Heading(text, "energy_above_hull_eV_atom", Unit("eV/atom")),
        "band gap": Heading(text, "band_gap_eV", Unit("eV")),
    }
    return known.get(_folded(text)) or Heading(text, reason="not a property of a coating")


def _named(text: str, bare: str) -> Heading:
    """A heading that is not spelled exactly as one of our columns."""
    if whole := _stem(bare):
        return _with_unit(text, whole, None)
    for pattern in _WITH_UNIT:
        match = pattern.fullmatch(bare)
        if match and (stem := _stem(match.group(1))):
            return _with_unit(text, stem, match.group(2))
    for stem, column in sorted(_stems().items(), key=lambda pair: -len(pair[0])):
        if bare.startswith(f"{stem}_") and column in NUMERIC:
            return _with_unit(text, column, bare[len(stem) + 1 :])
    return Heading(text, problem=("a known column", _advice(bare)))


def _with_unit(text: str, column: str, unit: str | None) -> Heading:
    if column not in NUMERIC:
        return Heading(text, column)
    described = NUMERIC[column]
    if unit is None:
        if described.unit == "-":
            return Heading(text, column, Unit("-"))
        return Heading(text, problem=(f"a unit, e.g. {column}", f"known: {known_units(described)}"))
    known_unit = unit_of(described, unit)
    if known_unit is None:
        wanted = f"a unit of {column} instead of {unit[:30]!r}"
        return Heading(text, problem=(wanted, f"known: {known_units(described)}"))
    return Heading(text, column, known_unit)


def _stem(name: str) -> str | None:
    """Our column of a name without its unit."""
    folded = _folded(name)
    return _spoken().get(folded) or _spoken().get(folded.replace(" ", ""))


@cache
def _stems() -> dict[str, str]:
    """Names of our columns without their units."""
    return {_SUFFIX.sub("", name): name for name in NUMERIC}


@cache
def _spoken() -> dict[str, str]:
    columns = {_folded(name): name for name in TEXT_COLUMNS}
    columns |= {_folded(stem): name for stem, name in _stems().items()}
    for stem, words in _ALIASES.items():
        column = _stems().get(stem, stem)
        columns |= dict.fromkeys((_folded(word) for word in words.split(", ")), column)
    return columns


@cache
def _details() -> dict[str, str]:
    return {f"{name}_{detail}": name for name in EXPLAINED for detail in DETAILS}


def _folded(text: str) -> str:
    letters = text.casefold().replace("σ", "sigma ").replace("ς", "sigma ").translate(_SUBSCRIPTS)
    return " ".join(re.sub(r"[_\-.:{}]", " ", letters).split())


_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉⁺ₑᵢ", "0123456789+ei")


_OF_WHICH = {
    "ea": "activation_eV",
    "activation energy": "activation_eV",
    "aktivierungsenergie": "activation_eV",
    "t": "temperature_K",
    "temperature": "temperature_K",
    "temperatur": "temperature_K",
}


def _advice(name: str) -> str:
    bare = _folded(re.split(r"[\[(/,]", name)[0])
    if bare in _OF_WHICH:
        columns = (f"sigma_{kind}_{_OF_WHICH[bare]}" for kind in ("ion", "ele"))
        return f"of which conductivity? {' or '.join(columns)}"
    known = [*TEXT_COLUMNS, *NUMERIC, CURVE, *_details()]
    near = closest(name, known, 1)
    return f"closest column: {near[0]}" if near else f"text columns: {', '.join(TEXT_COLUMNS)}"


def described(column: str) -> Column | None:
    """The numeric column behind a name, for `_low` and `_high` that of their property."""
    return NUMERIC.get(column) or NUMERIC.get(_details().get(column, ""))
