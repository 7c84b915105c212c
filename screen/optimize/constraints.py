"""The constraints of a design, written so that Newton's method converges in few steps.

"The potential at a cut stays below U" is the same as "held at U there, the anode side of the stack
leaks more than the cathode side": the potential at a cut rises with the leak that the anode side
carries and falls with the cathode side's. Compared as logarithms the two leaks are smooth, nearly
linear functions of log thickness, where the potential itself is a step; with constant
conductivities the comparison is the linear program of the multilayer problem.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from muli.kernels import Stack, leak_current, solve
from muli.kernels.constants import CM_PER_NM
from muli.screen.optimize.problem import Problem, Setting, coating_thickness, setting

SMALLEST_LEAK = 1e-36
"""A/cm2; a leak below it counts as none. Far below the leak of any stack of real materials."""

IMPOSSIBLE = 100.0
"""Violation of a limit that no stack can keep: above ln of any ratio of leaks."""

TIE_BREAK = 1e-6
"""Weight of ln(resistance) in every objective: moves an optimum by less than 1e-5 of itself."""


Tree = TypeVar("Tree")


class Cut(NamedTuple):
    """A stack cut at one face of a layer: the limits there are those of `layers`."""

    interface: int
    layers: tuple[int, ...]
    asr_before: bool

    def halves(self, stack: Stack, E: Float[Array, ""]) -> tuple[Stack, Stack]:
        """The anode side and the cathode side, each held at E where they were cut."""
        i, asr = self.interface, stack.interface_asr
        left_asr = right_asr = None
        if asr is not None:
            none = jnp.zeros_like(asr[i + 1])
            near, far = (asr[i + 1], none) if self.asr_before else (none, asr[i + 1])
            left_asr, right_asr = (*asr[: i + 1], near), (far, *asr[i + 2 :])
        left, right = stack.layers[: i + 1], stack.layers[i + 1 :]
        return (
            replace(stack, layers=left, E_cathode=E, interface_asr=left_asr, electrolyte=0),
            replace(stack, layers=right, E_anode=E, interface_asr=right_asr, electrolyte=0),
        )


def cuts(stack: Stack) -> Iterator[Cut]:
    """Every inner interface; once where the contact is ideal, at both its faces where it is not."""
    for i in range(len(stack.layers) - 1):
        if stack.interface_asr is None:
            yield Cut(i, (i, i + 1), False)
        else:
            yield Cut(i, (i,), False)
            yield Cut(i, (i + 1,), True)


def evaluate(
    problem: Problem, v: Float[Array, " n"]
) -> tuple[Float[Array, ""], Float[Array, " m"]]:
    """Objective and constraints (met where not positive) at the coordinates v."""
    at = setting(problem, v)
    gaps = over_states(problem, at, lambda stack: window_gaps(problem, stack, at.margin))
    held = [gaps.reshape(-1), asr_gap(problem, at.stack)[None]]
    if problem.leak_budget is not None:
        held.append(jnp.log(largest_leak(problem, at) / problem.leak_budget)[None])
    if outer_faces_move(problem):
        outer = over_states(problem, at, lambda stack: outer_gaps(problem, stack, at.margin))
        held.append(outer.reshape(-1))
    return objective(problem, at), jnp.concatenate(held)


def over_states(problem: Problem, at: Setting, function: Callable[[Stack], Tree]) -> Tree:
    """The function at every state of charge of the cathode: its arrays with a leading axis."""
    own = at.stack.E_cathode[None]
    potentials = own if problem.varies("E_cathode") else problem.cathode_potentials
    return jax.vmap(lambda E: function(replace(at.stack, E_cathode=E)))(potentials)


def window_gaps(
    problem: Problem, stack: Stack, margin: Float[Array, ""]
) -> Float[Array, " 2*cuts"]:
    """Per cut: too high for a layer there, too low for one, as the natural log of a leak ratio."""
    gaps = []
    for cut in cuts(stack):
        layers = jnp.asarray(cut.layers)
        ceiling = jnp.min(problem.oxidation[layers]) - margin
        floor = jnp.max(problem.reduction[layers]) + margin
        E, sign = jnp.stack([ceiling, floor]), jnp.asarray([1.0, -1.0], ceiling.dtype)
        gaps.append(jax.vmap(partial(_gap, cut, stack))(E, sign))
    return jnp.concatenate(gaps)


def _gap(cut: Cut, stack: Stack, E: Float[Array, ""], sign: Float[Array, ""]) -> Float[Array, ""]:
    """sign * (ln leak of the cathode side - ln leak of the anode side), the cut held at E.

    At open circuit every potential lies between the electrodes: a limit beyond them is met for
    certain (-1) or cannot be met (more than any logarithm), whatever the thicknesses.
    """
    low, high = stack.E_anode, stack.E_cathode
    decides = jnp.isfinite(E) & ((stack.current_density != 0) | ((low < E) & (high > E)))
    smallest = SMALLEST_LEAK + 1e-9 * jnp.abs(stack.current_density)
    halves = cut.halves(stack, jnp.where(decides, E, 0.5 * (low + high)))
    anode, cathode = (_signed_log(leak_current(half) / smallest) for half in halves)
    short = jnp.where(sign > 0, low - E, E - high)
    return jnp.where(
        decides, sign * (cathode - anode), jnp.where(short >= 0, IMPOSSIBLE * (1.0 + short), -1.0)
    )


def _signed_log(x: Float[Array, ""]) -> Float[Array, ""]:
    return jnp.sign(x) * jnp.log1p(jnp.abs(x))


def largest_leak(problem: Problem, at: Setting) -> Float[Array, ""]:
    """Largest leak over the states of charge, A/cm2."""
    leaks = over_states(problem, at, leak_current)
    return jnp.max(jnp.abs(leaks))


def outer_gaps(problem: Problem, stack: Stack, margin: Float[Array, ""]) -> Float[Array, " faces"]:
    """V beyond the window where a coating touches an electrode: oxidised, reduced, per coating.

    A bare electrolyte face is left to the boundary condition.
    """
    gaps = []
    faces = None if stack.interface_asr is None else solve(stack).faces
    for k, side, electrode in outer_faces(problem):
        E = getattr(stack, electrode) if faces is None else faces[k, side]
        high, low = problem.oxidation[k], problem.reduction[k]
        gaps.append(jnp.where(jnp.isfinite(high), E - (high - margin), -1.0))
        gaps.append(jnp.where(jnp.isfinite(low), low + margin - E, -1.0))
    return jnp.stack(gaps) if gaps else jnp.zeros(0, problem.lower.dtype)


def outer_faces(problem: Problem) -> list[tuple[int, int, str]]:
    """(layer, its face, electrode) of every coating that touches an electrode."""
    last = len(problem.stack.layers) - 1
    ends = [(0, 0, "E_anode"), (last, 1, "E_cathode")]
    return [end for end in ends if end[0] != problem.stack.electrolyte]


def outer_faces_move(problem: Problem) -> bool:
    """Whether the variables can change the potential at an electrode, or its required margin."""
    movable = problem.varies("E_cathode") or problem.varies("E_anode") or problem.varies("margin")
    return bool(outer_faces(problem)) and (movable or problem.stack.interface_asr is not None)


def coating_asr(problem: Problem, stack: Stack) -> Float[Array, ""]:
    """Ionic resistance of coatings and interfaces, ohm cm2: what the budget limits."""
    layers = [stack.layers[k] for k in problem.coatings]
    asr = sum((a.thickness / a.sigma_ion for a in layers), jnp.zeros_like(stack.E_anode))
    return asr + sum(stack.interface_asr or (), jnp.zeros_like(asr))


def asr_gap(problem: Problem, stack: Stack) -> Float[Array, ""]:
    """ln(resistance / budget); never binding where no budget is given."""
    finite = jnp.isfinite(problem.asr_budget)
    budget = jnp.where(finite, problem.asr_budget, 1.0)
    gap = jnp.log(coating_asr(problem, stack) / budget)
    return jnp.where(finite, gap, -1.0)


def objective(problem: Problem, at: Setting) -> Float[Array, ""]:
    """Weighted sum of the terms (nm, ohm cm2, A/cm2, -V of margin); its logarithm if positive.

    A small multiple of the resistance is added, so that of equally good designs the least resistive
    is found: without it, for constant laws and equal sigma_ele, any division of a thickness among
    layers would be optimal.
    """
    total = jnp.zeros_like(at.stack.E_anode)
    for term, weight in problem.objective:
        total = total + weight * _term(problem, at, term)
    signed = any(term == "margin" for term, _ in problem.objective)
    value = total if signed else jnp.log(total)
    return value + TIE_BREAK * jnp.log(coating_asr(problem, at.stack))


def _term(problem: Problem, at: Setting, term: str) -> Float[Array, ""]:
    if term == "total_coating_thickness":
        return jnp.sum(coating_thickness(problem, at.stack)) / CM_PER_NM
    if term == "resistance":
        return coating_asr(problem, at.stack)
    if term == "margin":
        return -at.margin
    return largest_leak(problem, at)
