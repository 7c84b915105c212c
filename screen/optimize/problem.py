"""A design problem: a stack, what may vary in it and between which bounds, and what it must hold.

The optimiser sees coordinates v (n,): the logarithm of thicknesses and conductivities, and the
fraction of the way between their bounds for potentials, temperature, current and margin. Lengths
are cm, conductivities S/cm, potentials V vs Li/Li+, currents A/cm2, resistances ohm cm2.
"""

from dataclasses import replace
from typing import Any, Literal, NamedTuple, cast

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float

from muli.kernels import (
    BoundaryChoice,
    Layer,
    Stack,
    Window,
    arrhenius_factor,
    arrhenius_sigma_ion,
    resolve_boundary,
)

Quantity = Literal[
    "thickness",
    "sigma_ion",
    "sigma_ele",
    "E_anode",
    "E_cathode",
    "temperature",
    "current_density",
    "margin",
]
Term = Literal["total_coating_thickness", "resistance", "leak", "margin"]

LOGARITHMIC: frozenset[str] = frozenset({"thickness", "sigma_ion", "sigma_ele"})


class Variable(NamedTuple):
    """One free number of the stack; `layer` counts from the anode, None for the whole stack."""

    quantity: Quantity
    layer: int | None = None


class Problem(eqx.Module):
    """Everything one design problem needs. A batch is a pytree with a leading axis on its arrays;
    plain Python numbers (see `is_plain`) are shared by all of it.

    `stack` holds the fixed numbers (cathode-side thicknesses already divided by `area_factor`);
    each of `cathode_potentials` (states,) is a state of charge the design must stand. Windows
    (layers,) are infinite where unknown, which is no constraint; so is an absent budget.
    `boundary`: as in `kernels.resolve_boundary`.
    """

    stack: Stack
    cathode_potentials: Float[Array, " states"]
    reduction: Float[Array, " layers"]
    oxidation: Float[Array, " layers"]
    lower: Float[Array, " n"]
    upper: Float[Array, " n"]
    E_act_ion: Float[Array, " layers"]
    E_act_ele: Float[Array, " layers"]
    asr_budget: Float[Array, ""]
    margin: Float[Array, ""]
    area_factor: Float[Array, ""]
    leak_budget: Float[Array, ""] | None = None
    boundary: BoundaryChoice = eqx.field(static=True, default="auto")
    variables: tuple[Variable, ...] = eqx.field(static=True, default=())
    objective: tuple[tuple[Term, float], ...] = eqx.field(
        static=True, default=(("total_coating_thickness", 1.0),)
    )

    def varies(self, quantity: Quantity) -> bool:
        """Whether any variable is of this quantity."""
        return any(variable.quantity == quantity for variable in self.variables)

    @property
    def coatings(self) -> tuple[int, ...]:
        """Positions of the layers that are not the electrolyte."""
        return tuple(k for k in range(len(self.stack.layers)) if k != self.stack.electrolyte)


class Setting(NamedTuple):
    """The problem's stack at one point, at its first cathode potential, and the margin there."""

    stack: Stack
    margin: Float[Array, ""]


def leaf(values: npt.ArrayLike) -> Array:
    """Numbers of a problem before it is passed to JAX: float64 whatever the setting of JAX."""
    return cast("Array", np.asarray(values, np.float64))


def is_plain(number: object) -> bool:
    """Whether a leaf is a Python number: known when a program is built, one for a whole batch.

    A plain current of 0 and plain slopes let `muli.kernels.solve` take its fast methods.
    """
    return type(number) in (int, float)


def bounds(problem: Problem) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
    """Lowest and highest coordinates."""
    lower = [_bound(v, x) for v, x in zip(problem.variables, problem.lower, strict=True)]
    upper = [_bound(v, x, 1.0) for v, x in zip(problem.variables, problem.upper, strict=True)]
    return jnp.stack(lower), jnp.stack(upper)


def values(problem: Problem, v: Float[Array, " n"]) -> Float[Array, " n"]:
    """Physical values at the coordinates v, in the units of the kernels."""
    span = problem.upper - problem.lower
    taken = [
        jnp.exp(v[i]) if variable.quantity in LOGARITHMIC else problem.lower[i] + span[i] * v[i]
        for i, variable in enumerate(problem.variables)
    ]
    return jnp.stack(taken)


def setting(problem: Problem, v: Float[Array, " n"]) -> Setting:
    """The stack at the coordinates v: variables placed, temperature applied, anode pinned."""
    stack = problem.stack
    margin = jnp.asarray(problem.margin)
    stack = replace(stack, E_cathode=problem.cathode_potentials[0])
    for variable, value in zip(problem.variables, values(problem, v), strict=True):
        if variable.quantity == "margin":
            margin = value
        else:
            stack = _place(problem, stack, variable, value)
    if problem.varies("temperature"):
        stack = _at_temperature(problem, stack)
    window = Window(problem.reduction[stack.electrolyte], problem.oxidation[stack.electrolyte])
    held = resolve_boundary(
        stack.E_anode,
        stack.E_cathode,
        window,
        choice=problem.boundary,
        anode_coated=stack.electrolyte > 0,
    )
    return Setting(replace(stack, E_anode=held.E_anode), margin)


def coating_thickness(problem: Problem, stack: Stack) -> Float[Array, " coatings"]:
    """Thickness of every coating layer as it is deposited, cm."""
    return jnp.stack(
        [
            stack.layers[k].thickness * (problem.area_factor if k > stack.electrolyte else 1.0)
            for k in problem.coatings
        ]
    )


def _bound(variable: Variable, value: Float[Array, ""], fraction: float = 0.0) -> Float[Array, ""]:
    return jnp.log(value) if variable.quantity in LOGARITHMIC else jnp.full_like(value, fraction)


def _place(problem: Problem, stack: Stack, variable: Variable, value: Float[Array, ""]) -> Stack:
    """The stack with one variable set."""
    quantity, k = variable
    if k is None:
        changed: dict[str, Any] = {quantity: value}
        return replace(stack, **changed)
    layer = stack.layers[k]
    if quantity == "thickness":
        share = problem.area_factor if k > stack.electrolyte else 1.0
        new = replace(layer, thickness=value / share)
    elif quantity == "sigma_ion":
        new = replace(layer, sigma_ion=value)
    else:
        new = replace(layer, sigma_ele=layer.sigma_ele.with_sigma_0(value))
    return replace(stack, layers=(*stack.layers[:k], new, *stack.layers[k + 1 :]))


def _at_temperature(problem: Problem, stack: Stack) -> Stack:
    """Conductivities moved from the temperature of the problem's stack to that of `stack`."""
    T, T_ref = stack.temperature, problem.stack.temperature
    layers = tuple(
        Layer(
            layer.thickness,
            arrhenius_sigma_ion(layer.sigma_ion, problem.E_act_ion[k], T, T_ref),
            layer.sigma_ele.scaled(arrhenius_factor(problem.E_act_ele[k], T, T_ref)),
        )
        for k, layer in enumerate(stack.layers)
    )
    return replace(stack, layers=layers)
