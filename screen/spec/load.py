"""Read a spec from TOML and say everything that is wrong with it in one message."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from muli.screen.errors import SHOWN, SpecError
from muli.screen.inputs import read_file
from muli.screen.spec.model import (
    Ageing,
    Axes,
    Design,
    Filter,
    Library,
    Output,
    Ranking,
    Screen,
    Section,
    Spec,
    Uncertainty,
    electrode_problems,
)
from muli.screen.spec.names import closest, expected, one_line, shown
from muli.screen.spec.quantities import quantity, unknown_axis

MAX_BYTES = 4 * 2**20
MAX_DOTS = 16
_LONG_KEY = re.compile(r"""(?<![\w.-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){16}""")
"""A dotted key of so many parts takes the parser a time that grows with their square."""
_SECTIONS: dict[str, type[Section]] = {
    "library": Library,
    "screen": Screen,
    "axes": Axes,
    "uncertainty": Uncertainty,
    "design": Design,
    "ranking": Ranking,
    "ageing": Ageing,
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


def read(path: Path, what: str = "a spec in TOML") -> dict[str, Any]:
    """The TOML of a file, not yet validated; raises `SpecError`. what: it should hold."""
    content = read_file(path, MAX_BYTES, what)
    try:
        text = content.decode("utf-8-sig")
        if long := _LONG_KEY.search(text):
            line = text.count("\n", 0, long.start()) + 1
            raise ValueError(f"a key of more than {MAX_DOTS} parts (at line {line})")
        return tomllib.loads(text)
    except RecursionError:
        raise SpecError(str(path), ["not valid TOML: nested too deeply"]) from None
    except ValueError as error:  # also numbers of thousands of digits
        raise SpecError(str(path), [f"not valid TOML: {one_line(error)}"]) from None


def parse(table: dict[str, Any], name: str = "spec") -> Spec:
    """Validate a spec already read into a dictionary; raises `SpecError`."""
    if not table:
        raise SpecError(name, ["empty: a spec needs at least [axes] with a coating and a cathode"])
    try:
        return Spec.model_validate(table)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        problems = [_line(entry) for entry in errors[:SHOWN]]
        axes = table.get("axes")
        if isinstance(axes, dict):
            problems += [f"axes: {p}" for p in electrode_problems(set(axes))]
        raise SpecError(name, list(dict.fromkeys(problems)), len(errors[SHOWN:])) from None


def _line(error: ErrorDetails) -> str:
    """One problem: key path, value, what was expected, closest names."""
    location = [part for part in error["loc"] if part not in _INTERNAL]
    path = ".".join(_key(part) for part in location)
    kind, value = error["type"], error["input"]
    if kind == "extra_forbidden":
        return f"{path}: {_unquoted(location, value) or _unknown_key(location)}"
    if kind == "missing":
        return f"{path}: missing"
    if kind == "value_error":
        message = error["msg"].removeprefix("Value error, ")
        return f"{path}: {message}" if path else message
    return f"{path} = {shown(value)}: {expected(error)}"


def _key(part: int | str) -> str:
    """One part of a key path, quoted as TOML asks, cut where it is long."""
    text = str(part).replace("\n", "\\n")
    text = text if len(text) <= 60 else f"{text[:60]}... ({len(text):,} characters)"
    return f'"{text}"' if "." in text else text


def _unquoted(location: list[int | str], value: object) -> str:
    """What to write where the quotes of an axis with a dot are missing; else nothing."""
    if len(location) == 2 and location[0] in ("axes", "uncertainty") and isinstance(value, dict):
        key = f"{location[1]}.{next(iter(value), '')}"
        if quantity(key):
            return f'a key with a dot stands in quotes: "{key}"'
    return ""


def _unknown_key(location: list[int | str]) -> str:
    key = str(location[-1])
    if len(location) == 1:
        return f"unknown section{closest(key, _SECTIONS)}"
    if location[0] == "axes":
        return unknown_axis(key)
    section = _SECTIONS.get(str(location[0]))
    return f"unknown key{closest(key, section.model_fields if section else ())}"
