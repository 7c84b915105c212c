"""The JSON file of stacks that `muli solve` and `muli profile` read: strict, every error at once.

A list of stacks (or one stack). Layers run from the anode to the cathode; lengths are cm,
conductivities S/cm at the stated temperature, potentials V vs Li/Li+, currents A/cm2 (positive on
discharge). A branch of sigma_ele that is left out is absent. Keys of results (`expected`,
`conductivity_law`) are allowed and not read.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic_core import ErrorDetails

from muli.screen.errors import SHOWN, SpecError
from muli.screen.inputs import read_file
from muli.screen.spec.names import closest, one_line, shown

MAX_BYTES = 100 * 2**20

Potential = Annotated[float, Field(ge=-20.0, le=20.0)]
Conductivity = Annotated[float, Field(ge=0.0, le=1e8)]
Slope = Annotated[float, Field(gt=0.0, le=10.0)]
EXPECTED = {
    "thickness_cm": "a thickness in cm (1 nm = 1e-7 cm, 1 um = 1e-4 cm), above 0, at most 100",
    "sigma_ion_S_cm": "an ionic conductivity in S/cm, above 0, at most 1e8",
    "sigma_0_S_cm": "a conductivity in S/cm, 0 to 1e8",
    "sigma_n_S_cm": "a conductivity in S/cm, 0 to 1e8",
    "sigma_p_S_cm": "a conductivity in S/cm, 0 to 1e8",
    "z_n": "a slope without unit, above 0, at most 10",
    "z_p": "a slope without unit, above 0, at most 10",
    "temperature_K": "a temperature in K, 100 to 1500",
    "current_density_A_cm2": "a current in A/cm2, at most 10 either way (1 mA/cm2 = 1e-3)",
    "interface_asr_ohm_cm2": "resistances in ohm cm2, 0 or more, one per interface",
    "table_log10_sigma_ele_S_cm": "log10 of conductivities in S/cm, -100 to 8",
    "role": "anode_coating, electrolyte or cathode_coating",
    "layers": "1 to 100 layers from anode to cathode",
}
POTENTIAL_EXPECTED = "a potential in V vs Li/Li+, -20 to 20"


class Strict(BaseModel):
    """Unknown keys are errors; no silent casts; finite numbers."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class LawEntry(Strict):
    """sigma_ele of a layer: a constant, branches or a table."""

    sigma_0_S_cm: Conductivity = 0.0
    sigma_n_S_cm: Conductivity = 0.0
    E_n_V: Potential = 0.0
    z_n: Slope = 1.0
    sigma_p_S_cm: Conductivity = 0.0
    E_p_V: Potential = 0.0
    z_p: Slope = 1.0
    table_E_V: list[Potential] | None = None
    table_log10_sigma_ele_S_cm: list[Annotated[float, Field(ge=-100.0, le=8.0)]] | None = None

    @model_validator(mode="after")
    def _one_law(self) -> "LawEntry":
        E, logs = self.table_E_V, self.table_log10_sigma_ele_S_cm
        if (E is None) != (logs is None):
            raise ValueError("table_E_V and table_log10_sigma_ele_S_cm need each other")
        total = self.sigma_0_S_cm + self.sigma_n_S_cm + self.sigma_p_S_cm
        if E is None or logs is None:
            if total == 0:
                raise ValueError("no sigma_ele: give sigma_0_S_cm, a branch or a table")
            return self
        if total > 0:
            raise ValueError("give sigma_ele as a table or as branches, not both")
        if not 2 <= len(E) == len(logs):
            raise ValueError(f"a table needs two points or more of both, has {len(E)}, {len(logs)}")
        if any(after <= before for before, after in pairwise(E)):
            raise ValueError("table_E_V must increase")
        return self


class LayerEntry(LawEntry):
    """One layer of the file."""

    role: Literal["anode_coating", "electrolyte", "cathode_coating"]
    name: Annotated[str, Field(max_length=200)] | None = None
    thickness_cm: Annotated[float, Field(gt=0.0, le=100.0)]
    sigma_ion_S_cm: Annotated[float, Field(gt=0.0, le=1e8)]
    reduction_limit_V: Potential | None = None
    oxidation_limit_V: Potential | None = None


class StackEntry(Strict):
    """One stack of the file."""

    layers: Annotated[list[LayerEntry], Field(min_length=1, max_length=100)]
    name: Annotated[str, Field(max_length=200)] | None = None
    E_anode_V: Potential
    E_cathode_V: Potential
    temperature_K: Annotated[float, Field(ge=100.0, le=1500.0)] = 298.15
    current_density_A_cm2: Annotated[float, Field(ge=-10.0, le=10.0)] = 0.0
    interface_asr_ohm_cm2: list[Annotated[float, Field(ge=0.0, le=1e12)]] | None = None
    oxidation_limit_V: Potential | None = None
    reduction_limit_V: Potential | None = None
    conductivity_law: Any = None
    expected: Any = None

    @model_validator(mode="after")
    def _contacts(self) -> "StackEntry":
        resistances, layers = self.interface_asr_ohm_cm2, len(self.layers)
        if resistances is not None and len(resistances) not in (layers - 1, layers + 1):
            raise ValueError(
                f"interface_asr_ohm_cm2 has {len(resistances)} values; {layers} layers have "
                f"{layers - 1} inner interfaces, {layers + 1} with both electrode contacts"
            )
        return self

    @model_validator(mode="after")
    def _order(self) -> "StackEntry":
        order = ("anode_coating", "electrolyte", "cathode_coating")
        places = [order.index(layer.role) for layer in self.layers]
        if places != sorted(places):
            raise ValueError("layers run from the anode to the cathode: " + ", ".join(order))
        return self

    @property
    def contacts(self) -> tuple[float, ...] | None:
        """Resistance of every interface, both electrode contacts included; None where ideal."""
        resistances = self.interface_asr_ohm_cm2
        if resistances is None or not any(resistances):
            return None
        return (
            tuple(resistances) if len(resistances) > len(self.layers) else (0.0, *resistances, 0.0)
        )


Entry = TypeVar("Entry", bound=StackEntry)


def read_stacks(path: Path) -> list[StackEntry]:
    """The stacks of a file; SpecError lists what is wrong with stack, layer, key and unit."""
    return read_entries(path, StackEntry, {"layers": LayerEntry}, EXPECTED)


def one_stack(content: dict[str, Any], where: str) -> StackEntry:
    """The entry of one stack. where: what messages call it. Raises `SpecError`."""
    try:
        return StackEntry.model_validate(content)
    except ValidationError as error:
        errors: Any = [{**e, "loc": (0, *e["loc"])} for e in error.errors(include_url=False)]
        known: dict[str, type[BaseModel]] = {"": StackEntry, "layers": LayerEntry}
        problems = [
            problem.removeprefix("stack 0, ") for problem in problems_of(errors, known, EXPECTED)
        ]
        raise SpecError(where, problems) from None


def read_entries(
    path: Path, entry: type[Entry], parts: dict[str, type[BaseModel]], expected: dict[str, str]
) -> list[Entry]:
    """The entries of a file of one kind. Raises `SpecError` with every problem.

    parts: what lies under a key of an entry. expected: what a key holds, in words.
    """
    content = read_list(path)
    try:
        return TypeAdapter(list[entry]).validate_python(content)  # type: ignore[valid-type]
    except ValidationError as error:
        known: dict[str, type[BaseModel]] = {"": entry, **parts}
        errors = error.errors(include_url=False)
        problems = list(islice(problems_of(errors, known, expected), SHOWN))
        raise SpecError(str(path), problems, error.error_count() - len(problems)) from None


def read_list(path: Path) -> Any:
    """The JSON of a file, one object as a list of one; not yet validated. Raises `SpecError`."""
    content = _read_json(path)
    return [content] if isinstance(content, dict) else content


def _read_json(path: Path) -> Any:
    content = read_file(path, MAX_BYTES, "stacks in JSON")
    try:
        text = content.decode("utf-8-sig")
        return json.loads(text, parse_constant=_refuse, object_pairs_hook=_unique)
    except RecursionError:
        raise SpecError(str(path), ["nested too deeply to be a list of stacks"]) from None
    except ValueError as error:
        raise SpecError(str(path), [f"not JSON as expected: {one_line(error)}"]) from None


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not a number a stack can have")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = Counter(keys).most_common(1)[0][0]
        raise ValueError(f"key {shown(twice)} is given twice in one object")
    return content


def problems_of(
    errors: Sequence[ErrorDetails],
    known: Mapping[str, type[BaseModel]],
    expected: dict[str, str],
) -> Iterator[str]:
    """One line per error of validation; its location starts with the number of the stack."""
    for error in errors:
        part, place, key = _place(error["loc"], known)
        if error["type"] == "extra_forbidden":
            fields = known[part].model_fields
            yield f"{place}: unknown key {shown(key)}{closest(str(key), fields)}"
        elif error["type"] == "missing":
            yield f"{place}: {key} is missing; expected {_expected(key, expected)}"
        elif error["type"] == "value_error":
            within = f"{place}, {key}" if key in known else place
            yield f"{within}: {error['ctx']['error']}"
        else:
            yield f"{place}: {key} = {shown(error['input'])}; expected {_expected(key, expected)}"


def _place(
    location: tuple[int | str, ...], known: Mapping[str, type[BaseModel]]
) -> tuple[str, str, str]:
    """('layers', 'stack 3, layer 1', key) of an error; stacks and layers count from 0, as in the
    answers."""
    parts = list(location)
    place = f"stack {parts.pop(0)}" if parts else "file"
    part = str(parts[0]) if len(parts) >= 2 and parts[0] in known else ""
    if part == "layers":
        place, parts = f"{place}, layer {parts[1]}", parts[2:]
    elif part:
        place, parts = f"{place}, {part}", parts[1:]
    names = [name for name in parts if isinstance(name, str)]
    return part, place, names[0] if names else "entry"


def _expected(key: str, expected: dict[str, str]) -> str:
    if key.startswith(("E_", "table_E")) or key.endswith("limit_V"):
        return POTENTIAL_EXPECTED
    return expected.get(key, "an object with the keys of a stack or layer")
