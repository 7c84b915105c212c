"""Prints docs/spec.md from the models a spec is validated with: `python docs/spec_reference.py`.

Keys, forms, ranges and defaults come from the models; what a key means is said here, and a test
holds the two together.
"""

from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from muli.screen.spec.axes import LayerNumbers, Numbers, Selection
from muli.screen.spec.model import Spec
from muli.screen.spec.quantities import AXES, PROPERTIES, ROLES_WITH_PROPERTIES, Quantity

MEANING = {
    "library.tables": "CSV files whose rows join the library, relative to the spec; only a `name` "
    "column is required in them ([your-data.md](your-data.md))",
    "screen.name": "title of the report",
    "screen.boundary": "what holds the potential at the two ends ([which-law.md](which-law.md)); "
    "a list makes it a scenario",
    "screen.law": (
        "how sigma_ele depends on the potential; `table` takes the curves that materials name "
        "([which-law.md](which-law.md))"
    ),
    "screen.missing": "what is not measured: a distribution, so that every row has probabilities "
    "(`prior`, [evidence.md](evidence.md)); left blank, rows in the order of facts (`status`); "
    "conductivities swept over decades, each a scenario of its own (`decades`)",
    "screen.asr_budget_ohm_cm2": "what coating and interfaces together may cost, ohm cm2; the "
    "electrolyte is not counted",
    "screen.areal_capacity_mAh_cm2": "capacity that self-discharge is measured against, mAh/cm2",
    "screen.window_tolerance_V": "error of computed windows, V; it sorts coating classes and moves "
    "no verdict on the electrolyte",
    "axes.coating": "the coatings; a list inside the list is a multilayer, from the electrolyte to "
    "the cathode",
    "axes.coating_thickness_nm": "thickness of the coating; without it only the inverse answers "
    "are given. For a multilayer one axis for each layer, from the electrolyte to the cathode: "
    "`[[1, 2, 5], [1, 2]]`",
    "axes.electrolyte": "the solid electrolytes",
    "axes.electrolyte_thickness_um": "thickness of the electrolyte",
    "axes.cathode": "cathodes by name, judged charged and discharged",
    "axes.cathode_potential_V": "or the cathode's potential as a number",
    "axes.anode": "anodes by name; lithium metal without it",
    "axes.anode_potential_V": "or the anode's potential as a number",
    "axes.anode_coating": "a coating between anode and electrolyte, by name, as in `coating`; with "
    "it a run has no probabilities",
    "axes.anode_coating_thickness_nm": "its thickness; required with it. It is a scenario axis",
    "axes.temperature_K": "temperature; both conductivities follow their activation energies",
    "axes.current_density_mA_cm2": "cell current, positive on discharge",
    "axes.stack_pressure_MPa": "pressure on the contacts; a screen refuses it and takes "
    "`interface.*` instead",
    "filters.sql": "a condition on a row's columns, in SQL (comparisons, AND, OR, NOT, IN, "
    "BETWEEN, LIKE, CASE, arithmetic, functions such as abs, log10, lower, contains); written "
    'alone it is `name = "condition"`. On result columns: AND, OR, NOT, IN, BETWEEN, IS NULL, '
    "comparisons, + - * / and abs; words are equal or not",
    "filters.require": "whether an unknown answer removes the row",
    "uncertainty.draws": "number of scrambled Sobol draws",
    "uncertainty.seed": "seed of the scrambling",
    "design.variables": "what may change, with lower and upper bound; every coating thickness "
    "within 1e-3 and 1e6 nm without it",
    "design.objective": "what is made small: a name, or names with weights; `lifetime` needs "
    "`[ageing]` ([ageing.md](ageing.md))",
    "design.margin_V": "distance every layer keeps from the ends of its window, V",
    "design.leak_budget_A_cm2": "largest leak current, A/cm2",
    "design.probability": "feasible with at least this probability under `[uncertainty]`",
    "ranking.criteria": "what a coating must do, asked together for the order of `muli rank` and "
    "by `muli design`; `--criteria` asks otherwise without a new run; `lives` needs `[ageing]`",
    "ranking.oxidation_allowance_V": "how far past its computed oxidation limit a coating lasts, "
    "V: an exact number in place of the fitted ones ([evidence.md](evidence.md))",
    "ranking.reaction_limit_meV_atom": "reaction energy below which a contact reacts, meV/atom: an "
    "exact number in place of the fitted one",
    "ranking.thinnest_film_nm": "no thinner film is recommended",
    "ranking.reference": "coatings whose rank is told below every table that does not show them",
    "ageing.times": "times after contact, each a whole number and a unit: s, min, h, day, week, "
    "month, year; every one has columns such as `interphase_nm_at_1_month`",
    "ageing.life_years": "how long coating, contacts and interphases have to stay within "
    "`screen.asr_budget_ohm_cm2`, for `p_lives` and the inverse",
    "ageing.count_anode_side": "whether the interphase at the anode, which no coating of the "
    "cathode changes, uses up that budget, too",
    "ageing.coverage": "share of the interface that carries the coating",
    "ageing.hole_radius_nm": "radius of the holes in it",
    "output.mode": "keep the best rows of every group, the feasible rows, or all",
    "output.top_k": "rows kept per group in mode `best` where rows have no probabilities, or "
    "where a screen has more than ten million pairs of coating and scenario",
    "output.encoding": "layout of numbers in files: `plain` for readers without BYTE_STREAM_SPLIT "
    "([results.md](results.md))",
    "output.per": "columns, such as `family`, that split the groups of the scenario axes further",
}
ABOUT = {
    "library": "Tables of your own whose rows join the library.",
    "screen": "How stacks are judged.",
    "axes": "What is varied. Every combination of the axes is a stack.",
    "filters": "Gates on material columns (before a stack is solved) or on result columns (after "
    "it), in the order given; the funnel counts what each removes. An unknown answer keeps a row "
    "unless the gate says `require`.",
    "uncertainty": 'Random draws of properties: `"coating.sigma_ele_S_cm" = { lognormal = '
    "{ median = 1e-12, decades = 1.0 } }`; also `loguniform = [low, high]` and `normal = "
    "{ mean = 2.01, std = 0.05 }`.",
    "design": "What `muli design` may change, and what it makes small. The section may be absent.",
    "ranking": "What a coating must do, and the numbers its probability rests on "
    "([how-to-read.md](how-to-read.md)).",
    "ageing": "Interphases that grow where the electrolyte is not protected ([ageing.md]"
    "(ageing.md)). The section may be absent; `[ageing]` alone takes the defaults.",
    "output": "Which rows are kept.",
}
HIDDEN = {"axes.others", "uncertainty.distributions"}
"""Filled from quoted keys, which have their own table."""

HEAD = """# The spec, key by key

Generated from the models a spec is validated with by `python docs/spec_reference.py`. Unknown keys
are errors that name the closest known ones; all errors are listed at once. Runnable examples:
[examples](../examples).

An axis of numbers is a number, a list, or
`{ start = 1, stop = 100, num = 50, spacing = "log" }` (or `"linear"`). An axis of materials is a
name, a list of names, `"*"` (all of the role), `{ where = "SQL condition" }`,
`{ table = "materials-project", where = "..." }` or `{ file = "my.csv" }`.
"""


def sections() -> Iterator[tuple[str, type[BaseModel]]]:
    """Every section's name with its model."""
    for name, field in Spec.model_fields.items():
        yield name, next(_models(field.annotation))


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def form(annotation: Any) -> str:
    """What a key takes, in words."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return form(parts[0])
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(form(x) for x in parts if x is not type(None)))
    if origin is Literal:
        return ", ".join(f'`"{value}"`' for value in parts)
    if origin is tuple:
        return f"a list of {form(parts[0])}" if parts[-1] is Ellipsis else "two numbers"
    if origin is dict:
        return f"a table of {form(parts[1])}"
    words = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    words |= {Selection: "materials", Numbers: "numbers", LayerNumbers: "numbers"}
    return words.get(annotation, "a value")


def limits(metadata: list[Any]) -> str:
    """The range of a number, in words."""
    words = {
        Gt: ("gt", "above"),
        Ge: ("ge", "at least"),
        Lt: ("lt", "below"),
        Le: ("le", "at most"),
    }
    found = [
        f"{word} {getattr(each, name):g}"
        for each in metadata
        for kind, (name, word) in words.items()
        if isinstance(each, kind)
    ]
    return ", ".join(found)


def default(field: FieldInfo) -> str:
    """The default as TOML writes it; a dash where a key has none."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, Numbers):
        value = value.values().tolist()
    if value is None or value in ((), {}):
        return "–"
    if isinstance(value, dict):
        value = next(iter(value))
    return f"`{_toml(value)}`"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(each) for each in value) + "]"
    return f"{value:g}"


def _row(section: str, name: str, field: FieldInfo) -> str:
    takes = form(field.annotation)
    metadata = [*field.metadata, *_inner(field.annotation)]
    quantity = AXES.get(name) if section == "axes" else None
    extent = _extent(quantity) if quantity else limits(metadata)
    takes = f"{takes}, {extent}" if extent else takes
    return f"| `{name}` | {takes} | {default(field)} | {MEANING[f'{section}.{name}']} |"


def _inner(annotation: Any) -> list[Any]:
    found = list(getattr(annotation, "__metadata__", ()))
    for part in get_args(annotation):
        found += _inner(part) if not isinstance(part, str) else []
    return list(_flat(found))


def _flat(metadata: list[Any]) -> Iterator[Any]:
    for each in metadata:
        yield from each.metadata if isinstance(each, FieldInfo) else [each]


def _extent(quantity: Quantity) -> str:
    return f"{quantity.unit}, {quantity.low:g} to {quantity.high:g}"


def _section(name: str, model: type[BaseModel]) -> str:
    title = f"## `[{name}]`" if name != "filters" else "## `[filters]`, each by a name"
    fields = [(k, f) for k, f in model.model_fields.items() if f"{name}.{k}" not in HIDDEN]
    rows = [_row(name, key, field) for key, field in fields]
    head = ["| key | takes | default | meaning |", "|---|---|---|---|"]
    return "\n".join([title, "", ABOUT[name], "", *head, *rows])


def _quoted() -> str:
    """The quoted keys: scenario numbers and any property of a coating or an electrolyte."""
    lines = [
        "## Quoted keys of `[axes]`, `[uncertainty]` and `[design]`",
        "",
        "A property given here takes the place of the library's value and is marked `assumed`.",
        'Write `"role.property" = [...]` for every material of a role, measured values included, '
        "the role being "
        + " or ".join(f"`{role}`" for role in ROLES_WITH_PROPERTIES)
        + ', or `"LiNbO3.property" = [...]` for one material by its name or an alias '
        "(axes and uncertainty). Where both stand, the material's own counts.",
        "",
        "| key | unit and range |",
        "|---|---|",
        *(f'| `"{key}"` | {_extent(q)} |' for key, q in AXES.items() if "." in key),
        *(f'| `"role.{key}"` | {_extent(q)} |' for key, q in PROPERTIES.items()),
    ]
    return "\n".join(lines)


def reference() -> str:
    """The whole page."""
    parts = [HEAD, *(_section(name, model) for name, model in sections()), _quoted()]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


if __name__ == "__main__":
    print(reference(), end="")
