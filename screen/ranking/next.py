"""What to measure next: the expected value of knowing one property exactly.

    rows = what_to_measure("results/first")      # best first
    rows.head(3)

A choice is a coating and its thickness. Today the choice with the largest p_works is taken. If a
property were known, both would be chosen anew; the gain is the mean of the largest p_works over
the possible results of the measurement, less today's. It is never negative, and 0 where no choice
depends on the property. Deterministic: the distribution is cut into parts of equal probability.

Source: expected value of partial perfect information, H. Raiffa and R. Schlaifer, Applied
Statistical Decision Theory (1961).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from muli.screen.conditions import check_condition
from muli.screen.dataset import materials
from muli.screen.dataset.results import Dirs, open_results
from muli.screen.engine.lines import LinePrograms
from muli.screen.engine.probabilities import WITHIN, at_thickness, bare, recommend
from muli.screen.engine.probability_line import Line
from muli.screen.errors import UsageError
from muli.screen.ranking import sql
from muli.screen.ranking.rank import ranking
from muli.screen.space.evidence import beliefs
from muli.screen.space.facts import Words, all_axis_columns
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
_REFINED = 32
"""Further parts between the two nodes where p_works changes most."""
_BLOCK = 512
_TOGETHER = 16
"""Coatings that are judged together before those that cannot be better are left out."""
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


class Cell(NamedTuple):
    """One scenario: its coatings with a line each (coatings,), and the bare cell's line (1,)."""

    coatings: Sequence[str]
    electrolyte: str
    line: Line
    bare: Line
    floor_nm: float


class Choices(NamedTuple):
    """p_works of every coating at its best thickness, and that of the bare cell."""

    coatings: Floats
    bare: float


class Found(NamedTuple):
    """Values that a measurement may find (nodes,), how likely each is, and p_works with it.

    coatings: (nodes, coatings), each at its best thickness. bare: (nodes,), of the bare cell.
    """

    values: Floats
    weights: Floats
    coatings: Floats
    bare: Floats


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
    if len(results.folders) > 1:
        raise UsageError("next: one folder at a time; each run has choices of its own")
    if not set(P_COLUMNS) <= set(results.columns):
        raise UsageError('next: this run has no probabilities (missing = "status"); run it again')
    if cell:
        check_condition(cell, sql.kinds(results.columns), "--cell")
    # the row without a coating has a number of its own, which does not tell its scenario
    coated = "coating <> 'none'"
    rows = ranking(results, top=1, where=f"({cell}) AND {coated}" if cell else coated).rows
    if rows.empty:
        raise UsageError(f"--cell {cell}: no row fits" if cell else "next: no coating has a row")
    problem = _problem(results.folders[0])
    if problem.layers > 1:
        raise UsageError(
            "next: coatings of several layers have probabilities, but no gains yet; run a screen "
            "of their single layers"
        )
    group = int(rows["row_id"].iloc[0]) // (problem.space.coatings * problem.space.rows_per_line)
    with jax.enable_x64(True):
        gains = list(gains_of(_cell(problem, group), nodes))
    order = sorted(gains, key=lambda gain: (-gain.gain_p_works, gain.material, gain.property))
    return pd.DataFrame([vars(gain) for gain in order])


def _problem(folder: Path) -> Problem:
    """The screen of a folder, with its own materials."""
    manifest = open_results(folder).manifests[0]
    source = Source(rebuilt(manifest.spec), str(folder), folder)
    return prepare(source, Materials(materials.read(folder, manifest)))


def gains_of(cell: Cell, nodes: int) -> Iterator[Gain]:
    """Gains of all uncertain properties in one scenario."""
    line, floor = cell.line, cell.floor_nm
    now = Choices(_works(line, floor), float(np.asarray(_empty_works(cell.bare))[0]))
    share = np.broadcast_to(_middles(nodes), (nodes, len(cell.coatings)))
    for prop, field in OWN.items():
        uncertain = np.asarray(getattr(line, _deviation(field))) > 0
        matters = uncertain & (
            _largest(line, field, share, floor) > max(now.coatings.max(), now.bare)
        )
        matters[now.coatings.argmax()] = uncertain[now.coatings.argmax()]
        yield from (Gain(cell.coatings[int(i)], prop, 0.0, 0.0, 0.0, float("nan"))
                    for i in np.flatnonzero(uncertain & ~matters))  # fmt: skip
        some = np.flatnonzero(matters)
        if not len(some):
            continue
        mine = Line(*(np.broadcast_to(column, uncertain.shape)[some] for column in line))
        values, weights, after = _judged(mine, field, share[:, some], floor)
        for i, at in enumerate(some):
            alone = np.tile(now.coatings, (len(after), 1))
            alone[:, at] = after[:, i]
            empty = np.full(len(after), now.bare)
            outcomes = Found(values[:, i], weights[:, i], alone, empty)
            yield _gain(cell.coatings[int(at)], prop, now, outcomes)
    yield from _shared_gains(cell, now, share)


def _largest(line: Line, field: str, share: Floats, floor: float) -> Floats:
    """p_works of each coating (coatings,) is never more than this, whatever the property is.

    It rises with the oxidation limit and falls with the reduction limit; conductivities leave the
    probabilities of being stable and inert as they are. A recommended thickness may miss the best
    one by `WITHIN`.
    """
    if field.endswith("_V"):
        best = share[-1:] if field == "oxidation_V" else share[:1]
        return _works(_known(line, field, best)[1], floor) + WITHIN
    flat = jax.tree.map(lambda leaf: np.broadcast_to(leaf, share.shape[1:]), line)
    return np.asarray(_stable_and_inert(flat, floor))


def _judged(line: Line, field: str, share: Floats, floor: float) -> tuple[Floats, Floats, Floats]:
    """Values of a property, how likely each is, and p_works with it, each (nodes, coatings)."""

    def works(at: Floats) -> tuple[Floats, Floats]:
        values, known = _known(line, field, at)
        return values, _works(known, floor).reshape(at.shape)

    first = works(share)
    more, order, weights = _refined(share, first[1])
    both = (np.concatenate(pair) for pair in zip(first, works(more), strict=True))
    values, after = (np.take_along_axis(array, order, axis=0) for array in both)
    return values, weights, after


def _shared_gains(cell: Cell, now: Choices, share: Floats) -> Iterator[Gain]:
    """Gains of the electrolyte's properties: they change every coating and the bare cell."""
    for prop, field in SHARED.items():
        if not np.asarray(getattr(cell.line, _deviation(field)))[0] > 0:
            continue
        first = _all_choices(cell, now, field, share)
        largest = np.fmax(np.nanmax(first[1], axis=1), first[2])
        steep = np.repeat(largest[:, None], share.shape[1], axis=1)
        more, order, weights = _refined(share, steep)
        both = zip(first, _all_choices(cell, now, field, more), strict=True)
        values, after, empty = (np.concatenate(pair)[order[:, 0]] for pair in both)
        yield _gain(cell.electrolyte, prop, now, Found(values, weights[:, 0], after, empty))


def _all_choices(
    cell: Cell, now: Choices, field: str, share: Floats
) -> tuple[Floats, Floats, Floats]:
    """Values of the electrolyte's property; p_works of the coatings and of the bare cell.

    NaN where a coating cannot be the best: it works no more often than it is stable and inert,
    which no property of the electrolyte changes. Today's best coating is judged everywhere.
    """
    values, known = _known(cell.line, field, share)
    empty = np.asarray(_empty_works(_known(cell.bare, field, share[:, :1])[1]))[:, 0]
    most = np.array(_largest(cell.line, "sigma_ele", share, cell.floor_nm))
    after, best = np.full(share.shape, np.nan), empty.copy()
    order = np.argsort(-now.coatings, kind="stable")
    most[order[0]] = np.inf
    for first in range(0, len(order), _TOGETHER):
        some = order[first : first + _TOGETHER]
        wanted = np.zeros(share.shape, bool)
        wanted[:, some] = most[some] > best[:, None]
        if wanted.any():
            after[wanted] = _works(Line(*(column[wanted] for column in known)), cell.floor_nm)
            best = np.fmax(best, np.fmax.reduce(after, axis=1))
    return values[:, 0], after, empty


def _middles(count: int) -> Floats:
    """Middles of parts of equal probability, (count, 1)."""
    return ((np.arange(count) + 0.5) / count)[:, None]


def _refined(share: Floats, after: Floats) -> tuple[Floats, NDArray[np.int64], Floats]:
    """Further nodes where p_works changes most, the order of all nodes, and their weights.

    p_works of a property that is known may be a step: a film is affordable or it is not. The order
    sorts the given nodes followed by the further ones; weights stand in that order.
    """
    nodes = len(share)
    at = np.abs(np.diff(after, axis=0)).argmax(axis=0)[None, :]
    low, high = (np.take_along_axis(share, where, axis=0) for where in (at, at + 1))
    more = low + (high - low) * _middles(_REFINED)
    weights = np.full(share.shape, 1.0 / nodes)
    for where in (at, at + 1):
        np.put_along_axis(weights, where, 0.5 / nodes, axis=0)
    inner = np.full(more.shape, 1.0 / (nodes * _REFINED))
    order = np.argsort(np.concatenate([share, more]), axis=0)
    sorted_ = np.take_along_axis(np.concatenate([weights, inner]), order, axis=0)
    return more, order, sorted_


def _cell(problem: Problem, group: int) -> Cell:
    """The scenario of this number."""
    programs = LinePrograms(problem, beliefs(problem), "float64", None)
    count = problem.space.coatings
    axis_columns = all_axis_columns(problem)
    names, electrolytes = axis_columns[COATING], axis_columns["electrolyte"]
    assert isinstance(names, Words)
    assert isinstance(electrolytes, Words)
    at = problem.space.line_digits(group * count)["electrolyte"]
    empty = jax.tree.map(lambda leaf: np.asarray(leaf).reshape(1), programs.bare_line(group))
    return Cell(
        [names.words[code] for code in names.codes],
        electrolytes.words[electrolytes.codes[at]],
        programs.lines(group * count, count),
        empty,
        problem.spec.ranking.thinnest_film_nm,
    )


def _works(line: Line, floor: float) -> Floats:
    """p_works of lines at their recommended thickness, flat, in blocks of one shape."""
    flat = [np.asarray(column, float).reshape(-1) for column in line]
    size = max(len(column) for column in flat)
    flat = [np.broadcast_to(column, size) for column in flat]
    blocks = []
    for first in range(0, size, _BLOCK):
        block = [np.resize(column[first : first + _BLOCK], _BLOCK) for column in flat]
        blocks.append(np.asarray(_at_best(Line(*block), floor)))
    return np.concatenate(blocks)[:size]


@jax.jit
def _stable_and_inert(line: Line, floor: Any) -> Any:
    chances = at_thickness(line, floor)
    return chances.p_stable * chances.p_inert


@jax.jit
def _empty_works(line: Line) -> Any:
    return bare(line).p_works


@jax.jit
def _at_best(line: Line, floor: Any) -> Any:
    return at_thickness(line, recommend(line, floor).thickness_nm).p_works


def _known(line: Line, field: str, share: Floats) -> tuple[Floats, Line]:
    """Values a property may be found to have, (nodes, coatings), and the lines with each of them.

    share: the probability of a smaller value, (nodes, coatings), rising. Conductivities in S/cm.
    """
    deviation = _deviation(field)
    fields = {name: np.broadcast_to(np.asarray(value, float), share.shape)
              for name, value in line._asdict().items()}  # fmt: skip
    if field == "sigma_ion":
        values = _mixture(line, share)
        fields["second_weight"] = np.zeros(share.shape)
    else:
        mean, sd = fields[field], fields[deviation]
        values = mean + sd * norm.ppf(share)
    fields |= {field: values, deviation: np.zeros(share.shape)}
    return (values if field.endswith("_V") else 10.0**values), Line(**fields)


def _mixture(line: Line, share: Floats) -> Floats:
    """Quantiles (nodes, coatings) of log sigma_ion, a mixture of two normals, by bisection."""
    second = np.asarray(line.second_weight, float)
    parts = [
        (1.0 - second, np.asarray(line.sigma_ion), np.asarray(line.sigma_ion_sd)),
        (second, np.asarray(line.sigma_ion_second), np.asarray(line.sigma_ion_second_sd)),
    ]
    reach = [(mean - 9.0 * sd, mean + 9.0 * sd) for _, mean, sd in parts]
    low = np.broadcast_to(np.minimum(reach[0][0], reach[1][0]), share.shape)
    high = np.broadcast_to(np.maximum(reach[0][1], reach[1][1]), share.shape)
    for _ in range(60):
        middle = (low + high) / 2.0
        below = sum(w * norm.cdf((middle - m) / np.maximum(s, 1e-9)) for w, m, s in parts)
        more = below < share
        low, high = np.where(more, middle, low), np.where(more, high, middle)
    exact = (line.sigma_ion_sd == 0) & (second == 0)
    return np.where(exact, line.sigma_ion, (low + high) / 2.0)


def _deviation(field: str) -> str:
    """Field of the standard deviation of a field."""
    return f"{field.removesuffix('_V')}_sd"


def _gain(material: str, prop: str, now: Choices, found: Found) -> Gain:
    """Gain of one property."""
    best = int(now.coatings.argmax())
    today = max(float(now.coatings[best]), now.bare)
    weights = found.weights
    after = _corrected(found.coatings, now.coatings, weights)
    empty = _corrected(found.bare, np.asarray(now.bare), weights)
    largest = np.fmax(np.nanmax(after, axis=1), empty)
    same = empty if now.bare > now.coatings[best] else after[:, best]
    whole = max(float(weights @ largest) - today, 0.0)
    kept = max(float(weights @ same) - today, 0.0)
    changes = largest > same + 1e-9
    spans = (np.fmax.reduce(works) - np.fmin.reduce(works) for works in (after, empty))
    if max(float(np.nanmax(span)) for span in spans) < 1e-9:
        whole = kept = 0.0
    turn = np.flatnonzero(np.diff(changes.astype(int)) != 0)
    beat = float("nan")
    if len(turn):
        at = turn[0]
        pair = found.values[at], found.values[at + 1]
        beat = float(np.sqrt(pair[0] * pair[1])) if min(pair) > 0 else float(sum(pair) / 2)
    kept = min(kept, whole)
    return Gain(material, prop, whole, whole - kept, float(weights @ changes), beat)


def _corrected(after: Floats, now: Floats, weights: Floats) -> Floats:
    """What p_works would be, with a mean not below today's.

    Nothing is lost by knowing more: a lower mean is an error of the nodes.
    """
    drift = weights @ after - now
    return np.where(drift < 0, np.minimum(after - drift, 1.0), after)
