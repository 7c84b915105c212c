"""Stacks of a file to answers: potentials, leak current, profile, inverses, status; in float64."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from muli.kernels import Profile, Status
from muli.kernels.constants import CM_PER_UM
from muli.screen.errors import SpecError
from muli.screen.solving.batches import (
    Inverse,
    Solved,
    asks_inverse,
    inverses,
    profiles,
    solve_stacks,
)
from muli.screen.solving.named import Named, read_any
from muli.screen.solving.stack_file import StackEntry

if TYPE_CHECKING:
    import pandas as pd

FRACTIONS = (0.1, 0.3, 0.5, 0.7, 0.9)


def solve_file(path: Path) -> list[dict[str, Any]]:
    """Answers to every stack of a file, in its order, as the JSON list of `muli solve`."""
    return answers(read_any(path))


def answers(entries: Sequence[StackEntry | Named]) -> list[dict[str, Any]]:
    """Answers to stacks of layers or names, in order; infinite numbers become null later."""
    stacks = [stack for entry in entries if (stack := _stack_of(entry)) is not None]
    with jax.enable_x64(True):
        solved = solve_stacks(stacks)
        inside = profiles(solved, FRACTIONS)
        needs = inverses(stacks)
    rows = (_row(*answer) for answer in zip(stacks, solved, inside, needs, strict=True))
    return [
        {**(next(rows) if _stack_of(entry) else dict(_UNSOLVED)), **_told(entry)}
        for entry in entries
    ]


_UNSOLVED = {
    "status": Status.MISSING_PROPERTY.label,
    "leak_current_density_A_cm2": None,
    "nodes_V": None,
    "overshoot_V": None,
    "profile": None,
}


def _stack_of(entry: StackEntry | Named) -> StackEntry | None:
    return entry.stack if isinstance(entry, Named) else entry


def _told(entry: StackEntry | Named) -> dict[str, Any]:
    """The potential of the anode side, the criteria and the assumptions of an entry.

    criteria: protects where the thickness that protects is computed, else none.
    """
    stack = _stack_of(entry)
    judged = stack is not None and asks_inverse(stack)
    criteria = {"criteria": ["protects"] if judged else []}
    if isinstance(entry, Named):
        return {
            "boundary": entry.entry.boundary,
            "anode_side_V": entry.anode_side_V,
            "anode_potential_V": entry.anode_V,
            **criteria,
            "assumptions": list(entry.assumptions),
            **({"missing": list(entry.missing)} if entry.missing else {}),
        }
    return {"boundary": "given", "anode_side_V": entry.E_anode_V, **criteria}


def profile_table(
    stacks: Sequence[StackEntry], solved: Sequence[Solved], points: int = 101
) -> "pd.DataFrame":
    """The profile through every solved stack, one row per place; units in the column names."""
    import pandas as pd

    fractions = np.linspace(0.0, 1.0, points)
    with jax.enable_x64(True):
        inside = profiles(solved, fractions.tolist())
    frames = []
    for number, (stack, answer, profile) in enumerate(zip(stacks, solved, inside, strict=True)):
        for layer in range(len(stack.layers)):
            every = slice(None)
            columns = _places(stack, layer, fractions) | _values(answer, profile, (layer, every))
            frames.append(pd.DataFrame({"stack": number, **columns}))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def profile_at(stack: StackEntry, solved: Solved, x_cm: np.ndarray) -> "pd.DataFrame":
    """The profile at distances from the anode (cm), one row each; on an interface the layer before.

    Raises `SpecError` where a distance is outside the stack.
    """
    import pandas as pd

    thickness = np.array([layer.thickness_cm for layer in stack.layers])
    ends = np.cumsum(thickness)
    outside = x_cm[~((x_cm >= 0.0) & (x_cm <= ends[-1] * (1.0 + 1e-12)))]
    if outside.size:
        um = 1.0 / CM_PER_UM
        wrong = f"{outside[0] * um:g} um is outside the stack, 0 to {ends[-1] * um:.9g} um"
        raise SpecError("profile", [wrong])
    layer = np.minimum(np.searchsorted(ends, x_cm), len(ends) - 1)
    fractions = np.clip((x_cm - (ends - thickness)[layer]) / thickness[layer], 0.0, 1.0)
    with jax.enable_x64(True):
        profile = profiles([solved], fractions.tolist())[0]
    at = layer, np.arange(len(x_cm))
    rows = [_places(stack, *place) for place in zip(layer.tolist(), fractions, strict=True)]
    return pd.DataFrame(rows).assign(**_values(solved, profile, at))


def _places(stack: StackEntry, index: int, fractions: Any) -> dict[str, Any]:
    """Where one or several places in a layer are."""
    layer = stack.layers[index]
    before = sum(other.thickness_cm for other in stack.layers[:index])
    return {
        "layer": index,
        "role": layer.role,
        "name": layer.name,
        "fraction": fractions,
        "x_cm": before + fractions * layer.thickness_cm,
    }


def _values(solved: Solved, profile: Profile, at: Any) -> dict[str, Any]:
    """The values of a profile there. at: index of (layers, fractions)."""
    return {
        "E_V": profile.potential[at],
        "phi_ion_V": profile.phi_ion[at],
        "phi_ele_V": profile.phi_ele[at],
        "ion_transport_number": profile.ion_transport_number[at],
        "status": Status(int(solved.solution.status)).label,
    }


def solved_stacks(path: Path) -> tuple[list[StackEntry], list[Solved]]:
    """The stacks of a file and their solutions, for tables and pictures."""
    entries = read_any(path)
    unknown = [
        f"stack {number}: unknown: {', '.join(entry.missing)}"
        for number, entry in enumerate(entries)
        if isinstance(entry, Named) and entry.missing
    ]
    if unknown:
        raise SpecError(str(path), unknown)
    stacks = [stack for entry in entries if (stack := _stack_of(entry)) is not None]
    with jax.enable_x64(True):
        return stacks, solve_stacks(stacks)


def _row(
    stack: StackEntry, solved: Solved, profile: Profile, needs: Inverse | None
) -> dict[str, Any]:
    """One answer under the names of the file format; infinite numbers become null later."""
    solution = solved.solution
    status = Status(int(solution.status))
    row: dict[str, Any] = {
        "leak_current_density_A_cm2": float(solution.leak_current_density),
        "nodes_V": _nodes(stack, np.asarray(solution.faces)),
        "overshoot_V": float(solution.overshoot),
        "profile": [
            {"layer": layer, "fraction": fraction, "E_V": float(E)}
            for layer, values in enumerate(profile.potential)
            for fraction, E in zip(FRACTIONS, values, strict=True)
        ],
    }
    if needs is not None:
        row["min_thickness_cm"] = needs.min_thickness
        if math.isinf(needs.min_thickness) and status is Status.OK:
            status = Status.UNPROTECTABLE
        if needs.max_sigma_ele is not None:
            row["max_sigma_ele_S_cm"] = needs.max_sigma_ele
    return {"status": status.label, **row}


def _nodes(stack: StackEntry, faces: np.ndarray) -> list[float]:
    """E at every boundary, both electrodes included; both sides where a contact resists."""
    contacts = stack.contacts or (0.0,) * (len(faces) + 1)
    nodes = [stack.E_anode_V]
    for (left, right), contact in zip(faces, contacts[:-1], strict=True):
        nodes += [float(left), float(right)] if contact else [float(right)]
    return [*nodes, stack.E_cathode_V] if contacts[-1] else nodes
