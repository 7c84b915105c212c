"""Curves of sigma_ele over the potential, in the tables of materials of a screen.

A table of materials names a curve file in `sigma_ele_curve`. With `law = "table"` its points are
read into a column of the materials, `POINTS`, so that a run's folder holds them too.

    frame = with_points(frame)
    curve_at(frame.iloc[0])             # a Curve, or None
    grids(frame).E                      # (materials, points), one length for all
"""

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from muli.candidates import read_curve
from muli.candidates.users.curve import Curve
from muli.candidates.users.problems import TableError

Floats = NDArray[np.float64]

FILE = "sigma_ele_curve"
POINTS = "sigma_ele_curve_points"
"""Column with the points [E (V), log10 sigma_ele (S/cm), sd (decades)] as JSON; None without."""
ROLES = ("coating", "electrolyte", "anode_coating")
"""Roles of which curves are read."""
MOST_POINTS = 1000
"""Most points of a curve in a screen."""
STEP = 8
"""A single curve is filled up to 8, 64, 512 ... points."""
EVERYWHERE_V = 100.0
"""Ends of the grid of a material without a curve: beyond every potential."""
_FINE = 200
"""Points between two knots at which a curve is averaged."""


class Grids(NamedTuple):
    """Curves of all materials in one shape.

    E: (materials, points) V, rising. log10_sigma: the same shape, NaN for what has no curve.
    known: (materials,) whether there is a curve.
    """

    E: Floats
    log10_sigma: Floats
    known: NDArray[np.bool_]


def with_points(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Path], list[str]]:
    """A table of materials with the points of its curves, the files read, and what is wrong."""
    texts: list[str | None] = []
    files: list[Path] = []
    problems: list[str] = []
    named = frame[FILE] if FILE in frame else [None] * len(frame)
    for material, path in zip(frame["name"], named, strict=True):
        if not isinstance(path, str):
            texts.append(None)
            continue
        files.append(Path(path))
        try:
            curve = read_curve(path)
        except TableError as error:
            problems.append(f"{material}: {str(error).splitlines()[0]}")
            continue
        if len(curve.E_V) > MOST_POINTS:
            problems.append(
                f"{material}: {path}: {len(curve.E_V)} points; a screen takes {MOST_POINTS}: "
                "thin them out"
            )
        texts.append(packed(curve))
    if problems:
        return frame, files, problems
    return frame.assign(**{POINTS: pd.Series(texts, frame.index, dtype=object)}), files, []


def without_folders(frame: pd.DataFrame) -> pd.DataFrame:
    """The same table with curve files without folders: a run does not depend on their folder."""
    if FILE not in frame:
        return frame
    names = [Path(path).name if isinstance(path, str) else None for path in frame[FILE]]
    return frame.assign(**{FILE: pd.Series(names, frame.index, dtype=object)})


def packed(curve: Curve) -> str:
    """A curve as text."""
    points = zip(curve.E_V, curve.log10_sigma_ele, curve.sd, strict=True)
    return json.dumps([list(point) for point in points])


def curve_at(row: Mapping[Any, Any]) -> Curve | None:
    """The curve of a material with `POINTS`; None where it has none."""
    text = row.get(POINTS)
    if not isinstance(text, str):
        return None
    E, logs, sd = zip(*json.loads(text), strict=True)
    return Curve(E, logs, sd)


def has_curve(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Which materials have the points of a curve."""
    if POINTS not in frame:
        return np.zeros(len(frame), bool)
    return np.array([isinstance(text, str) for text in frame[POINTS]], bool)


def filled_size(count: int) -> int:
    """Points up to which a curve of `count` is filled: few sizes, so that few programs are made."""
    size = STEP
    while size < count:
        size *= STEP
    return size


def filled_up(E: Floats, logs: Floats, points: int) -> tuple[Floats, Floats]:
    """The same curve with more points: its widest piece divided into as many as are missing."""
    widest = int(np.argmax(np.diff(E)))
    between = np.linspace(E[widest], E[widest + 1], points - E.size + 2)[1:-1]
    grid = np.insert(E, widest + 1, between)
    return grid, np.interp(grid, E, logs)


def grids(frame: pd.DataFrame, points: int = 2) -> Grids:
    """The curves of a table of materials, each with as many points as the longest.

    points: at least so many.
    """
    curves = [curve_at(row) for row in frame.to_dict("records")]
    longest = max([points, *(len(curve.E_V) for curve in curves if curve)])
    E = np.tile(np.linspace(-EVERYWHERE_V, EVERYWHERE_V, longest), (len(curves), 1))
    logs = np.full_like(E, np.nan)
    for place, curve in enumerate(curves):
        if curve is not None:
            grid = np.asarray(curve.E_V), np.asarray(curve.log10_sigma_ele)
            E[place], logs[place] = filled_up(*grid, longest)
    return Grids(E, logs, np.array([curve is not None for curve in curves], bool))


def longest(frames: Sequence[pd.DataFrame]) -> int:
    """Points of the longest curve of several tables, 2 where there is none."""
    rows = [row for frame in frames if POINTS in frame for row in frame.to_dict("records")]
    return max([2, *(len(curve.E_V) for row in rows if (curve := curve_at(row)))])


def means_between(frame: pd.DataFrame, low: Floats, high: Floats) -> Floats:
    """Means of the curves of a table of materials between two potentials each (V), S/cm.

    low, high: (materials,). NaN where there is no curve, or a potential is unknown.
    """
    means = np.full(len(frame), np.nan)
    for place, row in enumerate(frame.to_dict("records")):
        curve = curve_at(row)
        if curve is not None and np.isfinite(low[place] + high[place]):
            means[place] = 10.0 ** mean_between(curve, low[place], high[place])[0]
    return means


def mean_between(curve: Curve, low: float, high: float) -> tuple[float, float]:
    """log10 of the mean of sigma_ele between two potentials (V), and its error, decades.

    While sigma_ele is far below sigma_ion a layer between these potentials leaks as one with this
    constant conductivity does. Beyond the curve its end values hold.
    """
    E, logs, sd = (np.asarray(values) for values in (curve.E_V, curve.log10_sigma_ele, curve.sd))
    if high - low < 1e-9:
        return float(np.interp(high, E, logs)), float(np.interp(high, E, sd))
    inner = E[(low < E) & (high > E)]
    knots = np.concatenate([[low], inner, [high]])
    pieces = [np.linspace(*ends, _FINE) for ends in pairwise(knots)]
    x = np.unique(np.concatenate(pieces))
    log, spread = np.interp(x, E, logs), np.interp(x, E, sd)
    top = log.max()
    share = 10.0 ** (log - top)
    whole = np.trapezoid(share, x)
    error = np.trapezoid(share * spread, x) / whole
    return float(top + np.log10(whole / (high - low))), float(error)
