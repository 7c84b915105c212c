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
    """From the first moment of a command: Ctrl-C ends it, also while modules are loaded.

    Python raises KeyboardInterrupt wherever it happens to be. Inside an import that is not safe:
    compiled modules crash when their start is interrupted, and libraries that try an import drop
    the exception. So Ctrl-C during an import ends the process at once, as a second one does.
    Elsewhere the exception can still be lost (in a destructor), so it is remembered: see `asked`.
    """
    _asked.clear()

    def handle(_number: int, frame: FrameType | None) -> None:
        if _asked.is_set() or _importing(frame):
            _end_at_once()
        _asked.set()
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, handle)


def _importing(frame: FrameType | None) -> bool:
    """Whether Python is loading a module somewhere below this frame."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _end_at_once() -> None:
    """End the process without unwinding; a cursor that a progress line hid is shown again."""
    if os.isatty(2):
        os.write(2, b"\x1b[?25h\n")
    os._exit(EXIT_INTERRUPTED)


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
            _end_at_once()
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
