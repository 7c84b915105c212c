"""One function over many items in chunks: in processes, resumable, in the items' order."""

import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Any, TypeVar

from candidates.checkpoint import Checkpoint

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
    parts = {name: part for name in chunks if (part := kept.load(name)) is not None}
    missing = {name: chunk for name, chunk in chunks.items() if name not in parts}
    done = len(items) - sum(map(len, missing.values()))
    progress(label, done, len(items))
    for name, part in _results(function, shared, missing, workers):
        kept.save(name, part)
        parts[name] = part
        done += len(chunks[name])
        progress(label, done, len(items))
    return [result for name in chunks for result in parts[name]]


def _results(
    function: Callable[[Any, Sequence[Item]], list[Any]],
    shared: Any,
    chunks: dict[str, Sequence[Item]],
    workers: int,
) -> Iterator[tuple[str, list[Any]]]:
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
    _shared.append(shared)


def _run(function: Callable[[Any, Sequence[Item]], list[Any]], chunk: Sequence[Item]) -> list[Any]:
    return function(_shared[0], chunk)
