"""A single cell in Python.

mine = cell(electrolyte="Li6PS5Cl", um=40, coating="LiNbO3", nm=3.5, cathode="NMC811",
            anode="Li-In", celsius=60, sigma_ele=5e-12, sigma_ion=3e-7)
mine                                  # the answer in words
mine.solve()["interface_potential_V"]
mine.profile(), mine.plot("profile.svg"), mine.age(), mine.save("cell.toml")
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import jax
import numpy as np
from numpy.typing import ArrayLike
from pydantic import ValidationError

from muli.candidates.files import replacing
from muli.kernels.constants import CM_PER_UM
from muli.screen.errors import SpecError, StoreError
from muli.screen.interactive.stack import Stack, stack_of
from muli.screen.solving.batches import Solved, solve_stacks
from muli.screen.solving.cell import CELL_EXPECTED, CellAnswer, CellEntry, answered
from muli.screen.solving.cell_growth import YEAR_S, grown
from muli.screen.solving.named import Named, named
from muli.screen.solving.stack_file import StackEntry
from muli.screen.spec.names import closest, shown
from muli.screen.spec.quantities import AXES
from muli.screen.spec.written import as_toml
from muli.screen.views.cell import cell_html, short_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

T = TypeVar("T")
ZERO_CELSIUS_K = 273.15
KEYS = {
    "electrolyte": "electrolyte",
    "um": "electrolyte_thickness_um",
    "cathode": "cathode",
    "coating": "coating",
    "nm": "coating_thickness_nm",
    "anode": "anode",
    "celsius": "temperature_K",
    "sigma_ele": "coating_sigma_ele_S_cm",
    "sigma_ion": "coating_sigma_ion_S_cm",
    "electrolyte_sigma_ele": "electrolyte_sigma_ele_S_cm",
    "electrolyte_sigma_ion": "electrolyte_sigma_ion_S_cm",
    "current": "current_density_mA_cm2",
    "state": "cathode_state",
    "boundary": "boundary",
    "budget": "asr_budget_ohm_cm2",
    "tables": "tables",
}
"""Arguments of `cell`, and the keys of an entry they stand for."""
NAMES = {key: name for name, key in KEYS.items()}
SPOKEN = {
    **{f'axes."coating.{name}_S_cm"': name for name in ("sigma_ele", "sigma_ion")},
    **{
        f'axes."electrolyte.{name}_S_cm"': f"electrolyte_{name}"
        for name in ("sigma_ele", "sigma_ion")
    },
    **{f"axes.{key}": name for name, key in KEYS.items()},
    "axes.cathode_potential_V": "cathode",
    "axes.anode_potential_V": "anode",
    "screen.asr_budget_ohm_cm2": "budget",
    "library.tables": "tables",
    "coating_thickness_nm": "nm",
}
"""Keys of a spec, longest first, and the arguments that messages name in place of them."""
SPOKEN = dict(sorted(SPOKEN.items(), key=lambda pair: -len(pair[0])))
LOW_CELSIUS = AXES["temperature_K"].low - ZERO_CELSIUS_K
HIGH_CELSIUS = AXES["temperature_K"].high - ZERO_CELSIUS_K
TEXTS = ("electrolyte", "coating", "cathode_state", "boundary", "tables")


def cell(
    *,
    electrolyte: str,
    um: float,
    cathode: str | float,
    coating: str | None = None,
    nm: float | None = None,
    anode: str | float | None = None,
    celsius: float | None = None,
    sigma_ele: float | None = None,
    sigma_ion: float | None = None,
    electrolyte_sigma_ele: float | None = None,
    electrolyte_sigma_ion: float | None = None,
    current: float | None = None,
    state: Literal["charged", "discharged"] | None = None,
    boundary: Literal["auto", "electrode", "interphase"] | None = None,
    budget: float | None = None,
    tables: Sequence[str | Path] = (),
) -> "Cell":
    """The answer to one cell; arguments left out have defaults, which the answer names.

    Args:
        electrolyte: its name or alias.
        um: thickness of the electrolyte, um.
        cathode: a name, or a potential in V vs Li/Li+.
        coating: its name or alias; none: the electrolyte touches the cathode.
        nm: thickness of the coating, nm.
        anode: a name, or a potential in V vs Li/Li+ (lithium).
        celsius: temperature, degrees Celsius (25).
        sigma_ele: of the coating at that temperature, S/cm (that of the library).
        sigma_ion: likewise.
        electrolyte_sigma_ele: of the electrolyte, likewise.
        electrolyte_sigma_ion: likewise.
        current: mA/cm2, positive on discharge (0).
        state: of the cathode, where it is a name ("charged").
        boundary: what holds the electrolyte's anode side ("auto"; see docs/which-law.md).
        budget: ohm cm2 that the coating may have (10).
        tables: CSV files whose materials join the library.

    Raises:
        SpecError: unknown names (with the closest), values out of range, wrong types.
    """
    arguments = {name: value for name, value in locals().items() if value is not None}
    return Cell(_entry_of(arguments))


class Cell:
    """A cell and everything that is known of it; shows itself as the answer in words."""

    def __init__(self, entry: CellEntry) -> None:
        self.entry = entry
        self.answer: CellAnswer = _spoken(lambda: answered(entry))

    def solve(self) -> dict[str, Any]:
        """All numbers and verdicts by name, with units in the names.

        The columns of `muli run` and those of `muli cell --json`; unknown is None.
        """
        return self.answer.contents

    @property
    def stack(self) -> Stack:
        """The stack with its numbers, for `muli.solve` and its derivatives.

        Raises `SpecError` where a conductivity is unknown.
        """
        return stack_of(self._entry)

    def profile(self, x_um: ArrayLike | None = None, points: int = 21) -> "pd.DataFrame":
        """Potentials through the stack, one row per place; units in the column names.

        x_um: distances from the anode, um; none: `points` places in every layer. Raises
        `SpecError` where a conductivity is unknown or a distance is outside the stack.
        """
        from muli.screen.solving.solve_file import profile_at, profile_table

        if x_um is None:
            return profile_table([self._entry], [self._solved], points)
        return profile_at(self._entry, self._solved, np.ravel(np.asarray(x_um, float)) * CM_PER_UM)

    def plot(self, out: str | Path | None = None) -> "Figure":
        """The lithium potential through every layer; written to `out` (.svg, .png, .pdf)."""
        from muli.screen.pictures.profile import picture

        return picture(self._entry, self._solved, None if out is None else Path(out))

    def age(self, times_s: ArrayLike | None = None) -> "pd.DataFrame":
        """Interphases of both sides against time, one row per time; units in the column names.

        times_s: after contact; none: 25 from an hour to 10 years. Raises `SpecError` where a number
        it needs is unknown.
        """
        import pandas as pd

        seconds = np.geomspace(3600.0, 10.0 * YEAR_S, 25) if times_s is None else times_s
        times = tuple(float(time) for time in np.ravel(np.asarray(seconds, float)))
        growth = grown(self.answer.named, times)
        if growth is None:
            unknown = ", ".join(self.answer.named.missing) or "limits of the electrolyte"
            raise SpecError("cell", [f"unknown: {unknown}; nothing can be said of growth"])
        rows = {name: values for name, values in growth.rows.items() if isinstance(values, list)}
        return pd.DataFrame({"time_s": times, **rows})

    def save(self, path: str | Path) -> None:
        """Write the spec of this cell for `muli run`; its row is this answer."""
        text = as_toml(self.entry.as_spec(), _comments(self.entry))
        try:
            with replacing(Path(path)) as stream:
                stream.write(text.encode())
        except OSError as error:
            raise StoreError(f"{path}: cannot be written: {error.strerror}") from None

    @cached_property
    def _entry(self) -> StackEntry:
        return _known(self.answer.named)

    @cached_property
    def _solved(self) -> Solved:
        with jax.enable_x64(True):
            return solve_stacks([self._entry])[0]

    def __repr__(self) -> str:
        return short_text(self.answer)

    def _repr_html_(self) -> str:
        return cell_html(self.answer)


def named_cell(**given: Any) -> StackEntry:
    """The stack of the cell that these arguments of `cell` describe. Raises `SpecError`."""
    known = {name: value for name, value in given.items() if value is not None}
    if unknown := [name for name in known if name not in KEYS]:
        raise SpecError("cell", [f"no argument {unknown[0]!r}{closest(unknown[0], KEYS)}"])
    return _known(_spoken(lambda: named(_entry_of(known))))


def _spoken(question: Callable[[], T]) -> T:
    """An answer; messages about keys of a spec name the arguments of `cell` instead."""
    try:
        return question()
    except SpecError as error:
        problems = [_renamed(problem) for problem in error.problems]
        raise SpecError("cell", problems, error.more) from None


def _known(found: Named) -> StackEntry:
    if found.stack is None:
        raise SpecError("cell", [f"{', '.join(found.missing)} unknown: give a value"])
    return found.stack


def _entry_of(given: Mapping[str, Any]) -> CellEntry:
    """The entry of these arguments; raises `SpecError` where a type is wrong."""
    celsius: Any = given.get("celsius")
    if _is_number(celsius) and not LOW_CELSIUS <= celsius <= HIGH_CELSIUS:
        ends = f"{LOW_CELSIUS:.0f} and {HIGH_CELSIUS:.0f}"
        raise SpecError("cell", [f"celsius: {celsius:g}: expected C between {ends}"])
    keys = {KEYS[name]: value for name, value in given.items()}
    if "temperature_K" in keys and _is_number(keys["temperature_K"]):
        keys["temperature_K"] += ZERO_CELSIUS_K
    for key, value in keys.items():
        if key not in TEXTS and isinstance(value, int) and not isinstance(value, bool):
            keys[key] = float(value)
    tables = keys.pop("tables", ())
    if tables:
        keys["tables"] = [str(Path(path).resolve()) for path in tables]
    try:
        return CellEntry.model_validate(keys)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        raise SpecError("cell", list(dict.fromkeys(_problem(item) for item in errors))) from None


def _problem(error: Any) -> str:
    """One problem of an argument."""
    if error["type"] == "value_error":
        return _renamed(str(error["ctx"]["error"]))
    key = str(error["loc"][0])
    return f"{NAMES[key]} = {shown(error['input'])}; expected {CELL_EXPECTED[key]}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _renamed(problem: str) -> str:
    """A message about a spec's keys as one about arguments."""
    for key, name in SPOKEN.items():
        problem = problem.replace(key, name)
    return problem


def _comments(entry: CellEntry) -> list[str]:
    """Comments for a reader of the file."""
    if entry.coating is None:
        return [
            'A cell without a coating: its row has coating "none". A screen has coatings too;',
            "these stand beside it at their recommended thickness.",
        ]
    return ["One cell. A cathode that is a name has a row for each state of charge."]
