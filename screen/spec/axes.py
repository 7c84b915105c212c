"""The forms an axis may take: numbers (a list or a range) and materials (names or a selection)."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from muli.screen.spec.names import closest, few, shown
from muli.screen.spec.quantities import Quantity, finite

MAX_POINTS = 2**24
"""Longest range of numbers; its values are laid out in memory."""


@dataclass(frozen=True)
class Numbers:
    """An axis of numbers, lazy: a list as it stands, or a range that is laid out on demand."""

    listed: tuple[float, ...] = ()
    start: float = 0.0
    stop: float = 0.0
    num: int = 0
    spacing: Literal["linear", "log"] = "linear"

    def __len__(self) -> int:
        return self.num or len(self.listed)

    @property
    def only_zero(self) -> bool:
        """Whether every point is zero."""
        return not any(self.listed) and not (self.num and (self.start or self.stop))

    def values(self) -> NDArray[np.float64]:
        """All points in float64, in the order given."""
        if not self.num:
            return np.asarray(self.listed, dtype=np.float64)
        space = np.geomspace if self.spacing == "log" else np.linspace
        return space(self.start, self.stop, self.num, dtype=np.float64)


@dataclass(frozen=True)
class LayerNumbers:
    """Axes of numbers, one for each layer of a coating, first that of the layer at the electrolyte.

    Together they are one axis: all combinations, by rising sum.
    """

    layers: tuple[Numbers, ...]

    def __len__(self) -> int:
        return math.prod(len(layer) for layer in self.layers)

    def values(self) -> NDArray[np.float64]:
        """The sum of every combination."""
        return self.by_layer().sum(axis=1)

    def by_layer(self) -> NDArray[np.float64]:
        """(combinations, layers)."""
        grids = np.meshgrid(*(layer.values() for layer in self.layers), indexing="ij")
        rows = np.stack([grid.ravel() for grid in grids], axis=1)
        return rows[np.argsort(rows.sum(axis=1), kind="stable")]


@dataclass(frozen=True)
class Selection:
    """An axis of materials: names, `"*"` (all of the role), a file, or a table with a condition.

    `names` holds one tuple per coating stack, layers from the electrolyte to the cathode; a
    single layer is a tuple of one.
    """

    names: tuple[tuple[str, ...], ...] = ()
    everything: bool = False
    file: str | None = None
    table: str | None = None
    where: str | None = None

    @property
    def layers(self) -> int:
        """Largest number of layers in one stack."""
        return max((len(stack) for stack in self.names), default=1)


def numbers(quantity: Quantity) -> Callable[[Any], Numbers]:
    """A parser of an axis of numbers that reports every value out of `quantity`'s range."""

    def parse(raw: Any) -> Numbers:
        if isinstance(raw, dict):
            return _range(raw, quantity)
        listed = raw if isinstance(raw, list) else [raw]
        if not listed:
            raise ValueError("an empty list: an axis needs at least one value")
        problems = [p for v in listed if (p := _number_problem(v, quantity))]
        if problems:
            raise ValueError(few(problems, "; "))
        values = tuple(float(v) for v in listed)
        if repeated := [f"{v:g}" for v, count in Counter(values).items() if count > 1]:
            raise ValueError(f"{few(repeated, ', ')} is named twice")
        return Numbers(listed=values)

    return parse


def layer_numbers(quantity: Quantity) -> Callable[[Any], Numbers | LayerNumbers]:
    """A parser of an axis of numbers, or of a list of such axes, one for each layer."""
    parse = numbers(quantity)

    def parse_layers(raw: Any) -> Numbers | LayerNumbers:
        if not (isinstance(raw, list) and any(isinstance(item, list | dict) for item in raw)):
            return parse(raw)
        axes = LayerNumbers(tuple(parse(axis) for axis in raw))
        if len(axes) > MAX_POINTS:
            raise ValueError(f"{len(axes):,} combinations: {MAX_POINTS:,} at most")
        return axes

    return parse_layers


def _number_problem(value: Any, quantity: Quantity) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"{shown(value)}: not a number, expected {quantity.unit}"
    number = finite(value)
    if number is None:
        return f"{shown(value)}: not finite or too large, expected {quantity.unit}"
    return quantity.problem(number)


_RANGE_KEYS = ("start", "stop", "num", "spacing")


def _range(raw: dict[str, Any], quantity: Quantity) -> Numbers:
    unknown = [k for k in raw if k not in _RANGE_KEYS]
    problems = [f"unknown key {shown(k)}{closest(k, _RANGE_KEYS)}" for k in unknown[:3]]
    problems += [f"{k} is missing" for k in ("start", "stop", "num") if k not in raw]
    for end in ("start", "stop"):
        if end in raw and (problem := _number_problem(raw[end], quantity)):
            problems.append(f"{end} {problem}")
    num, spacing = raw.get("num", 1), raw.get("spacing", "linear")
    if isinstance(num, bool) or not isinstance(num, int) or num < 1:
        problems.append(f"num {shown(num)}: expected a whole number of points, 1 or more")
    elif num > MAX_POINTS:
        problems.append(f"num {shown(num)}: an axis has {MAX_POINTS:,} points at most")
    if spacing not in ("linear", "log"):
        problems.append(f'spacing {shown(spacing)}: expected "linear" or "log"')
    if not problems and spacing == "log" and min(raw["start"], raw["stop"]) <= 0:
        problems.append("a log range needs start and stop above zero")
    if not problems and num > 1 and raw["start"] == raw["stop"]:
        problems.append(f"start and stop are equal, but num is {num}")
    if problems:
        raise ValueError("; ".join(problems))
    return Numbers(start=float(raw["start"]), stop=float(raw["stop"]), num=num, spacing=spacing)


_SELECTION_KEYS = ("file", "table", "where")


def selection(raw: Any) -> Selection:
    """Parse an axis of materials; see `Selection`."""
    if isinstance(raw, str) and raw == "*":
        return Selection(everything=True)
    if isinstance(raw, dict):
        return _query(raw)
    listed = raw if isinstance(raw, list) else [raw]
    if not listed:
        raise ValueError("an empty list: an axis needs at least one name")
    if [] in listed:
        raise ValueError("an empty list of layers: a coating has at least one")
    stacks = tuple(tuple(entry) if isinstance(entry, list) else (entry,) for entry in listed)
    bad = [n for stack in stacks for n in stack if not isinstance(n, str) or not n.strip()]
    if bad:
        raise ValueError(few([f"{shown(n)}: expected a material's name" for n in bad], "; "))
    if repeated := ["|".join(stack) for stack, count in Counter(stacks).items() if count > 1]:
        raise ValueError(f"{few(repeated, ', ')} is named twice")
    return Selection(names=stacks)


def _query(raw: dict[str, Any]) -> Selection:
    unknown = [k for k in raw if k not in _SELECTION_KEYS]
    problems = [f"unknown key {shown(k)}{closest(k, _SELECTION_KEYS)}" for k in unknown[:3]]
    problems += [
        f"{k} {shown(v)}: expected text"
        for k, v in raw.items()
        if k in _SELECTION_KEYS and not isinstance(v, str)
    ]
    if "file" in raw and "table" in raw:
        problems.append("give file or table, not both")
    if not raw:
        problems.append("expected file, table or where")
    if problems:
        raise ValueError("; ".join(problems))
    return Selection(file=raw.get("file"), table=raw.get("table"), where=raw.get("where"))
