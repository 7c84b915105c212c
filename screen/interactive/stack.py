"""Stacks from names and stacks as pictures.

stack = Stack.from_materials("Li6PS5Cl", 40, "LiNbO3", 3.5, cathode="NMC811", sigma_ele=5e-12)
muli.solve(stack).nodes
plot(stack)
"""

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from muli import kernels
from muli.kernels import Layer
from muli.screen.solving.batches import law_of, points_of
from muli.screen.solving.stack_file import StackEntry, one_stack

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Stack(kernels.Stack):
    """A stack of `muli.kernels` that can also be made from the names of materials."""

    @classmethod
    def from_materials(
        cls,
        electrolyte: str,
        um: float,
        coating: str | None = None,
        nm: float | None = None,
        *,
        cathode: str | float,
        **more: Any,
    ) -> "Stack":
        """The stack of a cell of the library, its conductivities at the cell's temperature.

        Args:
            electrolyte: its name.
            um: its thickness, um.
            coating: its name; none: the electrolyte touches the cathode.
            nm: its thickness, nm.
            cathode: a name or a potential, V vs Li/Li+.
            more: as for `muli.cell`: anode, celsius, sigma_ele, sigma_ion, state, boundary, ...

        The anode end is the potential at the electrolyte's anode side, which an interphase may
        hold above the anode's (boundary "auto"). Raises `SpecError`: unknown names (with the
        closest), values out of range, conductivities that are neither known nor given.
        """
        from muli.screen.interactive.cell import named_cell

        return stack_of(
            named_cell(
                electrolyte=electrolyte, um=um, coating=coating, nm=nm, cathode=cathode, **more
            )
        )


def stack_of(entry: StackEntry) -> Stack:
    """The stack of an entry with its numbers as floats."""
    layers = tuple(
        Layer(layer.thickness_cm, layer.sigma_ion_S_cm, law_of(layer, points_of(layer)))
        for layer in entry.layers
    )
    roles = [layer.role for layer in entry.layers]
    return Stack(
        layers,
        entry.E_anode_V,
        entry.E_cathode_V,
        entry.temperature_K,
        entry.current_density_A_cm2,
        entry.contacts,
        roles.index("electrolyte") if "electrolyte" in roles else 0,
    )


def plot(stack: kernels.Stack, out: str | Path | None = None) -> "Figure":
    """The lithium potential through every layer of a stack; written to `out` (.svg, .png, .pdf).

    Raises `SpecError` where a number of the stack is out of its range.
    """
    from muli.screen.pictures.profile import picture
    from muli.screen.solving.batches import solve_stacks

    entry = entry_of(stack)
    with jax.enable_x64(True):
        solved = solve_stacks([entry])[0]
    return picture(entry, solved, None if out is None else Path(out))


def entry_of(stack: kernels.Stack) -> StackEntry:
    """A stack of numbers as an entry of a file of stacks. Raises `SpecError`."""
    contacts = stack.interface_asr
    content = {
        "layers": [
            {
                "role": role.replace(" ", "_"),
                "thickness_cm": float(layer.thickness),
                "sigma_ion_S_cm": float(layer.sigma_ion),
                **_law(layer.sigma_ele),
            }
            for role, layer in zip(stack.roles, stack.layers, strict=True)
        ],
        "E_anode_V": float(stack.E_anode),
        "E_cathode_V": float(stack.E_cathode),
        "temperature_K": float(stack.temperature),
        "current_density_A_cm2": float(stack.current_density),
        "interface_asr_ohm_cm2": None if contacts is None else [float(R) for R in contacts],
    }
    return one_stack(content, "stack")


def _law(law: kernels.Law) -> dict[str, Any]:
    """sigma_ele under the names of an entry."""
    if law.is_table:
        table = law.as_table()
        numbers = {"E_V": table.E, "log10_sigma_ele_S_cm": table.log10_sigma}
        return {
            f"table_{name}": np.asarray(values, float).tolist() for name, values in numbers.items()
        }
    with jax.enable_x64(True):
        branches = law.as_branches(jax.numpy.zeros((), float))
    units = {"sigma": "_S_cm", "E": "_V", "z": ""}
    return {
        f"{field.name}{units[field.name.partition('_')[0]]}": float(getattr(branches, field.name))
        for field in fields(branches)
    }
