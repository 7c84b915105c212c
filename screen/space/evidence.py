"""Distributions of the properties of the materials on the axes, for `engine.probabilities`.

Every field of a line is an array along the axes it depends on. A number that the spec gives is
exact (standard deviation 0) or has the distribution of `[uncertainty]`; everything else has that of
`candidates.evidence`. Conductivities are log10 of S/cm at the temperature of the row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from muli.candidates import reality
from muli.candidates.evidence import Evidence, evidence
from muli.screen.space.belief import Belief, Floats
from muli.screen.space.conductivity import Kind, Measured, used_on_host
from muli.screen.space.curve_beliefs import has_law, of_coatings, of_electrolytes
from muli.screen.space.distributions import loadings
from muli.screen.space.facts import Values, Words, used_column, words
from muli.screen.space.layout import COATING
from muli.screen.space.own_beliefs import of_draws, with_own
from muli.screen.space.problem import Problem, column

NO_LIMIT_V = 99.0
"""Oxidation limit of a material that no potential oxidises."""
ACTIVATION_EV = {"coating": (0.7, 0.3), "electrolyte": (0.35, 0.1)}
"""Median and spread of the library's activation energies of sigma_ion, where one is unknown."""
POTENTIALS_V = (4.3, 3.5)
"""Charged and discharged, where a cathode has no known potential: about those of layered oxides."""
ALIKE = {
    **dict.fromkeys(("argyrodite", "thiophosphate", "sulfide", "LGPS"), ("Li6PS5Cl", "Li3PS4")),
    "garnet": ("Li7La3Zr2O12",),
    "halide": ("Li3InCl6",),
}
"""Partners whose reaction energies are taken for other electrolytes of a family."""
PARTNERS = {
    "electrolyte": ("Li6PS5Cl", "Li3PS4", "Li7La3Zr2O12", "Li3InCl6"),
    "cathode": ("NMC811", "LiCoO2", "NMC111"),
}
"""Partners whose mean and spread stand for a partner that the tables do not have."""


@dataclass(frozen=True)
class Beliefs:
    """Distributions of everything that is uncertain in a screen.

    fields: by the names of `engine.probabilities.Line`; of a field X, X_sd is the deviation.
    exact: fields without a deviation, as (axes, values). columns: result columns on the coating.
    known: by role, the evidence of every material and property.
    """

    fields: Mapping[str, Belief]
    exact: Mapping[str, tuple[tuple[str, ...], Floats]]
    columns: Mapping[str, Values | Words]
    known: Mapping[str, Sequence[Mapping[str, Evidence]]]


def beliefs(problem: Problem, *, own: bool = True, without: str = "") -> Beliefs:
    """All of a problem's materials: library, users' tables or computed compounds.

    own: whether a material's own record in cells counts. without: a source that is left out of
    the fit of the allowance A and the reaction limit R.
    """
    tolerance = problem.spec.screen.window_tolerance_V
    known = {
        role: [
            evidence(row, own=own, tolerance_V=tolerance, without=without)
            for row in _rows(problem, role)
        ]
        for role in ("coating", "electrolyte")
    }
    ion = _conductivity(problem, "coating", "sigma_ion", known["coating"])
    second, weight = _second(problem, known["coating"], ion)
    ele = _conductivity(problem, "coating", "sigma_ele", known["coating"])
    electrons = _conductivity(problem, "electrolyte", "sigma_ele", known["electrolyte"])
    sides = {
        side: _limit(problem, "electrolyte", side, known["electrolyte"])
        for side in ("reduction", "oxidation")
    }
    potentials = _potentials(problem)
    ele = of_coatings(problem, ele, sides["oxidation"], potentials["cathode_high_V"])
    electrons = of_electrolytes(problem, electrons, sides, potentials["anode_V"])
    fields = {
        "sigma_ion": _first(problem, known["coating"], ion),
        "sigma_ion_second": second,
        "sigma_ele": ele,
        **_limits(problem, known["coating"]),
        **_reactions(problem, known["coating"], known["electrolyte"]),
        "electrolyte_sigma_ele": electrons,
        **{f"electrolyte_{side}_V": belief for side, belief in sides.items()},
    }
    ions = _conductivity(problem, "electrolyte", "sigma_ion", known["electrolyte"])
    oxides = np.array(["O" in str(row["formula"]) for row in _rows(problem, "coating")], float)
    exact = {
        "second_weight": (weight.axes, weight.mean),
        "oxidised_loses": ((COATING,), 1.0 - oxides),
        "electrolyte_sigma_ion_S_cm": (ions.axes, 10.0**ions.mean),
        **{name: ((), np.asarray(rho)) for name, rho in _correlations(problem).items()},
        **potentials,
    }
    return Beliefs(fields, exact, _columns(problem, known["coating"], ion, ele), known)


def _rows(problem: Problem, role: str) -> list[dict[Any, Any]]:
    return problem.records[role]


def _drawn(problem: Problem) -> Mapping[str, Mapping[str, Any]]:
    return problem.spec.uncertainty.distributions if problem.spec.uncertainty else {}


def _conductivity(
    problem: Problem, role: str, kind: Kind, known: Sequence[Mapping[str, Evidence]]
) -> Belief:
    """log10 of a conductivity as one normal, at the temperature of the row."""
    return with_own(problem, f"{role}.{kind}_S_cm", _of_role(problem, role, kind, known))


def _of_role(
    problem: Problem, role: str, kind: Kind, known: Sequence[Mapping[str, Evidence]]
) -> Belief:
    key = f"{role}.{kind}_S_cm"
    believed = [material[f"{kind}_S_cm"] for material in known]
    if key in _drawn(problem) and key in problem.numbers:
        return of_draws(_drawn(problem)[key], logarithmic=True)
    if key in problem.numbers:
        typed = used_column(problem, role, kind)
        value = np.log10(typed.values)
        return Belief(typed.axes, value, np.zeros_like(value))
    mean, sd = (np.array([getattr(belief, name) for belief in believed]) for name in ("mean", "sd"))
    if key in _drawn(problem):
        mean, sd = _of_sources(problem, role, f"{kind}_S_cm", mean, sd)
    from_user = np.array([belief.kind == "given" for belief in believed])
    shift = _shift(problem, role, kind, from_user)
    shape = (-1, *(1,) * (len(shift.axes) - 1))
    mean, sd = mean.reshape(shape) + shift.mean, np.hypot(sd.reshape(shape), shift.sd)
    return Belief(shift.axes, mean, sd)


def _shift(problem: Problem, role: str, kind: Kind, users: NDArray[np.bool_]) -> Belief:
    """Change of log10 sigma from its own temperature to the temperatures of the screen.

    Evidence holds at 298.15 K. users: materials whose number a user's table gives; it holds at its
    own measuring temperature.
    """
    frame, key = problem.materials.frames[role], f"{role}.{kind}_activation_eV"
    T = problem.numbers["temperature_K"]
    typed = key in problem.numbers
    energies = (
        problem.numbers[key][None, :] if typed else column(frame, f"{kind}_activation_eV")[:, None]
    )
    energies = np.broadcast_to(energies, (len(frame), energies.shape[1])).copy()
    for own, index in problem.own.get(key, ()):
        energies[index] = problem.numbers.get(own, energies[index])
    unknown = np.isnan(energies)
    guess, spread = ACTIVATION_EV[role] if kind == "sigma_ion" else (0.0, 0.0)
    E_act = np.where(unknown, guess, energies)[:, :, None]
    measured_at = np.where(users, column(frame, f"{kind}_temperature_K"), np.nan)[:, None, None]
    at = [used_on_host(kind, Measured(1.0, E_act + d, measured_at), T) for d in (0.0, spread)]
    mean = np.log10(at[0])
    sd = np.where(unknown[:, :, None], np.abs(np.log10(at[1]) - mean), 0.0)
    if typed:
        return Belief((role, key, "temperature_K"), mean, sd)
    return Belief((role, "temperature_K"), mean[:, 0], sd[:, 0])


def _of_sources(
    problem: Problem, role: str, name: str, mean: Floats, sd: Floats
) -> tuple[Floats, Floats]:
    """log10 between the lowest and highest source, evenly, where a material has two."""
    frame = problem.materials.frames[role]
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = (np.log10(column(frame, f"{name}_{end}")) for end in ("low", "high"))
    known = np.isfinite(low + high)
    width = (high - low) / np.sqrt(12.0)
    return np.where(known, (low + high) / 2.0, mean), np.where(known, width, sd)


def _first(problem: Problem, known: Sequence[Mapping[str, Evidence]], ion: Belief) -> Belief:
    """The first normal of the mixture of a coating's ions."""
    if "coating.sigma_ion_S_cm" in problem.numbers or "coating.sigma_ion_S_cm" in _drawn(problem):
        return ion
    return with_own(problem, "coating.sigma_ion_S_cm", _moved(known, ion, 0))


def _second(
    problem: Problem, known: Sequence[Mapping[str, Evidence]], ion: Belief
) -> tuple[Belief, Belief]:
    """The second normal of that mixture, and its weight (0 where there is none)."""
    if "coating.sigma_ion_S_cm" in problem.numbers or "coating.sigma_ion_S_cm" in _drawn(problem):
        return ion, Belief((), np.zeros(()), np.zeros(()))
    parts = [material["sigma_ion_S_cm"].parts for material in known]
    weight = np.array([part[1][0] if len(part) > 1 else 0.0 for part in parts])
    for _, index in problem.own.get("coating.sigma_ion_S_cm", ()):
        weight[index] = 0.0
    return _moved(known, ion, 1), Belief((COATING,), weight, np.zeros_like(weight))


def _moved(known: Sequence[Mapping[str, Evidence]], ion: Belief, place: int) -> Belief:
    """One part of the mixtures, moved and widened by temperature as the whole is."""
    whole = [material["sigma_ion_S_cm"] for material in known]
    parts = [mixture.parts[min(place, len(mixture.parts) - 1)] for mixture in whole]
    shape = (-1, *(1,) * (len(ion.axes) - 1))
    mean, sd = (np.array([part[i] for part in parts]).reshape(shape) for i in (1, 2))
    centre, width = (
        np.array([getattr(mixture, name) for mixture in whole]).reshape(shape)
        for name in ("mean", "sd")
    )
    more = np.maximum(ion.sd**2 - width**2, 0.0)
    return Belief(ion.axes, mean + ion.mean - centre, np.sqrt(sd**2 + more))


def _limit(
    problem: Problem, role: str, side: str, known: Sequence[Mapping[str, Evidence]]
) -> Belief:
    key = f"{role}.{side}_limit_V"
    return with_own(problem, key, _limit_of_role(problem, role, side, known))


def _limit_of_role(
    problem: Problem, role: str, side: str, known: Sequence[Mapping[str, Evidence]]
) -> Belief:
    key = f"{role}.{side}_limit_V"
    if key in _drawn(problem):
        distribution = _drawn(problem)[key]
        if "literature" not in distribution:
            return of_draws(distribution, logarithmic=False)
    if key in problem.numbers:
        value = problem.numbers[key]
        return Belief((key,), value, np.zeros_like(value))
    return _listed(role, [material[f"{side}_limit_V"] for material in known])


def _listed(role: str, rows: Sequence[Evidence]) -> Belief:
    mean = np.array([row.mean for row in rows])
    sd = np.array([row.sd for row in rows])
    return Belief((role,), np.where(np.isinf(mean), NO_LIMIT_V, mean), sd)


def _limits(problem: Problem, known: Sequence[Mapping[str, Evidence]]) -> dict[str, Belief]:
    """A coating's own limits and how far past them it lasts."""
    from_spec = problem.spec.ranking.oxidation_allowance_V
    allowance = _listed("coating", [material["oxidation_allowance_V"] for material in known])
    if from_spec is not None:
        allowance = Belief((), np.asarray(from_spec), np.zeros(()))
    return {
        "reduction_V": _limit(problem, "coating", "reduction", known),
        "oxidation_V": _limit(problem, "coating", "oxidation", known),
        "allowance_V": allowance,
        "reduction_allowance_V": _listed(
            "coating", [material["reduction_allowance_V"] for material in known]
        ),
    }


def _reactions(
    problem: Problem,
    known: Sequence[Mapping[str, Evidence]],
    electrolytes: Sequence[Mapping[str, Evidence]],
) -> dict[str, Belief]:
    """Reaction energies of a coating with both neighbours, of a bare electrolyte with the cathode,
    and the limits R below which they show."""
    from_spec = problem.spec.ranking.reaction_limit_meV_atom
    result: dict[str, Belief] = {}
    for name, own, rows, role in (
        ("electrolyte", COATING, known, "electrolyte"),
        ("cathode", COATING, known, "cathode"),
        ("bare", "electrolyte", electrolytes, "cathode"),
    ):
        axes = own, role if role in problem.materials.frames else f"{role}_potential_V"
        partners = partners_of(problem, role)
        energy, limit = (
            _paired(axes, rows, quantity, partners) for quantity in ("energy", "limit")
        )
        if from_spec is not None:
            limit = Belief((), np.asarray(from_spec), np.zeros(()))
        result |= {f"reaction_{name}": energy, f"limit_{name}": limit}
    return result


def partners_of(problem: Problem, role: str) -> list[tuple[str, ...]]:
    """For each material of a role the partners in the tables that stand for it."""
    known = PARTNERS[role]
    if role not in problem.materials.frames:
        return [known] * len(problem.numbers[f"{role}_potential_V"])
    return [
        (row["name"],) if row["name"] in known else ALIKE.get(row["family"], known)
        for row in _rows(problem, role)
    ]


def pooled(
    material: Mapping[str, Evidence], what: str, partners: Sequence[str]
) -> tuple[float, float]:
    """One partner's distribution, or one normal for several and how much they differ."""
    rows = [material[f"reaction_{what}_{partner}_meV_atom"] for partner in partners]
    means = np.array([row.mean for row in rows])
    spread = np.mean([row.sd**2 for row in rows]) + means.var()
    return float(means.mean()), float(np.sqrt(spread))


def _paired(
    axes: tuple[str, str],
    rows: Sequence[Mapping[str, Evidence]],
    what: str,
    partners: Sequence[tuple[str, ...]],
) -> Belief:
    """A distribution for every material and partner; equal partners are pooled once."""
    different = [*dict.fromkeys(partners)]
    table = np.array([[pooled(row, what, names) for names in different] for row in rows])
    place = [different.index(names) for names in partners]
    table = table.reshape(len(rows), -1, 2)[:, place]
    return Belief(axes, table[:, :, 0], table[:, :, 1])


def _potentials(problem: Problem) -> dict[str, tuple[tuple[str, ...], Floats]]:
    """Electrode potentials; the cathode's highest and lowest over the states judged."""
    frames, tables = problem.materials.frames, problem.tables
    cathode = "cathode" if "cathode" in frames else "cathode_potential_V"
    potentials = tables["cathode_potential_V"]
    stand_in = POTENTIALS_V[: potentials.shape[1]]
    potentials = np.where(np.isnan(potentials), stand_in, potentials)
    anode = "anode" if "anode" in frames else "anode_potential_V"
    return {
        "cathode_high_V": ((cathode,), potentials.max(axis=1)),
        "cathode_low_V": ((cathode,), potentials.min(axis=1)),
        "anode_V": ((anode,), np.nan_to_num(tables["anode_potential_V"])),
        "pinned": (("boundary",), 1.0 - problem.numbers["boundary"]),
    }


def _correlations(problem: Problem) -> dict[str, float]:
    """Correlation of the coating's sigma_ele with its sigma_ion and the electrolyte's sigma_ele."""
    drawn = _drawn(problem)
    own = "coating.sigma_ele_S_cm"
    others = {"rho_ion": "coating.sigma_ion_S_cm", "rho_electrolyte": "electrolyte.sigma_ele_S_cm"}
    if own not in drawn:
        return dict.fromkeys(others, 0.0)
    matrix, keys = loadings(drawn), list(drawn)
    rows = {key: matrix[keys.index(key)] for key in keys}
    return {
        name: float(rows[own] @ rows[key]) if key in rows else 0.0 for name, key in others.items()
    }


def _columns(
    problem: Problem, known: Sequence[Mapping[str, Evidence]], ion: Belief, ele: Belief
) -> dict[str, Values | Words]:
    """Median, spread and basis of a coating's conductivities; how many sources used it in cells."""
    sources = reality.sources_in_cells()
    counts = [float(sources.get(row["name"], 0)) for row in _rows(problem, "coating")]
    result: dict[str, Values | Words] = {"sources_in_cells": Values((COATING,), np.array(counts))}
    for kind, belief in (("sigma_ion", ion), ("sigma_ele", ele)):
        sd = np.broadcast_to(belief.sd, belief.mean.shape)
        axes = belief.axes or ("boundary",)
        size = problem.space.scenarios["boundary"]
        mean, sd = (x if belief.axes else np.full(size, x) for x in (belief.mean, sd))
        result[f"{kind}_median_S_cm"] = Values(axes, 10.0**mean)
        result[f"{kind}_decades"] = Values(axes, sd)
        basis = np.array([material[f"{kind}_S_cm"].kind for material in known], dtype=object)
        if kind == "sigma_ele" and (curved := has_law(problem, COATING)) is not None:
            basis[curved] = "given"
        if f"coating.{kind}_S_cm" in problem.numbers:
            basis[:] = "given"
        for key, index in problem.own.get(f"coating.{kind}_S_cm", ()):
            if key in problem.numbers:
                basis[index] = "given"
        result[f"{kind}_basis"] = words((COATING,), basis)
    return result
