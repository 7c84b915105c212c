"""Uncertainty of verdicts: draws of uncertain properties, probabilities, and sensitivities.

Draws are scrambled Sobol points, transformed by the quantile function of each property. Properties
with one cause share a normal factor (a Gaussian copula): u = Phi(rho z_cause + sqrt(1-rho^2) z).
For electrolyte | coating a draw protects at every thickness of a band that the explicit inverses
give, so the probability at any thickness is a count over bands and no thickness is ever solved.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import scipy
from jax.typing import ArrayLike
from jaxtyping import Array, Float
from numpy.typing import NDArray

from muli.kernels import Stack, Window, min_thickness, thickness_at

Floats = NDArray[np.float64]
SMALLEST_U = 1e-12
"""Quantiles are taken at least this far inside (0, 1): Sobol points may be at the ends."""


class Distribution(Protocol):
    """Methods of a frozen scipy distribution that are used here."""

    def ppf(self, q: Any) -> Any:
        """Quantile."""

    def pdf(self, x: Any) -> Any:
        """Density."""

    def cdf(self, x: Any) -> Any:
        """Probability below."""


class Bands(NamedTuple):
    """Coating thicknesses (cm) at which the coating protects in one draw of a stack.

    The electrolyte is protected from `least` to `most`; `affordable` is what the resistance
    budget allows, contacts included; `largest` the least of that, of `most`, and of the
    thickness at which the coating itself is reduced.
    """

    least: Float[Array, "..."]
    most: Float[Array, "..."]
    affordable: Float[Array, "..."]
    largest: Float[Array, "..."]


def distribution(spec: Mapping[str, Any]) -> Distribution:
    """The scipy distribution of one entry of `[uncertainty]` that names its numbers itself."""
    kind, numbers = _kind(spec)
    if kind == "lognormal":
        return scipy.stats.lognorm(s=numbers["decades"] * np.log(10), scale=numbers["median"])
    if kind == "normal":
        return scipy.stats.norm(numbers["mean"], numbers["std"])
    low, high = numbers
    return (
        scipy.stats.loguniform(low, high)
        if kind == "loguniform"
        else scipy.stats.uniform(low, high - low)
    )


def _kind(spec: Mapping[str, Any]) -> tuple[str, Any]:
    kind = next(name for name in spec if name not in ("cause", "correlation"))
    return kind, spec[kind]


def quantile(
    spec: Mapping[str, Any], z: ArrayLike, literature: tuple[ArrayLike, ArrayLike] | None = None
) -> tuple[Floats, Floats]:
    """Value of a property at the normal score z, and its slope dx/dz.

    lognormal: `median`, and `decades`, the standard deviation of log10. literature: log-uniform
    between the sources' lowest and highest value where both are positive, else uniform; the two
    may be arrays that broadcast with z.
    """
    kind, numbers = _kind(spec)
    z = np.asarray(z, float)
    if kind == "lognormal":
        x = numbers["median"] * 10.0 ** (numbers["decades"] * z)
        return x, x * np.log(10) * numbers["decades"]
    if kind == "normal":
        return numbers["mean"] + numbers["std"] * z, np.full_like(z, numbers["std"])
    if kind == "literature":
        if literature is None:
            raise ValueError("no values of the literature to draw between")
        numbers = literature
    low, high = (np.asarray(end, float) for end in numbers)
    u, density = scipy.stats.norm.cdf(z), scipy.stats.norm.pdf(z)
    logarithmic = (low > 0) & (kind != "uniform")
    span = np.log(np.where(logarithmic, high / np.where(logarithmic, low, 1.0), 1.0))
    straight = low + (high - low) * u
    x = np.where(logarithmic, low * np.exp(span * u), straight)
    return x, np.where(logarithmic, x * span, high - low) * density


def draw(
    distributions: Mapping[str, Mapping[str, Any]],
    draws: int,
    seed: int,
    literature: Mapping[str, tuple[float, float]] | None = None,
) -> dict[str, Floats]:
    """Draws (draws,) of every property, in the property's unit; the same for the same seed."""
    u = probabilities(distributions, draws, seed)
    known = {k: v for k, v in (literature or {}).items() if np.all(np.isfinite(v))}
    return {
        key: quantile(spec, scipy.stats.norm.ppf(u[key]), known.get(key))[0]
        for key, spec in distributions.items()
    }


def factors(distributions: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The independent normal numbers behind the draws: one per property, then one per cause."""
    causes = dict.fromkeys(s["cause"] for s in distributions.values() if "cause" in s)
    return [*distributions, *causes]


def loadings(distributions: Mapping[str, Mapping[str, Any]]) -> Floats:
    """(properties, factors): how each property's normal score is made up of the factors."""
    names = factors(distributions)
    matrix = np.eye(len(distributions), len(names))
    for i, spec in enumerate(distributions.values()):
        if "cause" in spec:
            rho = spec.get("correlation", 1.0)
            matrix[i, i] = np.sqrt(1 - rho**2)
            matrix[i, len(distributions) + names[len(distributions) :].index(spec["cause"])] = rho
    return matrix


def probabilities(
    distributions: Mapping[str, Mapping[str, Any]], draws: int, seed: int
) -> dict[str, Floats]:
    """Sobol points (draws,) in (0, 1) per property, correlated where a cause is shared."""
    matrix = loadings(distributions)
    scores = normal_scores(matrix.shape[1], draws, seed) @ matrix.T
    return {key: scipy.stats.norm.cdf(scores[:, i]) for i, key in enumerate(distributions)}


def normal_scores(dimension: int, draws: int, seed: int) -> Floats:
    """Scrambled Sobol points as independent standard normal numbers, (draws, dimension)."""
    sampler = scipy.stats.qmc.Sobol(dimension, scramble=True, rng=seed)
    u = sampler.random(1 << (draws - 1).bit_length())[:draws]
    return scipy.stats.norm.ppf(np.clip(u, SMALLEST_U, 1 - SMALLEST_U))


def bands(
    stack: Stack, electrolyte: Window, asr_budget: ArrayLike, coating: Window | None = None
) -> Bands:
    """Thicknesses at which one cathode coating protects one stack. Pure; `jax.vmap` it over draws.

    The coating's thickness in `stack` is not used. `asr_budget`: ohm cm2. An unknown reduction
    limit (NaN), or no `coating`, does not limit the thickness, as in `stack_metrics`.
    """
    layer = stack.layers[stack.electrolyte + 1]
    contacts = sum(stack.interface_asr or (), jnp.zeros_like(jnp.asarray(stack.E_anode)))
    affordable = jnp.maximum(jnp.asarray(asr_budget) - contacts, 0.0) * layer.sigma_ion
    most = thickness_at(stack, electrolyte.reduction)
    own = most if coating is None else thickness_at(stack, coating.reduction, coating_side=True)
    largest = affordable
    for end in (most, own):
        largest = jnp.minimum(largest, jnp.where(jnp.isnan(end), jnp.inf, end))
    reduced_always = jnp.asarray(electrolyte.reduction) >= stack.E_cathode
    return Bands(
        least=min_thickness(stack, electrolyte.oxidation),
        most=jnp.where(reduced_always, -jnp.inf, most),
        affordable=affordable,
        largest=largest,
    )


def protection(
    band: Bands, thickness: Float[ArrayLike, " T"]
) -> tuple[Float[Array, "... T"], Float[Array, "... T"]]:
    """(p_protected, p_feasible) at each thickness (cm) from bands whose last axis is the draws."""
    least, most, affordable, largest = (jnp.asarray(values)[..., None, :] for values in band)
    at = jnp.asarray(thickness)[:, None]
    holds = (least <= at) & (at <= most)
    paid = holds & (least <= largest) & (at <= affordable)
    number = band.least.dtype
    return jnp.mean(holds, axis=-1, dtype=number), jnp.mean(paid, axis=-1, dtype=number)


def percentiles(values: ArrayLike, levels: Sequence[float] = (5, 50, 95)) -> dict[str, float]:
    """Percentiles over the draws, by name (`p5`, `p50`, ...); infinite draws count as largest."""
    quantiles = np.quantile(
        np.asarray(values, float), np.asarray(levels) / 100, method="inverted_cdf"
    )
    return {f"p{level:g}": float(value) for level, value in zip(levels, quantiles, strict=True)}


def rank_stability(scores: Float[ArrayLike, "... materials draws"], k: int) -> Floats:
    """How often (0 to 1) each material is among the k with the lowest score of a draw.

    A score that is infinite or NaN (nothing protects) is never among them; ties go to the
    earlier row, as in a ranking.
    """
    values = np.nan_to_num(np.asarray(scores, float), nan=np.inf, posinf=np.inf)
    k = min(k, values.shape[-2])
    last = np.partition(values, k - 1, axis=-2)[..., k - 1 : k, :]
    below, equal = values < last, values == last
    room = k - below.sum(axis=-2, keepdims=True)
    chosen = below | (equal & (np.cumsum(equal, axis=-2) <= room))
    return (chosen & np.isfinite(values)).mean(axis=-1)


def importance(
    function: Callable[[dict[str, Float[Array, ""]]], Float[Array, ""]],
    distributions: Mapping[str, Mapping[str, Any]],
    *,
    draws: int = 1024,
    seed: int = 0,
) -> pd.DataFrame:
    """Which property's uncertainty moves a number most: gradients and Sobol indices, compared.

    Args:
        function: a differentiable number of independent properties, e.g. ln of L_min.
        distributions: as in `[uncertainty]`, without causes.
        draws: points, a power of two for the Sobol indices.
        seed: of the Sobol sequence.

    Returns:
        One row per property: `gradient_share`, the mean square of dy/dz (z the property's normal
        score) over the sum of all, equal to the first index where y is linear in z; `sobol_first`
        and `sobol_total` (Saltelli 2010, Jansen 1999, by scipy); most important first.
    """
    keys = list(distributions)
    frozen = [distribution(distributions[key]) for key in keys]
    values = draw(distributions, draws, seed)
    slopes = jax.jit(jax.vmap(jax.grad(function)))(
        {key: jnp.asarray(x) for key, x in values.items()}
    )
    u = probabilities(distributions, draws, seed)
    scales = {key: quantile(distributions[key], scipy.stats.norm.ppf(u[key]))[1] for key in keys}
    squared = [np.mean((np.asarray(slopes[key]) * scales[key]) ** 2) for key in keys]
    batched = jax.jit(jax.vmap(function))
    indices = scipy.stats.sobol_indices(
        func=lambda x: np.array(batched(dict(zip(keys, jnp.asarray(x), strict=True))))[None],
        n=draws,
        dists=frozen,
        rng=seed,
    )
    table = pd.DataFrame(
        {
            "property": keys,
            "gradient_share": np.asarray(squared) / np.sum(squared),
            "sobol_first": indices.first_order.ravel(),
            "sobol_total": indices.total_order.ravel(),
        }
    )
    return table.sort_values("sobol_total", ascending=False, kind="stable", ignore_index=True)
