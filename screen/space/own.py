"""Properties of one material: `"LiNbO3.sigma_ele_S_cm"` in `[axes]` and `[uncertainty]`.

Such a key gives a property of the material of that name in every role; `coating.*` and
`electrolyte.*` give it to every material of the role. Where a spec has both, the key
with the name counts. A name may be an alias.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import pandas as pd

from muli.candidates.names import find
from muli.screen.space.layered import JOINT
from muli.screen.spec import Spec
from muli.screen.spec.names import closest, shown
from muli.screen.spec.quantities import PROPERTIES, ROLES_WITH_PROPERTIES, material_of


class Own(NamedTuple):
    """A key of one material, and the position of that material on the axis of its role."""

    key: str
    position: int


def keys(spec: Spec) -> list[str]:
    """All keys of single materials in a spec."""
    drawn = spec.uncertainty.distributions if spec.uncertainty else {}
    return [key for key in dict.fromkeys([*spec.axes.others, *drawn]) if material_of(key)]


def is_of(key: str, name: str) -> bool:
    """Whether a key is of the material of this name."""
    material = material_of(key)
    return material is not None and name in (material, find(material))


def places(asked: Iterable[str], frames: Mapping[str, pd.DataFrame]) -> dict[str, tuple[Own, ...]]:
    """Keys of single materials by `role.property`, with the position on the role's axis.

    Of a coating of several layers the roles are `coating_1` and so on.
    """
    by_property: dict[str, tuple[Own, ...]] = {}
    for key in asked:
        for role in _roles(frames):
            for index, name in enumerate(frames[role]["name"]):
                for layer, material in _layers(role, name):
                    if is_of(key, material):
                        property_key = f"{layer}.{key.rpartition('.')[2]}"
                        by_property[property_key] = (
                            *by_property.get(property_key, ()),
                            Own(key, index),
                        )
    return by_property


def _roles(frames: Mapping[str, pd.DataFrame]) -> list[str]:
    """Roles of layers that this screen has."""
    return [role for role in ROLES_WITH_PROPERTIES if role in frames]


def _layers(role: str, name: str) -> list[tuple[str, str]]:
    """Role and material of each layer: `coating_1` and so on where a coating has several."""
    parts = name.split(JOINT)
    return (
        [(f"{role}_{k}", part) for k, part in enumerate(parts, 1)] if parts[1:] else [(role, name)]
    )


def problems(spec: Spec, frames: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    """Problems: keys whose material is on no axis, two keys for one property of a material."""
    joined = [name for role in _roles(frames) for name in frames[role]["name"]]
    names = [name for coating in joined for name in coating.split(JOINT)]
    seen: dict[tuple[str, str], str] = {}
    for key in keys(spec):
        material, name = str(material_of(key)), key.rpartition(".")[2]
        if not any(is_of(key, known) for known in names):
            near = closest(material, [*ROLES_WITH_PROPERTIES, *names])
            yield f"{shown(key)}: no coating or electrolyte on the axes is called {material}{near}"
        values = spec.axes.others.get(key)
        single = name.endswith(("_activation_eV", "_temperature_K"))
        if single and values is not None and len(values) > 1:
            yield f"{shown(key)}: {len(values)} values; of one material it takes one"
        first = seen.setdefault((find(material) or material, name), key)
        if first != key:
            yield f"{shown(key)}: {first} gives the same property; leave one of them out"


def replaced(spec: Spec, frames: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    """Notes: keys of a whole role that take the place of measured values."""
    for key in spec.axes.others:
        role, _, name = key.partition(".")
        if role not in _roles(frames) or name not in PROPERTIES:
            continue
        evidence = f"evidence_{name.removesuffix('_S_cm')}"
        frame = frames[role]
        if evidence not in frame or len(frame) < 2:
            continue
        measured = frame["name"][frame[evidence] == "measured"].tolist()
        if measured:
            first = ", ".join([*measured[:3], *(["..."] if measured[3:] else [])])
            yield (
                f'axes."{key}" takes the place of measured values, too: of {len(measured)} of '
                f'{len(frame)} materials ({first}); "NAME.{name}" gives that of one'
            )
