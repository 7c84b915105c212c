"""Primal-dual interior point for one small smooth problem: minimise f(v) with c(v) <= 0.

The barrier is followed with a damped-BFGS Hessian of the Lagrangian; at its end the iterate sits
on the active constraints and the multipliers identify them. One problem at a time, fixed
shapes, pure JAX: `jax.vmap` makes thousands of them one program.

Method: J. Nocedal & S. J. Wright, Numerical Optimization (2006), sections 18.2 and 19.2-19.3.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

Evaluation = tuple[Float[Array, ""], Float[Array, " m"]]
"""f(v) and c(v); a constraint holds where its value is not positive."""

Function = Callable[[Float[Array, " n"]], Evaluation]
"""A problem: f and c at a point."""

START_BARRIER = 0.1
FRACTION_TO_BOUNDARY = 0.995
LARGEST_STEP = 2.0
LEAST_CURVATURE = 1e-7
"""Added to the Hessian, so that steps along a flat valley (layers of equal cost) stay bounded."""
PATIENCE = 25
"""Iterations without progress after which a search gives up: most have no solution then."""
STOPPED = 1 << 20
"""Iteration count of a search that met a number that is not finite and kept its last point."""


class KKT(NamedTuple):
    """A point with its multipliers and how far it is from the optimality conditions."""

    v: Float[Array, " n"]
    objective: Float[Array, ""]
    constraints: Float[Array, " m"]
    multipliers: Float[Array, " m"]
    residual: Float[Array, ""]
    iterations: Int[Array, ""]


class _Trial(NamedTuple):
    """Where to look next: a point, with the least slacks and the multipliers for it."""

    v: Float[Array, " n"]
    slack: Float[Array, " m"]
    z: Float[Array, " m"]


class _Iterate(NamedTuple):
    v: Float[Array, " n"]
    slack: Float[Array, " m"]
    z: Float[Array, " m"]
    hessian: Float[Array, "n n"]
    f: Float[Array, ""]
    gradient: Float[Array, " n"]
    c: Float[Array, " m"]
    jacobian: Float[Array, "m n"]


class _Search(NamedTuple):
    """The next trial, the last iterate, and the one nearest to optimality with its residual; how
    many iterations there were, and how many since that one."""

    trial: _Trial
    last: _Iterate
    best: _Iterate
    residual: Float[Array, ""]
    iteration: Int[Array, ""]
    idle: Int[Array, ""]


def minimise(
    function: Function,
    v: Float[Array, " n"],
    *,
    tolerance: float = 1e-10,
    max_iterations: int = 100,
) -> KKT:
    """Local minimum of f over c <= 0 from the start `v`, which need not be feasible.

    The function occurs once in the program, at the start of the loop: it takes most of the compile
    time.
    """
    _, c = jax.eval_shape(function, v)
    m, n = c.size, v.size
    empty = _Iterate(*(jnp.zeros(shape, v.dtype) for shape in (n, m, m, (n, n), (), n, m, (m, n))))
    start = _Trial(v, empty.slack, empty.z)
    far, none = jnp.asarray(jnp.inf, v.dtype), jnp.zeros((), jnp.int32)
    end = jax.lax.while_loop(
        lambda s: (s.residual > tolerance) & (s.iteration <= max_iterations) & (s.idle < PATIENCE),
        lambda s: _advance(function, s),
        _Search(start, empty, empty, far, none, none),
    )
    best = end.best
    return KKT(best.v, best.f, best.c, best.z, end.residual, end.iteration)


def linearise(
    function: Function, v: Float[Array, " n"]
) -> tuple[Float[Array, ""], Float[Array, " n"], Float[Array, " m"], Float[Array, "m n"]]:
    """f, its gradient, c and its Jacobian in one forward sweep per variable."""

    def with_values(u: Float[Array, " n"]) -> tuple[Evaluation, Evaluation]:
        values = function(u)
        return values, values

    (gradient, jacobian), (f, c) = jax.jacfwd(with_values, has_aux=True)(v)
    return f, gradient, c, jacobian


def _advance(function: Function, search: _Search) -> _Search:
    """Evaluate the trial, keep it if it is the best, and take the next Newton step from it."""
    new = _at(function, search)
    usable = jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in new]))
    residual = jnp.where(usable, _residual(new), jnp.inf)
    better = residual < search.residual
    best = jax.tree.map(lambda a, b: jnp.where(better, a, b), new, search.best)
    iteration = jnp.where(usable, search.iteration + 1, STOPPED)
    least = jnp.minimum(residual, search.residual)
    idle = jnp.where(better, 0, search.idle + 1)
    return _Search(_newton_step(new), new, best, least, iteration, idle)


def _at(function: Function, search: _Search) -> _Iterate:
    """The iterate at the trial, its Hessian updated by what changed since the last."""
    trial, last, first = search.trial, search.last, search.iteration == 0
    f, gradient, c, jacobian = linearise(function, trial.v)
    slack = jnp.maximum(jnp.where(first, 0.1, trial.slack), -c)
    z = jnp.where(first, START_BARRIER / slack, trial.z)
    change = (gradient - last.gradient) + (jacobian - last.jacobian).T @ z
    updated = _damped_bfgs(last.hessian, trial.v - last.v, change)
    hessian = jnp.where(first, jnp.eye(trial.v.size, dtype=trial.v.dtype), updated)
    return _Iterate(trial.v, slack, z, hessian, f, gradient, c, jacobian)


def _newton_step(it: _Iterate) -> _Trial:
    """One Newton step on the perturbed optimality conditions."""
    barrier = _barrier(it)
    ratio = it.z / it.slack
    infeasibility = it.c + it.slack
    curvature = it.hessian + LEAST_CURVATURE * jnp.eye(it.v.size, dtype=it.v.dtype)
    matrix = curvature + (it.jacobian.T * ratio[None, :]) @ it.jacobian
    right = it.gradient + it.jacobian.T @ (barrier / it.slack + ratio * infeasibility)
    dv = -_solve_symmetric(matrix, right)
    shrink = jnp.minimum(1.0, LARGEST_STEP / jnp.max(jnp.abs(dv)))
    dslack = -infeasibility - it.jacobian @ dv
    dz = barrier / it.slack - it.z - ratio * dslack
    primal = jnp.minimum(shrink, _to_boundary(it.slack, dslack))
    z = it.z + _to_boundary(it.z, dz) * dz
    return _Trial(it.v + primal * dv, it.slack + primal * dslack, z)


def _barrier(it: _Iterate) -> Float[Array, ""]:
    """A tenth of the present complementarity, less when nearly feasible and stationary."""
    gap = jnp.mean(it.slack * it.z)
    return 0.1 * jnp.minimum(gap, 1.0)


def _solve_symmetric(matrix: Float[Array, "n n"], right: Float[Array, " n"]) -> Float[Array, " n"]:
    """Positive definite n x n system, n known at trace time: unrolled, so that vmap fuses it."""
    n = right.size
    scale = jax.lax.rsqrt(jnp.diagonal(matrix))
    a = matrix * scale[:, None] * scale[None, :]
    b = right * scale
    rows = [a[i] for i in range(n)]
    sides = [b[i] for i in range(n)]
    for i in range(n):
        for j in range(i + 1, n):
            factor = rows[j][i] / rows[i][i]
            rows[j] = rows[j] - factor * rows[i]
            sides[j] = sides[j] - factor * sides[i]
    solution: list[Float[Array, ""]] = [sides[-1]] * n
    for i in reversed(range(n)):
        known = sum((rows[i][j] * solution[j] for j in range(i + 1, n)), jnp.zeros_like(right[0]))
        solution[i] = (sides[i] - known) / rows[i][i]
    return jnp.stack(solution) * scale


def _to_boundary(values: Float[Array, " m"], change: Float[Array, " m"]) -> Float[Array, ""]:
    """Largest step in (0, 1] that keeps every value positive."""
    shrinking = change < 0
    limit = jnp.where(
        shrinking, -FRACTION_TO_BOUNDARY * values / jnp.where(shrinking, change, -1.0), 1.0
    )
    return jnp.minimum(1.0, jnp.min(limit))


def _damped_bfgs(
    hessian: Float[Array, "n n"], step: Float[Array, " n"], change: Float[Array, " n"]
) -> Float[Array, "n n"]:
    """Powell's damped update: stays positive definite where the Lagrangian is not convex."""
    curved = hessian @ step
    expected = step @ curved
    actual = step @ change
    short = actual < 0.2 * expected
    theta = jnp.where(short, 0.8 * expected / jnp.where(short, expected - actual, 1.0), 1.0)
    blended = theta * change + (1.0 - theta) * curved
    denominator = step @ blended
    usable = (expected > 1e-30) & (denominator > 1e-30)
    safe_expected = jnp.where(usable, expected, 1.0)
    safe_denominator = jnp.where(usable, denominator, 1.0)
    updated = (
        hessian
        - curved[:, None] * curved[None, :] / safe_expected
        + blended[:, None] * blended[None, :] / safe_denominator
    )
    return jnp.where(usable, updated, hessian)


def _residual(it: _Iterate) -> Float[Array, ""]:
    """Largest violation of stationarity, feasibility and complementarity."""
    stationarity = jnp.max(jnp.abs(it.gradient + it.jacobian.T @ it.z))
    feasibility = jnp.max(jnp.maximum(it.c, 0.0))
    complementarity = jnp.max(jnp.abs(it.slack * it.z))
    return jnp.maximum(jnp.maximum(stationarity, feasibility), complementarity)
