"""From a spec to design problems: one case per coating stack and scenario."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
import pandas as pd
from jaxtyping import Array

from muli.kernels import Branches, Constant, Law, Layer, Stack, Table
from muli.kernels.constants import CM_PER_NM, CM_PER_UM
from muli.screen.errors import SpecError
from muli.screen.optimize.demands import CRITERIA, asked_criteria, only
from muli.screen.optimize.problem import Problem, Quantity, Term, Variable, leaf
from muli.screen.optimize.scenarios import Scenario, anode_side, scenarios, tables_at
from muli.screen.space.curves import curve_at, filled_size, filled_up
from muli.screen.space.materials import resolve
from muli.screen.space.own import is_of
from muli.screen.spec import Design, Selection, Source, Spec
from muli.screen.spec.quantities import material_of

Row = Mapping[Hashable, Any]
"""One material: values by column."""

THICKNESS_NM = (1e-3, 1e6)
"""Bounds of a coating's thickness where a spec gives none."""

CONTACTS = ("anode_electrolyte", "electrolyte_coating", "coating_cathode")
_PLACES: dict[str, tuple[Quantity, float]] = {
    "electrolyte_thickness_um": ("thickness", CM_PER_UM),
    "cathode_potential_V": ("E_cathode", 1.0),
    "anode_potential_V": ("E_anode", 1.0),
    "temperature_K": ("temperature", 1.0),
    "current_density_mA_cm2": ("current_density", 1e-3),
    "margin_V": ("margin", 1.0),
}


@dataclass(frozen=True)
class Case:
    """One design to find. `names` and the problem's layers run from the anode to the cathode.

    `problem` is None where a property it needs is unknown; `missing` says which. `values` are the
    library's at 298.15 K and `literature` their (lowest, highest), by quoted key. `criteria`: those
    that the problem asks for.
    """

    names: tuple[str, ...]
    scenario: dict[str, float | str]
    problem: Problem | None
    missing: tuple[str, ...] = ()
    criteria: tuple[str, ...] = CRITERIA
    notes: tuple[str, ...] = ()
    values: Mapping[str, float] = field(default_factory=dict)
    literature: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def cases(source: Source, stacks: list[tuple[str, ...]] | None = None) -> list[Case]:
    """Every coating stack of the spec (or of `stacks`) for every scenario in turn."""
    spec = source.spec
    refuse_unread(source)
    criteria = asked_criteria(source)
    chosen, materials = chosen_materials(source, stacks)
    all_cases = []
    for scenario in scenarios(spec, materials):
        tables = tables_at(materials, scenario)
        rows = {role: frame.to_dict("index") for role, frame in tables.items()}
        all_cases += [_case(spec, rows, scenario, coating, criteria) for coating in chosen]
    return all_cases


def refuse_unread(source: Source) -> None:
    """Raise `SpecError` with the parts of a spec that designs and maps do not use."""
    problems = []
    if source.spec.filters:
        problems.append(
            "filters: a design or map does not apply them; choose coatings on the axis, "
            'as in coating = { where = "..." }'
        )
    if source.spec.axes.anode_coating is not None:
        problems.append(
            "axes.anode_coating: a design or map has no coating at the anode; leave it out, or "
            "vary its thickness in a screen (`muli run`)"
        )
    if source.spec.screen.missing == "decades":
        problems.append(
            'screen.missing = "decades": a design or map sweeps no unknown values; give them as '
            'an axis ("coating.sigma_ele_S_cm") or take missing = "status"'
        )
    design = source.spec.design
    if source.spec.screen.law == "table" and design is not None:
        problems += [
            f'design.variables.{key}: with screen.law = "table" sigma_ele is a curve and no number '
            'that can vary; use law = "constant"'
            for key in design.variables
            if key.endswith(".sigma_ele_S_cm")
        ]
    if problems:
        raise SpecError(source.name, problems)


def chosen_materials(
    source: Source, stacks: list[tuple[str, ...]] | None
) -> tuple[list[tuple[str, ...]], dict[str, pd.DataFrame]]:
    """Coating stacks by the library's names, and one table per role indexed by name."""
    selection = source.spec.axes.coating
    wanted = list(selection.names) if stacks is None else stacks
    single = list(dict.fromkeys(name for stack in wanted for name in stack))
    if single:
        selection = Selection(tuple((name,) for name in single))
    axes = source.spec.axes.model_copy(update={"coating": selection})
    frames = resolve(replace(source, spec=source.spec.model_copy(update={"axes": axes}))).frames
    known = frames["coating"]["name"].tolist()
    named = dict(zip(single, known, strict=True)) if single else {}
    chosen = [tuple(named[name] for name in stack) for stack in wanted] or [(n,) for n in known]
    indexed = {role: frame.set_index("name", drop=False) for role, frame in frames.items()}
    return chosen, indexed


def _case(
    spec: Spec,
    tables: Mapping[str, Mapping[Hashable, Row]],
    scenario: Scenario,
    coating: tuple[str, ...],
    criteria: tuple[str, ...],
) -> Case:
    rows = [tables["electrolyte"][scenario.electrolyte]]
    rows += [tables["coating"][name] for name in coating]
    names = tuple(str(row["name"]) for row in rows)
    notes = tuple(note for row in rows for note in row["temperature_notes"])
    moves = spec.design is not None and "anode_potential_V" in spec.design.variables
    shown: dict[str, float | str] = {
        "coating": " | ".join(coating),
        "electrolyte": names[0],
        "cathode": scenario.cathode[0],
        "anode": scenario.anode[0],
        "boundary": scenario.boundary,
        "anode_side_V": np.nan if moves else anode_side(scenario, rows[0]["reduction_limit_V"]),
        **scenario.numbers,
        **scenario.overrides,
    }
    law = spec.screen.law
    missing = [m for row in rows for m in _missing(row, law)]
    if any(np.isnan(E) for E in (*scenario.cathode[1], scenario.anode[1])):
        missing.append("the potential of an electrode")
    if missing:
        return Case(names, shown, None, tuple(missing), criteria, notes)
    problem = only(_problem(spec, scenario, rows), criteria)
    notes = (*notes, *_unlimited(rows, criteria))
    return Case(names, shown, problem, (), criteria, notes, *_literature(spec, rows))


def _literature(
    spec: Spec, rows: list[Row]
) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """Library value and (lowest, highest) source of what is drawn from the literature.

    Of several coating layers the one on the electrolyte is read; all move with it.
    """
    drawn = spec.uncertainty.distributions if spec.uncertainty else {}
    values, ranges = {}, {}
    for key in (key for key, distribution in drawn.items() if "literature" in distribution):
        owner, _, name = key.rpartition(".")
        named = [row for row in rows if is_of(key, str(row["name"]))]
        row = rows[owner == "coating"] if not material_of(key) else (named or rows)[0]
        values[key] = float(row.get(f"{name}_library", row[name]))
        ranges[key] = (float(row[f"{name}_low"]), float(row[f"{name}_high"]))
    return values, ranges


def _missing(row: Row, law: str) -> list[str]:
    """Unknown properties of one material that the problem needs."""
    missing = [] if row["sigma_ion_S_cm"] > 0 else [f"sigma_ion of {row['name']}"]
    electronic = ["sigma_ele_S_cm"]
    if law == "branches":
        electronic += ["sigma_0_S_cm", "sigma_n_S_cm", "sigma_p_S_cm"]
    if curve_at(row) is None and not any(row[name] > 0 for name in electronic):
        missing.append(f"sigma_ele of {row['name']}")
    return missing


def _unlimited(rows: list[Row], criteria: tuple[str, ...]) -> Iterator[str]:
    """Limits that the criteria need and that are unknown."""
    for k, row in enumerate(rows):
        for limit in ("reduction", "oxidation"):
            criterion = "stable" if k and limit == "oxidation" else "protects"
            if criterion in criteria and np.isnan(row[f"{limit}_limit_V"]):
                yield f"{row['name']} has no known {limit} limit: none was asked of it"


def _problem(spec: Spec, scenario: Scenario, rows: list[Row]) -> Problem:
    design = spec.design or Design()
    variables, lower, upper = _variables(design, len(rows), scenario.numbers)
    area = scenario.overrides.get("cathode.area_factor", 1.0)
    thickness = scenario.numbers.get("coating_thickness_nm", 1.0) * CM_PER_NM / area
    depth = scenario.numbers["electrolyte_thickness_um"] * CM_PER_UM
    layers = tuple(
        Layer(
            np.float64(thickness if k else depth),
            np.float64(row["sigma_ion_S_cm"]),
            law_of(row, spec.screen.law),
        )
        for k, row in enumerate(rows)
    )
    current = scenario.numbers["current_density_mA_cm2"]
    stack = Stack(
        layers,
        np.float64(scenario.anode[1]),
        np.float64(scenario.cathode[1][0]),
        np.float64(scenario.numbers["temperature_K"]),
        np.float64(current * 1e-3) if current else 0.0,
        contact_resistances(scenario.overrides, len(rows), area),
    )
    leak = design.leak_budget_A_cm2
    return Problem(
        stack=stack,
        cathode_potentials=leaf(scenario.cathode[1]),
        reduction=_column(rows, "reduction_limit_V", -np.inf),
        oxidation=_column(rows, "oxidation_limit_V", np.inf),
        lower=lower,
        upper=upper,
        E_act_ion=_column(rows, "sigma_ion_activation_eV", 0.0),
        E_act_ele=_column(rows, "sigma_ele_activation_eV", 0.0),
        asr_budget=leaf(spec.screen.asr_budget_ohm_cm2),
        margin=leaf(design.margin_V),
        area_factor=leaf(area),
        leak_budget=None if leak is None else leaf(leak),
        boundary=scenario.boundary,
        variables=variables,
        objective=tuple((cast("Term", t), weight) for t, weight in design.objective.items()),
    )


def _variables(
    design: Design, layers: int, numbers: Mapping[str, float]
) -> tuple[tuple[Variable, ...], Array, Array]:
    """Variables in the layers' order, their bounds in the units of the kernels."""
    ranges = dict(design.variables)
    if "coating_thickness_nm" not in ranges and "coating_thickness_nm" not in numbers:
        ranges["coating_thickness_nm"] = THICKNESS_NM
    if "margin" in design.objective and "margin_V" not in ranges:
        ranges["margin_V"] = (design.margin_V, 5.0)
    rows = [
        (variable, low * unit, high * unit)
        for key, (low, high) in ranges.items()
        for variable, unit in _places(key, layers)
    ]
    variables, lower, upper = zip(*rows, strict=True)
    return variables, leaf(lower), leaf(upper)


def _places(key: str, layers: int) -> list[tuple[Variable, float]]:
    """Where a variable's key acts: on every coating, on the electrolyte, or on the stack."""
    if key == "coating_thickness_nm":
        return [(Variable("thickness", k), CM_PER_NM) for k in range(1, layers)]
    owner, _, name = key.partition(".")
    if name:
        part: Quantity = "sigma_ion" if name.startswith("sigma_ion") else "sigma_ele"
        where = range(1, layers) if owner == "coating" else range(1)
        return [(Variable(part, k), 1.0) for k in where]
    quantity, unit = _PLACES[key]
    return [(Variable(quantity, 0 if quantity == "thickness" else None), unit)]


def law_of(row: Row, law: str) -> Law:
    """sigma_ele of a material by the law of a spec; a number where it has no other."""
    if law == "table" and (curve := curve_at(row)) is not None:
        points = filled_size(len(curve.E_V))
        grid, logs = filled_up(np.asarray(curve.E_V), np.asarray(curve.log10_sigma_ele), points)
        return Table(leaf(grid), leaf(logs))
    if law != "branches":
        return Constant(np.float64(row["sigma_ele_S_cm"]))

    def number(name: str, default: float) -> np.float64:
        return np.float64(default if pd.isna(row[name]) else row[name])

    wings = number("sigma_n_S_cm", 0.0), number("sigma_p_S_cm", 0.0)
    floor = number("sigma_0_S_cm", 0.0 if any(wings) else float(row["sigma_ele_S_cm"]))
    return Branches(
        floor,
        wings[0],
        number("E_n_V", 0.0),
        wings[1],
        number("E_p_V", 0.0),
        float(number("z_n", 1.0)),
        float(number("z_p", 1.0)),
    )


def contact_resistances(
    overrides: Mapping[str, float], layers: int, area: float
) -> tuple[np.float64, ...] | None:
    """Resistance of every contact, ohm cm2 of electrode; None where all are ideal.

    Contacts between coating layers are ideal; the cathode's own are spread over its larger area.
    """
    resistances = [overrides.get(f"interface.{name}_asr_ohm_cm2", 0.0) for name in CONTACTS]
    if not any(resistances):
        return None
    anode, inner, outer = resistances[0], resistances[1] / area, resistances[2] / area
    return tuple(np.float64(r) for r in (anode, inner, *[0.0] * (layers - 2), outer))


def _column(rows: list[Row], name: str, unknown: float) -> Array:
    values = np.asarray([row[name] for row in rows], float)
    return leaf(np.where(np.isnan(values), unknown, values))
