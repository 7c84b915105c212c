"""Apply one function to many items in chunks: in processes, resumable, in the items' order."""

import os
import signal
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import closing
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any, TypeVar

from muli.candidates.computing.checkpoint import Checkpoint

Item = TypeVar("Item")
Progress = Callable[[str, int, int], None]
"""Called with the name of the pass, items done, items in all."""

_shared: list[Any] = []


def in_chunks(
    label: str,
    function: Callable[[Any, Sequence[Item]], list[Any]],
    shared: Any,
    items: Sequence[Item],
    size: int,
    kept: Checkpoint,
    workers: int,
    progress: Progress,
) -> list[Any]:
    """`function(shared, items)` over chunks of `size`, joined in order; results are JSON data.

    Chunks that `kept` holds are not computed again. `shared` goes to each process once. Processes
    are spawned, never forked; with one worker everything runs in this process.
    """
    chunks = {
        f"{label}-{start:07d}": items[start : start + size] for start in range(0, len(items), size)
    }
    parts = {name: part for name in chunks if _fits(part := kept.load(name), chunks[name])}
    missing = {name: chunk for name, chunk in chunks.items() if name not in parts}
    done = len(items) - sum(map(len, missing.values()))
    progress(label, done, len(items))
    with closing(_results(function, shared, missing, workers)) as results:
        for name, part in results:
            kept.save(name, part)
            parts[name] = part
            done += len(chunks[name])
            progress(label, done, len(items))
    return [result for name in chunks for result in parts[name]]


def _fits(part: Any, chunk: Sequence[Any]) -> bool:
    """Whether a kept part holds one result for every item of its chunk."""
    return isinstance(part, list) and len(part) == len(chunk)


def _results(
    function: Callable[[Any, Sequence[Item]], list[Any]],
    shared: Any,
    chunks: dict[str, Sequence[Item]],
    workers: int,
) -> Generator[tuple[str, list[Any]], None, None]:
    if workers == 1 or len(chunks) < 2:
        for name, chunk in chunks.items():
            yield name, function(shared, chunk)
        return
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _receive, (shared,))
    try:
        waiting = {pool.submit(_run, function, chunk): name for name, chunk in chunks.items()}
        for future in as_completed(waiting):
            yield waiting[future], future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _receive(shared: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    Thread(target=_leave_with_parent, daemon=True).start()
    _shared.append(shared)


def _leave_with_parent() -> None:
    """End this process when the parent process is gone, also where that was killed."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run(function: Callable[[Any, Sequence[Item]], list[Any]], chunk: Sequence[Item]) -> list[Any]:
    return function(_shared[0], chunk)
