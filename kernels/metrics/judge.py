"""Everything reported per stack: margins, classes, thickness band, tolerances, resistances.

Names carry their units. `judge` is elementwise, so that one stack and a broadcast plane of stacks
get the same arithmetic. A verdict that several facts decide is kept apart from them: whether the
electrolyte is protected, whether the coating itself stands its potentials, and whether a
thickness exists at all are three columns.
"""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from muli.kernels.constants import CM_PER_NM, CM_PER_UM
from muli.kernels.model.boundary import Window
from muli.kernels.model.numbers import Real
from muli.kernels.model.stack import Stack
from muli.outcomes import CoatingClass, Status, ThicknessLimit

Scalar = Float[Array, "..."]
Flag = Bool[Array, "..."]
Code = Int[Array, "..."]
HOURS_PER_MONTH = 720.0


class Limits(eqx.Module):
    """What a stack is judged by. Windows in V; `coatings` has one per coating layer, anode first.

    asr_budget: what coating layers and contacts may cost together, ohm cm2. areal_capacity:
    mAh/cm2. area_factor: interface area over electrode area of a composite cathode; thicknesses in
    a stack are per electrode area (L/a), those reported are real ones. window_tolerance: V.
    """

    electrolyte: Window
    coatings: tuple[Window, ...]
    asr_budget: Float[Real, "..."] = 10.0
    areal_capacity: Float[Real, "..."] = 3.0
    window_tolerance: Float[Real, "..."] = 0.1
    area_factor: Float[Real, "..."] = 1.0


class Metrics(eqx.Module):
    """One value per column; tuples have one entry per coating layer, anode side first.

    Potentials are V vs Li/Li+. NaN: the number does not exist for this stack (no anode coating, a
    window that is unknown, several coating layers); infinity: no finite value does it.
    """

    interface_potential_V: Scalar
    anode_interface_potential_V: Scalar
    oxidation_margin_V: Scalar
    reduction_margin_V: Scalar
    anode_side_margin_V: Scalar
    coating_oxidation_margin_V: tuple[Scalar, ...]
    coating_reduction_margin_V: tuple[Scalar, ...]
    oxidation_protected: Flag
    protected: Flag
    anode_side_stable: Flag
    anode_pinned: Flag
    cathode_pinned: Flag
    coating_class: tuple[Code, ...]
    min_thickness_nm: Scalar
    max_thickness_nm: Scalar
    max_thickness_set_by: Code
    max_sigma_ele_S_cm: Scalar
    transport_ratio: Scalar
    max_sigma_ele_at_L_max_S_cm: Scalar
    max_electrolyte_thickness_um: Scalar
    min_electrolyte_sigma_ele_S_cm: Scalar
    leak_current_A_cm2: Scalar
    self_discharge_percent_per_month: Scalar
    asr_coating_ohm_cm2: Scalar
    asr_total_ohm_cm2: Scalar
    terminal_voltage_V: Scalar
    overshoot_V: Scalar
    feasible: Flag
    status: Code


def classify_coating(oxidation_margin: Scalar, reduction_margin: Scalar, tolerance: Scalar) -> Code:
    """Class of a coating from the margins (V) at its two faces; NaN margins are unknown.

    Args:
        oxidation_margin: oxidation limit less the higher potential of the two faces, V.
        reduction_margin: the lower potential of the two faces less the reduction limit, V.
        tolerance: V.

    Returns:
        `CoatingClass` as an integer, of the margins' shape.
    """
    beyond_oxidation, beyond_reduction = (
        oxidation_margin < -tolerance,
        reduction_margin < -tolerance,
    )
    stable = (oxidation_margin >= 0) & (reduction_margin >= 0)
    code = jnp.where(stable, CoatingClass.STABLE, CoatingClass.WITHIN_TOLERANCE)
    code = jnp.where(beyond_oxidation, CoatingClass.OXIDISES, code)
    code = jnp.where(beyond_reduction, CoatingClass.REDUCES, code)
    code = jnp.where(beyond_oxidation & beyond_reduction, CoatingClass.BOTH, code)
    unknown = jnp.isnan(oxidation_margin) | jnp.isnan(reduction_margin)
    return jnp.where(unknown, CoatingClass.UNKNOWN, code).astype(jnp.int32)


class Facts(eqx.Module):
    """What `judge` needs of a stack; thicknesses in cm per electrode area.

    faces: (E on the anode side, E on the cathode side) per layer. Numbers of the coating on the
    electrolyte's cathode side are NaN where there is none, or where several coatings share the
    budget. never_oxidised: both ends of an open circuit lie at or below the oxidation limit, so
    that E* does, whatever the layers are.
    """

    faces: tuple[tuple[Scalar, Scalar], ...]
    leak: Scalar
    overshoot: Scalar
    terminal_voltage: Scalar
    asr_coating: Scalar
    asr_electrolyte: Scalar
    min_thickness: Scalar
    thickness_by_resistance: Scalar
    thickness_by_coating_reduction: Scalar
    thickness_by_electrolyte_reduction: Scalar
    max_sigma_ele: Scalar
    max_sigma_ele_at_L_max: Scalar
    max_electrolyte_thickness: Scalar
    min_electrolyte_sigma_ele: Scalar
    anode_pinned: Flag
    cathode_pinned: Flag
    unprotectable: Flag
    never_oxidised: Flag
    status: Code
    electrolyte: int = eqx.field(static=True, default=0)


def never_oxidised(stack: Stack, E_oxidation: Scalar) -> Flag:
    """Whether E* cannot exceed the oxidation limit (V): at open circuit it lies between the ends,
    E_anode and E_cathode."""
    rests = jnp.asarray(stack.current_density) == 0
    highest = jnp.maximum(jnp.asarray(stack.E_anode), jnp.asarray(stack.E_cathode))
    return rests & (highest <= E_oxidation)


def judge(facts: Facts, limits: Limits) -> Metrics:
    """All columns from the facts of a stack. Elementwise: any shapes that broadcast.

    Args:
        facts: potentials (V vs Li/Li+), thicknesses (cm), resistances (ohm cm2) of stacks.
        limits: windows in V vs Li/Li+, budget in ohm cm2; see `Limits`.

    Returns:
        Every column with the unit in its name; see `Metrics`.
    """
    window, index = limits.electrolyte, facts.electrolyte
    left, right = facts.faces[index]
    coatings = facts.faces[:index] + facts.faces[index + 1 :]
    oxidation = [
        w.oxidation - jnp.maximum(*E) for w, E in zip(limits.coatings, coatings, strict=True)
    ]
    reduction = [
        jnp.minimum(*E) - w.reduction for w, E in zip(limits.coatings, coatings, strict=True)
    ]
    below = (right <= window.oxidation) | facts.never_oxidised
    oxidation_protected = below & ~facts.cathode_pinned
    protected = oxidation_protected & (right >= window.reduction)
    largest, set_by = _max_thickness(facts)
    margin = left - window.reduction
    band = _band_open(facts.min_thickness, largest)
    unknown = [
        jnp.isnan(limit) for w in (window, *limits.coatings) for limit in (w.reduction, w.oxidation)
    ]
    real = limits.area_factor / CM_PER_NM
    return Metrics(
        interface_potential_V=right,
        anode_interface_potential_V=left if index else jnp.full_like(left, jnp.nan),
        oxidation_margin_V=window.oxidation - jnp.maximum(left, right),
        reduction_margin_V=right - window.reduction,
        anode_side_margin_V=margin,
        coating_oxidation_margin_V=tuple(oxidation),
        coating_reduction_margin_V=tuple(reduction),
        oxidation_protected=oxidation_protected,
        protected=protected,
        anode_side_stable=margin >= 0,
        anode_pinned=facts.anode_pinned,
        cathode_pinned=facts.cathode_pinned,
        coating_class=tuple(
            classify_coating(*margins, limits.window_tolerance)
            for margins in zip(oxidation, reduction, strict=True)
        ),
        min_thickness_nm=facts.min_thickness * real,
        max_thickness_nm=largest * real,
        max_thickness_set_by=set_by,
        max_sigma_ele_S_cm=facts.max_sigma_ele,
        transport_ratio=_ratio(facts.min_thickness, largest),
        max_sigma_ele_at_L_max_S_cm=facts.max_sigma_ele_at_L_max,
        max_electrolyte_thickness_um=facts.max_electrolyte_thickness / CM_PER_UM,
        min_electrolyte_sigma_ele_S_cm=facts.min_electrolyte_sigma_ele,
        leak_current_A_cm2=facts.leak,
        self_discharge_percent_per_month=1e5 * facts.leak * HOURS_PER_MONTH / limits.areal_capacity,
        asr_coating_ohm_cm2=facts.asr_coating,
        asr_total_ohm_cm2=facts.asr_coating + facts.asr_electrolyte,
        terminal_voltage_V=facts.terminal_voltage,
        overshoot_V=facts.overshoot,
        feasible=protected & band & (facts.asr_coating <= limits.asr_budget),
        status=_status(facts, unknown),
    )


def _max_thickness(facts: Facts) -> tuple[Scalar, Code]:
    """The least of three thicknesses (cm) and which it is; an unknown window does not bind."""
    reductions = facts.thickness_by_coating_reduction, facts.thickness_by_electrolyte_reduction
    own, electrolyte = (jnp.where(jnp.isnan(value), jnp.inf, value) for value in reductions)
    largest = facts.thickness_by_resistance
    code = jnp.where(own < largest, ThicknessLimit.COATING_REDUCTION, ThicknessLimit.RESISTANCE)
    largest = jnp.minimum(largest, own)
    code = jnp.where(electrolyte < largest, ThicknessLimit.ELECTROLYTE_REDUCTION, code)
    largest = jnp.minimum(largest, electrolyte)
    exists = jnp.isfinite(largest)
    return largest, jnp.where(exists, code, ThicknessLimit.NONE).astype(jnp.int32)


def _band_open(smallest: Scalar, largest: Scalar) -> Flag:
    """Whether a thickness lies between; true where one of the two is not a number of this stack."""
    return ~(smallest > largest)


def _ratio(smallest: Scalar, largest: Scalar) -> Scalar:
    """smallest/largest; infinite where nothing is allowed or nothing helps, else 0 where nothing
    is needed. Below 1 a thickness lies between."""
    nothing = (largest <= 0) | jnp.isposinf(smallest)
    ratio = smallest / jnp.where(nothing, 1.0, largest)
    return jnp.where(nothing, jnp.inf, jnp.where(smallest <= 0, 0.0, ratio))


def _status(facts: Facts, unknown: list[Flag]) -> Code:
    status = jnp.where(facts.unprotectable, Status.UNPROTECTABLE, Status.OK)
    for flag in unknown:
        status = jnp.maximum(status, jnp.where(flag, Status.MISSING_PROPERTY, Status.OK))
    return jnp.maximum(facts.status, status.astype(jnp.int32))
