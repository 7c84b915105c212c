"""Which of several printed values is the default: one rule, stated here and shown by `show`.

Conductivities, activation energies, gaps and hull energies:

1. Only values measured on the material's own form count: no value of a crystal for a film.
2. Bounds, quotations, extrapolations, ambiguous prints, leakage over a field, conductivities of all
   carriers, and other states (lithiated, reduced, oxidised, doped) are never the default.
3. One paper, temperature and value counts once, by DOI. Of a series over temperature the value
   nearest to 298.15 K counts. The inside of grains counts only where nothing else is known.
4. Measured values are taken before computed ones, computed before assumed ones.
5. Values at 285-313 K or of no stated temperature (room temperature presumed) are taken, and beside
   them those within 50 K of 298.15 K whose own sample has an activation energy, compared at 298.15
   K; where there are none, those of the temperature nearest to 298.15 K.
6. Of what remains, the middle one in order of size: a number somebody printed, robust against a
   slip of an exponent. A range counts by its geometric middle. Of two middle ones the better
   trusted is taken, then the less favourable: the lower; for the electronic conductivity of a
   coating the higher, of an electrolyte the lower (a leaky electrolyte flatters its coating).
7. The activation energy is that of the sample whose conductivity is the default, where its source
   gives one; else rule 6, and of two middle ones the one nearer to the slope between the
   material's own conductivities.

Windows: both limits come from one row, never mixed. Only grand-potential kinds count, in the order
grand_potential, hybrid_grand_potential, grand_potential_secondhand; then rows with both limits,
printed before read from a figure, better trusted, earlier published (later ones repeat the
construction). Intrinsic, band-edge and measured windows are other quantities and never the default.

The spread reported beside a default covers every value of steps 1 and 5 in the pristine state,
bounds and quotations too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, isfinite, isnan, log
from types import MappingProxyType

from muli.candidates.schema import ACCEPTED_FORMS, METHODS, NUMERIC, TRUST
from muli.candidates.tables import Row, Value

ROOM_TEMPERATURE = 298.15
BOLTZMANN_EV_K = 8.617333262e-5
_ROOM = (285.0, 313.0)
_SAME_VALUE = 1.1
_SAME_TEMPERATURE_K = 3.0
_SERIES_SPAN_K = 30.0
_CARRIED_K = 50.0
_NEVER = ("quoted", "extrapolated", "ambiguous", "tunnelling")
_OTHER_QUANTITIES = ("leakage", "volume_resistivity", "all_carriers")
_AS_MADE = ("", "pristine")
_TRUST = {level: rank for rank, level in enumerate(TRUST)}
_METHOD = {method: rank for rank, method in enumerate(METHODS)}
_WINDOW = {
    kind: rank
    for rank, kind in enumerate(
        ("grand_potential", "hybrid_grand_potential", "grand_potential_secondhand")
    )
}
_PAIRS = {
    "sigma_ion_activation_eV": "sigma_ion_S_cm",
    "sigma_ele_activation_eV": "sigma_ele_S_cm",
}


Energies = Mapping[tuple[str, str], float]
"""Activation energies, eV, by paper and sample."""

_NO_ENERGIES: Energies = MappingProxyType({})


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


def defaults(
    values: Sequence[Value], *, form: str = "", electrolyte: bool = False
) -> dict[str, Choice]:
    """The default of every numeric property among the values of one material.

    Args:
        values: all values of the material.
        form: the material's form (column `form` of the materials table), "" where not stated.
        electrolyte: the material is an electrolyte first; decides which of two values is taken.
    """
    groups: dict[str, list[Value]] = {}
    for value in values:
        if value.quantity in NUMERIC:
            groups.setdefault(value.quantity, []).append(value)
    own = {name: _energies(groups.get(energy, ()), form) for energy, name in _PAIRS.items()}
    choices = {
        name: choose(group, form=form, electrolyte=electrolyte, energies=own.get(name, {}))
        for name, group in groups.items()
    }
    for energy, conductivity in _PAIRS.items():
        if energy in choices and conductivity in choices:
            among = groups[conductivity]
            choices[energy] = _paired(groups[energy], among, choices[conductivity], form)
    return choices


def choose(
    values: Sequence[Value],
    *,
    form: str = "",
    electrolyte: bool = False,
    energies: Energies = _NO_ENERGIES,
) -> Choice:
    """The default of one property of one material by the rule of this module.

    `form` and `electrolyte` are those of `defaults`; `energies` are activation energies, eV, by
    paper and sample (`Value.origin`, `Value.sample`).
    """
    numbered = unique([value for value in values if isfinite(value.number)])
    own = [value for value in numbered if speaks_for(value, form)]
    if not own:
        text = "only values of another form are known" if numbered else "no value known"
        return Choice(None, float("nan"), float("nan"), 0, text)
    pool = _pool(own, energies)
    spread = [value for value in _nearest(own, energies) if value.state in _AS_MADE]
    spread += [value for value in pool if value not in spread]
    low = min((value.extremes[0] for value in spread), default=float("nan"))
    high = max((value.extremes[1] for value in spread), default=float("nan"))
    if not pool:
        return Choice(None, low, high, len(spread), _unusable(own))
    middle = _middle(pool, energies)
    chosen = min(middle, key=lambda value: _preference(value, electrolyte))
    return Choice(chosen, low, high, len(spread), _reason(pool, chosen, len(numbered)))


def speaks_for(value: Value, form: str) -> bool:
    """Whether the form of a value's sample is accepted for a material of this form."""
    accepted = ACCEPTED_FORMS.get(form)
    return accepted is None or not value.form or value.form in accepted


def barred(value: Value) -> str:
    """Why a value can be no default, in words; "" where it can."""
    if value.bound:
        return f"{value.bound} bound"
    if value.qualifier in _NEVER:
        return value.qualifier
    if value.quantity_kind in _OTHER_QUANTITIES:
        return value.quantity_kind.replace("_", " ")
    return "" if value.state in _AS_MADE else value.state


def unique(values: Sequence[Value]) -> list[Value]:
    """The values without repetition: one per paper, number and temperature (the first row)."""
    kept: list[Value] = []
    for value in values:
        if not any(_repeats(value, other) for other in kept):
            kept.append(value)
    return kept


def _repeats(value: Value, other: Value) -> bool:
    """Same paper, quantity, sample, temperature and, within 10 %, number."""
    if (value.origin, value.sample, value.bound) != (other.origin, other.sample, other.bound):
        return False
    if value.state != other.state or value.quantity_kind != other.quantity_kind:
        return False
    apart = abs(value.temperature_K - other.temperature_K)
    if apart > _SAME_TEMPERATURE_K or value.source == other.source:
        return False
    ratio = value.number / other.number if other.number else float(value.number == 0.0)
    return 1.0 / _SAME_VALUE < ratio < _SAME_VALUE


def _energies(values: Sequence[Value], form: str) -> dict[tuple[str, str], float]:
    """Activation energies, eV, by paper and sample, of the values that may be defaults."""
    usable = [value for value in values if not barred(value) and speaks_for(value, form)]
    return {(value.origin, value.sample): value.number for value in usable}


def _pool(values: Sequence[Value], energies: Energies = _NO_ENERGIES) -> list[Value]:
    """The values among which the middle one is the default; empty where none may be."""
    usable = [value for value in values if not barred(value)]
    usable = [value for value in usable if value.quantity_kind != "bulk"] or usable
    best = min((_METHOD[value.method] for value in usable), default=0)
    return _one_of_a_series(_nearest([v for v in usable if _METHOD[v.method] == best], energies))


def _nearest(values: Sequence[Value], energies: Energies) -> list[Value]:
    room = [value for value in values if _at_room(value) or _carried(value, energies)]
    if room or not values:
        return room
    distance = min(_distance(value) for value in values)
    return [value for value in values if _distance(value) <= distance + 1.0]


def _at_room(value: Value) -> bool:
    return isnan(value.temperature_K) or _ROOM[0] <= value.temperature_K <= _ROOM[1]


def _carried(value: Value, energies: Energies) -> bool:
    """Whether the activation energy of its own sample converts a value to room temperature."""
    return (value.origin, value.sample) in energies and _distance(value) <= _CARRIED_K


def _size(value: Value, energies: Energies) -> float:
    """The number, converted to room temperature where the sample's activation energy allows it."""
    if _at_room(value) or not _carried(value, energies):
        return value.number
    kelvin, energy = value.temperature_K, energies[value.origin, value.sample]
    rise = exp(energy / BOLTZMANN_EV_K * (1.0 / kelvin - 1.0 / ROOM_TEMPERATURE))
    return value.number * kelvin / ROOM_TEMPERATURE * rise


def _distance(value: Value) -> float:
    """K from room temperature; a value of no stated temperature is at it."""
    kelvin = value.temperature_K
    return 0.0 if isnan(kelvin) else abs(kelvin - ROOM_TEMPERATURE)


def _one_of_a_series(values: Sequence[Value]) -> list[Value]:
    """Of one source's values of one paper and sample those nearest to room temperature."""
    nearest: dict[tuple[str, str, str], float] = {}
    for value in values:
        key = (value.source, value.origin, value.sample)
        nearest[key] = min(nearest.get(key, float("inf")), _distance(value))
    return [
        value
        for value in values
        if _distance(value) <= nearest[value.source, value.origin, value.sample] + 1.0
    ]


def _middle(pool: Sequence[Value], energies: Energies = _NO_ENERGIES) -> list[Value]:
    """The middle one in order of size, or both where their number is even."""
    ordered = sorted(pool, key=lambda v: (_size(v, energies), _TRUST[v.trust], v.source))
    upper = len(ordered) // 2
    return ordered[upper : upper + 1] if len(ordered) % 2 else ordered[upper - 1 : upper + 1]


def _preference(value: Value, electrolyte: bool) -> tuple[int, float]:
    """Better trusted first, then the less favourable."""
    higher_is_worse = value.quantity == "sigma_ele_S_cm" and not electrolyte
    return _TRUST[value.trust], -value.number if higher_is_worse else value.number


def _paired(
    energies: Sequence[Value], conductivities: Sequence[Value], sigma: Choice, form: str
) -> Choice:
    """The activation energy that belongs to the default conductivity."""
    if sigma.value is not None:
        sample = (sigma.value.origin, sigma.value.sample)
        same = [value for value in energies if (value.origin, value.sample) == sample]
        paired = choose(same, form=form)
        if paired.value is not None:
            whole = choose(energies, form=form)
            reason = "of the sample whose conductivity is the default"
            return Choice(paired.value, whole.low, whole.high, whole.count, reason)
    plain = choose(energies, form=form)
    slope = _slope(conductivities, form)
    if plain.value is None or slope is None:
        return plain
    own = [v for v in unique(energies) if speaks_for(v, form)]
    middle = _middle(_pool(own))
    nearer = min(middle, key=lambda value: (_TRUST[value.trust], abs(value.number - slope)))
    if len(middle) == 1:
        return plain
    reason = f"{plain.reason.split(';')[0]}; of the two middle ones the better trusted, then the "
    reason += f"nearer to {slope:.2f} eV, the slope of the conductivities here"
    return Choice(nearer, plain.low, plain.high, plain.count, reason)


def _slope(values: Sequence[Value], form: str) -> float | None:
    """Activation energy of sigma*T between the coldest and the hottest value, eV."""
    known = [v for v in values if not barred(v) and speaks_for(v, form)]
    known = [v for v in known if isfinite(v.temperature_K) and isfinite(v.number)]
    if not known:
        return None
    cold = min(known, key=lambda value: value.temperature_K)
    hot = max(known, key=lambda value: value.temperature_K)
    if hot.temperature_K - cold.temperature_K < _SERIES_SPAN_K:
        return None
    rise = log(hot.number * hot.temperature_K / (cold.number * cold.temperature_K))
    return BOLTZMANN_EV_K * rise / (1.0 / cold.temperature_K - 1.0 / hot.temperature_K)


def _reason(pool: Sequence[Value], chosen: Value, total: int) -> str:
    if total == 1:
        return "the only value"
    where = "at room temperature"
    if all(isnan(value.temperature_K) for value in pool):
        where = "of no stated temperature"
    elif not any(_at_room(value) for value in pool):
        where = f"at the temperature nearest to room, {chosen.temperature_K:g} K"
    if len(pool) == 1:
        return f"the only {chosen.method} value {where} that may be a default, of {total}"
    even = "" if len(pool) % 2 else "; of the two middle ones the better trusted, then the worse"
    return f"middle of {len(pool)} {chosen.method} values {where}, of {total} in all{even}"


def _unusable(values: Iterable[Value]) -> str:
    reasons = sorted({barred(value) for value in values})
    return f"no default: only {' and '.join(reasons)} values are known"


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
