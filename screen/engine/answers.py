"""All numbers and verdicts of stacks that broadcast together; what is unknown is marked.

Verdicts are three-valued (0 no, 1 yes, 2 unknown): a comparison with an unknown limit is not a
`no`. `feasible` of a row means all states of its cathode. Where the thicknesses at which verdicts
change are explicit, they come from these (`thresholds.py`), else from the potentials.
"""

from functools import reduce
from typing import Any, NamedTuple

import jax.numpy as jnp

from muli.kernels import (
    Boundary,
    CoatingClass,
    CurveNode,
    Limits,
    Metrics,
    Stack,
    Status,
    classify_coating,
    metrics,
    metrics_of_plane,
    solution_at,
)
from muli.screen.engine.stacks import Batch, spread
from muli.screen.engine.thresholds import Row, at_most, both
from muli.screen.vocabulary import CURRENT_FLOATS, FLOATS, UNKNOWN, YES

Number = Any
"""Floating-point array: JAX's inside programs, NumPy's on the host."""
Verdict = Any
"""Integer array, likewise."""


class Answers(NamedTuple):
    """Result columns by name; shapes broadcast to (lines, states, blocks, thicknesses)."""

    floats: dict[str, Number]
    verdicts: dict[str, Verdict]
    codes: dict[str, Verdict]


def answer(
    batch: Batch,
    *,
    plane: bool,
    current: bool,
    row: Row | None = None,
    nodes: CurveNode | None = None,
) -> Answers:
    """Judge every stack.

    plane: constant laws at open circuit. current: some current flows. row: verdicts by thresholds
    where there are any. nodes: E* of two layers where it is known already.
    """

    def one(stack: Stack, limits: Limits, ends: Boundary, node: CurveNode | None) -> Metrics:
        solution = None if node is None else solution_at(stack, node)
        return metrics(stack, limits, boundary=ends, solution=solution)

    numbers = (
        metrics_of_plane(batch.stack, batch.limits, boundary=batch.boundary)
        if plane
        else spread((*batch, nodes), one)
    )
    names = (*FLOATS, *CURRENT_FLOATS) if current else FLOATS
    floats = {name: getattr(numbers, name) for name in names if name in _OWN}
    before = batch.stack.electrolyte
    for name in ("coating_oxidation_margin_V", "coating_reduction_margin_V"):
        margins = getattr(numbers, name)
        floats[name] = reduce(jnp.minimum, margins[before:])
        if before:
            floats[f"anode_{name}"] = reduce(jnp.minimum, margins[:before])
    if before:
        floats["anode_interface_potential_V"] = numbers.anode_interface_potential_V
    floats["max_sigma_ele_ratio"] = _largest_ratio(batch)
    if not current:
        floats |= _known_without_transport(batch, floats)
    codes = {
        "status": _status(batch, numbers),
        "coating_class": _coating_class(batch, _class_of_all(batch, numbers, floats), floats)
        if row is None
        else row.coating_class,
        "max_thickness_set_by": numbers.max_thickness_set_by,
        "anode_boundary": batch.boundary.anode_pinned.astype(jnp.int32),
    }
    if row is None:
        row = _row(batch, floats, numbers.oxidation_protected, codes["coating_class"])
    return Answers(floats, _verdicts(floats, row), codes)


_OWN = frozenset(Metrics.__dataclass_fields__) - {
    "coating_oxidation_margin_V",
    "coating_reduction_margin_V",
    "anode_interface_potential_V",
}


def _known_without_transport(batch: Batch, floats: dict[str, Number]) -> dict[str, Number]:
    """Margins at the two electrodes. At open circuit, without contacts, no conductivity is needed.

    The coating's highest potential is the cathode's, the electrolyte's lowest the anode's.
    """
    E_a, E_c = _ends(batch)
    contacts = batch.stack.interface_asr or (0.0,)
    first, last, bare = contacts[0], contacts[-1], batch.stack.electrolyte == 0
    electrolyte: Any = batch.limits.electrolyte
    coating: Any = batch.limits.coatings[-1]
    single_layer = len(_on_cathode_side(batch)) == 1
    ends = {
        "coating_oxidation_margin_V": (
            coating.oxidation - E_c,
            single_layer & (last == 0) & (E_c >= E_a),
        ),
        "anode_side_margin_V": (E_a - electrolyte.reduction, bare & (first == 0)),
    }
    return {
        name: jnp.where(jnp.isnan(floats[name]) & sure, margin, floats[name])
        for name, (margin, sure) in ends.items()
    }


def _on_cathode_side(batch: Batch) -> tuple[Any, ...]:
    """The windows of the coating's layers, without that of an anode coating."""
    return batch.limits.coatings[batch.stack.electrolyte :]


def _class_of_all(batch: Batch, numbers: Metrics, floats: dict[str, Number]) -> Verdict:
    """The class of a coating; of several layers that of the least margins of all."""
    if len(_on_cathode_side(batch)) == 1:
        return numbers.coating_class[-1]
    margins = floats["coating_oxidation_margin_V"], floats["coating_reduction_margin_V"]
    tolerance: Any = batch.limits.window_tolerance
    return classify_coating(*margins, tolerance)


def _coating_class(batch: Batch, code: Verdict, floats: dict[str, Number]) -> Verdict:
    """The kernels' class; `oxidises` for a coating known to oxidise, even if its other face is
    unknown."""
    tolerance: Any = batch.limits.window_tolerance
    beyond = floats["coating_oxidation_margin_V"] < -tolerance
    unknown = code == CoatingClass.UNKNOWN
    return jnp.where(unknown & beyond, int(CoatingClass.OXIDISES), code).astype(jnp.int32)


def _status(batch: Batch, numbers: Metrics) -> Verdict:
    """The kernels' status; unknown electrodes are `missing_property`, other NaN are `underflow`."""
    ends = batch.boundary.E_anode_electrode + batch.boundary.E_cathode_electrode
    status = jnp.where(jnp.isnan(ends), int(Status.MISSING_PROPERTY), numbers.status)
    lost = (status == Status.OK) & jnp.isnan(
        numbers.interface_potential_V + numbers.oxidation_margin_V
    )
    return jnp.where(lost, int(Status.UNDERFLOW), status).astype(jnp.int32)


def _row(
    batch: Batch, floats: dict[str, Number], never_oxidised: Number, coating_class: Verdict
) -> Row:
    """Verdicts by the potentials. never_oxidised: where the electrolyte is protected from oxidation
    even if E* is unknown."""
    window: Any = batch.limits.electrolyte
    E, cost = floats["interface_potential_V"], floats["asr_coating_ohm_cm2"]
    oxidation = jnp.where(never_oxidised, YES, at_most(E, window.oxidation))
    protected = both(oxidation, at_most(window.reduction, E))
    band = at_most(floats["min_thickness_nm"], floats["max_thickness_nm"])
    if len(batch.limits.coatings) > 1:  # no thickness of one layer bounds the others
        band = jnp.full_like(band, YES)
    affordable = at_most(cost, jnp.full_like(cost, batch.limits.asr_budget))
    return Row(oxidation, protected, both(both(protected, band), affordable), coating_class)


def _verdicts(floats: dict[str, Number], row: Row) -> dict[str, Verdict]:
    margin = floats["anode_side_margin_V"]
    return {
        "oxidation_protected": row.oxidation_protected,
        "protected": row.protected,
        "anode_side_stable": at_most(jnp.zeros_like(margin), margin),
        "feasible": in_all_states(row.feasible),
    }


def in_all_states(verdict: Verdict) -> Verdict:
    """One verdict for all states of the cathode: yes where that of every state is yes."""
    joint = verdict[:, :1]
    for state in range(1, verdict.shape[1]):
        joint = both(joint, verdict[:, state : state + 1])
    return jnp.broadcast_to(joint, verdict.shape)


WITHOUT_THICKNESS = frozenset(
    (
        "min_thickness_nm",
        "max_thickness_nm",
        "transport_ratio",
        "max_sigma_ele_at_L_max_S_cm",
        "max_thickness_set_by",
        "status",
    )
)
"""Columns that an inverse-only screen still has."""


def without_thickness(answers: Answers, band: Verdict | None = None) -> Answers:
    """Set to unknown what needs a thickness; `feasible` then says whether some thickness is.

    band: whether the least thickness is at most the largest, by thresholds; None: by the answers.
    """
    if band is None:
        band = at_most(*(answers.floats[f"{end}_thickness_nm"] for end in ("min", "max")))
    unknown = {name: jnp.full_like(v, UNKNOWN) for name, v in answers.verdicts.items()}
    feasible = in_all_states(band)
    blank = jnp.full_like(answers.codes["coating_class"], int(CoatingClass.UNKNOWN))
    return Answers(
        {
            name: value if name in WITHOUT_THICKNESS else jnp.full_like(value, jnp.nan)
            for name, value in answers.floats.items()
        },
        {**unknown, "feasible": feasible},
        {**answers.codes, "coating_class": blank},
    )


def _ends(batch: Batch) -> tuple[Number, Number]:
    """Potentials the stacks are solved between."""
    return batch.stack.E_anode, batch.stack.E_cathode


def _largest_ratio(batch: Batch) -> Number:
    """Largest sigma_ele of the coating over that of the electrolyte that protects.

    For sigma_ele << sigma_ion and without contacts. It is known even where the electrolyte's
    own sigma_ele is not. Infinite where anything protects, 0 where nothing does.
    """
    electrolyte, coating, *others = batch.stack.layers
    if others:
        return jnp.full_like(batch.stack.E_anode, jnp.nan)
    E_ox: Any = batch.limits.electrolyte.oxidation
    E_a, E_c = _ends(batch)
    over, under = E_c - E_ox, E_ox - E_a
    ratio = coating.thickness / electrolyte.thickness * under / jnp.where(over > 0, over, 1.0)
    ratio = jnp.where(under > 0, ratio, 0.0)
    free = jnp.where(over > 0, ratio, jnp.inf)
    return jnp.where(jnp.isnan(over + under), jnp.nan, free)
