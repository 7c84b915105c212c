"""An interphase's resistance against the root of time: r v, and more with a thickness.

While an interphase of thickness l grows by diffusion (no coating, far from its final thickness),

    r l^2/2 = v D t,   r = 1/sigma_ion + 1/sigma_ele,   R = R_0 + l/sigma_ion

so that R = R_0 + k sqrt(t) with k^2 = 2 D v/(r sigma_ion^2). D (V) is the potential between the
electrolyte's limit and the electrode, v (cm3/C) the volume of products per charge. k and D alone
give v/(r sigma_ion^2), which is r v where the products conduct electrons (r = 1/sigma_ion). The
thickness at a time gives sigma_ion, and with v or the charge (l = v Q) r and sigma_ele as well.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

from muli.kernels.constants import CM_PER_NM
from muli.screen.errors import UsageError
from muli.screen.measuring.columns import Floats, read_columns
from muli.screen.measuring.headings import PREFIXES, Quantity
from muli.screen.measuring.series import QUANTITIES as SERIES

_OHM = {f"{prefix}ohm": PREFIXES[prefix] for prefix in ("", "k", "m")} | {"Mohm": 1e6}
_NAMES = ("r", "resistance", "asr", "r int", "r interphase", "interphase resistance", "widerstand",
          "r sei", "area specific resistance", "specific resistance")  # fmt: skip
QUANTITIES = {
    "time": SERIES["time"],
    "resistance": Quantity(_NAMES, "ohm", {**_OHM}),
    "specific resistance": Quantity(
        _NAMES,
        "ohm cm2",
        {f"{unit}cm2": factor for unit, factor in _OHM.items()}
        | {f"{unit}m2": 1e4 * factor for unit, factor in _OHM.items()},
    ),
}
FEWEST = 5
COULOMB_PER_UAH = 3.6e-3
ROOT_WITHIN = 0.1
"""An exponent of time this near to 1/2 counts as parabolic."""


@dataclass(frozen=True)
class Beside:
    """What is known beside a resistance; None where it is not.

    drive_V: between the electrolyte's limit and the electrode. thickness_nm, charge_uAh_cm2: of the
    interphase at the last time. volume_cm3_C: of products per charge.
    """

    drive_V: float | None = None
    thickness_nm: float | None = None
    charge_uAh_cm2: float | None = None
    volume_cm3_C: float | None = None


@dataclass(frozen=True)
class GrowthMeasured:
    """Result of resistances over time: numbers, units in their names, `_sd` beside fitted ones."""

    numbers: dict[str, float]
    law: str = "root of time"
    parabolic: bool = True
    notes: list[str] = field(default_factory=list)


def read_resistance(path: str | Path, area_cm2: float | None) -> tuple[Floats, Floats, list[str]]:
    """Times (s), specific resistances (ohm cm2) and notes. Raises `UsageError` in one line."""
    columns = read_columns(path, QUANTITIES)
    kind = next((k for k in ("specific resistance", "resistance") if k in columns.values), None)
    if "time" not in columns.values:
        raise UsageError(f"{path}: no column of a time (t in s, min, h or d)")
    if kind is None:
        raise UsageError(f"{path}: no column of a resistance (R in ohm or ohm cm2)")
    if kind == "resistance" and area_cm2 is None:
        raise UsageError(f"{path}: resistances in ohm: give --cm2, the area of the interface")
    if area_cm2 is not None and not 0 < area_cm2 < 1e4:
        raise UsageError(f"--cm2 {area_cm2:g}: expected more than 0")
    columns = columns.only({"time", kind})
    t, R = columns.values["time"], columns.values[kind]
    for name, values, most in (("time in s", t, 1e12), ("resistance", R, 1e15)):
        wrong = ~((values >= 0) & (values <= most))
        if wrong.any():
            at = int(np.flatnonzero(wrong)[0])
            raise UsageError(
                f"{path}, row {columns.rows[at]}, {name}: {values[at]:g}; expected 0 to {most:g}"
            )
    if len(t) < FEWEST or np.ptp(t) == 0:
        raise UsageError(f"{path}: {len(t)} points; expected {FEWEST} or more at several times")
    return t, R * (area_cm2 or 1.0) if kind == "resistance" else R, columns.notes


def fit_resistance(t: Floats, R: Floats, notes: Sequence[str], beside: Beside) -> GrowthMeasured:
    """R = R_0 + k sqrt(t) by least squares, and what follows from it with `beside`.

    t: (n,) s. R: (n,) ohm cm2.
    """
    _check(beside)
    root = np.sqrt(t)
    design = np.stack([np.ones_like(root), root], axis=1)
    (R_0, k), *_ = np.linalg.lstsq(design, R, rcond=None)
    error = R - design @ np.array([R_0, k])
    covariance = np.linalg.pinv(design.T @ design) * (error @ error) / max(len(t) - 2, 1)
    sd = np.sqrt(np.diag(covariance))
    if not k > 2.0 * sd[1]:
        raise UsageError("the resistance does not grow with the root of time: nothing to read off")
    numbers = {"R_0_ohm_cm2": float(R_0), "R_0_ohm_cm2_sd": float(sd[0]),
               "slope_ohm_cm2_s^-0.5": float(k), "slope_ohm_cm2_s^-0.5_sd": float(sd[1]),
               "slope_ohm_cm2_h^-0.5": float(60.0 * k)}  # fmt: skip
    exponent, spread = _exponent(t, R, float(R_0), float(k))
    numbers |= {"exponent": exponent, "exponent_sd": spread}
    parabolic = abs(exponent - 0.5) <= ROOT_WITHIN + 2.0 * spread
    remarks = list(notes)
    if not parabolic:
        remarks.append(f"R grows as t^{exponent:.2g}, not as its root: growth is not parabolic")
    numbers |= _products(float(k), float(t.max()), float(sd[1] / k), beside, remarks)
    return GrowthMeasured(numbers, parabolic=parabolic, notes=remarks)


def _check(beside: Beside) -> None:
    for name, option, most in (
        ("drive_V", "--drive", 10.0),
        ("thickness_nm", "--interphase-nm", 1e6),
        ("charge_uAh_cm2", "--charge", 1e6),
        ("volume_cm3_C", "--volume", 1.0),
    ):
        value = getattr(beside, name)
        if value is not None and not 0 < value <= most:
            raise UsageError(f"{option} {value:g}: expected more than 0, at most {most:g}")


def _exponent(t: Floats, R: Floats, R_0: float, k: float) -> tuple[float, float]:
    """b of R = R_0 + k t^b, and its error."""
    longest, scale = float(t.max()), float(np.ptp(R))

    def residual(x: Floats) -> Floats:
        return (x[0] + x[1] * (t / longest) ** x[2] - R) / scale

    low, high = (-np.inf, 0.0, 0.02), (np.inf, np.inf, 4.0)
    run = least_squares(residual, (R_0, k * math.sqrt(longest), 0.5), bounds=(low, high))
    J = np.asarray(run.jac, np.float64)
    variance = np.linalg.pinv(J.T @ J)[2, 2] * 2.0 * run.cost / max(len(t) - 3, 1)
    return float(run.x[2]), float(np.sqrt(max(variance, 0.0)))


def _products(
    k: float, last_s: float, relative_sd: float, beside: Beside, notes: list[str]
) -> dict[str, float]:
    """What follows from the slope k, ohm cm2/s^0.5, with what is known beside it."""
    numbers: dict[str, float] = {}
    thickness, volume = _thickness_and_volume(beside)
    if beside.drive_V is not None:
        numbers["r_v_ohm_cm4_C"] = k**2 / (2.0 * beside.drive_V)
        numbers["r_v_ohm_cm4_C_sd"] = 2.0 * relative_sd * numbers["r_v_ohm_cm4_C"]
        notes.append("r v holds where the products conduct electrons; else it is v/(r sigma_ion^2)")
    if thickness is None:
        notes.append("a thickness (or a charge and a volume per charge) would give sigma_ion")
        return numbers
    sigma_ion = thickness / (k * math.sqrt(last_s))
    numbers |= {"sigma_ion_S_cm": sigma_ion, "sigma_ion_S_cm_sd": relative_sd / math.log(10.0)}
    if volume is None or beside.drive_V is None:
        notes.append("the drive and a charge or a volume per charge would give sigma_ele")
        return numbers
    r = 2.0 * volume * beside.drive_V * last_s / thickness**2
    numbers |= {"volume_per_charge_cm3_C": volume, "r_ohm_cm": r}
    if r * sigma_ion > 1.0:
        numbers["sigma_ele_S_cm"] = 1.0 / (r - 1.0 / sigma_ion)
    else:
        notes.append("r is not above 1/sigma_ion: the products conduct electrons, no sigma_ele")
    return numbers


def _thickness_and_volume(beside: Beside) -> tuple[float | None, float | None]:
    """cm and cm3/C, each from what is given or from the others by l = v Q."""
    thickness = None if beside.thickness_nm is None else beside.thickness_nm * CM_PER_NM
    charge = beside.charge_uAh_cm2
    charge = None if charge is None else charge * COULOMB_PER_UAH
    volume = beside.volume_cm3_C
    if thickness is not None and charge is not None and volume is not None:
        raise UsageError("--interphase-nm, --charge and --volume: two of them give the third")
    if charge is not None and volume is not None:
        thickness = volume * charge
    elif charge is not None and thickness is not None:
        volume = thickness / charge
    return thickness, volume
