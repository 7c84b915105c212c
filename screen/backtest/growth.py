"""Growth against published cells: ratios inside one source, beside the guess "no difference".

A ratio is a hit within a factor of three. Its direction is a score of its own, in which a tie is no
hit, so that the guess never has it. A property fitted on one source is judged on the others.

    from muli.screen.backtest.growth import growth_rows

    [row["series"] for row in growth_rows() if row["hit"]]
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from muli.candidates import reality
from muli.candidates.interphases import products
from muli.screen.backtest.cells import (
    Setup,
    charges,
    on_lithium,
    resistances,
    thicknesses,
)

WITHIN = 3.0
TIE = 0.02
"""Ratios this close to 1 have no direction."""
FITTED = "Li6PS5Cl"
"""The electrolyte whose products on lithium were measured; others take the same."""
HOURS_PER_CYCLE, HOURS_AT_FIRST = 6.0, 24.0
GRAPHITE_V = 0.1

_LITHIUM_MISSES = {
    "Li6PS5I": "grows 370 times as resistive: another mechanism than its chloride",
    "Li10GeP2S12": "its products conduct electrons (Li-Ge alloys)",
}
_COATING_MISS = "the conductivities of the coating are known within decades only"
_OXIDE_MISS = "a bare oxide gives transition metals to the interphase; how much is not in the model"


def growth_rows() -> list[dict[str, Any]]:
    """One row per comparison: `series`, `quantity`, `predicted`, `measured`, `hit`, `direction`,
    `guess`, `guess_hit`, `trust`, `source`, `reason` (of a miss, where one is known)."""
    return [
        *_on_lithium(),
        *_thresholds(),
        *_steps_of_potential(),
        *_bare_against_coated(),
        *_thickness_series(),
    ]


def summary(rows: list[dict[str, Any]]) -> dict[str, int]:
    """Number of rows, of hits, of right directions and of hits of the guess."""
    return {
        "rows": len(rows),
        "hits": sum(row["hit"] for row in rows),
        "directions": sum(row["direction"] is True for row in rows),
        "guess_hits": sum(row["guess_hit"] for row in rows),
    }


def _row(
    series: str,
    quantity: str,
    predicted: float,
    measured: float,
    fact: Any,
    reason: str = "",
) -> dict[str, Any]:
    """A comparison of two ratios, or of two numbers of which one is 0."""
    return {
        "series": series,
        "quantity": quantity,
        "predicted": float(predicted),
        "measured": float(measured),
        "hit": _close(predicted, measured),
        "direction": _direction(predicted, measured),
        "guess": 1.0,
        "guess_hit": _close(1.0, measured),
        "trust": fact["trust"],
        "source": fact["source"],
        "reason": "" if _close(predicted, measured) else reason,
    }


def _close(predicted: float, measured: float) -> bool:
    if predicted <= 0 or measured <= 0:
        return bool(predicted == measured)
    return bool(abs(math.log(predicted / measured)) <= math.log(WITHIN))


def _direction(predicted: float, measured: float) -> bool | None:
    """Whether both lie on the same side of 1; None where the measured one has no side."""
    if measured <= 0 or abs(math.log(measured)) < TIE:
        return None
    if predicted <= 0 or abs(math.log(predicted)) < TIE:
        return False
    return bool((predicted > 1) == (measured > 1))


def _fact(rows: pd.DataFrame, **where: Any) -> Any:
    """The one row of a table with these values."""
    for column, value in where.items():
        rows = rows[rows[column] == value]
    assert len(rows) == 1, f"{len(rows)} rows have {where}"
    return rows.iloc[0]


def _on_lithium() -> Iterator[dict[str, Any]]:
    """Products of Li6PS5Cl as fitted; a week as another group measured it; other electrolytes."""
    table = reality.growth()
    anode = table[(table["side"] == "anode") & (table["potential_vs_Li_V"] == "0")]
    yield _week(anode)
    yield from _constants(anode)
    yield from _charges(anode[anode["value"].notna()])


def _week(anode: pd.DataFrame) -> dict[str, Any]:
    own = _fact(anode, electrolyte_material=FITTED, quantity="SEI thickness (ToF-SIMS and AFM)")
    long = _fact(
        anode, electrolyte_material=FITTED, quantity="SEI thickness (from charge)", time_h="400"
    )
    week = math.sqrt(own["value_low"] * own["value_high"]) / long["value"]
    nm = thicknesses([on_lithium(FITTED, hours) for hours in (168.0, 400.0)])
    return _row(f"Li | {FITTED}", "thickness, 168 h over 400 h", nm[0] / nm[1], week, own)


def _constants(anode: pd.DataFrame) -> Iterator[dict[str, Any]]:
    constants = anode[anode["quantity"] == "rate constant, resistance"]
    reference = _fact(constants, electrolyte_material=FITTED)
    for _, fact in constants.iterrows():
        name = fact["electrolyte_material"]
        if name in ("", FITTED):
            continue
        R = resistances([on_lithium(material, 1.0, like=FITTED) for material in (name, FITTED)])
        measured = fact["value"] / reference["value"]
        quantity = f"root-time constant of the resistance over that of {FITTED}"
        yield _row(
            f"Li | {name}", quantity, R[0] / R[1], measured, fact, _LITHIUM_MISSES.get(name, "")
        )


def _charges(anode: pd.DataFrame) -> Iterator[dict[str, Any]]:
    charge = _fact(anode, electrolyte_material=FITTED, quantity="charge consumed")
    for name, quantity, hours in (
        ("Li10GeP2S12", "charge consumed", "168"),
        ("Li6.4La3Zr1.4Ta0.6O12", "charge consumed, upper limit", "400"),
    ):
        fact = _fact(anode, electrolyte_material=name, quantity=quantity, time_h=hours)
        q = charges([on_lithium(name, float(hours), like=FITTED), on_lithium(FITTED, 400.0)])
        yield _row(
            f"Li | {name}",
            f"{quantity}, {hours} h, over that of {FITTED} in 400 h",
            q[0] / q[1],
            fact["value"] / charge["value"],
            fact,
            _LITHIUM_MISSES.get(name, ""),
        )


def _cathode(name: str, E: float, hours: float, partner: str, **more: Any) -> Setup:
    return Setup(name, products(name, "cathode", partner), hours, E, **more)


def _thresholds() -> Iterator[dict[str, Any]]:
    """Root-time constants at 4.1, 4.3 and 4.6 V: none below the limit, and a step of potential."""
    table = reality.growth()
    constants = table[table["quantity"] == "rate constant, R_cathode"]
    for name in sorted({str(material) for material in constants["electrolyte_material"]} - {""}):
        facts = constants[constants["electrolyte_material"] == name]
        at = {float(fact["potential_vs_Li_V"]): fact for _, fact in facts.iterrows()}
        R = resistances([_cathode(name, E, 1.0, "oxide") for E in (4.1, 4.3, 4.6)])
        zero = 0.0 if R[0] == 0 else R[0] / max(R[1], R[0])
        reason = "the limit of the library lies below 4.1 V"
        yield _row(
            f"NMC85 | {name}", "growth at 4.1 V over that at 4.3 V", zero, 0.0, at[4.1], reason
        )
        measured = at[4.6]["value"] / at[4.3]["value"]
        step = R[2] / R[1] if R[1] > 0 else math.inf
        reason = "the limit of the library lies above 4.3 V"
        if math.isfinite(step):
            reason = "another electrolyte than the one whose step of potential was fitted"
        yield _row(
            f"NMC85 | {name}",
            "root-time constant, 4.6 V over 4.3 V",
            step,
            measured,
            at[4.6],
            reason,
        )


def _steps_of_potential() -> Iterator[dict[str, Any]]:
    """LiCoO2 | Li5.5PS4.5Cl1.5 at 4.22, 4.52 and 4.82 V; the hole slope is fitted on the first
    step of the bare cell, which is left out."""
    cells = reality.published_cells()
    cells = cells[cells["source"] == "Wei2023"]
    for sample, facts in cells.groupby("sample", sort=False):
        facts = facts.sort_values("V_upper_vs_Li_V")
        name = facts["electrolyte_material"].iloc[0]
        E, measured = facts["V_upper_vs_Li_V"].to_numpy(), facts["R_last_ohm_cm2"].to_numpy()
        R = resistances([_cathode(name, V, HOURS_PER_CYCLE * 100, "oxide") for V in E])
        for k in (1, 2):
            if sample == "bare" and k == 1:
                continue
            quantity = f"resistance, {E[k]:g} V over {E[k - 1]:g} V"
            ratios = R[k] / R[k - 1], measured[k] / measured[k - 1]
            yield _row(f"{name}, {sample}", quantity, *ratios, facts.iloc[k])


def _pairs() -> pd.DataFrame:
    """Coated samples with the resistance of their control, `R_bare`, where the cell is known."""
    cells = reality.published_cells()
    cells["R"] = cells["R_last_ohm_cm2"].fillna(cells["R_last_ohm"])
    first = cells["R_first_ohm_cm2"].fillna(cells["R_first_ohm"])
    cells["hours"] = np.where(cells["R"].isna(), HOURS_AT_FIRST, HOURS_PER_CYCLE * cells["cycles"])
    cells["R"] = cells["R"].fillna(first)
    control = cells[cells["role"] == "control"][["series", "R"]]
    pairs = cells[cells["role"] == "coated"].merge(control, on="series", suffixes=("", "_bare"))
    E = pairs["V_upper_vs_Li_V"].fillna(pairs["V_upper_vs_anode_V"] + GRAPHITE_V)
    pairs["E"] = E.where(pairs["anode"].isin(["graphite"]) | pairs["V_upper_vs_Li_V"].notna())
    known = (pairs["electrolyte_material"] != "") & (pairs["coating_material"] != "")
    return pairs[known & pairs[["R", "R_bare", "E", "thickness_nm"]].notna().all(axis=1)]


def _bare_against_coated() -> Iterator[dict[str, Any]]:
    """Two predictions of each ratio: one interphase for both, and, from the other sources, an
    interphase against an oxide and one against a coating (their mean ratio)."""
    pairs = _pairs()
    ratio = pairs["R_bare"] / pairs["R"]
    bare, coated = [], []
    for _, fact in pairs.iterrows():
        name, E, hours = fact["electrolyte_material"], fact["E"], fact["hours"]
        film = (fact["coating_material"], fact["thickness_nm"])
        bare.append(_cathode(name, E, hours, "coating"))
        coated.append(_cathode(name, E, hours, "coating", coating=film))
    R = np.split(resistances([*bare, *coated]), 2)
    mean = ratio.map(math.log).groupby(pairs["source"]).mean()
    for k, (_, fact) in enumerate(pairs.iterrows()):
        series = f"{fact['series']}, {fact['sample']}"
        others = math.exp(mean.drop(fact["source"]).mean())
        model = R[0][k] / R[1][k]
        reason = _OXIDE_MISS if model < ratio.iloc[k] and model > 1 / WITHIN else _COATING_MISS
        for words, predicted, why in (
            ("one interphase for both", model, reason),
            ("mean of the other sources", others, _OXIDE_MISS),
        ):
            yield _row(series, f"bare over coated: {words}", predicted, ratio.iloc[k], fact, why)


def _thickness_series() -> Iterator[dict[str, Any]]:
    """Coated samples of one series, each thickness over the one before it."""
    for series, facts in _pairs().groupby("series"):
        facts = facts.sort_values("thickness_nm")
        if facts["thickness_nm"].nunique() < 2:
            continue
        setups = [
            _cathode(
                fact["electrolyte_material"],
                fact["E"],
                fact["hours"],
                "coating",
                coating=(fact["coating_material"], fact["thickness_nm"]),
            )
            for _, fact in facts.iterrows()
        ]
        R, measured, nm = (
            resistances(setups),
            facts["R"].to_numpy(),
            facts["thickness_nm"].to_numpy(),
        )
        for k in range(1, len(facts)):
            quantity = f"resistance, {nm[k]:g} nm over {nm[k - 1]:g} nm"
            ratios = R[k] / R[k - 1], measured[k] / measured[k - 1]
            yield _row(str(series), quantity, *ratios, facts.iloc[k])
