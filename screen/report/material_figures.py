"""Pictures of the materials: windows, reaction energies, and the uncertainty of sigma_ele."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from muli.kernels import layer_resistance, required_resistance, sigma_ele_at_resistance
from muli.kernels.constants import CM_PER_NM, CM_PER_UM
from muli.screen.compiling.programs import kept
from muli.screen.pictures import labels
from muli.screen.report import material_charts as material
from muli.screen.report import ranking_charts as charts
from muli.screen.report.columns import REACTIONS, evidence, plain
from muli.screen.report.page import Picture

LEADERS = 20
NAMED = 14
FEWEST = 3
THINNEST_NM = 0.1
"""A coating whose largest thickness is below this, about an atom, is left out."""
DECADES = 3.0
"""Most decades from the middle of a bar to its ends: the window's error may move an end to zero."""


def pictures(
    rows: pd.DataFrame,
    cell: pd.DataFrame,
    numbers: pd.DataFrame,
    materials: Mapping[str, pd.DataFrame],
    settings: Mapping[str, Any],
) -> list[Picture]:
    """Pictures of the first row's cell. `rows`: the table; `cell`: a row per coating of that cell,
    `numbers` those of its stacks; `settings`: the spec's `[screen]` section."""
    if not len(rows) or not len(cell):
        return []
    place = {name: number for number, name in enumerate(rows["coating"].unique())}
    order = cell["coating"].map(plain).map(place).fillna(len(place)).sort_values(kind="stable")
    cell, numbers = cell.loc[order.index], numbers.loc[order.index]
    cell_text = plain(f"{rows['electrolyte'][0]} against {rows['against'][0]}")
    all_pictures = [
        _windows(cell, numbers, cell_text),
        _reactions(cell, cell_text),
        _tolerance(cell, numbers, materials, settings, cell_text),
    ]
    return [picture for picture in all_pictures if picture is not None]


def _windows(cell: pd.DataFrame, numbers: pd.DataFrame, told: str) -> Picture | None:
    known = numbers[["coating_reduction_limit_V", "coating_oxidation_limit_V"]].notna().any(axis=1)
    chosen = numbers[known].head(LEADERS)
    if len(chosen) < FEWEST:
        return None
    frame = pd.DataFrame(
        {
            "coating": cell.loc[chosen.index, "coating"].map(plain),
            "low": chosen["coating_reduction_limit_V"],
            "high": chosen["coating_oxidation_limit_V"],
        }
    )
    first = numbers.iloc[0]
    window = [first[f"electrolyte_{side}_limit_V"] for side in ("reduction", "oxidation")]
    return Picture(
        "windows",
        "body",
        "Where each coating is stable",
        f"Bars of the stability windows of {len(frame)} coatings on one axis of potential, beside "
        f"the window of the electrolyte and the cathode's potential, for {told}.",
        f"Computed windows of the first coatings, for {told}. The tall band is the electrolyte's "
        "window, the dashed line the cathode. A bar that ends left of the line oxidises at the "
        "cathode; one that does not reach the band is reduced where it meets the electrolyte. A "
        "single stroke is the one limit that is known.",
        charts.specification(material.windows(frame, window, float(first["cathode_potential_V"]))),
    )


def _reactions(cell: pd.DataFrame, told: str) -> Picture | None:
    if not set(REACTIONS) <= set(cell):
        return None
    known = cell.dropna(subset=list(REACTIONS))
    if len(known) < FEWEST:
        return None
    x, y = (known[name].astype(float) for name in REACTIONS)
    names = known["coating"].map(plain)
    stronger = known[list(REACTIONS)].astype(float).min(axis=1)
    inert = stronger.sort_values(ascending=False, kind="stable").index
    low = material.lowest(x), material.lowest(y)
    side = labels.placed(
        labels.share(x[inert], low[0], 0.0),
        labels.share(y[inert], low[1], 0.0),
        names[inert],
        NAMED,
    )
    frame = pd.DataFrame(
        {
            "coating": names,
            "kind": material.grouped(known["family"]),
            "cathode": x.round(1),
            "electrolyte": y.round(1),
            "side": side,
        }
    )
    return Picture(
        "reactions",
        "body",
        "What reacts with what",
        f"A scatter plot for {told}: the computed reaction energy of each coating with the cathode "
        "and with the electrolyte. The upper right corner, zero and zero, is inert.",
        f"For {told}, meV per atom of the mixture: the upper right corner is inert. Below about "
        "−100 in either a thin film is likely to react when it is made or heated.",
        charts.specification(material.reactions(frame, low)),
    )


def _tolerance(
    cell: pd.DataFrame,
    numbers: pd.DataFrame,
    materials: Mapping[str, pd.DataFrame],
    settings: Mapping[str, Any],
    told: str,
) -> Picture | None:
    frame = tolerable(cell, numbers, materials, float(settings["window_tolerance_V"]))
    frame = frame[(frame["middle"] > 0) & np.isfinite(frame["middle"])].head(LEADERS)
    if len(frame) < FEWEST or (frame["middle"].nunique() < FEWEST and frame["known"].isna().all()):
        return None
    frame = frame.assign(coating=frame["coating"].map(plain))
    return Picture(
        "tolerance",
        "body",
        "How sure is it: the leakage each coating may have",
        f"Bars for {told}: the electronic conductivity with which each coating would still protect "
        "at its largest thickness, from the cautious to the hopeful end, and as a point what is "
        "known of it.",
        f"For {told}. A bar is the largest electronic conductivity with which the coating protects "
        "at the thickness written beside it, the largest it can be; it is as long as the spread of "
        "the electrolyte's own measured conductivity and the error of its window make it. A point "
        "is what is known of the coating, with its standard deviation or the range of its sources: "
        "left of the bar it protects, right of it it does not.",
        charts.specification(material.tolerable(frame)),
    )


def tolerable(
    cell: pd.DataFrame,
    numbers: pd.DataFrame,
    materials: Mapping[str, pd.DataFrame],
    tolerance_V: float,
) -> pd.DataFrame:
    """The largest tolerable sigma_ele at the largest thickness, and what is known of the coating.

    `low`, `middle`, `high` (S/cm): over the spread of the electrolyte's sigma_ele in its sources
    and the window's error; `known_low`, `known`, `known_high`: the coating's own, NaN where none.
    """
    chosen = numbers[
        cell["max_thickness_nm"].ge(THINNEST_NM) & np.isfinite(cell["max_thickness_nm"])
    ]
    cell = cell.loc[chosen.index]
    assumed = cell.get("assumed", pd.Series("", index=cell.index)).fillna("").astype(str)
    frame = pd.DataFrame({"coating": cell["coating"], "thickness_nm": cell["max_thickness_nm"]})
    leaks = _spread(cell, chosen, assumed, materials, "electrolyte")
    for name, leak, shift in zip(("low", "middle", "high"), leaks, (-1, 0, 1), strict=True):
        frame[name] = _most(frame["thickness_nm"], chosen, leak, shift * tolerance_V)
    frame["low"] = np.maximum(frame["low"], frame["middle"] * 10**-DECADES)
    frame["high"] = np.minimum(frame["high"], frame["middle"] * 10**DECADES)
    if "sigma_ele_median_S_cm" in cell:
        median, factor = cell["sigma_ele_median_S_cm"], 10.0 ** cell["sigma_ele_decades"]
        own, known_as = [median / factor, median, median * factor], cell["sigma_ele_basis"]
    else:
        own = _spread(cell, chosen, assumed, materials, "coating")
        known_as = cell["evidence_sigma_ele"].map(evidence)
    frame["known_low"], frame["known"], frame["known_high"] = own
    return frame.assign(evidence=known_as)


def _spread(
    cell: pd.DataFrame,
    numbers: pd.DataFrame,
    assumed: "pd.Series[str]",
    materials: Mapping[str, pd.DataFrame],
    role: str,
) -> "list[pd.Series[float]]":
    """sigma_ele of a layer: the lowest of its sources, the run's value, the highest."""
    value = numbers[f"{role}_sigma_ele_S_cm"]
    from_spec = assumed.str.contains(f"{role}.sigma_ele_S_cm", regex=False)
    table = materials[role].reindex(cell[role]).set_axis(cell.index)
    ends = [table[f"sigma_ele_S_cm_{end}"].astype(float).mask(from_spec) for end in ("low", "high")]
    low, high = (end.fillna(value) for end in ends)
    geometric = (low * high) ** 0.5
    middle = value.fillna(geometric) if role == "coating" else value
    return [low.clip(upper=middle), middle, high.clip(lower=middle)]


def _most(
    thickness_nm: "pd.Series[float]", found: pd.DataFrame, leak: "pd.Series[float]", shift_V: float
) -> Any:
    """The largest sigma_ele that protects, with another sigma_ele and limit of the electrolyte."""

    limit = "electrolyte_oxidation_limit_V"
    shifted = found.assign(**{limit: found[limit] + shift_V})
    columns = {name: shifted[name] for name in _DECIDING} | {"leak": leak, "nm": thickness_nm}
    return np.asarray(
        _tolerable({k: jnp.asarray(v.to_numpy(np.float64)) for k, v in columns.items()})
    )


_DECIDING = (
    "electrolyte_thickness_um",
    "electrolyte_sigma_ion_S_cm",
    "anode_potential_V",
    "cathode_potential_V",
    "electrolyte_oxidation_limit_V",
    "coating_sigma_ion_S_cm",
)


@kept("tolerable sigma_ele of a page")
def _tolerable(columns: dict[str, jax.Array]) -> jax.Array:
    """The largest sigma_ele (S/cm) of coatings (rows,) whose electrolytes conduct `leak` (S/cm)."""
    electrolyte = layer_resistance(
        columns["electrolyte_thickness_um"] * CM_PER_UM,
        columns["electrolyte_sigma_ion_S_cm"],
        columns["leak"],
    )
    required = required_resistance(
        columns["anode_potential_V"],
        columns["cathode_potential_V"],
        electrolyte,
        columns["electrolyte_oxidation_limit_V"],
    )
    thickness = columns["nm"] * CM_PER_NM
    return sigma_ele_at_resistance(required, thickness, columns["coating_sigma_ion_S_cm"])
