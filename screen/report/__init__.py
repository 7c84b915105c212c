"""The report: one self-contained HTML page of what a screen found."""

from pathlib import Path

from muli.candidates.environment import install_command
from muli.candidates.files import write_atomically
from muli.screen.dataset.results import Dirs
from muli.screen.errors import ScreenError

__all__ = ["ReportError", "report"]


class ReportError(ScreenError):
    """A report that cannot be made; the message says what to do."""

    exit_code = 2


def report(dirs: Dirs, out: str | Path, *, measure: bool = False) -> Path:
    """Write the page of one or several run folders to `out`; returns the path.

    measure: also compute what each measurement is worth (a minute for a hundred coatings).
    Raises `StoreError` where a folder is not that of a run, `ReportError` where `out` cannot be
    written or the extra `report` is not installed.
    """
    path = Path(out)
    try:
        from muli.screen.report.build import html  # needs the extra

        text = html(dirs, measure=measure)
    except ModuleNotFoundError as error:
        raise ReportError(f"the report needs {error.name}: {install_command('report')}") from None
    try:
        write_atomically(path, text.encode("utf-8", "replace"))
    except OSError as error:
        raise ReportError(f"{path}: cannot be written: {error.strerror}") from None
    return path
