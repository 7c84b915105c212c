"""Published samples as lines of the ranking: the same distributions, in the cells that were built.

A coating's own record in cells is left out, and so is everything that the sample's own source
states about the allowance A and the reaction limit R.
"""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
import pandas as pd

from muli.screen.engine.lines import LinePrograms
from muli.screen.engine.probabilities import at_thickness, bare
from muli.screen.engine.probability_line import Line, Probabilities
from muli.screen.space.evidence import beliefs
from muli.screen.space.layout import COATING
from muli.screen.space.problem import Problem, prepare
from muli.screen.space.source import source_of

ELECTROLYTE_UM = 30.0
ANODES_V = {"Li": 0.0, "graphite": 0.1, "silicon": 0.3, "Li-In": 0.62, "Li4Ti5O12": 1.55}
"""Potentials against lithium, for cut-offs that are stated against the anode."""
ROOM_C = 25.0
_BLOCK = 64


def cut_off_V(cells: pd.DataFrame) -> pd.Series:
    """Upper cut-off against lithium (V); NaN where it is not stated."""
    stated = cells["V_upper_vs_anode_V"] + cells["anode_material"].map(ANODES_V)
    return cells["V_upper_vs_Li_V"].fillna(stated)


def chances(samples: pd.DataFrame) -> pd.DataFrame:
    """Every probability of every sample, by its index; rows of `published_cells` of known cells.

    Coated samples are judged at their stated thickness. The cathode's highest potential is the
    stated cut-off, the library's charged potential where none is stated; the lowest is the
    library's. An interphase pins the anode side, so that the anode does not matter.
    """
    with jax.enable_x64(True):
        return _chances(samples)


def _chances(samples: pd.DataFrame) -> pd.DataFrame:
    problem = _problem(samples)
    films: list[tuple[Any, Line]] = []
    bares: list[tuple[Any, Line]] = []
    for source, group in samples.groupby("source", sort=False):
        programs = LinePrograms(
            problem, beliefs(problem, own=False, without=str(source)), "float64", None
        )
        for at, row in group.iterrows():
            coated = row["coating_material"] != "none"
            (films if coated else bares).append((at, _line(problem, programs, row, coated=coated)))
    nm = samples["thickness_nm"]
    film_chances = _answers(lambda line, at: at_thickness(line, at, fine=False), films, nm)
    bare_chances = _answers(lambda line, _: bare(line), bares, nm)
    return pd.concat([film_chances, bare_chances]).loc[samples.index]


def _problem(samples: pd.DataFrame) -> Problem:
    """One screen that holds the cells of all samples."""
    names = {
        role: sorted(set(samples[f"{role}_material"]) - {"none"})
        for role in ("coating", "electrolyte", "cathode")
    }
    temperatures = sorted(set(_kelvin(samples)))
    axes: dict[str, Any] = {**names, "anode": ["Li"], "temperature_K": temperatures}
    axes |= {"coating_thickness_nm": [10.0], "electrolyte_thickness_um": [ELECTROLYTE_UM]}
    return prepare(source_of({"screen": {"boundary": ["auto"]}, "axes": axes}))


def _kelvin(samples: pd.DataFrame) -> pd.Series:
    return samples["temperature_C"].fillna(ROOM_C) + 273.15


def _line(problem: Problem, programs: LinePrograms, row: "pd.Series[Any]", *, coated: bool) -> Line:
    """The line of one sample, with the cut-off of its own cell."""
    sizes = problem.space.scenarios
    at = dict.fromkeys(sizes, 0)
    for role in ("electrolyte", "cathode"):
        at[role] = _place(problem, role, row[f"{role}_material"])
    celsius = ROOM_C if np.isnan(row["temperature_C"]) else row["temperature_C"]
    temperatures = problem.numbers["temperature_K"]
    at["temperature_K"] = int(np.argmin(np.abs(temperatures - (celsius + 273.15))))
    group = int(np.ravel_multi_index(tuple(at.values()), tuple(sizes.values())))
    if coated:
        place = _place(problem, COATING, row["coating_material"])
        line = programs.lines(group * problem.space.coatings + place, 1)
    else:
        line = programs.bare_line(group)
    if np.isnan(row["E"]):
        return line
    return line._replace(
        cathode_high_V=np.full(1, row["E"]), cathode_low_V=np.minimum(line.cathode_low_V, row["E"])
    )


def _place(problem: Problem, role: str, name: str) -> int:
    return list(problem.materials.frames[role]["name"]).index(name)


def _answers(judge: Any, lines: Sequence[tuple[Any, Line]], nm: pd.Series) -> pd.DataFrame:
    """Probabilities of lines in one call; filled up so that one compiled program serves all."""
    index = [at for at, _ in lines]
    size = -(-len(lines) // _BLOCK) * _BLOCK
    padded = [line for _, line in lines] + [lines[-1][1]] * (size - len(lines))
    joined = Line(*(np.concatenate([np.ravel(x) for x in field])
                    for field in zip(*padded, strict=True)))  # fmt: skip
    thickness = np.resize(nm.loc[index].to_numpy(), size)
    probabilities = jax.jit(judge)(joined, thickness)
    values = {
        name: np.asarray(getattr(probabilities, name))[: len(lines)]
        for name in Probabilities._fields
    }
    return pd.DataFrame(values, index=index)
