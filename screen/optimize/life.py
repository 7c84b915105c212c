"""Design for life: the thinnest coating with which a cell stays within its budget for years.

For every coating in every scenario: the thinnest film with which coating, contacts and interphases
stay within `screen.asr_budget_ohm_cm2` for `life_years` (with a probability where the spec gives
one), the film that lasts longest, and the largest sigma_ele that its interphase may have. Every
evaluation is the closed form of `kernels.ageing`; thicknesses are searched on a logarithmic grid,
then by dividing the range.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from numpy.typing import NDArray

from muli.screen.engine.ageing import Aged
from muli.screen.engine.lines import LinePrograms
from muli.screen.errors import SpecError
from muli.screen.optimize.read import refuse_unread
from muli.screen.space.evidence import beliefs
from muli.screen.space.facts import Positions
from muli.screen.space.layout import COATING, STATE, THICKNESS
from muli.screen.space.problem import Problem, prepare
from muli.screen.space.products import refuse_ageing
from muli.screen.spec import Source
from muli.screen.vocabulary import LIVES

Floats = NDArray[np.float64]
BOUNDS_NM = (0.3, 2000.0)
"""Thicknesses that are searched where the spec has no bounds."""
POINTS, HALVINGS, HALVINGS_AT_A_TOP = 65, 40, 28
PARTS_OF_FEW = 16
"""Parts into which the ranges of few lines are divided at once: up to about a thousand thicknesses
a call costs the same. A power of two."""
FEW_LINES = 64
MOST_LINES = 5_000


class Found(NamedTuple):
    """Thicknesses (nm) by line, NaN where there is none."""

    thinnest: Floats
    longest: Floats
    likeliest: Floats


def life_designs(source: Source) -> list[dict[str, Any]]:
    """One answer per coating and scenario, in the order of the axes. Raises `SpecError`.

    thickness_nm: the thinnest that lives, or with objective "lifetime" the one that lasts longest.
    """
    refuse_unread(source)
    if source.spec.ageing is None:
        raise SpecError(source.name, ["a design for life needs a section [ageing]"])
    problem = prepare(source)
    _refuse(problem)
    at = _lines(problem)
    aged = Aged(problem, source.spec.ageing)
    grid = np.geomspace(*_bounds(source), POINTS)
    years = _years_of(aged, at)
    protects = _protecting(aged, at) if "protects" in source.spec.ranking.criteria else None
    chance = _chance_of(problem, at) if _probability(source) else None
    alive = _alive(source, years, chance, protects)
    thicknesses = Found(
        _thinnest(alive, grid, len(at["line"]), parts=2 if chance else None),
        _longest(years, grid, len(at["line"])),
        _likeliest(chance, grid, len(at["line"])),
    )
    return _answers(source, aged, at, thicknesses, chance)


def for_life(source: Source) -> bool:
    """Whether a spec asks for a design for life."""
    design = source.spec.design
    lifetime = design is not None and "lifetime" in design.objective
    return lifetime or LIVES in source.spec.ranking.criteria


def _refuse(problem: Problem) -> None:
    """Raise `SpecError` where a design for life cannot be asked for."""
    refuse_ageing(problem)
    design, problems = problem.spec.design, []
    variables = set(design.variables) if design else set()
    if variables - {THICKNESS}:
        problems.append(
            "design.variables: a design for life varies coating_thickness_nm alone; leave "
            f"out {', '.join(sorted(variables - {THICKNESS}))}"
        )
    if design and set(design.objective) - {"total_coating_thickness", "lifetime"}:
        problems.append(
            'design.objective: a design for life has "total_coating_thickness" or "lifetime"'
        )
    if problem.space.lines > MOST_LINES:
        problems.append(f"axes: {problem.space.lines:,} cases, {MOST_LINES:,} are the most")
    if problems:
        raise SpecError(problem.source.name, problems)


def _bounds(source: Source) -> tuple[float, float]:
    design = source.spec.design
    return design.variables.get(THICKNESS, BOUNDS_NM) if design else BOUNDS_NM


def _probability(source: Source) -> float | None:
    return source.spec.design.probability if source.spec.design else None


def _lines(problem: Problem) -> Positions:
    """Positions of all lines, charged."""
    space = problem.space
    digits = [space.line_digits(line) for line in range(space.lines)]
    at = {name: np.array([place[name] for place in digits]) for name in digits[0]}
    zero = np.zeros(space.lines, int)
    return {**at, "line": np.arange(space.lines), STATE: zero, THICKNESS: zero}


def _years_of(aged: Aged, at: Positions) -> Callable[[Floats], Floats]:
    """Years until the budget is reached, by thicknesses (..., lines), nm."""
    return lambda nm: _columns(aged, at, nm)["years_to_budget"]


def _columns(aged: Aged, at: Positions, nm: Floats) -> dict[str, Floats]:
    """Columns of ageing of all lines at thicknesses (..., lines), nm."""
    repeats = nm.size // nm.shape[-1]
    tiled = {name: np.tile(where, repeats) for name, where in at.items()}
    columns = aged.columns(tiled, nm.ravel())
    return {name: column.reshape(nm.shape) for name, column in columns.items()}


def _protecting(aged: Aged, at: Positions) -> Callable[[Floats], NDArray[np.bool_]]:
    """Whether nothing grows under the coating, by thicknesses (..., lines), nm."""
    return lambda nm: np.asarray(_columns(aged, at, nm)["interphase_final_nm"] == 0)


def _chance_of(problem: Problem, at: Positions) -> Callable[[Floats], Floats]:
    """Probability of living, by thicknesses (..., lines), nm."""
    programs = LinePrograms(problem, beliefs(problem), "float64", None)

    def built(name: str, function: Callable[..., Any], *_inputs: Any) -> None:
        programs.programs[name] = jax.jit(function)

    def chance(nm: Floats) -> Floats:
        with jax.enable_x64(True):
            offsets = np.broadcast_to(at["line"], nm.shape).ravel()
            return programs.life(0, offsets, nm.ravel()).p_lives.reshape(nm.shape)

    with jax.enable_x64(True):
        programs.build(built)
    return chance


def _alive(
    source: Source,
    years: Callable[[Floats], Floats],
    chance: Callable[[Floats], Floats] | None,
    protects: Callable[[Floats], NDArray[np.bool_]] | None,
) -> Callable[[Floats], NDArray[np.bool_]]:
    """Whether lines live at thicknesses, with the probability where one is required."""
    least = _probability(source)
    assert source.spec.ageing is not None
    life = source.spec.ageing.life_years

    def alive(nm: Floats) -> NDArray[np.bool_]:
        lives = years(nm) >= life if chance is None or least is None else chance(nm) >= least
        return np.asarray(lives if protects is None else lives & protects(nm))

    return alive


def _thinnest(
    alive: Callable[[Floats], NDArray[np.bool_]], grid: Floats, lines: int, parts: int | None = None
) -> Floats:
    """The thinnest film that lives; the films of a grid are tried from thin to thick.

    parts: into which a range is divided at once; as many as suit the lines if None.
    """
    lives = alive(_every(grid, lines))
    first = np.argmax(lives, axis=0)
    low, high = np.log(grid[np.maximum(first - 1, 0)]), np.log(grid[first])
    parts = parts or _parts(lines)
    for _ in range(_rounds(HALVINGS, parts)):
        places = np.linspace(low, high, parts + 1)
        enough = alive(np.exp(places[1:-1]))
        dead = np.argmax(np.append(enough, np.ones((1, lines), bool), axis=0), axis=0)
        low, high = _of_lines(places, dead), _of_lines(places, dead + 1)
    return np.where(lives.any(axis=0), np.exp(high), np.nan)


def _longest(years: Callable[[Floats], Floats], grid: Floats, lines: int) -> Floats:
    """The film that lasts longest; the thinnest of those that last for ever."""
    table = years(_every(grid, lines))
    for_ever = _thinnest(lambda nm: np.isinf(years(nm)), grid, lines)
    best = np.argmax(np.nan_to_num(table, nan=-1.0, posinf=np.inf), axis=0)
    low, high = (np.log(grid[np.clip(best + d, 0, len(grid) - 1)]) for d in (-1, 1))
    parts = max(_parts(lines), 4)
    # The best lies in the part before or after the best end of a part.
    for _ in range(_rounds(HALVINGS_AT_A_TOP, parts // 2)):
        places = np.linspace(low, high, parts + 1)
        best = 1 + np.argmax(np.nan_to_num(years(np.exp(places[1:-1])), nan=-1.0), axis=0)
        low, high = _of_lines(places, best - 1), _of_lines(places, best + 1)
    thickness = np.where(np.isnan(for_ever), np.exp(0.5 * (low + high)), for_ever)
    return np.where(np.nanmax(np.nan_to_num(table, nan=-1.0), axis=0) > 0, thickness, np.nan)


def _parts(lines: int) -> int:
    """Parts into which a range is divided at once."""
    return PARTS_OF_FEW if lines <= FEW_LINES else 2


def _rounds(halvings: int, parts: int) -> int:
    """Divisions into so many parts that are as fine as the halvings."""
    return math.ceil(halvings / math.log2(parts))


def _of_lines(places: Floats, chosen: NDArray[np.intp]) -> Floats:
    """The place (log nm) of each line; places: (places, lines)."""
    taken: Floats = np.take_along_axis(places, chosen[None], axis=0)[0]
    return taken


def _likeliest(chance: Callable[[Floats], Floats] | None, grid: Floats, lines: int) -> Floats:
    """The film of the grid that lives with the largest probability."""
    if chance is None:
        return np.full(lines, np.nan)
    return grid[np.argmax(chance(_every(grid, lines)), axis=0)]


def _every(grid: Floats, lines: int) -> Floats:
    """Every film of a grid for every line, (films, lines)."""
    return np.repeat(grid[:, None], lines, axis=1)


def _answers(
    source: Source,
    aged: Aged,
    at: Positions,
    found: Found,
    chance: Callable[[Floats], Floats] | None,
) -> list[dict[str, Any]]:
    """Answers with the keys of `muli design` and those of a life."""
    problem, spec = aged.problem, source.spec
    assert spec.ageing is not None
    longest_first = spec.design is not None and "lifetime" in spec.design.objective
    criteria = {*spec.ranking.criteria, "affordable", LIVES}
    chosen = found.longest if longest_first else found.thinnest
    put = np.where(np.isnan(chosen), found.longest, chosen)
    likely = np.where(np.isnan(chosen), found.likeliest, chosen)
    columns = aged.columns(at, put)
    longest = aged.columns(at, found.longest)["years_to_budget"]
    row, _ = aged.rows(at, put)
    unknown = np.isnan(aged.columns(at, np.ones(len(put)))["years_to_budget"])
    why_not = np.where(unknown & (chance is None), "missing_property", "infeasible").tolist()
    reached = None if chance is None else chance(likely)
    answers = []
    for line in range(len(put)):
        known = chosen[line] == chosen[line]
        answers.append(
            {
                **_scenario(problem, {name: int(places[line]) for name, places in at.items()}),
                "boundary": problem.spec.screen.boundary[int(at["boundary"][line])],
                "anode_side_V": float(max(row.E_anode[line], row.reduction[line])),
                "criteria": [c for c in ("protects", "affordable", LIVES) if c in criteria],
                "thickness_nm": [float(chosen[line])] if known else None,
                "feasible": bool(known),
                "status": "ok" if known else why_not[line],
                "asr_budget_ohm_cm2": spec.screen.asr_budget_ohm_cm2,
                "life_years": spec.ageing.life_years,
                "probability": _probability(source),
                "p_lives": None if reached is None else float(reached[line]),
                "likeliest_at_nm": float(likely[line]),
                "years_to_budget": float(columns["years_to_budget"][line]),
                "asr_coating_ohm_cm2": float(row.asr_coating[line]),
                "interphase_final_nm": float(columns["interphase_final_nm"][line]),
                "max_interphase_sigma_ele_S_cm": float(
                    columns["max_interphase_sigma_ele_S_cm"][line]
                ),
                "longest_years": float(longest[line]),
                "longest_at_nm": float(found.longest[line]),
            }
        )
    return answers


def _scenario(problem: Problem, at: dict[str, int]) -> dict[str, Any]:
    """Materials and numbers of a line, under the names of a design."""
    frames, numbers = problem.materials.frames, problem.numbers
    row: dict[str, Any] = {"coating": str(frames[COATING]["name"].iloc[at[COATING]])}
    for role in ("electrolyte", "cathode", "anode"):
        if role in frames:
            row[role] = str(frames[role]["name"].iloc[at[role]])
        else:
            key = f"{role}_potential_V"
            row[role] = f"{numbers[key][at[key]]:g} V"
    skipped = ("boundary", "cathode_potential_V", "anode_potential_V", THICKNESS)
    rest = {key: float(values[at[key]]) for key, values in numbers.items() if key not in skipped}
    return row | rest
