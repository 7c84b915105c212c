"""Merge the shards of one screen: the dataset is the same as that of a single run.

The parts of each shard are copied, checked, and entered in the journal of the whole. If a merge is
stopped, the same command continues it, as with `muli run`.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from muli.screen.dataset import manifest
from muli.screen.dataset.journal import Entry, part
from muli.screen.dataset.manifest import File, Manifest
from muli.screen.dataset.store import Store
from muli.screen.dataset.summary import RunResult, status_counts, summary, totals
from muli.screen.errors import SpecError, StoreError, UsageError
from muli.screen.spec.names import shown

AT_A_TIME = 64
"""Parts that are copied before they are entered in the journal; a killed merge repeats them."""


def merge(out: str | Path, folders: Sequence[str | Path]) -> RunResult:
    """Copy the parts of all shards of a screen into `out` and write their common manifest.

    out: a new folder, or one with some parts of the same dataset, which are kept.
    folders: results of `run(..., shard=(i, n))`, every i of one n once, in any order.

    Raises:
        SpecError: a shard is missing, doubled, unfinished or of another screen (with every
            `key: one -> other`), or a folder holds no shard, or `out` holds something else.
        StoreError: a part differs from the journal of its shard, or `out` cannot be written.
    """
    if not str(out):
        raise UsageError("the folder of the whole has no name: give one")
    shards = _shards([Path(folder) for folder in folders])
    with Store(out).locked() as store:
        kept = _kept(store, next(iter(shards.values())))
        first = next(iter(shards))
        materials = store.copy_materials(first, shards[first])
        unfinished = merged(list(shards.values()), kept.values(), materials, complete=False)
        store.write_manifest(unfinished)
        for folder in shards:
            kept |= _copied(store, folder, shards[folder], kept)
        content = merged(list(shards.values()), kept.values(), materials, complete=True)
        store.write_manifest(content)
    return summary(store.folder, content, content.seconds)


def _kept(store: Store, shard: Manifest) -> dict[int, Entry]:
    """Parts of the same dataset that `out` already has; other files named as parts are removed.

    Raises `SpecError` if it holds another dataset, `StoreError` if it is not the folder of a run.
    """
    old, intact = store.previous()
    entries, run_hash = store.journal(), manifest.digest(shard.identity)
    if old is not None and intact:
        _refuse_other_screen(store.folder, old["identity"], Path("the shards"), shard.identity)
        if old.get("shard") is not None:
            raise SpecError(str(store.folder), ["holds a shard: give an empty or new folder"])
    elif any(entry["identity"] != run_hash for entry in entries.values()):
        raise SpecError(str(store.folder), ["holds other results: give an empty or new folder"])
    kept = store.intact({c: e for c, e in entries.items() if e["identity"] == run_hash})
    store.remove_parts_except(kept)
    return kept


def _shards(folders: list[Path]) -> dict[Path, Manifest]:
    """Manifests of all shards by folder, in the order of the shards."""
    manifests = {folder: _manifest(folder) for folder in folders}
    if not manifests:
        raise SpecError("merge", ["no folders given: expected the results of all shards"])
    first, *others = manifests.items()
    for folder, content in others:
        _refuse_other_screen(first[0], first[1].identity, folder, content.identity)
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
    if not (folder / manifest.MANIFEST).is_file():
        raise SpecError(str(folder), ["holds no finished or begun run (no manifest.json)"])
    content = manifest.read(folder)
    if content.shard is None:
        raise SpecError(str(folder), ["holds a whole run, not a shard of one (--shard i/n)"])
    if not content.complete:
        raise SpecError(str(folder), ["is not finished; the command that began it continues"])
    return content


def _refuse_gaps(manifests: Mapping[Path, Manifest], given: int) -> None:
    """Raise `SpecError` unless every shard of one n is present exactly once."""
    wholes = sorted({_position(content)[1] for content in manifests.values()})
    if len(wholes) > 1:
        problems = [f"{folder}: shard {m.shard}" for folder, m in manifests.items()]
        raise SpecError("merge", ["shards of different divisions cannot be joined", *problems])
    by_shard: dict[int, list[Path]] = {part: [] for part in range(1, wholes[0] + 1)}
    for folder, content in manifests.items():
        by_shard[_position(content)[0]].append(folder)
    problems = [
        f"shard {part}/{wholes[0]} is missing" for part, folders in by_shard.items() if not folders
    ]
    problems += [
        f"shard {part}/{wholes[0]} is there {len(folders)} times: {', '.join(map(str, folders))}"
        for part, folders in by_shard.items()
        if len(folders) > 1
    ]
    if given > len(manifests):
        problems.append("a folder is named twice")
    if problems:
        raise SpecError("merge", problems)


def _position(content: Manifest) -> tuple[int, int]:
    part_of, whole = str(content.shard).split("/")
    return int(part_of), int(whole)


def _copied(
    store: Store, folder: Path, shard: Manifest, kept: Mapping[int, Entry]
) -> dict[int, Entry]:
    """Entries of one shard; parts that are not kept are copied and checked."""
    entries = Store(folder).journal()
    parts = {part_.chunk: part_ for part_ in shard.parts}
    for chunk, part_ in parts.items():
        if chunk not in entries or part(entries[chunk]) != part_:
            raise StoreError(
                f"{folder}: the journal does not name part {part_.name}; the command that made the "
                "shard computes it again"
            )
    todo = [chunk for chunk in parts if chunk not in kept]
    for first in range(0, len(todo), AT_A_TIME):
        chunks = todo[first : first + AT_A_TIME]
        drafts = {chunk: store.adopt(folder, parts[chunk]) for chunk in chunks}
        store.publish([{**entries[chunk], "draft": draft} for chunk, draft in drafts.items()])
    return {chunk: entries[chunk] for chunk in parts}


def merged(
    shards: list[Manifest],
    entries: Iterable[Entry],
    materials: dict[str, File],
    *,
    complete: bool,
) -> Manifest:
    """The manifest of the whole from those of its shards and the entries of the journal."""
    entries = sorted(entries, key=lambda entry: entry["chunk"])
    sums = totals(entries)
    first = shards[0]
    gated = first.asked - sum(shard.stacks for shard in shards)
    return replace(
        first,
        complete=complete,
        stacks=first.asked,
        counts=status_counts(sums, gated),
        outcomes=sums["outcomes"],
        histograms=sums["histograms"],
        funnel=_funnel([shard.funnel for shard in shards], first.axes),
        rows=sums["rows"],
        chunks=sum(shard.chunks for shard in shards),
        shard=None,
        notes=list(dict.fromkeys(note for shard in shards for note in shard.notes)),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=round(math.fsum(shard.seconds for shard in shards), 3),
        materials=materials,
        parts=[part(entry) for entry in entries],
    )


def _funnel(funnels: list[list[dict[str, Any]]], axes: Mapping[str, int]) -> list[dict[str, Any]]:
    """Gates on materials are the same in all shards; gates on results are summed over them."""
    before, rows = math.prod(axes.values()), []
    for gates in zip(*funnels, strict=True):
        row = dict(gates[0])
        if row["on"] == "results":
            row["removed"] = sum(gate["removed"] for gate in gates)
            row["unknown"] = sum(gate["unknown"] for gate in gates)
            row["before"], before = before, before - row["removed"]
            row["kept"] = before
        rows.append(row)
    return rows
