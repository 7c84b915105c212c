"""Histograms of the lines of a screen: a line is a coating in a scenario, with all thicknesses.

There is one of the smallest thickness that protects, and one of the margin with the thickest
coating of the screen. Counting stacks instead of lines would take longer than solving.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Bins:
    """Bins: below the first edge, from each edge to the next, from the last edge on, and unknown.

    zero: the name of a separate first bin for values of 0.
    """

    edges: tuple[float, ...]
    zero: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the bins, in order, `unknown` last."""
        finite = [edge for edge in self.edges if math.isfinite(edge)]
        inner = (f"{a:g} to {b:g}" for a, b in pairwise(finite))
        never = ["never"] * (len(self.edges) - len(finite))
        zero = [self.zero] if self.zero else []
        return (*zero, f"below {finite[0]:g}", *inner, f"from {finite[-1]:g}", *never, "unknown")

    def count(self, values: Floats) -> dict[str, int]:
        """Number of values in each bin."""
        bins = np.searchsorted(np.array(self.edges, values.dtype), values, side="right")
        if self.zero:
            bins = np.where(values == 0, 0, bins + 1)
        bins[np.isnan(values)] = len(self.names) - 1
        numbers = np.bincount(bins, minlength=len(self.names))
        return {name: int(n) for name, n in zip(self.names, numbers, strict=True)}


HISTOGRAMS = {
    "min_thickness_nm": Bins((1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, math.inf), "none"),
    "oxidation_margin_V": Bins((-2.0, -1.0, -0.5, -0.1, 0.0, 0.1, 0.5, 1.0)),
}


def histograms(smallest: Floats, margin: Floats, kept: Bools) -> dict[str, dict[str, int]]:
    """Counts of the lines kept by the gates, (lines, states) each.

    smallest: min_thickness_nm. margin: oxidation_margin_V of the thickest coating.
    """
    columns = dict(zip(HISTOGRAMS, (smallest, margin), strict=True))
    return {name: HISTOGRAMS[name].count(values[kept]) for name, values in columns.items()}


def leaders(coating: NDArray[np.integer[Any]], feasible: Bools, top: int = 5) -> dict[int, int]:
    """The coatings that are feasible in most scenarios, and the number of scenarios, descending.

    coating: number of the coating of each line, (lines,). feasible: (lines, states).
    """
    counts = np.bincount(coating, weights=feasible.any(axis=1)).astype(int)
    order = np.argsort(-counts, kind="stable")[:top]
    return {int(number): int(counts[number]) for number in order if counts[number]}
