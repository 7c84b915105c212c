"""Materials: library, sources, schema, importers, thermodynamics.

Slow modules are imported when first used, so that `import muli.candidates` itself is fast.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from muli.candidates.catalogue import library_table, load, sources
    from muli.candidates.names import UnknownMaterial, resolve
    from muli.candidates.page import show
    from muli.candidates.ready_cells import Cell, cell, cells, targets
    from muli.candidates.records import values
    from muli.candidates.users.check import validate
    from muli.candidates.users.curve import Curve, read_curve
    from muli.candidates.users.problems import Problem, TableError

_HOME = {
    "Cell": "ready_cells",
    "Curve": "users.curve",
    "Problem": "users.problems",
    "TableError": "users.problems",
    "UnknownMaterial": "names",
    "cell": "ready_cells",
    "cells": "ready_cells",
    "library_table": "catalogue",
    "load": "catalogue",
    "read_curve": "users.curve",
    "resolve": "names",
    "show": "page",
    "sources": "catalogue",
    "targets": "ready_cells",
    "validate": "users.check",
    "values": "records",
}

__all__ = [
    "Cell",
    "Curve",
    "Problem",
    "TableError",
    "UnknownMaterial",
    "cell",
    "cells",
    "library_table",
    "load",
    "read_curve",
    "resolve",
    "show",
    "sources",
    "targets",
    "validate",
    "values",
]


def __getattr__(name: str) -> Any:
    """The public function or class `name`, from the module that holds it."""
    if name not in _HOME:
        raise AttributeError(f"module 'candidates' has no attribute {name!r}")
    member = getattr(import_module(f"muli.candidates.{_HOME[name]}"), name)
    globals()[name] = member
    return member


def __dir__() -> list[str]:
    return sorted(__all__)
