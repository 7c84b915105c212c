"""What to measure next, on the page: a table, and the gain against the present p_works."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from muli.screen.pictures import labels
from muli.screen.ranking.next import what_to_measure
from muli.screen.report import ranking_charts as charts
from muli.screen.report.assumed import short
from muli.screen.report.columns import plain
from muli.screen.report.page import Picture
from muli.screen.report.scenarios import Listing
from muli.screen.views.works import BARE

SHOWN = 12
DRAWN = 60
NAMED = 12
PROPERTIES = {
    "sigma_ele_S_cm": ("σₑ", "S/cm"),
    "sigma_ion_S_cm": ("σᵢ", "S/cm"),
    "oxidation_limit_V": ("oxidation limit", "V"),
    "reduction_limit_V": ("reduction limit", "V"),
}
LEAST = 5e-4
"""Smaller gains are not shown."""


@dataclass(frozen=True)
class Worth:
    """One line of the table: what to measure, the gains in percentage points, and the value that
    would change the choice."""

    material: str
    quantity: str
    gain: str
    by_another: str
    changes: str
    value_to_beat: str


def measurements(listed: Listing) -> pd.DataFrame:
    """What each measurement is worth in the first scenario, best first, as `muli next` has it.

    The table is empty for a run without probabilities and for several folders.
    """
    if not listed.believed or len(listed.results.folders) > 1:
        return pd.DataFrame()
    return what_to_measure(listed.results, cell=listed.condition(0))


def table(gains: pd.DataFrame) -> list[Worth]:
    """The first measurements in words."""
    worth = gains[gains["gain_p_works"] >= LEAST] if len(gains) else gains
    return [_line(row) for row in worth.head(SHOWN).to_dict("records")]


def _line(row: Mapping[Any, Any]) -> Worth:
    quantity, unit = PROPERTIES[row["property"]]
    beat = float(row["value_to_beat"])
    value = f"{beat:.2f}" if unit == "V" else short(f"{beat:.2g}")
    return Worth(
        plain(row["material"]),
        quantity,
        _points(row["gain_p_works"]),
        _points(row["gain_of_another_coating"]),
        _points(row["p_change_of_choice"]),
        "" if beat != beat else f"{value} {unit}",
    )


def _points(share: float) -> str:
    return f"{100.0 * share:.1f}"


def pictures(gains: pd.DataFrame, ranked: pd.DataFrame) -> list[Picture]:
    """The gain from each measurement against the present p_works."""
    worth = gains[gains["gain_p_works"] >= LEAST].head(DRAWN) if len(gains) else gains
    first = ranked[ranked["scenario"] == 0].drop_duplicates("coating").set_index("coating")
    if worth.empty:
        return []
    best = float(first.drop(BARE, errors="ignore")["p_works"].max())
    today = worth["material"].map(first["p_works"]).fillna(best).astype(float)
    frame = pd.DataFrame(
        {
            "label": worth["material"].map(plain),
            "property": [PROPERTIES[name][0] for name in worth["property"]],
            "works": (100.0 * today).round(2),
            "gain": (100.0 * worth["gain_p_works"]).round(2),
        }
    )
    frame["side"] = labels.placed(
        labels.share(frame["works"], 0.0, float(frame["works"].max())),
        labels.share(frame["gain"], 0.0, float(frame["gain"].max())),
        frame["label"],
        NAMED,
    )
    top = frame.iloc[0]
    return [
        Picture(
            "worth",
            "measure",
            "What a measurement is worth",
            f"A scatter plot of {len(frame)} measurements: the gain in the probability of the best "
            "choice against the probability with which the material works today. The most is "
            f"gained by measuring {top['property']} of {top['label']}.",
            "Up: worth more. Right: works more likely today. The electrolyte's own properties "
            "stand at the first coating's probability.",
            charts.specification(charts.worth(frame)),
        )
    ]
