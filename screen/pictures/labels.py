"""Names beside points, without overlap."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

WIDTH, HEIGHT = 760.0, 400.0
"""Size of the picture for which names are placed, px; larger ones have more room."""
CHARACTER, LINE, GAP = 7.0, 15.0, 9.0
"""Size of a letter and distance from the point, px."""
SMALL_LETTER_PT, SMALL_LINE_PT = 4.7, 9.0
"""Size of a letter of 8 points."""
CORNERS = [
    ((right, up), side)
    for up in (5, -12, 18, -25, 31, -38)
    for right, side in ((6, "left"), (-6, "right"))
]
"""Positions of a name beside its mark, the best first: offset in points, side of the mark."""
Box = tuple[float, float, float, float]
"""Left, right, lower and upper edge."""


def placed(
    x: "pd.Series[float]", y: "pd.Series[float]", names: "pd.Series[str]", most: int
) -> "pd.Series[str]":
    """`right`, `left` or an empty text for each name: its side of the point, in the order of names.

    x, y: positions as shares of the picture, 0 to 1.
    """
    sides = pd.Series("", index=names.index)
    points = list(zip(x * WIDTH, y * HEIGHT, strict=True))
    taken: list[Box] = []
    for at in names.index:
        if len(taken) == most:
            break
        px, py, wide = x[at] * WIDTH, y[at] * HEIGHT, GAP + CHARACTER * len(names[at])
        for side, low, high in (("right", px, px + wide), ("left", px - wide, px)):
            box = (low, high, py - LINE / 2, py + LINE / 2)
            free = not any(_overlap(box, other) for other in taken)
            if low >= 0 and high <= WIDTH and free and not _covers(box, (px, py), points):
                sides[at] = side
                taken.append(box)
                break
    return sides


def free_corner(
    name: str, point: tuple[float, float], taken: Sequence[Box], plane: tuple[float, float]
) -> tuple[tuple[float, float], str, Box] | None:
    """Offset, side and box of a name beside its mark, in points; inside the plane, without overlap.

    point: the mark. taken: boxes that are occupied. plane: width and height.
    """
    width = SMALL_LETTER_PT * len(name)
    for offset, side in CORNERS:
        left = point[0] + offset[0] - (width if side == "right" else 0)
        low = point[1] + offset[1]
        box = (left, left + width, low, low + SMALL_LINE_PT)
        inside = left >= 0 and box[1] <= plane[0] and box[3] <= plane[1]
        if inside and not any(_overlap(box, other) for other in taken):
            return offset, side, box
    return None


def _covers(box: Box, own: tuple[float, float], points: list[tuple[float, float]]) -> bool:
    """Whether another point lies under the box."""
    return any(
        point != own and box[0] < point[0] < box[1] and box[2] < point[1] < box[3]
        for point in points
    )


def _overlap(one: Box, two: Box) -> bool:
    return one[0] < two[1] and two[0] < one[1] and one[2] < two[3] and two[2] < one[3]


def share(values: "pd.Series[float]", low: float, high: float) -> "pd.Series[float]":
    """Positions of values between `low` (0) and `high` (1)."""
    return (values - low) / np.maximum(high - low, 1e-300)
