"""Columns that only `muli candidates compute` writes: details behind the numbers of a screen."""

from muli.candidates.schema import PARTNERS

CARRIED = frozenset(
    [
        "hull_depth_eV_atom",
        "hull_depth_flag",
        "hull_phases",
        "at_hull_mixture",
        "oxidation_limit_note",
        "window_source",
        "window_kind",
        "partner_flag",
        "computed_status",
        "band_gap_eV_low",
        "band_gap_eV_high",
        *(
            f"{side}_{what}"
            for side in ("reduction", "oxidation")
            for what in ("products", "competitor", "limit_without_competitor_V")
        ),
        *(
            f"reaction_{what}_{partner}"
            for what in ("products", "fraction")
            for partner in PARTNERS
        ),
        *(
            f"reaction_energy_{partner}_meV_atom_{kind}"
            for kind in ("open_entry", "lithiated")
            for partner in PARTNERS
        ),
    ]
)
"""A table with these columns can be read as a user's table, which ignores them."""
