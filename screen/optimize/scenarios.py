"""Scenarios of a design or map: everything that is not a choice, and the materials at each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd

from muli.kernels import BoundaryChoice
from muli.screen.space.conductivity import at_temperature
from muli.screen.space.distributions import quantile
from muli.screen.space.own import is_of
from muli.screen.spec import Spec


@dataclass(frozen=True)
class Scenario:
    """One combination of everything that is not a choice; `overrides` by quoted key."""

    electrolyte: str
    cathode: tuple[str, tuple[float, ...]]
    anode: tuple[str, float]
    numbers: Mapping[str, float]
    overrides: Mapping[str, float]
    boundary: BoundaryChoice


def scenarios(spec: Spec, materials: Mapping[str, pd.DataFrame]) -> Iterator[Scenario]:
    """Every combination of the spec's axes but the coating and its thickness."""
    axes = spec.axes
    varied = spec.design.variables if spec.design else {}
    numbers = {
        "electrolyte_thickness_um": axes.electrolyte_thickness_um.values(),
        "temperature_K": axes.temperature_K.values(),
        "current_density_mA_cm2": axes.current_density_mA_cm2.values(),
    }
    if varied and "coating_thickness_nm" not in varied and axes.coating_thickness_nm is not None:
        numbers["coating_thickness_nm"] = axes.coating_thickness_nm.values()
    overrides = {key: axis.values() for key, axis in axes.others.items()}
    overrides |= {k: np.asarray([x]) for k, x in central(spec).items() if k not in overrides}
    for electrolyte, cathode, anode, boundary in product(
        materials["electrolyte"]["name"],
        _cathodes(spec, materials),
        _anodes(spec, materials),
        spec.screen.boundary,
    ):
        for point in product(*numbers.values()):
            for values in product(*overrides.values()):
                yield Scenario(
                    electrolyte,
                    cathode,
                    anode,
                    dict(zip(numbers, map(float, point), strict=True)),
                    dict(zip(overrides, map(float, values), strict=True)),
                    boundary,
                )


def central(spec: Spec) -> dict[str, float]:
    """The median of every property that is drawn: the values that a design is read with."""
    drawn = spec.uncertainty.distributions if spec.uncertainty else {}
    return {
        key: float(quantile(distribution, 0.0)[0])
        for key, distribution in drawn.items()
        if "literature" not in distribution
    }


def _cathodes(
    spec: Spec, materials: Mapping[str, pd.DataFrame]
) -> list[tuple[str, tuple[float, ...]]]:
    """(name, potentials): charged and discharged where a material is named."""
    if spec.axes.cathode_potential_V is not None:
        return [(f"{E:g} V", (float(E),)) for E in spec.axes.cathode_potential_V.values()]
    frame = materials["cathode"]
    states = zip(frame["charged_potential_V"], frame["discharged_potential_V"], strict=True)
    return [(n, tuple(map(float, E))) for n, E in zip(frame["name"], states, strict=True)]


def _anodes(spec: Spec, materials: Mapping[str, pd.DataFrame]) -> list[tuple[str, float]]:
    if spec.axes.anode_potential_V is not None:
        return [(f"{E:g} V", float(E)) for E in spec.axes.anode_potential_V.values()]
    frame = materials["anode"]
    return [(n, float(E)) for n, E in zip(frame["name"], frame["average_potential_V"], strict=True)]


def tables_at(materials: Mapping[str, pd.DataFrame], scenario: Scenario) -> dict[str, pd.DataFrame]:
    """Coatings and electrolytes with the scenario's values, conductivities at its temperature."""
    tables = {}
    for role in ("coating", "electrolyte"):
        frame = materials[role].copy()
        for key, value in scenario.overrides.items():
            owner, _, name = key.partition(".")
            if owner == role:
                frame[name] = value
        tables[role] = _own_values(frame, role, scenario)
    return tables


def _own_values(frame: pd.DataFrame, role: str, scenario: Scenario) -> pd.DataFrame:
    """The table with what the scenario gives to single materials, at its temperature."""
    temperature, columns = scenario.numbers["temperature_K"], typed(scenario, role)
    own = {
        material: values
        for material in frame["name"]
        if (values := {k: v for k, v in scenario.overrides.items() if is_of(k, material)})
    }
    parts = [at_temperature(frame[~frame["name"].isin(own)], temperature, columns)]
    for material, values in own.items():
        row = frame.loc[[material]].copy()
        named = {key.rpartition(".")[2]: value for key, value in values.items()}
        for name, value in named.items():
            row[name] = value
        parts.append(at_temperature(row, temperature, columns | named.keys()))
    return pd.concat(parts).loc[frame.index] if own else parts[0]


def typed(scenario: Scenario, role: str) -> frozenset[str]:
    """Columns of a role whose values a scenario gives."""
    keys = (key.partition(".") for key in scenario.overrides)
    return frozenset(name for owner, _, name in keys if owner == role)


def anode_side(scenario: Scenario, reduction_limit: float) -> float:
    """Potential at the electrolyte's anode side, V: the anode's, or the limit that holds it."""
    E = scenario.anode[1]
    pinned = scenario.boundary != "electrode" and reduction_limit > E
    return reduction_limit if pinned else E
