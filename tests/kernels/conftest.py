"""Reference stacks as the solver's own objects; batches of one structure compiled once."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from kernels import Branches, Constant, Layer, Stack

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


def quick_jit(function):
    """Compiled without the compiler's slower passes: for programs that run a few times."""
    options = {"xla_backend_optimization_level": 0, "xla_cpu_use_fusion_emitters": False}
    return jax.jit(function, compiler_options=options)


@pytest.fixture(scope="session")
def tools():
    """The functions above, for test modules (which cannot import each other)."""
    return {"read": read, "stack_of": stack_of, "batch_of": batch_of, "quick_jit": quick_jit}
