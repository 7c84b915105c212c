"""How the interphases of one cell grow, with the library's properties of the products.

On the cathode side the products are those under a coating, or against a bare oxide; on the anode
side those on lithium. Faces, laws and times are those of `muli age`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from muli.candidates.interphases import Products, products
from muli.kernels.constants import ROOM_TEMPERATURE
from muli.screen.solving.age import age_cells, answer
from muli.screen.solving.age_file import AgeEntry, products_entry
from muli.screen.solving.named import Named
from muli.screen.space.conductivity import AS_MEASURED_WITHIN_K

MONTH_S, YEAR_S = 2.6298e6, 3.15576e7
TIMES_S = {"1_month": MONTH_S, "1_year": YEAR_S, "10_years": 10.0 * YEAR_S}
"""Times reported for every cell, by the endings of their columns."""
SIDES = {
    "cathode": ("interphase_nm", "final_nm", "interphase_final_nm"),
    "anode": ("anode_interphase_nm", "anode_final_nm", "anode_interphase_final_nm"),
}


@dataclass(frozen=True)
class Growth:
    """Interphases against time.

    rows: by the names of `muli age`. columns: at the requested times of `TIMES_S`, by the
    names of a run.
    """

    rows: dict[str, Any]
    columns: dict[str, float]


def grown(named: Named, times_s: tuple[float, ...] = tuple(TIMES_S.values())) -> Growth | None:
    """Growth in a cell; None where a conductivity or every limit of the electrolyte is unknown.

    times_s: after contact.
    """
    if not (interphases := _made(named)):
        return None
    entry = _entry(named, interphases, times_s)
    rows = answer(entry, age_cells([entry])[0])
    return Growth(rows, _columns(rows, times_s))


def growth_notes(named: Named) -> tuple[str, ...]:
    """The assumptions of growth in a cell."""
    notes = []
    if not (interphases := _made(named)):
        return ()
    for interphase in interphases.values():
        partner = {"oxide": "a bare oxide", "coating": "a coating", "lithium": "lithium"}
        prior = "prior" in (interphase.sigma_ion.kind, interphase.sigma_ele.kind)
        basis = "never measured, a wide prior" if prior else "derived from published cells"
        notes.append(
            f"products of {interphase.electrolyte} on {partner[interphase.partner]}: sigma_ion "
            f"{interphase.sigma_ion.value:g}, sigma_ele {interphase.sigma_ele.value:g} S/cm, "
            f"{basis}"
        )
    if abs(named.entry.temperature_K - ROOM_TEMPERATURE) > AS_MEASURED_WITHIN_K:
        notes.append("properties of interphases are those of room temperature")
    if named.entry.current_density_mA_cm2:
        notes.append("interphases grow as at open circuit, whatever current flows")
    return tuple(notes)


def _made(named: Named) -> dict[str, Products]:
    """The products of each side that may grow; none where a conductivity is unknown.

    Where the anode side is kept at the electrode's potential nothing grows there.
    """
    if named.stack is None:
        return {}
    layer, coated = named.stack.layers[0], named.entry.coating is not None
    partners = {}
    if layer.oxidation_limit_V is not None:
        partners["cathode"] = "coating" if coated else "oxide"
    if layer.reduction_limit_V is not None and named.entry.boundary != "electrode":
        partners["anode"] = "lithium"
    return {side: products(str(layer.name), side, partner) for side, partner in partners.items()}


def _entry(named: Named, made: dict[str, Products], times_s: tuple[float, ...]) -> AgeEntry:
    stack = named.stack
    assert stack is not None
    keys = {"cathode": "interphase", "anode": "anode_interphase"}
    return AgeEntry.model_validate(
        {
            **stack.model_dump(exclude_none=True, exclude={"current_density_A_cm2"}),
            "E_anode_V": named.anode_V,
            "reduction_limit_V": stack.layers[0].reduction_limit_V,
            "times_s": list(times_s),
            "boundary": "given" if named.entry.boundary == "electrode" else "auto",
            **{keys[side]: products_entry(interphase) for side, interphase in made.items()},
        }
    )


def _columns(rows: dict[str, Any], times_s: tuple[float, ...]) -> dict[str, float]:
    columns: dict[str, float] = {}
    for label, time in TIMES_S.items():
        if time not in times_s:
            continue
        place = times_s.index(time)
        for name in ("interphase_nm", "anode_interphase_nm", "asr_interphase_ohm_cm2"):
            if name in rows:
                columns[f"{name}_at_{label}"] = float(np.asarray(rows[name])[place])
    return columns | {own: rows[name] for _, name, own in SIDES.values() if name in rows}
