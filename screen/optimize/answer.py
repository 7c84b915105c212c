"""An optimum in words: solved again as a plain stack, judged face by face, its limits named."""

from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from muli.kernels import solve
from muli.kernels.constants import CM_PER_NM
from muli.screen.compiling.programs import QUICK_COMPILE, kept
from muli.screen.optimize.constraints import (
    IMPOSSIBLE,
    coating_asr,
    cuts,
    outer_faces,
    outer_faces_move,
    outer_gaps,
    over_states,
)
from muli.screen.optimize.descent import CONVERGED, FEASIBLE, Optimum, search
from muli.screen.optimize.problem import Problem, Variable, coating_thickness, setting, values

WINDOW_TOLERANCE = 1e-6
"""V by which the solved stack may exceed a limit and still count as within it."""
SHARE_OF_CONFLICT = 0.01


class Checked(NamedTuple):
    """The stack at the optimum, solved as it stands; states of charge in the problem's order."""

    values: Float[Array, " n"]
    thickness: Float[Array, " coatings"]
    faces: Float[Array, "states layers 2"]
    asr_coating: Float[Array, ""]
    asr_total: Float[Array, ""]
    leak: Float[Array, ""]
    excess: Float[Array, ""]
    outer: Float[Array, "states outer"]


@dataclass(frozen=True)
class Answer:
    """One design. Layers from the electrolyte outwards; nodes of the highest state of charge.

    `thickness_nm` is None where no design holds every constraint; `active_constraints` then are
    those in conflict, and `relaxed` has the designs that exist with one demand dropped. `misses_by`
    is the factor, of a leak ratio or a resistance, by which the nearest design misses them; None
    where no conductivity would help.
    """

    thickness_nm: list[float] | None
    nodes_V: list[float] | None
    asr_total_ohm_cm2: float | None
    feasible: bool
    status: str
    active_constraints: list[str]
    optimality: float | None
    asr_coating_ohm_cm2: float | None = None
    leak_current_A_cm2: float | None = None
    variables: dict[str, float] = field(default_factory=dict)
    relaxed: dict[str, dict[str, Any]] = field(default_factory=dict)
    misses_by: float | None = None
    message: str = ""
    notes: list[str] = field(default_factory=list)
    probability: float | None = None
    price_of_certainty: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Plain numbers, lists and text."""
        return asdict(self)


FEW = 128
"""Up to so many problems run sooner than the compiler's slower passes would."""


def solve_batch(problems: Problem) -> tuple[Optimum, Checked]:
    """Search and check a batch of problems of one shape: one compiled program per shape."""
    return (_solve_few if np.shape(problems.margin)[0] <= FEW else _solve_many)(problems)


def _solve_all(problems: Problem) -> tuple[Optimum, Checked]:
    return eqx.filter_vmap(_one)(problems)


_solve_few = kept("few designs", QUICK_COMPILE)(_solve_all)
_solve_many = kept("many designs")(_solve_all)


def _one(problem: Problem) -> tuple[Optimum, Checked]:
    optimum = search(problem)
    return optimum, check(problem, optimum.point)


def check(problem: Problem, v: Float[Array, " n"]) -> Checked:
    """Solve the stack at v at every state of charge and measure it against its limits."""
    at = setting(problem, v)
    solved = over_states(problem, at, solve)
    faces = solved.faces
    electrolyte = at.stack.layers[at.stack.electrolyte]
    asr = coating_asr(problem, at.stack)
    over = faces - (problem.oxidation - at.margin)[None, :, None]
    under = (problem.reduction + at.margin)[None, :, None] - faces
    judged = jnp.asarray(_judged(problem))[None]
    excess = jnp.where(judged, jnp.maximum(over, under), -jnp.inf)
    return Checked(
        values=values(problem, v),
        thickness=coating_thickness(problem, at.stack),
        faces=faces,
        asr_coating=asr,
        asr_total=asr + electrolyte.thickness / electrolyte.sigma_ion,
        leak=jnp.max(jnp.abs(solved.leak_current_density)),
        excess=jnp.max(excess),
        outer=over_states(problem, at, lambda stack: outer_gaps(problem, stack, at.margin)),
    )


def _judged(problem: Problem) -> np.ndarray:
    """Faces that count: all but those where the bare electrolyte touches an electrode."""
    judged = np.ones((len(problem.stack.layers), 2), bool)
    se = problem.stack.electrolyte
    judged[se] = [se > 0, se < len(problem.stack.layers) - 1]
    return judged


def answer(problem: Problem, optimum: Optimum, checked: Checked, names: list[str]) -> Answer:
    """The answer to one problem of a solved batch; `names` of the layers from the anode."""
    outer = [
        label
        for label, gap in zip(
            _outer_labels(problem, names), np.max(checked.outer, axis=0), strict=True
        )
        if gap > WINDOW_TOLERANCE
    ]
    conflict = float(optimum.violation) > FEASIBLE
    feasible = not conflict and not outer and float(checked.excess) <= WINDOW_TOLERANCE
    binding = _binding(problem, optimum, names, conflict)
    if conflict or outer:
        binding = outer + (binding if conflict else [])
    status = _status(feasible, conflict or bool(outer), float(optimum.residual))
    missing = conflict and not outer and float(optimum.violation) < IMPOSSIBLE
    misses_by = float(np.exp(optimum.violation)) if missing else None
    order = _outwards(problem)
    thickness = [float(checked.thickness[i]) / CM_PER_NM for i in order]
    state = int(np.argmax(problem.cathode_potentials))
    faces = np.asarray(checked.faces[state])
    return Answer(
        thickness_nm=thickness if feasible else None,
        nodes_V=_nodes(faces, problem.stack.interface_asr is not None) if feasible else None,
        asr_total_ohm_cm2=float(checked.asr_total) if feasible else None,
        feasible=feasible,
        status=status,
        active_constraints=binding,
        optimality=float(optimum.residual),
        asr_coating_ohm_cm2=float(checked.asr_coating) if feasible else None,
        leak_current_A_cm2=float(checked.leak) if feasible else None,
        variables=_named_values(problem, checked, names) if feasible else {},
        misses_by=misses_by,
        message="" if feasible else _why_not(status, binding, misses_by),
    )


def _status(feasible: bool, conflict: bool, residual: float) -> str:
    if conflict:
        return "infeasible"
    return "ok" if feasible and residual <= CONVERGED else "not_converged"


def _why_not(status: str, binding: list[str], misses_by: float | None) -> str:
    if status == "infeasible":
        nearest = f" (the nearest misses by a factor of {misses_by:.3g})" if misses_by else ""
        return f"no design holds all of: {'; '.join(binding)}{nearest}"
    return "the search ended before every constraint was met; widen the bounds or change units"


def _binding(problem: Problem, optimum: Optimum, names: list[str], conflict: bool) -> list[str]:
    """Constraints that carry a multiplier, heaviest first."""
    labels = soft_labels(problem, names) + bound_labels(problem, names)
    weight = np.asarray(optimum.multipliers)[: len(labels)]
    least = SHARE_OF_CONFLICT if conflict else 1e-6
    order = np.argsort(-weight, kind="stable")
    return list(dict.fromkeys(labels[i] for i in order if weight[i] > least))


def soft_labels(problem: Problem, names: list[str]) -> list[str]:
    """One name per constraint, in the order of `constraints.evaluate`."""
    labels = []
    states = [""] if problem.varies("E_cathode") else _state_names(problem)
    for state in states:
        for cut in cuts(problem.stack):
            where = f" at {names[cut.interface]} | {names[cut.interface + 1]}{state}"
            high = min(cut.layers, key=lambda k: problem.oxidation[k])
            low = max(cut.layers, key=lambda k: problem.reduction[k])
            labels.append(f"{names[high]} oxidation limit{where}")
            labels.append(f"{names[low]} reduction limit{where}")
    labels.append("resistance budget")
    if problem.leak_budget is not None:
        labels.append("leak budget")
    if outer_faces_move(problem):
        labels += [label for state in states for label in _outer_labels(problem, names, state)]
    return labels


def bound_labels(problem: Problem, names: list[str]) -> list[str]:
    """One name per bound: all the lower ones, then all the upper ones."""
    named = [variable_name(variable, names) for variable in problem.variables]
    return [f"{name} at its {side} bound" for side in ("lower", "upper") for name in named]


def variable_name(variable: Variable, names: list[str]) -> str:
    """E.g. "LiNbO3 thickness", "temperature"."""
    label = (
        variable.quantity.replace("_", " ")
        if "sigma" not in variable.quantity
        else variable.quantity
    )
    return label if variable.layer is None else f"{names[variable.layer]} {label}"


def _outer_labels(problem: Problem, names: list[str], state: str = "") -> list[str]:
    labels = []
    for k, _, electrode in outer_faces(problem):
        where = f" at the {electrode.removeprefix('E_')}{state}"
        labels += [f"{names[k]} {limit} limit{where}" for limit in ("oxidation", "reduction")]
    return labels


def _state_names(problem: Problem) -> list[str]:
    potentials = np.asarray(problem.cathode_potentials)
    return [f" ({E:g} V)" for E in potentials] if potentials.size > 1 else [""]


def _outwards(problem: Problem) -> list[int]:
    """Positions among the coatings: cathode side from the electrolyte out, then anode side."""
    se = problem.stack.electrolyte
    return list(range(se, len(problem.coatings))) + list(range(se - 1, -1, -1))


def _nodes(faces: np.ndarray, drops: bool) -> list[float]:
    """Potentials along the stack; both sides of every interface that has a resistance."""
    return faces.reshape(-1).tolist() if drops else [faces[0, 0].item(), *faces[:, 1].tolist()]


def _named_values(problem: Problem, checked: Checked, names: list[str]) -> dict[str, float]:
    """Values of the variables that are not thicknesses, in the units of the kernels."""
    return {
        variable_name(variable, names): float(value)
        for variable, value in zip(problem.variables, checked.values, strict=True)
        if variable.quantity != "thickness"
    }
