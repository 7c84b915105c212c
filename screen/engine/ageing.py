"""Columns of `[ageing]` for the rows that a run keeps, in double precision.

A row's numbers follow from its position on the axes and its thickness, never from what the device
computed: the columns are the same in all modes, precisions and on all devices.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from muli.kernels import (
    AgeingHoles,
    AgeingLayer,
    AgeingRising,
    AgeingRow,
    Interface,
    ageing,
    max_hole_share,
)
from muli.kernels.constants import BOLTZMANN_EV, CM_PER_NM, CM_PER_UM
from muli.screen.compiling.programs import kept
from muli.screen.engine.row_groups import Place
from muli.screen.space.facts import Positions, Values, ageing_columns, used_column
from muli.screen.space.layout import COATING, STATE, THICKNESS
from muli.screen.space.problem import Problem
from muli.screen.space.products import Made, made, names_of
from muli.screen.spec import Ageing
from muli.screen.spec.times import SECONDS, label, seconds
from muli.screen.vocabulary import AGEING, FILL, IN_TIME

Floats = NDArray[np.float64]
Columns = dict[str, Floats]
BLOCK = 1024
"""Rows per call of the program."""
NO_LIMIT_V = -99.0
"""Reduction limit with `boundary = "electrode"`: below all potentials, so that it has no effect."""


def aged_columns(
    aged: "Aged | None", place: Place, thickness_nm: NDArray[Any], chosen: Any = None
) -> Columns:
    """Columns of ageing of the rows of a group, or of the chosen ones; none without `[ageing]`.

    thickness_nm: of the rows, or along the axes of the group.
    """
    if aged is None:
        return {}
    shape, selection = place.shape, slice(None) if chosen is None else chosen

    def flat(array: NDArray[Any]) -> NDArray[Any]:
        whole = array.reshape(-1, 1, 1) if array.ndim == 1 else array
        return np.broadcast_to(whole, shape).reshape(-1)[selection]

    at = {name: flat(where) for name, where in place.at.items()}
    thickness = flat(thickness_nm)
    return aged.columns(at, thickness if aged.thickness_known else np.full(len(thickness), np.nan))


class Aged:
    """Computes the columns of ageing of one screen.

    medians: conductivities (S/cm) that replace unknown ones, by their keys; without them a
    row with an unknown conductivity has NaN.
    """

    def __init__(
        self, problem: Problem, spec: Ageing, medians: Mapping[str, Values] | None = None
    ) -> None:
        self.problem, self.spec, self.medians = problem, spec, medians or {}
        names = names_of(problem)
        self.made = {side: made(names, side) for side in ("coated", "bare", "anode")}
        self.used = {
            f"{role}.{kind}_S_cm": used_column(problem, role, kind)
            for role in ("coating", "electrolyte")
            for kind in ("sigma_ion", "sigma_ele")
        }
        self.times = np.array([seconds(time) for time in self.spec.times])

    @property
    def thickness_known(self) -> bool:
        """Whether rows of a run have a thickness."""
        spec = self.problem.spec
        recommended = spec.screen.missing == "prior" and spec.output.mode == "best"
        return recommended or THICKNESS in self.problem.numbers

    def columns(self, at: Positions, thickness_nm: NDArray[Any]) -> Columns:
        """Columns of rows. at: positions of every row (rows,) on all axes; the coating's behind
        the last one is a cell without a coating. thickness_nm: (rows,), 0 there."""
        count = len(thickness_nm)
        rows, holes = self.rows(at, thickness_nm)
        blocks: list[Any] = []
        values = self.spec.life_years * SECONDS["year"], self.spec.hole_radius_nm * CM_PER_NM
        life, radius = (np.asarray(value) for value in values)
        with jax.enable_x64(True):
            for first in range(0, count, BLOCK):
                positions = np.resize(np.arange(first, min(first + BLOCK, count)), BLOCK)
                block = jax.tree.map(
                    lambda leaf, positions=positions: leaf[positions], (rows, holes)
                )
                blocks.append(jax.tree.map(np.asarray, _ageing(*block, self.times, life, radius)))
        whole = jax.tree.map(lambda *x: np.concatenate(x)[:count], *blocks) if blocks else None
        return self._named(whole, count)

    def _named(self, aged_and_share: Any, count: int) -> Columns:
        if aged_and_share is None:
            return {name: np.empty(0) for name in ageing_columns(self.spec.times)}
        aged, hole_share = aged_and_share
        columns = {
            f"{name}_at_{label(time)}": getattr(aged, name)[:, place]
            for name in IN_TIME
            for place, time in enumerate(self.spec.times)
        }
        columns |= {name: getattr(aged, name) for name in AGEING if name != "max_hole_share"}
        return columns | {"max_hole_share": hole_share}

    def reader(self, at: Positions) -> "Reader":
        """Numbers of rows at these positions."""
        return Reader(self.problem, self.used, at, self.medians)

    def rows(self, at: Positions, thickness_nm: NDArray[Any]) -> tuple[AgeingRow, Interface]:
        """Rows as the kernel takes them, (rows,) each, and the interfaces at holes."""
        read = self.reader(at)
        bare = read.bare
        area = read.number("cathode.area_factor", default=1.0)
        length = read.number("electrolyte_thickness_um") * CM_PER_UM
        sigma = [read.conductivity("electrolyte", kind) for kind in ("sigma_ion", "sigma_ele")]
        whole = length * (1.0 / sigma[0] + 1.0 / sigma[1])
        film = np.asarray(thickness_nm, float) * CM_PER_NM / area
        ion, ele = (read.conductivity("coating", kind) for kind in ("sigma_ion", "sigma_ele"))
        contacts = read.contacts() / area
        asr = np.where(bare, 0.0, film / ion + contacts)
        E_a, E_c = read.ends()
        red, ox = (
            read.number(f"electrolyte.{side}_limit_V", "electrolyte")
            for side in ("reduction", "oxidation")
        )
        low = np.where(read.number("boundary") > 0, NO_LIMIT_V, red)
        wrong = (E_a > ox) | (
            E_c < red
        )  # beyond the other limit: the library has no products for that side
        budget, count = self.problem.spec.screen.asr_budget_ohm_cm2, len(bare)
        row = AgeingRow(
            E_anode=E_a,
            E_cathode=E_c,
            reduction=low,
            oxidation=np.where(wrong, np.nan, ox),
            electrolyte_resistance=whole,
            coating_resistance=np.where(bare, 0.0, asr + film / ele),
            asr_coating=asr,
            asr_budget=np.full(count, budget),
            area_factor=area,
            cathode=self._layer(read, "coated", bare),
            anode=self._layer(read, "anode", None),
            electrolyte_thickness=length,
            anode_counts=np.full(count, float(self.spec.count_anode_side)),
            holes=self._holes(read),
        )
        real = row.coating_resistance * area
        face = np.maximum(E_a, low)
        return row, Interface(length / whole, length * area, real, face, E_c, row.oxidation)

    def _holes(self, read: "Reader") -> AgeingHoles | None:
        if self.spec.coverage == 1:
            return None
        count = len(read.bare)
        return AgeingHoles(
            np.where(read.bare, 0.0, self.spec.coverage),
            np.full(count, self.spec.hole_radius_nm * CM_PER_NM),
            self._layer(read, "bare", None),
        )

    def _layer(self, read: "Reader", side: str, bare: NDArray[np.bool_] | None) -> AgeingLayer:
        """Medians of the products of rows; bare: rows without a coating."""
        own = _of_rows(self.made[side], read)
        if bare is None:
            return own
        other = _of_rows(self.made["bare"], read)
        return jax.tree.map(lambda a, b: np.where(bare, b, a), own, other)


class Reader:
    """Numbers of rows by their positions on the axes."""

    def __init__(
        self, problem: Problem, used: Any, at: Positions, medians: Mapping[str, Values]
    ) -> None:
        self.problem, self.used, self.medians = problem, used, medians
        self.bare = at[COATING] >= problem.space.coatings
        inside = np.minimum(at[COATING], problem.space.coatings - 1)
        self.at = {**at, COATING: inside}

    def number(self, key: str, role: str | None = None, default: float = np.nan) -> Floats:
        """A scenario axis, or a property of a role's material."""
        problem = self.problem
        if key in problem.numbers:
            return problem.numbers[key][self.at[key]]
        if role is None:
            return np.full(len(self.bare), default)
        return problem.tables[key][self.at[role]]

    def conductivity(self, role: str, kind: str) -> Floats:
        """A conductivity as stacks are built with it; where it is unknown, that of the decade, or
        the median."""
        key = f"{role}.{kind}_S_cm"
        value = self.used[key].at(self.at)
        if (filler := FILL + key) in self.problem.numbers:
            value = np.where(np.isnan(value), self.problem.numbers[filler][self.at[filler]], value)
        if key in self.medians:
            value = np.where(np.isnan(value), self.medians[key].at(self.at), value)
        return value

    def contacts(self) -> Floats:
        """Contacts of the coating, ohm cm2 of real interface."""
        names = ("electrolyte_coating", "coating_cathode")
        first, last = (self.number(f"interface.{n}_asr_ohm_cm2", default=0.0) for n in names)
        return first + last

    def ends(self) -> tuple[Floats, Floats]:
        """Potentials of anode and cathode, V."""
        tables, frames = self.problem.tables, self.problem.materials.frames
        anode = "anode" if "anode" in frames else "anode_potential_V"
        cathode = "cathode" if "cathode" in frames else "cathode_potential_V"
        return (
            tables["anode_potential_V"][self.at[anode]],
            tables["cathode_potential_V"][self.at[cathode], self.at[STATE]],
        )


def _of_rows(side: Made, read: Reader) -> AgeingLayer:
    where = read.at["electrolyte"]
    V_T = BOLTZMANN_EV * read.number("temperature_K")
    return AgeingLayer(
        sigma_ion=side.sigma_ion.value[where],
        sigma_ele=side.sigma_ele.value[where],
        volume_per_charge=side.volume_per_charge.value[where],
        reaction_rate=side.reaction_rate.value[where],
        rising=AgeingRising(
            side.hole_slope[where] / V_T, side.hole_reference[where], side.hole_floor[where]
        ),
    )


@kept("ageing of rows")
def _ageing(row: AgeingRow, interface: Interface, times: Any, life: Any, radius: Any) -> Any:
    """Columns of a block of rows."""
    aged = jax.vmap(lambda one_row: ageing(one_row, times, life))(row)
    shares = jax.vmap(lambda one_interface: max_hole_share(one_interface, radius))(interface)
    unknown = jnp.isnan(interface.E_oxidation + interface.coating_resistance + interface.sigma)
    return aged, jnp.where(unknown, jnp.nan, shares)
