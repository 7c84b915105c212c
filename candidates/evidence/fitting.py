"""Fitting the nested model: spreads by maximum posterior, effects by Newton's method.

The marginal likelihood of the spreads is taken in Laplace's approximation: exact where every
observation is a value, good where some are bounds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import log_ndtr

from muli.candidates.evidence.chemistry import GROUPS
from muli.candidates.evidence.nested import (
    CLASSES,
    SPREADS,
    Array,
    Fit,
    Spreads,
    material_spread,
    row_of,
    sample_spread,
)
from muli.candidates.evidence.observations import Observation

_CENTRES = (1.0, 1.5, 2.0, 1.0, 0.6, 1.0, 0.4, 2.5)
"""Centre of the weak prior of each spread of SPREADS, decades."""
_PRIOR_WIDTH = 0.5
"""Width of the priors of the spreads, natural logarithm: a factor of 1.6."""
_CLASS_MEAN = {"coating": -9.0, "active": -9.0, "electrolyte": -6.0}
_CLASS_MEAN_SD = 5.0
_CRYSTAL_OFFSET = (-2.0, 3.0)
_OWN_VARIANCE_WEIGHT = 2.0
"""Weight of the common sample variance against a material's own, in values."""
_BOUND_SOFTNESS = 0.3
"""Least spread of a sample against its bound, decades."""
_LARGEST_ROW = 6
"""How many effects a sample depends on at most."""
_ROUNDS = 6
_STEP = 1e-4


def fit(observations: Sequence[Observation], spreads: Spreads | None = None) -> Fit:
    """Fit the model; if `spreads` are given they are kept and only the effects are fitted.

    The materials' own sample variances and the distance of the class means depend on the fit;
    fit and update alternate.

    Args:
        observations: values and bounds of one property.
        spreads: spreads of an earlier fit.
    """
    problem = _Problem.of(observations)
    current = spreads or Spreads(_CENTRES)
    factors: dict[str, float] = {}
    fitted = problem.effects(current, factors)
    for _ in range(_ROUNDS):
        if spreads is None:
            current = _best_spreads(problem, replace(current, distance=_distance(fitted)), factors)
        fitted = problem.effects(current, factors)
        factors = _own_factors(observations, fitted)
    return problem.effects(current, factors)


def _distance(found: Fit) -> float:
    if not found.electronic:
        return 0.0
    means = dict(zip(found.names, found.mean, strict=True))
    return float(means["class active"] - means["class coating"])


def _best_spreads(problem: "_Problem", start: Spreads, factors: dict[str, float]) -> Spreads:
    centre = np.log(np.array(_CENTRES))

    def loss(logs: Array) -> float:
        trial = Spreads(tuple(np.exp(logs)), start.distance)
        penalty = 0.5 * float(np.sum(((logs - centre) / _PRIOR_WIDTH) ** 2))
        return penalty - problem.effects(trial, factors).log_evidence

    from scipy.optimize import minimize  # half a second to import

    result = minimize(
        loss, np.log(np.array(start.values)), method="L-BFGS-B",
        options={"maxiter": 40, "ftol": 1e-10, "eps": _STEP},
    )  # fmt: skip
    return Spreads(tuple(float(value) for value in np.exp(result.x)), start.distance)


def _own_factors(observations: Sequence[Observation], found: Fit) -> dict[str, float]:
    """Each material's sample spread over the common one, shrunk towards 1."""
    squares: dict[str, list[float]] = {}
    for observation in observations:
        if observation.bound or observation.error > 0.5:
            continue
        expected = found.predict(
            observation.material, observation.chemistry, observation.crystal, sample=False
        )
        spread = sample_spread(observation.chemistry, found.spreads, found.electronic)
        deviation = (observation.log10_value - expected.mean) / spread
        squares.setdefault(observation.material, []).append(deviation**2)
    weight = _OWN_VARIANCE_WEIGHT
    return {
        material: float(np.sqrt((weight + sum(own)) / (weight + len(own))))
        for material, own in squares.items()
        if len(own) > 1
    }


@dataclass(frozen=True)
class _Problem:
    """The observations as arrays; what does not depend on the spreads is prepared once."""

    observations: tuple[Observation, ...]
    names: tuple[str, ...]
    places: Any
    weights: Array
    values: Array
    bound: Any
    electronic: bool

    @classmethod
    def of(cls, observations: Sequence[Observation]) -> "_Problem":
        """Arrays of the observations of one property; at least one observation."""
        electronic = observations[0].prop == "sigma_ele_S_cm"
        names = _names(observations)
        unit = Spreads((1.0,) * len(SPREADS))
        rows = np.stack(
            [
                row_of(names, o.material, o.chemistry, o.crystal, unit, electronic)[0]
                for o in observations
            ]
        )
        places = np.argsort(rows == 0.0, axis=1, kind="stable")[:, :_LARGEST_ROW]
        weights = np.take_along_axis(rows, places, axis=1)
        values = np.array([o.log10_value for o in observations])
        bound = np.array([o.bound for o in observations])
        return cls(tuple(observations), names, places, weights, values, bound, electronic)

    def effects(self, spreads: Spreads, factors: dict[str, float]) -> Fit:
        """Mode and covariance of the effects, and the marginal likelihood."""
        mean, sd = self._prior(spreads)
        noise = np.array(
            [self._noise(observation, spreads, factors) for observation in self.observations]
        )
        effects = mean.copy()
        for _ in range(50):
            slope, curvature, likelihood = _likelihood(self, self._expected(effects), noise)
            factor = cho_factor(self._hessian(sd, curvature), lower=True, check_finite=False)
            gradient = self._pulled(slope) - (effects - mean) / sd**2
            step = cho_solve(factor, gradient, check_finite=False)
            effects = effects + step
            if np.max(np.abs(step)) < 1e-7:
                break
        deviation = float(np.sum(((effects - mean) / sd) ** 2))
        prior = -0.5 * deviation - float(np.sum(np.log(sd)))
        log_determinant = 2.0 * float(np.log(np.diag(factor[0])).sum())
        evidence = float(likelihood.sum()) + prior - 0.5 * log_determinant
        covariance = cho_solve(factor, np.eye(len(mean)), check_finite=False)
        return Fit(
            spreads, self.names, effects, covariance, dict(factors), evidence, self.electronic
        )

    def _expected(self, effects: Array) -> Array:
        return (self.weights * effects[self.places]).sum(axis=1)

    def _pulled(self, slope: Array) -> Array:
        pulled = (self.weights * slope[:, None]).ravel()
        return np.asarray(np.bincount(self.places.ravel(), pulled, len(self.names)), float)

    def _hessian(self, sd: Array, curvature: Array) -> Array:
        """Precision of the effects: a sample depends on six of them at most."""
        count = len(self.names)
        pairs = self.places[:, :, None] * count + self.places[:, None, :]
        products = curvature[:, None, None] * self.weights[:, :, None] * self.weights[:, None, :]
        summed = np.bincount(pairs.ravel(), products.ravel(), count * count)
        return np.asarray(summed.reshape(count, count) + np.diag(1.0 / sd**2))

    def _prior(self, spreads: Spreads) -> tuple[Array, Array]:
        classes = {observation.material: observation.chemistry for observation in self.observations}
        mean, sd = np.zeros(len(self.names)), np.ones(len(self.names))
        for place, name in enumerate(self.names):
            kind, _, rest = name.partition(" ")
            if kind == "class":
                mean[place], sd[place] = _CLASS_MEAN[rest], _CLASS_MEAN_SD
            elif name == "crystal":
                mean[place], sd[place] = _CRYSTAL_OFFSET
            elif kind == "group":
                sd[place] = spreads["group"]
            elif kind == "material":
                sd[place] = material_spread(classes[rest], spreads, self.electronic)
            else:
                sd[place] = spreads["crystal"]
        return mean, sd

    def _noise(self, each: Observation, spreads: Spreads, factors: dict[str, float]) -> float:
        own = factors.get(each.material, 1.0)
        own *= sample_spread(each.chemistry, spreads, self.electronic)
        least = _BOUND_SOFTNESS if each.bound else 0.0
        return float(np.hypot(max(own, least), each.error))


def _names(observations: Sequence[Observation]) -> tuple[str, ...]:
    """Names of all effects: classes, the crystal offset, groups, materials, their own offsets."""
    coatings = [
        observation
        for observation in observations
        if GROUPS[observation.chemistry.group] == "coating"
    ]
    materials = dict.fromkeys(observation.material for observation in observations)
    crystals = dict.fromkeys(
        observation.material for observation in coatings if observation.crystal > 0
    )
    return (
        *(f"class {name}" for name in CLASSES),
        "crystal",
        *(f"group {name}" for name in GROUPS),
        *(f"material {name}" for name in materials),
        *(f"crystal {name}" for name in crystals),
    )


def _likelihood(problem: _Problem, expected: Array, noise: Array) -> tuple[Array, Array, Array]:
    """Slope and curvature (positive) of the log likelihood in the expected value, and its value."""
    z = (problem.values - expected) / noise
    ratio = np.exp(-0.5 * z**2 - log_ndtr(z)) / np.sqrt(2.0 * np.pi)
    slope = np.where(problem.bound, -ratio, z) / noise
    curvature = np.where(problem.bound, ratio * (ratio + z), 1.0) / noise**2
    value = np.where(problem.bound, log_ndtr(z), -0.5 * z**2 - np.log(noise))
    return slope, np.maximum(curvature, 1e-12), value
