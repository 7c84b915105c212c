"""The cells of a small spec as `muli age` takes them: every coating and thickness, and no coating.

Numbers are those of a run's columns of `[ageing]`: the library's values at the temperature of the
cell, the cathode charged, the products of the electrolyte by what it touches.
"""

from typing import Any

import jax
import numpy as np

from muli.kernels import AgeingRow
from muli.kernels.constants import BOLTZMANN_EV, CM_PER_NM
from muli.screen.engine.ageing import NO_LIMIT_V, Aged, Reader
from muli.screen.errors import SpecError
from muli.screen.solving.age_file import AgeEntry, ProductsEntry
from muli.screen.solving.stack_file import LayerEntry
from muli.screen.space.facts import Positions
from muli.screen.space.layout import COATING, STATE, THICKNESS
from muli.screen.space.problem import Problem, prepare
from muli.screen.space.products import refuse_ageing
from muli.screen.space.source import SpecLike, refuse_other_parts, source_of
from muli.screen.spec import Ageing
from muli.screen.spec.names import few
from muli.screen.spec.times import SECONDS

MOST_CELLS = 60
STEPS = 13
"""Times of a curve, where the spec names none: from a minute to ten years."""


def cells_of(spec: SpecLike) -> list[AgeEntry]:
    """The cells of a spec. Raises `SpecError`: unknown numbers, more than `MOST_CELLS`."""
    source = source_of(spec)
    refuse_other_parts(source)
    problem = prepare(source)
    refuse_ageing(problem)
    at, thickness_nm = places(problem)
    given = source.spec.ageing
    aged = Aged(problem, given or Ageing())
    times = aged.times if given else np.geomspace(60.0, 10 * SECONDS["year"], STEPS)
    row, _ = aged.rows(at, thickness_nm)
    read = aged.reader(at)
    _refuse_unknown(problem, read, row)
    return [_cell(read, row, place, float(nm), times) for place, nm in enumerate(thickness_nm)]


def _refuse_unknown(problem: Problem, read: Reader, row: AgeingRow) -> None:
    """Raise `SpecError` where a cell lacks a number."""
    columns = {
        f"{role}.{kind}_S_cm": np.isnan(read.conductivity(role, kind))
        & ~(read.bare & (role == "coating"))
        for role in ("electrolyte", "coating")
        for kind in ("sigma_ion", "sigma_ele")
    }
    columns["the electrolyte's oxidation limit"] = np.isnan(row.oxidation)
    columns["the electrolyte's reduction limit"] = np.isnan(row.reduction)
    columns["the potential of an electrode"] = np.isnan(row.E_anode + row.E_cathode)
    problems = []
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
    """Positions of the cells of a problem, charged, and their thicknesses (nm)."""
    space = problem.space
    thickness = problem.numbers.get(THICKNESS)
    if thickness is None:
        raise SpecError(problem.source.name, ["axes.coating_thickness_nm: missing"])
    count = space.groups * (space.coatings * len(thickness) + 1)
    if count > MOST_CELLS:
        words = f"{count} cells, bare ones included; {MOST_CELLS} are the most: shorten the axes"
        raise SpecError(problem.source.name, [words])
    found: list[dict[str, int]] = []
    for group in range(space.groups):
        digits = space.line_digits(group * space.coatings)
        for coating in range(space.coatings):
            found += [{**digits, COATING: coating, THICKNESS: i} for i in range(len(thickness))]
        found.append({**digits, COATING: space.coatings, THICKNESS: 0})
    at = {name: np.array([each[name] for each in found]) for name in found[0]}
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
    given = row.reduction > NO_LIMIT_V
    asr = None if bare else [0.0, float(read.contacts()[place]), 0.0]
    return AgeEntry(
        layers=layers,
        name=_name(read.problem, read, place) + ("" if bare else f", {nm:g} nm"),
        E_anode_V=row.E_anode,
        E_cathode_V=row.E_cathode,
        temperature_K=T,
        interface_asr_ohm_cm2=asr,
        oxidation_limit_V=row.oxidation,
        reduction_limit_V=row.reduction if given else None,
        interphase=_products(row.cathode, T),
        anode_interphase=_products(row.anode, T) if given else None,
        times_s=[float(each) for each in times],
        area_factor=row.area_factor,
        boundary="auto" if given else "given",
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
