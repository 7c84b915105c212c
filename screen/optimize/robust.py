"""Robust design: the thinnest coating that holds with probability at least p, and its price.

A draw of the uncertain properties holds where its worst constraint is not positive, so "holds with
probability p" is "the p-quantile over the draws of the worst constraint is not positive". The
quantile is smoothed (F. E. Harrell & C. E. Davis, Biometrika 69, 635 (1982)) so that gradients go
through the draws, and the search ends on the plain order statistic.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy import stats

from muli.kernels import Law
from muli.screen.compiling.programs import kept
from muli.screen.errors import SpecError
from muli.screen.optimize.constraints import coating_asr, evaluate, outer_gaps, over_states
from muli.screen.optimize.descent import FEASIBLE, Box, optimise
from muli.screen.optimize.problem import Problem, bounds, coating_thickness, is_plain, setting
from muli.screen.space.own import is_of
from muli.screen.spec.quantities import material_of

LADDER = (0.5, 0.8, 0.9, 0.95, 0.99)
"""Probabilities of the price of certainty."""

LANDING_RANGE = 0.5
"""How far (in ln thickness) the end of the search is moved to lie on the order statistic."""


class Rung(NamedTuple):
    """The design for one probability; thickness (coatings,) in cm from the anode, ASR in ohm cm2.

    `asr` is the median over the draws, `reached` the share of draws that hold, `gap` the order
    statistic of the worst constraint: at most 0 where the required probability is reached.
    """

    point: Float[Array, " n"]
    thickness: Float[Array, " coatings"]
    asr: Float[Array, ""]
    reached: Float[Array, ""]
    gap: Float[Array, ""]


def sampled(
    problem: Problem,
    draws: Mapping[str, np.ndarray],
    central: Mapping[str, float],
    names: Sequence[str] = (),
) -> Problem:
    """One problem per draw: `draws` (draws,) by quoted key, `central` what the problem was read at.

    Conductivities are scaled (their temperature factor stays), limits are replaced. A key of the
    coating moves every coating layer alike, but those whose name has a key of its own. names: of
    the layers.
    """
    count = len(next(iter(draws.values())))
    many = jax.tree.map(partial(_repeated, count=count), problem)
    for key, values in draws.items():
        where, name = _layers(problem, draws, key, names), key.rpartition(".")[2]
        many = _drawn(many, name, where, np.asarray(values, float), central.get(key, 1.0))
    return many


def _layers(problem: Problem, draws: Iterable[str], key: str, names: Sequence[str]) -> list[int]:
    """Layers that a key moves."""
    owner, _, name = key.rpartition(".")
    if material_of(key):
        return [k for k, layer in enumerate(names) if is_of(key, layer)]
    layers = [problem.stack.electrolyte] if owner == "electrolyte" else list(problem.coatings)
    own = [other for other in draws if material_of(other) and other.endswith(f".{name}")]
    return [k for k in layers if not any(is_of(other, names[k]) for other in own)]


def _repeated(leaf: Any, count: int) -> Any:
    return leaf if is_plain(leaf) else np.array(np.broadcast_to(leaf, (count, *np.shape(leaf))))


def _drawn(
    many: Problem, name: str, where: Sequence[int], values: np.ndarray, central: float
) -> Problem:
    if name in ("reduction_limit_V", "oxidation_limit_V"):
        kind = name.removesuffix("_limit_V")
        limits = getattr(many, kind).copy()
        limits[:, where] = values[:, None]
        return replace(many, **{kind: limits})
    ratio, layers = values / central, list(many.stack.layers)
    for k in where:
        if name == "sigma_ion_S_cm":
            layers[k] = replace(layers[k], sigma_ion=layers[k].sigma_ion * ratio)
        else:
            layers[k] = replace(layers[k], sigma_ele=_scaled(layers[k].sigma_ele, name, ratio))
    return replace(many, stack=replace(many.stack, layers=tuple(layers)))


def _scaled(law: Law, name: str, ratio: np.ndarray) -> Law:
    part = "sigma_0" if name == "sigma_ele_S_cm" else name.removesuffix("_S_cm")
    if not hasattr(law, part):
        raise SpecError("uncertainty", [f"{name}: this law has no such number to draw"])
    return replace(law, **{part: getattr(law, part) * ratio})


def ladder(problem: Problem, draws: Problem, probabilities: Sequence[float] = LADDER) -> Rung:
    """The design for each probability (leading axis): thickness and resistance against p.

    `problem` gives bounds and variables, `draws` is `sampled(problem, ...)`.
    """
    count = int(np.shape(draws.margin)[0])
    ranks = np.asarray([max(1, int(np.ceil(p * count - 1e-9))) for p in probabilities])
    weights = np.stack([_harrell_davis(rank, count) for rank in ranks])
    return _ladder(problem, draws, jnp.asarray(ranks), jnp.asarray(weights))


def _harrell_davis(rank: int, count: int) -> np.ndarray:
    """Weights (count,) of the order statistics: those of the mean of the `rank`-th of `count`."""
    edges = stats.beta.cdf(np.arange(count + 1) / count, rank, count + 1 - rank)
    return np.diff(edges)


@kept("ladder of probabilities")
def _ladder(
    problem: Problem, draws: Problem, ranks: Float[Array, " p"], weights: Float[Array, "p draws"]
) -> Rung:
    return jax.vmap(lambda rank, weight: _rung(problem, draws, rank, weight))(ranks, weights)


def _rung(
    problem: Problem, draws: Problem, rank: Float[Array, ""], weights: Float[Array, " draws"]
) -> Rung:
    def smooth(v: Float[Array, " n"]) -> tuple[Float[Array, ""], Float[Array, " 1"]]:
        f, worst = _worst(draws, v)
        return jnp.mean(f), jnp.sum(weights * jnp.sort(worst))[None]

    def quantile(v: Float[Array, " n"]) -> Float[Array, ""]:
        return jnp.sort(_worst(draws, v)[1])[rank - 1]

    box = Box(*bounds(problem))
    v = _land(problem, box, quantile, optimise(smooth, box, starts=2).point)
    at = setting(problem, v)
    asr = eqx.filter_vmap(lambda one: coating_asr(one, setting(one, v).stack))(draws)
    return Rung(
        point=v,
        thickness=coating_thickness(problem, at.stack),
        asr=jnp.median(asr),
        reached=jnp.mean(_worst(draws, v)[1] <= FEASIBLE, dtype=v.dtype),
        gap=quantile(v),
    )


def _worst(
    draws: Problem, v: Float[Array, " n"]
) -> tuple[Float[Array, " draws"], Float[Array, " draws"]]:
    """Objective and largest constraint of every draw, faces that no thickness moves included."""

    def one(problem: Problem) -> tuple[Float[Array, ""], Float[Array, ""]]:
        f, c = evaluate(problem, v)
        at = setting(problem, v)
        outer = over_states(problem, at, lambda stack: outer_gaps(problem, stack, at.margin))
        beyond = jnp.max(outer, initial=-jnp.inf)
        return f, jnp.maximum(jnp.max(c), jnp.where(beyond > 0, 1.0 + beyond, -jnp.inf))

    return eqx.filter_vmap(one)(draws)


def _land(
    problem: Problem, box: Box, quantile: Callable[[Array], Array], v: Float[Array, " n"]
) -> Float[Array, " n"]:
    """Scale all thicknesses together until the order statistic is just met (bisection)."""
    moves = np.asarray([float(x.quantity == "thickness") for x in problem.variables])

    def moved(s: Float[Array, ""]) -> Float[Array, " n"]:
        return jnp.clip(v + s * moves, box.lower, box.upper)

    def halve(_: int, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = ends
        middle = 0.5 * (low + high)
        met = quantile(moved(middle)) <= 0
        return jnp.where(met, low, middle), jnp.where(met, middle, high)

    reach = jnp.full_like(v[0], LANDING_RANGE)
    _, end = jax.lax.fori_loop(0, 50, halve, (-reach, reach))
    return moved(end)
