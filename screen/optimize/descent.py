"""From many starts to one optimum: optax comes near it, Newton's method converges.

1. Adam minimises a penalised objective from every start; a sigmoid keeps it within the bounds.
2. The largest violation is minimised from the best point: above zero, the constraints conflict.
3. The objective is minimised over the constraints, from there and from the next best starts; the
   best of the optima is the answer.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float
from scipy.stats import qmc

from muli.screen.optimize.constraints import evaluate
from muli.screen.optimize.problem import Problem, bounds
from muli.screen.optimize.solver import KKT, Evaluation, Function, linearise, minimise

LEARNING_RATE = 0.2
PENALTY = 10.0
CONVERGED = 1e-6
"""Largest residual of an optimum."""
LANDED = 3
"""Starts from which the objective is minimised to its end."""
FEASIBLE = 1e-9
"""Largest violation of a feasible design, as a relative error of a leak or a resistance."""


class Optimum(NamedTuple):
    """Where the search ended. `violation` is positive where no design holds every constraint.

    `point` is the optimum, or the least violating design; `multipliers` belong to its problem:
    marginal cost per constraint (the bounds last), or, where infeasible, the share of each
    constraint in the conflict. `objective` is that of the design.
    """

    point: Float[Array, " n"]
    violation: Float[Array, ""]
    multipliers: Float[Array, " m"]
    residual: Float[Array, ""]
    objective: Float[Array, ""]


class Box(NamedTuple):
    """Lowest and highest coordinates."""

    lower: Float[Array, " n"]
    upper: Float[Array, " n"]

    def place(self, u: Float[Array, " n"]) -> Float[Array, " n"]:
        """A point of the box from any real numbers."""
        return self.lower + (self.upper - self.lower) * jax.nn.sigmoid(u)

    def gaps(self, v: Float[Array, " n"]) -> Float[Array, " 2*n"]:
        """The bounds as constraints: the lower ones, then the upper ones."""
        return jnp.concatenate([self.lower - v, v - self.upper])


def search(problem: Problem) -> Optimum:
    """The best design of one problem. Pure: jit it, and vmap it over a batch of problems."""
    return optimise(lambda v: evaluate(problem, v), Box(*bounds(problem)))


def optimise(function: Function, box: Box, *, starts: int = 4, steps: int = 20) -> Optimum:
    """Minimise f over c <= 0 inside the box; `function` gives (f, c) at a point."""
    met = jax.vmap(lambda share: descend(function, box, share, steps))(_shares(starts, box.lower))
    met = jax.tree.map(lambda leaf: leaf[jnp.argsort(met.merit)], met)
    best = jax.tree.map(lambda leaf: leaf[0], met)
    nearest = _land(function, box, best.v, best.violation + 0.5, relaxed=True)
    begun = met.v.at[0].set(nearest.v[:-1])[:LANDED]
    optima = jax.vmap(lambda v: _land(function, box, v, jnp.zeros_like(v[0]), relaxed=False))(begun)
    first = jnp.argmin(jnp.where(_holds(optima), optima.objective, jnp.inf))
    optimum = jax.tree.map(lambda leaf: leaf[first], optima)
    violation = jnp.minimum(nearest.v[-1], jnp.max(optimum.constraints))
    feasible = violation <= FEASIBLE
    end = jax.tree.map(lambda a, b: jnp.where(feasible, a, b), optimum, nearest)
    return Optimum(end.v[:-1], violation, end.multipliers[:-1], end.residual, optimum.objective)


def _holds(ends: KKT) -> Bool[Array, " starts"]:
    """Optima that hold every constraint."""
    held = jnp.max(ends.constraints, axis=1) <= FEASIBLE
    return held & (ends.residual <= CONVERGED)


class Met(NamedTuple):
    """A point, its objective plus the penalty of what it violates, and its largest violation."""

    v: Float[Array, " n"]
    merit: Float[Array, ""]
    violation: Float[Array, ""]


def descend(function: Function, box: Box, share: Float[Array, " n"], steps: int) -> Met:
    """The best point of `steps` steps of Adam. share: the start, 0 to 1 between the bounds."""
    adam = optax.adam(LEARNING_RATE)

    def step(carry: tuple[Float[Array, " n"], optax.OptState, Met], _: None) -> tuple[Any, Any]:
        u, state, best = carry
        v = box.place(u)
        f, gradient, c, jacobian = linearise(function, v)
        here = Met(v, f + PENALTY * jnp.sum(jnp.maximum(c, 0.0)), jnp.max(c))
        best = jax.tree.map(lambda a, b: jnp.where(here.merit < best.merit, a, b), here, best)
        slope = gradient + PENALTY * jnp.sum(jnp.where(c[:, None] > 0, jacobian, 0.0), axis=0)
        slope = slope * (v - box.lower) * (box.upper - v) / (box.upper - box.lower)
        with jax.numpy_dtype_promotion("standard"):  # optax raises a float to an integer count
            updates, state = adam.update(slope, state)
        return (optax.apply_updates(u, updates), state, best), None

    u = jax.scipy.special.logit(share)
    far = jnp.full_like(u[0], jnp.inf)
    start = u, adam.init(u), Met(box.place(u), far, far)
    (_, _, best), _ = jax.lax.scan(step, start, length=steps)
    return best


def _shares(starts: int, like: Float[Array, " n"]) -> Float[Array, "starts n"]:
    """Starts spread evenly over the bounds, the middle first."""
    spread = qmc.Sobol(like.size, scramble=False).random(1 << (starts - 1).bit_length())[:starts]
    return jnp.asarray(np.clip(np.roll(spread, -1, axis=0), 0.05, 0.95), like.dtype)


def _land(
    function: Function, box: Box, v: Float[Array, " n"], t: Float[Array, ""], *, relaxed: bool
) -> KKT:
    """Newton's method from (v, t): on the largest violation t where `relaxed`, else on f.

    Where violations are minimised t stops at -1, well inside; elsewhere it is not used.
    """

    def both(u: Float[Array, " n+1"]) -> Evaluation:
        f, c = function(u[:-1])
        t = u[-1]
        objective = t if relaxed else f + 0.5 * t * t
        held = c - t if relaxed else c
        return objective, jnp.concatenate([held, box.gaps(u[:-1]), -1.0 - t[None]])

    return minimise(both, jnp.append(v, t))
