"""Stacks that name materials: their numbers come from the library by the rules of a run.

Without a coating the electrolyte touches the cathode.

    {"coating": "LiNbO3", "coating_thickness_nm": 3.5, "electrolyte": "Li6PS5Cl",
     "electrolyte_thickness_um": 40, "cathode": "NMC811", "anode": "Li",
     "temperature_K": 333.15, "boundary": "auto", "coating_sigma_ele_S_cm": 5e-12}

Conductivities are taken at the stack's temperature (`space.conductivity`), given ones are values at
that temperature. The electrolyte's anode side is at the anode's potential or at the electrolyte's
reduction limit, as `boundary` says. Assumptions are listed in sentences.
"""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np
import pandas as pd
from pydantic import Field, ValidationError, model_validator

from muli.kernels import BoundaryChoice, Window, resolve_boundary
from muli.kernels.constants import CM_PER_NM, CM_PER_UM
from muli.screen.compiling.programs import QUICK_COMPILE, kept
from muli.screen.errors import SHOWN, SpecError
from muli.screen.solving.stack_file import (
    EXPECTED,
    LayerEntry,
    StackEntry,
    Strict,
    problems_of,
    read_list,
    read_stacks,
)
from muli.screen.space.conductivity import at_temperature
from muli.screen.space.curves import curve_at
from muli.screen.space.materials import resolve
from muli.screen.space.problem import anode_potentials
from muli.screen.spec import Source, parse

OWN_KEYS = frozenset(("coating", "electrolyte", "cathode"))
"""A stack without layers that has one of these names its materials."""

NAMED_EXPECTED = {
    **EXPECTED,
    "coating": "the name of a coating",
    "electrolyte": "the name of an electrolyte",
    "cathode": "the name of a cathode, or a potential in V vs Li/Li+",
    "anode": "the name of an anode, or a potential in V vs Li/Li+",
    "cathode_state": '"charged" or "discharged"',
    "boundary": '"auto", "electrode" or "interphase"',
    "coating_thickness_nm": "a thickness in nm",
    "electrolyte_thickness_um": "a thickness in um",
    "coating_sigma_ele_S_cm": "a conductivity in S/cm",
    "coating_sigma_ion_S_cm": "a conductivity in S/cm",
    "electrolyte_sigma_ele_S_cm": "a conductivity in S/cm",
    "electrolyte_sigma_ion_S_cm": "a conductivity in S/cm",
    "current_density_mA_cm2": "a current in mA/cm2, positive on discharge",
    "tables": "names of CSV files",
}
COMPARED = ("LiNbO3", "Li3PO4")
"""Coatings in the spec of a bare cell, because a screen needs coatings."""


class NamedEntry(Strict):
    """One stack of materials by name. Ranges are those of a spec's axes.

    tables: users' tables whose rows join the library.
    """

    electrolyte: str
    electrolyte_thickness_um: float
    cathode: str | float
    coating: str | None = None
    coating_thickness_nm: float | None = None
    cathode_state: Literal["charged", "discharged"] = "charged"
    anode: str | float = "Li"
    temperature_K: float = 298.15
    current_density_mA_cm2: float = 0.0
    boundary: Literal["auto", "electrode", "interphase"] = "auto"
    coating_sigma_ele_S_cm: float | None = None
    coating_sigma_ion_S_cm: float | None = None
    electrolyte_sigma_ele_S_cm: float | None = None
    electrolyte_sigma_ion_S_cm: float | None = None
    tables: list[str] = Field(default_factory=list)
    name: str | None = None
    expected: Any = None

    @model_validator(mode="after")
    def _coated(self) -> "NamedEntry":
        if self.coating is None and (self.coating_thickness_nm or self.typed("coating")):
            raise ValueError(f"coating is missing; expected {NAMED_EXPECTED['coating']}")
        if self.coating is not None and self.coating_thickness_nm is None:
            expected = NAMED_EXPECTED["coating_thickness_nm"]
            raise ValueError(f"coating_thickness_nm is missing; expected {expected}")
        return self

    def as_spec(self) -> dict[str, Any]:
        """The spec of a screen with this cell alone, or beside coatings where it has none."""
        axes: dict[str, Any] = {
            "coating": [self.coating] if self.coating is not None else [*COMPARED]
        }
        if self.coating_thickness_nm is not None:
            axes["coating_thickness_nm"] = [self.coating_thickness_nm]
        axes["electrolyte"] = [self.electrolyte]
        axes["electrolyte_thickness_um"] = [self.electrolyte_thickness_um]
        for role in ("cathode", "anode"):
            electrode = getattr(self, role)
            axes[role if isinstance(electrode, str) else f"{role}_potential_V"] = [electrode]
        axes["temperature_K"] = [self.temperature_K]
        axes["current_density_mA_cm2"] = [self.current_density_mA_cm2]
        for role in ("coating", "electrolyte"):
            axes |= {f"{role}.{name}": [value] for name, value in self.typed(role).items()}
        mode = "all" if self.coating is not None else "best"
        spec: dict[str, Any] = {
            "screen": {"boundary": self.boundary},
            "axes": axes,
            "output": {"mode": mode},
        }
        return {"library": {"tables": self.tables}, **spec} if self.tables else spec

    def typed(self, role: str) -> dict[str, float]:
        """Conductivities of the coating or electrolyte that are given, by column of a material."""
        numbers = {n: getattr(self, f"{role}_{n}") for n in ("sigma_ele_S_cm", "sigma_ion_S_cm")}
        return {name: value for name, value in numbers.items() if value is not None}


@dataclass(frozen=True)
class Named:
    """A stack of named materials with its numbers.

    stack: None where a number it needs is unknown; `missing` says which. boundary: as requested.
    anode_side_V: potential at the electrolyte's anode side; anode_V: that of the anode itself.
    """

    entry: NamedEntry
    stack: StackEntry | None
    anode_V: float
    anode_side_V: float
    assumptions: tuple[str, ...]
    missing: tuple[str, ...] = ()


def read_any(path: Path) -> list[StackEntry | Named]:
    """The stacks of a file, of layers or of names. Raises `SpecError` with every problem."""
    content = read_list(path)
    if not isinstance(content, list) or not any(is_named(item) for item in content):
        return [*read_stacks(path)]
    problems: list[str] = []
    stacks: list[StackEntry | Named] = []
    for number, item in enumerate(content):
        try:
            if is_named(item):
                entry = NamedEntry.model_validate(item)
                stacks.append(named(entry, f"stack {number}", path.parent))
            else:
                stacks.append(StackEntry.model_validate(item))
        except ValidationError as error:
            problems += _invalid(error, number, NamedEntry if is_named(item) else StackEntry)
        except SpecError as error:
            problems += [f"{error.source}: {problem}" for problem in error.problems]
    if problems:
        raise SpecError(str(path), problems[:SHOWN], len(problems[SHOWN:]))
    return stacks


def is_named(item: Any) -> bool:
    """Whether a stack of a file names its materials."""
    return isinstance(item, dict) and "layers" not in item and bool(OWN_KEYS & set(item))


def _invalid(error: ValidationError, number: int, entry: type[Strict]) -> list[str]:
    known: dict[str, Any] = {"": entry, **({"layers": LayerEntry} if entry is StackEntry else {})}
    errors = error.errors(include_url=False)
    placed: Any = [{**detail, "loc": (number, *detail["loc"])} for detail in errors]
    lines = problems_of(placed, known, NAMED_EXPECTED)
    return list(dict.fromkeys(islice(lines, SHOWN)))


def named(entry: NamedEntry, where: str = "cell", folder: Path | None = None) -> Named:
    """The numbers of a stack of names, by the rules of a run.

    where: what messages call it. Raises `SpecError`: unknown names, values out of range.
    """
    source = Source(parse(entry.as_spec(), where), where, folder or Path.cwd())
    return named_of(entry, resolve(source).frames)


def named_of(entry: NamedEntry, frames: dict[str, pd.DataFrame]) -> Named:
    """The same from the tables of materials, by role."""
    rows = []
    for role in ("electrolyte", "coating") if entry.coating is not None else ("electrolyte",):
        typed = entry.typed(role)
        frame = frames[role].assign(**typed)
        rows.append(at_temperature(frame, entry.temperature_K, frozenset(typed)).iloc[0])
    E_cathode, E_anode = _cathode(entry, frames), _anode(entry, frames)
    limits = [float(rows[0][f"{end}_limit_V"]) for end in ("reduction", "oxidation")]
    with jax.enable_x64(True):
        side = float(_anode_side(*map(np.asarray, (E_anode, E_cathode, *limits)), entry.boundary))
    missing = [
        f"{kind.removesuffix('_S_cm')} of {row['name']}"
        for row in rows
        for kind in ("sigma_ion_S_cm", "sigma_ele_S_cm")
        if not (row[kind] > 0 or (kind == "sigma_ele_S_cm" and curve_at(row.to_dict())))
    ]
    ends_known = {"the cathode's potential": E_cathode, "the anode's potential": E_anode}
    missing += [name for name, value in ends_known.items() if pd.isna(value)]
    notes = _assumptions(entry, rows, (E_anode, side, E_cathode))
    stack = None if missing else _stack(entry, rows, side, E_cathode)
    return Named(entry, stack, E_anode, side, notes, tuple(missing))


@kept("anode side", QUICK_COMPILE)
def _anode_side(E_anode: Any, E_cathode: Any, red: Any, ox: Any, choice: BoundaryChoice) -> Any:
    return resolve_boundary(E_anode, E_cathode, Window(red, ox), choice=choice).E_anode


_ROLES = ("electrolyte", "cathode_coating")


def _stack(
    entry: NamedEntry, rows: "list[pd.Series[Any]]", anode: float, cathode: float
) -> StackEntry:
    depths = [entry.electrolyte_thickness_um * CM_PER_UM]
    if entry.coating_thickness_nm is not None:
        depths.append(entry.coating_thickness_nm * CM_PER_NM)
    layers = [
        LayerEntry(
            role=role,  # type: ignore[arg-type]
            name=str(row["name"]),
            thickness_cm=depth,
            sigma_ion_S_cm=float(row["sigma_ion_S_cm"]),
            **_law(row),
            reduction_limit_V=_known(row["reduction_limit_V"]),
            oxidation_limit_V=_known(row["oxidation_limit_V"]),
        )
        for role, row, depth in zip(_ROLES, rows, depths, strict=False)
    ]
    return StackEntry(
        layers=layers,
        name=entry.name,
        E_anode_V=anode,
        E_cathode_V=cathode,
        temperature_K=entry.temperature_K,
        current_density_A_cm2=1e-3 * entry.current_density_mA_cm2,
        oxidation_limit_V=layers[0].oxidation_limit_V,
    )


def _law(row: "pd.Series[Any]") -> dict[str, Any]:
    """Keys of a layer that say its sigma_ele: a curve where it has one, else its number."""
    if (curve := curve_at(row.to_dict())) is None:
        return {"sigma_0_S_cm": float(row["sigma_ele_S_cm"])}
    return {
        "table_E_V": list(curve.E_V),
        "table_log10_sigma_ele_S_cm": list(curve.log10_sigma_ele),
    }


def _cathode(entry: NamedEntry, frames: dict[str, pd.DataFrame]) -> float:
    if not isinstance(entry.cathode, str):
        return float(entry.cathode)
    return float(frames["cathode"].iloc[0][f"{entry.cathode_state}_potential_V"])


def _anode(entry: NamedEntry, frames: dict[str, pd.DataFrame]) -> float:
    if not isinstance(entry.anode, str):
        return float(entry.anode)
    return float(anode_potentials(frames["anode"])[0])


def _known(value: float) -> float | None:
    return None if pd.isna(value) else float(value)


def _assumptions(
    entry: NamedEntry, rows: "list[pd.Series[Any]]", ends: tuple[float, float, float]
) -> tuple[str, ...]:
    """The assumptions behind the numbers, one sentence each."""
    anode, side, cathode = ends
    notes = [note for row in rows for note in row["temperature_notes"]]
    notes += [
        f"{row['name']}: {name.removesuffix('_S_cm')} {value:g} S/cm as given, at "
        f"{entry.temperature_K:g} K"
        for row, role in zip(rows, ("electrolyte", "coating"), strict=False)
        for name, value in entry.typed(role).items()
    ]
    if isinstance(entry.cathode, str):
        notes.append(f"cathode {entry.cathode} {entry.cathode_state}: {cathode:g} V")
    kind = f"interphase; anode {anode:g} V" if side != anode else "the anode's own potential"
    notes.append(f"anode side of the electrolyte at {side:g} V, {kind} (boundary {entry.boundary})")
    curved = [str(row["name"]) for row in rows if curve_at(row.to_dict())]
    others = "every other layer" if curved else "every layer"
    notes += [f"{name}: sigma_ele as a curve, from a table of yours" for name in curved]
    notes.append(f"constant sigma_ele in {others}, contacts without resistance")
    return tuple(notes)
