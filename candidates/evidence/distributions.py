"""One distribution per property of a material, with its kind and number of samples."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import isnan, log10, sqrt
from typing import Any

from muli.candidates.evidence.chemistry import GROUPS, Chemistry, chemistry
from muli.candidates.evidence.endured import REDUCTION_ALLOWANCE, own_allowance, own_reaction_limit
from muli.candidates.evidence.limits import TOLERANCE_V, limit, reaction
from muli.candidates.evidence.nested import Normal
from muli.candidates.evidence.observations import PROPERTIES, class_of, observations
from muli.candidates.evidence.priors import model
from muli.candidates.formula import FormulaError, reduced_formula
from muli.candidates.names import resolve
from muli.candidates.schema import PARTNERS
from muli.candidates.tables import compound_of, table
from muli.candidates.wide import library

KINDS = ("measured", "quoted", "bound", "computed", "prior", "given")
"""Kinds of evidence for a distribution, best first for a property that is not given."""
_NINETY = 1.645
_BLOCKING = Normal(-18.0, 2.0)
"""log10 sigma_ion of an oxide that holds no lithium and takes none up: that of the least conducting
crystals of the library (LiF, LiPO3, Li3PO4, LiCs(PO3)2, LiNbO3)."""


@dataclass(frozen=True)
class Evidence:
    """A distribution and the evidence for it.

    Attributes:
        mean, sd: of log10 (S/cm) for conductivities, of the quantity itself else (V, meV/atom).
        kind: measured, quoted, bound (an upper bound only), computed, prior (no value of its own)
            or given.
        samples: values and bounds of this material in this form.
        group: whose prior it is pooled with ("" where it is none of the model's).
        parts: normals (weight, mean, sd) whose mixture it is; one where it is a normal. A coating
            that may be film or crystal has two.
    """

    mean: float
    sd: float
    kind: str
    samples: int
    group: str
    parts: tuple[tuple[float, float, float], ...]


def of(name: str, *, own: bool = True) -> dict[str, Evidence]:
    """Distributions of every uncertain property of a material of the library, by property.

    Keys: sigma_ion_S_cm, sigma_ele_S_cm, reduction_limit_V, oxidation_limit_V,
    oxidation_allowance_V, reduction_allowance_V, and reaction_energy_X_meV_atom and
    reaction_limit_X_meV_atom for every partner X. Raises UnknownMaterial with the closest names.

    Args:
        name: a name or an alias.
        own: whether what the material has itself endured counts.
    """
    material = resolve(name)
    return dict(_of_library(material, own))


@cache
def _of_library(material: str, own: bool) -> Mapping[str, Evidence]:
    frame = library()
    row = frame[frame["name"] == material].iloc[0].to_dict()
    return evidence(row | {"table": "library"}, own=own)


def evidence(
    row: Mapping[Any, Any], *, own: bool = True, tolerance_V: float = TOLERANCE_V, without: str = ""
) -> dict[str, Evidence]:
    """The same for a row of `candidates.load()`: of the library, a user's, or a computed compound.

    A conductivity in a user's row is exactly that number, or has the spread of its `_low` and
    `_high` (5 and 95 %).

    Args:
        row: the row, with its columns as keys.
        own: whether what the material has itself endured counts.
        tolerance_V: standard deviation of one computed limit.
        without: a source of which nothing is used: no conductivity, no window, no row of what was
            endured. A user's own values are kept.
    """
    row = {**row, **{name: _text(row.get(name)) for name in ("formula", "family")}}
    compound = _compound(row)
    group = _class(row, compound)
    by_property = {prop: _conductivity(row, prop, group, compound, without) for prop in PROPERTIES}
    for side in ("reduction_limit_V", "oxidation_limit_V"):
        normal, kind, count = limit(row, side, group, tolerance_V, without)
        by_property[side] = _plain(normal, kind, count, group)
    allowance = own_allowance(compound, group, own=own, without=without)
    by_property["oxidation_allowance_V"] = _plain(allowance, "prior", 0, group)
    lasting = Normal(0.0, 0.0) if group.reducible else REDUCTION_ALLOWANCE
    by_property["reduction_allowance_V"] = _plain(lasting, "prior", 0, group)
    for partner in PARTNERS:
        normal, kind = reaction(row, partner, group)
        by_property[f"reaction_energy_{partner}_meV_atom"] = _plain(normal, kind, 0, group)
        endured = own_reaction_limit(compound, partner, own=own, without=without)
        by_property[f"reaction_limit_{partner}_meV_atom"] = _plain(endured, "prior", 0, group)
    return by_property


def _text(value: Any) -> str:
    """The text of a cell; empty where the table has none."""
    return value if isinstance(value, str) else ""


def _plain(normal: Normal, kind: str, samples: int, group: Chemistry) -> Evidence:
    parts = ((1.0, normal.mean, normal.sd),)
    return Evidence(normal.mean, normal.sd, kind, samples, group.group, parts)


def _class(row: Mapping[Any, Any], compound: str) -> Chemistry:
    """Class of a material. A material measured as an electrolyte is one also as a coating.

    Its values belong to the class of electrolytes; in the class of coatings they would only be
    deviations from its mean.
    """
    library = row.get("table") == "library"
    name = row["name"] if library else compound
    if name in _electrolytes(also_films=library):
        return class_of(name)
    reduction = row.get("reduction_limit_V")
    return chemistry(
        row["formula"],
        row["role"],
        row["family"] or "",
        name=row["name"],
        reduction_limit_V=float("nan") if reduction is None else reduction,
    )


@cache
def _electrolytes(*, also_films: bool) -> frozenset[str]:
    """Electrolytes of the library; unless `also_films`, without those that are coatings too."""
    materials = table("materials")
    electrolyte = materials["role"].str.startswith("electrolyte")
    names = frozenset(materials["name"][electrolyte])
    return names if also_films else names - {*map(compound_of, materials["name"][~electrolyte])}


def _compound(row: Mapping[Any, Any]) -> str:
    """The library's compound, by name or by formula; the row's own name where there is none."""
    if row.get("table") == "library":
        return compound_of(row["name"])
    try:
        return _by_formula().get(reduced_formula(row["formula"]), row["name"])
    except FormulaError:
        return str(row["name"])


@cache
def _by_formula() -> dict[str, str]:
    materials = table("materials")
    names = zip(materials["name"], materials["formula"], strict=True)
    return {reduced_formula(formula): compound_of(name) for name, formula in reversed([*names])}


def _conductivity(
    row: Mapping[Any, Any], prop: str, group: Chemistry, compound: str, without: str
) -> Evidence:
    value = row.get(prop)
    if row.get(f"{prop}_method") == "user" and value is not None and not isnan(value):
        return _given(row, prop, group)
    share = group.crystal_share if prop == "sigma_ion_S_cm" else group.crystal_share_electrons
    parts = tuple(
        (weight, normal.mean, normal.sd)
        for weight, crystal in ((1.0 - share, 0.0), (share, 1.0))
        if weight > 0.0
        for normal in (_form(prop, compound, group, crystal, without),)
    )
    mean = sum(weight * centre for weight, centre, _ in parts)
    variance = sum(weight * (sd**2 + (centre - mean) ** 2) for weight, centre, sd in parts)
    kind, samples = _behind(prop, compound, group, share, without)
    return Evidence(mean, sqrt(variance), kind, samples, group.group, parts)


def _form(prop: str, compound: str, group: Chemistry, crystal: float, without: str) -> Normal:
    """Distribution of one form; a material that takes up no lithium does not conduct it."""
    if crystal and prop == "sigma_ion_S_cm" and group.oxide and not group.lithium:
        return _BLOCKING
    return model(prop, without).predict(compound, group, crystal)


def _behind(
    prop: str, compound: str, group: Chemistry, share: float, without: str
) -> tuple[str, int]:
    """Kind and number of the material's own observations in a form that it may have."""
    any_form = 0.0 < share < 1.0 or GROUPS[group.group] == "electrolyte"
    own = [
        observation
        for observation in _own(prop, without).get(compound, ())
        if any_form or abs(observation.crystal - share) < 0.75
    ]
    kinds = {observation.kind for observation in own}
    return next((kind for kind in KINDS if kind in kinds), "prior"), len(own)


@cache
def _own(prop: str, without: str) -> dict[str, tuple[Any, ...]]:
    by_material: dict[str, list[Any]] = {}
    for observation in observations(prop, without):
        by_material.setdefault(observation.material, []).append(observation)
    return {material: tuple(rows) for material, rows in by_material.items()}


def _given(row: Mapping[Any, Any], prop: str, group: Chemistry) -> Evidence:
    low, high = row.get(f"{prop}_low"), row.get(f"{prop}_high")
    sd = 0.0
    if low is not None and high is not None and high > low:
        sd = log10(high / low) / (2.0 * _NINETY)
    return _plain(Normal(log10(row[prop]), sd), "given", 1, group)
