"""Run a screen: from a spec to a folder of Parquet parts and a manifest, always resumable."""

import time
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from muli.screen.dataset.journal import Entry, part
from muli.screen.dataset.manifest import FORMAT, File, Manifest, digest
from muli.screen.dataset.parquet import Encoding
from muli.screen.dataset.store import Store
from muli.screen.dataset.summary import FAILURES, RunResult, status_counts, summary, totals
from muli.screen.engine.best_rows import judged_note
from muli.screen.engine.device import DeviceName
from muli.screen.errors import Interrupted, SpecError, StoreError, UsageError
from muli.screen.running.begin import begun
from muli.screen.running.identity import (
    data_sources,
    file_hash,
    identity,
    refuse_if_changed,
    resolved,
    versions,
)
from muli.screen.running.local import Local, Request, Workplace
from muli.screen.running.missing import Missing
from muli.screen.running.progress import Progress
from muli.screen.running.signals import stop_on_signal
from muli.screen.space.cost import Precision
from muli.screen.space.materials import summarised
from muli.screen.space.products import ageing_notes
from muli.screen.space.setup import Setup, ranking_notes, set_up
from muli.screen.space.source import SpecLike, source_of
from muli.screen.space.visits import stacks_note
from muli.screen.terminal import tell

if TYPE_CHECKING:
    from muli.screen.running.clusters import Start


def run(
    spec: SpecLike,
    out: str | Path,
    *,
    precision: Precision = "float32",
    encoding: Encoding | None = None,
    device: DeviceName = "auto",
    batch: int | None = None,
    max_memory: int | None = None,
    restart: bool = False,
    shard: tuple[int, int] | None = None,
    dask: "str | Start | None" = None,
    verbose: bool = False,
) -> RunResult:
    """Compute every stack of a spec and keep what its mode asks for in the folder `out`.

    Args:
        spec: a path, a dictionary, or None for the built-in screen.
        out: result folder; where it holds an unfinished run of the same screen, that continues.
        precision: arithmetic and stored numbers.
        encoding: layout of numbers in the Parquet files, in place of the spec's `output.encoding`.
        device: "auto" (a GPU where there is one), "cpu" or "gpu".
        batch: stacks at a time on a device. max_memory: bytes for what is in work. Neither changes
            a byte of the result.
        restart: throw away what a run left in the folder; other files stay.
        shard: (i, n) computes the i-th of n shares of the chunks, 1-based.
        dask: where workers are, see `muli.screen.running.clusters`, or workers already `begun`
            there; None computes in this process.
        verbose: report progress on stderr.

    Raises:
        SpecError: the spec or a table is not usable (all problems listed).
        ResumeRefused: the folder holds a run of other physics, data or axes.
        StoreError: the folder is locked, read-only or full.
        DeviceError: no such device, or too little memory.
        WorkerError: no worker can go on.
        Interrupted: stopped by a signal after finishing the chunks in work.
    """
    started = time.monotonic()
    if shard is not None and not 1 <= shard[0] <= shard[1]:
        raise SpecError("shard", [f"{shard[0]}/{shard[1]}: expected i/n with 1 <= i <= n"])
    if not str(out):
        raise UsageError("--out is empty: name the folder the results go to")
    with _begun(dask, device) as start:
        setup = set_up(_encoded(spec, encoding))
        with stop_on_signal() as stop, Store(out).locked() as store:
            if restart:
                store.clear()
            knobs = precision, device, batch, max_memory
            with _workplace(start, setup, store, knobs, stop) as place:
                return _Job(setup, store, precision, place, shard, stop, verbose).result(started)


def _encoded(spec: SpecLike, encoding: Encoding | None) -> SpecLike:
    """The spec with this encoding of numbers."""
    if encoding is None:
        return spec
    source = source_of(spec)
    output = source.spec.output.model_copy(update={"encoding": encoding})
    return replace(source, spec=source.spec.model_copy(update={"output": output}))


def _begun(
    dask: "str | Start | None", device: DeviceName
) -> AbstractContextManager["Start | None"]:
    """Start workers, where they are wanted and not started already."""
    return begun(dask, device) if isinstance(dask, str) else nullcontext(dask)


def _workplace(
    start: "Start | None", setup: Setup, store: Store, knobs: Any, stop: Event
) -> AbstractContextManager[Workplace]:
    """This process, or the workers of a cluster."""
    if start is None:
        return nullcontext(Local(setup, store, *knobs))
    from muli.screen.running.work import Work
    from muli.screen.running.workers import connected

    return connected(start, Work(setup, str(store.folder.resolve()), *knobs), stop)


@dataclass
class _Job:
    """One run while it goes on."""

    setup: Setup
    store: Store
    precision: Precision
    place: Workplace
    shard: tuple[int, int] | None
    stop: Event
    verbose: bool
    notes: list[str] = field(default_factory=list)
    materials: dict[str, File] = field(default_factory=dict)

    def result(self, started: float) -> RunResult:
        """Continue or start, compute what is not there, leave a manifest, sum up."""
        problem = self.setup.problem
        self.identity = identity(problem, precision=self.precision, platform_name=self.place.kind)
        self._refuse_other_run()
        self.notes += [*summarised(problem.materials.problems), *judged_note(problem)]
        self.notes += ranking_notes(problem)
        if problem.spec.ageing is not None:
            self.notes += ageing_notes(problem)
        self.notes += stacks_note(problem, self.setup.gates, self.setup.axis_columns, self._stacks)
        self.materials = self.store.write_materials(problem.materials.frames)
        entries = self._kept()
        todo = Missing(self._own_chunks(), entries)
        self._save(entries, started, complete=False)
        if todo:
            self._compute(todo, entries)
        complete = len(entries) == len(self._own_chunks())
        manifest = self._save(entries, started, complete=complete)
        if not complete:
            raise Interrupted(
                f"stopped after {manifest.counts_total:,} of {manifest.stacks:,} stacks; "
                f"the same command with --out {self.store.folder} continues"
            )
        return summary(self.store.folder, manifest, time.monotonic() - started)

    def _refuse_other_run(self) -> None:
        """Raise `ResumeRefused` or `StoreError` where the folder holds anything but this run."""
        old, intact = self.store.previous()
        if old is not None and (intact or old["identity"].get("format") != FORMAT):
            before = {**old["identity"], "shard": old.get("shard")}
            refuse_if_changed(
                str(self.store.folder), before, {**self.identity, "shard": self._shard_text()}
            )
        elif not intact:
            self._refuse_other_journal()

    def _refuse_other_journal(self) -> None:
        """Where the manifest is lost or damaged, the journal identifies the run of the parts."""
        own, mine = self._own_chunks(), digest(self.identity)
        entries = self.store.journal()
        others = [c for c, entry in entries.items() if c not in own or entry["identity"] != mine]
        if others or (not entries and self.store.parts()):
            raise StoreError(
                f"{self.store.folder}: the manifest is missing or damaged, and the parts are not "
                "of this run: give the command that began it, another --out, or --restart to throw "
                "them away"
            )
        self.notes.append("the manifest was missing or damaged: it was written anew")

    def _own_chunks(self) -> range:
        """Chunks of this run's share."""
        first, step = (self.shard[0] - 1, self.shard[1]) if self.shard else (0, 1)
        return range(first, self.setup.problem.space.chunks, step)

    @cached_property
    def _stacks(self) -> int:
        """Stacks of this run's share."""
        space = self.setup.problem.space
        if self.shard is None:
            return space.stacks
        return sum(len(space.chunk(chunk)) for chunk in self._own_chunks()) * space.rows_per_line

    def _kept(self) -> dict[int, Entry]:
        """Finished chunks whose parts are there, whole and of this run; others are removed."""
        metadata, own = digest(self.identity), self._own_chunks()
        kept = self.store.intact(
            {
                chunk: entry
                for chunk, entry in self.store.journal().items()
                if chunk in own and entry["identity"] == metadata
            }
        )
        self.store.remove_parts_except(kept)
        return kept

    def _compute(self, todo: Missing, entries: dict[int, Entry]) -> None:
        """All missing chunks, each in the journal as soon as its part is there."""
        done = sum(entry["stacks"] for entry in entries.values())
        progress = Progress(self.store, self._stacks, done, quiet=not self.verbose)
        if self.verbose:
            tell(self.place.describe())
        try:
            results = self.place.results(Request(self.identity, todo, self.stop, progress.advance))
            with closing(results):
                for batch in results:
                    self.store.publish(batch)
                    for entry in batch:
                        entries[entry["chunk"]] = entry
                        progress.outcome(**_outcome(entry))
                    progress.tick()
        finally:
            progress.end("stopped" if self.stop.is_set() else "done")
            self.notes += self.place.notes

    def _shard_text(self) -> str | None:
        return f"{self.shard[0]}/{self.shard[1]}" if self.shard else None

    def _save(self, entries: dict[int, Entry], started: float, *, complete: bool) -> Manifest:
        """Write the manifest and give it back."""
        problem, sums = self.setup.problem, totals(entries.values())
        gated = self.setup.gated if self.shard is None else 0
        counts = status_counts(sums, gated)
        own = self._own_chunks()
        stacks = self._stacks if self.shard else self.setup.asked
        content = Manifest(
            name=problem.spec.screen.name,
            spec_file=problem.source.name,
            complete=complete,
            stacks=stacks,
            counts=counts,
            outcomes=sums["outcomes"],
            histograms=sums["histograms"],
            funnel=self._funnel(sums["gates"]),
            rows=sums["rows"],
            chunks=len(own),
            asked=self.setup.asked,
            shard=self._shard_text(),
            axes=problem.space.sizes,
            scenarios=self.setup.scenarios,
            spec=resolved(problem.spec),
            identity=self.identity,
            devices=self.place.devices,
            workers=self.place.workers,
            versions=versions(),
            inputs={str(p): file_hash(p) for p in problem.materials.files},
            sources=data_sources(problem.materials.frames),
            notes=self.notes,
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
            seconds=round(time.monotonic() - started, 3),
            materials=self.materials,
            parts=[part(entries[chunk]) for chunk in sorted(entries)],
        )
        self.store.write_manifest(content)
        return content

    def _funnel(self, results: list[list[int]]) -> list[dict[str, Any]]:
        """Every gate in the spec's order, with how many stacks it removed and left undecided."""
        before = self.setup.problem.space.stacks
        counts = iter(results or [[0, 0]] * len(self.setup.gates))
        rows = []
        for count in self.setup.funnel:
            if count.on == "results":
                removed, unknown = next(counts)
                count = replace(count, before=before, removed=removed, unknown=unknown)
                before -= removed
            rows.append(count.as_row())
        return rows


def _outcome(entry: Entry) -> dict[str, Any]:
    """Failed and feasible stacks of a chunk, and the coatings feasible most often."""
    status, feasible = entry["outcomes"]["status"], entry["outcomes"]["feasible"]
    return {
        "failed": sum(status[name] for name in FAILURES),
        "feasible": feasible["yes"],
        "leaders": entry["leaders"],
    }
