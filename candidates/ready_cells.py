"""Ready cells to start from: specs in the language of `muli run`, every value with its source.

A cell is a spec file under `library/cells`; `library/cell_sources.csv` says of each of its values
whether it is the library's, from a paper, or assumed. Targets are objectives to design one for.
"""

import tomllib
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from muli.candidates.names import UnknownName
from muli.candidates.tables import LIBRARY, table

CELLS = LIBRARY / "cells"


@dataclass(frozen=True)
class Cell:
    """A ready cell: `spec` as `muli run` and `muli design` take it, and the file that holds it."""

    name: str
    title: str
    note: str
    path: Path
    spec: dict[str, Any]

    @property
    def sources(self) -> pd.DataFrame:
        """Of every value: key, method (library, literature, assumed), source id, note."""
        rows = table("cell_sources")
        return rows[rows["cell"] == self.name].drop(columns="cell").reset_index(drop=True)


def cells() -> list[Cell]:
    """All ready cells, in the order of the list."""
    return [
        Cell(row["name"], row["title"], row["note"], path, tomllib.loads(path.read_text("utf-8")))
        for row in table("cells").to_dict("records")
        for path in [CELLS / f"{row['name']}.toml"]
    ]


def cell(name: str, target: str | None = None) -> dict[str, Any]:
    """The spec of a ready cell, a fresh copy; with a target, designed for it.

    Raises KeyError with the closest names for an unknown cell or target (see `targets`).
    """
    known = {ready.name: ready for ready in cells()}
    if name not in known:
        raise UnknownName("cell", name, known)
    spec = deepcopy(known[name].spec)
    if target is None:
        return spec
    if target not in targets():
        raise UnknownName("target", target, targets())
    for section, keys in targets()[target].items():
        spec[section] = spec.get(section, {}) | keys
    return spec


@cache
def targets() -> dict[str, dict[str, Any]]:
    """Objective presets by name: high_durability, high_power, high_energy."""
    return tomllib.loads((LIBRARY / "targets.toml").read_text("utf-8"))
