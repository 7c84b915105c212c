"""The identity of a run, as text and hashes: it decides whether a folder may be continued."""

import hashlib
import json
import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd

from muli.candidates.interphases import interphases
from muli.kernels import PHYSICS_VERSION
from muli.screen.dataset.manifest import FORMAT
from muli.screen.errors import ResumeRefused
from muli.screen.space.problem import Problem
from muli.screen.spec import Spec

_PACKAGES = ("muli", "jax", "jaxlib", "numpy", "pyarrow", "duckdb", "pandas")


def resolved(spec: Spec) -> dict[str, Any]:
    """The whole spec with its defaults, as plain JSON values."""
    return json.loads(spec.model_dump_json(exclude_none=True, serialize_as_any=True))


def identity(problem: Problem, *, precision: str, platform_name: str) -> dict[str, Any]:
    """Flat `key: value` of everything that decides the bytes of a result, and nothing else."""
    spec = resolved(problem.spec)
    spec["screen"].pop("name", None)
    spec.pop("design", None)
    spec.pop("library", None)
    facts: dict[str, Any] = {"format": FORMAT, "physics_version": PHYSICS_VERSION}
    facts |= {"precision": precision, "device_kind": platform_name}
    facts["lines_per_chunk"] = problem.space.lines_per_chunk
    facts |= dict(_flatten(spec))
    for role, frame in problem.materials.frames.items():
        facts[f"data.{role}"] = f"{len(frame)} materials, {frame_hash(frame)}"
    if problem.spec.ageing is not None:
        facts["data.interphases"] = frame_hash(interphases())
    return facts


def frame_hash(frame: pd.DataFrame) -> str:
    """Hash of a table of materials: every value of every column counts."""
    rows = pd.util.hash_pandas_object(frame, index=False).to_numpy()
    names = "\n".join(frame.columns).encode()
    return hashlib.sha256(names + rows.tobytes()).hexdigest()[:16]


def file_hash(path: Path) -> str:
    """SHA-256 of an input file, or why it could not be read again."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return f"unreadable: {error.strerror}"


def data_sources(frames: Mapping[str, pd.DataFrame]) -> list[str]:
    """Identifiers of all sources behind the materials of a run, sorted."""
    sources: set[str] = set()
    for frame in frames.values():
        for name in frame.columns:
            if name.endswith("_source"):
                for text in frame[name].dropna().unique():
                    sources.update(part.strip() for part in str(text).split(";"))
    return sorted(sources - {""})


def refuse_if_changed(folder: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Raise `ResumeRefused` listing every `key: old -> new`, with the two ways out."""
    keys = [*new, *(key for key in old if key not in new)]
    changed = [
        f"{key}: {_short(old.get(key))} -> {_short(new.get(key))}"
        for key in keys
        if old.get(key) != new.get(key)
    ]
    if changed:
        raise ResumeRefused(
            "\n  ".join([f"{folder} holds a run of something else; what changed:", *changed])
            + "\nEither give another --out, or --restart to throw the old results away."
        )


def versions() -> dict[str, str]:
    """Versions of this program and of what computes and stores."""
    packages = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            packages[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            packages[name] = "not installed"
    return packages


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _flatten(value: Any, path: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        return [
            pair
            for key, item in value.items()
            for pair in _flatten(item, f"{path}.{key}" if path else str(key))
        ]
    return [(path, value)]
