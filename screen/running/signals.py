"""Ctrl-C and SIGTERM: the first asks the run to finish its chunks, the second ends it at once."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_INTERRUPTED = 130
_asked = threading.Event()


def watch() -> None:
    """From the first moment of a command: Ctrl-C ends it, also where an import swallows that.

    Python raises KeyboardInterrupt wherever it happens to be, and libraries that try an import drop
    it. So it is remembered: see `asked`. A second Ctrl-C ends the process at once.
    """
    _asked.clear()

    def handle(_number: int, _frame: FrameType | None) -> None:
        if _asked.is_set():
            os._exit(EXIT_INTERRUPTED)
        _asked.set()
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, handle)


def asked() -> bool:
    """Whether Ctrl-C came since `watch` and before a run took the signals over."""
    return _asked.is_set()


@contextmanager
def stop_on_signal() -> Iterator[threading.Event]:
    """An event that the first signal sets. Outside the main thread no signal is caught.

    A second signal ends the process at once; that is safe, because parts appear atomically and
    the next run removes what was half-written. A closed terminal counts as a signal, but for a
    command started with nohup.
    """
    stop = threading.Event()
    if asked():
        stop.set()

    def handle(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(EXIT_INTERRUPTED)
        stop.set()

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    caught = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        caught.append(signal.SIGHUP)
    before = {number: signal.signal(number, handle) for number in caught}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
