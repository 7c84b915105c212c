"""From a spec (a path, a dictionary, or None for the built-in screen) to a problem ready to run."""

from collections.abc import Iterator
from dataclasses import dataclass

from muli.screen.conditions import Kind
from muli.screen.errors import SpecError
from muli.screen.space import curves
from muli.screen.space.evidence import Beliefs, beliefs
from muli.screen.space.facts import AxisColumn, all_axis_columns
from muli.screen.space.filters import GateCount, ResultGate, gates_of, kinds
from muli.screen.space.layered import notes as layered_notes
from muli.screen.space.layered import readied
from muli.screen.space.layered_beliefs import LayeredBeliefs, layered_beliefs
from muli.screen.space.layout import STATE
from muli.screen.space.own import replaced
from muli.screen.space.problem import Problem, laid_out, prepare
from muli.screen.space.products import basis_columns, refuse_ageing
from muli.screen.space.remembered import remembered
from muli.screen.space.source import SpecLike, chosen_materials, refuse_other_parts, source_of
from muli.screen.spec import Source
from muli.screen.spec.names import closest, shown
from muli.screen.vocabulary import column_name

MOST_VALUES = 1000
"""Values of an axis that a manifest lists."""


@dataclass(frozen=True)
class Setup:
    """A problem ready to run.

    gates: conditions on results. funnel: what the gates on materials removed.
    axis_columns: columns of a row that follow from its position on the axes.
    beliefs: distributions of what is uncertain, where unknown properties have a prior.
    asked: stacks before any gate; gated: stacks that gates on materials took away.
    """

    problem: Problem
    gates: tuple[ResultGate, ...]
    axis_columns: dict[str, AxisColumn]
    funnel: list[GateCount]
    asked: int
    beliefs: Beliefs | LayeredBeliefs | None = None

    @property
    def gated(self) -> int:
        """Stacks that gates on materials took away."""
        return self.asked - self.problem.space.stacks

    @property
    def scenarios(self) -> dict[str, list[str] | list[float]]:
        """Values of the scenario axes, by column; long axes are left to the parts."""
        named = [column_name(key) for key in (*self.problem.space.scenarios, STATE)]
        columns = {
            name: self.axis_columns[name].distinct for name in named if name in self.axis_columns
        }
        return {name: values for name, values in columns.items() if len(values) <= MOST_VALUES}


def refuse_slow_laws(problem: Problem) -> None:
    """Refuse branches of different slopes, and draws that need searches. Raises `SpecError`.

    Branches are screened by closed forms, which have one slope.
    """
    if not (problem.branches or problem.curved):
        return
    problems = []
    if problem.branches and problem.slope is None:
        problems.append(
            'screen.law = "branches": the slopes z_n and z_p of all branches in a screen must be '
            "equal; split the materials by slope, or use `muli solve`, which takes any"
        )
    if problem.numbers["current_density_mA_cm2"].any() and problem.spec.uncertainty:
        problems.append(
            f'[uncertainty]: not with screen.law = "{problem.spec.screen.law}" under current; '
            'leave it out, or take law = "constant"'
        )
    if problem.curved and problem.spec.uncertainty:
        problems += [
            f'uncertainty.{role}.sigma_ele_S_cm: screen.law = "table": curves are not drawn; their '
            "column sd enters the probabilities"
            for role in problem.curved
            if f"{role}.sigma_ele_S_cm" in problem.spec.uncertainty.distributions
        ]
    if problems:
        raise SpecError(problem.source.name, problems)


def _unused_curves(problem: Problem) -> Iterator[str]:
    """Materials whose only sigma_ele is a curve that this screen does not take."""
    for role in problem.roles:
        frame = problem.materials.frames[role]
        if problem.spec.screen.law == "table" or curves.FILE not in frame:
            continue
        unused = frame[curves.FILE].notna() & frame["sigma_ele_S_cm"].isna()
        if unused.any():
            names = ", ".join(shown(str(name)) for name in frame.loc[unused, "name"].head(3))
            yield (
                f"left out: the curve of sigma_ele of {unused.sum()} {role} materials ({names}), "
                'which have no number; screen.law = "table" takes it'
            )


def ranking_notes(problem: Problem) -> list[str]:
    """Notes on the materials and the probabilities of this spec."""
    spec = problem.spec
    frames = problem.materials.frames
    notes = [*layered_notes(spec), *replaced(spec, frames), *_unused_curves(problem)]
    if spec.screen.missing != "prior":
        return notes
    if problem.branches:
        notes.append(
            'screen.law = "branches": probabilities take the mean of the branches between the '
            "electrolyte's oxidation limit and the cathode's potential (of an electrolyte's: "
            "between its anode side and that limit); margins and verdicts take the branches"
        )
    if problem.curved:
        notes.append(
            'screen.law = "table": probabilities take the mean of a curve between the '
            "electrolyte's oxidation limit and the cathode's potential (of an electrolyte's curve: "
            "between its anode side and that limit); margins and verdicts take the curve"
        )
    if "reference" in spec.ranking.model_fields_set:
        names = [str(name) for name in problem.materials.frames["coating"]["name"]]
        notes += [
            f"ranking.reference: no coating {shown(name)} in this screen{closest(name, names)}"
            for name in spec.ranking.reference
            if name not in names
        ]
    return notes


def set_up(spec: SpecLike) -> Setup:
    """Resolve, gate and lay out a screen. Raises `SpecError` with all problems."""
    source = readied(source_of(spec))
    refuse_other_parts(source)
    return remembered(source, _made)


def _made(source: Source) -> Setup:
    materials = chosen_materials(source)
    stacks = laid_out(source, materials).stacks
    columns: dict[str, Kind] = {"row_id": "number"}
    if source.spec.filters:
        whole = prepare(source, materials)
        columns |= kinds(all_axis_columns(whole))
        columns |= dict.fromkeys(whole.draws.columns if whole.draws else (), "number")
    materials, funnel, later = gates_of(source, materials, columns)
    problem = prepare(source, materials)
    refuse_slow_laws(problem)
    if source.spec.ageing is not None:
        refuse_ageing(problem)
    axis_columns = all_axis_columns(problem)
    believed: Beliefs | LayeredBeliefs | None = None
    if source.spec.screen.missing == "prior":
        believed = layered_beliefs(problem) if problem.layers > 1 else beliefs(problem)
        axis_columns |= believed.columns
    if source.spec.ageing is not None:
        axis_columns |= basis_columns(problem)
    wrong = [name for name in source.spec.output.per or () if name not in axis_columns]
    if wrong:
        near = [
            f"output.per: no column {shown(name)}{closest(name, axis_columns)}" for name in wrong
        ]
        raise SpecError(source.name, near)
    return Setup(problem, tuple(later), axis_columns, funnel, stacks, believed)
