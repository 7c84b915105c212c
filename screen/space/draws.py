"""Draws of a screen's uncertain properties, made once on the host for all of its stacks.

The points are those of `muli design` for the same seed. After them come the further points that
Sobol indices need (A. Saltelli et al., Comput. Phys. Commun. 181, 259 (2010)): a second sample, and
the first with one factor at a time taken from the second.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from muli.screen.errors import SpecError
from muli.screen.space.distributions import factors, loadings, normal_scores, quantile
from muli.screen.space.own import places
from muli.screen.spec import Source
from muli.screen.spec.quantities import ROLES_WITH_PROPERTIES, material_of
from muli.screen.vocabulary import DRAWN_PROBABILITIES, PERCENTILES, SHARES

Floats = NDArray[np.float64]
Frames = Mapping[str, pd.DataFrame]
Distributions = Mapping[str, Mapping[str, Any]]

SLOPES = ("z_n", "z_p")
BRANCHES = ("sigma_0_S_cm", "sigma_n_S_cm", "sigma_p_S_cm", "E_n_V", "E_p_V")


@dataclass(frozen=True)
class Draws:
    """`values` by quoted key, (materials, points): `count` draws, then those of Sobol indices.

    Where every material has the same distribution there is one row for all. `slopes` by quoted
    key, (factors, materials, count): d value/d normal score of each of `factors`.
    """

    count: int
    factors: tuple[str, ...]
    values: dict[str, Floats]
    slopes: dict[str, Floats]

    @property
    def points(self) -> int:
        """Draws and what Sobol indices need beside them."""
        return self.count * (len(self.factors) + 2)

    @property
    def columns(self) -> tuple[str, ...]:
        """Result columns that uncertainty adds, see `muli.screen.engine.confidence`."""
        shares = [f"{kind}_{label(f)}" for kind in SHARES for f in self.factors]
        return (*DRAWN_PROBABILITIES, *PERCENTILES, *shares)


BLOCK_OF_DRAWS = 64
"""Thicknesses computed together where a line is drawn many times; see BLOCK of the engine."""


def label(factor: str) -> str:
    """A factor as part of a column's name: `coating_sigma_ele`, `film_density`."""
    return re.sub(r"\W+", "_", re.sub(r"_(S_cm|eV|V)$", "", factor))


def medians(distributions: Distributions) -> dict[str, Floats]:
    """Values at which the numbers of a row are computed: the median of each property, those drawn
    between values of the literature left out."""
    return {
        key: np.array([float(quantile(spec, 0.0)[0])])
        for key, spec in distributions.items()
        if "literature" not in spec
    }


def draws(source: Source, frames: Frames) -> Draws | None:
    """The draws of a screen; None where nothing is uncertain. Raises `SpecError`."""
    uncertainty = source.spec.uncertainty
    if uncertainty is None or not uncertainty.distributions:
        return None
    distributions = uncertainty.distributions
    if problems := list(_problems(source)):
        raise SpecError(source.name, problems)
    matrix, names = loadings(distributions), factors(distributions)
    active = np.flatnonzero(np.abs(matrix).max(axis=0) > 0)
    scores = _points(
        normal_scores(len(names), uncertainty.draws, uncertainty.seed), active, uncertainty.seed
    )
    values, slopes = {}, {}
    for key, spec, load in zip(distributions, distributions.values(), matrix, strict=True):
        ends = _literature(frames, key) if "literature" in spec else None
        x, slope = (np.atleast_2d(array) for array in quantile(spec, scores @ load, ends))
        values[key], slope = x, slope[:, : uncertainty.draws]
        slopes[key] = load[active][:, None, None] * slope[None]
        if key.endswith("_S_cm") and not np.all((x > 0) | np.isnan(x)):
            word = f"uncertainty.{key}: some draws are not above zero; take lognormal or loguniform"
            raise SpecError(source.name, [word])
    return Draws(uncertainty.draws, tuple(names[f] for f in active), values, slopes)


def _points(first: Floats, used: NDArray[np.intp], seed: int) -> Floats:
    """(points, factors): the draws, a second sample, and the first with one factor exchanged."""
    dimension = first.shape[1]
    second = normal_scores(2 * dimension, len(first), seed + 1)[:, dimension:]
    mixed = [np.where(np.arange(dimension) == factor, second, first) for factor in used]
    return np.concatenate([first, second, *mixed])


def _literature(frames: Frames, key: str) -> tuple[Floats, Floats]:
    """Lowest and highest value of every material's sources, (materials, 1)."""
    role, _, name = key.rpartition(".")
    table = _named(frames, key) if material_of(key) else frames[role]
    low, high = (
        pd.to_numeric(table[f"{name}_{end}"], errors="coerce").to_numpy(float)[:, None]
        if f"{name}_{end}" in table
        else np.full((len(table), 1), np.nan)
        for end in ("low", "high")
    )
    return low, high


def _named(frames: Frames, key: str) -> pd.DataFrame:
    """The row of the material of a key; an empty one where a filter removed it from its axis."""
    for role, (own, *_) in places([key], frames).items():
        return frames[role.partition(".")[0]].iloc[[own.position]]
    return pd.DataFrame(index=[0])


def _problems(source: Source) -> Iterator[str]:
    """Properties that a screen cannot draw."""
    spec = source.spec
    for key in spec.uncertainty.distributions if spec.uncertainty else ():
        role, _, name = key.rpartition(".")
        if role not in ROLES_WITH_PROPERTIES and not material_of(key):
            yield f"uncertainty.{key}: draws are of properties of the coating or the electrolyte"
        elif name in SLOPES:
            yield f"uncertainty.{key}: a slope is not drawn in a screen; run one screen per slope"
        elif name in BRANCHES and spec.screen.law == "constant":
            yield f'uncertainty.{key}: screen.law = "constant" has no such number to draw'
        if key in spec.axes.others:
            yield f"uncertainty.{key}: also an axis; leave one of them out"
