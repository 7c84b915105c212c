"""The cells of a small spec as `muli age` answers them: every coating and thickness, and bare.

Numbers are those of a run's columns of `[ageing]`: the library's values at the temperature of the
cell, the cathode charged, the products of the electrolyte by what it touches. A conductivity of
which no single value is known has the median of its distribution, and every cell a band (5 to 95 %)
over all that is uncertain.
"""

from typing import Any, NamedTuple

import jax
import numpy as np

from muli.kernels import AgeingRow, GrowthEnd
from muli.kernels.constants import BOLTZMANN_EV, CM_PER_NM, MONOLAYER_CM
from muli.screen.engine.ageing import NO_LIMIT_V, Aged, Columns, Reader
from muli.screen.errors import SpecError
from muli.screen.solving.age import answers_to
from muli.screen.solving.age_file import AgeEntry, ProductsEntry
from muli.screen.solving.age_spread import spread
from muli.screen.solving.stack_file import LayerEntry
from muli.screen.space.evidence import Beliefs, beliefs
from muli.screen.space.facts import Positions, Values
from muli.screen.space.layout import COATING, STATE, THICKNESS
from muli.screen.space.problem import Problem, prepare
from muli.screen.space.products import ageing_notes, refuse_ageing
from muli.screen.space.source import SpecLike, refuse_other_parts, source_of
from muli.screen.spec import Ageing
from muli.screen.spec.names import few
from muli.screen.spec.times import SECONDS, label
from muli.screen.vocabulary import IN_TIME

MOST_CELLS = 60
STEPS = 13
"""Times of a curve, where the spec names none: from a minute to ten years."""


class SpecCells(NamedTuple):
    """Cells of a spec, their answers in the same order, and notes.

    Answers have the keys of `muli age FILE.json`, and of every column in time `..._low` and
    `..._high`: its 5 and 95 % quantiles.
    """

    cells: list[AgeEntry]
    answers: list[dict[str, Any]]
    notes: list[str]


def age_spec(spec: SpecLike) -> SpecCells:
    """Growth in the cells of a spec. Raises `SpecError`: unknown limits, too many cells."""
    source = source_of(spec)
    refuse_other_parts(source)
    problem = prepare(source)
    refuse_ageing(problem)
    ageing = source.spec.ageing or Ageing()
    at, thickness_nm = places(problem)
    believed = beliefs(problem)
    aged = Aged(problem, ageing, _medians(believed))
    times = aged.times if source.spec.ageing else np.geomspace(60.0, 10 * SECONDS["year"], STEPS)
    row, _ = aged.rows(at, thickness_nm)
    read = aged.reader(at)
    _refuse_unknown(problem, read, row)
    cells = [_cell(read, row, place, float(nm), times) for place, nm in enumerate(thickness_nm)]
    answers = answers_to(cells)
    if ageing.coverage < 1:
        columns = aged.columns(at, thickness_nm)
        for place in np.flatnonzero(~read.bare).tolist():
            answers[place] = _with_holes(ageing, answers[place], columns, row, place)
    bands = spread(problem, believed, at, thickness_nm, times, ageing)
    for place, answer in enumerate(answers):
        for name, band in bands.items():
            if name in answer:
                answer |= {f"{name}_low": band.low[place].tolist()}
                answer |= {f"{name}_high": band.high[place].tolist()}
    return SpecCells(cells, answers, [*_median_notes(problem, aged, at), *ageing_notes(problem)])


def _medians(believed: Beliefs) -> dict[str, Values]:
    """Medians of the conductivities of which a spread is known, S/cm."""
    columns, electrons = believed.columns, believed.fields["electrolyte_sigma_ele"]
    medians = {
        f"coating.{kind}_S_cm": columns[f"{kind}_median_S_cm"]
        for kind in ("sigma_ion", "sigma_ele")
    }
    medians["electrolyte.sigma_ele_S_cm"] = Values(electrons.axes, 10.0**electrons.mean)
    return {key: values for key, values in medians.items() if isinstance(values, Values)}


def _median_notes(problem: Problem, aged: Aged, at: Positions) -> list[str]:
    """Which conductivities are medians."""
    plain, notes = Aged(problem, aged.spec).reader(at), []
    for key in aged.medians:
        role, kind = key.removesuffix("_S_cm").split(".")
        unknown = np.isnan(plain.conductivity(role, kind)) & ~(plain.bare & (role == COATING))
        names = problem.materials.frames[role]["name"].iloc[plain.at[role][unknown]]
        if len(names):
            listed = few(sorted(set(map(str, names))), ", ", 5)
            notes.append(f"{key} of {listed}: no one value is known; the curve has the median")
    return notes


def _with_holes(
    asked: Ageing, answer: dict[str, Any], columns: Columns, row: AgeingRow, place: int
) -> dict[str, Any]:
    """The answer for a coating with holes: means over the interface, shares side by side."""
    labels = [label(time) for time in asked.times]
    means = {n: [float(columns[f"{n}_at_{t}"][place]) for t in labels] for n in IN_TIME}
    last = means["interphase_nm"][-1] * CM_PER_NM
    status = answer["status"]
    if status in ("ok", *(end.name.lower() for end in GrowthEnd)):
        whole = float(row.electrolyte_thickness[place])
        thin = 0 < last < MONOLAYER_CM
        status = "consumed" if last >= whole else "below_monolayer" if thin else "ok"
    kept = {key: value for key, value in answer.items() if key != "cathode_side_V"}
    rest = {name: float(columns[name][place]) for name in ("unprotected_share", "max_hole_share")}
    sides = {name: values for name, values in means.items() if name in answer}
    final = {"final_nm": float(columns["interphase_final_nm"][place])}
    return {**kept, **sides, **final, **rest, "status": status, "coverage": asked.coverage}


def _refuse_unknown(problem: Problem, read: Reader, row: AgeingRow) -> None:
    """Raise `SpecError` where a cell lacks a number."""
    columns = {
        "electrolyte.sigma_ion_S_cm": np.isnan(read.conductivity("electrolyte", "sigma_ion")),
        "the potential of an electrode": np.isnan(row.E_anode + row.E_cathode),
    }
    limits = {side: read.number(f"electrolyte.{side}_limit_V", "electrolyte")
              for side in ("reduction", "oxidation")}  # fmt: skip
    columns |= {f"the electrolyte's {side} limit": np.isnan(E) for side, E in limits.items()}
    problems = [
        f"{_name(problem, read, int(place))}: {electrode} lies beyond the electrolyte's {side} "
        "limit, and the library has no products of that"
        for electrode, side, beyond in (
            ("the anode", "oxidation", row.E_anode > limits["oxidation"]),
            ("the cathode", "reduction", row.E_cathode < limits["reduction"]),
        )
        for place in np.flatnonzero(beyond)[:1]
    ]
    for what, unknown in columns.items():
        named = sorted({_name(problem, read, int(place)) for place in np.flatnonzero(unknown)})
        if named:
            way = f'; give it as axes."{what}"' if what.endswith("_S_cm") else ""
            problems.append(f"{what} is unknown in {few(named, ', ', 5)}{way}")
    if problems:
        raise SpecError(problem.source.name, problems)


def _name(problem: Problem, read: Reader, place: int) -> str:
    """Coating and electrolyte of a cell."""
    frames = problem.materials.frames
    electrolyte = frames["electrolyte"]["name"].iloc[read.at["electrolyte"][place]]
    if read.bare[place]:
        return f"{electrolyte} without a coating"
    return f"{frames['coating']['name'].iloc[read.at[COATING][place]]} on {electrolyte}"


def places(problem: Problem) -> tuple[Positions, Any]:
    """Positions of the cells of a problem, charged, and their thicknesses (nm); `line` counts
    coatings in scenarios."""
    space = problem.space
    thickness = problem.numbers.get(THICKNESS)
    if thickness is None:
        raise SpecError(problem.source.name, ["axes.coating_thickness_nm: missing"])
    count = space.groups * (space.coatings * len(thickness) + 1)
    if count > MOST_CELLS:
        message = f"{count} cells, bare ones included; {MOST_CELLS} are the most: shorten the axes"
        raise SpecError(problem.source.name, [message])
    positions: list[dict[str, int]] = []
    lines: list[int] = []
    for group in range(space.groups):
        digits = space.line_digits(group * space.coatings)
        for coating in range(space.coatings):
            positions += [{**digits, COATING: coating, THICKNESS: i} for i in range(len(thickness))]
            lines += [group * space.coatings + coating] * len(thickness)
        positions.append({**digits, COATING: space.coatings, THICKNESS: 0})
        lines.append(group * space.coatings)  # a film of no thickness
    at = {name: np.array([position[name] for position in positions]) for name in positions[0]}
    at["line"] = np.array(lines)
    at[STATE] = np.zeros(count, int)
    bare = at[COATING] == space.coatings
    return at, np.where(bare, 0.0, thickness[at[THICKNESS]])


def _cell(read: Reader, rows: AgeingRow, place: int, nm: float, times: Any) -> AgeEntry:
    """One cell as if it had been read from a file."""
    row: Any = jax.tree.map(lambda leaf: float(leaf[place]), rows)
    T, bare = float(read.number("temperature_K")[place]), bool(read.bare[place])
    depths: dict[str, float] = {"electrolyte": row.electrolyte_thickness, "coating": nm * CM_PER_NM}
    layers = [
        LayerEntry(
            role="electrolyte" if role == "electrolyte" else "cathode_coating",
            thickness_cm=float(depths[role]),
            sigma_ion_S_cm=float(read.conductivity(role, "sigma_ion")[place]),
            sigma_0_S_cm=float(read.conductivity(role, "sigma_ele")[place]),
        )
        for role in (("electrolyte",) if bare else ("electrolyte", "coating"))
    ]
    has_limit = row.reduction > NO_LIMIT_V
    asr = None if bare else [0.0, float(read.contacts()[place]), 0.0]
    return AgeEntry(
        layers=layers,
        name=_name(read.problem, read, place) + ("" if bare else f", {nm:g} nm"),
        E_anode_V=row.E_anode,
        E_cathode_V=row.E_cathode,
        temperature_K=T,
        interface_asr_ohm_cm2=asr,
        oxidation_limit_V=row.oxidation,
        reduction_limit_V=row.reduction if has_limit else None,
        interphase=_products(row.cathode, T),
        anode_interphase=_products(row.anode, T) if has_limit else None,
        times_s=[float(time) for time in times],
        area_factor=row.area_factor,
        boundary="auto" if has_limit else "given",
    )


def _products(layer: Any, temperature: float) -> ProductsEntry:
    slope = float(layer.rising.slope) * BOLTZMANN_EV * temperature
    law: dict[str, Any] = {"sigma_0_S_cm": layer.sigma_ele}
    if slope:
        reference = float(layer.rising.reference)
        law = {"sigma_p_S_cm": layer.sigma_ele, "E_p_V": reference, "z_p": slope}
        law["sigma_0_S_cm"] = float(layer.rising.floor)
    rate = float(layer.reaction_rate)
    return ProductsEntry(
        sigma_ion_S_cm=layer.sigma_ion,
        volume_per_charge_cm3_C=layer.volume_per_charge,
        reaction_rate_cm_s=rate if np.isfinite(rate) else None,
        **law,
    )
