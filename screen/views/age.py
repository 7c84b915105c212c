"""Cells that age, in words: what grows on each side, and how thick and resistive it becomes."""

import math
from collections.abc import Sequence
from typing import Any

from muli.screen.solving.age_file import AgeEntry

UNITS = (("year", 3.15576e7), ("month", 2.6298e6), ("day", 86400.0), ("h", 3600.0), ("s", 1.0))
ASR = "asr_interphase_ohm_cm2"
SIDES = (
    ("interphase_nm", "final_nm", "cathode"),
    ("anode_interphase_nm", "anode_final_nm", "anode"),
)


def age_table(cells: Sequence[AgeEntry], answers: Sequence[dict[str, Any]]) -> str:
    """One block per cell: a sentence for each side and a line for each time."""
    blocks = [_block(n, *pair) for n, pair in enumerate(zip(cells, answers, strict=True))]
    return "\n\n".join(blocks)


def duration(seconds: float) -> str:
    """A time in the largest unit in which it is at least 1, e.g. `10 year`."""
    for name, size in UNITS:
        if seconds >= size:
            return f"{seconds / size:.3g} {name}"
    return f"{seconds:.3g} s"


def length(nm: float) -> str:
    """A thickness in nm; large ones in um or cm."""
    if math.isinf(nm):
        return "without end"
    for limit, scale, unit in ((1e3, 1.0, "nm"), (1e7, 1e-3, "um"), (math.inf, 1e-7, "cm")):
        if nm < limit:
            return f"{nm * scale:.4g} {unit}"
    return f"{nm:.4g} nm"


def _block(number: int, cell: AgeEntry, answer: dict[str, Any]) -> str:
    lines = [f"cell {number}{f' ({cell.name})' if cell.name else ''}: {answer['status']}"]
    present = [side for side in SIDES if side[0] in answer]
    lines += [f"  {sentence(side, answer[final])}" for _, final, side in present]
    heads = [f"{side} nm" for _, _, side in present] + ["ohm cm2"]
    columns = [answer[key] for key, _, _ in present] + [answer[ASR]]
    band = [answer[f"{ASR}_{end}"] for end in ("low", "high") if f"{ASR}_{end}" in answer]
    words = f"{'5 to 95 %':>24}" if band else ""
    lines.append("  " + f"{'time':>12}" + "".join(f"{h:>14}" for h in heads) + words)
    for index, time in enumerate(cell.times_s):
        numbers = "".join(f"{column[index]:>14.4g}" for column in columns)
        ends = " to ".join(f"{end[index]:.3g}" for end in band)
        lines.append(f"  {duration(time):>12}{numbers}" + (f"{ends:>24}" if band else ""))
    return "\n".join(lines)


def sentence(side: str, final: float) -> str:
    """What grows on a side, by its last thickness (nm)."""
    if math.isnan(final):
        return f"{side} side: no answer"
    if final == 0:
        return f"{side} side: inside the window of the electrolyte, nothing grows"
    if math.isinf(final):
        return f"{side} side: an interphase grows without end"
    return f"{side} side: an interphase grows to {length(final)}"
