"""Materials: library, sources, schema, importers, thermodynamics.

Heavy parts are imported when first used; `import candidates` itself costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from candidates.catalogue import library_table, load, sources
    from candidates.check import validate
    from candidates.estimate import estimate_missing, estimates
    from candidates.names import UnknownMaterial, resolve
    from candidates.page import show
    from candidates.problems import Problem, TableError
    from candidates.ready_cells import Cell, cell, cells, targets
    from candidates.records import values

_HOME = {
    "Cell": "ready_cells",
    "Problem": "problems",
    "TableError": "problems",
    "UnknownMaterial": "names",
    "cell": "ready_cells",
    "cells": "ready_cells",
    "estimate_missing": "estimate",
    "estimates": "estimate",
    "library_table": "catalogue",
    "load": "catalogue",
    "resolve": "names",
    "show": "page",
    "sources": "catalogue",
    "targets": "ready_cells",
    "validate": "check",
    "values": "records",
}

__all__ = [
    "Cell",
    "Problem",
    "TableError",
    "UnknownMaterial",
    "cell",
    "cells",
    "estimate_missing",
    "estimates",
    "library_table",
    "load",
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
    found = getattr(import_module(f"candidates.{_HOME[name]}"), name)
    globals()[name] = found
    return found
