"""What a number of a stack may be: a Python float or an array, as the caller wants.

Solvers see arrays only (`muli.kernels.transport.conductor.as_floats`). For type checkers it
is `Any`, because arithmetic on the union of all array-likes has no type.
"""

from typing import TYPE_CHECKING, Any

from jax.typing import ArrayLike

if TYPE_CHECKING:
    Real = Any
else:
    Real = ArrayLike
