"""Names beside points, only where they do not cover each other."""

import numpy as np
import pandas as pd

WIDTH, HEIGHT = 760.0, 400.0
"""The picture that names are placed for, px; wider ones have more room."""
CHARACTER, LINE, GAP = 7.0, 15.0, 9.0
"""Size of a letter and distance from the point, px."""


def placed(
    x: "pd.Series[float]", y: "pd.Series[float]", names: "pd.Series[str]", most: int
) -> "pd.Series[str]":
    """`right`, `left` or nothing for each name: the side on which it stands, first ones first.

    x, y: positions as shares of the picture, 0 to 1.
    """
    sides = pd.Series("", index=names.index)
    points = list(zip(x * WIDTH, y * HEIGHT, strict=True))
    taken: list[tuple[float, float, float, float]] = []
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


def _covers(
    box: tuple[float, ...], own: tuple[float, float], points: list[tuple[float, float]]
) -> bool:
    """Whether another point lies under the box."""
    return any(
        point != own and box[0] < point[0] < box[1] and box[2] < point[1] < box[3]
        for point in points
    )


def _overlap(one: tuple[float, ...], two: tuple[float, ...]) -> bool:
    return one[0] < two[1] and two[0] < one[1] and one[2] < two[3] and two[2] < one[3]


def share(values: "pd.Series[float]", low: float, high: float) -> "pd.Series[float]":
    """Where values stand between two ends."""
    return (values - low) / np.maximum(high - low, 1e-300)
