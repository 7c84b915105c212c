"""What to measure next: the expected value of knowing one property exactly.

    rows = what_to_measure("results/first")      # best first
    rows.head(3)

A choice is a coating and its thickness. Today the choice with the largest p_works is taken. If a
property were known, both would be chosen anew; the gain is the mean of the largest p_works over
what the measurement may say, less today's. It is never negative, and 0 where no choice depends on
the property. Deterministic: the distribution is cut into parts of equal probability.

Source: expected value of partial perfect information, H. Raiffa and R. Schlaifer, Applied
Statistical Decision Theory (1961).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from muli.screen.dataset import materials
from muli.screen.dataset.results import Dirs, open_results
from muli.screen.engine.lines import LinePrograms
from muli.screen.engine.probabilities import at_thickness, bare, recommend
from muli.screen.engine.probability_line import Line
from muli.screen.errors import UsageError
from muli.screen.ranking.rank import ranking
from muli.screen.space.evidence import beliefs
from muli.screen.space.facts import Words, looked_up
from muli.screen.space.layout import COATING
from muli.screen.space.materials import Materials
from muli.screen.space.problem import Problem, prepare
from muli.screen.spec import Source
from muli.screen.spec.rebuild import rebuilt
from muli.screen.vocabulary import P_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

NODES = 64
"""Parts of equal probability that a property is cut into."""
_BLOCK = 2048
OWN = {
    "sigma_ele_S_cm": "sigma_ele",
    "sigma_ion_S_cm": "sigma_ion",
    "oxidation_limit_V": "oxidation_V",
    "reduction_limit_V": "reduction_V",
}
SHARED = {
    "sigma_ele_S_cm": "electrolyte_sigma_ele",
    "oxidation_limit_V": "electrolyte_oxidation_V",
    "reduction_limit_V": "electrolyte_reduction_V",
}
"""Properties of the coating, and of the electrolyte, with the field of a line that holds each."""


class Choices(NamedTuple):
    """p_works of every coating at its best thickness, and that of the bare cell."""

    coatings: Floats
    bare: float


@dataclass(frozen=True)
class Gain:
    """What knowing one property is worth: see `muli next`.

    gain_p_works: both gains together. gain_of_another_coating: by choosing another one.
    p_change_of_choice: how likely that is. value_to_beat: the value of the property from which the
    choice changes, in its unit; NaN where it never does.
    """

    material: str
    property: str
    gain_p_works: float
    gain_of_another_coating: float
    p_change_of_choice: float
    value_to_beat: float


def what_to_measure(dirs: Dirs, *, cell: str | None = None, nodes: int = NODES) -> "pd.DataFrame":
    """Every uncertain property of a cell, the most worthwhile first.

    cell: an SQL condition on scenario columns; the reference scenario without. Raises `UsageError`
    where the run has no probabilities.
    """
    import pandas as pd

    results = open_results(dirs)
    if not set(P_COLUMNS) <= set(results.columns):
        raise UsageError('next: this run has no probabilities (missing = "status"); run it again')
    rows = ranking(results, top=1, where=cell).rows
    if rows.empty:
        raise UsageError(f"--cell {cell}: no row fits")
    problem = _problem(results.folders[0])
    group = int(rows["row_id"].iloc[0]) // (problem.space.coatings * problem.space.rows_per_line)
    with jax.enable_x64(True):
        gains = list(gains_of(problem, group, nodes))
    order = sorted(gains, key=lambda each: (-each.gain_p_works, each.material, each.property))
    return pd.DataFrame([vars(each) for each in order])


def _problem(folder: Path) -> Problem:
    """The screen of a folder, with its own materials."""
    manifest = open_results(folder).manifests[0]
    source = Source(rebuilt(manifest.spec), str(folder), folder)
    return prepare(source, Materials(materials.read(folder, manifest)))


def gains_of(problem: Problem, group: int, nodes: int) -> Iterator[Gain]:
    """Gains of all uncertain properties in one scenario."""
    programs = LinePrograms(problem, beliefs(problem), "float64", None)
    line = programs.lines(group * problem.space.coatings, problem.space.coatings)
    floor = problem.spec.ranking.thinnest_film_nm
    empty = float(np.asarray(bare(programs.bare_line(group)).p_works).ravel()[0])
    now = Choices(_works(line, floor), empty)
    looked = looked_up(problem)
    names, electrolyte = looked[COATING], looked["electrolyte"]
    assert isinstance(names, Words)
    assert isinstance(electrolyte, Words)
    for prop, field in OWN.items():
        values, known = _known(line, field, nodes)
        after = _works(known, floor).reshape(nodes, -1)
        for i in np.flatnonzero(values.std(axis=0) > 0):
            alone = np.tile(now.coatings, (nodes, 1))
            alone[:, i] = after[:, i]
            yield _gain(names.words[names.codes[i]], prop, now, alone, values[:, i])
    digits = problem.space.line_digits(group * problem.space.coatings)
    named = electrolyte.words[electrolyte.codes[digits["electrolyte"]]]
    for prop, field in SHARED.items():
        values, known = _known(line, field, nodes)
        if values[:, 0].std() > 0:
            after = _works(known, floor).reshape(nodes, -1)
            yield _gain(named, prop, now, after, values[:, 0])


def _works(line: Line, floor: float) -> Floats:
    """p_works of lines at their recommended thickness, flat, in blocks of one shape."""
    flat = [np.asarray(each, float).reshape(-1) for each in line]
    size = max(len(each) for each in flat)
    flat = [np.broadcast_to(each, size) for each in flat]
    found = []
    for first in range(0, size, _BLOCK):
        block = [np.resize(each[first : first + _BLOCK], _BLOCK) for each in flat]
        found.append(np.asarray(_at_best(Line(*block), floor)))
    return np.concatenate(found)[:size]


@jax.jit
def _at_best(line: Line, floor: Any) -> Any:
    return at_thickness(line, recommend(line, floor).thickness_nm).p_works


def _known(line: Line, field: str, nodes: int) -> tuple[Floats, Line]:
    """Values a property may be found to have, (nodes, coatings), and the lines with each of them.

    Parts of equal probability, in rising order; conductivities in S/cm. Where a coating's property
    is exact its values are all the same.
    """
    deviation = f"{field.removesuffix('_V')}_sd"
    count = len(line.sigma_ele)
    share = (np.arange(nodes) + 0.5) / nodes
    fields = {name: np.broadcast_to(np.asarray(value, float), (nodes, count))
              for name, value in line._asdict().items()}  # fmt: skip
    if field == "sigma_ion":
        values = _mixture(line, share)
        fields["second_weight"] = np.zeros((nodes, count))
    else:
        mean, sd = fields[field], fields[deviation]
        values = mean + sd * norm.ppf(share)[:, None]
    fields |= {field: values, deviation: np.zeros((nodes, count))}
    return (values if field.endswith("_V") else 10.0**values), Line(**fields)


def _mixture(line: Line, share: Floats) -> Floats:
    """Quantiles (nodes, coatings) of log sigma_ion, a mixture of two normals, by bisection."""
    second = np.asarray(line.second_weight, float)
    parts = [
        (1.0 - second, np.asarray(line.sigma_ion), np.asarray(line.sigma_ion_sd)),
        (second, np.asarray(line.sigma_ion_second), np.asarray(line.sigma_ion_second_sd)),
    ]
    reach = [(mean - 9.0 * sd, mean + 9.0 * sd) for _, mean, sd in parts]
    shape = len(share), len(second)
    low = np.broadcast_to(np.minimum(reach[0][0], reach[1][0]), shape)
    high = np.broadcast_to(np.maximum(reach[0][1], reach[1][1]), shape)
    for _ in range(60):
        middle = (low + high) / 2.0
        below = sum(w * norm.cdf((middle - m) / np.maximum(s, 1e-9)) for w, m, s in parts)
        more = below < share[:, None]
        low, high = np.where(more, middle, low), np.where(more, high, middle)
    exact = (line.sigma_ion_sd == 0) & (second == 0)
    return np.where(exact, line.sigma_ion, (low + high) / 2.0)


def _gain(material: str, prop: str, now: Choices, after: Floats, values: Floats) -> Gain:
    """Gain of one property; after: (nodes, coatings), what p_works would then be."""
    best = int(now.coatings.argmax())
    today = max(float(now.coatings[best]), now.bare)
    # the mean over what may be found is today's value up to the error of the nodes: take it out
    drift = after.mean(axis=0) - now.coatings
    corrected = np.where(drift < 0, after - drift, after)
    largest = np.maximum(corrected.max(axis=1), now.bare)
    whole = max(float(largest.mean()) - today, 0.0)
    kept = max(float(np.maximum(corrected[:, best], 0.0).mean()) - float(now.coatings[best]), 0.0)
    changes = largest > np.maximum(corrected[:, best], now.bare) + 1e-9
    if float(np.ptp(after, axis=0).max()) < 1e-9:
        whole = kept = 0.0
    turn = np.flatnonzero(np.diff(changes.astype(int)) != 0)
    beat = float("nan")
    if len(turn):
        at = turn[0]
        pair = values[at], values[at + 1]
        beat = float(np.sqrt(pair[0] * pair[1])) if min(pair) > 0 else float(sum(pair) / 2)
    kept = min(kept, whole)
    return Gain(material, prop, whole, whole - kept, float(changes.mean()), beat)


def render_next(rows: "pd.DataFrame", top: int) -> str:
    """The first rows as a table for people."""
    import io

    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("material", "property"):
        table.add_column(heading, no_wrap=True)
    for heading in ("gain %", "by another coating", "changes choice %", "value to beat"):
        table.add_column(heading, justify="right", no_wrap=True)
    for _, row in rows.head(top).iterrows():
        beat = "" if np.isnan(row["value_to_beat"]) else f"{row['value_to_beat']:.2g}"
        numbers = [row["gain_p_works"], row["gain_of_another_coating"], row["p_change_of_choice"]]
        table.add_row(
            row["material"], row["property"], *(f"{100 * each:.1f}" for each in numbers), beat
        )
    text = io.StringIO()
    Console(file=text, width=120, color_system=None, highlight=False, markup=False).print(table)
    return "\n".join(line.rstrip() for line in text.getvalue().rstrip().split("\n"))
