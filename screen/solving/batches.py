"""Many stacks of many shapes through few programs, in float64.

Compiling costs seconds, solving milliseconds. So stacks share programs: constants beside branches
are written as absent branches, ideal contacts as resistances of 0, and the last layer of a short
stack is cut into equal parts up to the layer count of the longest, which changes nothing. Tables
are filled up to one of few lengths, and constants beside them are flat tables. Where many stacks
share layer count, unit slopes and contacts they are solved on their own, and from 256 on all at
once, for which `kernels.solve` has quicker methods. Profiles go layer by layer through one program
for all. These programs run once: they are compiled without the compiler's slower passes.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

import jax
import numpy as np

from muli import kernels
from muli.kernels import (
    Branches,
    Constant,
    Law,
    Layer,
    Profile,
    Solution,
    SolvedLayer,
    Stack,
    Table,
    profile_in_layer,
    solved_layers,
    with_unit_slopes,
)
from muli.screen.compiling.programs import QUICK_COMPILE, kept
from muli.screen.solving.stack_file import LawEntry, LayerEntry, StackEntry
from muli.screen.space.curves import filled_size, filled_up

T = TypeVar("T")
CHUNK = 32
FEW = (1, 8)
"""Sizes of smaller batches: few, so that few programs are compiled."""
BLOCK = 16
"""Places of a layer that are profiled together."""
MANY = 4 * CHUNK
"""Number of stacks of one form from which they have a program of their own."""
AT_ONCE = 512
"""Stacks per batch where there are more than half as many."""
CUT_UP_TO = 5
"""Layer count up to which stacks are cut to the longest among them."""
EVERYWHERE = 1e15
"""V; beyond every potential of any stack."""


class Kind(NamedTuple):
    """What is known of a stack when its program is compiled.

    laws: per layer 0 for a constant, -1 for branches, else the number of points of a table.
    unit_slopes: every branch has slope 1. electrolyte: its place, where an inverse asks for it.
    """

    laws: tuple[int, ...]
    at_rest: bool
    contacts: bool
    unit_slopes: bool
    electrolyte: int = 0


class Solved(NamedTuple):
    """One stack's solution, and its layers ready to be profiled."""

    solution: Solution
    layers: SolvedLayer
    straight: bool


class Inverse(NamedTuple):
    """Thickness (cm) and conductivity (S/cm) that just protect; the latter for constant laws."""

    min_thickness: float
    max_sigma_ele: float | None


def solve_stacks(stacks: Sequence[StackEntry]) -> list[Solved]:
    """Solutions in order."""
    groups: dict[Hashable, list[int]] = defaultdict(list)
    keys = [(_group(stack), _form(stack)) for stack in stacks]
    members_of = Counter(keys)
    for number, key in enumerate(keys):
        groups[key if members_of[key] >= MANY else key[0]].append(number)
    answers: dict[int, Solved] = {}
    for numbers in groups.values():
        members = [stacks[number] for number in numbers]
        kind = _kind(members, max(len(stack.layers) for stack in members))
        rows = [_stack(stack, kind) for stack in members]
        many = 2 * len(rows) > AT_ONCE
        solved = in_chunks(_solve_program(kind), rows, AT_ONCE if many else CHUNK)
        for number, stack, answer in zip(numbers, members, solved, strict=True):
            answers[number] = _uncut(*answer, len(stack.layers), is_constant(stack))
    return [answers[number] for number in range(len(stacks))]


def profiles(solved: Sequence[Solved], fractions: Sequence[float]) -> list[Profile]:
    """Profiles at fractions of every layer's thickness: (layers, fractions), in order."""
    count = len(fractions)
    padded = np.append(fractions, [1.0] * (-count % BLOCK)).reshape(-1, BLOCK)
    groups: dict[tuple[bool, int, bool], list[tuple[int, int]]] = defaultdict(list)
    for number, one in enumerate(solved):
        table = one.layers.medium.table
        points = 0 if table is None else table.E.shape[-1]
        key = one.straight, points, one.layers.medium.tables_alone
        groups[key] += [(number, layer) for layer in range(len(one.layers.left))]
    parts: dict[tuple[int, int], Profile] = {}
    for (straight, *_), places in groups.items():
        layers = [jax.tree.map(lambda x, k=k: x[k], solved[n].layers) for n, k in places]
        rows = [(layer, block) for layer in layers for block in padded]
        blocks = in_chunks(_profile_program(straight), rows, CHUNK)
        for place, start in zip(places, range(0, len(blocks), len(padded)), strict=True):
            joined = _gather(np.concatenate, blocks[start : start + len(padded)])
            parts[place] = jax.tree.map(lambda x: x[:count], joined)
    return [
        _gather(np.stack, [parts[number, layer] for layer in range(len(one.layers.left))])
        for number, one in enumerate(solved)
    ]


def inverses(stacks: Sequence[StackEntry]) -> list[Inverse | None]:
    """What each electrolyte | coating stack with an oxidation limit needs; None for others."""
    groups: dict[Kind, list[int]] = defaultdict(list)
    for number, stack in enumerate(stacks):
        if asks_inverse(stack):
            kind = _kind([stack], len(stack.layers))
            place = [layer.role for layer in stack.layers].index("electrolyte")
            groups[kind._replace(electrolyte=place)].append(number)
    answers: list[Inverse | None] = [None] * len(stacks)
    for kind, numbers in groups.items():
        rows = [(_stack(stacks[n], kind), stacks[n].oxidation_limit_V) for n in numbers]
        results = in_chunks(_inverse_program(kind), rows, CHUNK)
        for number, (thickness, sigma) in zip(numbers, results, strict=True):
            largest = float(sigma) if is_constant(stacks[number]) else None
            answers[number] = Inverse(float(thickness), largest)
    return answers


def asks_inverse(stack: StackEntry) -> bool:
    """Whether a stack gives its electrolyte's oxidation limit and a coating that touches it."""
    roles = [layer.role for layer in stack.layers]
    coated = ("electrolyte", "cathode_coating") in pairwise(roles)
    return coated and stack.oxidation_limit_V is not None


def is_constant(stack: StackEntry) -> bool:
    """Whether every sigma_ele of a stack is one number."""
    return not any(points_of(layer) for layer in stack.layers)


def in_chunks(program: Callable[[Any], T], rows: Sequence[Any], largest: int) -> list[T]:
    """Results of a batched program for every row, in batches of one size, the last one padded."""
    size = next(lanes for lanes in (*FEW, largest) if lanes >= min(len(rows), largest))
    results: list[T] = []
    for start in range(0, len(rows), size):
        chunk = rows[start : start + size]
        batch = program(_gather(np.stack, [*chunk, *[chunk[-1]] * (size - len(chunk))]))
        batch = jax.tree.map(np.asarray, batch)
        results += [jax.tree.map(lambda x, k=k: x[k], batch) for k in range(len(chunk))]
    return results


def _gather(join: Callable[[list[Any]], np.ndarray], trees: Iterable[T]) -> T:
    return jax.tree.map(lambda *leaves: join(list(leaves)), *trees)


def points_of(layer: LawEntry) -> int:
    """The law of a layer as `Kind` counts it; tables are filled up to one of few lengths."""
    if layer.table_E_V is None:
        return -1 if layer.sigma_n_S_cm or layer.sigma_p_S_cm else 0
    return filled_size(len(layer.table_E_V))


def _has_table(stack: StackEntry) -> bool:
    return any(layer.table_E_V is not None for layer in stack.layers)


def _table_laws(stack: StackEntry) -> tuple[int, ...]:
    """The laws of a stack with tables: all of one length, constants as flat ones, unless a layer
    has branches."""
    laws = [points_of(layer) for layer in stack.layers]
    return tuple(law if law == -1 else max(laws) for law in laws)


def _group(stack: StackEntry) -> Hashable:
    """Stacks of one group can go through one program."""
    count = max(CUT_UP_TO, len(stack.layers))
    at_rest = stack.current_density_A_cm2 == 0
    if is_constant(stack):
        return "constant", count
    if _has_table(stack):
        return "table", _table_laws(stack), stack.contacts is None, at_rest
    return "branches", count, at_rest


def _form(stack: StackEntry) -> Hashable:
    """What stacks of one group must share for the quickest method."""
    slopes = {z for layer in stack.layers for z in (layer.z_n, layer.z_p)}
    return len(stack.layers), slopes == {1.0}, stack.contacts is None


def _kind(members: Sequence[StackEntry], count: int) -> Kind:
    """The kind that serves every stack of a group, cut to `count` layers."""
    first = members[0]
    laws = (-1,) * count
    if is_constant(first):
        laws = (0,) * count
    elif _has_table(first):
        laws = _table_laws(first)
    slopes = [z for stack in members for layer in stack.layers for z in (layer.z_n, layer.z_p)]
    return Kind(
        laws=laws,
        at_rest=not any(k.current_density_A_cm2 for k in members),
        contacts=any(stack.contacts is not None for stack in members),
        unit_slopes=all(slope == 1.0 for slope in slopes),
    )


def _stack(entry: StackEntry, kind: Kind) -> Stack:
    """The stack of an entry, its last layer cut until it has as many as its kind."""
    layers = [_layer(*pair) for pair in zip(entry.layers, kind.laws, strict=False)]
    parts = len(kind.laws) - len(layers) + 1
    last = replace(layers[-1], thickness=layers[-1].thickness / parts)
    contacts = entry.contacts or (0.0,) * (len(layers) + 1)
    cut = (*contacts[:-1], *(0.0,) * (parts - 1), contacts[-1])
    return Stack(
        (*layers[:-1], *[last] * parts),
        entry.E_anode_V,
        entry.E_cathode_V,
        entry.temperature_K,
        entry.current_density_A_cm2,
        cut if kind.contacts else None,
        kind.electrolyte,
    )


def _layer(entry: LayerEntry, points: int) -> Layer:
    return Layer(entry.thickness_cm, entry.sigma_ion_S_cm, law_of(entry, points))


def law_of(entry: LawEntry, points: int) -> Law:
    """The law of an entry, in the form that `points_of` returns or a more general one."""
    if points > 0:
        return _table(entry, points)
    if points == 0:
        return Constant(entry.sigma_0_S_cm)
    electrons, holes = (entry.sigma_n_S_cm, entry.E_n_V), (entry.sigma_p_S_cm, entry.E_p_V)
    return Branches(entry.sigma_0_S_cm, *electrons, *holes, entry.z_n, entry.z_p)


def _table(entry: LawEntry, points: int) -> Table:
    """The same table with its widest piece divided into as many as are missing; a constant flat."""
    if entry.table_E_V is None:
        grid, values = np.linspace(-EVERYWHERE, EVERYWHERE, points), np.zeros(points)
        return Table(
            jax.numpy.asarray(grid), jax.numpy.asarray(values + math.log10(entry.sigma_0_S_cm))
        )
    E, logs = np.asarray(entry.table_E_V), np.asarray(entry.table_log10_sigma_ele_S_cm)
    grid, filled = filled_up(E, logs, points)
    return Table(jax.numpy.asarray(grid), jax.numpy.asarray(filled))


def _uncut(solution: Solution, layers: SolvedLayer, count: int, straight: bool) -> Solved:
    """An answer with the parts of its last layer joined again."""
    parts = len(layers.left) - count + 1
    end = solution.faces[-1, 1]
    layers = jax.tree.map(lambda x: np.array(x[:count]), layers)
    layers.right[-1] = end
    layers.medium.thickness[-1] *= parts
    faces: Any = np.stack([layers.left, layers.right], axis=1)
    return Solved(replace(solution, faces=faces), layers, straight)


def _known(stack: Stack, kind: Kind) -> Stack:
    """The stack with what its kind knows as plain numbers."""
    if kind.unit_slopes:
        stack = with_unit_slopes(stack)
    return replace(stack, current_density=0.0) if kind.at_rest else stack


@lru_cache
def _solve_program(kind: Kind) -> Callable[[Stack], tuple[Solution, SolvedLayer]]:
    def answer(stack: Stack) -> tuple[Solution, SolvedLayer]:
        solution = kernels.solve(_known(stack, kind))
        return solution, solved_layers(stack, solution)

    return kept(f"solve {kind}", QUICK_COMPILE)(jax.vmap(answer))


@lru_cache
def _profile_program(straight: bool) -> Callable[[tuple[SolvedLayer, jax.Array]], Profile]:
    inside = partial(profile_in_layer, straight=straight)
    return kept(f"profile {straight}", QUICK_COMPILE)(jax.vmap(lambda row: inside(*row)))


@lru_cache
def _inverse_program(kind: Kind) -> Callable[[tuple[Stack, jax.Array]], tuple[jax.Array, ...]]:
    constant = all(law == 0 for law in kind.laws)

    def answer(row: tuple[Stack, jax.Array]) -> tuple[jax.Array, ...]:
        stack, limit = _known(row[0], kind), row[1]
        thickness = kernels.min_thickness(stack, limit)
        return thickness, kernels.max_sigma_ele(stack, limit) if constant else thickness * math.nan

    return kept(f"inverse {kind}", QUICK_COMPILE)(jax.vmap(answer))
