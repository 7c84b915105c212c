"""Coatings of several layers in a screen: one row of the table of coatings for each stack of films.

A coating `["LiNbO3", "Li3PO4"]` (first the layer at the electrolyte) stands in the table of
coatings as one material named `LiNbO3 | Li3PO4`. Properties of the whole follow from its layers:
the narrowest window, the reaction energy of the layer that touches the electrolyte or the cathode.
The numbers that stacks are built from are kept by layer, in columns with the prefix `layer_1.` and
so on.
The thicknesses of the layers are one axis together, all combinations by rising sum.
Probabilities are those of `engine.layered_probabilities`.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from muli.screen.errors import SpecError
from muli.screen.spec import Source, Spec
from muli.screen.spec.axes import LayerNumbers

JOINT = " | "
"""Separator between the names of layers."""
_REACTION = "reaction_energy_"


def prefix(layer: int) -> str:
    """Prefix of the columns of a layer; layers are counted from 1 at the electrolyte."""
    return f"layer_{layer}."


def composed(single: pd.DataFrame, stacks: Sequence[Sequence[int]]) -> pd.DataFrame:
    """One row for each stack of layers, given by the positions of its materials in `single`."""
    layers = [
        single.iloc[[stack[k] for stack in stacks]].reset_index(drop=True)
        for k in range(len(stacks[0]))
    ]
    whole = pd.DataFrame(
        {name: _whole([layer[name] for layer in layers]) for name in single.columns}
    )
    whole["name"] = [JOINT.join(names) for names in zip(*(k["name"] for k in layers), strict=True)]
    known = [layer.apply(pd.to_numeric, errors="coerce") for layer in layers]
    for name, narrowest in (("oxidation_limit_V", np.minimum), ("reduction_limit_V", np.maximum)):
        whole[name] = narrowest.reduce([layer[name].to_numpy(float) for layer in known])
    own = {
        f"{prefix(k + 1)}{name}": layer[name].to_numpy()
        for k, layer in enumerate(layers)
        for name in single.columns
    }
    return pd.concat([whole, pd.DataFrame(own)], axis=1)


def layer_of(frame: pd.DataFrame, layer: int) -> pd.DataFrame:
    """The materials of one layer of composed coatings, one row for each coating."""
    own = [name for name in frame if str(name).startswith(prefix(layer))]
    return frame[own].rename(columns=lambda name: str(name).removeprefix(prefix(layer)))


def _whole(values: Sequence[pd.Series]) -> pd.Series:
    """Values that all layers share; words that differ are joined, numbers that differ are NaN."""
    first, *others = values
    same = np.logical_and.reduce([(first == k) | (first.isna() & k.isna()) for k in others])
    if pd.api.types.is_numeric_dtype(first):
        return first.where(same)
    words = [JOINT.join(map(str, of_layers)) for of_layers in zip(*values, strict=True)]
    return first.where(same, pd.Series(words, dtype=object))


def touch(frames: dict[str, pd.DataFrame], layers: int) -> None:
    """Give composed coatings the reaction energies of the layer that touches each material."""
    coating = frames["coating"]
    for role, layer in (("electrolyte", 1), ("cathode", layers)):
        for name in frames[role]["name"] if role in frames else ():
            column = f"{_REACTION}{name}_meV_atom"
            if prefix(layer) + column in coating:
                coating[column] = coating[prefix(layer) + column]


def thicknesses(spec: Spec) -> NDArray[np.float64] | None:
    """Thickness (nm) of every layer at every point of the joint axis: (points, layers)."""
    axis = spec.axes.coating_thickness_nm
    return axis.by_layer() if isinstance(axis, LayerNumbers) else None


def refuse_layers(source: Source) -> None:
    """Refuse what does not fit the layers of coatings. Raises `SpecError`."""
    spec = source.spec
    layers = spec.axes.coating.layers
    axis = spec.axes.coating_thickness_nm
    count = len(axis.layers) if isinstance(axis, LayerNumbers) else 1
    problems = []
    if count != layers and (axis is not None or layers > 1):
        problems.append(
            f"axes.coating_thickness_nm: {count} axis for a coating of {layers} layers; give one "
            f"for each: [{', '.join(['[1, 2, 5]'] * layers)}], first that of the layer at the "
            "electrolyte"
            if layers > 1
            else "axes.coating_thickness_nm: one axis for each layer, but axes.coating has single "
            'layers; name all of them: coating = [["LiNbO3", "Li3PO4"]]'
        )
    problems += _refused(spec)
    if problems:
        raise SpecError(source.name, problems)


def readied(source: Source) -> Source:
    """A spec as it is screened: with an anode coating, and with branches in coatings of several
    layers, without probabilities. Raises `SpecError` as `refuse_layers` does."""
    refuse_layers(source)
    spec = source.spec
    several = spec.axes.coating.layers > 1 and spec.screen.law != "constant"
    if spec.screen.missing != "prior" or not (several or spec.axes.anode_coating is not None):
        return source
    screen = spec.screen.model_copy(update={"missing": "status"})
    return Source(spec.model_copy(update={"screen": screen}), source.name, source.folder)


def _refused(spec: Spec) -> list[str]:
    """Keys that a screen takes for one coating of one layer only."""
    several = "not for coatings of several layers; "
    if spec.axes.coating.layers == 1:
        if spec.axes.anode_coating is None:
            return []
        several = "not with an anode coating; "
    refused = {
        'screen.law = "table"': spec.screen.law == "table"
        and spec.axes.coating.layers > 1
        and 'use "branches" or "constant", or `muli solve`, which takes any',
        'screen.missing = "decades"': spec.screen.missing == "decades"
        and 'give values as axes, such as "coating.sigma_ele_S_cm"',
        "[uncertainty]": spec.uncertainty is not None and "leave it out",
        "[ageing]": spec.ageing is not None and "leave it out, or use `muli age FILE.json`",
    }
    return [f"{name}: {several}{way}" for name, way in refused.items() if way]


def notes(spec: Spec) -> list[str]:
    """Notes of a run with more coatings than one."""
    notes = []
    if spec.axes.anode_coating is not None:
        notes.append(
            "with an anode coating there are no probabilities: they rest on one coating, at the "
            "cathode. Resistances count both coatings; interface.anode_electrolyte_asr_ohm_cm2 "
            "lies between the anode's coating and the electrolyte"
        )
    if spec.axes.coating.layers == 1:
        return notes
    if spec.screen.law != "constant":
        notes.append("coatings of several layers have probabilities with constant laws only")
    return [
        *notes,
        "coatings of several layers: coating_thickness_nm is the sum of the layers, "
        "min_thickness_nm that of the layer at the electrolyte beside the others as they are; the "
        "recommended thickness is one of the combinations of the spec. Where no reaction energy of "
        "two layers is known, those with an electrolyte of the other's class stand for it",
    ]
