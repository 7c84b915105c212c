"""Which coating protects a solid electrolyte, how thick must it be, and what does it cost.

    import muli

    muli.run("examples/first.toml", "results/first")   # a screen into a folder of Parquet
    muli.rank("results/first")                          # its ranking as a pandas.DataFrame
    muli.read("results/first")                          # all its rows
    muli.what_to_measure("results/first")               # which measurement would change the ranking
    muli.cell(electrolyte="Li6PS5Cl", um=40, coating="LiNbO3", nm=3.5, cathode="NMC811")
    stack = muli.Stack((electrolyte, coating), E_anode=0.0, E_cathode=4.3)
    muli.solve(stack).nodes                             # potentials, V vs Li/Li+

Names are loaded when first asked for, so that `import muli` costs next to nothing. `muli.kernels`
holds the physics, `muli.candidates` the materials, `muli.screen` joins the two.
"""

__version__ = "0.1.0"

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from muli.kernels import (
        Branches,
        Constant,
        Layer,
        Table,
        Window,
        max_sigma_ele,
        min_thickness,
        profile,
        solve,
    )
    from muli.screen import Stack, cell, design, plot, rank, read, run, what_to_measure

_KERNELS = (
    "Branches",
    "Constant",
    "Layer",
    "Table",
    "Window",
    "max_sigma_ele",
    "min_thickness",
    "profile",
    "solve",
)
_SCREEN = ("Stack", "cell", "design", "plot", "rank", "read", "run", "what_to_measure")
_HOMES = dict.fromkeys(_KERNELS, "muli.kernels") | dict.fromkeys(_SCREEN, "muli.screen")
_PACKAGES = ("candidates", "kernels", "screen")

__all__ = [
    "Branches",
    "Constant",
    "Layer",
    "Stack",
    "Table",
    "Window",
    "cell",
    "design",
    "max_sigma_ele",
    "min_thickness",
    "plot",
    "profile",
    "rank",
    "read",
    "run",
    "solve",
    "what_to_measure",
]


def __getattr__(name: str) -> Any:
    """A public function or class from where it lives, or one of the three packages."""
    if name in _PACKAGES:
        return import_module(f"muli.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'muli' has no attribute {name!r}; public: {__all__}")
    found = getattr(import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*__all__, *_PACKAGES])
