"""Rows of the speed table: a registry, one way of timing, one way of printing.

A row function takes a `Scale` and returns a `Row`; `@row("name")` registers it. Times are the best
of several runs of a compiled function, compilation apart; every row carries the largest error of
its answers against an independent or a more careful solution.
"""

import json
import platform
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

import jax

REPEATS = 5


@dataclass(frozen=True)
class Scale:
    """How much work a row does: `stacks` for compiled rows, `loop` for slow peers."""

    stacks: int
    loop: int


@dataclass(frozen=True)
class Row:
    """One line: value in unit, reference it is compared with, ratio of both, error in V."""

    name: str
    value: float
    unit: str
    reference: str
    ratio: float | None
    max_error_V: float | None
    before: float | None = None
    """`value` of another copy of the project in the same run, where one was asked for."""


FULL = Scale(stacks=1 << 22, loop=200)
QUICK = Scale(stacks=1 << 18, loop=20)
ROWS: dict[str, Callable[[Scale], Row]] = {}


def row(name: str) -> Callable[[Callable[[Scale], Row]], Callable[[Scale], Row]]:
    """Register a function as the row of that name."""

    def register(function: Callable[[Scale], Row]) -> Callable[[Scale], Row]:
        ROWS[name] = function
        return function

    return register


def best_time(function: Callable[..., Any], *arguments: Any, repeats: int = REPEATS) -> float:
    """Seconds of the quickest of several calls, after one that compiles."""
    jax.block_until_ready(function(*arguments))
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        jax.block_until_ready(function(*arguments))
        times.append(time.perf_counter() - start)
    return min(times)


def machine() -> dict[str, str]:
    """What the numbers belong to."""
    devices = ", ".join(str(device) for device in jax.devices())
    return {"jax": jax.__version__, "devices": devices, "processor": platform.processor()}


def print_rows(rows: Iterable[Row], *, as_json: bool) -> None:
    """To stdout: a list of objects, or an aligned table, line by line as rows are done."""
    if as_json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
        return
    print(f"{'name':28}{'value':>14} {'unit':22}{'ratio':>12} {'max error V':>12}  reference")
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.4g}"
        error = "" if row.max_error_V is None else f"{row.max_error_V:.1e}"
        line = f"{row.name:28}{row.value:14.5g} {row.unit:22}{ratio:>12} {error:>12}"
        print(f"{line}  {row.reference}", flush=True)
