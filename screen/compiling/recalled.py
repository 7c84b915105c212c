"""Programs of a whole run, found again without tracing.

The store holds, under a key that names everything the programs are made from, a list of them: the
key of each by its content, and its trees of inputs and outputs. Where the list or one of its
programs is missing or damaged, all are traced as if there were no list.
"""

import pickle
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NamedTuple

import jax
from jax.stages import Compiled

from muli.screen.compiling.programs import Made, described, restored, settings, store_in_use
from muli.screen.compiling.store import Store


class _Entry(NamedTuple):
    """A program of a list. Numbers stand for the arrays of its inputs and outputs."""

    key: str
    inputs: Any
    outputs: Any


def recalled(
    origin: str, device: jax.Device, build: Callable[[], Mapping[str, Made]]
) -> dict[str, Compiled]:
    """Programs by name: those that were listed under an origin before, else built and listed.

    origin: text that changes with everything that the programs are made from, apart from muli's own
    code, its environment and JAX's settings; nothing is looked up where it is empty.
    """
    key = f"list\0{described(device)}\0{settings()}\0{origin}"
    store = store_in_use() if origin else None
    if store is not None and (programs := _listed(store, key, device)) is not None:
        return programs
    made = build()
    if store is not None and all(one.key is not None for one in made.values()):
        with suppress(Exception):  # a tree that cannot be pickled: not listed
            store.write(key, pickle.dumps({name: _entry(one) for name, one in made.items()}))
    return {name: one.program for name, one in made.items()}


def _listed(store: Store, key: str, device: jax.Device) -> dict[str, Compiled] | None:
    """The programs of a list; None where one of them is not to be had."""
    content = store.read(key)
    if content is None:
        return None

    def program(one: _Entry) -> Compiled | None:
        inputs, outputs = jax.tree.structure(one.inputs), jax.tree.structure(one.outputs)
        return restored(store.read(one.key), inputs, outputs, device)

    try:
        entries: dict[str, _Entry] = pickle.loads(content)
        with ThreadPoolExecutor() as pool:
            programs = dict(zip(entries, pool.map(program, entries.values()), strict=True))
    except Exception:
        return None
    found = {name: one for name, one in programs.items() if one is not None}
    return found if len(found) == len(entries) else None


def _entry(made: Made) -> _Entry:
    trees: tuple[Any, Any] = made.program.in_tree, made.program.out_tree
    return _Entry(made.key or "", *(jax.tree.unflatten(t, range(t.num_leaves)) for t in trees))
