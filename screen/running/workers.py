"""A run's chunks on Dask workers: few in flight, counted once, repeated after unfit workers."""

import time
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from queue import Empty, Queue
from threading import Event
from typing import Any, cast
from uuid import uuid4

import dask.config
from distributed import Client, Future

from muli.screen.dataset.journal import Entry
from muli.screen.errors import Interrupted, WorkerError
from muli.screen.running.clusters import Start
from muli.screen.running.local import POLL_S, Request
from muli.screen.running.work import Order, Outcome, Work, compute, halt, survey
from muli.screen.spec.names import one_line
from muli.screen.terminal import tell

CHUNKS_PER_TASK = 64
"""Most chunks of one task: what is lost with a worker, and what ends late after a signal."""

WORKERS_PER_CHUNK = 25
"""So many tasks are handed out in the time that a core takes for one chunk, 0.1 s."""

TASK_LIMIT_S = 900.0
"""After this long a worker counts as hanging; `muli.task-limit` of Dask's configuration."""

TRIES = 3
_GONE = "the scheduler is gone; start it again, then the same command continues"
_IN_FLIGHT = 2
_LOOK_S = 2.0


@contextmanager
def connected(start: Start, work: Work, stop: Event) -> Iterator["Workers"]:
    """Started workers with the work sent to them.

    Raises `WorkerError` where nobody answers or is fit, `UsageError` for more workers than GPUs.
    """
    if start.alike:
        work = work.compiled()  # while the workers import what they need
    with _client(start.ready()) as client:
        workers = Workers(client, work, stop, start.expected)
        try:
            yield workers
        finally:
            workers.close()


def _client(cluster: Any) -> Client:
    try:
        return Client(cluster, set_as_default=False)
    except (OSError, TimeoutError, AssertionError, TypeError, ValueError) as error:
        where = cluster if isinstance(cluster, str) else "this machine"
        raise WorkerError(f"no Dask scheduler answers at {where}: {one_line(error)}") from None


@dataclass
class Task:
    """Some chunks that workers compute, how often they were handed out, and since when."""

    chunks: list[int]
    tries: int = 0
    since: float = 0.0


class Workers:
    """The workers of a Dask scheduler as a `Workplace`."""

    def __init__(self, client: Client, work: Work, stop: Event, expected: int) -> None:
        self.client, self.stop, self.expected = client, stop, expected
        self.space = work.setup.problem.space
        self.notes: list[str] = []
        self.name = f"muli-{uuid4().hex}"
        self.limit = float(dask.config.get("muli.task-limit", TASK_LIMIT_S))
        self._known: tuple[float, int] = (0.0, 0)
        self._asked_to_halt = False
        client.register_plugin(Order(work, self.name))
        self._first = self._survey()

    @property
    def kind(self) -> str:
        """cpu or gpu: of the first worker; others must be of the same kind."""
        return self._first.kind

    @property
    def devices(self) -> list[str]:
        """Devices of the first worker."""
        return list(self._first.devices)

    @property
    def workers(self) -> int:
        """Workers there now, or soon."""
        return max(self.expected, self._present())

    def describe(self) -> str:
        """One line for a person."""
        return f"{self._present()} Dask workers so far, {len(self.devices)} {self.kind} device each"

    def results(self, request: Request) -> Generator[list[Entry], None, None]:
        """See `Workplace`. Stacks are reported by the task, when it is finished."""
        waiting: deque[Task] = deque()
        tasks = cut(request.chunks, self.workers)
        active: dict[Future, Task] = {}
        ready: Queue[Future] = Queue()
        with _reached(active):
            while True:
                while not request.stop.is_set() and len(active) < self._window():
                    if not waiting:
                        waiting.extend(Task(chunks) for chunks in islice(tasks, 1))
                    if not waiting:
                        break
                    self._submit(waiting.popleft(), request.identity, active, ready)
                self._halt_once(request.stop)
                if not active:
                    return
                outcome = self._next(active, ready, waiting)
                for entry in outcome:
                    request.advance(entry["stacks"])
                yield outcome
                self._free_from_hanging(active)

    def close(self) -> None:
        """Remove the order from the workers."""
        if self.client.status == "running":
            self.client.unregister_worker_plugin(self.name)

    def _submit(
        self,
        task: Task,
        identity: Mapping[str, Any],
        active: dict[Future, Task],
        ready: "Queue[Future]",
    ) -> None:
        task.since = time.monotonic()
        task.tries += 1
        key = (self.name, task.chunks[0], task.tries)  # a tuple: Dask keeps one group, not each key
        future = self.client.submit(
            compute, self.name, dict(identity), task.chunks, key=key, pure=False
        )
        active[future] = task
        future.add_done_callback(ready.put)

    def _next(
        self, active: dict[Future, Task], ready: "Queue[Future]", waiting: deque[Task]
    ) -> list[Entry]:
        """Entries of a finished task; a task that failed waits for another worker."""
        try:
            future = ready.get(timeout=POLL_S)
        except Empty:
            return []
        task = active.pop(future)
        outcome = self._outcome(future)
        future.release()
        if outcome.failure is None:
            return outcome.entries
        self._dismiss(outcome)
        if task.tries >= TRIES or not self._present(now=True):
            raise WorkerError(self._last_words(outcome), outcome.exit_code)
        waiting.appendleft(task)
        return []

    def _outcome(self, future: Future) -> Outcome:
        """The outcome of a task; raises `WorkerError` where Dask itself gave up."""
        if future.status == "finished":
            return cast(Outcome, future.result())
        if future.status == "error":
            error = future.exception()
            raise WorkerError(
                f"the workers that took {future.key} died ({type(error).__name__}: {error}); they "
                "may lack memory: see their logs, give --max-memory; the same command continues"
            )
        raise WorkerError(_GONE)

    def _dismiss(self, outcome: Outcome) -> None:
        """Retire an unfit worker, once, and note the reason."""
        if outcome.worker in self.client.nthreads():
            self._say(f"worker {outcome.worker} is left out: {outcome.failure}")
            self.client.retire_workers([outcome.worker], close_workers=True, remove=True)

    def _last_words(self, outcome: Outcome) -> str:
        return f"no worker can go on; the last, {outcome.worker}, said: {outcome.failure}"

    def _free_from_hanging(self, active: Mapping[Future, Task]) -> None:
        """Restart workers that hold a task for longer than the limit; Dask gives it to others."""
        now = time.monotonic()
        late = {f.key: task for f, task in active.items() if now - task.since > self.limit}
        if not late:
            return
        holders = {w: late.keys() & set(keys) for w, keys in self.client.processing().items()}
        for task in late.values():
            task.since = now
        for worker, keys in holders.items():
            if not keys:
                continue
            self._say(f"worker {worker} held a task for over {self.limit:g} s: restarted")
            for key in keys:
                late[key].tries += 1
            if any(late[key].tries > TRIES for key in keys):
                raise WorkerError(
                    f"{TRIES} workers did not finish the same chunks in {self.limit:g} s each; "
                    "DASK_MULI__TASK_LIMIT=<seconds> allows more; the same command continues"
                )
            self._restart(worker)

    def _restart(self, worker: str) -> None:
        try:
            self.client.restart_workers([worker], timeout=30, raise_for_error=False)
        except ValueError:  # started without a nanny: nobody can restart it
            self.client.retire_workers([worker], close_workers=True, remove=True)

    def _halt_once(self, stop: Event) -> None:
        if stop.is_set() and not self._asked_to_halt:
            self._asked_to_halt = True
            self.client.run(partial(halt, self.name))

    def _survey(self) -> Outcome:
        """The first fit worker. Waits for as long as it takes, or until asked to stop."""
        last_message = time.monotonic()
        while True:
            future = self.client.submit(survey, self.name, pure=False)
            while not future.done():
                if self.stop.wait(POLL_S):
                    raise Interrupted("stopped while waiting for the first worker")
                if time.monotonic() - last_message > 15 and not self._present():
                    last_message = time.monotonic()
                    tell("waiting for the first worker ...")
            outcome = self._outcome(future)
            future.release()  # Dask keeps a worker that holds a result
            if outcome.failure is None:
                return outcome
            self._dismiss(outcome)
            if not self._present(now=True):
                raise WorkerError(self._last_words(outcome), outcome.exit_code)

    def _window(self) -> int:
        return _IN_FLIGHT * max(1, self._present())

    def _present(self, *, now: bool = False) -> int:
        """Number of workers present, looked up every few seconds."""
        when, count = self._known
        if now or time.monotonic() - when > _LOOK_S:
            count = len(self.client.nthreads())
            self._known = time.monotonic(), count
        return count

    def _say(self, note: str) -> None:
        self.notes.append(note)
        tell(note)


@contextmanager
def _reached(active: Mapping[Future, Task]) -> Iterator[None]:
    """Raise `WorkerError` where the scheduler is lost; at the end cancel open tasks."""
    try:
        yield
    except (OSError, TimeoutError, CancelledError) as error:
        raise WorkerError(_GONE) from error
    finally:
        for future in active:
            if not future.done():
                future.cancel()


def cut(todo: Sequence[int], workers: int) -> Iterator[list[int]]:
    """Tasks of consecutive chunks, shorter towards the end, so that all workers end together.

    Where there are enough chunks for all, no task is so short that handing it out takes longer
    than computing it; long ones are even, as workers compute two chunks at a time.
    """
    workers, first = max(1, workers), 0
    least = min(1 + workers // WORKERS_PER_CHUNK, -(-len(todo) // workers))
    while first < len(todo):
        size = min(CHUNKS_PER_TASK, (len(todo) - first) // (4 * workers))
        size = max(least, size - size % 2)
        yield list(todo[first : first + size])
        first += size
