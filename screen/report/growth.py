"""What the what-if panel needs for interphases that grow: products by electrolyte, and settings."""

from collections.abc import Iterable, Mapping
from typing import Any

from muli.screen.report.columns import plain
from muli.screen.space.products import TOUCHES, Made, made
from muli.screen.spec import Ageing

YEARS_AT_FIRST = 1.0
"""Initial value of the time slider."""
CELL = (
    "Products are the library's medians at room temperature: under the coating as the sliders "
    "say, at the anode and in holes (against the oxide) as they are known. "
)
COUNTS = {
    True: "The interphases of both sides count against the budget.",
    False: "The anode's interphase does not count against the budget.",
}


def settings(electrolytes: Iterable[Any], given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Starting values of the panel, and `products` of every electrolyte by its name on the page.

    given: `[ageing]` of the spec, None where it has none.
    """
    ageing = Ageing.model_validate(given or {})
    names = list(dict.fromkeys(electrolytes))
    all_products = {touches: made([str(name) for name in names], touches) for touches in TOUCHES}
    return {
        "ageing_years": YEARS_AT_FIRST,
        "coverage": ageing.coverage,
        "hole_radius_nm": ageing.hole_radius_nm,
        "count_anode_side": ageing.count_anode_side,
        "products": {
            plain(name): {
                touches: _layer(products, place) for touches, products in all_products.items()
            }
            for place, name in enumerate(names)
        },
    }


def told(given: Mapping[str, Any] | None) -> str:
    """The note under the panel's answers on growth."""
    return CELL + COUNTS[Ageing.model_validate(given or {}).count_anode_side]


def _layer(of: Made, place: int) -> dict[str, float]:
    """Medians of one electrolyte's products under the names of the library's table."""
    columns = {
        "sigma_ion_S_cm": of.sigma_ion.value,
        "sigma_ele_S_cm": of.sigma_ele.value,
        "volume_per_charge_cm3_C": of.volume_per_charge.value,
        "reaction_rate_cm_s": of.reaction_rate.value,
        "hole_slope": of.hole_slope,
        "hole_reference_V": of.hole_reference,
        "hole_floor_S_cm": of.hole_floor,
    }
    return {name: float(column[place]) for name, column in columns.items()}
