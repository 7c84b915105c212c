"""Which energies are on one scale: functionals, corrections and the mixing of two hulls.

Total energies of two functionals differ by hundreds of eV per cell. They belong together only where
the source has moved one kind onto the scale of the other and says so, entry by entry: GGA+U beside
GGA by the corrections of the Materials Project (Wang et al. 2021, doi 10.1038/s41598-021-94550-5),
GGA(+U) beside r2SCAN by its mixing scheme (Kingsbury et al. 2022, doi 10.1038/s41524-022-00881-w).
In the mixing scheme the entries of one kind stay as they are and every entry of the other kind
holds an adjustment "Place ... energy onto the ... hull", or "Replace ... energy with ...".
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

ONE_HULL = (
    'MPRester().get_entries_in_chemsys(..., additional_criteria={"thermo_types": ["GGA_GGA+U"]})'
)
MIXED = "GGA_GGA+U_R2SCAN"
_GGA = frozenset({"GGA", "GGA+U", "PBE", "PBE+U"})
_TARGET = re.compile(r"onto the (\S+) hull|Replace \S+ energy with (\S+) energy", re.IGNORECASE)


@dataclass(frozen=True)
class Scale:
    """Scale of an entry's energy, as the entry states it.

    `functional` as the source names it ("" unknown); `is_corrected`: a +U energy that has been
    moved to stand beside those without U; `moved_onto`: the hull it was moved onto by a mixing of
    two hulls, "" where it was not, "?" where the source does not say which.
    """

    functional: str = ""
    is_corrected: bool = False
    moved_onto: str = ""


class MixedScales(ValueError):
    """Energies that are not on one scale; the message has their numbers and advice."""


def target(name: str, description: str) -> str:
    """The hull that an energy adjustment moves its entry onto; "" for other adjustments."""
    if "mixing adjustment" not in name.lower():
        return ""
    match = _TARGET.search(description)
    return next(filter(None, match.groups())) if match else "?"


def one_scale(scales: Sequence[Scale]) -> dict[str, str]:
    """Provenance of energies that are on one scale: `functional`, `hull`. Raises MixedScales."""
    if any(scale.moved_onto for scale in scales):
        return _mixed_hull(scales)
    bare = {scale.functional for scale in scales if scale.functional and not scale.is_corrected}
    named = Counter(scale.functional for scale in scales if scale.functional)
    if len(bare) > 1 or (len(named) > 1 and not named.keys() <= _GGA):
        raise MixedScales(
            f"energies of different functionals in one table: {_counted(named)}; their differences "
            f"are not reaction energies; keep one functional, e.g. {ONE_HULL}"
        )
    return {"functional": "_".join(sorted(named))} if named else {}


def _mixed_hull(scales: Sequence[Scale]) -> dict[str, str]:
    """Provenance of a mixed hull: entries of its own kind unchanged, all others moved onto it."""
    onto = {_kind(scale.moved_onto) for scale in scales if scale.moved_onto}
    moved = Counter(_kind(s.functional) for s in scales if s.moved_onto)
    stayed = Counter(_kind(s.functional) for s in scales if not s.moved_onto)
    uncorrected = [s for s in scales if s.functional.endswith("+U") and not s.is_corrected]
    if len(onto) != 1 or "?" in onto:
        raise _not_one(
            "adjustments name "
            + ", ".join(name[:40] for name in sorted(onto)[:10])
            + " as their hull",
            moved,
            stayed,
        )
    (hull,) = onto
    if stayed.keys() - {hull} or hull in moved:
        raise _not_one(f"not every entry stands on the {hull} hull", moved, stayed)
    if uncorrected:
        raise _not_one(f"{len(uncorrected)} GGA+U energies lack their correction", moved, stayed)
    return {"functional": MIXED, "hull": f"{hull}, other energies moved onto it by the source"}


def _kind(functional: str) -> str:
    """GGA and GGA+U are one kind, the spellings of r2SCAN another."""
    if functional in _GGA or functional.upper() == "GGA(+U)":
        return "GGA(+U)"
    return "r2SCAN" if functional.upper() == "R2SCAN" else functional or "unknown"


def _not_one(reason: str, moved: Counter[str], stayed: Counter[str]) -> MixedScales:
    return MixedScales(
        f"a hull mixed of two functionals that does not show one scale: {reason} (moved: "
        f"{_counted(moved) or 'none'}; as they were: {_counted(stayed) or 'none'}); ask for one "
        f"hull: {ONE_HULL}"
    )


def _counted(names: Counter[str]) -> str:
    return ", ".join(f"{name[:40]} ({count})" for name, count in sorted(names.items())[:10])
