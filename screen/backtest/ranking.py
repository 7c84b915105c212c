"""The ranking against published cells: which of two samples of one series is the better one.

Bare against coated, coating against coating, thickness against thickness. The prediction is the
difference of the probabilities that all criteria hold; below `STEP`, the resolution of the ranking,
it is undecided, which is not a hit. A coating's own record in cells is left out, and so is the
sample's source.

    from muli.screen.backtest.ranking import ranking_rows

    backtest = ranking_rows()
    [row["series"] for row in backtest.rows if not row["hit"]]
    backtest.not_judged                                     # reason -> number
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import duckdb
import numpy as np
import pandas as pd

from muli.candidates import reality
from muli.screen.backtest.lines import chances, cut_off_V
from muli.screen.ranking.criteria import STEP, joint
from muli.screen.vocabulary import CRITERIA

KINDS = ("bare against coated", "coating against coating", "thickness against thickness")
MEASURES = {"capacity left": 1, "interface resistance": -1, "capacity retention": 1}
"""What samples are compared by; 1 where more is better."""
_OUTCOMES = {"helps": 1, "hurts": -1, "no_gain": 0}
_SPOKEN = {
    "p_protects": "protects the electrolyte",
    "p_affordable": "is affordable",
    "p_stable": "stands the cathode",
    "p_inert": "is inert",
}
_KNOWN = {
    ("Choi2026", KINDS[0]): "the shell blocks electrons between particles, which is not modelled",
    ("Kim2025LTO", "capacity left"): "thicker films cut electron contact, which is not modelled",
}
"""Reasons that the sources themselves give, by source and kind or measure."""


class Backtest(NamedTuple):
    """Judged pairs, and how many were not judged, by reason.

    A row has `series`, `kind`, `quantity`, `predicted` (probability of the first less that
    of the second), `measured` (1: the first is better, -1: the second, 0: no difference), `hit`,
    `undecided`, `guess` (that the coated, or the thicker, is better; 0: none), `guess_hit`,
    `trust`, `source`, `reason` (of a miss).
    """

    rows: list[dict[str, Any]]
    not_judged: dict[str, int]


def ranking_rows(criteria: Sequence[str] = CRITERIA) -> Backtest:
    """All pairs of samples of one series that can be judged.

    criteria: what must hold together, of protects, affordable, stable, inert.
    """
    cells = _samples()
    pairs = [*_against_bare(cells), *_among_coated(cells)]
    reasons = [_unknown(pair) for pair in pairs]
    judged = [pair for pair, why in zip(pairs, reasons, strict=True) if not why]
    used = {at for pair in judged for at in (pair.first.name, pair.second.name)}
    p = chances(cells[cells.index.isin(used)])
    chance = duckdb.query_df(p, "p", f"SELECT {joint(criteria)} AS asked FROM p").df()["asked"]
    p["asked"] = chance.to_numpy()
    not_judged = Counter(why for why in reasons if why)
    others = set(reality.comparisons()["source"]) - {pair.first["source"] for pair in pairs}
    count = int(reality.comparisons()["source"].isin(others).sum())
    not_judged["a ranking of electrolytes, metals or uses"] += count
    of: dict[Any, Any] = p.to_dict("index")
    rows = [_row(pair, of[pair.first.name], of[pair.second.name], criteria) for pair in judged]
    return Backtest(rows, dict(not_judged))


def ranking_summary(rows: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Of every kind: pairs, hits, misses, undecided, hits of the guess, and number of sources."""
    summary = {}
    for kind in KINDS:
        own = [row for row in rows if row["kind"] == kind]
        hits, undecided = (sum(row[name] for row in own) for name in ("hit", "undecided"))
        summary[kind] = {
            "pairs": len(own),
            "hits": hits,
            "misses": len(own) - hits - undecided,
            "undecided": undecided,
            "guess_hits": sum(row["guess_hit"] for row in own),
            "sources": len({row["source"] for row in own}),
        }
    return summary


class _Pair(NamedTuple):
    """Two samples of one series and which is better; NaN where it is not stated."""

    kind: str
    quantity: str
    first: "pd.Series[Any]"
    second: "pd.Series[Any]"
    measured: float
    guess: int


def _samples() -> pd.DataFrame:
    """Published samples with the measures in columns of their own.

    Where a source states an outcome beside a bare cell of which it has no row, one is added.
    """
    cells = reality.published_cells()
    resistance = cells["R_last_ohm_cm2"]
    for column in ("R_last_ohm", "R_first_ohm_cm2", "R_first_ohm"):
        resistance = resistance.fillna(cells[column])
    cells["interface resistance"] = resistance
    cells["capacity left"] = cells["capacity_last_mAh_g"]
    cells["capacity retention"] = cells["retention_pct"]
    cells["E"] = cut_off_V(cells)
    controlled = set(cells.loc[cells["role"] == "control", "series"])
    alone = cells[(cells["role"] == "coated") & ~cells["series"].isin(controlled)]
    bare = alone.drop_duplicates("series").assign(
        role="control", sample="bare", coating_material="none", thickness_nm=0.0
    )
    return pd.concat([cells, bare], ignore_index=True)


def _against_bare(cells: pd.DataFrame) -> Iterator[_Pair]:
    """Each coated sample and the bare cell of its series, by the outcome that its source states."""
    controls = {row["series"]: row for _, row in cells[cells["role"] == "control"].iterrows()}
    for _, first in cells[cells["role"] == "coated"].iterrows():
        outcome = _OUTCOMES.get(first["outcome"], np.nan)
        yield _Pair(KINDS[0], "stated outcome", first, controls[first["series"]], outcome, 1)


def _among_coated(cells: pd.DataFrame) -> Iterator[_Pair]:
    """All pairs of coated samples of a series, by every measure that both have."""
    for _, group in cells[cells["role"] == "coated"].groupby("series", sort=False):
        for (_, first), (_, second) in combinations(group.iterrows(), 2):
            same = first["coating_material"] == second["coating_material"]
            kind = KINDS[2] if same else KINDS[1]
            thicker = _sign(first["thickness_nm"] - second["thickness_nm"]) if same else 0
            both = [name for name in MEASURES if not np.isnan(first[name] + second[name])]
            if not both:
                yield _Pair(kind, "none", first, second, np.nan, thicker)
            for name in both:
                order = MEASURES[name] * _sign(first[name] - second[name])
                yield _Pair(kind, name, first, second, order, thicker)


def _sign(value: float) -> int:
    return 0 if np.isnan(value) else int(np.sign(value))


def _unknown(pair: _Pair) -> str:
    """Why a pair cannot be judged; empty where it can."""
    samples = pair.first, pair.second
    if any(row["electrolyte_material"] == "" for row in samples):
        return "electrolyte not named, or not in the library"
    if any(row["coating_material"] == "" for row in samples):
        return "coating not in the library"
    if any(np.isnan(row["thickness_nm"]) for row in samples):
        return "thickness not stated"
    if np.isnan(pair.measured):
        return "no outcome stated"
    if pair.kind != KINDS[0] and pair.measured == 0:
        return "both measured equal"
    return ""


def _row(
    pair: _Pair, first: Mapping[str, float], second: Mapping[str, float], criteria: Sequence[str]
) -> dict[str, Any]:
    predicted = first["asked"] - second["asked"]
    undecided = abs(predicted) < STEP
    hit = not undecided and np.sign(predicted) == pair.measured
    names = f"{pair.first['sample']} against {pair.second['sample']}"
    return {
        "series": f"{pair.first['series']}, {names}",
        "kind": pair.kind,
        "quantity": pair.quantity,
        "predicted": float(predicted),
        "measured": int(pair.measured),
        "hit": bool(hit),
        "undecided": bool(undecided),
        "guess": pair.guess,
        "guess_hit": pair.guess != 0 and pair.guess == pair.measured,
        "trust": pair.first["trust"],
        "source": pair.first["source"],
        "reason": "" if hit else _reason(pair, first, second, criteria, undecided=bool(undecided)),
    }


def _reason(
    pair: _Pair,
    first: Mapping[str, float],
    second: Mapping[str, float],
    criteria: Sequence[str],
    *,
    undecided: bool,
) -> str:
    """The reason of a miss: that of the source, else the criterion in which the two differ most.

    Where it is undecided: the criterion that the first is least likely to pass.
    """
    names = [f"p_{name}" for name in criteria]
    if undecided:
        least = min(names, key=lambda name: first[name])
        both = f"{first['asked']:.2g} and {second['asked']:.2g}"
        return f"{both}; the first {_SPOKEN[least]} with {first[least]:.2g}"
    for key in (pair.kind, pair.quantity):
        if (pair.first["source"], key) in _KNOWN:
            return _KNOWN[pair.first["source"], key]
    apart = {name: abs(np.log(max(first[name], 1e-9) / max(second[name], 1e-9))) for name in names}
    most = max(apart, key=lambda name: apart[name])
    return f"{_SPOKEN[most]} with {first[most]:.2f} against {second[most]:.2f}"
