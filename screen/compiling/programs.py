"""Programs that are compiled once: read from the store in use, else compiled and kept there.

`kept` takes the place of `jax.jit` for functions that depend on nothing but their arguments: such a
program is found by its name and the shapes of its arrays, without tracing. `finished` serves
programs whose content is known only once they are traced.
"""

import hashlib
import pickle
from collections.abc import Callable, Hashable, Mapping
from functools import wraps
from typing import Any, NamedTuple, TypeVar

import equinox as eqx
import jax
import numpy as np
from jax.experimental.serialize_executable import deserialize_and_load, serialize
from jax.stages import Compiled, Lowered

from muli.screen.compiling.store import Store, used

Options = Mapping[str, Any]
Answer = TypeVar("Answer")
QUICK_COMPILE: Options = {
    "xla_backend_optimization_level": 0,
    "xla_cpu_use_fusion_emitters": False,
}
"""For programs that run a few times: compiled in a third of the time, they run two to three times
longer."""


def kept(
    name: str, options: Options | None = None
) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
    """Compile a function of trees once per shapes, and keep its programs under `name`.

    Arrays are traced; everything else in the arguments is a part of the program. The function must
    depend on its arguments alone, and return arrays. options: of the compiler.
    """

    def decorate(function: Callable[..., Answer]) -> Callable[..., Answer]:
        programs: dict[Hashable, _Flat] = {}

        @wraps(function)
        def call(*given: Any) -> Answer:
            arrays, plain = eqx.partition(given, eqx.is_array)
            leaves, tree = jax.tree.flatten(arrays)
            if any(isinstance(leaf, jax.core.Tracer) for leaf in leaves):
                return function(*given)  # a part of a larger program
            leaves = [np.asarray(leaf) for leaf in leaves]
            signature = _signature(leaves, tree, plain)
            if signature not in programs:

                def of_leaves(leaves: list[Any]) -> Answer:
                    return function(*eqx.combine(jax.tree.unflatten(tree, leaves), plain))

                key = f"{name}\0{signature}\0{sorted((options or {}).items())}"
                programs[signature] = _flat_program(of_leaves, leaves, key, options)
            return programs[signature](leaves)

        return call

    return decorate


class Made(NamedTuple):
    """A compiled program and its key in the store; no key where no store is in use."""

    program: Compiled
    key: str | None


def finished(lowered: Lowered, device: jax.Device, options: Options | None = None) -> Made:
    """The compiled program of one traced for a device, from the store where it has this content."""
    store = store_in_use()
    if store is None:
        return Made(_compiled(lowered, options), None)
    content = hashlib.sha256(lowered.as_text().encode()).hexdigest()
    key = f"{described(device)}\0{content}\0{sorted((options or {}).items())}"
    stored = restored(store.read(key), lowered.in_tree, lowered.out_tree, device)
    if stored is not None:
        return Made(stored, key)
    program = _compiled(lowered, options)
    _keep(store, key, _Flat(program, None))
    return Made(program, key)


def restored(data: bytes | None, inputs: Any, outputs: Any, device: jax.Device) -> Compiled | None:
    """A program from data in the store and its trees; None where this JAX cannot take it."""
    stored = _unpacked(data, inputs, outputs, device)
    return None if stored is None else stored.program


class _Flat(NamedTuple):
    """A program from a list of arrays to a list of arrays, and the tree that these belong to.

    The tree is kept as an object with numbers for its arrays: JAX's own description of a tree
    cannot be restored unchanged from a file.
    """

    program: Compiled
    shape: Any

    def __call__(self, leaves: list[Any]) -> Any:
        return jax.tree.unflatten(jax.tree.structure(self.shape), self.program(leaves))


def _flat_program(
    function: Callable[[list[Any]], Any], leaves: list[Any], key: str, options: Options | None
) -> _Flat:
    store = store_in_use()
    if store is not None:
        device = _default_device()
        key = f"{described(device)}\0{key}"
        inputs = jax.tree.structure(((leaves,), {}))
        if (stored := _unpacked(store.read(key), inputs, None, device)) is not None:
            return stored
    shapes: list[Any] = []

    def to_list(leaves: list[Any]) -> list[Any]:
        outputs, tree = jax.tree.flatten(function(leaves))
        shapes.append(jax.tree.unflatten(tree, range(len(outputs))))
        return outputs

    program = _Flat(_compiled(jax.jit(to_list).lower(leaves), options), shapes[0])
    if store is not None:
        _keep(store, key, program)
    return program


def _compiled(lowered: Lowered, options: Options | None) -> Compiled:
    return lowered.compile(compiler_options=dict(options)) if options else lowered.compile()


def _signature(leaves: list[Any], tree: Any, plain: Any) -> Hashable:
    """What distinguishes the programs of one function."""
    shapes = tuple((leaf.shape, leaf.dtype.name) for leaf in leaves)
    words, others = jax.tree.flatten(plain)
    x64 = bool(jax.config.jax_enable_x64)  # type: ignore[attr-defined]
    return str(tree), shapes, str(others), tuple(map(repr, words)), x64


def store_in_use() -> Store | None:
    """The store in use; none where JAX keeps programs itself (`JAX_COMPILATION_CACHE_DIR`).

    A program that JAX has read from its own cache cannot be serialised again: on CPUs its
    functions would be missing.
    """
    return None if jax.config.jax_compilation_cache_dir else used()  # type: ignore[attr-defined]


def settings() -> str:
    """JAX's settings, apart from those of its cache, and the device that it computes on here."""
    values = [f"{k}={value}" for k, value in jax.config.values.items() if "cache" not in k]
    return "\0".join([described(_default_device()), *sorted(values)])


def _default_device() -> jax.Device:
    """The device that JAX computes on here; its setting may be a device or a platform's name."""
    chosen = jax.config.jax_default_device  # type: ignore[attr-defined]
    return chosen if isinstance(chosen, jax.Device) else jax.local_devices(backend=chosen)[0]


def described(device: jax.Device) -> str:
    """A device with its runtime, and how many there are; a program is for these."""
    runtime = device.client.platform_version
    return f"{device.platform}\0{device.device_kind}\0{device.id}\0{jax.device_count()}\0{runtime}"


def _keep(store: Store, key: str, program: _Flat) -> None:
    """Write a program to the store; skipped where JAX cannot serialise it (some devices)."""
    try:
        data = pickle.dumps((serialize(program.program)[0], program.shape))
    except Exception:
        return
    store.write(key, data)


def _unpacked(data: bytes | None, inputs: Any, outputs: Any, device: jax.Device) -> _Flat | None:
    """A program from data; None where this JAX cannot take it. outputs: None for a list."""
    if data is None:
        return None
    try:
        program, shape = pickle.loads(data)
        outputs = outputs or jax.tree.structure(jax.tree.leaves(shape))
        compiled = deserialize_and_load(program, inputs, outputs, device.client, [device])
        return _Flat(compiled, shape)
    except Exception:
        return None
