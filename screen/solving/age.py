"""Cells of a file to interphases against time: thickness, resistance, charge; in float64.

Cells of one shape (laws, contacts, sides, number of times) go through one program.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import jax
import numpy as np

from muli.kernels import (
    Grown,
    Growth,
    GrowthEnd,
    Interphase,
    Layer,
    Stack,
    Status,
    Window,
    growth,
    with_unit_slopes,
)
from muli.kernels.constants import CM_PER_NM
from muli.screen.compiling.programs import QUICK_COMPILE, kept
from muli.screen.solving.age_file import AgeEntry, ProductsEntry, read_cells
from muli.screen.solving.batches import in_chunks, law_of, points_of

COULOMB_PER_UAH = 3600e-6
CHUNK = 32
Tree = TypeVar("Tree")


class Shape(NamedTuple):
    """What is known of a cell when its program is compiled.

    laws: per layer, then per side with products, as `points_of` returns them. times: how many, a
    power of two. given: whether the ends are those of the electrolyte's far faces.
    """

    laws: tuple[int, ...]
    electrolyte: int
    contacts: bool
    cathode: bool
    anode: bool
    unit_slopes: bool
    times: int
    given: bool


class Cell(NamedTuple):
    """The numbers of one cell."""

    stack: Stack
    reduction: float
    oxidation: float
    times: Any
    area_factor: float
    cathode: Interphase | None
    anode: Interphase | None


class Aged(NamedTuple):
    """Both sides of a cell. With given ends every side has faces of its own."""

    cathode: Growth | None
    anode: Growth | None


def age_file(path: Path) -> list[dict[str, Any]]:
    """Answers to every cell of a file, in its order, as the JSON list of `muli age`."""
    return answers_to(read_cells(path))


def answers_to(cells: Sequence[AgeEntry]) -> list[dict[str, Any]]:
    """Answers to cells, in their order."""
    return [answer(cell, aged) for cell, aged in zip(cells, age_cells(cells), strict=True)]


def age_cells(cells: Sequence[AgeEntry]) -> list[Aged]:
    """Interphases of every cell, in order; times filled up to the count of its program."""
    groups: dict[Shape, list[int]] = defaultdict(list)
    for number, cell in enumerate(cells):
        groups[_shape(cell)].append(number)
    aged: dict[int, Aged] = {}
    with jax.enable_x64(True):
        for shape, numbers in groups.items():
            rows = [_cell(cells[number], shape) for number in numbers]
            aged |= zip(numbers, in_chunks(_program(shape), rows, CHUNK), strict=True)
    return [aged[number] for number in range(len(cells))]


def answer(cell: AgeEntry, aged: Aged) -> dict[str, Any]:
    """One answer under the names of the file format; infinite numbers become null later."""
    count = len(cell.times_s)
    row: dict[str, Any] = {"status": _status(aged, count), "boundary": cell.boundary}
    resistance = np.zeros(count)
    if aged.cathode is not None and aged.cathode.cathode is not None:
        side = aged.cathode.cathode
        row["interphase_nm"] = (side.thickness[:count] / CM_PER_NM).tolist()
        row["final_nm"] = float(side.final) / CM_PER_NM
        row["electrolyte_oxidised_uAh_cm2"] = (side.charge[:count] / COULOMB_PER_UAH).tolist()
        row["cathode_side_V"] = float(aged.cathode.faces.E_cathode)
        resistance = resistance + side.resistance[:count]
    if aged.anode is not None and aged.anode.anode is not None:
        side = aged.anode.anode
        row["anode_interphase_nm"] = (side.thickness[:count] / CM_PER_NM).tolist()
        row["anode_final_nm"] = float(side.final) / CM_PER_NM
        row["anode_lithium_lost_uAh_cm2"] = (side.charge[:count] / COULOMB_PER_UAH).tolist()
        row["anode_side_V"] = float(aged.anode.faces.E_anode)
        resistance = resistance + side.resistance[:count]
    row["asr_interphase_ohm_cm2"] = resistance.tolist()
    return row


def _status(aged: Aged, count: int) -> str:
    """`ok`, the reason why not, or the state of an interphase at the last time."""
    parts = [part for part in aged if part is not None]
    worst = Status(max(int(part.status) for part in parts))
    if worst is not Status.OK:
        return worst.label
    sides: list[Grown | None] = []
    for part in parts:
        sides += [part.cathode, part.anode]
    ends = {GrowthEnd(int(side.end[count - 1])) for side in sides if side is not None}
    for end in (GrowthEnd.CONSUMED, GrowthEnd.BELOW_MONOLAYER):
        if end in ends:
            return end.name.lower()
    return worst.label


def _shape(cell: AgeEntry) -> Shape:
    products = [side for side in (cell.interphase, cell.anode_interphase) if side is not None]
    laws = [*cell.layers, *products]
    return Shape(
        laws=tuple(points_of(law) for law in laws),
        electrolyte=[layer.role for layer in cell.layers].index("electrolyte"),
        contacts=cell.contacts is not None,
        cathode=cell.interphase is not None,
        anode=cell.anode_interphase is not None,
        unit_slopes=all(law.z_n == law.z_p == 1.0 for law in laws),
        times=1 << (len(cell.times_s) - 1).bit_length(),
        given=cell.boundary == "given",
    )


def _cell(cell: AgeEntry, shape: Shape) -> Cell:
    kinds = iter(shape.laws)
    area = cell.area_factor
    layers = []
    for index, (layer, points) in enumerate(zip(cell.layers, kinds, strict=False)):
        share = area if index > shape.electrolyte else 1.0
        thickness = layer.thickness_cm / share
        layers.append(Layer(thickness, layer.sigma_ion_S_cm, law_of(layer, points)))
    contacts = cell.contacts
    if contacts is not None:
        ahead = shape.electrolyte + 1
        contacts = (*contacts[:ahead], *(contact / area for contact in contacts[ahead:]))
    return Cell(
        Stack(
            tuple(layers),
            cell.E_anode_V,
            cell.E_cathode_V,
            cell.temperature_K,
            interface_asr=contacts,
            electrolyte=shape.electrolyte,
        ),
        _limit(cell.reduction_limit_V),
        _limit(cell.oxidation_limit_V),
        np.pad(cell.times_s, (0, shape.times - len(cell.times_s)), mode="edge"),
        area,
        *(
            None if entry is None else _products(entry, shape.laws[place])
            for entry, place in (
                (cell.interphase, len(layers)),
                (cell.anode_interphase, len(shape.laws) - 1),
            )
        ),
    )


def _limit(value: float | None) -> float:
    return np.nan if value is None else value


def _products(entry: ProductsEntry, points: int) -> Interphase:
    rate = np.inf if entry.reaction_rate_cm_s is None else entry.reaction_rate_cm_s
    return Interphase(
        entry.sigma_ion_S_cm,
        law_of(entry, points),
        entry.volume_per_charge_cm3_C,
        rate,
        entry.volume_ratio,
    )


@lru_cache
def _program(shape: Shape) -> Callable[[Cell], Aged]:
    def aged(cell: Cell) -> Aged:
        stack = replace(_known(cell.stack, shape), current_density=0.0)
        cathode, anode = (_known(side, shape) for side in (cell.cathode, cell.anode))
        if not shape.given:
            window = Window(cell.reduction, cell.oxidation)
            both = growth(
                stack,
                window,
                cell.times,
                cathode=cathode,
                anode=anode,
                area_factor=cell.area_factor,
            )
            return Aged(both if shape.cathode else None, both if shape.anode else None)
        above = Window(np.nan, cell.oxidation), {"cathode": cathode, "anode": None}
        below = Window(cell.reduction, np.nan), {"cathode": None, "anode": anode}
        sides = [
            growth(stack, window, cell.times, area_factor=cell.area_factor, **products)
            if present
            else None
            for present, (window, products) in ((shape.cathode, above), (shape.anode, below))
        ]
        return Aged(*sides)

    return kept(f"age {shape}", QUICK_COMPILE)(jax.vmap(aged))


def _known(tree: Tree, shape: Shape) -> Tree:
    """The same with the slopes of its branches as plain numbers where all are 1."""
    return with_unit_slopes(tree) if shape.unit_slopes else tree
