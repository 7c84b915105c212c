"""From many starts to one optimum: optax finds the basin, Newton's method lands in it.

1. Adam walks down a penalised objective from every start, the bounds folded away by a sigmoid.
2. The largest violation is minimised from the best point: above zero, the constraints fight.
3. The objective is minimised from there over the constraints.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float
from scipy.stats import qmc

from screen.optimize.constraints import evaluate
from screen.optimize.problem import Problem, bounds
from screen.optimize.solver import KKT, minimise

LEARNING_RATE = 0.2
PENALTY = 10.0
FEASIBLE = 1e-9
"""Largest violation of a feasible design, as a relative error of a leak or a resistance."""


class Optimum(NamedTuple):
    """Where the search ended. `violation` is positive where no design holds every constraint.

    `point` is the optimum, or the least violating design; `multipliers` belong to its problem:
    marginal cost per constraint (the bounds last), or, where infeasible, the share of each
    constraint in the conflict.
    """

    point: Float[Array, " n"]
    violation: Float[Array, ""]
    multipliers: Float[Array, " m"]
    residual: Float[Array, ""]
    objective: Float[Array, ""]


def search(problem: Problem, *, starts: int = 4, steps: int = 40) -> Optimum:
    """The best design of one problem. Pure: jit it, and vmap it over a batch of problems."""
    lower, _ = bounds(problem)
    begun = jax.vmap(lambda share: descend(problem, share, steps))(_shares(starts, lower))
    merits = jax.vmap(lambda v: merit(problem, v))(begun)
    _, ends = jax.lax.scan(
        lambda v, relaxed: _land(problem, v, relaxed),
        begun[jnp.argmin(merits)],
        jnp.asarray([1.0, 0.0], lower.dtype),
    )
    violation = ends.v[0, -1]
    feasible = (violation <= FEASIBLE).astype(jnp.int32)
    end = jax.tree.map(lambda leaf: leaf[feasible], ends)
    return Optimum(end.v[:-1], violation, end.multipliers[:-1], end.residual, ends.objective[1])


def descend(problem: Problem, share: Float[Array, " n"], steps: int) -> Float[Array, " n"]:
    """`steps` of Adam on the penalised objective from a point given as a share of the bounds."""
    lower, upper = bounds(problem)
    adam = optax.adam(LEARNING_RATE)

    def place(u: Float[Array, " n"]) -> Float[Array, " n"]:
        return lower + (upper - lower) * jax.nn.sigmoid(u)

    def step(
        carry: tuple[Float[Array, " n"], optax.OptState], _: None
    ) -> tuple[tuple[Float[Array, " n"], optax.OptState], None]:
        u, state = carry
        slope = jax.jacfwd(lambda w: merit(problem, place(w)))(u)
        with jax.numpy_dtype_promotion("standard"):  # optax raises a float to an integer count
            updates, state = adam.update(slope, state)
        return (optax.apply_updates(u, updates), state), None

    u = jax.scipy.special.logit(share)
    (u, _), _ = jax.lax.scan(step, (u, adam.init(u)), length=steps)
    return place(u)


def merit(problem: Problem, v: Float[Array, " n"]) -> Float[Array, ""]:
    """Objective plus the penalty of what is violated."""
    f, c = evaluate(problem, v)
    return f + PENALTY * jnp.sum(jnp.maximum(c, 0.0))


def _shares(starts: int, like: Float[Array, " n"]) -> Float[Array, "starts n"]:
    """Starts spread evenly over the bounds, the middle first."""
    spread = qmc.Sobol(like.size, scramble=False).random(1 << (starts - 1).bit_length())[:starts]
    return jnp.asarray(np.clip(np.roll(spread, -1, axis=0), 0.05, 0.95), like.dtype)


def _limits(problem: Problem, v: Float[Array, " n"]) -> Float[Array, " 2*n"]:
    lower, upper = bounds(problem)
    return jnp.concatenate([lower - v, v - upper])


def _land(
    problem: Problem, v: Float[Array, " n"], relaxed: Float[Array, ""]
) -> tuple[Float[Array, " n"], KKT]:
    """Newton's method from v: on the largest violation t where `relaxed` is 1, else on f.

    Both are one program in (v, t): t stops at -1, well inside, and is idle where not asked for.
    """

    def function(u: Float[Array, " n+1"]) -> tuple[Float[Array, ""], Float[Array, " m+1"]]:
        t = u[-1]
        f, c = evaluate(problem, u[:-1])
        objective = relaxed * t + (1.0 - relaxed) * (f + 0.5 * t * t)
        return objective, jnp.concatenate(
            [c - relaxed * t, _limits(problem, u[:-1]), -1.0 - t[None]]
        )

    _, c = evaluate(problem, v)
    end = minimise(function, jnp.append(v, relaxed * (jnp.max(c) + 0.5)))
    return end.v[:-1], end
