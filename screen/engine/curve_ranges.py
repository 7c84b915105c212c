"""Where potentials leave the range over which curves of sigma_ele are given, line by line.

Beyond its range a curve is continued by its end values, and the status of the stack says so. The
electrolyte lies between the anode's potential and E*, the coating between E* and the cathode's.
"""

from functools import reduce
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from muli.kernels import Layer, Status
from muli.screen.engine.stacks import Batch

Number = Float[Array, "lines states blocks 1"]
Flag = Bool[Array, "lines states blocks 1"]


class CurveRange(NamedTuple):
    """The range of one layer's curve between the electrodes of its lines.

    Attributes:
        edge: the end of the range (V) that E* passes.
        outside: whether the electrode at the layer's other face lies outside the range.
        never: whether both electrodes lie inside.
    """

    edge: Number
    outside: Flag
    never: Flag

    def entered(self, crossing: Number) -> Number:
        """Thickness of the coating from which the electrolyte is inside its range.

        crossing: thickness at which E* is at the edge.
        """
        return jnp.where(self.outside, jnp.inf, jnp.where(self.never, 0.0, crossing))

    def left(self, crossing: Number) -> Number:
        """Thickness of the coating up to which it is inside its own range."""
        return jnp.where(self.outside, 0.0, jnp.where(self.never, jnp.inf, crossing))


def ranges_of_curves(batch: Batch, falls: Flag) -> tuple[CurveRange | None, CurveRange | None]:
    """Those of the electrolyte and of the coating; None where the law is no curve.

    falls: whether E* falls with the thickness of the coating.
    """
    ends = E_a, E_c = batch.stack.E_anode, batch.stack.E_cathode
    lowest, highest = jnp.minimum(*ends), jnp.maximum(*ends)

    def of(layer: Layer, own: Any, upper: Any) -> CurveRange | None:
        corners = layer.sigma_ele.corners
        if corners is None:
            return None
        low, high = corners[..., 0], corners[..., -1]
        edge = jnp.where(upper, high, low)
        return CurveRange(edge, (own < low) | (own > high), (lowest >= low) & (highest <= high))

    electrolyte, coating = batch.stack.layers
    return of(electrolyte, E_a, falls), of(coating, E_c, ~falls)


def status_inside(batch: Batch) -> Any:
    """Status of stacks whose conductivities are known and whose potentials are inside all ranges
    and placed well."""
    windows = batch.limits.electrolyte, *batch.limits.coatings
    unknown = reduce(
        jnp.logical_or, [jnp.isnan(window.reduction + window.oxidation) for window in windows]
    )
    status = jnp.where(unknown, Status.MISSING_PROPERTY, Status.OK)
    nothing_protects = batch.limits.electrolyte.oxidation <= batch.stack.E_anode
    return jnp.where(nothing_protects, Status.UNPROTECTABLE, status).astype(jnp.int32)
