"""Check that all files of a result folder are unchanged: `muli verify`."""

from dataclasses import dataclass
from pathlib import Path

from muli.screen.dataset import materials
from muli.screen.dataset.check import damaged, foreign, known_parts, misattributed
from muli.screen.dataset.results import read_manifest


@dataclass(frozen=True)
class Verified:
    """The result of a check.

    parts, rows: numbers of those that are unchanged. problems: what is wrong, by file name.
    complete: whether the run is finished.
    """

    parts: int
    rows: int
    problems: dict[str, str]
    complete: bool

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def verify(folder: str | Path) -> Verified:
    """Compare every file of a run with its manifest: names, sizes, SHA-256, and metadata of parts.

    Raises `StoreError` if the folder holds no run, or its manifest is damaged.
    """
    folder = Path(folder)
    content = read_manifest(folder)
    known = known_parts(folder, content)
    problems = damaged(folder, known, thorough=True)
    for part in known:
        if part.name not in problems and (text := misattributed(folder, content.identity, part)):
            problems[part.name] = text
    intact = [part for part in known if part.name not in problems]
    problems |= dict.fromkeys(foreign(folder, known), "not of this run")
    problems |= materials.damaged(folder, content)
    rows = sum(part.rows for part in intact)
    if content.complete and not problems and rows != content.rows:
        problems["manifest.json"] = f"says {content.rows:,} rows, the parts hold {rows:,}"
    return Verified(len(intact), rows, problems, content.complete)
