"""Numbers of stacks at every step: what each gate removed, what is solved, what has no answer."""

from dataclasses import dataclass

from muli.screen.dataset.manifest import Manifest
from muli.screen.dataset.results import Results
from muli.screen.report.columns import plain

STATUS_TOLD = {
    "missing_property": "a conductivity or a window is not known; the inverse answers stand",
    "unprotectable": "the electrolyte's oxidation limit is at or below the anode: nothing protects",
    "extrapolated_table": "the potential left the tabulated range",
    "ill_conditioned": "cannot be placed better than 1e-4 V in this precision",
    "underflow": "conductances below the range of this precision",
    "not_converged": "the root search ended outside its tolerance",
    "input_out_of_range": "an input is outside its physical range",
    "filtered": "removed by the gates above",
}


@dataclass(frozen=True)
class Step:
    """One line of the funnel: how many stacks or materials are left, and why."""

    label: str
    kind: str
    count: int
    percent: float
    note: str


def outcome(manifest: Manifest, column: str, word: str) -> int:
    """Number of stacks of a run that have this outcome in this column."""
    return manifest.outcomes.get(column, {}).get(word, 0)


def funnel(results: Results) -> list[Step]:
    """All steps from the whole space to the feasible stacks, then the stacks without an answer."""
    asked_for = max(results.stacks, 1)
    steps = [_step("asked", "all", results.stacks, asked_for, "every combination of the axes")]
    counts = results.counts
    done = sum(counts.values())
    if done < results.stacks:
        steps.append(
            _step("computed so far", "problem", done, asked_for, "the rest was not reached")
        )
    for manifest in results.manifests:
        steps += _gates(manifest, asked_for)
    for label, column, word, note in (
        ("solved", "status", "ok", "every number of the stack is there"),
        ("protected", "protected", "yes", "the electrolyte stays inside its window"),
        ("feasible", "feasible", "yes", "and within the budget, in every state of the cathode"),
        ("undecided", "feasible", "unknown", "the verdict needs a value that is not known"),
    ):
        count = sum(outcome(m, column, word) for m in results.manifests)
        kind = "problem" if label == "undecided" else "outcome"
        steps.append(_step(label, kind, count, asked_for, note))
    steps += [
        _step(name.replace("_", " "), "problem", counts[name], asked_for, note)
        for name, note in STATUS_TOLD.items()
        if counts.get(name)
    ]
    return steps


def _step(label: str, kind: str, count: int, whole: int, note: str) -> Step:
    return Step(plain(label.replace("_", " ")), kind, count, 100.0 * count / whole, note)


def _gates(manifest: Manifest, asked_for: int) -> list[Step]:
    """Gates in their order; a gate on materials counts materials, relative to those before it."""
    steps = []
    for gate in manifest.funnel:
        unknown = f"; {gate['unknown']:,} unknown, {'removed' if gate['require'] else 'kept'}"
        note = f"{gate['sql']}: removed {gate['removed']:,} of {gate['before']:,}"
        note += unknown if gate["unknown"] else ""
        stacks = gate["on"] == "results"
        whole = asked_for if stacks else max(gate["before"], 1)
        label = gate["name"] if stacks else f"{gate['name']} ({gate['on']}s)"
        steps.append(_step(label, "gate", gate["kept"], whole, plain(note)))
    return steps
