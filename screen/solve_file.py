"""Stacks of a file to answers: potentials, leak current, profile, inverses, status; in float64.

Stacks that run through the same program (number of layers, laws, current or none) are solved
together in chunks of a fixed size, so that hundreds of them compile a handful of programs.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import kernels
from kernels import Branches, Constant, Layer, Solution, Stack, Status, Table
from kernels.profile import Profile, profile_in_layers
from screen.stack_file import LayerEntry, StackEntry, read_stacks

if TYPE_CHECKING:
    import pandas as pd

FRACTIONS = (0.1, 0.3, 0.5, 0.7, 0.9)
CHUNK = 32


class Kind(NamedTuple):
    """What decides the program that solves a stack. Few kinds mean few compilations.

    laws: per layer 0 for a constant, -1 for branches, else the number of points of a table; a
    constant beside branches counts as branches that are absent. electrolyte: its place, where an
    inverse asks for it.
    """

    laws: tuple[int, ...]
    at_rest: bool
    contacts: bool
    electrolyte: int
    inverse: bool


class Answers(NamedTuple):
    """Of one program; NaN inverses where they were not asked for."""

    solution: Solution
    profile: Profile
    min_thickness: jax.Array
    max_sigma_ele: jax.Array


def solve_file(path: Path) -> list[dict[str, Any]]:
    """Answers to every stack of a file, in its order, as the JSON list of `muli solve`."""
    stacks = read_stacks(path)
    with jax.enable_x64(True):
        answers = _solve_all(stacks, FRACTIONS)
    pairs = zip(stacks, answers, strict=True)
    return [_row(stack, answer, FRACTIONS) for stack, answer in pairs]


def profile_table(path: Path, points: int = 101) -> "pd.DataFrame":
    """The profile through every stack of a file, one row per place; units in the column names."""
    import pandas as pd

    stacks = read_stacks(path)
    fractions = tuple(np.linspace(0.0, 1.0, points).tolist())
    with jax.enable_x64(True):
        answers = _solve_all(stacks, fractions)
    frames = []
    for number, (stack, answer) in enumerate(zip(stacks, answers, strict=True)):
        before = 0.0
        for index, layer in enumerate(stack.layers):
            profile = {name: value[index] for name, value in vars(answer.profile).items()}
            columns = {
                "stack": number,
                "layer": index,
                "role": layer.role,
                "name": layer.name,
                "fraction": fractions,
                "x_cm": before + np.asarray(fractions) * layer.thickness_cm,
                "E_V": profile["potential"],
                "phi_ion_V": profile["phi_ion"],
                "phi_ele_V": profile["phi_ele"],
                "ion_transport_number": profile["ion_transport_number"],
                "status": Status(int(answer.solution.status)).label,
            }
            frames.append(pd.DataFrame(columns))
            before += layer.thickness_cm
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _solve_all(stacks: Sequence[StackEntry], fractions: tuple[float, ...]) -> list[Answers]:
    """Answers in order, kind by kind, in chunks of a fixed size (the last one padded)."""
    members: dict[Kind, list[int]] = defaultdict(list)
    for number, stack in enumerate(stacks):
        members[_kind(stack)].append(number)
    answers: dict[int, Answers] = {}
    for kind, numbers in members.items():
        program = _program(kind, fractions)
        size = min(CHUNK, 1 << (len(numbers) - 1).bit_length())
        for start in range(0, len(numbers), size):
            chunk = numbers[start : start + size]
            rows = [_numbers(stacks[number], kind) for number in chunk]
            rows += [rows[-1]] * (size - len(chunk))
            batch = jax.tree.map(np.asarray, program(jnp.asarray(rows)))
            for lane, number in enumerate(chunk):
                answers[number] = jax.tree.map(lambda leaf, lane=lane: leaf[lane], batch)
    return [answers[number] for number in range(len(stacks))]


def _kind(stack: StackEntry) -> Kind:
    roles = [layer.role for layer in stack.layers]
    electrolyte = roles.index("electrolyte") if "electrolyte" in roles else 0
    coated = roles[electrolyte : electrolyte + 2] == ["electrolyte", "cathode_coating"]
    inverse = coated and stack.oxidation_limit_V is not None
    laws = [_points(layer) for layer in stack.layers]
    absent = -1 if -1 in laws else 0
    return Kind(
        laws=tuple(law or absent for law in laws),
        at_rest=stack.current_density_A_cm2 == 0,
        contacts=stack.contacts is not None,
        electrolyte=electrolyte if inverse else 0,
        inverse=inverse,
    )


def _points(layer: LayerEntry) -> int:
    if layer.table_E_V is not None:
        return 1 << (len(layer.table_E_V) - 1).bit_length()
    return -1 if layer.sigma_n_S_cm or layer.sigma_p_S_cm else 0


def _numbers(stack: StackEntry, kind: Kind) -> list[float]:
    """The numbers of a stack in the order in which `_stack` takes them."""
    numbers: list[float] = []
    for layer, law in zip(stack.layers, kind.laws, strict=True):
        numbers += [layer.thickness_cm, layer.sigma_ion_S_cm]
        numbers += _law_numbers(layer, law)
    numbers += [stack.E_anode_V, stack.E_cathode_V, stack.temperature_K]
    numbers += [] if kind.at_rest else [stack.current_density_A_cm2]
    numbers += stack.contacts or ()
    return [*numbers, math.nan if stack.oxidation_limit_V is None else stack.oxidation_limit_V]


def _law_numbers(layer: LayerEntry, law: int) -> list[float]:
    if law == 0:
        return [layer.sigma_0_S_cm]
    if law > 0:
        E, logs = np.asarray(layer.table_E_V), np.asarray(layer.table_log10_sigma_ele_S_cm)
        between = np.linspace(E[-2], E[-1], law - E.size + 2)[1:-1]
        grid = np.concatenate([E[:-1], between, E[-1:]])
        return [*grid.tolist(), *np.interp(grid, E, logs).tolist()]
    electrons = [layer.sigma_n_S_cm, layer.E_n_V]
    holes = [layer.sigma_p_S_cm, layer.E_p_V]
    return [layer.sigma_0_S_cm, *electrons, *holes, layer.z_n, layer.z_p]


def _stack(kind: Kind, numbers: jax.Array) -> tuple[Stack, jax.Array]:
    """A stack of this kind and its oxidation limit from one row of numbers."""
    rest = iter(numbers)
    layers = []
    for points in kind.laws:
        thickness, sigma_ion = next(rest), next(rest)
        law: kernels.Branches | Constant | Table
        if points == 0:
            law = Constant(next(rest))
        elif points > 0:
            E = jnp.stack([next(rest) for _ in range(points)])
            law = Table(E, jnp.stack([next(rest) for _ in range(points)]))
        else:
            law = Branches(*(next(rest) for _ in range(7)))
        layers.append(Layer(thickness, sigma_ion, law))
    E_anode, E_cathode, temperature = (next(rest) for _ in range(3))
    current = 0.0 if kind.at_rest else next(rest)
    contacts = tuple(next(rest) for _ in range(len(layers) + 1)) if kind.contacts else None
    ends = E_anode, E_cathode, temperature, current
    return Stack(tuple(layers), *ends, contacts, kind.electrolyte), next(rest)


def _program(kind: Kind, fractions: tuple[float, ...]) -> Callable[[jax.Array], Answers]:
    """The compiled program of a kind: rows of numbers to answers."""

    def answer(numbers: jax.Array) -> Answers:
        stack, limit = _stack(kind, numbers)
        solution = kernels.solve(stack)
        inner = profile_in_layers(stack, solution, jnp.asarray(fractions))
        none = jnp.full_like(limit, jnp.nan)
        if not kind.inverse:
            return Answers(solution, inner, none, none)
        constant = all(law == 0 for law in kind.laws)
        largest = kernels.max_sigma_ele(stack, limit) if constant else none
        return Answers(solution, inner, kernels.min_thickness(stack, limit), largest)

    return jax.jit(jax.vmap(answer))


def _row(stack: StackEntry, answer: Answers, fractions: tuple[float, ...]) -> dict[str, Any]:
    """One answer under the names of the file format; infinite numbers become null later."""
    solution, kind = answer.solution, _kind(stack)
    status = Status(int(solution.status))
    row: dict[str, Any] = {
        "leak_current_density_A_cm2": float(solution.leak_current_density),
        "nodes_V": _nodes(stack, solution.faces),
        "overshoot_V": float(solution.overshoot),
        "profile": [
            {"layer": layer, "fraction": fraction, "E_V": float(E)}
            for layer, values in enumerate(answer.profile.potential)
            for fraction, E in zip(fractions, values, strict=True)
        ],
    }
    if kind.inverse:
        row["min_thickness_cm"] = float(answer.min_thickness)
        if math.isinf(row["min_thickness_cm"]) and status is Status.OK:
            status = Status.UNPROTECTABLE
        if all(law == 0 for law in kind.laws):
            row["max_sigma_ele_S_cm"] = float(answer.max_sigma_ele)
    return {"status": status.label, **row}


def _nodes(stack: StackEntry, faces: np.ndarray) -> list[float]:
    """E at every boundary, both electrodes included; both sides where a contact resists."""
    contacts = stack.contacts or (0.0,) * (len(faces) + 1)
    nodes = [stack.E_anode_V]
    for (left, right), contact in zip(faces, contacts[:-1], strict=True):
        nodes += [float(left), float(right)] if contact else [float(right)]
    return [*nodes, stack.E_cathode_V] if contacts[-1] else nodes
