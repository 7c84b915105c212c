"""Run folders on disk: undamaged parts, columns, manifests.

Example:

    results = open_results(["monday", "tuesday"])
    results.parts, results.columns, results.warnings

Only parts in the manifest or journal of a folder are read, and only if the checksum of the file
agrees. `warnings` names what is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from muli.screen.dataset import manifest
from muli.screen.dataset.check import damaged, foreign, known_parts
from muli.screen.dataset.manifest import Manifest
from muli.screen.errors import StoreError
from muli.screen.inputs import no_folder

SHOWN = 5
"""Most files that are named in a warning."""


@dataclass(frozen=True)
class Results:
    """One or several run folders, read together.

    `columns` maps a name to its Arrow type as text; `warnings` holds what limits the use of the
    numbers (a run that is not finished, parts that were left out).
    """

    folders: tuple[Path, ...]
    parts: tuple[str, ...]
    columns: dict[str, str]
    manifests: tuple[Manifest, ...]
    warnings: list[str] = field(default_factory=list)

    @property
    def stacks(self) -> int:
        """Stacks of the screens, over all folders."""
        return sum(content.stacks for content in self.manifests)

    @property
    def rows(self) -> int:
        """Rows stored when the manifests were written, over all folders."""
        return sum(content.rows for content in self.manifests)

    @property
    def counts(self) -> dict[str, int]:
        """Stacks per status, over all folders."""
        total: dict[str, int] = {}
        for content in self.manifests:
            for status, count in content.counts.items():
                total[status] = total.get(status, 0) + count
        return total

    @property
    def axes(self) -> dict[str, int]:
        """Columns that are axes, with their length.

        For several folders this is the sum: values may differ from run to run.
        """
        sizes: dict[str, int] = {}
        for content in self.manifests:
            for key, size in content.axes.items():
                column = _axis_column(key)
                sizes[column] = sizes.get(column, 0) + size
        return sizes

    def axis_values(self, column: str) -> list[Any]:
        """Values of a scenario axis over all folders; empty if a manifest does not have them."""
        distinct: dict[Any, None] = {}
        for content in self.manifests:
            values = content.scenarios.get(column)
            if not values:
                return []
            distinct |= dict.fromkeys(values)
        return list(distinct)


Dirs = str | Path | Sequence[str | Path] | Results
"""A run folder, several that are read together, or the result of `open_results`."""


def _axis_column(key: str) -> str:
    """Result column of an axis of the design space."""
    suffix = "_if_unknown" if key.startswith("missing.") else ""
    return key.removeprefix("missing.").replace(".", "_") + suffix


def open_results(dirs: Dirs) -> Results:
    """Open the folders; raises `StoreError` if one is not the folder of a run."""
    if isinstance(dirs, Results):
        return dirs
    names = [dirs] if isinstance(dirs, str | Path) else list(dirs)
    if not names:
        raise StoreError("name at least one folder of a run")
    folders = tuple(Path(name) for name in names)
    parts: list[str] = []
    columns: dict[str, str] = {}
    manifests, warnings = [], []
    for folder in folders:
        content = read_manifest(folder)
        intact, problems = _parts(folder, content)
        manifests.append(content)
        warnings += [*_unfinished(folder, content), *problems]
        parts += intact
        columns |= _columns(folder, intact)
    return Results(folders, tuple(parts), columns, tuple(manifests), warnings)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a folder; raises `StoreError` that says what to do."""
    if not folder.is_dir():
        raise StoreError(no_folder(folder))
    return manifest.read(folder)


def _unfinished(folder: Path, content: Manifest) -> list[str]:
    """The warning for a run that is not complete."""
    if content.complete:
        return []
    return [
        f"{folder}: this run is not complete ({content.counts_total:,} of {content.stacks:,} "
        "stacks): what follows ranks only finished parts; the same `muli run` command continues it"
    ]


def _parts(folder: Path, content: Manifest) -> tuple[list[str], list[str]]:
    """Paths of the undamaged parts, and warnings about the others."""
    known = known_parts(folder, content)
    problems = damaged(folder, known)
    others = foreign(folder, known)
    root = folder.resolve()
    try:
        str(root).encode()
    except UnicodeEncodeError:
        raise StoreError(f"{root!a}: the name of this folder is not UTF-8: rename it") from None
    intact = [str(root / part.name) for part in known if part.name not in problems]
    if not known and content.complete:
        raise StoreError(
            f"{folder}: holds no rows, since none of the screen's chunks is its share (shard "
            f"{content.shard}); the other shards have them"
            if content.shard
            else f"{folder}: holds no rows: nothing of the screen passed its filters"
        )
    if not intact:
        reason = next(iter(problems.items()), None)
        detail = f" ({reason[0]}: {reason[1]})" if reason else ""
        raise StoreError(
            f"{folder}: no part that can be read{detail}; the command that made the run, given "
            "again, computes what is missing"
        )
    warnings = []
    if problems:
        warnings.append(
            f"{folder}: {len(problems):,} of {len(known):,} parts left out: "
            f"{_listed([f'{name}: {text}' for name, text in problems.items()])}; the command that "
            "made the run, given again, computes them"
        )
    if others:
        warnings.append(f"{folder}: left out, not of this run: {_listed(others)}")
    return intact, warnings


def _listed(texts: Sequence[str]) -> str:
    more = len(texts) - SHOWN
    return ", ".join([*texts[:SHOWN], *([f"and {more:,} more"] if more > 0 else [])])


def _columns(folder: Path, parts: Sequence[str]) -> dict[str, str]:
    """Columns of a run and their types: all its parts have the same."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(parts[0])
    except (pa.ArrowException, OSError) as error:
        first = str(error).splitlines()[0]
        raise StoreError(f"{folder}: {parts[0]} cannot be read: {first}") from None
    return {column.name: str(column.type) for column in schema}
