"""The JSON file of cells that `muli age` reads: stacks as `muli solve` reads them, and products.

Electrolyte first, then the coatings of the cathode; the products of the electrolyte on each side
as one layer. Thicknesses and contacts are those of the real interface: `area_factor` says how much
of it a composite cathode has per electrode area.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, model_validator

from muli.candidates.interphases import Products
from muli.screen.solving.stack_file import (
    EXPECTED,
    LawEntry,
    LayerEntry,
    StackEntry,
    read_entries,
)

MORE_EXPECTED = {
    "volume_per_charge_cm3_C": "the volume of the products per charge in cm3/C, above 0, at most 1",
    "reaction_rate_cm_s": "a rate in cm/s, above 0, at most 1e6",
    "volume_ratio": "volume of the products over that of the electrolyte they came from, above 0",
    "sigma_ele_S_cm": "an electronic conductivity in S/cm, above 0, at most 1e8",
    "times_s": "1 to 10,000 times in s, 0 to 1e12 (1 year = 3.156e7)",
    "area_factor": "interface area over electrode area, above 0, at most 1e6",
    "boundary": '"auto" (faces are held where a limit is passed) or "given"',
    "interphase": "an object with the properties of the products",
    "anode_interphase": "an object with the properties of the products",
}


class ProductsEntry(LawEntry):
    """What the electrolyte becomes on one side."""

    sigma_ion_S_cm: Annotated[float, Field(gt=0.0, le=1e8)]
    sigma_ele_S_cm: Annotated[float, Field(gt=0.0, le=1e8)] | None = None
    volume_per_charge_cm3_C: Annotated[float, Field(gt=0.0, le=1.0)]
    reaction_rate_cm_s: Annotated[float, Field(gt=0.0, le=1e6)] | None = None
    volume_ratio: Annotated[float, Field(gt=0.0, le=100.0)] = 1.0

    @model_validator(mode="before")
    @classmethod
    def _constant(cls, given: object) -> object:
        """`sigma_ele_S_cm` is another name for a law that is one constant."""
        if not isinstance(given, dict) or given.get("sigma_ele_S_cm") is None:
            return given
        if "sigma_0_S_cm" in given:
            raise ValueError("give sigma_ele_S_cm or a law (sigma_0_S_cm and so on), not both")
        sigma = given["sigma_ele_S_cm"]
        is_one = type(sigma) in (int, float) and 0.0 < sigma <= 1e8
        return {**given, "sigma_0_S_cm": sigma if is_one else 1.0}  # one error, under its own name


class AgeEntry(StackEntry):
    """One cell of the file."""

    interphase: ProductsEntry | None = None
    anode_interphase: ProductsEntry | None = None
    times_s: Annotated[
        list[Annotated[float, Field(ge=0.0, le=1e12)]], Field(min_length=1, max_length=10_000)
    ]
    area_factor: Annotated[float, Field(gt=0.0, le=1e6)] = 1.0
    boundary: Literal["auto", "given"] = "auto"

    @model_validator(mode="after")
    def _sides(self) -> "AgeEntry":
        if self.interphase is None and self.anode_interphase is None:
            raise ValueError("give interphase, anode_interphase or both: what the products are")
        for products, limit in (("interphase", "oxidation"), ("anode_interphase", "reduction")):
            if getattr(self, products) and getattr(self, f"{limit}_limit_V") is None:
                raise ValueError(f"{products} needs {limit}_limit_V, where its growth begins")
        if [layer.role for layer in self.layers].count("electrolyte") != 1:
            raise ValueError("a cell that ages has one layer of role electrolyte")
        low, high = self.reduction_limit_V, self.oxidation_limit_V
        if low is not None and high is not None and low > high:
            raise ValueError("reduction_limit_V lies above oxidation_limit_V: exchange them")
        if self.current_density_A_cm2:
            raise ValueError("growth is computed at open circuit: leave current_density_A_cm2 out")
        return self


def read_cells(path: Path) -> list[AgeEntry]:
    """The cells of a file. Raises `SpecError` with every problem."""
    parts: dict[str, type[BaseModel]]
    parts = {"layers": LayerEntry, "interphase": ProductsEntry, "anode_interphase": ProductsEntry}
    return read_entries(path, AgeEntry, parts, {**EXPECTED, **MORE_EXPECTED})


def products_entry(one: Products) -> dict[str, Any]:
    """Properties of an interphase as an entry of the file; a hole slope makes it a branch law."""
    entry: dict[str, Any] = {
        "sigma_ion_S_cm": one.sigma_ion.value,
        "volume_per_charge_cm3_C": one.volume_per_charge.value,
    }
    if one.hole_slope is None or one.hole_reference is None:
        return entry | {"sigma_ele_S_cm": one.sigma_ele.value}
    return entry | {
        "sigma_p_S_cm": one.sigma_ele.value,
        "E_p_V": one.hole_reference.value,
        "z_p": one.hole_slope.value,
        "sigma_0_S_cm": 0.0 if one.hole_floor is None else one.hole_floor.value,
    }
