"""Put the shards of one screen together: the dataset is the one a single run would have written."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from muli.screen.dataset.store import MANIFEST, Store, part_name
from muli.screen.dataset.summary import RunResult, status_counts, totals
from muli.screen.errors import SpecError, StoreError
from muli.screen.spec.names import shown

Manifest = dict[str, Any]


def merge(out: str | Path, folders: Sequence[str | Path]) -> RunResult:
    """Copy the parts of all shards of a screen into `out` and write their common manifest.

    folders: results of `run(..., shard=(i, n))`, every i of one n once, in any order.

    Raises:
        SpecError: a shard is missing, doubled, unfinished or of another screen (with every
            `key: one -> other`), or a folder holds no shard.
        StoreError: a part is not what its shard's journal says, or `out` cannot be written.
    """
    shards = _shards([Path(folder) for folder in folders])
    with Store(out).locked() as store:
        if store.read_json(MANIFEST) is not None or any(store.folder.glob("part-*.parquet")):
            raise SpecError(str(out), ["holds results already; give an empty or new folder"])
        entries = [entry for folder in shards for entry in _copied(store, folder)]
        content = merged(list(shards.values()), entries)
        store.write_json(MANIFEST, content)
    return RunResult(
        folder=store.folder,
        stacks=content["stacks"],
        counts=content["counts"],
        rows=content["rows"],
        chunks=content["chunks"],
        seconds=content["seconds"],
        complete=True,
        funnel=content["funnel"],
        outcomes=content["outcomes"],
        histograms=content["histograms"],
        notes=content["notes"],
    )


def _shards(folders: list[Path]) -> dict[Path, Manifest]:
    """Manifests of all shards by folder, in the order of the shards."""
    manifests = {folder: _manifest(folder) for folder in folders}
    if not manifests:
        raise SpecError("merge", ["no folders given: expected the results of all shards"])
    first, *others = manifests.items()
    for folder, manifest in others:
        _refuse_other_screen(first[0], first[1]["identity"], folder, manifest["identity"])
    _refuse_gaps(manifests, len(folders))
    return dict(sorted(manifests.items(), key=lambda item: _position(item[1])[0]))


def _refuse_other_screen(
    one: Path, its: Mapping[str, Any], other: Path, others: Mapping[str, Any]
) -> None:
    """Raise `SpecError` listing every `key: one -> other`."""
    changed = [
        f"{key}: {shown(its.get(key))} -> {shown(others.get(key))}"
        for key in {**its, **others}
        if its.get(key) != others.get(key)
    ]
    if changed:
        raise SpecError("merge", [f"{one} and {other} are of different screens:", *changed])


def _manifest(folder: Path) -> Manifest:
    found = Store(folder).read_json(MANIFEST)
    if found is None:
        raise SpecError(str(folder), ["holds no finished or begun run (no manifest.json)"])
    if found.get("shard") is None:
        raise SpecError(str(folder), ["holds a whole run, not a shard of one (--shard i/n)"])
    if not found["complete"]:
        raise SpecError(str(folder), ["is not finished; the command that began it continues"])
    return found


def _refuse_gaps(manifests: Mapping[Path, Manifest], given: int) -> None:
    """Raise `SpecError` unless every shard of one n is there once."""
    wholes = sorted({_position(manifest)[1] for manifest in manifests.values()})
    if len(wholes) > 1:
        problems = [f"{folder}: shard {m['shard']}" for folder, m in manifests.items()]
        raise SpecError("merge", ["shards of different divisions cannot be joined", *problems])
    by_shard: dict[int, list[Path]] = {part: [] for part in range(1, wholes[0] + 1)}
    for folder, manifest in manifests.items():
        by_shard[_position(manifest)[0]].append(folder)
    problems = [
        f"shard {part}/{wholes[0]} is missing" for part, found in by_shard.items() if not found
    ]
    problems += [
        f"shard {part}/{wholes[0]} is there {len(found)} times: {', '.join(map(str, found))}"
        for part, found in by_shard.items()
        if len(found) > 1
    ]
    if given > len(manifests):
        problems.append("a folder is named twice")
    if problems:
        raise SpecError("merge", problems)


def _position(manifest: Manifest) -> tuple[int, int]:
    part, whole = manifest["shard"].split("/")
    return int(part), int(whole)


def _copied(store: Store, folder: Path) -> list[dict[str, Any]]:
    """Copy one shard's parts, each checked against its checksum, and give back their entries."""
    source = Store(folder)
    entries = source.journal()
    named = [part["chunk"] for part in (source.read_json(MANIFEST) or {})["parts"]]
    drafts = []
    for chunk in named:
        entry = entries.get(chunk)
        if entry is None or not source.valid(entry):
            raise StoreError(
                f"{folder / part_name(chunk)} is damaged or missing; the command that made the "
                "shard computes it again"
            )
        drafts.append({**entry, "draft": store.adopt(source.folder / part_name(chunk))})
    store.publish(drafts)
    return [entries[chunk] for chunk in named]


def merged(shards: list[Manifest], entries: Iterable[Mapping[str, Any]]) -> Manifest:
    """The manifest of the whole from those of its shards and the journal's entries."""
    entries = sorted(entries, key=lambda entry: entry["chunk"])
    sums = totals(entries)
    first = shards[0]
    counts = status_counts(sums, first["asked"] - sum(shard["stacks"] for shard in shards))
    return {
        **first,
        "complete": True,
        "stacks": first["asked"],
        "counts": counts,
        "counts_total": sum(counts.values()),
        "outcomes": sums["outcomes"],
        "histograms": sums["histograms"],
        "funnel": _funnel([shard["funnel"] for shard in shards], first["axes"]),
        "rows": sums["rows"],
        "chunks": len(entries),
        "shard": None,
        "notes": list(dict.fromkeys(note for shard in shards for note in shard["notes"])),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(math.fsum(shard["seconds"] for shard in shards), 3),
        "parts": [{k: entry[k] for k in ("chunk", "rows", "bytes", "sha256")} for entry in entries],
    }


def _funnel(funnels: list[list[dict[str, Any]]], axes: Mapping[str, int]) -> list[dict[str, Any]]:
    """Gates on materials as any shard tells them; gates on results summed over the shards."""
    before, rows = math.prod(axes.values()), []
    for same in zip(*funnels, strict=True):
        row = dict(same[0])
        if row["on"] == "results":
            row["removed"] = sum(each["removed"] for each in same)
            row["unknown"] = sum(each["unknown"] for each in same)
            row["before"], before = before, before - row["removed"]
            row["kept"] = before
        rows.append(row)
    return rows
