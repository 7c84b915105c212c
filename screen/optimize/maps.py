"""The inverse design map: which coating properties keep an electrolyte stable within a budget.

For one cell (electrolyte, its thickness, electrode potentials) every boundary is explicit: the
largest and smallest sigma_ele at a thickness from `kernels.max_sigma_ele` at the electrolyte's two
limits, the smallest sigma_ion from the resistance budget. Values of the coating in a spec move no
boundary: an axis of one of its conductivities is the range in which it is placed. The idea of such
a map is that of Y. Kimura et al., Commun. Mater. 5 (2024), doi 10.1038/s43246-024-00578-1.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Array, Float

from muli.kernels import Constant, Layer, Stack, Window, max_sigma_ele, resolve_boundary
from muli.kernels.constants import CM_PER_NM, CM_PER_UM, ROOM_TEMPERATURE
from muli.screen.compiling.programs import QUICK_COMPILE, kept
from muli.screen.errors import SpecError
from muli.screen.optimize.read import (
    chosen_materials,
    contact_resistances,
    law_of,
    refuse_unread,
)
from muli.screen.optimize.scenarios import Scenario, anode_side, scenarios, tables_at
from muli.screen.space.curves import curve_at, means_between
from muli.screen.spec import Source

THICKNESS_NM = np.geomspace(0.3, 1000.0, 141)
SIGMA_ION = np.geomspace(1e-10, 1e-3, 141)
CRITERIA = ("protects", "affordable")
"""What a map shows; whether a coating stands the cathode is not on its axes."""


@dataclass(frozen=True)
class DesignMap:
    """One cell's map. `boundaries` by thickness, `frontier` by sigma_ion, `materials` by name.

    boundaries: `coating_thickness_nm`, `max_sigma_ele_S_cm`, `min_sigma_ele_S_cm` (below it the
    electrolyte is reduced; 0 where it cannot be, infinite where it always is) and
    `min_sigma_ion_S_cm`, for a coating of that least sigma_ion. Where the smallest sigma_ele
    exceeds the largest, the states of charge contradict each other: no sigma_ele protects.
    frontier: `sigma_ion_S_cm`, `max_thickness_nm`, `max_sigma_ele_S_cm` at it, 0 where nothing
    protects. budget: ohm cm2 for coating and contacts; spare: what the contacts leave of it.
    area: interface per electrode area.
    """

    title: str
    budget: float
    spare: float
    area: float
    boundaries: pd.DataFrame
    frontier: pd.DataFrame
    materials: pd.DataFrame
    boundary: str
    anode_side_V: float
    criteria: tuple[str, ...] = CRITERIA


def design_maps(source: Source) -> list[DesignMap]:
    """The map of every cell of a spec, float64; materials of the coating axis are placed on it."""
    if not source.spec.axes.current_density_mA_cm2.only_zero:
        problem = "axes.current_density_mA_cm2: a map is of open circuit; leave it out"
        raise SpecError(source.name, [problem])
    refuse_unread(source)
    if not set(CRITERIA) <= set(source.spec.ranking.criteria):
        criteria = list(source.spec.ranking.criteria)
        problem = f"ranking.criteria = {criteria}: a map shows protects and affordable; name both"
        raise SpecError(source.name, [problem])
    materials = chosen_materials(source, None)[1]
    cells: dict[Hashable, list[Scenario]] = defaultdict(list)
    for scenario in scenarios(source.spec, materials):
        cells[_title(scenario)].append(scenario)
    with jax.enable_x64(True):
        return [_design_map(source, cell, materials) for cell in cells.values()]


def _title(scenario: Scenario) -> str:
    """The cell in words: all that moves a boundary."""
    title = (
        f"{scenario.electrolyte}, {scenario.numbers['electrolyte_thickness_um']:g} µm; "
        f"cathode {scenario.cathode[0]}, anode {scenario.anode[0]}; boundary {scenario.boundary}"
    )
    temperature = scenario.numbers["temperature_K"]
    more = [] if temperature == ROOM_TEMPERATURE else [f"{temperature:g} K"]
    others = scenario.overrides.items()
    more += [f"{key} {value:g}" for key, value in others if not key.startswith("coating.")]
    return "; ".join([title, *more])


def _design_map(
    source: Source, cell: list[Scenario], materials: dict[str, pd.DataFrame]
) -> DesignMap:
    """The map of scenarios that differ in the coating alone."""
    scenario = cell[0]
    tables = tables_at(materials, scenario)
    row: dict[Hashable, Any] = tables["electrolyte"].loc[scenario.electrolyte].to_dict()
    needed = ["sigma_ion_S_cm", "oxidation_limit_V"]
    needed += [] if curve_at(row) else ["sigma_ele_S_cm"]
    if missing := [name for name in needed if pd.isna(row[name])]:
        raise SpecError(source.name, [f"{scenario.electrolyte}: {n} is unknown" for n in missing])
    window = Window(float(row["reduction_limit_V"]), float(row["oxidation_limit_V"]))
    depth = scenario.numbers["electrolyte_thickness_um"]
    law = law_of(row, "table" if curve_at(row) else "constant")
    layer = Layer(depth * CM_PER_UM, float(row["sigma_ion_S_cm"]), law)
    budget = source.spec.screen.asr_budget_ohm_cm2
    area = scenario.overrides.get("cathode.area_factor", 1.0)
    contacts = contact_resistances(scenario.overrides, 2, area) or (0.0,)
    spare = max(budget - float(sum(contacts)), 0.0)
    sigma = partial(_sigma_ele, layer, window, scenario)

    def largest(sigma_ion: np.ndarray) -> np.ndarray:
        """sigma_ele that protects at the thickness which this sigma_ion can afford; 0: none."""
        low, high = (
            sigma(sigma_ion * spare * area, sigma_ion, limit)
            for limit in ("reduction", "oxidation")
        )
        return np.where((low > high) | np.isinf(low) | (spare == 0), 0.0, high)

    ends = window.oxidation, max(scenario.cathode[1])
    coatings = [_with_means(tables_at(materials, member)["coating"], *ends) for member in cell]
    return DesignMap(
        _title(scenario),
        budget,
        spare,
        area,
        _boundaries(sigma, spare * area),
        _frontier(largest, spare * area),
        _placed(coatings, scenario.overrides, largest),
        scenario.boundary,
        anode_side(scenario, float(row["reduction_limit_V"])),
    )


def _with_means(coatings: pd.DataFrame, low: float, high: float) -> pd.DataFrame:
    """Coatings with the mean of a curve between two potentials (V) as their sigma_ele."""
    ends = (np.full(len(coatings), end) for end in (low, high))
    means = pd.Series(means_between(coatings, *ends), coatings.index)
    return coatings.assign(sigma_ele_S_cm=means.fillna(coatings["sigma_ele_S_cm"]))


def _boundaries(sigma: partial[np.ndarray], spare: float) -> pd.DataFrame:
    """spare: what the coating may cost, ohm cm2 of its own area."""
    with np.errstate(divide="ignore"):
        sigma_ion = THICKNESS_NM * CM_PER_NM / np.float64(spare)
    return pd.DataFrame(
        {
            "coating_thickness_nm": THICKNESS_NM,
            "max_sigma_ele_S_cm": sigma(THICKNESS_NM * CM_PER_NM, sigma_ion, "oxidation"),
            "min_sigma_ele_S_cm": sigma(THICKNESS_NM * CM_PER_NM, sigma_ion, "reduction"),
            "min_sigma_ion_S_cm": sigma_ion,
        }
    )


def _frontier(largest: Callable[[np.ndarray], np.ndarray], spare: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "sigma_ion_S_cm": SIGMA_ION,
            "max_thickness_nm": SIGMA_ION * spare / CM_PER_NM,
            "max_sigma_ele_S_cm": largest(SIGMA_ION),
        }
    )


def _sigma_ele(
    electrolyte: Layer,
    window: Window,
    scenario: Scenario,
    thickness: np.ndarray,
    sigma_ion: np.ndarray,
    limit: str,
) -> np.ndarray:
    """sigma_ele at which E* is at a limit, the strictest over the states of charge, S/cm."""
    area = scenario.overrides.get("cathode.area_factor", 1.0)
    ends = [
        resolve_boundary(scenario.anode[1], E, window, choice=scenario.boundary)
        for E in scenario.cathode[1]
    ]
    at_states = [
        _at_limit(
            *jax.tree.map(
                np.asarray,  # a plain number would be a part of the program
                (
                    electrolyte,
                    getattr(window, limit),
                    end.E_anode,
                    end.E_cathode,
                    scenario.numbers["temperature_K"],
                    thickness / area,
                    sigma_ion,
                    contact_resistances(scenario.overrides, 2, area),
                ),
            )
        )
        for end in ends
    ]
    strictest = np.min if limit == "oxidation" else np.max
    return strictest(np.stack(at_states), axis=0)


@kept("map", QUICK_COMPILE)
def _at_limit(
    electrolyte: Layer,
    limit: Float[Array, ""],
    E_anode: Float[Array, ""],
    E_cathode: Float[Array, ""],
    temperature: Float[Array, ""],
    thickness: Float[Array, " points"],
    sigma_ion: Float[Array, " points"],
    contacts: tuple[Float[Array, ""], ...] | None,
) -> Float[Array, " points"]:
    def one(L: Float[Array, ""], s: Float[Array, ""]) -> Float[Array, ""]:
        coating = Layer(L, s, Constant(jnp.ones_like(s)))
        layers = (electrolyte, coating)
        stack = Stack(layers, E_anode, E_cathode, temperature, interface_asr=contacts)
        return max_sigma_ele(stack, limit)

    known = jnp.where(jnp.isnan(limit), E_anode, limit)
    resistance = jax.vmap(lambda L, s: one(L, s))(thickness, sigma_ion)
    return jnp.where(jnp.isnan(limit) | (known <= E_anode), 0.0, resistance)


def _placed(
    coatings: list[pd.DataFrame],
    overrides: Mapping[str, float],
    largest: Callable[[np.ndarray], np.ndarray],
) -> pd.DataFrame:
    """Materials as ranges, and where they stand on the map.

    coatings: with every value of the spec's axes. A range is that of the axis, where there is
    one among `overrides`, else that of the sources. largest: sigma_ele that protects at the
    thickest coating of a sigma_ion that the budget allows.
    """
    columns = {"name": coatings[0]["name"].to_numpy()}
    for kind in ("sigma_ion_S_cm", "sigma_ele_S_cm"):
        sigma = np.stack([table[kind].to_numpy(float) for table in coatings])
        library = coatings[0][f"{kind}_library"].to_numpy(float)
        scale = np.where(np.isnan(library), 1.0, sigma[0] / library)  # to the map's temperature
        for end, extreme in (("low", np.min), ("high", np.max)):
            values = coatings[0][f"{kind}_{end}"].to_numpy(float) * scale
            assumed = np.isnan(values) | (f"coating.{kind}" in overrides)
            columns[f"{kind}_{end}"] = np.where(assumed, extreme(sigma, axis=0), values)
    table = pd.DataFrame(columns).dropna(subset=["sigma_ion_S_cm_low"]).reset_index(drop=True)
    for end in ("low", "high"):
        table[f"max_sigma_ele_S_cm_{end}"] = largest(table[f"sigma_ion_S_cm_{end}"].to_numpy(float))
    table["place"] = [_place(row) for _, row in table.iterrows()]
    return table


def _place(row: pd.Series) -> str:
    """inside: every value of the range works; partly: some do; outside: none; unknown."""
    if np.isnan(row["sigma_ele_S_cm_low"]):
        return "unknown sigma_ele"
    if row["sigma_ele_S_cm_high"] <= row["max_sigma_ele_S_cm_low"]:
        return "inside"
    return "partly" if row["sigma_ele_S_cm_low"] <= row["max_sigma_ele_S_cm_high"] else "outside"
