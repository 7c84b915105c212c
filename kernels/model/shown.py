"""How stacks and answers show themselves: numbers with units, whether one, many or traced."""

import html
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

CM_PER_UM = 1e-4
FEW = 4
"""Most numbers that are written out; of more the range is given."""


def quantity(value: Any, unit: str, scale: float = 1.0) -> str:
    """A number times `scale` with its unit; of an array the numbers or their range."""
    known = concrete(value)
    if known is None:
        shape = ", ".join(str(size) for size in getattr(value, "shape", ()))
        return f"{getattr(value, 'dtype', type(value).__name__)}[{shape}] {unit}".rstrip()
    known = known.ravel() * scale
    if known.size <= FEW:
        text = ", ".join(f"{number:.6g}" for number in known)
    else:
        text = f"{known.min():.6g} to {known.max():.6g} ({known.size} values)"
    return f"{text} {unit}".rstrip()


def counted(codes: Any, word: Callable[[int], str]) -> str:
    """The word of a code; of an array every word that occurs, and how often."""
    known = concrete(codes)
    if known is None:
        return quantity(codes, "")
    values, counts = np.unique(known, return_counts=True)
    words = [word(int(value)) for value in values]
    if known.ndim == 0:
        return words[0]
    return ", ".join(f"{name} ({count})" for name, count in zip(words, counts, strict=True))


def concrete(value: Any) -> np.ndarray | None:
    """The number or array; None while it is traced or stands for a shape only."""
    if isinstance(value, jax.core.Tracer):
        return None
    try:
        return np.asarray(value, float)
    except (TypeError, ValueError):
        return None


def thickness(value: Any) -> str:
    """A thickness (cm) in nm, from a micrometre on in um."""
    known = concrete(value)
    thin = known is not None and known.size > 0 and bool(np.all(known < CM_PER_UM))
    return quantity(value, "nm", 1e7) if thin else quantity(value, "um", 1e4)


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A small table as HTML, for notebooks."""

    def line(cells: Sequence[str], tag: str) -> str:
        return f"<tr>{''.join(f'<{tag}>{html.escape(cell)}</{tag}>' for cell in cells)}</tr>"

    body = "".join(line(row, "td") for row in rows)
    return f"<div><b>{html.escape(title)}</b><table>{line(head, 'th')}{body}</table></div>"
