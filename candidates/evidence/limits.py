"""Distributions of limits and reaction energies: V vs Li/Li+ and meV/atom.

The centre of a limit is the default window; its variance is the square of the tolerance plus that
of the independent sources of the same kind. A limit or an energy that was not computed has the
distribution of its group and is never taken as fulfilled. A compound without lithium has no
oxidation limit only where the table states that none was found.
"""

from collections.abc import Mapping
from functools import cache
from math import inf, isnan, nan, sqrt
from typing import Any

import numpy as np

from muli.candidates import computed
from muli.candidates.defaults import choose_window
from muli.candidates.evidence.chemistry import Chemistry, chemistry
from muli.candidates.evidence.nested import Normal
from muli.candidates.formula import FormulaError
from muli.candidates.schema import PARTNERS
from muli.candidates.tables import compound_of, rows_of
from muli.candidates.wide import library

TOLERANCE_V = 0.1
"""Standard deviation of a computed limit, V (`window_tolerance_V` of a spec)."""
REACTION_ERROR_MEV = 25.0
"""Standard deviation of a computed reaction energy, meV/atom: that of `compare_reactions`."""
OPEN_SHELL_OXIDATION = Normal(4.0, 0.6)
"""Oxidation limit of an open-shell oxide without lithium: its cation goes on being oxidised."""
NO_LIMIT = Normal(inf, 0.0)
"""No oxidation was found."""
_GROUP_WEIGHT, _FAMILY_WEIGHT = 2.0, 0.5
"""Weight of the parent distribution against that of a group, of a family, in materials."""


def limit(
    row: Mapping[Any, Any],
    side: str,
    group: Chemistry,
    tolerance_V: float = TOLERANCE_V,
    without: str = "",
) -> tuple[Normal, str, int]:
    """Distribution of a limit of a row of the wide table, its kind, and how many sources it has.

    Args:
        row: a row of `candidates.load()`.
        side: reduction_limit_V or oxidation_limit_V.
        group: class of the compound.
        tolerance_V: standard deviation of one computed limit.
        without: a source whose windows are left out.
    """
    value = _value(row, side, without)
    if value is not None and not isnan(value):
        if row.get(f"{side}_method") == "user":
            return _given(row, side, tolerance_V)
        spread, count = _spread(row, side, without)
        return Normal(float(value), sqrt(tolerance_V**2 + spread**2)), "computed", count
    if side == "oxidation_limit_V" and not group.lithium:
        if group.open_shell:
            return OPEN_SHELL_OXIDATION, "prior", 0
        if _none_found(row):
            return NO_LIMIT, "computed", 1
    prior = _prior(side, group.group, row["family"] or "")
    return Normal(prior.mean, sqrt(prior.sd**2 + tolerance_V**2)), "prior", 0


def reaction(row: Mapping[Any, Any], partner: str, group: Chemistry) -> tuple[Normal, str]:
    """Distribution of a closed reaction energy with a partner, meV/atom, and its kind.

    A partner without a column has the prior of the group over all partners.
    """
    column = f"reaction_energy_{partner}_meV_atom"
    value = row.get(column)
    if value is not None and not isnan(value):
        return Normal(float(value), REACTION_ERROR_MEV), "computed"
    return _prior(column if column in row else "", group.group, row["family"] or ""), "prior"


def _given(row: Mapping[Any, Any], side: str, tolerance_V: float) -> tuple[Normal, str, int]:
    low, high = row.get(f"{side}_low", nan), row.get(f"{side}_high", nan)
    width = (high - low) / 2.0 / 1.645 if high > low else 0.0
    return Normal(float(row[side]), sqrt(tolerance_V**2 + width**2)), "given", 1


def _windows(row: Mapping[Any, Any], without: str) -> list[Any]:
    windows = rows_of("windows", compound_of(row["name"]))
    return [window for window in windows if not without or window["source"] != without]


def _value(row: Mapping[Any, Any], side: str, without: str) -> Any:
    """The default limit; another one is chosen where it is from the source that is left out."""
    if not without or row.get("table") != "library" or row.get("window_source") != without:
        return row[side]
    chosen, _ = choose_window(_windows(row, without))
    if chosen is not None:
        return chosen[side]
    computed_row = computed.compound(row["formula"])
    return nan if computed_row is None else computed_row[side]


def _spread(row: Mapping[Any, Any], side: str, without: str) -> tuple[float, int]:
    """Standard deviation among the sources of the chosen kind of window, and their number."""
    if row.get("table") != "library":
        return 0.0, 1
    windows = _windows(row, without)
    chosen, _ = choose_window(windows)
    if chosen is None:
        return 0.0, 1
    same = {
        window["source"]: window[side]
        for window in reversed(windows)
        if window["window_kind"] == chosen["window_kind"] and not isnan(window[side])
    }
    values = list(same.values())
    return (float(np.std(values, ddof=1)) if len(values) > 1 else 0.0), max(len(values), 1)


def _none_found(row: Mapping[Any, Any]) -> bool:
    """Whether the computed table states that no oxidation was found."""
    if "oxidation_limit_note" in row:
        return isinstance(row["oxidation_limit_note"], str)
    try:
        return _note_of(row["formula"])
    except FormulaError:
        return False


@cache
def _note_of(formula: str) -> bool:
    row = computed.compound(formula)
    return row is not None and isinstance(row["oxidation_limit_note"], str)


@cache
def _known() -> tuple[tuple[dict[Any, Any], str], ...]:
    """Coatings and electrolytes of the library with their groups."""
    frame = library()
    frame = frame[frame["role"].str.contains("coating|electrolyte")]
    return tuple(
        (row, chemistry(row["formula"], row["role"], row["family"], name=row["name"]).group)
        for row in frame.to_dict("records")
    )


@cache
def _prior(column: str, group: str, family: str) -> Normal:
    """Distribution of a column in a family, shrunk towards its group; the group towards all."""
    rows = [(row.get(column), name, row["family"]) for row, name in _known()]
    rows = [row for row in rows if row[0] is not None and not isnan(row[0])]
    if not rows:
        return _all_reactions()
    everything = np.array([value for value, _, _ in rows])
    prior = Normal(float(everything.mean()), float(everything.std()))
    for weight, members in (
        (_GROUP_WEIGHT, [value for value, name, _ in rows if name == group]),
        (_FAMILY_WEIGHT, [value for value, name, own in rows if (name, own) == (group, family)]),
    ):
        prior = _pulled(np.array(members), prior, weight)
    return prior


@cache
def _all_reactions() -> Normal:
    columns = [f"reaction_energy_{partner}_meV_atom" for partner in PARTNERS]
    values = np.array([row[column] for row, _ in _known() for column in columns], float)
    values = values[~np.isnan(values)]
    return Normal(float(values.mean()), float(values.std()))


def _pulled(own: Any, parent: Normal, count: float) -> Normal:
    """Mean and standard deviation of values, where the parent has the weight of `count` values."""
    if not len(own):
        return parent
    weight = len(own) / (len(own) + count)
    centre = weight * float(own.mean()) + (1.0 - weight) * parent.mean
    about = float(np.mean((own - centre) ** 2))
    far = parent.sd**2 + (parent.mean - centre) ** 2
    return Normal(centre, sqrt(weight * about + (1.0 - weight) * far))
