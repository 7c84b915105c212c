"""Run a screen: from a spec to a folder of Parquet parts and a manifest, always resumable."""

import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any, Literal

import jax

from screen.chunk import Chunker, best_schema
from screen.columns import schema
from screen.device import DeviceName, Plan, describe, plan
from screen.errors import DeviceError, Interrupted, SpecError
from screen.evaluate import Evaluator
from screen.manifest import (
    data_sources,
    digest,
    file_hash,
    identity,
    part_metadata,
    refuse_if_changed,
    resolved,
    versions,
)
from screen.materials import summarised
from screen.progress import Progress
from screen.setup import Setup, SpecLike, measure, set_up
from screen.signals import stop_on_signal
from screen.store import MANIFEST, Store
from screen.summary import FAILURES, Estimate, RunResult, estimate, status_counts, totals

Precision = Literal["float32", "float64"]
_POLL_S = 0.1


def dry_run(spec: SpecLike = None) -> Estimate:
    """Rows, size and time of a screen, from the sizes of its axes alone; nothing is written."""
    source, sizes = measure(spec)
    given = source.spec
    plane = given.screen.law == "constant" and given.axes.current_density_mA_cm2.only_zero
    return estimate(sizes, given.output.mode, given.output.top_k, plane=plane)


def run(
    spec: SpecLike,
    out: str | Path,
    *,
    precision: Precision = "float32",
    device: DeviceName = "auto",
    batch: int | None = None,
    max_memory: int | None = None,
    restart: bool = False,
    shard: tuple[int, int] | None = None,
    verbose: bool = False,
) -> RunResult:
    """Compute every stack of a spec and keep what its mode asks for in the folder `out`.

    Args:
        spec: a path, a dictionary, or None for the built-in screen.
        out: result folder; where it holds an unfinished run of the same screen, that continues.
        precision: arithmetic and stored numbers.
        device: "auto" (a GPU where there is one), "cpu" or "gpu".
        batch: stacks per device call. max_memory: bytes for what is in work. Neither changes a
            byte of the result.
        restart: throw away what the folder holds.
        shard: (i, n) computes the i-th of n shares of the chunks, 1-based.
        verbose: tell of progress on stderr.

    Raises:
        SpecError: the spec or a table is not usable (all problems listed).
        ResumeRefused: the folder holds a run of other physics, data or axes.
        StoreError: the folder is locked, read-only or full.
        DeviceError: no such device, or too little memory.
        Interrupted: stopped by a signal after finishing the chunks in work.
    """
    started = time.monotonic()
    if shard is not None and not 1 <= shard[0] <= shard[1]:
        raise SpecError("shard", [f"{shard[0]}/{shard[1]}: expected i/n with 1 <= i <= n"])
    setup = set_up(spec)
    with stop_on_signal() as stop, Store(out).locked() as store:
        if restart:
            store.clear()
        job = _Job(setup, store, precision, device, batch, max_memory, shard, stop, verbose)
        return job.result(started)


@dataclass
class _Job:
    """One run while it goes on."""

    setup: Setup
    store: Store
    precision: Precision
    device: DeviceName
    batch: int | None
    max_memory: int | None
    shard: tuple[int, int] | None
    stop: Event
    verbose: bool
    notes: list[str] = field(default_factory=list)

    def result(self, started: float) -> RunResult:
        """Continue or start, compute what is not there, leave a manifest, sum up."""
        problem, output = self.setup.problem, self.setup.problem.spec.output
        chosen = plan(
            problem.space, output.mode, self.precision, self.device, self.batch, self.max_memory
        )
        self.identity = identity(problem, precision=self.precision, platform_name=chosen.kind)
        self._refuse_other_run()
        self.notes += summarised(problem.materials.problems)
        entries = self._kept()
        todo = [chunk for chunk in self._own_chunks() if chunk not in entries]
        self._save(entries, chosen, started, complete=False)
        if todo:
            self._compute(todo, entries, chosen)
        complete = all(chunk in entries for chunk in self._own_chunks())
        found = self._save(entries, chosen, started, complete=complete)
        if not complete:
            raise Interrupted(
                f"stopped after {found['counts_total']:,} of {found['stacks']:,} stacks; "
                f"the same command with --out {self.store.folder} continues"
            )
        return self._summary(found, started)

    def _refuse_other_run(self) -> None:
        old = self.store.read_json(MANIFEST)
        if old is not None:
            before = {**old.get("identity", {}), "shard": old.get("shard")}
            refuse_if_changed(
                str(self.store.folder), before, {**self.identity, "shard": self._shard_text()}
            )
        elif any(self.store.folder.glob("part-*.parquet")):
            raise SpecError(
                str(self.store.folder),
                ["holds parts without a manifest; give another --out, or --restart to remove them"],
            )

    def _own_chunks(self) -> range:
        """Chunks of this run's share."""
        first, step = (self.shard[0] - 1, self.shard[1]) if self.shard else (0, 1)
        return range(first, self.setup.problem.space.chunks, step)

    def _kept(self) -> dict[int, dict[str, Any]]:
        """Finished chunks whose parts are there, whole and of this run; others are removed."""
        metadata = digest(self.identity)
        own = self._own_chunks()
        kept = {
            chunk: entry
            for chunk, entry in self.store.journal().items()
            if chunk in own and entry.get("identity") == metadata and self.store.valid(entry)
        }
        self.store.remove_parts_except(kept)
        return kept

    def _compute(self, todo: list[int], entries: dict[int, dict[str, Any]], chosen: Plan) -> None:
        """All missing chunks; halves the batch where memory runs out, and says so."""
        space = self.setup.problem.space
        done = sum(entry["stacks"] for entry in entries.values())
        total = done + sum(len(space.chunk(c)) for c in todo) * space.rows_per_line
        progress = Progress(self.store, total, done, quiet=not self.verbose)
        if self.verbose:
            print(describe(chosen), file=sys.stderr)
        try:
            while todo := [chunk for chunk in todo if chunk not in entries]:
                try:
                    self._pool(todo, entries, chosen, progress)
                    break
                except jax.errors.JaxRuntimeError as error:
                    chosen = self._smaller(chosen, error)
        finally:
            progress.end("stopped" if self.stop.is_set() else "done")

    def _smaller(self, chosen: Plan, error: Exception) -> Plan:
        """A plan that needs less memory, where that is what was missing."""
        if "RESOURCE_EXHAUSTED" not in str(error) and "out of memory" not in str(error).lower():
            raise error
        if chosen.tiles_per_call == 1 and chosen.workers == 1:
            raise DeviceError(f"not enough memory for a single tile: {error}") from error
        smaller = replace(
            chosen,
            tiles_per_call=max(1, chosen.tiles_per_call // 2),
            workers=max(1, chosen.workers // 2),
        )
        note = f"out of memory: now {smaller.tiles_per_call} tiles per call"
        self.notes.append(note)
        print(note, file=sys.stderr)
        return smaller

    def _pool(
        self, todo: list[int], entries: dict[int, dict[str, Any]], chosen: Plan, progress: Progress
    ) -> None:
        """Chunks in threads, each computing and writing; stops feeding when asked to stop."""
        chunkers = self._chunkers(chosen, len(todo))
        queue = iter(todo)
        with ThreadPoolExecutor(chosen.workers) as pool:
            active: set[Future[dict[str, Any]]] = set()
            try:
                while True:
                    for chunk in self._next(queue, chosen.workers - len(active)):
                        chunker = chunkers[chunk % len(chunkers)]
                        active.add(pool.submit(self._one, chunker, chunk, progress))
                    if not active:
                        return
                    finished, active = wait(active, _POLL_S, return_when="FIRST_COMPLETED")
                    for future in finished:
                        entry = future.result()
                        entries[entry["chunk"]] = entry
                        status = entry["outcomes"]["status"]
                        progress.outcome(
                            failed=sum(status[name] for name in FAILURES),
                            feasible=entry["outcomes"]["feasible"]["yes"],
                        )
                    progress.tick()
            except BaseException:
                self.stop.set()
                raise

    def _next(self, queue: Iterator[int], free: int) -> list[int]:
        if self.stop.is_set():
            return []
        return [chunk for _, chunk in zip(range(free), queue, strict=False)]

    def _chunkers(self, chosen: Plan, chunks: int) -> list[Chunker]:
        """One per device that has something to do, compiled side by side."""
        used = chosen.devices[:chunks]
        with ThreadPoolExecutor(len(used)) as pool:
            return list(pool.map(lambda d: self._chunker(d, chosen.tiles_per_call), used))

    def _chunker(self, device: Any, tiles_per_call: int) -> Chunker:
        """Programs for one device."""
        problem, mode = self.setup.problem, self.setup.problem.spec.output.mode
        with jax.enable_x64(self.precision == "float64"):
            evaluator = Evaluator(
                problem,
                self.setup.gates,
                dtype=self.precision,
                device=device,
                tiles_per_call=tiles_per_call,
            )
            evaluator.compile(mode)
        columns = schema(
            problem, self.setup.looked, dtype=self.precision, current=evaluator.current
        )
        stored = best_schema(columns) if mode == "best" else columns
        return Chunker(evaluator, self.setup.looked, stored)

    def _one(self, chunker: Chunker, chunk: int, progress: Progress) -> dict[str, Any]:
        """Compute and write one chunk; its entry in the journal."""
        lines = self.setup.problem.space.chunk(chunk)
        about = part_metadata(self.identity, chunk)
        arithmetic = jax.enable_x64(self.precision == "float64")
        schema_of_part = chunker.schema.with_metadata(about)
        with arithmetic, self.store.part(chunk, schema_of_part) as writer:
            tally = chunker.write(lines, writer, progress.advance)
        entry = {
            "chunk": chunk,
            "identity": digest(self.identity),
            "sha256": writer.sha256,
            "bytes": writer.bytes,
            "rows": writer.rows,
            "filtered": tally.filtered,
            **asdict(tally),
        }
        self.store.record(entry)
        return entry

    def _shard_text(self) -> str | None:
        return f"{self.shard[0]}/{self.shard[1]}" if self.shard else None

    def _save(
        self, entries: dict[int, dict[str, Any]], chosen: Plan, started: float, *, complete: bool
    ) -> dict[str, Any]:
        """Write the manifest and give it back."""
        problem, sums = self.setup.problem, totals(entries.values())
        gated = self.setup.gated if self.shard is None else 0
        counts = status_counts(sums, gated)
        own = self._own_chunks()
        lines = sum(len(problem.space.chunk(chunk)) for chunk in own) if self.shard else 0
        stacks = lines * problem.space.rows_per_line if self.shard else self.setup.asked
        content = {
            "name": problem.spec.screen.name,
            "complete": complete,
            "stacks": stacks,
            "counts": counts,
            "counts_total": sum(counts.values()),
            "outcomes": sums["outcomes"],
            "funnel": self._funnel(sums["gates"]),
            "rows": sums["rows"],
            "chunks": len(own),
            "shard": self._shard_text(),
            "axes": problem.space.sizes,
            "spec": resolved(problem.spec),
            "identity": self.identity,
            "devices": [str(device) for device in chosen.devices],
            "workers": chosen.workers,
            "versions": versions(),
            "inputs": {str(p): file_hash(p) for p in problem.materials.files},
            "sources": data_sources(problem.materials.frames),
            "notes": self.notes,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - started, 3),
            "parts": [
                {k: entries[chunk][k] for k in ("chunk", "rows", "bytes", "sha256")}
                for chunk in sorted(entries)
            ],
        }
        self.store.write_json(MANIFEST, content)
        return content

    def _funnel(self, results: list[list[int]]) -> list[dict[str, Any]]:
        """Every gate in the spec's order with what it removed and could not tell."""
        before = self.setup.problem.space.stacks
        counts = iter(results or [[0, 0]] * len(self.setup.gates))
        rows = []
        for passed in self.setup.funnel:
            if passed.on == "results":
                removed, unknown = next(counts)
                passed = replace(passed, before=before, removed=removed, unknown=unknown)
                before -= removed
            rows.append(passed.as_row())
        return rows

    def _summary(self, found: dict[str, Any], started: float) -> RunResult:
        return RunResult(
            folder=self.store.folder,
            stacks=found["stacks"],
            counts=found["counts"],
            rows=found["rows"],
            chunks=found["chunks"],
            seconds=time.monotonic() - started,
            complete=found["complete"],
            funnel=found["funnel"],
            outcomes=found["outcomes"],
            notes=self.notes,
        )
