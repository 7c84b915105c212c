"""A prepared screen: the design space with every number that its stacks are built from.

Property axes (`"coating.sigma_ele_S_cm"`) replace the library's value in every row and are marked
`assumed`. With `missing = "decades"` an unknown conductivity becomes a scenario axis of decades
that fills the gaps only; otherwise unknown numbers are NaN, and so are results that
depend on them.
"""

from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from muli.screen.errors import SpecError
from muli.screen.space import curves, layered
from muli.screen.space.layout import DesignSpace
from muli.screen.space.materials import ROLES, Materials, resolve
from muli.screen.space.own import Own, keys, places
from muli.screen.spec import Source, Spec
from muli.screen.vocabulary import FILL

if TYPE_CHECKING:
    from muli.screen.space.draws import Draws

Floats = NDArray[np.float64]

LAYER_PROPERTIES = (
    "sigma_ion_S_cm",
    "sigma_ion_temperature_K",
    "sigma_ion_activation_eV",
    "sigma_ele_S_cm",
    "sigma_ele_temperature_K",
    "sigma_ele_activation_eV",
    "reduction_limit_V",
    "oxidation_limit_V",
)
BRANCH_PROPERTIES = ("sigma_0_S_cm", "sigma_n_S_cm", "E_n_V", "z_n", "sigma_p_S_cm", "E_p_V", "z_p")
"""Columns of a material that a layer is made from."""

DECADES: dict[str, Floats] = {
    "coating.sigma_ele_S_cm": np.logspace(-16, -8, 9),
    "electrolyte.sigma_ele_S_cm": np.logspace(-12, -6, 7),
    "coating.sigma_ion_S_cm": np.logspace(-12, -5, 8),
    "electrolyte.sigma_ion_S_cm": np.logspace(-5, -2, 4),
}
"""What an unknown conductivity is swept over with `missing = "decades"`."""

STATES = ("charged", "discharged")
ANODE_COATING = "anode_coating"


@dataclass(frozen=True)
class Problem:
    """Everything a run needs to know before it computes; `tables` go to the device."""

    source: Source
    materials: Materials
    space: DesignSpace
    numbers: dict[str, Floats]
    notes: list[str] = field(default_factory=list)
    draws: "Draws | None" = None

    @property
    def spec(self) -> Spec:
        """The validated spec."""
        return self.source.spec

    @cached_property
    def records(self) -> dict[str, list[dict[Any, Any]]]:
        """The materials of every role as dictionaries."""
        frames = self.materials.frames
        return {role: frame.to_dict("records") for role, frame in frames.items()}

    @property
    def states(self) -> tuple[str, ...]:
        """States a cathode is judged in; one nameless state where a potential was given."""
        return STATES if "cathode" in self.materials.frames else ("",)

    @cached_property
    def tables(self) -> dict[str, Floats]:
        """Numbers by key: `role.property` along the role's axis, scenario axes by their own key."""
        tables = dict(self.numbers)
        properties = LAYER_PROPERTIES + (BRANCH_PROPERTIES if self.branches else ())
        for role in self.roles:
            frame = self.materials.frames[role]
            for name in properties:
                if f"{role}.{name}" not in self.space.scenarios:
                    tables[f"{role}.{name}"] = column(frame, name)
        for role in self.curved:
            tables |= self._grids(role)
        tables |= self._layers()
        tables["cathode_potential_V"] = self._cathode_potentials()
        if "anode" in self.materials.frames:
            tables["anode_potential_V"] = anode_potentials(self.materials.frames["anode"])
        return tables

    @cached_property
    def own(self) -> dict[str, tuple[Own, ...]]:
        """Keys of single materials, by the `role.property` that they give."""
        return places(keys(self.spec), self.materials.frames)

    @property
    def roles(self) -> tuple[str, ...]:
        """Roles whose materials are layers of the stacks."""
        layers = ("coating", "electrolyte", ANODE_COATING)
        return tuple(role for role in layers if role in self.materials.frames)

    @property
    def anode_coated(self) -> bool:
        """Whether a coating lies between anode and electrolyte."""
        return ANODE_COATING in self.materials.frames

    @property
    def layers(self) -> int:
        """Layers of every coating."""
        return self.spec.axes.coating.layers

    def _layers(self) -> dict[str, Floats]:
        """Properties of every layer of composed coatings, and their thicknesses."""
        thickness, frame = layered.thicknesses(self.spec), self.materials.frames["coating"]
        if thickness is None:
            return {}
        tables = {f"layer_{k + 1}_thickness_nm": layer for k, layer in enumerate(thickness.T)}
        properties = LAYER_PROPERTIES + (BRANCH_PROPERTIES if self.branches else ())
        for k in range(1, self.layers + 1):
            for name in properties:
                tables[f"coating_{k}.{name}"] = column(frame, layered.prefix(k) + name)
        return tables

    @property
    def branches(self) -> bool:
        """Whether stacks are built with the branch law."""
        return self.spec.screen.law == "branches"

    @cached_property
    def curved(self) -> dict[str, NDArray[np.bool_]]:
        """Of the roles whose stacks are built with curves: which of their materials have one.

        An axis of sigma_ele takes the place of the curves.
        """
        if self.spec.screen.law != "table":
            return {}
        by_role = {
            role: curves.has_curve(self.materials.frames[role])
            for role in self.roles
            if f"{role}.sigma_ele_S_cm" not in self.numbers
        }
        for role, known in by_role.items():
            for key, index in self.own.get(f"{role}.sigma_ele_S_cm", ()):
                known[index] &= key not in self.numbers
        return {role: known for role, known in by_role.items() if known.any()}

    def _grids(self, role: str) -> dict[str, Floats]:
        """The curves of a role's materials, in the shape that all roles share."""
        frames = self.materials.frames
        points = curves.longest([frames[name] for name in self.curved])
        grids = curves.grids(frames[role], points)
        return {
            f"{role}.curve_E_V": grids.E,
            f"{role}.curve_log10_sigma": grids.log10_sigma,
            f"{role}.has_curve": self.curved[role].astype(np.float64),
        }

    @cached_property
    def slope(self) -> float | None:
        """The slope z that all branches share, or None where they differ; 1 where none is given."""
        slopes: set[float] = set()
        for role, kind in product(self.roles, ("n", "p")):
            for layer, prefix in self._layers_of(role):
                slopes |= self._slopes(role, prefix, kind)
                for key, _ in self.own.get(f"{layer}.z_{kind}", ()):
                    slopes |= set(self.numbers[key].tolist())
        return slopes.pop() if len(slopes) == 1 else None if slopes else 1.0

    def _slopes(self, role: str, prefix: str, kind: str) -> set[float]:
        """Slopes of the branches of a layer; 1 where none is given."""
        known = ~np.isnan(self._values(role, prefix, f"sigma_{kind}_S_cm"))
        z = self._values(role, prefix, f"z_{kind}")
        if known.size == z.size:
            z = z[known]
        elif not known.any():
            return set()
        return {1.0 if np.isnan(slope) else float(slope) for slope in z}

    def _layers_of(self, role: str) -> list[tuple[str, str]]:
        """Every layer of a role: `coating_1` and so on where coatings have several, and the prefix
        of its columns."""
        if role != "coating" or self.layers == 1:
            return [(role, "")]
        return [(f"coating_{k}", layered.prefix(k)) for k in range(1, self.layers + 1)]

    def _values(self, role: str, prefix: str, name: str) -> Floats:
        """A property of a layer's materials, or the values of its axis."""
        axis = self.numbers.get(f"{role}.{name}")
        return column(self.materials.frames[role], prefix + name) if axis is None else axis

    def _cathode_potentials(self) -> Floats:
        """(cathodes, states), V; unknown is NaN."""
        if "cathode" not in self.materials.frames:
            return self.numbers["cathode_potential_V"][:, None]
        frame = self.materials.frames["cathode"]
        return np.stack([column(frame, f"{state}_potential_V") for state in STATES], axis=1)


def column(frame: pd.DataFrame, name: str) -> Floats:
    """A numeric column as float64, NaN where unknown or absent."""
    if name not in frame:
        return np.full(len(frame), np.nan)
    return pd.to_numeric(frame[name], errors="coerce").to_numpy(np.float64, na_value=np.nan)


def anode_potentials(frame: pd.DataFrame) -> Floats:
    """Average potential of an anode, else that of its charged state (V vs Li/Li+)."""
    average, charged = column(frame, "average_potential_V"), column(frame, "charged_potential_V")
    return np.where(np.isnan(average), charged, average)


def prepare(source: Source, materials: Materials | None = None) -> Problem:
    """Resolve materials and lay out the axes, slow to fast. Raises `SpecError`."""
    materials = resolve(source) if materials is None else materials
    thickness = source.spec.axes.coating_thickness_nm
    laid_out(source, materials)  # refuses what is too large before anything is drawn
    drawn = _draws(source, materials)
    space = laid_out(source, materials, drawn.points if drawn else 0)
    numbers = _numbers(source.spec, materials)
    if thickness is not None:
        numbers["coating_thickness_nm"] = thickness.values()
    return Problem(source, materials, space, numbers, draws=drawn)


def laid_out(source: Source, materials: Materials, points: int = 0) -> DesignSpace:
    """The design space from the sizes of its axes alone. Raises `SpecError` where it is too large.

    points: draws of every line where properties are uncertain.
    """
    thickness = source.spec.axes.coating_thickness_nm
    try:
        return DesignSpace(
            scenarios=_sizes(source.spec, materials),
            coatings=len(materials.frames["coating"]),
            states=len(STATES) if "cathode" in materials.frames else 1,
            thicknesses=1 if thickness is None else len(thickness),
            points=points,
            counted=counted(source.spec),
        )
    except ValueError as error:
        raise SpecError(source.name, [f"axes: {error}"]) from None


def counted(spec: Spec) -> bool:
    """Whether few rows are kept and the thicknesses at which verdicts change need no search: one
    layer of a constant law at open circuit."""
    single = spec.axes.coating.layers == 1 and spec.axes.anode_coating is None
    constant = spec.screen.law == "constant"
    rests = spec.axes.current_density_mA_cm2.only_zero
    return spec.output.mode == "best" and constant and single and rests


def _draws(source: Source, materials: Materials) -> "Draws | None":
    """Draws where something is uncertain; a dry run of other screens does not import JAX."""
    if not source.spec.uncertainty:
        return None
    from muli.screen.space.draws import draws

    return draws(source, materials.frames)


def _axes(spec: Spec, materials: Materials) -> dict[str, object]:
    """Scenario axes, slow to fast: a frame, a `Numbers`, or an array."""
    axes = spec.axes
    scenarios: dict[str, object] = {}
    for role in ROLES[1:]:
        if role in materials.frames:
            scenarios[role] = materials.frames[role]
        elif (potentials := getattr(axes, f"{role}_potential_V", None)) is not None:
            scenarios[f"{role}_potential_V"] = potentials
    if axes.anode_coating_thickness_nm is not None:
        scenarios["anode_coating_thickness_nm"] = axes.anode_coating_thickness_nm
    scenarios["boundary"] = spec.screen.boundary
    scenarios["temperature_K"] = axes.temperature_K
    scenarios["current_density_mA_cm2"] = axes.current_density_mA_cm2
    scenarios |= axes.others
    if spec.uncertainty:
        from muli.screen.space.draws import medians

        scenarios |= medians(spec.uncertainty.distributions)
    if spec.screen.missing == "decades":
        scenarios |= {f"{FILL}{key}": values for key, values in _gaps(spec, materials).items()}
    scenarios["electrolyte_thickness_um"] = axes.electrolyte_thickness_um
    return scenarios


def _sizes(spec: Spec, materials: Materials) -> dict[str, int]:
    return {name: len(axis) for name, axis in _axes(spec, materials).items()}  # type: ignore[arg-type]


def _numbers(spec: Spec, materials: Materials) -> dict[str, Floats]:
    """Values of the scenario axes that are numbers."""
    numbers: dict[str, Floats] = {}
    for name, axis in _axes(spec, materials).items():
        if name == "boundary":
            numbers[name] = np.array([float(b == "electrode") for b in spec.screen.boundary])
        elif isinstance(axis, np.ndarray):
            numbers[name] = axis
        elif not isinstance(axis, pd.DataFrame):
            numbers[name] = axis.values()  # type: ignore[attr-defined]
    return numbers


def _gaps(spec: Spec, materials: Materials) -> dict[str, Floats]:
    """Decades for each conductivity that is unknown for some material and is no axis."""
    gaps = {}
    for key, values in DECADES.items():
        role, name = key.split(".")
        frame = materials.frames[role]
        unknown = np.isnan(column(frame, name))
        if name == "sigma_ele_S_cm":
            unknown &= ~curves.has_curve(frame)
        if key not in spec.axes.others and unknown.any():
            gaps[key] = values
    return gaps
