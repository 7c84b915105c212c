"""Decomposition products of the electrolytes of a screen, as arrays along them, with spreads.

From the library's table of interphases, by electrolyte, side and what it touches; where it has no
row for an electrolyte, its wide prior. Bare cathodes count as oxides, bare anodes as lithium.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from muli.candidates.interphases import Estimate, products
from muli.kernels.constants import ROOM_TEMPERATURE
from muli.screen.errors import SpecError
from muli.screen.space.conductivity import AS_MEASURED_WITHIN_K
from muli.screen.space.facts import Words, words
from muli.screen.space.problem import Problem
from muli.screen.spec.names import few

Floats = NDArray[np.float64]
SIDES = {
    "coated": ("cathode", "coating"),
    "bare": ("cathode", "oxide"),
    "anode": ("anode", "lithium"),
}
"""Side and neighbour in the library's table, by what the electrolyte touches."""
TOUCHES = tuple(SIDES)
NO_RATE = np.inf


class Spread(NamedTuple):
    """Medians along the electrolytes, and standard deviations of their log10."""

    value: Floats
    sd: Floats


class Made(NamedTuple):
    """Products on one side, along the electrolytes.

    hole_slope: z of sigma_ele ~ exp(z (E - hole_reference)/V_T), 0 where it is constant.
    hole_floor: the part of sigma_ele that does not follow the potential, S/cm.
    prior: whether a conductivity is the wide prior.
    """

    sigma_ion: Spread
    sigma_ele: Spread
    volume_per_charge: Spread
    reaction_rate: Spread
    hole_slope: Floats
    hole_reference: Floats
    hole_floor: Floats
    prior: NDArray[np.bool_]


def made(electrolytes: Sequence[str], touches: str) -> Made:
    """Products of electrolytes by name; touches: a key of `SIDES`."""
    rows = [products(name, *SIDES[touches]) for name in electrolytes]
    priors = [
        [estimate.kind == "prior" for estimate in (row.sigma_ion, row.sigma_ele)] for row in rows
    ]
    return Made(
        _spread([row.sigma_ion for row in rows]),
        _spread([row.sigma_ele for row in rows]),
        _spread([row.volume_per_charge for row in rows]),
        _spread([row.reaction_rate for row in rows]),
        _or_zero([row.hole_slope for row in rows]),
        _or_zero([row.hole_reference for row in rows]),
        _or_zero([row.hole_floor for row in rows]),
        np.asarray(np.array(priors, bool).reshape(len(rows), 2).any(axis=1)),
    )


def _or_zero(estimates: Sequence[Estimate | None]) -> Floats:
    return np.array([0.0 if estimate is None else estimate.value for estimate in estimates])


def names_of(problem: Problem) -> list[str]:
    """The electrolytes of a screen."""
    return [str(name) for name in problem.materials.frames["electrolyte"]["name"]]


def basis_columns(problem: Problem) -> dict[str, Words]:
    """Evidence for the conductivities of the products: `derived` from published cells, or `prior`.

    Of the cathode side: under a coating.
    """
    columns = {}
    for name, touches in (("interphase_basis", "coated"), ("anode_interphase_basis", "anode")):
        prior = made(names_of(problem), touches).prior
        columns[name] = words(("electrolyte",), np.where(prior, "prior", "derived").astype(object))
    return columns


def refuse_ageing(problem: Problem) -> None:
    """Raise `SpecError` where a spec sets what growth in its cells cannot take into account."""
    problems = []
    if problem.branches or problem.curved:
        problems.append(
            "[ageing]: the cells of a spec have constant laws; leave out screen.law, or use "
            "`muli age FILE.json`, which takes any law"
        )
    if problem.layers > 1:
        problems.append(
            "[ageing]: the cells of a spec have coatings of one layer; name single coatings, or "
            "use `muli age FILE.json`, which takes several layers"
        )
    contact = "interface.anode_electrolyte_asr_ohm_cm2"
    if np.any(problem.numbers.get(contact, np.zeros(1)) > 0):
        problems.append(
            f"[ageing]: no contact resistance at the anode is in its model; leave out "
            f'axes."{contact}"'
        )
    if problems:
        raise SpecError(problem.source.name, problems)


def ageing_notes(problem: Problem) -> list[str]:
    """Notes on growth in the cells of a spec."""
    notes = []
    names, T = names_of(problem), problem.numbers["temperature_K"]
    for touches in ("coated", "anode"):
        is_prior = made(names, touches).prior
        unknown = [name for name, prior in zip(names, is_prior, strict=True) if prior]
        if unknown:
            notes.append(
                f"[ageing]: products of {few(unknown, ', ', 5)} on the {SIDES[touches][0]} side "
                "were never measured: their conductivities are a wide prior"
            )
    if np.any(np.abs(T - ROOM_TEMPERATURE) > AS_MEASURED_WITHIN_K):
        notes.append("[ageing]: properties of interphases are those of room temperature")
    if problem.numbers["current_density_mA_cm2"].any():
        notes.append("[ageing]: growth is computed at open circuit, whatever current flows")
    return notes


def _spread(rows: Sequence[Estimate | None]) -> Spread:
    value = [NO_RATE if row is None else row.value for row in rows]
    sd = [0.0 if row is None else row.sd_log10 for row in rows]
    return Spread(np.array(value), np.nan_to_num(np.array(sd)))
