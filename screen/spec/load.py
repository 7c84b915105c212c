"""Read a spec from TOML and say everything that is wrong with it in one message."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from muli.screen.errors import SpecError
from muli.screen.spec.model import (
    Axes,
    Design,
    Filter,
    Library,
    Output,
    Screen,
    Section,
    Spec,
    Uncertainty,
    electrode_problems,
)
from muli.screen.spec.names import closest, shown
from muli.screen.spec.quantities import unknown_axis

MAX_BYTES = 16 * 2**20
_SECTIONS: dict[str, type[Section]] = {
    "library": Library,
    "screen": Screen,
    "axes": Axes,
    "uncertainty": Uncertainty,
    "design": Design,
    "output": Output,
    "filters": Filter,
}
_INTERNAL = {"others", "distributions"}


@dataclass(frozen=True)
class Source:
    """A spec, the name its messages carry, and the folder its relative paths start from."""

    spec: Spec
    name: str
    folder: Path


def load(path: str | Path) -> Source:
    """Read and validate a spec file; raises `SpecError` listing every problem."""
    path = Path(path)
    return Source(parse(read(path), str(path)), str(path), path.parent)


def read(path: Path) -> dict[str, Any]:
    """The TOML of a spec file, not yet validated; raises `SpecError`."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SpecError(str(path), [f"cannot be read: {error.strerror}"]) from None
    if len(raw) > MAX_BYTES:
        raise SpecError(str(path), [f"{len(raw)} bytes: a spec is at most {MAX_BYTES}"])
    try:
        return tomllib.loads(raw.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise SpecError(str(path), [f"not valid TOML: {error}"]) from None


def parse(table: dict[str, Any], name: str = "spec") -> Spec:
    """Validate a spec already read into a dictionary; raises `SpecError`."""
    if not table:
        raise SpecError(name, ["empty: a spec needs at least [axes] with a coating and a cathode"])
    try:
        return Spec.model_validate(table)
    except ValidationError as error:
        problems = [_line(each) for each in error.errors(include_url=False)]
        axes = table.get("axes")
        if isinstance(axes, dict):
            problems += [f"axes: {p}" for p in electrode_problems(set(axes))]
        raise SpecError(name, list(dict.fromkeys(problems))) from None


def _line(error: ErrorDetails) -> str:
    """One problem: key path, value, what was expected, closest names."""
    location = [part for part in error["loc"] if part not in _INTERNAL]
    path = ".".join(f'"{p}"' if "." in str(p) else str(p) for p in location)
    kind, value = error["type"], error["input"]
    if kind == "extra_forbidden":
        return f"{path}: {_unknown_key(location)}"
    if kind == "missing":
        return f"{path}: missing"
    message = error["msg"].removeprefix("Value error, ")
    if kind == "value_error":
        return f"{path}: {message}" if path else message
    return f"{path} = {shown(value)}: {message[0].lower()}{message[1:]}"


def _unknown_key(location: list[int | str]) -> str:
    key = str(location[-1])
    if len(location) == 1:
        return f"unknown section{closest(key, _SECTIONS)}"
    if location[0] == "axes":
        return unknown_axis(key)
    section = _SECTIONS.get(str(location[0]))
    return f"unknown key{closest(key, section.model_fields if section else ())}"
