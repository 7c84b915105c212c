"""The fitted model of both conductivities: computed, written as a table, read back.

`priors.csv` holds, per property and group, the mean of log10 sigma (S/cm) of a new material, the
spread between materials, the spread between samples of one material, and how many materials and
samples they are from. Rows in brackets hold quantities of no group: the spread between groups, the
offset of crystals against films and the distance of the two classes of oxides.
`muli.candidates.evidence.of` reads the spreads from this table and fits only the effects to the
library's rows, which is fast enough to show one material.
"""

from functools import cache

import pandas as pd

from muli.candidates.evidence.chemistry import GROUPS, Chemistry
from muli.candidates.evidence.nested import SPREADS, Fit, Spreads, material_spread, sample_spread
from muli.candidates.evidence.observations import PROPERTIES, Observation, observations
from muli.candidates.tables import LIBRARY, table

FILE = LIBRARY / "priors.csv"
COLUMNS = (
    "property",
    "group",
    "mean_log10",
    "sd_between_materials",
    "sd_between_samples",
    "materials",
    "samples",
)
_GROUP_SPREAD = "(between groups)"
_OFFSET = "(crystal against film)"
_DISTANCE = "(redox-active against insulating)"
_ACTIVE = "redox-active oxide"
_DIGITS = 4


def fitted(prop: str) -> Fit:
    """The model of one property fitted to the library's rows: takes some seconds."""
    from muli.candidates.evidence.fitting import fit  # imports scipy's linear algebra

    return fit(observations(prop))


@cache
def model(prop: str, without: str = "") -> Fit:
    """The model with the spreads of the shipped table. Raises KeyError for another property.

    without: a source whose values are left out of the effects.
    """
    from muli.candidates.evidence.fitting import fit

    if prop not in PROPERTIES:
        raise KeyError(prop)
    used = observations(prop, without)
    if without and used == observations(prop):
        return model(prop)
    return fit(used, _shipped(prop))


def priors() -> pd.DataFrame:
    """The shipped table, columns COLUMNS."""
    return table("priors").copy()


def computed() -> pd.DataFrame:
    """The table as the code computes it from the library's rows: fits both properties."""
    rows = [row for prop in PROPERTIES for row in rows_of_fit(prop, fitted(prop))]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def rows_of_fit(prop: str, found: Fit) -> list[tuple[str, str, float, float, float, int, int]]:
    """One row per group, then the rows in brackets."""
    used = observations(prop)
    effects = dict(zip(found.names, found.mean, strict=True))
    rows = []
    for name in _groups(prop):
        members = [observation for observation in used if _group_name(observation, prop) == name]
        group = _typical(name)
        rows.append(
            (
                prop,
                name,
                round(found.predict(None, group, 0.0, sample=False).mean, _DIGITS),
                round(material_spread(group, found.spreads, found.electronic), _DIGITS),
                round(sample_spread(group, found.spreads, found.electronic), _DIGITS),
                len({observation.material for observation in members}),
                len(members),
            )
        )
    crystals = [
        observation
        for observation in used
        if observation.crystal == 1.0 and _is_coating(observation)
    ]
    materials = len({observation.material for observation in used})
    return [
        *rows,
        (prop, _GROUP_SPREAD, 0.0, round(found.spreads["group"], _DIGITS), 0.0, materials,
         len(used)),
        (prop, _DISTANCE, round(found.spreads.distance, _DIGITS), 0.0, 0.0, 0, 0),
        (prop, _OFFSET, round(float(effects["crystal"]), _DIGITS),
         round(found.spreads["crystal"], _DIGITS), 0.0,
         len({observation.material for observation in crystals}), len(crystals)),
    ]  # fmt: skip


def _is_coating(each: Observation) -> bool:
    return GROUPS[each.chemistry.group] == "coating"


def _groups(prop: str) -> list[str]:
    """Groups of the table: for electrons the redox-active oxides are a class of their own."""
    redox = "oxide of a redox metal"
    electronic = prop == "sigma_ele_S_cm"
    return [_ACTIVE if electronic and name == redox else name for name in GROUPS]


def _group_name(each: Observation, prop: str) -> str:
    name = each.chemistry.group
    electronic = prop == "sigma_ele_S_cm"
    return _ACTIVE if electronic and name == "oxide of a redox metal" else name


def _typical(name: str) -> Chemistry:
    """A compound of a group; for the redox-active class one of activity 1."""
    group = "oxide of a redox metal" if name == _ACTIVE else name
    return Chemistry(
        group=group,
        lithium=name != "oxide without lithium",
        oxide="oxide" in name,
        activity=1.0 if name == _ACTIVE else 0.0,
        open_shell=False,
        reducible=name == _ACTIVE,
        crystal_share=0.0,
        crystal_share_electrons=0.0,
    )


def _shipped(prop: str) -> Spreads:
    rows = table("priors")
    rows = rows[rows["property"] == prop].set_index("group")
    electronic = prop == "sigma_ele_S_cm"
    active = _ACTIVE if electronic else "oxide of a redox metal"
    between, samples = rows["sd_between_materials"], rows["sd_between_samples"]
    passive = "insulating lithium oxide"
    values = {
        "group": between[_GROUP_SPREAD],
        "material": between[passive],
        "material_active": between[active],
        "material_electrolyte": between["garnet"],
        "sample": samples[passive],
        "sample_active": samples[active],
        "sample_electrolyte": samples["garnet"],
        "crystal": between[_OFFSET],
    }
    distance = rows["mean_log10"][_DISTANCE]
    return Spreads(tuple(float(values[name]) for name in SPREADS), float(distance))
