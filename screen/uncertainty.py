"""How sure a verdict is: draws of uncertain properties, probabilities, and what matters most.

Draws are scrambled Sobol points carried through each property's own quantile function. Properties
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
from jax.typing import ArrayLike
from jaxtyping import Array, Float
from numpy.typing import NDArray
from scipy import stats

from kernels import Stack, Window, min_thickness, thickness_at

Floats = NDArray[np.float64]
SMALLEST_U = 1e-12
"""Quantiles are taken this far inside (0, 1): Sobol points may touch the ends."""


class Distribution(Protocol):
    """What is used of a frozen scipy distribution."""

    def ppf(self, q: Any) -> Any:
        """Quantile."""

    def pdf(self, x: Any) -> Any:
        """Density."""

    def cdf(self, x: Any) -> Any:
        """Probability below."""


class Bands(NamedTuple):
    """Coating thicknesses (cm) at which one draw of a stack holds.

    The electrolyte is protected from `least` to `most`; `affordable` is what the resistance
    budget allows, contacts included.
    """

    least: Float[Array, "..."]
    most: Float[Array, "..."]
    affordable: Float[Array, "..."]


def distribution(
    spec: Mapping[str, Any], literature: tuple[float, float] | None = None
) -> Distribution:
    """The scipy distribution of one entry of `[uncertainty]`; `literature`: lowest, highest value.

    lognormal: `median`, and `decades`, the standard deviation of log10. literature: log-uniform
    between the sources' values where both are positive, else uniform.
    """
    kind = next(name for name in spec if name not in ("cause", "correlation"))
    given = spec[kind]
    if kind == "lognormal":
        return stats.lognorm(s=given["decades"] * np.log(10), scale=given["median"])
    if kind == "normal":
        return stats.norm(given["mean"], given["std"])
    if kind == "literature":
        if literature is None or not np.all(np.isfinite(literature)):
            raise ValueError("no values of the literature to draw between")
        given, kind = literature, "loguniform" if min(literature) > 0 else "uniform"
    low, high = given
    if low == high:
        return stats.uniform(low, 0.0)
    return stats.loguniform(low, high) if kind == "loguniform" else stats.uniform(low, high - low)


def draw(
    distributions: Mapping[str, Mapping[str, Any]],
    draws: int,
    seed: int,
    literature: Mapping[str, tuple[float, float]] | None = None,
) -> dict[str, Floats]:
    """Draws (draws,) of every property, in the property's unit; the same for the same seed."""
    u = probabilities(distributions, draws, seed)
    known = literature or {}
    return {
        key: _quantiles(distribution(spec, known.get(key)), u[key])
        for key, spec in distributions.items()
    }


def probabilities(
    distributions: Mapping[str, Mapping[str, Any]], draws: int, seed: int
) -> dict[str, Floats]:
    """Sobol points (draws,) in (0, 1) per property, correlated where a cause is shared."""
    causes = list(dict.fromkeys(s["cause"] for s in distributions.values() if "cause" in s))
    size = 1 << (draws - 1).bit_length()
    sampler = stats.qmc.Sobol(len(distributions) + len(causes), scramble=True, rng=seed)
    u = np.clip(sampler.random(size)[:draws], SMALLEST_U, 1 - SMALLEST_U)
    z = stats.norm.ppf(u)
    found = {}
    for i, (key, spec) in enumerate(distributions.items()):
        own = z[:, i]
        if "cause" in spec:
            rho = spec.get("correlation", 1.0)
            shared = z[:, len(distributions) + causes.index(spec["cause"])]
            own = rho * shared + np.sqrt(1 - rho**2) * own
        found[key] = stats.norm.cdf(own)
    return found


def _quantiles(frozen: Distribution, u: Floats) -> Floats:
    return np.asarray(frozen.ppf(np.clip(u, SMALLEST_U, 1 - SMALLEST_U)), float)


def bands(stack: Stack, electrolyte: Window, asr_budget: ArrayLike) -> Bands:
    """Where one stack with one cathode coating holds. Pure; `jax.vmap` it over draws.

    The coating's thickness in `stack` is not used. `asr_budget`: ohm cm2.
    """
    coating = stack.layers[stack.electrolyte + 1]
    contacts = sum(stack.interface_asr or (), jnp.zeros_like(jnp.asarray(stack.E_anode)))
    left = jnp.maximum(jnp.asarray(asr_budget) - contacts, 0.0)
    most = thickness_at(stack, electrolyte.reduction)
    reduced_always = jnp.asarray(electrolyte.reduction) >= stack.E_cathode
    return Bands(
        least=min_thickness(stack, electrolyte.oxidation),
        most=jnp.where(reduced_always, -jnp.inf, most),
        affordable=left * coating.sigma_ion,
    )


def protection(
    band: Bands, thickness: Float[ArrayLike, " T"]
) -> tuple[Float[Array, "... T"], Float[Array, "... T"]]:
    """(p_protected, p_feasible) at each thickness (cm) from bands whose last axis is the draws."""
    least, most = band.least[..., None, :], jnp.asarray(band.most)[..., None, :]
    at = jnp.asarray(thickness)[:, None]
    holds = (least <= at) & (at <= most)
    paid = holds & (least <= most) & (at <= jnp.asarray(band.affordable)[..., None, :])
    number = band.least.dtype
    return jnp.mean(holds, axis=-1, dtype=number), jnp.mean(paid, axis=-1, dtype=number)


def percentiles(values: ArrayLike, levels: Sequence[float] = (5, 50, 95)) -> dict[str, float]:
    """Percentiles over the draws, by name (`p5`, `p50`, ...); infinite draws count as largest."""
    found = np.quantile(np.asarray(values, float), np.asarray(levels) / 100, method="inverted_cdf")
    return {f"p{level:g}": float(value) for level, value in zip(levels, found, strict=True)}


def rank_stability(scores: Float[ArrayLike, "materials draws"], k: int) -> Floats:
    """How often (0 to 1) each material is among the k with the lowest score of a draw.

    A score that is infinite or NaN (nothing protects) is never among them; ties go to the
    earlier row, as in a ranking.
    """
    values = np.asarray(scores, float)
    order = np.argsort(values, axis=0, kind="stable")[:k]
    chosen = np.zeros(values.shape, bool)
    np.put_along_axis(chosen, order, True, axis=0)
    return (chosen & np.isfinite(values)).mean(axis=1)


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
    slopes = jax.vmap(jax.grad(function))({key: jnp.asarray(x) for key, x in values.items()})
    squared = [
        np.mean((np.asarray(slopes[key]) * _score_slope(law, values[key])) ** 2)
        for key, law in zip(keys, frozen, strict=True)
    ]
    batched = jax.vmap(function)
    indices = stats.sobol_indices(
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


def _score_slope(frozen: Distribution, x: Floats) -> Floats:
    """dx/dz at x, z the normal score of x: phi(z)/pdf(x)."""
    z = stats.norm.ppf(np.clip(frozen.cdf(x), SMALLEST_U, 1 - SMALLEST_U))
    return stats.norm.pdf(z) / frozen.pdf(x)
