"""Distributions for coatings of several layers: for every layer, and for contacts of layers.

Every layer has the distributions of its own material, as if it were the coating of the cell. The
energy of the reaction between two layers is that of a column `reaction_energy_NAME_meV_atom` of
either material; where no table has one, energies with an electrolyte of the other layer's class (an
oxide, a halide or a sulfide) stand for it, widened by how much the two layers differ.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from muli.candidates.evidence import evidence
from muli.candidates.evidence.chemistry import chemistry
from muli.candidates.evidence.endured import allowance_class, reaction_limit
from muli.candidates.evidence.limits import REACTION_ERROR_MEV
from muli.screen.space import layered
from muli.screen.space.belief import Belief
from muli.screen.space.evidence import Beliefs, beliefs, pooled
from muli.screen.space.facts import Values, Words, words
from muli.screen.space.layout import COATING
from muli.screen.space.problem import Problem

LIKE = {
    "oxide": ("Li7La3Zr2O12",),
    "open shell": ("Li7La3Zr2O12",),
    "halide": ("Li3InCl6",),
    "sulfide": ("Li6PS5Cl", "Li3PS4"),
}
"""Electrolytes that stand for a layer of their class where two layers touch."""
_SHOWN = ("sigma_ion", "sigma_ele")


@dataclass(frozen=True)
class LayeredBeliefs:
    """Distributions of a screen of coatings of several layers.

    layers: of each layer, first that at the electrolyte. touching: reaction energy (meV/atom)
    between a layer and the next, fields of `axes` (coating,), one for each contact; limit: R.
    same: whether two layers are of one material, (coatings, layers, layers). columns: what a row
    shows of its coating.
    """

    layers: tuple[Beliefs, ...]
    touching: tuple[Belief, ...]
    limit: Belief
    same: NDArray[np.bool_]
    columns: Mapping[str, Values | Words]


def layered_beliefs(problem: Problem) -> LayeredBeliefs:
    """All layers of a problem's coatings."""
    frame = problem.materials.frames[COATING]
    frames = [layered.layer_of(frame, k) for k in range(1, problem.layers + 1)]
    layer_problems = [_with_coatings(problem, layer) for layer in frames]
    layers = tuple(beliefs(layer) for layer in layer_problems)
    names = np.array([layer["name"] for layer in frames], dtype=object).T
    from_spec, limit = problem.spec.ranking.reaction_limit_meV_atom, reaction_limit().of_new
    exact = (limit.mean, limit.sd) if from_spec is None else (from_spec, 0.0)
    return LayeredBeliefs(
        layers,
        tuple(_touching(*pair) for pair in pairwise(layer_problems)),
        Belief((), *(np.asarray(value, float) for value in exact)),
        names[:, :, None] == names[:, None, :],
        _columns(layers),
    )


def _with_coatings(problem: Problem, frame: Any) -> Problem:
    """The same screen with the materials of one layer as its coatings."""
    frames = {**problem.materials.frames, COATING: frame}
    return replace(problem, materials=replace(problem.materials, frames=frames))


def _touching(inner: Problem, outer: Problem) -> Belief:
    """Reaction energy between two layers, of every coating."""
    rows = zip(inner.records[COATING], outer.records[COATING], strict=True)
    table = np.array([_pair(*pair) for pair in rows]).reshape(-1, 2)
    return Belief((COATING,), table[:, 0], table[:, 1])


def _pair(inner: Mapping[Any, Any], outer: Mapping[Any, Any]) -> tuple[float, float]:
    """Mean and deviation of the reaction energy of two touching layers, meV/atom."""
    if inner["name"] == outer["name"]:
        return 0.0, 0.0
    pairs = ((inner, outer), (outer, inner))
    energies = [
        row.get(f"reaction_energy_{other['name']}_meV_atom", np.nan) for row, other in pairs
    ]
    if not np.isnan(energies).all():
        return float(np.nanmin(energies)), REACTION_ERROR_MEV
    estimates = [
        pooled(evidence(row, own=False), "energy", LIKE[_class(other)]) for row, other in pairs
    ]
    mean, sd = np.array(estimates).T
    return float(mean.mean()), float(np.sqrt((sd**2).mean() + mean.var()))


def _class(row: Mapping[Any, Any]) -> str:
    family = row["family"] if isinstance(row["family"], str) else ""
    return allowance_class(chemistry(row["formula"], "coating", family, name=row["name"]))


def _columns(found: Sequence[Beliefs]) -> dict[str, Values | Words]:
    """Distributions of each layer's conductivities; for the whole coating only the evidence."""
    count = len(found[0].columns["sigma_ele_basis"].codes)  # type: ignore[union-attr]
    columns: dict[str, Values | Words] = {"sources_in_cells": _numbers(np.zeros(count))}
    for kind in ("sigma_ion", "sigma_ele"):
        basis = []
        for k, layer in enumerate(found, 1):
            for name in (f"{kind}_median_S_cm", f"{kind}_decades"):
                columns[name] = _numbers(np.full(count, np.nan))
                columns[f"coating_{k}_{name}"] = layer.columns[name]
            known = layer.columns[f"{kind}_basis"]
            assert isinstance(known, Words)
            basis.append([known.words[code] for code in known.codes])
        joined = [layered.JOINT.join(parts) for parts in zip(*basis, strict=True)]
        columns[f"{kind}_basis"] = words((COATING,), np.array(joined, dtype=object))
    return columns


def _numbers(values: NDArray[np.float64]) -> Values:
    return Values((COATING,), values)
