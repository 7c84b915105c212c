"""The rows that mode best keeps.

With priors: one row per coating and scenario at its recommended thickness, judged over all states
of charge together, and one for the bare cell. Without: the best thickness on the axis, the first
`top_k` coatings of every scenario and state.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import jax
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from muli.screen.dataset.parquet import Encoded
from muli.screen.engine.ageing import aged_columns
from muli.screen.engine.answers import Answers
from muli.screen.engine.bare_cells import padded, with_bare
from muli.screen.engine.evaluate import Evaluator
from muli.screen.engine.judged import Judged, LineBest
from muli.screen.engine.life import life_columns
from muli.screen.engine.lines import LinePrograms
from muli.screen.engine.probabilities import THIN_NM
from muli.screen.engine.probability_line import Recommended
from muli.screen.engine.reduce import NOTHING, count_names, thickness_position
from muli.screen.engine.row_groups import Memory, Place, Rows, positions, row_group, row_ids
from muli.screen.engine.selection import best_per_group, name_ranks
from muli.screen.space.facts import AxisColumn, Positions, Words
from muli.screen.space.layout import COATING, MOST_JUDGED, STATE, THICKNESS, DesignSpace, Lines
from muli.screen.space.problem import Problem
from muli.screen.vocabulary import DEFAULTS, OUTCOMES, P_COLUMNS, column_name

GROUP_COUNTS = {
    "group_stacks": None,
    "group_filtered": None,
    **{f"group_{name}": ("status", name) for name in OUTCOMES["status"]},
    "group_protected": ("protected", "yes"),
    "group_feasible": ("feasible", "yes"),
}
"""Integer columns of best mode: how many of a group's stacks (in this part) had which outcome."""

STEP = 0.005
"""Differences of p_works below this do not order rows."""
MOST_KEPT = 10_000_000
"""Lines of a screen up to which every coating keeps its row; beyond, `top_k` of every scenario."""

Extra = dict[str, NDArray[Any]]
Stable = Mapping[str, NDArray[np.float64]]


def best_on_axis(
    evaluator: Evaluator,
    axis_columns: dict[str, AxisColumn],
    schema: pa.Schema,
    lines: Lines,
    of_lines: LineBest,
    stable: Stable,
) -> list[Encoded]:
    """The first `top_k` coatings of every group, each at the best thickness of the axis."""
    problem, space = evaluator.problem, evaluator.problem.space
    at = positions(space, lines)
    at[THICKNESS] = thickness_position(of_lines.best.key)[:, :, None].astype(np.int64)
    output = problem.spec.output
    chosen, rank = best_per_group(
        space,
        axis_columns,
        of_lines,
        at,
        problem.numbers.get(THICKNESS, np.zeros(1)),
        output.top_k,
        output.per or (),
    )
    extra: Extra = {"group_rank": rank}
    extra |= _group_counts(evaluator, at, of_lines.best.counts, chosen)
    extra |= {name: values.reshape(-1)[chosen] for name, values in stable.items()}
    thickness = evaluator.thickness_nm[at[THICKNESS][:, :, 0]]
    rows = rows_at(evaluator, lines, thickness, chosen).answers
    picked = {name: _pick(where, thickness.shape, chosen) for name, where in at.items()}
    place = Place(picked, row_ids(space, picked)[:, 0, 0], (len(chosen), 1, 1))
    extra |= aged_columns(evaluator.aged, place, thickness.reshape(-1)[chosen])
    return row_group(schema, axis_columns, place, Rows(rows), None, extra, Memory(output.encoding))


def recommended_rows(
    evaluator: Evaluator,
    axis_columns: dict[str, AxisColumn],
    schema: pa.Schema,
    lines: Lines,
    of_lines: LineBest,
    stable: Stable,
) -> list[Encoded]:
    """One row per line at its recommended thickness, and one per bare cell that ends here.

    Where a gate removes the recommended row, the row of the line is that at the best thickness
    which the gates keep. A line of which they keep nothing has no row.
    """
    believed, space = evaluator.believed, evaluator.problem.space
    assert believed is not None
    judged_lines = judged(evaluator.problem, axis_columns, lines)
    key = of_lines.best.key[judged_lines]
    best = believed.recommended(lines.start, judged_lines)
    thickness = np.repeat(best.thickness_nm[:, None], space.states, axis=1)
    rows = _all_states(evaluator, lines, judged_lines, thickness)
    removed = (rows.removed_by.reshape(key.shape) != 0).any(axis=1)
    left = (key != NOTHING).any(axis=1)
    if (again := removed & left).any():
        on_axis = evaluator.thickness_nm[thickness_position(key)]
        thickness = np.where(again[:, None], on_axis[:, :1], thickness)
        rows = _all_states(evaluator, lines, judged_lines, thickness)
    extra = line_columns(believed, lines, judged_lines, best, thickness[:, 0])
    extra["coating_thickness_nm"] = believed.nm(thickness[:, 0])
    extra |= believed.layers_nm(thickness[:, 0])
    answers, more = _joint(rows.answers, key.shape)
    extra |= more | {name: values[judged_lines, 0] for name, values in stable.items()}
    chosen = Chosen(lines, judged_lines, left, thickness[:, 0])
    return _written(evaluator, axis_columns, schema, chosen, of_lines, answers, extra)


class Chosen(NamedTuple):
    """Lines of a chunk that are judged, by their offsets, whether the gates keep some row, and the
    thickness, as the evaluator takes it."""

    lines: Lines
    offsets: NDArray[np.int64]
    left: NDArray[np.bool_]
    thickness: NDArray[Any]


def _all_states(
    evaluator: Evaluator, lines: Lines, offsets: NDArray[np.int64], thickness: NDArray[Any]
) -> Judged:
    """Rows of all states of some lines, each line at one thickness."""
    states = thickness.shape[1]
    spread = np.zeros((len(lines), states), thickness.dtype)
    spread[offsets] = thickness
    chosen = (offsets[:, None] * states + np.arange(states)[None, :]).reshape(-1)
    return rows_at(evaluator, lines, spread, chosen)


def judged(
    problem: Problem, axis_columns: dict[str, AxisColumn], lines: Lines
) -> NDArray[np.int64]:
    """Offsets of the lines of which probabilities are computed: normally all of them.

    Of very large screens only those at the reference value of every scenario axis that has a
    default; `judged_note` says so.
    """
    everything = np.arange(len(lines))
    if problem.space.lines <= MOST_JUDGED:
        return everything
    number, kept = lines.start + everything, np.ones(len(lines), bool)
    for name, size in reversed(
        [*problem.space.scenarios.items(), (COATING, problem.space.coatings)]
    ):
        number, digit = np.divmod(number, size)
        if (column := column_name(name)) in DEFAULTS:
            kept &= digit == _reference(axis_columns[column], DEFAULTS[column])
    return np.flatnonzero(kept)


def judged_note(problem: Problem) -> list[str]:
    """The note of a run that does not rank every scenario."""
    if problem.spec.screen.missing != "prior" or problem.space.lines <= MOST_JUDGED:
        return []
    opened = [column_name(name) for name, size in problem.space.scenarios.items()
              if size > 1 and column_name(name) in DEFAULTS]  # fmt: skip
    return [
        f"{problem.space.lines:,} lines are more than {MOST_JUDGED:,}: probabilities are "
        f"computed at the reference value of {', '.join(opened)} only; narrow an axis to rank all"
    ]


def _reference(column: AxisColumn, default: str | float) -> int:
    """Position of the value nearest to a default on its own axis."""
    values: list[Any] = list(column.in_order)
    if isinstance(default, str):
        return values.index(default) if default in values else 0
    return int(np.argmin(np.abs(np.asarray(values, float) - default)))


def line_columns(
    believed: LinePrograms,
    lines: Lines,
    offsets: NDArray[np.int64],
    best: Recommended | None = None,
    thickness_nm: NDArray[Any] | None = None,
) -> Extra:
    """Columns of probabilities and recommendations of some lines, by their offsets.

    best: as `recommended` gives it. thickness_nm: where probabilities and resistance are taken, the
    recommended thickness by default.
    """
    best = believed.recommended(lines.start, offsets) if best is None else best
    at = best.thickness_nm if thickness_nm is None else thickness_nm
    chances, cost = believed.at_thickness(lines.start, offsets, at)
    life = {}
    if believed.ages:
        life = life_columns(believed.life(lines.start, offsets, at), chances.p_transport)
    return {
        **life,
        **{name: getattr(chances, name) for name in P_COLUMNS},
        "recommended_thickness_nm": believed.nm(best.thickness_nm),
        "thickness_low_nm": best.thickness_low_nm,
        "thickness_high_nm": best.thickness_high_nm,
        "asr_median_ohm_cm2": cost,
        "thin": believed.nm(at) < THIN_NM,
        "not_affordable": best.not_affordable,
    }


def _written(
    evaluator: Evaluator,
    axis_columns: dict[str, AxisColumn],
    schema: pa.Schema,
    chosen: Chosen,
    of_lines: LineBest,
    answers: Answers,
    extra: Extra,
) -> list[Encoded]:
    """Rows of the lines that are kept, in the order of a ranking inside each scenario."""
    space = evaluator.problem.space
    lines, offsets, left, thickness = chosen
    at = positions(space, lines)
    line = at["line"][offsets, 0, 0]
    coating = line % space.coatings
    names = axis_columns[COATING]
    assert isinstance(names, Words)
    order, rank = _ranked(extra, line // space.coatings, name_ranks(names)[coating], left)
    if space.lines > MOST_KEPT:
        kept = rank <= evaluator.problem.spec.output.top_k
        order, rank = order[kept], rank[kept]
    axis = evaluator.thickness_nm.astype(evaluator.dtype)
    grid = np.searchsorted(axis, thickness[order].astype(evaluator.dtype))
    whole = np.minimum(grid, space.thicknesses - 1)
    extra = {name: values[order] for name, values in extra.items()} | {"group_rank": rank}
    extra |= _group_counts(evaluator, at, of_lines.best.counts, offsets[order] * space.states)
    picked = {name: where[:, 0, 0][offsets[order]][:, None, None] for name, where in at.items()
              if name not in (STATE, THICKNESS)}  # fmt: skip
    picked |= {STATE: np.zeros_like(picked["line"]), THICKNESS: whole[:, None, None]}
    answers = jax.tree.map(lambda values: values[order][:, None, None], answers)
    ends = line[coating == space.coatings - 1] // space.coatings
    if len(ends):
        picked, answers, extra = with_bare(evaluator, ends, picked, answers, extra)
    ids = row_ids(space, picked)[:, 0, 0]
    bare = picked[COATING][:, 0, 0] == space.coatings
    ids = np.where(bare, space.stacks + picked["line"][:, 0, 0] // space.coatings, ids)
    place = Place(picked, ids, (len(ids), 1, 1))
    extra |= aged_columns(evaluator.aged, place, extra["coating_thickness_nm"])
    memory = Memory(evaluator.problem.spec.output.encoding)
    return row_group(schema, padded(axis_columns), place, Rows(answers), None, extra, memory)


def _ranked(
    extra: Extra, group: NDArray[np.int64], name: NDArray[np.int64], left: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lines in the order of a ranking inside each scenario, and their rank there.

    floor(p_works/0.005), then p_protects*p_affordable, then the median resistance, then the name.
    """
    keys = [
        name,
        extra["asr_median_ohm_cm2"],
        -extra["p_protects"].astype(float) * extra["p_affordable"],
        -np.floor(extra["p_works"].astype(float) / STEP + 1e-6),
        group,
    ]
    kept = np.flatnonzero(left)
    order = kept[np.lexsort([key[kept] for key in keys])]
    ordered = group[order]
    return order, np.arange(len(order)) - np.searchsorted(ordered, ordered, side="left") + 1


def _joint(answers: Answers, shape: tuple[int, int]) -> tuple[Answers, Extra]:
    """Rows of a line's states as one: numbers of the charged state, verdicts of all, worst status.

    Also the thickness that protects in every state, and the sigma_ele it takes there.
    """

    def states(values: NDArray[Any]) -> NDArray[Any]:
        return values.reshape(shape)

    floats = {name: states(values)[:, 0] for name, values in answers.floats.items()}
    verdicts = {}
    for name, values in answers.verdicts.items():
        table = states(values)
        no = (table == 0).any(axis=1)
        verdicts[name] = np.where(no, 0, table.max(axis=1))
    codes = {name: states(values)[:, 0] for name, values in answers.codes.items()}
    codes["status"] = states(answers.codes["status"]).max(axis=1)
    needed = states(answers.floats["min_thickness_nm"]).max(axis=1)
    electrons = states(answers.floats["max_sigma_ele_S_cm"]).min(axis=1)
    more = {"min_thickness_all_states_nm": needed, "sigma_ele_needed_S_cm": electrons}
    return Answers(floats, verdicts, codes), more


def rows_at(
    evaluator: Evaluator,
    lines: Lines,
    thickness_nm: NDArray[Any],
    chosen: NDArray[np.int64],
) -> Judged:
    """All columns of the chosen (line, state) pairs, (rows, 1, 1), in their order.

    thickness_nm: of every line and state. The program that computes rows takes a line with a
    few thicknesses: here those of its states.
    """
    (tall, blocks), block = evaluator.grid[0].shape, evaluator.block
    states = thickness_nm.shape[1]
    block = max(1, block)
    line, state = np.divmod(chosen, states)
    which, slot = np.unique(line, return_inverse=True)
    slots = max(1, -(-len(which) // (tall * blocks))) * tall * blocks
    offset = np.resize(which if len(which) else [0], slots).astype(np.int32)
    thickness = np.full((slots, block), evaluator.thickness_nm[0])
    column = np.minimum(np.arange(states), block - 1)
    thickness[:, column] = thickness_nm[offset].astype(thickness.dtype)
    start = evaluator.start(lines.start)
    calls = slots // (tall * blocks)
    inputs = offset.reshape(calls, tall, blocks), thickness.reshape(calls, tall, blocks, block)
    judged_calls: list[Judged] = []
    for first in range(0, calls, evaluator.tiles_per_call):
        indices = range(first, min(first + evaluator.tiles_per_call, calls))
        batch = [[array[i] for i in indices] for array in inputs]
        judged_calls += evaluator.call(evaluator.rows, [start] * len(indices), *batch)
    call, *place = np.unravel_index(slot, (calls, tall, blocks))
    at = place[0], state, place[1], column[state]
    by_call = [np.flatnonzero(call == one_call) for one_call in range(calls)]

    @cache
    def places(shape: tuple[int, ...]) -> NDArray[np.int64]:
        inside = [np.minimum(axis, size - 1) for axis, size in zip(at, shape, strict=True)]
        return np.ravel_multi_index(inside, shape)

    def pick(*leaves: NDArray[Any]) -> NDArray[Any]:
        picked = np.empty(len(chosen), dtype=leaves[0].dtype)
        for selected, leaf in zip(by_call, leaves, strict=True):
            picked[selected] = leaf.reshape(-1)[places(leaf.shape)[selected]]
        return picked[:, None, None]

    return jax.tree.map(pick, *judged_calls)


def _pick(
    where: NDArray[np.int64], shape: tuple[int, ...], chosen: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Positions of chosen (line, state) pairs, (rows, 1, 1)."""
    return np.broadcast_to(where, (*shape, 1)).reshape(-1)[chosen][:, None, None]


def best_schema(schema: pa.Schema) -> pa.Schema:
    """The schema of best mode: that of all rows, the rank in the group, and the group's counts."""
    fields = [pa.field("group_rank", pa.int32(), metadata={"unit": ""})]
    fields += [pa.field(name, pa.int64(), metadata={"unit": "stacks"}) for name in GROUP_COUNTS]
    for field in fields:
        schema = schema.append(field)
    return schema


def group_sums(space: DesignSpace, first: int, counts: NDArray[np.int32]) -> NDArray[np.int64]:
    """Counts of consecutive lines, (lines, states, names), added up by group.

    first: the first line. A chunk has fewer than 2**31 stacks, so that no sum overflows.
    """
    coatings, lines = space.coatings, len(counts)
    if first % coatings == 0 and lines % coatings == 0:
        whole = counts.reshape(-1, coatings, *counts.shape[1:])
        return whole.sum(axis=1, dtype=np.int32).astype(np.int64)
    group = (first + np.arange(lines)) // coatings
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    return np.add.reduceat(counts, starts, axis=0, dtype=np.int64)


def _group_counts(
    evaluator: Evaluator, at: Positions, count: NDArray[np.int32], chosen: NDArray[np.int64]
) -> dict[str, NDArray[np.int64]]:
    """Counts of the group of every chosen (line, state) pair."""
    space, names = evaluator.problem.space, count_names(len(evaluator.gates))
    group = at["line"][:, 0, 0] // space.coatings
    sums = group_sums(space, int(at["line"][0, 0, 0]), count)
    line, state = np.divmod(chosen, space.states)
    group_counts = sums[group[line] - group[0], state]
    removed = [i for i, (kind, _) in enumerate(names) if kind == "removed"]
    status = [i for i, (kind, _) in enumerate(names) if kind == "status"]
    totals = {
        "group_filtered": group_counts[:, removed].sum(axis=1),
        "group_stacks": group_counts[:, removed + status].sum(axis=1),
    }
    for column, name in GROUP_COUNTS.items():
        if name is not None:
            totals[column] = group_counts[:, names.index(name)]
    return totals
