"""All columns of one stack of any layers and laws: the facts, for `judge` to turn into verdicts."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from muli.kernels.metrics.inverse import (
    coating_needs,
    electrolyte_needs,
    max_sigma_ele,
    min_thickness,
)
from muli.kernels.metrics.judge import Facts, Limits, Metrics, judge, never_oxidised
from muli.kernels.model.boundary import Boundary
from muli.kernels.model.stack import Stack
from muli.kernels.solvers.solve import Solution, solve
from muli.kernels.transport.conductor import as_floats

Scalar = Float[Array, ""]


def metrics(
    stack: Stack,
    limits: Limits,
    *,
    boundary: Boundary | None = None,
    solution: Solution | None = None,
) -> Metrics:
    """All columns of one stack.

    boundary: how `stack.E_anode` and `stack.E_cathode` came about (`resolve_boundary`); without
    it they are electrode potentials. solution: `solve(stack)`, where it is at hand.

    Args:
        stack: conductivities in S/cm, thicknesses in cm, potentials in V vs Li/Li+; see `Stack`.
        limits: windows in V vs Li/Li+, budget in ohm cm2; see `Limits`.
        boundary: potentials in V vs Li/Li+.
        solution: node potentials in V vs Li/Li+.

    Returns:
        Every column as a scalar with the unit in its name; see `Metrics`.
    """
    solution = solve(stack) if solution is None else solution
    numbers, limits = as_floats((stack, limits))
    number = solution.leak_current_density
    never = jnp.zeros((), bool)
    asr_electrolyte, asr_coating = ionic_resistances(numbers)
    return judge(
        Facts(
            faces=tuple((face[0], face[1]) for face in solution.faces),
            leak=number,
            overshoot=solution.overshoot,
            terminal_voltage=_terminal_voltage(numbers, number, boundary),
            asr_coating=asr_coating,
            asr_electrolyte=asr_electrolyte,
            **_coating_facts(stack, limits),
            anode_pinned=never if boundary is None else boundary.anode_pinned,
            cathode_pinned=never if boundary is None else boundary.cathode_pinned,
            unprotectable=limits.electrolyte.oxidation <= numbers.E_anode,
            never_oxidised=never_oxidised(numbers, limits.electrolyte.oxidation),
            status=solution.status,
            electrolyte=stack.electrolyte,
        ),
        limits,
    )


def ionic_resistances(stack: Stack) -> tuple[Scalar, Scalar]:
    """Ionic resistance of the electrolyte, and of coatings and contacts together (ohm cm2)."""
    layers = [layer.thickness / layer.sigma_ion for layer in stack.layers]
    electrolyte = layers.pop(stack.electrolyte)
    coatings = sum(layers, start=jnp.zeros_like(electrolyte))
    return electrolyte, coatings + sum(stack.interface_asr or ())


def transport_ratio(stack: Stack, limits: Limits) -> Scalar:
    """Least protecting thickness over the largest allowed (resistance budget, reduction limits of
    coating and electrolyte); below 1 one exists.

    Args:
        stack: conductivities in S/cm, thicknesses in cm, potentials in V vs Li/Li+; see `Stack`.
        limits: windows in V vs Li/Li+, budget in ohm cm2; see `Limits`.

    Returns:
        A number without a unit, 0 or more.
    """
    return metrics(stack, limits).transport_ratio


def max_sigma_ele_at_L_max(stack: Stack, limits: Limits) -> Scalar:
    """Largest coating sigma_ele (S/cm) that protects at the resistance-limited thickness.

    Args:
        stack: conductivities in S/cm, thicknesses in cm, potentials in V vs Li/Li+; see `Stack`.
        limits: windows in V vs Li/Li+, budget in ohm cm2; see `Limits`.

    Returns:
        S/cm.
    """
    return metrics(stack, limits).max_sigma_ele_at_L_max_S_cm


def _terminal_voltage(stack: Stack, leak: Scalar, boundary: Boundary | None) -> Scalar:
    ends = stack if boundary is None else boundary
    E_anode = ends.E_anode if boundary is None else boundary.E_anode_electrode
    E_cathode = ends.E_cathode if boundary is None else boundary.E_cathode_electrode
    ionic = sum(ionic_resistances(stack))
    return E_cathode - E_anode - (stack.current_density + leak) * ionic


def _coating_facts(stack: Stack, limits: Limits) -> dict[str, Scalar]:
    """Inverse answers for the coating on the cathode side; NaN where there is none."""
    names = (
        "min_thickness",
        "thickness_by_resistance",
        "thickness_by_coating_reduction",
        "thickness_by_electrolyte_reduction",
        "max_sigma_ele",
        "max_sigma_ele_at_L_max",
        "max_electrolyte_thickness",
        "min_electrolyte_sigma_ele",
    )
    numbers = as_floats(stack)
    missing = jnp.full_like(numbers.E_anode, jnp.nan)
    facts = dict.fromkeys(names, missing)
    if stack.electrolyte + 1 == len(stack.layers):
        return facts
    E_ox = limits.electrolyte.oxidation
    electrolyte = electrolyte_needs(stack, E_ox)
    facts["max_electrolyte_thickness"] = electrolyte.max_thickness
    facts["min_electrolyte_sigma_ele"] = electrolyte.min_sigma_ele
    if len(stack.layers) > 2:
        facts["min_thickness"] = min_thickness(stack, E_ox)
        facts["max_sigma_ele"] = max_sigma_ele(stack, E_ox)
        return facts
    budget = jnp.maximum(limits.asr_budget - sum(numbers.interface_asr or ()), 0.0)
    largest = budget * numbers.layers[1].sigma_ion
    needs = coating_needs(stack, limits.electrolyte, limits.coatings[0].reduction, largest)
    facts["min_thickness"] = needs.min_thickness
    facts["thickness_by_resistance"] = largest
    facts["thickness_by_coating_reduction"] = needs.thickness_by_coating_reduction
    facts["thickness_by_electrolyte_reduction"] = needs.thickness_by_electrolyte_reduction
    facts["max_sigma_ele"] = needs.max_sigma_ele
    facts["max_sigma_ele_at_L_max"] = needs.max_sigma_ele_at_largest
    return facts
