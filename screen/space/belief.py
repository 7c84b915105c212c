"""A quantity with its uncertainty along the axes of a screen."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Belief(NamedTuple):
    """Mean and standard deviation of a quantity along some axes."""

    axes: tuple[str, ...]
    mean: Floats
    sd: Floats
