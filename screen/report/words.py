"""The texts of the page: question, answer, caution, sources and provenance."""

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from muli.screen.dataset.results import Results
from muli.screen.report.assumed import Assumption, extent
from muli.screen.report.columns import plain, spelled
from muli.screen.report.funnel import STATUS_TOLD, Step, outcome
from muli.screen.report.query import Contents
from muli.screen.views import cite
from muli.screen.views.why import nm, number, why
from muli.screen.views.works import BARE, percent

Rows = Sequence[Mapping[str, Any]]

NAMES_TOLD = 3
NOT_CLAIMED = (
    "Rankings are steady state, planar and fully covered, with stability windows at 0 K. "
    "Pinholes, grain boundaries, cracks, interdiffusion and kinetics are not in them: a coating at "
    "the top is worth a measurement, it is not a result."
)


@dataclass(frozen=True)
class Facts:
    """Everything the template writes."""

    title: str
    version: str
    warnings: list[str]
    notes: list[str]
    sentences: list[tuple[str, str]]
    funnel: list[Step]
    order: str
    legend: str
    held: str
    assumptions: list[Assumption]
    sources: list[dict[str, str]]
    command: str
    spec: str
    provenance: list[tuple[str, str]]
    believed: bool
    folders: str
    measure: Any
    growth: str
    not_claimed: str = NOT_CLAIMED


def some(names: Sequence[str], noun: str, sizes: Mapping[str, int] | None = None) -> str:
    """A few names, or how many there are."""
    count = max(len(names), (sizes or {}).get(noun, 0))
    if count <= NAMES_TOLD:
        return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
    return f"{count:,} {noun}s"


def warnings(results: Results) -> list[str]:
    """Warnings that the reader must see first."""
    texts = list(results.warnings)
    for manifest in results.manifests:
        counts = manifest.counts
        failed = {name: counts[name] for name in list(STATUS_TOLD)[2:7] if counts.get(name)}
        if failed:
            failures = ", ".join(f"{count:,} {name}" for name, count in failed.items())
            texts.append(f"Part of this run has no answer: {failures}. The funnel counts them.")
    return [plain(text) if len(text) < 100 else text for text in texts]


def notes(results: Results) -> list[str]:
    """Notes that the runs wrote."""
    return [plain_line(note) for manifest in results.manifests for note in manifest.notes]


def asked(spec: Mapping[str, Any], named: Mapping[str, list[str]], sizes: Mapping[str, int]) -> str:
    """The question of the screen. `sizes`: how many of each there were before any gate."""
    thickness = spec["axes"].get("coating_thickness_nm")
    thick = f", {extent(thickness)} nm thick," if thickness else ""
    budget = spec["screen"]["asr_budget_ohm_cm2"]
    return (
        f"Which of {some(named['coating'], 'coating', sizes)}{thick} keep "
        f"{some(named['electrolyte'], 'electrolyte', sizes)} stable against "
        f"{some(named['against'], 'cathode', sizes)}, for at most {budget:g} Ω cm² of coating?"
    )


def sizes(results: Results) -> dict[str, int]:
    """The largest size of every axis over the runs, before any gate."""
    largest: dict[str, int] = {}
    for manifest in results.manifests:
        for axis, size in manifest.axes.items():
            largest[axis] = max(largest.get(axis, 0), int(size))
        for gate in manifest.funnel:
            if gate["on"] in largest:
                largest[gate["on"]] = max(largest[gate["on"]], int(gate["before"]))
    return largest


def answered(results: Results, held: Contents, rows: Rows, headline: str) -> str:
    """The answer. rows: those of the first scenario, in the order of the ranking."""
    if rows and "p_works" in rows[0]:
        return _first_works(rows, held, headline)
    feasible = sum(outcome(m, "feasible", "yes") for m in results.manifests)
    open_ = sum(outcome(m, "feasible", "unknown") for m in results.manifests)
    asked_for = max(len(held.coatings), sizes(results).get("coating", 0))
    text = (
        f"Of {results.stacks:,} stacks {feasible:,} are feasible: they protect, within the budget, "
        f"in every state of the cathode; {held.feasible_coatings:,} of {asked_for:,} coatings "
        "have such a stack."
        if feasible
        else f"None of {results.stacks:,} stacks is known to be feasible; {open_:,} may be."
        if open_
        else f"None of {results.stacks:,} stacks is feasible."
    )
    if not rows:
        return text
    return f"{text} First for {headline} is {plain(rows[0]['coating'])}: {spelled(why(rows[0]))}."


def _first_works(rows: Rows, held: Contents, headline: str) -> str:
    """The first coating and the bare cell, with the probability that each works."""
    coated = [row for row in rows if row["coating"] != BARE]
    if not coated:
        return f"No coating was ranked for {headline}."
    text = (
        f"For {headline}, first of {len(held.coatings):,} coatings is "
        f"{plain(coated[0]['coating'])}, {nm(float(coated[0]['coating_thickness_nm']))}: all it "
        f"must do holds with a probability of {percent(number(coated[0], 'p_works'))} %."
    )
    for row in rows:
        if row["coating"] == BARE:
            text += f" Without a coating it is {percent(number(row, 'p_works'))} %."
    return text


def mind(results: Results, held: Contents, rows: Rows) -> str:
    """The most important caution for these results."""
    if rows and "p_works" in rows[0]:
        coated = [row for row in rows if row["coating"] != BARE]
        priors = sum(row.get("sigma_ele_basis") == "prior" for row in coated)
        return (
            f"Nobody has measured the electronic conductivity of {priors:,} of these "
            f"{len(coated):,} coatings: it stands as a distribution, fitted to the library's "
            "values. A probability says how far knowledge carries, not how often cells survive."
            if priors
            else "A probability says how far knowledge carries, not how often cells survive."
        )
    undecided = sum(outcome(m, "feasible", "unknown") for m in results.manifests)
    unknown = held.evidence.get("none", 0) + held.evidence.get("", 0)
    if undecided and unknown:
        return (
            f"{undecided:,} stacks are undecided, because a value they need is not known: no "
            f"electronic conductivity is known for {unknown:,} of the "
            f"{sum(held.evidence.values()):,} coatings kept. Their answer is the largest value "
            "with which they would still protect."
        )
    if held.evidence.get("assumed"):
        return (
            "The electronic conductivity of the coatings was assumed, not measured, and the "
            "thickness needed is proportional to it: compare coatings, not nanometres."
        )
    return (
        "Windows are computed and measured conductivities scatter by orders of magnitude: "
        "compare coatings with each other before believing a nanometre."
    )


def sources(ids: Iterable[str]) -> list[dict[str, str]]:
    """Citations behind the run's materials, in alphabetical order."""
    listed = [
        {"citation": plain_line(source.citation), "doi": plain(source.doi)}
        for source in cite.data(ids)
    ]
    return sorted(listed, key=lambda entry: entry["citation"])


def plain_line(text: Any) -> str:
    """A text of any length without invisible characters and without links."""
    words = (plain(word) for word in str(text).split())
    return " ".join(word.replace("://", ":// ") for word in words)


def command(results: Results) -> str:
    """The command that makes the same dataset, with its paths as they were typed."""
    lines = []
    for folder, manifest in zip(results.folders, results.manifests, strict=True):
        precision = manifest.identity.get("precision", "float32")
        file = manifest.spec_file if "." in Path(manifest.spec_file).name else "SPEC.toml"
        words = ["muli", "run", *([] if manifest.name == "built-in" else [plain(file)])]
        words += ["--out", plain(folder)]
        words += [] if precision == "float32" else ["--precision", str(precision)]
        words += ["--shard", manifest.shard] if manifest.shard else []
        lines.append(shlex.join(words))
    return "\n".join(lines)


def resolved(spec: Mapping[str, Any]) -> str:
    """The spec with its defaults, as it was run, without empty entries."""
    return json.dumps(_filled(spec), indent=2, ensure_ascii=True)


def _filled(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    kept = {key: _filled(item) for key, item in value.items()}
    return {key: item for key, item in kept.items() if item not in (None, "", [], {})}


def provenance(results: Results) -> list[tuple[str, str]]:
    """Versions, hashes, device and time of every run that was read."""
    entries = []
    for folder, manifest in zip(results.folders, results.manifests, strict=True):
        identity = manifest.identity
        entries.append(("Folder", plain(folder.name)))
        entries += [(f"{k} version", v) for k, v in manifest.versions.items()]
        entries += [
            (f"Table of {k[5:]}s", str(v)) for k, v in identity.items() if k.startswith("data.")
        ]
        entries += [(f"File {plain(name)}", str(v)) for name, v in manifest.inputs.items()]
        entries.append(("Physics version", str(identity.get("physics_version", "unknown"))))
        entries.append(("Precision", str(identity.get("precision", "unknown"))))
        entries.append(("Devices", ", ".join(manifest.devices)))
        entries.append(("Rows stored", f"{manifest.rows:,}"))
        ended = (manifest.finished or "not finished").replace("T", " ")
        entries.append(("Finished", ended.replace("+00:00", " UTC")))
    return entries
