"""Which of several printed values is the default: one rule, stated here and shown by `show`.

Conductivities, activation energies, gaps and hull energies:

1. Values of the material's own form count (film, crystal, ... are rows of their own).
2. Upper bounds, ambiguous prints and other states (lithiated, reduced) never count; a value only
   quoted in running text counts beside a first-hand one, but is no default by itself.
3. Measured values are taken before computed ones, computed before assumed ones.
4. Values at 285-313 K or of no stated temperature (room temperature presumed) are taken; where
   there are none, those of the temperature nearest to 298.15 K.
5. Of what remains, the middle one in order of size: a number somebody printed, robust against a
   slip of an exponent. A range counts by its geometric middle. Of two middle ones the better
   trusted is taken, then the one less favourable to a coating: the lower, for the electronic
   conductivity the higher.

Windows: both limits come from one row, never mixed. Only grand-potential kinds count, in the order
grand_potential, hybrid_grand_potential, grand_potential_secondhand; then rows with both limits,
printed before read from a figure, better trusted, earlier published (later ones repeat the
construction). Intrinsic, band-edge and measured windows are other quantities and never the default.

The spread reported beside a default covers every value of steps 1 and 4, bounds and quotes too.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite, isnan

from muli.candidates.schema import METHODS, TRUST
from muli.candidates.tables import Row, Value

ROOM_TEMPERATURE = 298.15
_ROOM = (285.0, 313.0)
_NEVER = ("upper_bound", "ambiguous", "other_state")
_TRUST = {level: rank for rank, level in enumerate(TRUST)}
_METHOD = {method: rank for rank, method in enumerate(METHODS)}
_WINDOW = {
    kind: rank
    for rank, kind in enumerate(
        ("grand_potential", "hybrid_grand_potential", "grand_potential_secondhand")
    )
}
_HIGHER_IS_WORSE = ("sigma_ele_S_cm",)


@dataclass(frozen=True)
class Choice:
    """The default among several values and how it was found; `value` None where none qualifies."""

    value: Value | None
    low: float
    high: float
    count: int
    reason: str

    @property
    def number(self) -> float:
        """The default itself, NaN where there is none."""
        return float("nan") if self.value is None else self.value.number


def choose(values: Sequence[Value]) -> Choice:
    """The default of one property of one material by the rule of this module."""
    numbered = [value for value in values if isfinite(value.number)]
    if not numbered:
        return Choice(None, float("nan"), float("nan"), 0, "no value known")
    near = _nearest(numbered)
    spread = [value for value in near if value.caveat != "other_state"]
    low = min((value.extremes[0] for value in spread), default=float("nan"))
    high = max((value.extremes[1] for value in spread), default=float("nan"))
    usable = [value for value in numbered if value.caveat not in _NEVER]
    if not any(value.caveat != "quoted" for value in usable):
        return Choice(None, low, high, len(spread), _unusable(numbered))
    best = min(_METHOD[value.method] for value in usable)
    pool = _nearest([value for value in usable if _METHOD[value.method] == best])
    chosen = _middle(pool)
    return Choice(chosen, low, high, len(spread), _reason(pool, chosen, len(numbered)))


def _nearest(values: Sequence[Value]) -> list[Value]:
    room = [
        value
        for value in values
        if isnan(value.temperature_K) or _ROOM[0] <= value.temperature_K <= _ROOM[1]
    ]
    if room or not values:
        return room
    distance = min(abs(value.temperature_K - ROOM_TEMPERATURE) for value in values)
    return [v for v in values if abs(v.temperature_K - ROOM_TEMPERATURE) <= distance + 1.0]


def _middle(pool: Sequence[Value]) -> Value:
    ordered = sorted(pool, key=lambda value: (value.number, _TRUST[value.trust], value.source))
    upper = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[upper]
    pair = [ordered[upper - 1], ordered[upper]]
    sign = -1.0 if pair[0].quantity in _HIGHER_IS_WORSE else 1.0
    return min(pair, key=lambda value: (_TRUST[value.trust], sign * value.number))


def _reason(pool: Sequence[Value], chosen: Value, total: int) -> str:
    if total == 1:
        return "the only value"
    where = "at room temperature"
    temperatures = {value.temperature_K for value in pool}
    if all(t < _ROOM[0] or t > _ROOM[1] for t in temperatures if not isnan(t)):
        where = f"at the temperature nearest to room, {chosen.temperature_K:g} K"
        where = "of no stated temperature" if isnan(chosen.temperature_K) else where
    if len(pool) == 1:
        return f"the only {chosen.method} value {where} that may be a default, of {total}"
    even = "" if len(pool) % 2 else "; of the two middle ones the better trusted, then the worse"
    return f"middle of {len(pool)} {chosen.method} values {where}, of {total} in all{even}"


def _unusable(values: Iterable[Value]) -> str:
    caveats = sorted({value.caveat.replace("_", " ") for value in values})
    return f"no default: only {' and '.join(caveats)} values are known"


def choose_window(windows: Sequence[Row]) -> tuple[Row | None, str]:
    """The default among the rows of the windows table of one compound, and the reason."""
    candidates = [row for row in windows if row["window_kind"] in _WINDOW]
    if not candidates:
        kinds = ", ".join(sorted({row["window_kind"] for row in windows})) or "none"
        return None, f"no grand-potential window known (kinds found: {kinds})"
    chosen = min(candidates, key=_window_rank)
    count = len(candidates)
    others = "" if count == 1 else f", first of {count} by kind, completeness, print, trust, year"
    return chosen, f"{chosen['window_kind']} of {chosen['source']}{others}"


def _window_rank(row: Row) -> tuple[int, bool, bool, int, str]:
    incomplete = isnan(row["reduction_limit_V"]) or isnan(row["oxidation_limit_V"])
    year = "".join(filter(str.isdigit, row["source"]))[-4:] or "9999"
    return (
        _WINDOW[row["window_kind"]],
        incomplete,
        row["figure_read"] == "yes",
        _TRUST[row["trust"]],
        year,
    )
