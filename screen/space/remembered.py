"""The set-up of a screen of shipped materials, kept from an earlier process.

Setting up reads the library and fits distributions: more than a second for the built-in screen.
What it gives depends on the spec, on muli's own code and data, and on versions and settings; all of
them are in the key. A set-up that read a user's file is not kept.
"""

import hashlib
import json
import pickle
from collections.abc import Callable
from typing import TYPE_CHECKING

from muli.candidates.tables import LIBRARY
from muli.screen.compiling.programs import settings
from muli.screen.compiling.store import used
from muli.screen.spec import Source

if TYPE_CHECKING:
    from muli.screen.space.setup import Setup

LARGEST_BYTES = 16 * 2**20
"""A larger set-up is not kept: it would take the place of many programs."""


def remembered(source: Source, make: Callable[[Source], "Setup"]) -> "Setup":
    """The set-up of a spec: from the store in use where it is there, else made, and kept."""
    store, key = used(), None
    if store is not None and (key := _key(source)) is not None:
        kept = _unpacked(store.read(key), source)
        if kept is not None:
            return kept
    setup = make(source)
    if store is not None and key is not None and not setup.problem.materials.files:
        content = pickle.dumps(setup)
        if len(content) <= LARGEST_BYTES:
            store.write(key, content)
    return setup


def _key(source: Source) -> str | None:
    """Everything that decides a set-up, apart from muli's code; None where it cannot be written."""
    spec = source.spec
    try:
        texts = [
            json.dumps(spec.model_dump(exclude_unset=unset, serialize_as_any=True))
            for unset in (False, True)
        ]
    except (TypeError, ValueError):
        return None
    where = str(source.folder.absolute())
    return "\0".join(["set-up", *texts, source.name, where, settings(), _library()])


def _library() -> str:
    """Hash of the shipped data."""
    digest = hashlib.sha256()
    for path in sorted(p for p in LIBRARY.rglob("*") if p.is_file()):
        digest.update(f"{path.relative_to(LIBRARY)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _unpacked(content: bytes | None, source: Source) -> "Setup | None":
    """A set-up from the store; None where it is not that of the spec."""
    if content is None:
        return None
    try:
        setup: Setup = pickle.loads(content)
        return setup if setup.problem.source == source else None
    except Exception:
        return None
