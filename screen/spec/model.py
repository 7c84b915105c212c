"""The spec as a validated object: what to screen, under which scenarios, and what to keep."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from muli.screen.spec.axes import (
    LayerNumbers,
    Numbers,
    Selection,
    layer_numbers,
    numbers,
    selection,
)
from muli.screen.spec.design import checked_distribution, checked_objective, checked_variables
from muli.screen.spec.quantities import AXES, quantity, unknown_axis
from muli.screen.spec.times import checked_times

BoundaryName = Literal["auto", "electrode", "interphase"]
Criterion = Literal["protects", "affordable", "stable", "inert", "lives"]
CRITERIA: tuple[Criterion, ...] = ("protects", "affordable", "stable", "inert")


class Section(BaseModel):
    """A table of the spec: unknown keys are errors, values do not change, no silent casts."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, arbitrary_types_allowed=True, strict=True
    )


def _tuple(raw: Any) -> Any:
    """A list as the tuple it is kept as."""
    return tuple(raw) if isinstance(raw, list) else raw


def _listed(raw: Any) -> Any:
    """One value or a list of them."""
    return raw if isinstance(raw, tuple) else tuple(raw) if isinstance(raw, list) else (raw,)


Texts = Annotated[tuple[str, ...], BeforeValidator(_tuple)]


def _gather_quoted(raw: Any, field: str) -> Any:
    """Move keys with a dot into `field`, each value paired with its key for its own parser."""
    if not isinstance(raw, dict):
        return raw
    if field in raw:
        raise ValueError(
            f'{field} is no key here; a property stands in quotes: "coating.sigma_ele_S_cm" = ...'
        )
    quoted = {k: (k, v) for k, v in raw.items() if "." in k}
    rest = {k: v for k, v in raw.items() if "." not in k}
    return {**rest, field: quoted} if quoted else rest


def _quoted_numbers(pair: Any) -> Numbers:
    if isinstance(pair, Numbers):
        return pair
    key, raw = pair
    known = quantity(key)
    if known is None:
        raise ValueError(unknown_axis(key))
    return numbers(known)(raw)


def _quoted_distribution(pair: Any) -> Any:
    key, raw = pair
    if quantity(key) is None:
        raise ValueError(unknown_axis(key))
    return checked_distribution(raw, key)


def electrode_problems(given: set[str]) -> list[str]:
    """What is wrong with the keys of electrodes and anode coatings among the `given` axis keys."""
    problems = []
    if ("cathode" in given) == ("cathode_potential_V" in given):
        problems.append("give cathode (names) or cathode_potential_V, one of them")
    if {"anode", "anode_potential_V"} <= given:
        problems.append("give anode (names) or anode_potential_V, not both")
    if ("anode_coating" in given) != ("anode_coating_thickness_nm" in given):
        problems.append("give anode_coating and anode_coating_thickness_nm together, or none")
    return problems


class Library(Section):
    """Users' CSV files whose rows join the library; paths relative to the spec."""

    tables: Texts = ()


class Screen(Section):
    """How stacks are judged."""

    name: str = ""
    boundary: Annotated[tuple[BoundaryName, ...], BeforeValidator(_listed), Field(min_length=1)] = (
        "auto",
    )
    law: Literal["constant", "branches", "table"] = "constant"
    missing: Literal["prior", "status", "decades"] = "prior"
    asr_budget_ohm_cm2: Annotated[float, Field(gt=0, lt=1e9)] = 10.0
    areal_capacity_mAh_cm2: Annotated[float, Field(gt=0, lt=1e6)] = 3.0
    window_tolerance_V: Annotated[float, Field(ge=0, le=2)] = 0.1


class Filter(Section):
    """A gate: rows for which `sql` is false are removed; NULL stays unless `require`."""

    sql: Annotated[str, Field(min_length=1, max_length=10_000)]
    require: bool = False


class Uncertainty(Section):
    """Random draws of properties; distributions by quoted property."""

    draws: Annotated[int, Field(ge=2, le=2**24)] = 1024
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    distributions: dict[str, Annotated[dict[str, Any], BeforeValidator(_quoted_distribution)]] = (
        Field(default_factory=dict)
    )

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, raw: Any) -> Any:
        """Move quoted property keys into `distributions`."""
        return _gather_quoted(raw, "distributions")


class Design(Section):
    """What `design` may change, and what it makes small."""

    variables: Annotated[dict[str, tuple[float, float]], BeforeValidator(checked_variables)] = (
        Field(default_factory=dict)
    )
    objective: Annotated[dict[str, float], BeforeValidator(checked_objective)] = Field(
        default_factory=lambda: {"total_coating_thickness": 1.0}
    )
    margin_V: Annotated[float, Field(ge=-5, le=5)] = 0.0
    leak_budget_A_cm2: Annotated[float, Field(gt=0, lt=1e3)] | None = None
    probability: Annotated[float, Field(gt=0, lt=1)] | None = None


class Ranking(Section):
    """What a coating must do, and the numbers its probability rests on.

    criteria: p_works counts them together. oxidation_allowance_V, reaction_limit_meV_atom: in place
    of the fitted ones, exact. thinnest_film_nm: no thinner film is recommended. reference: coatings
    whose rank is always reported.
    """

    criteria: Annotated[tuple[Criterion, ...], BeforeValidator(_listed), Field(min_length=1)] = (
        CRITERIA
    )
    oxidation_allowance_V: Annotated[float, Field(ge=-2, le=5)] | None = None
    reaction_limit_meV_atom: Annotated[float, Field(ge=-5000, le=1000)] | None = None
    thinnest_film_nm: Annotated[float, Field(gt=0, le=1000)] = 2.5
    reference: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ("LiNbO3", "Li3PO4")


class Ageing(Section):
    """Interphases that grow where an electrolyte is not protected.

    life_years: for which coating, contacts and interphases are to stay within the budget of
    `[screen]`. count_anode_side: whether the interphase at the anode uses it up, too.
    """

    times: Annotated[tuple[str, ...], BeforeValidator(checked_times)] = (
        "1 h",
        "1 month",
        "1 year",
        "10 years",
    )
    life_years: Annotated[float, Field(gt=0, le=1000)] = 10.0
    count_anode_side: bool = True
    coverage: Annotated[float, Field(ge=0, le=1)] = 1.0
    hole_radius_nm: Annotated[float, Field(gt=0, le=1e5)] = 50.0


class Output(Section):
    """Which rows are kept: the best per group, the feasible ones, or all."""

    mode: Literal["best", "feasible", "all"] = "best"
    top_k: Annotated[int, Field(ge=1, le=100_000)] = 20
    per: Texts | None = None
    encoding: Literal["byte_stream_split", "plain"] = "byte_stream_split"


Materials = Annotated[Selection, BeforeValidator(selection)]


def _axis(key: str) -> BeforeValidator:
    return BeforeValidator(numbers(AXES[key]))


class Axes(Section):
    """The axes of the design space. `others` holds quoted keys (`role.property`, `interface.*`)."""

    coating: Materials
    coating_thickness_nm: (
        Annotated[
            Numbers | LayerNumbers, BeforeValidator(layer_numbers(AXES["coating_thickness_nm"]))
        ]
        | None
    ) = None
    electrolyte: Materials
    electrolyte_thickness_um: Annotated[Numbers, _axis("electrolyte_thickness_um")] = Numbers(
        (30.0,)
    )
    cathode: Materials | None = None
    cathode_potential_V: Annotated[Numbers, _axis("cathode_potential_V")] | None = None
    anode: Materials | None = None
    anode_potential_V: Annotated[Numbers, _axis("anode_potential_V")] | None = None
    anode_coating: Materials | None = None
    anode_coating_thickness_nm: Annotated[Numbers, _axis("anode_coating_thickness_nm")] | None = (
        None
    )
    temperature_K: Annotated[Numbers, _axis("temperature_K")] = Numbers((298.15,))
    current_density_mA_cm2: Annotated[Numbers, _axis("current_density_mA_cm2")] = Numbers((0.0,))
    stack_pressure_MPa: Annotated[Numbers, _axis("stack_pressure_MPa")] | None = None
    others: dict[str, Annotated[Numbers, BeforeValidator(_quoted_numbers)]] = Field(
        default_factory=dict
    )

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, raw: Any) -> Any:
        """Move quoted keys into `others`."""
        return _gather_quoted(raw, "others")

    @model_validator(mode="after")
    def _electrodes(self) -> "Axes":
        """A cathode is a material or a potential, an anode likewise (lithium by default)."""
        if problems := electrode_problems({k for k, v in self if v is not None}):
            raise ValueError("; ".join(problems))
        return self


def _gate(raw: Any) -> Any:
    return {"sql": raw} if isinstance(raw, str) else raw


class Spec(Section):
    """A whole spec. `muli.screen.spec.load` reads one from a file."""

    library: Library = Library()
    screen: Screen = Screen()
    axes: Axes
    filters: dict[str, Annotated[Filter, BeforeValidator(_gate)]] = Field(default_factory=dict)
    uncertainty: Uncertainty | None = None
    design: Design | None = None
    ranking: Ranking = Ranking()
    ageing: Ageing | None = None
    output: Output = Output()

    @model_validator(mode="after")
    def _lives(self) -> "Spec":
        if "lives" in self.ranking.criteria and self.ageing is None:
            raise ValueError('ranking.criteria: "lives" needs a section [ageing]')
        return self
