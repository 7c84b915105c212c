"""Run folders as they lie on disk: parts, columns, manifests, and what is unfinished."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from muli.screen.errors import StoreError

MANIFEST = "manifest.json"
PART = "part-*.parquet"


@dataclass(frozen=True)
class Results:
    """One or several run folders, read together.

    `columns` maps a name to its Arrow type as text; `warnings` says what a reader must know
    before believing the numbers (a run that is not finished, a part that cannot be read).
    """

    folders: tuple[Path, ...]
    parts: tuple[str, ...]
    columns: dict[str, str]
    manifests: tuple[dict[str, Any], ...]
    warnings: list[str] = field(default_factory=list)

    @property
    def stacks(self) -> int:
        """Stacks asked for, over all folders."""
        return sum(int(each.get("stacks", 0)) for each in self.manifests)

    @property
    def counts(self) -> dict[str, int]:
        """Stacks per status, over all folders."""
        total: dict[str, int] = {}
        for manifest in self.manifests:
            for status, count in manifest.get("counts", {}).items():
                total[status] = total.get(status, 0) + int(count)
        return total

    @property
    def axes(self) -> dict[str, int] | None:
        """Columns that are axes, with their length; None where a manifest does not tell.

        Of several folders the sum: values may differ from run to run.
        """
        found: dict[str, int] = {}
        for manifest in self.manifests:
            if "axes" not in manifest:
                return None
            for key, size in manifest["axes"].items():
                column = _axis_column(key)
                found[column] = found.get(column, 0) + int(size)
        return found

    def axis_values(self, column: str) -> list[Any]:
        """Values of a scenario axis over all folders; empty where a manifest does not tell."""
        found: dict[Any, None] = {}
        for manifest in self.manifests:
            values = manifest.get("scenarios", {}).get(column)
            if not values:
                return []
            found |= dict.fromkeys(values)
        return list(found)


def _axis_column(key: str) -> str:
    """Result column of an axis of the design space."""
    suffix = "_if_unknown" if key.startswith("missing.") else ""
    return key.removeprefix("missing.").replace(".", "_") + suffix


def open_results(dirs: str | Path | Sequence[str | Path]) -> Results:
    """Read what the folders hold; raises `StoreError` where one is not a run's folder."""
    listed = [dirs] if isinstance(dirs, str | Path) else list(dirs)
    if not listed:
        raise StoreError("name at least one folder of a run")
    folders = tuple(Path(each) for each in listed)
    parts: list[str] = []
    columns: dict[str, str] = {}
    manifests, warnings = [], []
    for folder in folders:
        manifest, problem = _manifest(folder)
        manifests.append(manifest)
        warnings += problem
        found, types, unreadable = _parts(folder)
        parts += found
        columns |= types
        warnings += unreadable
    return Results(folders, tuple(parts), columns, tuple(manifests), warnings)


def _manifest(folder: Path) -> tuple[dict[str, Any], list[str]]:
    path = folder / MANIFEST
    if not folder.is_dir():
        raise StoreError(f"{folder}: no such folder; `muli run --out {folder}` makes one")
    if not path.is_file():
        if not any(folder.glob(PART)):
            raise StoreError(f"{folder}: not the folder of a run (neither {MANIFEST} nor parts)")
        return {}, [f"{folder}: {MANIFEST} is missing: the run was stopped, or is still going"]
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: cannot be read: {error}") from None
    if not isinstance(manifest, dict):
        raise StoreError(f"{path}: expected an object with `stacks` and `counts`")
    return manifest, _unfinished(folder, manifest)


def _unfinished(folder: Path, manifest: dict[str, Any]) -> list[str]:
    """What a run that is not complete must say."""
    if manifest.get("complete", True):
        return []
    done = sum(int(n) for n in manifest.get("counts", {}).values())
    asked = int(manifest.get("stacks", 0))
    return [
        f"{folder}: this run is not complete ({done:,} of {asked:,} stacks): what follows ranks "
        f"only these; the same `muli run` command continues it"
    ]


def _parts(folder: Path) -> tuple[list[str], dict[str, str], list[str]]:
    """Readable parts, their columns, and what is wrong with the others."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    found: list[str] = []
    columns: dict[str, str] = {}
    wrong = []
    for path in sorted(folder.glob(PART)):
        if not path.is_file():  # a pipe would be waited for
            wrong.append(f"{path}: left out, not a file")
            continue
        try:
            schema = pq.read_schema(path)
        except (pa.ArrowException, OSError) as error:
            wrong.append(f"{path}: left out, it cannot be read: {str(error).splitlines()[0]}")
            continue
        found.append(str(path.resolve()))
        columns |= {column.name: str(column.type) for column in schema}
    if not found:
        raise StoreError(f"{folder}: no part that can be read; run it again with --restart")
    return found, columns, wrong
