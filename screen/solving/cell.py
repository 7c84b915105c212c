"""A single cell: the results of a run, the growth of its interphases, and the assumptions.

    entry = CellEntry(electrolyte="Li6PS5Cl", electrolyte_thickness_um=40.0, cathode="NMC811",
                      coating="LiNbO3", coating_thickness_nm=3.5, coating_sigma_ele_S_cm=5e-12)
    answer = answered(entry)
    answer.row["interface_potential_V"], answer.growth, answer.assumptions

The numbers are those that `muli run` has for `entry.as_spec()`, in float64.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from muli import candidates
from muli.screen.solving.assumed import assumptions
from muli.screen.solving.cell_growth import Growth, grown
from muli.screen.solving.cell_numbers import Row, bare_row, coated_rows
from muli.screen.solving.named import NAMED_EXPECTED, Named, NamedEntry, named_of
from muli.screen.space.curves import FILE
from muli.screen.space.setup import Setup, set_up
from muli.screen.spec import Source, parse
from muli.screen.vocabulary import CRITERIA

CELL_EXPECTED = {
    **NAMED_EXPECTED,
    "asr_budget_ohm_cm2": "a resistance in ohm cm2 that coating and contacts may have",
    "temperature_K": "a temperature in degrees Celsius",
}
FIRST = (
    "protected",
    "feasible",
    "interface_potential_V",
    "margin_V",
    "min_thickness_nm",
    "max_thickness_nm",
    "asr_coating_ohm_cm2",
    "anode_side_V",
    "boundary",
    "p_works",
    "p_protects",
    "p_affordable",
    "p_stable",
    "p_inert",
)
"""Keys that an answer begins with."""


class CellEntry(NamedEntry):
    """A cell of named materials."""

    asr_budget_ohm_cm2: float = 10.0

    def as_spec(self) -> dict[str, Any]:
        """The spec of a screen with this cell alone, or beside coatings where it has none."""
        spec = super().as_spec()
        spec["screen"]["asr_budget_ohm_cm2"] = self.asr_budget_ohm_cm2
        if self.has_curve:
            spec["screen"]["law"] = "table"
        return spec

    @property
    def has_curve(self) -> bool:
        """Whether a material of the cell has a curve of sigma_ele, and no number was given."""
        paths = [path for path in self.tables if Path(path).is_file()]
        if not paths:
            return False
        frame = candidates.load(paths, bad="skip")
        named = frame.loc[frame[FILE].notna(), "name"] if FILE in frame else ()
        roles = {"coating": self.coating, "electrolyte": self.electrolyte}
        return any(
            name in set(named) and "sigma_ele_S_cm" not in self.typed(role)
            for role, name in roles.items()
        )


@dataclass(frozen=True)
class CellAnswer:
    """What is known of a cell.

    row: columns of `muli run` in the state of charge asked for (in the charged state without a
    coating); unknown is None. states: the rows of both states.
    """

    entry: CellEntry
    setup: Setup
    named: Named
    row: Row
    states: tuple[Row, ...]
    assumptions: tuple[str, ...]

    @cached_property
    def growth(self) -> Growth | None:
        """Interphases at a month, a year, ten years; None where a number it needs is unknown."""
        return grown(self.named)

    @property
    def margin_V(self) -> float | None:
        """How far E* is inside the electrolyte's window, outside where negative."""
        known = [self.row[f"{side}_margin_V"] for side in ("oxidation", "reduction")]
        return None if None in known else min(known)

    @property
    def protected_in_all_states(self) -> bool | None:
        """The verdict over both states of charge."""
        verdicts = [row["protected"] for row in self.states]
        return False if False in verdicts else None if None in verdicts else True

    @property
    def contents(self) -> dict[str, Any]:
        """Everything, by names with units; infinite numbers become null later."""
        row: dict[str, Any] = dict.fromkeys(FIRST)
        row |= {
            **self.row,
            "margin_V": self.margin_V,
            "anode_side_V": self.named.anode_side_V,
            "protected_in_all_states": self.protected_in_all_states,
            "asr_budget_ohm_cm2": self.entry.asr_budget_ohm_cm2,
            "criteria": list(CRITERIA),
        }
        if self.entry.coating is not None:
            row |= _joint(self.states)
        row |= self.growth.columns if self.growth else {}
        return {**row, "assumptions": list(self.assumptions), "spec": self.entry.as_spec()}


def answered(entry: CellEntry, where: str = "cell") -> CellAnswer:
    """Everything about a cell. where: what messages call it.

    Raises `SpecError`: unknown names, values out of range.
    """
    setup = set_up(Source(parse(entry.as_spec(), where), where, Path.cwd()))
    named = named_of(entry, setup.problem.materials.frames)
    states = tuple(coated_rows(setup)) if entry.coating is not None else (bare_row(setup),)
    state = 1 if entry.cathode_state == "discharged" and len(states) > 1 else 0
    notes = assumptions(entry, setup, named)
    return CellAnswer(entry, setup, named, states[state], states, notes)


def _joint(states: tuple[Row, ...]) -> dict[str, float | None]:
    """The thickness that protects in every state, and the sigma_ele that does at the cell's own."""
    least = [row["min_thickness_nm"] for row in states]
    electrons = [row["max_sigma_ele_S_cm"] for row in states]
    return {
        "min_thickness_all_states_nm": None if None in least else max(least),
        "sigma_ele_needed_S_cm": None if None in electrons else min(electrons),
    }
