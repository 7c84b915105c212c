"""What a worker started here does first: leave Ctrl-C to the run, import what work will need."""

import signal
import threading

if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.SIG_IGN)

from muli.screen.running import work as order

__all__ = ["order"]
