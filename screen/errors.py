"""Errors of a screen: each has an exit code and a message that says what to do."""

SHOWN = 20
"""Most problems of one file that a message lists."""


class ScreenError(Exception):
    """A failure whose text is the whole message; `exit_code` is what the command line returns."""

    exit_code = 1


class SpecError(ScreenError):
    """The spec, or a table it names, is not usable. Lists the first problems of all at once.

    more: problems that were only counted.
    """

    exit_code = 2

    def __init__(self, source: str, problems: list[str], more: int = 0) -> None:
        self.source, self.problems, self.more = source, problems, more
        total = len(problems) + more
        if total == 1:
            super().__init__(f"{source}: {problems[0]}")
            return
        shown = problems[:SHOWN]
        if total > len(shown):
            shown.append(f"... and {total - len(shown):,} more")
        super().__init__("\n  ".join([f"{source}: {total:,} errors", *shown]))


class StoreError(ScreenError):
    """The result folder cannot be used: locked, read-only, full, or not a result folder."""

    exit_code = 2


class ResumeRefused(ScreenError):
    """The folder holds a run of other physics, data or axes. Lists each `key: old -> new`."""

    exit_code = 3


class DeviceError(ScreenError):
    """The device asked for is not there, or its memory is too small."""

    exit_code = 4


class Interrupted(ScreenError):
    """The run was asked to stop and did so after finishing its chunk."""

    exit_code = 130


class UsageError(ScreenError):
    """An option, a column or a file given on the command line is not usable."""

    exit_code = 2


class WorkerError(ScreenError):
    """No worker of a cluster can go on. Its exit code is that of the last failure."""

    exit_code = 4

    def __init__(self, message: str, exit_code: int = 4) -> None:
        super().__init__(message)
        self.exit_code = exit_code
