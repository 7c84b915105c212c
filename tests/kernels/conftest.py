"""Reference stacks as the solver's own objects; batches of one structure compiled once."""

import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from muli.kernels import Branches, Constant, Layer, Stack, solve
from tests.quick import quick_jit

FOLDER = Path(__file__).parent.parent / "reference"


def read(name):
    """All entries of one reference file."""
    return json.loads((FOLDER / f"{name}.json").read_text())


def law_of(layer, *, constant):
    if constant:
        return Constant(layer["sigma_0_S_cm"])
    names = ("sigma_0_S_cm", "sigma_n_S_cm", "E_n_V", "sigma_p_S_cm", "E_p_V", "z_n", "z_p")
    return Branches(*(layer[name] for name in names))


def stack_of(entry, *, constant=False, **changes):
    """One entry as a Stack of plain numbers; every layer constant, or every layer branches."""
    layers = tuple(
        Layer(row["thickness_cm"], row["sigma_ion_S_cm"], law_of(row, constant=constant))
        for row in entry["layers"]
    )
    index = [row["role"] for row in entry["layers"]].index("electrolyte")
    numbers = {
        "E_anode": entry["E_anode_V"],
        "E_cathode": entry["E_cathode_V"],
        "temperature": entry["temperature_K"],
        "current_density": entry["current_density_A_cm2"],
    }
    return Stack(layers, electrolyte=index, **(numbers | changes))


def batch_of(stacks):
    """Stacks of one structure, every number an array along a leading axis."""
    return jax.tree.map(lambda *leaves: jnp.asarray(leaves), *stacks)


@lru_cache
def _two_layers():
    return quick_jit(jax.vmap(solve))


def solve_two_layers(stacks):
    """Up to 16 stacks of two branch layers, under any current: one program for all tests.

    Ideal contacts stand as resistances of 0.
    """
    ideal = (0.0, 0.0, 0.0)
    stacks = [replace(k, interface_asr=k.interface_asr or ideal) for k in stacks]
    padded = [*stacks, *[stacks[-1]] * (16 - len(stacks))]
    found = _two_layers()(batch_of(padded))
    return jax.tree.map(lambda leaf: leaf[: len(stacks)], found)


@pytest.fixture(scope="session")
def tools():
    """The functions above, for test modules (which cannot import each other)."""
    functions = (read, stack_of, batch_of, quick_jit, solve_two_layers)
    return {function.__name__: function for function in functions}
