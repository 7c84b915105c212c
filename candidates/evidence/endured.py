"""How far past its computed limits a coating lasts: the allowance A and the reaction limit R.

Oxidation past the computed limit is slow, and small reaction energies have no visible effect. The
table `reality/endured.csv` lists potentials beyond the limit and reaction energies with which cells
worked or failed; each row is a censored observation. A (V) has a mean and a spread between
materials for each class, R (meV/atom) one mean and one spread for all pairs. Mostly coatings that
lasted are published, so both A and R are optimistic.

The row of a coating is also evidence on that coating's own A, or on its own R with that partner;
`own=False` leaves it out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from math import exp, inf, isnan, log
from typing import Any

import numpy as np

from muli.candidates import reality
from muli.candidates.evidence.chemistry import Chemistry
from muli.candidates.evidence.nested import Normal

_ALLOWANCE_NOISE_V = 0.1
"""Error of a potential beyond the limit: the tolerance of a computed limit."""
_REACTION_NOISE_MEV = 30.0
_ALLOWANCE_PRIORS = {"oxide": (0.8, 0.5), "halide": (0.2, 0.5), "sulfide": (0.5, 0.4)}
"""Weak prior of each class's mean allowance, V."""
_ALLOWANCE_SPREAD = (0.25, 0.4)
"""Spread between materials, V, and the width of its prior (natural logarithm)."""
_REACTION_PRIOR = (-250.0, 150.0)
_REACTION_SPREAD = (80.0, 0.4)
_OWN_ONLY = "oxynitride"
"""Rows of this class count only for their own material: LiPON lasts longer than other oxides."""
REDUCTION_ALLOWANCE = Normal(0.3, 0.3)
"""Allowance below the reduction limit of compounds without a reducible metal, V: a guess."""


@dataclass(frozen=True)
class Range:
    """A censored observation: the quantity lies between low and high."""

    low: float
    high: float


@dataclass(frozen=True)
class ClassFit:
    """A class of materials: mean of the quantity, spread between materials, error of the mean."""

    mean: float
    spread: float
    mean_error: float
    rows: int

    @property
    def of_new(self) -> Normal:
        """Distribution for a material of the class without observations."""
        return Normal(self.mean, float(np.hypot(self.spread, self.mean_error)))


def allowance_class(group: Chemistry) -> str:
    """oxide, open shell, halide or sulfide (every other compound counts as a sulfide)."""
    if group.oxide:
        return "open shell" if group.open_shell else "oxide"
    return "halide" if "halide" in group.group else "sulfide"


@cache
def allowances(without: str = "") -> dict[str, ClassFit]:
    """A by class, V, fitted; `without` leaves out the rows of one source (held-out tests).

    Open-shell oxides have none: their cation is oxidised as in a cathode.
    """
    fitted = {
        name: _fit(
            _ranges("potential_beyond_limit", without, name),
            prior,
            _ALLOWANCE_SPREAD,
            _ALLOWANCE_NOISE_V,
        )
        for name, prior in _ALLOWANCE_PRIORS.items()
    }
    return fitted | {"open shell": ClassFit(0.0, 0.0, 0.0, 0)}


@cache
def reaction_limit(without: str = "") -> ClassFit:
    """R, meV/atom: reaction energies more negative than it show."""
    return _fit(_ranges("reaction", without), _REACTION_PRIOR, _REACTION_SPREAD,
                _REACTION_NOISE_MEV)  # fmt: skip


def own_allowance(
    material: str, group: Chemistry, *, own: bool = True, without: str = ""
) -> Normal:
    """A of one material, V: its class, and what it has itself endured."""
    fitted = allowances(without)[allowance_class(group)]
    ranges = _ranges("potential_beyond_limit", without, material=material) if own else ()
    return _updated(fitted.of_new, ranges, _ALLOWANCE_NOISE_V)


def own_reaction_limit(
    material: str, partner: str, *, own: bool = True, without: str = ""
) -> Normal:
    """R of one pair, meV/atom: that of all pairs, and what this pair has endured."""
    ranges = _ranges("reaction", without, material=material, partner=partner) if own else ()
    return _updated(reaction_limit(without).of_new, ranges, _REACTION_NOISE_MEV)


@cache
def _rows(kind: str, without: str) -> tuple[dict[Any, Any], ...]:
    rows: list[dict[Any, Any]] = reality.endured().to_dict("records")
    return tuple(
        row
        for row in rows
        if row["kind"] == kind and (not without or without not in row["source"].split("; "))
    )


@cache
def _ranges(
    kind: str, without: str, group: str = "", *, material: str = "", partner: str = ""
) -> tuple[Range, ...]:
    """Rows of a class, of a material, or of a pair; without any of them the rows of all."""
    wanted = {"chemistry": group, "material": material, "partner": partner}
    wanted = {column: name for column, name in wanted.items() if name}
    return tuple(
        _range(row["value_low"], row["value_high"])
        for row in _rows(kind, without)
        if all(row[column] == name for column, name in wanted.items())
        and (material or row["chemistry"] != _OWN_ONLY)
    )


def _range(low: float, high: float) -> Range:
    """The range of the limit that a row states: a blank end is open."""
    return Range(-inf if isnan(low) else low, inf if isnan(high) else high)


def _fit(
    ranges: Sequence[Range], prior: tuple[float, float], spread: tuple[float, float], noise: float
) -> ClassFit:
    """Mean and spread by maximum posterior; the mean's error from the curvature."""

    def loss(x: Any) -> float:
        between = exp(x[1])
        sd = float(np.hypot(between, noise))
        fit = -sum(float(_log_probability(interval, x[0], sd)) for interval in ranges)
        guess = ((x[0] - prior[0]) / prior[1]) ** 2 + ((x[1] - log(spread[0])) / spread[1]) ** 2
        return fit + 0.5 * guess

    # the mean in units of the width of its prior, so that both parameters are of order 1
    unit = np.array([prior[1], 1.0])
    optimum = unit * _minimum(lambda y: loss(unit * y), np.array([prior[0], log(spread[0])]) / unit)
    return ClassFit(
        float(optimum[0]), exp(optimum[1]), _error(loss, optimum, prior[1]), len(ranges)
    )


def _minimum(loss: Callable[[Any], float], start: Any) -> Any:
    from scipy.optimize import minimize  # half a second to import

    options = {"xatol": 1e-7, "fatol": 1e-10, "maxiter": 4000.0}
    return minimize(loss, start, method="Nelder-Mead", options=options).x  # type: ignore[call-overload]


def _error(loss: Callable[[Any], float], at: Any, scale: float) -> float:
    step = np.array([1e-3 * scale, 0.0])
    curvature = (loss(at + step) - 2.0 * loss(at) + loss(at - step)) / step[0] ** 2
    return float(1.0 / np.sqrt(max(curvature, 1e-12)))


def _log_probability(each: Range, mean: Any, sd: float) -> Any:
    """Logarithm of the probability of a range, exact in both tails; `mean` may be an array."""
    from scipy.special import log_ndtr

    low, high = (each.low - mean) / sd, (each.high - mean) / sd
    flip = low > 0.0  # above the mean: from the upper tails, which do not cancel
    near, far = np.where(flip, -low, high), np.where(flip, -high, low)
    return log_ndtr(near) + np.log1p(-np.exp(np.minimum(log_ndtr(far) - log_ndtr(near), -1e-12)))


@cache
def _updated(prior: Normal, ranges: tuple[Range, ...], noise: float) -> Normal:
    """Mean and standard deviation of the prior times the likelihood of the ranges."""
    if not ranges or prior.sd == 0.0:
        return prior
    grid = prior.mean + prior.sd * np.linspace(-8.0, 8.0, 4001)
    logs = -0.5 * ((grid - prior.mean) / prior.sd) ** 2
    for interval in ranges:
        logs += _log_probability(interval, grid, noise)
    weight = np.exp(logs - logs.max())
    weight /= weight.sum()
    mean = float(weight @ grid)
    return Normal(mean, float(np.sqrt(weight @ (grid - mean) ** 2)))
