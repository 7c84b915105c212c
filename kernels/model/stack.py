"""A planar stack between two electrodes: what the solver is given.

x runs from the anode to the cathode. Inside the kernels lengths are cm, conductivities S/cm,
potentials V vs Li/Li+, currents A/cm2, resistances ohm cm2, temperatures K.
"""

import equinox as eqx
from jaxtyping import Float

from muli.kernels.constants import ROOM_TEMPERATURE
from muli.kernels.model.laws import Law
from muli.kernels.model.numbers import Real


class Layer(eqx.Module):
    """One homogeneous mixed conductor. Conductivities are those at the stack's temperature."""

    thickness: Float[Real, ""]
    sigma_ion: Float[Real, ""]
    sigma_ele: Law


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
