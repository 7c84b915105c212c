"""Properties of the interphases that an electrolyte forms, by side and by the phase it touches.

Keyed by electrolyte, side (`cathode`, `anode`) and partner: `oxide` (a bare cathode, whose
transition metals enter the products), `coating`, `lithium`. Every property has a spread; where
nothing was measured, that of the wide prior under the electrolyte `*`.

    from muli.candidates.interphases import products

    products("Li6PS5Cl", "anode", "lithium").sigma_ion.value     # 7e-07 S/cm
"""

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import pandas as pd

from muli.candidates.tables import LIBRARY

SIDES = ("cathode", "anode")
PARTNERS = {"cathode": ("oxide", "coating"), "anode": ("lithium", "coating")}
PROPERTIES = (
    "products",
    "sigma_ion_S_cm",
    "sigma_ele_S_cm",
    "hole_slope",
    "hole_reference_V",
    "hole_floor_S_cm",
    "volume_per_charge_cm3_C",
    "reaction_rate_cm_s",
)
KINDS = ("derived", "prior")
ANY = "*"


class Estimate(NamedTuple):
    """A value, the standard deviation of its log10 (NaN: none stated), and where it is from.

    kind: "derived" from published numbers as `derivation` says, or "prior".
    """

    value: float
    sd_log10: float
    kind: str
    source: str
    derivation: str


@dataclass(frozen=True)
class Products:
    """The products of an electrolyte on one side, as one layer.

    sigma_ion, sigma_ele: S/cm. hole_slope: z of exp(z (E - E_ref)/V_T), by which sigma_ele follows
    the potential, sigma_ele being that at `hole_reference`, V, above `hole_floor`, S/cm, which does
    not follow it; all None where it is constant. volume_per_charge: cm3/C.
    reaction_rate: cm/s, None where no reaction limits. names: of the products, where stated.
    """

    electrolyte: str
    side: str
    partner: str
    names: tuple[str, ...]
    sigma_ion: Estimate
    sigma_ele: Estimate
    hole_slope: Estimate | None
    hole_reference: Estimate | None
    hole_floor: Estimate | None
    volume_per_charge: Estimate
    reaction_rate: Estimate | None


def interphases() -> pd.DataFrame:
    """The table itself, one row per property; text unchanged."""
    return _table().copy()


def products(electrolyte: str, side: str, partner: str) -> Products:
    """Products of this electrolyte on this side; a property without a row is that of the prior.

    Raises `ValueError` for a side or partner that does not exist; an electrolyte without rows of
    its own has the prior's.
    """
    if side not in SIDES or partner not in PARTNERS[side]:
        known = ", ".join(f"{s} | {p}" for s in SIDES for p in PARTNERS[s])
        raise ValueError(f"no interphase {side} | {partner}; there are {known}")
    names = _row(electrolyte, side, partner, "products", own=True)
    return Products(
        electrolyte,
        side,
        partner,
        () if names is None else tuple(part.strip() for part in names["value"].split(";")),
        _needed(electrolyte, side, partner, "sigma_ion_S_cm"),
        _needed(electrolyte, side, partner, "sigma_ele_S_cm"),
        _estimate(electrolyte, side, partner, "hole_slope"),
        _estimate(electrolyte, side, partner, "hole_reference_V"),
        _estimate(electrolyte, side, partner, "hole_floor_S_cm"),
        _needed(electrolyte, side, partner, "volume_per_charge_cm3_C"),
        _estimate(electrolyte, side, partner, "reaction_rate_cm_s"),
    )


def _needed(electrolyte: str, side: str, partner: str, name: str) -> Estimate:
    estimate = _estimate(electrolyte, side, partner, name)
    assert estimate is not None, f"the table has no prior of {name} for {side} | {partner}"
    return estimate


def _estimate(electrolyte: str, side: str, partner: str, name: str) -> Estimate | None:
    row = _row(electrolyte, side, partner, name)
    if row is None:
        return None
    sd = float(row["sd_log10"]) if row["sd_log10"] else float("nan")
    return Estimate(float(row["value"]), sd, row["kind"], row["source"], row["derivation"])


def _row(
    electrolyte: str, side: str, partner: str, name: str, *, own: bool = False
) -> dict[str, str] | None:
    """The row of this electrolyte, else the prior's; None where neither has the property."""
    rows = _rows()
    mine = rows.get((electrolyte, side, partner, name))
    return mine if mine is not None or own else rows.get((ANY, side, partner, name))


@cache
def _rows() -> dict[tuple[str, str, str, str], dict[str, str]]:
    records = _table().to_dict("records")
    return {
        (r["electrolyte"], r["side"], r["partner"], r["property"]): {
            str(key): str(value) for key, value in r.items()
        }
        for r in records
    }


@cache
def _table() -> pd.DataFrame:
    path = LIBRARY / "interphases.csv"
    return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
