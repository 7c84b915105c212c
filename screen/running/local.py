"""Where chunks are computed. `Local`: in this process, by a few threads that share the programs.

A workplace turns chunk numbers into drafts of parts in the result folder and gives back their
entries for the journal. Publishing them, resuming and the manifest are the run's.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict, replace
from functools import partial
from threading import Event
from typing import Any, NamedTuple, Protocol, cast

import jax

from muli.screen.compiling.store import use, used
from muli.screen.dataset.journal import Entry
from muli.screen.dataset.manifest import digest, part_metadata
from muli.screen.dataset.store import Store
from muli.screen.engine.best_rows import best_schema
from muli.screen.engine.chunk import Chunker
from muli.screen.engine.device import DeviceName, describe, plan
from muli.screen.engine.evaluate import Evaluator, Programs
from muli.screen.engine.gates import Gates
from muli.screen.errors import DeviceError
from muli.screen.space.cost import Precision
from muli.screen.space.facts import schema
from muli.screen.space.setup import Setup
from muli.screen.terminal import tell

POLL_S = 0.1


class Request(NamedTuple):
    """Chunks that a run wants, under its identity.

    No new chunk is begun once `stop` is set. advance: called with numbers of stacks as they are
    computed.
    """

    identity: Mapping[str, Any]
    chunks: Sequence[int]
    stop: Event
    advance: Callable[[int], None]


class Workplace(Protocol):
    """What computes the chunks of a run, as the run sees it."""

    notes: list[str]

    @property
    def kind(self) -> str:
        """cpu or gpu."""

    @property
    def devices(self) -> list[str]:
        """Names of the devices, for the manifest."""

    @property
    def workers(self) -> int:
        """Chunks, or processes, at work at a time."""

    def describe(self) -> str:
        """One line for a person."""

    def results(self, request: Request) -> Generator[list[Entry], None, None]:
        """Draft the parts of the chunks; entries as they come, an empty list in between."""


class Local:
    """Chunks in threads of this process, each computing and writing its own."""

    def __init__(
        self,
        setup: Setup,
        store: Store,
        precision: Precision,
        device: DeviceName = "auto",
        batch: int | None = None,
        max_memory: int | None = None,
        programs: Programs | None = None,
    ) -> None:
        problem = setup.problem
        self.setup, self.store, self.precision = setup, store, precision
        self._programs = programs
        self.notes: list[str] = []
        self._plan = plan(
            problem.space,
            problem.spec.output.mode,
            precision,
            device,
            batch,
            max_memory,
            problem.draws,
        )
        self._chunkers: list[Chunker] = []

    @property
    def kind(self) -> str:
        """cpu or gpu."""
        return self._plan.kind

    @property
    def devices(self) -> list[str]:
        """Names of the devices, for the manifest."""
        return [str(device) for device in self._plan.devices]

    @property
    def workers(self) -> int:
        """Chunks in work at a time."""
        return self._plan.workers

    def describe(self) -> str:
        """One line for a person."""
        return describe(self._plan)

    def programs(self) -> Programs | None:
        """Programs for processes like this one; none where they are for several devices, or from
        JAX's cache: XLA cannot pass those on, and the other processes find them there.
        """
        cached = jax.config.jax_compilation_cache_dir  # type: ignore[attr-defined]
        if len(self._plan.devices) > 1 or cached:
            return None
        store = used()
        use(None)  # what is read from a store cannot be passed on either
        try:
            self._compile(1)
        finally:
            use(store)
        return self._chunkers[0].evaluator.packed()

    def results(self, request: Request) -> Generator[list[Entry], None, None]:
        """See `Workplace`. Halves the batch where memory runs out, and notes it."""
        done: set[int] = set()
        while len(done) < len(request.chunks):
            left = (chunk for chunk in request.chunks if chunk not in done)
            self._compile(len(request.chunks) - len(done), digest(request.identity))
            try:
                for entries in self._pool(request, left):
                    done.update(entry["chunk"] for entry in entries)
                    yield entries
                return
            except jax.errors.JaxRuntimeError as error:
                self._shrink(error)

    def _shrink(self, error: Exception) -> None:
        """Plan for less memory, where the failure was a lack of it."""
        chosen = self._plan
        if "RESOURCE_EXHAUSTED" not in str(error) and "out of memory" not in str(error).lower():
            raise error
        if chosen.tiles_per_call == 1 and chosen.workers == 1:
            raise DeviceError(f"not enough memory for a single tile: {error}") from error
        self._plan = replace(
            chosen,
            tiles_per_call=max(1, chosen.tiles_per_call // 2),
            workers=max(1, chosen.workers // 2),
        )
        self._chunkers = []
        note = f"out of memory: now {self._plan.tiles_per_call} tiles per call"
        self.notes.append(note)
        tell(note)

    def _pool(self, request: Request, queue: Iterator[int]) -> Generator[list[Entry], None, None]:
        workers = self._plan.workers
        with ThreadPoolExecutor(workers) as pool:
            active: set[Future[Entry]] = set()
            while True:
                free = 0 if request.stop.is_set() else workers - len(active)
                for _, chunk in zip(range(free), queue, strict=False):
                    active.add(pool.submit(self._one, request, chunk))
                if not active:
                    return
                finished, active = wait(active, POLL_S, return_when="FIRST_COMPLETED")
                yield [future.result() for future in finished]

    def _compile(self, chunks: int, identity: str = "") -> None:
        """Programs for every device that has something to do, built side by side, once.

        identity: digest of the run's; the programs of another such run are taken.
        """
        missing = self._plan.devices[len(self._chunkers) : chunks]
        if missing:
            with ThreadPoolExecutor(len(missing)) as pool:
                self._chunkers += pool.map(partial(self._chunker, identity), missing)

    def _chunker(self, identity: str, device: Any) -> Chunker:
        """Programs for one device."""
        setup, mode = self.setup, self.setup.problem.spec.output.mode
        with jax.enable_x64(self.precision == "float64"):
            evaluator = Evaluator(
                setup.problem,
                Gates(setup.gates, setup.axis_columns),
                dtype=self.precision,
                device=device,
                tiles_per_call=self._plan.tiles_per_call,
                beliefs=setup.beliefs,
            )
            if self._programs is None:
                evaluator.compile(mode, identity)
            else:
                evaluator.unpack(self._programs)
        columns = schema(
            setup.problem,
            setup.axis_columns,
            dtype=self.precision,
            current=evaluator.current,
            believed=setup.beliefs is not None,
        )
        stored = best_schema(columns) if mode == "best" else columns
        return Chunker(evaluator, setup.axis_columns, stored)

    def _one(self, request: Request, chunk: int) -> Entry:
        """Compute and draft one chunk; its entry for the journal."""
        chunker = self._chunkers[chunk % len(self._chunkers)]
        lines = self.setup.problem.space.chunk(chunk)
        stored = chunker.schema.with_metadata(part_metadata(request.identity, chunk))
        arithmetic = jax.enable_x64(self.precision == "float64")
        with arithmetic, self.store.draft(chunk, stored) as writer:
            tally = chunker.write(lines, writer, request.advance)
        entry = {
            "chunk": chunk,
            "draft": writer.path.name,
            "identity": digest(request.identity),
            "sha256": writer.sums.sha256,
            "crc32": writer.sums.crc32,
            "bytes": writer.sums.bytes,
            "rows": writer.rows,
            "filtered": tally.filtered,
            **asdict(tally),
        }
        return cast(Entry, entry)
