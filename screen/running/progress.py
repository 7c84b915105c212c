"""Progress for a person (one live line, or a line every 30 s) and for a program (a file)."""

import contextlib
import sys
import time
from collections import Counter
from threading import Lock
from typing import Any

from muli.screen.dataset.store import PROGRESS, Store
from muli.screen.terminal import tell, visible

LOG_EVERY_S = 30.0
FILE_EVERY_S = 2.0


class Progress:
    """Counts stacks as they are done. Thread-safe; writes to stderr."""

    def __init__(self, store: Store, total: int, done: int, *, quiet: bool = False) -> None:
        self.store, self.total = store, total
        self.quiet = quiet
        self.before = self.done = done
        self.failed, self.feasible = 0, 0
        self.leaders: Counter[str] = Counter()
        self.started = self._logged = self._filed = time.monotonic()
        self._lock = Lock()
        self._live = self._live_line()

    def advance(self, stacks: int) -> None:
        """Some stacks were computed."""
        with self._lock:
            self.done += stacks

    def outcome(self, *, failed: int, feasible: int, leaders: dict[str, int]) -> None:
        """A chunk was written."""
        with self._lock:
            self.failed += failed
            self.feasible += feasible
            self.leaders.update(leaders)

    def tick(self, state: str = "running") -> None:
        """Show the progress, at intervals that suit a terminal or a log."""
        now = time.monotonic()
        if self._live is not None:
            self._update()
        elif not self.quiet and now - self._logged >= LOG_EVERY_S:
            self._logged = now
            tell(self.line())
        if now - self._filed >= FILE_EVERY_S or state != "running":
            self._filed = now
            self.store.write_json(PROGRESS, self.snapshot(state))

    def end(self, state: str) -> None:
        """Close the live line and write the final state."""
        if self._live is not None:
            with contextlib.suppress(OSError, ValueError):
                self._live.stop()
        self.tick(state)

    def snapshot(self, state: str = "running") -> dict[str, Any]:
        """Done, rate, time left, failures and feasible stacks, as plain values."""
        rate, left = self._rate()
        return {
            "state": state,
            "stacks_done": self.done,
            "stacks_total": self.total,
            "stacks_per_s": round(rate),
            "seconds_left": None if left is None else round(left, 1),
            "failed": self.failed,
            "feasible": self.feasible,
            "most_often_feasible": self.leader,
        }

    def line(self) -> str:
        """One line for a person."""
        rate, left = self._rate()
        share = 100.0 * self.done / self.total if self.total else 100.0
        eta = "-" if left is None else _duration(left)
        best = f", most often {self.leader}" if self.leader else ""
        return (
            f"{share:5.1f} %  {self.done:,} of {self.total:,} stacks  {_speed(rate)}  "
            f"{eta} left  {self.failed:,} failed  {self.feasible:,} feasible{best}"
        )

    @property
    def leader(self) -> str | None:
        """The coating feasible in the most scenarios so far."""
        return self.leaders.most_common(1)[0][0] if self.leaders else None

    def _rate(self) -> tuple[float, float | None]:
        seconds = max(time.monotonic() - self.started, 1e-9)
        rate = (self.done - self.before) / seconds
        return rate, (self.total - self.done) / rate if rate > 0 else None

    def _update(self) -> None:
        """Show the live line; where the terminal is closed, stop showing it: the run continues."""
        from rich.text import Text

        try:
            self._live.update(Text(visible(self.line())))
        except (OSError, ValueError):
            self._live = None

    def _live_line(self) -> Any:
        """A line that is rewritten in place, where stderr is a terminal."""
        if self.quiet or sys.stderr is None or not sys.stderr.isatty():
            return None
        from rich.console import Console

        status = Console(file=sys.stderr).status("")
        status.start()
        return status


def _speed(rate: float) -> str:
    return f"{rate / 1e6:.1f} M/s" if rate >= 1e5 else f"{rate:,.0f} /s"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
