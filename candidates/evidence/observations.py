"""Every conductivity of the library as an observation of the evidence model.

Rules (docs/evidence.md gives the reasons):

- reading errors, in decades: a first-hand value 0, an order of magnitude or a table of others 0.3,
  a quotation 1, an extrapolation 1.5, leakage current over field 1;
- upper bounds (volume resistivities of insulators, films that may carry ions) are censored;
- states that a fresh coating does not have (reduced, lithiated, doped), ambiguous prints and
  tunnelling through less than 4 nm are left out;
- one observation per sample and source: equal values of one compound and form count once;
- a value from above room temperature counts only where its form has none near room temperature,
  with the error of the activation energy that converts it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import isnan, log, log10, sqrt

from muli.candidates import reality
from muli.candidates.defaults import BOLTZMANN_EV_K
from muli.candidates.evidence.chemistry import Chemistry, chemistry
from muli.candidates.formula import FormulaError, reduced_formula
from muli.candidates.tables import Value, compound_of, table, values_of
from muli.candidates.wide import library

PROPERTIES = ("sigma_ion_S_cm", "sigma_ele_S_cm")
REFERENCE_K = 298.15
_ROOM_K = (285.0, 313.0)
_ACTIVATION_EV = (0.7, 0.25)
"""Activation energy of a coating's ions where none is printed, and its standard deviation."""
_ACTIVATION_ERROR_EV = 0.1
_LEFT_OUT = ("ambiguous", "tunnelling")
_AS_MADE = ("", "pristine")
_ERROR = {"measured": 0.0, "table": 0.3, "quoted": 1.0, "extrapolated": 1.5, "leakage": 1.0}
_DISORDERED = ("film", "glass")


@dataclass(frozen=True)
class Observation:
    """One value or bound of log10 of a conductivity in S/cm at 298.15 K.

    Attributes:
        prop: sigma_ion_S_cm or sigma_ele_S_cm.
        material: the compound; its forms share it.
        chemistry: class of the compound.
        crystal: 1 for a crystal, 0 for a disordered film or glass, 0.5 where not stated.
        log10_value: the value, or the bound.
        bound: whether the true value is lower.
        error: standard deviation of the reading, decades.
        kind: measured, quoted or bound.
        source: id or citation.
    """

    prop: str
    material: str
    chemistry: Chemistry
    crystal: float
    log10_value: float
    bound: bool
    error: float
    kind: str
    source: str


@cache
def observations(prop: str, without: str = "") -> tuple[Observation, ...]:
    """All observations of one property, duplicates removed, in the order of the tables.

    without: a source, by its id, whose rows are left out (held-out tests).
    """
    left_out = names_of(without)
    rows: list[Observation] = []
    for name, group in _materials().items():
        rows += _of_material(name, group, prop, left_out)
    rows += [row for row in _comparisons(prop) if row.source.lower() not in left_out]
    return tuple(_once(rows))


@cache
def names_of(source: str) -> frozenset[str]:
    """Names by which rows may cite a source: its id and its DOI, in small letters."""
    if not source:
        return frozenset()
    frames = (table("sources"), reality.sources())
    dois = {doi for frame in frames for doi in frame.loc[frame["id"] == source, "doi"] if doi}
    return frozenset(name.lower() for name in (source, *dois))


@cache
def _materials() -> dict[str, Chemistry]:
    """Class of every coating and electrolyte of the library, by name."""
    frame = library()
    wanted = frame["role"].str.contains("coating|electrolyte")
    return {
        row["name"]: chemistry(
            row["formula"],
            row["role"],
            row["family"],
            name=row["name"],
            reduction_limit_V=row["reduction_limit_V"],
        )
        for row in frame[wanted].to_dict("records")
    }


def class_of(name: str) -> Chemistry:
    """Class of a coating or electrolyte of the library. Raises KeyError."""
    return _materials()[name]


def _of_material(
    name: str, group: Chemistry, prop: str, left_out: frozenset[str]
) -> list[Observation]:
    usable = [
        value
        for value in values_of(name)
        if value.quantity == prop
        and value.qualifier not in _LEFT_OUT
        and value.state in _AS_MADE
        and value.method != "computed"
        and left_out.isdisjoint((value.origin.lower(), value.source.lower()))
        and value.bound != "lower"
        and not isnan(value.number)
    ]
    usable = [value for value in usable if value.quantity_kind != "bulk"] or usable
    near = [value for value in usable if _is_near(value)]
    observed = [_observation(value, group) for value in near]
    if not any(not observation.bound for observation in observed) and prop == "sigma_ion_S_cm":
        observed += _carried(name, [value for value in usable if not _is_near(value)], group)
    return observed


def _is_near(value: Value) -> bool:
    return isnan(value.temperature_K) or _ROOM_K[0] <= value.temperature_K <= _ROOM_K[1]


def _observation(value: Value, group: Chemistry) -> Observation:
    bound = value.bound == "upper"
    reading = _reading(value)
    number = value.extremes[1] if bound else value.number
    return Observation(
        prop=value.quantity,
        material=compound_of(value.material),
        chemistry=group,
        crystal=crystal_share(value.form),
        log10_value=log10(number),
        bound=bound,
        error=0.0 if bound and reading == "leakage" else _ERROR[reading],
        kind="bound" if bound else "measured" if reading in ("measured", "table") else "quoted",
        source=value.origin,
    )


def _reading(value: Value) -> str:
    if value.qualifier in ("quoted", "extrapolated"):
        return value.qualifier
    if value.quantity_kind == "leakage":
        return "leakage"
    if value.trust == "citing_text":
        return "quoted"
    rough = value.qualifier == "order_of_magnitude"
    return "table" if rough or value.trust in ("review", "secondary_digest") else "measured"


def _carried(name: str, values: Sequence[Value], group: Chemistry) -> list[Observation]:
    """The value nearest to room temperature, converted to it by an activation energy."""
    if not values:
        return []
    value = min(values, key=lambda v: abs(v.temperature_K - REFERENCE_K))
    energy, error = _activation(name, values)
    kelvin = value.temperature_K
    distance = (1.0 / REFERENCE_K - 1.0 / kelvin) / BOLTZMANN_EV_K / log(10.0)
    moved = _observation(value, group)
    shift = log10(kelvin / REFERENCE_K) - energy * distance
    return [
        replace(
            moved,
            log10_value=moved.log10_value + shift,
            error=sqrt(moved.error**2 + (error * distance) ** 2),
        )
    ]


def _activation(name: str, values: Sequence[Value]) -> tuple[float, float]:
    """Activation energy of sigma*T, eV, and its error: printed, of two temperatures, or typical."""
    printed = [v.number for v in values_of(name) if v.quantity == "sigma_ion_activation_eV"]
    if printed:
        middle = sorted(printed)[len(printed) // 2]
        return middle, _ACTIVATION_ERROR_EV
    cold = min(values, key=lambda v: v.temperature_K)
    hot = max(values, key=lambda v: v.temperature_K)
    span = 1.0 / cold.temperature_K - 1.0 / hot.temperature_K
    if hot.temperature_K - cold.temperature_K < 30.0:
        return _ACTIVATION_EV
    ratio = hot.number * hot.temperature_K / (cold.number * cold.temperature_K)
    return log(ratio) * BOLTZMANN_EV_K / span, _ACTIVATION_ERROR_EV


def crystal_share(form: str) -> float:
    """1 crystal, 0 disordered, 0.5 not stated, from a word of `candidates.schema.FORMS`."""
    if form in ("", "not stated"):
        return 0.5
    return 0.0 if form in _DISORDERED else 1.0


def _comparisons(prop: str) -> list[Observation]:
    """Values of substances that are no materials of the library, or of other samples of them."""
    rows = []
    for row in table("comparison_values").to_dict("records"):
        if row["property"] != prop:
            continue
        bound = row["kind"] == "bound"
        number = row["value"] if not isnan(row["value"]) else sqrt(row["low"] * row["high"])
        number = row["high"] if bound and isnan(row["value"]) else number
        rows.append(
            Observation(
                prop=prop,
                material=_compound(row["formula"], row["material"]),
                chemistry=_comparison_class(row["material"], row["formula"]),
                crystal=crystal_share(row["form"]),
                log10_value=log10(number),
                bound=bound,
                error=0.0 if bound else _ERROR[row["kind"]],
                kind="bound" if bound else "measured" if row["kind"] == "measured" else "quoted",
                source=row["doi"] or row["citation"],
            )
        )
    return rows


@cache
def _compound(formula: str, material: str) -> str:
    """The library's compound of this formula, else the name in the table."""
    materials = table("materials")
    wanted = reduced_formula(formula)
    for name, known in zip(materials["name"], materials["formula"], strict=True):
        if name == material or reduced_formula(known) == wanted:
            return compound_of(name)
    return material


@cache
def _comparison_class(material: str, formula: str) -> Chemistry:
    known = _materials().get(_compound(formula, material))
    if known is not None:
        return known
    try:
        reduced_formula(formula)
    except FormulaError as problem:
        raise ValueError(f"comparison_values.csv, {material}: {problem}") from None
    return chemistry(formula, "coating", "", name=material)


def _once(rows: Iterable[Observation]) -> list[Observation]:
    """One of equal values of one compound and form: the one with the least reading error."""
    kept: dict[tuple[str, float, bool, float], Observation] = {}
    for row in rows:
        key = (row.material, round(row.log10_value, 2), row.bound, row.crystal)
        if key not in kept or row.error < kept[key].error:
            kept[key] = row
    return list(kept.values())
