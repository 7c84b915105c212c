"""A planar stack between two electrodes: what the solver is given.

x runs from the anode to the cathode. Inside the kernels lengths are cm, conductivities S/cm,
potentials V vs Li/Li+, currents A/cm2, resistances ohm cm2, temperatures K.
"""

import equinox as eqx
from jaxtyping import Float

from muli.kernels.constants import ROOM_TEMPERATURE
from muli.kernels.model import shown
from muli.kernels.model.laws import Law
from muli.kernels.model.numbers import Real


class Layer(eqx.Module):
    """One homogeneous mixed conductor. Conductivities are those at the stack's temperature."""

    thickness: Float[Real, ""]
    sigma_ion: Float[Real, ""]
    sigma_ele: Law

    @property
    def _cells(self) -> tuple[str, str, str]:
        """Thickness, sigma_ion and sigma_ele as text with units."""
        ions = shown.quantity(self.sigma_ion, "S/cm")
        return shown.thickness(self.thickness), ions, self.sigma_ele.text

    def __repr__(self) -> str:
        return "Layer({}, sigma_ion {}, sigma_ele {})".format(*self._cells)


class Stack(eqx.Module):
    """Layers from anode to cathode, the potentials that hold them, and the cell current.

    `interface_asr`: ionic resistance of each interface, the two electrode contacts included
    (layers + 1 values), or None where all contacts are ideal. `electrolyte` is the position of
    the solid electrolyte among the layers; those before it coat the anode, those after it the
    cathode. `current_density` is positive on discharge (Li+ runs anode to cathode).
    """

    layers: tuple[Layer, ...]
    E_anode: Float[Real, ""]
    E_cathode: Float[Real, ""]
    temperature: Float[Real, ""] = ROOM_TEMPERATURE
    current_density: Float[Real, ""] = 0.0
    interface_asr: tuple[Float[Real, ""], ...] | None = None
    electrolyte: int = eqx.field(static=True, default=0)

    @property
    def _title(self) -> str:
        """Ends, temperature, current and contacts as text with units."""
        ends = f"{shown.quantity(self.E_anode, 'V')} to {shown.quantity(self.E_cathode, 'V')}"
        parts = [ends, shown.quantity(self.temperature, "K")]
        if not isinstance(self.current_density, float) or self.current_density:
            parts.append(shown.quantity(self.current_density, "mA/cm2", 1e3))
        if self.interface_asr is not None:
            contacts = ", ".join(shown.quantity(contact, "") for contact in self.interface_asr)
            parts.append(f"contacts {contacts} ohm cm2")
        return "Stack " + ", ".join(parts)

    def __repr__(self) -> str:
        lines = [
            f"  {role}: {layer!r}" for role, layer in zip(self.roles, self.layers, strict=True)
        ]
        return "\n".join([f"{self._title}, from the anode:", *lines])

    def _repr_html_(self) -> str:
        rows = zip(self.roles, self.layers, strict=True)
        head = ("layer", "thickness", "sigma_ion", "sigma_ele")
        return shown.table(self._title, head, [(role, *layer._cells) for role, layer in rows])

    @property
    def roles(self) -> tuple[str, ...]:
        """What each layer is: anode coating, electrolyte or cathode coating."""
        after = len(self.layers) - self.electrolyte - 1
        before = ("anode coating",) * self.electrolyte
        return (*before, "electrolyte", *("cathode coating",) * after)
