"""The nested model of a conductivity: role, group, material, form, sample, reading.

    y = mean of the class + group + material + crystal (offset + material's own offset)
        + sample + reading error

All terms but the class means are normal; the spreads are hyperparameters, found by maximum
posterior (Laplace approximation of the marginal likelihood). Upper bounds enter as censored
observations: the probability that a sample lies below the bound. Given the spreads the effects have
a normal posterior whose mode is found by Newton's method; a predictive distribution is that of one
new sample of the material.

Classes: coating (insulating), active (redox-active oxides, for sigma_ele) and electrolyte. A d0
oxide of activity w has the mean (1 - w) insulating + w active, and w (1 - w) of the squared
distance of the two means in its variance: it is one or the other, which one is not known.
"""

from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from muli.candidates.evidence.chemistry import GROUPS, Chemistry

Array: TypeAlias = NDArray[np.float64]

CLASSES = ("coating", "active", "electrolyte")
SPREADS = ("group", "material", "material_active", "material_electrolyte", "sample",
           "sample_active", "sample_electrolyte", "crystal")  # fmt: skip


@dataclass(frozen=True)
class Spreads:
    """Standard deviations of the model in decades, by SPREADS, and the distance of the class means.

    Attributes:
        values: one per name of SPREADS.
        distance: mean of the active class minus that of the insulating one (0 before a first fit).
    """

    values: tuple[float, ...]
    distance: float = 0.0

    def __getitem__(self, name: str) -> float:
        return self.values[SPREADS.index(name)]


@dataclass(frozen=True)
class Normal:
    """A normal distribution of log10 sigma (S/cm)."""

    mean: float
    sd: float


@dataclass(frozen=True)
class Fit:
    """Posterior of the effects given the spreads.

    Attributes:
        mean, covariance: of all effects, shapes (n,) and (n, n); order of `names`.
        names: names of the effects.
        sample_factor: per material, its own sample spread over the common one.
        log_evidence: logarithm of the marginal likelihood (Laplace).
    """

    spreads: Spreads
    names: tuple[str, ...]
    mean: Array
    covariance: Array
    sample_factor: dict[str, float]
    log_evidence: float
    electronic: bool

    def predict(
        self, material: str | None, group: Chemistry, crystal: float, *, sample: bool = True
    ) -> Normal:
        """Distribution of one sample of a material (None: of a new material of the class)."""
        row, extra = row_of(self.names, material, group, crystal, self.spreads, self.electronic)
        variance = float(row @ self.covariance @ row) + extra
        if sample:
            factor = self.sample_factor.get(material or "", 1.0)
            variance += (factor * sample_spread(group, self.spreads, self.electronic)) ** 2
        return Normal(float(row @ self.mean), float(np.sqrt(variance)))


@cache
def _index(names: tuple[str, ...]) -> dict[str, int]:
    return {name: place for place, name in enumerate(names)}


def _insulating_group(group: Chemistry) -> str:
    return "insulating lithium oxide" if group.lithium else "oxide without lithium"


def _weights(group: Chemistry, electronic: bool) -> tuple[float, str]:
    """Weight of the active class, and the group for the rest.

    For ions an oxide without lithium counts as one with lithium, which it takes up.
    """
    if electronic and group.group == "oxide of a redox metal":
        return group.activity, _insulating_group(group)
    if not electronic and group.group == "oxide without lithium":
        return 0.0, "insulating lithium oxide"
    return 0.0, group.group


def material_spread(group: Chemistry, spreads: Spreads, electronic: bool) -> float:
    """Spread between materials of a class, decades; for a d0 oxide both classes by weight."""
    if GROUPS[group.group] == "electrolyte":
        return spreads["material_electrolyte"]
    weight, _ = _weights(group, electronic)
    between = weight * (1.0 - weight) * spreads.distance**2
    passive, active = spreads["material"], spreads["material_active"]
    return float(np.sqrt((1.0 - weight) * passive**2 + weight * active**2 + between))


def sample_spread(group: Chemistry, spreads: Spreads, electronic: bool) -> float:
    """Spread between samples of one material of a class, decades."""
    if GROUPS[group.group] == "electrolyte":
        return spreads["sample_electrolyte"]
    weight, _ = _weights(group, electronic)
    passive, active = spreads["sample"], spreads["sample_active"]
    return float(np.sqrt((1.0 - weight) * passive**2 + weight * active**2))


def row_of(
    names: tuple[str, ...],
    material: str | None,
    group: Chemistry,
    crystal: float,
    spreads: Spreads,
    electronic: bool,
) -> tuple[Array, float]:
    """Coefficients of the effects for a sample, and the variance of effects that are not fitted."""
    index = _index(names)
    row = np.zeros(len(names))
    weight, rest = _weights(group, electronic)
    role = GROUPS[group.group]
    row[index[f"class {role}"]] += 1.0 - weight
    row[index["class active"]] += weight
    row[index[f"group {rest}"]] += 1.0 - weight
    extra = 0.0
    if f"material {material}" in index:
        row[index[f"material {material}"]] = 1.0
    else:
        extra += material_spread(group, spreads, electronic) ** 2
    if role == "coating":
        row[index["crystal"]] = crystal
        if f"crystal {material}" in index:
            row[index[f"crystal {material}"]] = crystal
        else:
            extra += (crystal * spreads["crystal"]) ** 2
    return row, extra
