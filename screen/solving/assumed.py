"""Assumptions of the answer to a cell, in sentences: defaults, temperatures, priors."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from muli.candidates.evidence import Evidence
from muli.screen.solving.cell_growth import growth_notes
from muli.screen.solving.named import Named
from muli.screen.space.curves import curve_at
from muli.screen.space.evidence import Beliefs, partners_of
from muli.screen.space.setup import Setup

if TYPE_CHECKING:
    from muli.screen.solving.cell import CellEntry

DEFAULTS = {
    "temperature_K": "25 C",
    "anode": "anode lithium, 0 V",
    "cathode_state": "the cathode is charged",
    "boundary": "boundary auto: an interphase holds the anode side where the anode reduces it",
    "current_density_mA_cm2": "open circuit",
    "asr_budget_ohm_cm2": "coating and contacts may have 10 ohm cm2",
}
"""What is assumed where a key of the entry is not given."""


def assumptions(entry: "CellEntry", setup: Setup, named: Named) -> tuple[str, ...]:
    """One sentence for every default, conductivity and property that was not measured there."""
    taken = [
        text
        for key, text in DEFAULTS.items()
        if key not in entry.model_fields_set
        and not (key == "cathode_state" and not isinstance(entry.cathode, str))
    ]
    notes = [f"not given: {'; '.join(taken)}"] if taken else []
    notes += named.assumptions
    screen = setup.problem.spec.screen
    notes.append(
        f"areal capacity {screen.areal_capacity_mAh_cm2:g} mAh/cm2 (for the self-discharge), "
        f"computed limits within {screen.window_tolerance_V:g} V"
    )
    for role in ("coating", "electrolyte") if entry.coating is not None else ("electrolyte",):
        notes += _priors(entry, setup, role)
    return (*notes, *growth_notes(named))


def _priors(entry: "CellEntry", setup: Setup, role: str) -> Iterator[str]:
    """Properties of a material that are only estimated, with the estimates."""
    row = setup.problem.records[role][0]
    assert isinstance(setup.beliefs, Beliefs)
    known = setup.beliefs.known[role][0]
    for name in ("sigma_ion_S_cm", "sigma_ele_S_cm"):
        belief = known[name]
        if name == "sigma_ele_S_cm" and curve_at(row) is not None:
            continue
        if belief.kind not in ("measured", "given") and name not in entry.typed(role):
            yield (
                f"{row['name']}: {name.removesuffix('_S_cm')} {_only(belief)} (10^("
                f"{belief.mean:.1f} +- {belief.sd:.1f}) S/cm); it enters the probabilities alone"
            )
    names = {f"{side}_limit_V": f"{side} limit" for side in ("reduction", "oxidation")}
    if role == "coating":
        names["oxidation_allowance_V"] = "how far past its oxidation limit it lasts"
        names |= _reactions(setup)
    for name, spoken in names.items():
        belief = known[name]
        if belief.kind == "prior" and math.isfinite(belief.mean):
            unit = "V" if name.endswith("_V") else "meV/atom"
            yield (
                f"{row['name']}: {spoken} is only a prior, {belief.mean:.3g} +- "
                f"{belief.sd:.2g} {unit}"
            )


def _reactions(setup: Setup) -> dict[str, str]:
    """Keys of the reaction energies that count, and their names in sentences."""
    names: dict[str, str] = {}
    for role in ("electrolyte", "cathode"):
        for partner in partners_of(setup.problem, role)[0]:
            key = f"reaction_energy_{partner}_meV_atom"
            names[key] = f"reaction energy with {partner}"
    return names


def _only(each: Evidence | Any) -> str:
    """The origin of a conductivity that was not measured on this material."""
    kinds = {
        "prior": "was never measured: a prior",
        "bound": "is known as a bound alone",
        "quoted": "is known from quotations alone",
    }
    return kinds.get(each.kind, f"is {each.kind}")
