"""Check and time the engine's programs on the device that JAX chooses: python benchmarks/device.py.

Correct first: 100,000 stacks of every kind of law are solved on the device in float32 and on the
CPU in float64. Then a screen's own programs are timed with chunks sized by the device's memory,
and a run on the device is compared with one on the CPU. Prints one JSON object; takes at most
eight minutes, what is left over then is left out and named. `--quick` is a check of the script.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pyarrow.parquet as pq

from muli.kernels import Branches, Constant, Layer, Limits, Stack, Window, metrics_of_plane, solve
from muli.screen.engine.device import tile_bytes
from muli.screen.running.run import run
from muli.screen.space.setup import set_up

LIMIT_S = 480.0
SHARE_OF_MEMORY = 0.5
TOLERANCE_V = 1e-4
"""Of E* in float32, over max(1, slope): what `ill_conditioned` promises of every other stack."""
LIMITS = Limits(Window(1.71, 2.31), (Window(1.74, 3.88),))


def numbers(count: int) -> dict[str, np.ndarray]:
    """Stacks of the kinds screened: thicknesses (cm), conductivities (S/cm), potentials (V)."""
    draw = np.random.default_rng(0)

    def log_uniform(low: float, high: float) -> np.ndarray:
        return 10.0 ** draw.uniform(low, high, count)

    return {
        "L": np.stack([log_uniform(-3, -1.3), log_uniform(-7.3, -4.3)]),
        "ion": np.stack([log_uniform(-4, -2), log_uniform(-9, -5)]),
        "ele": np.stack([log_uniform(-10, -8), log_uniform(-14, -9)]),
        "n": np.stack([log_uniform(-8, -5), log_uniform(-10, -7)]),
        "p": np.stack([log_uniform(-8, -5), log_uniform(-10, -7)]),
        "E": np.stack([draw.uniform(0.0, 1.0, count), draw.uniform(3.5, 4.6, count)]),
    }


def stack_of(given: dict[str, jax.Array], law: str) -> Stack:
    """One stack of two layers: `constant`, `branches`, or `current` (branches at 0.1 mA/cm2)."""
    edges = ((0.4, 3.6), (0.5, 4.4))
    laws: list[Any] = [Constant(given["ele"][k]) for k in (0, 1)]
    if law != "constant":
        laws = [
            Branches(given["ele"][k], given["n"][k], edges[k][0], given["p"][k], edges[k][1])
            for k in (0, 1)
        ]
    layers = tuple(Layer(given["L"][k], given["ion"][k], laws[k]) for k in (0, 1))
    return Stack(layers, *given["E"], 298.15, 1e-4 if law == "current" else 0.0)


def solved(law: str, given: dict[str, np.ndarray], dtype: str, device: Any) -> tuple:
    """E*, its slope and the status of every stack, in blocks of 4096; seconds of a second call."""
    with jax.enable_x64(dtype == "float64"), jax.default_device(device):
        blocks = {
            key: jnp.asarray(np.moveaxis(x.reshape(len(x), -1, BLOCK), 1, 0), dtype)
            for key, x in given.items()
        }

        def one(row: dict[str, jax.Array]) -> tuple[jax.Array, ...]:
            solution = solve(stack_of(row, law))
            return solution.nodes[1], solution.slope, solution.status

        lanes = jax.vmap(one, (dict.fromkeys(blocks, 1),))
        program = jax.jit(lambda blocks: jax.lax.map(lanes, blocks))
        found = jax.block_until_ready(program(blocks))
        start = time.perf_counter()
        jax.block_until_ready(program(blocks))
        seconds = time.perf_counter() - start
        return *(np.asarray(x).ravel() for x in found), seconds


BLOCK = 4096


def check_law(law: str, count: int) -> dict[str, Any]:
    """The device in float32 against the CPU in float64."""
    given = numbers(max(1, count // BLOCK) * BLOCK)
    cpu = jax.local_devices(backend="cpu")[0]
    E, slope, status, seconds = solved(law, given, "float32", jax.local_devices()[0])
    expected, _, true_status, cpu_seconds = solved(law, given, "float64", cpu)
    both = (status == 0) & (true_status == 0)
    error = np.abs(E - expected)[both] / np.maximum(1.0, slope[both])
    return {
        "stacks": E.size,
        "ok": int(both.sum()),
        "largest_error_V": float(error.max()),
        "passed": bool(error.max() < TOLERANCE_V and both.mean() > 0.9),
        "stacks_per_s": E.size / seconds,
        "cpu_float64_stacks_per_s": E.size / cpu_seconds,
    }


def time_plane(count: int) -> dict[str, Any]:
    """All columns of constant laws on a plane of thicknesses, reduced on the device."""
    side = int(np.sqrt(count))
    thick = jnp.geomspace(1e-3, 5e-2, side, dtype=jnp.float32)[:, None]
    thin = jnp.geomspace(5e-8, 5e-5, side, dtype=jnp.float32)[None]
    limits = jax.tree.map(jnp.float32, LIMITS)

    @jax.jit
    def reduced(thick: jax.Array, thin: jax.Array) -> tuple[jax.Array, jax.Array]:
        numbers = [jnp.float32(x) for x in (1e-3, 1e-9, 1e-6, 1e-12, 0.0, 4.2, 298.15)]
        ion, ele, own_ion, own_ele, *ends = numbers
        layers = Layer(thick, ion, Constant(ele)), Layer(thin, own_ion, Constant(own_ele))
        found = metrics_of_plane(Stack(layers, *ends), limits)
        return jnp.sum(found.feasible, dtype=jnp.int32), jnp.max(found.interface_potential_V)

    jax.block_until_ready(reduced(thick, thin))
    start = time.perf_counter()
    count_feasible, _ = jax.block_until_ready(reduced(thick, thin))
    seconds = time.perf_counter() - start
    return {
        "stacks": side * side,
        "stacks_per_s": side * side / seconds,
        "feasible": int(count_feasible),
    }


def spec(thicknesses: int, mode: str) -> dict[str, Any]:
    """Four coatings of the library on argyrodite."""
    return {
        "axes": {
            "coating": ["LiNbO3", "Li3PO4", "LiTaO3", "LiPO3"],
            "coating_thickness_nm": {"start": 0.5, "stop": 500, "num": 250, "spacing": "log"},
            "electrolyte": ["Li6PS5Cl"],
            "electrolyte_thickness_um": {"start": 10, "stop": 500, "num": thicknesses},
            "cathode_potential_V": {"start": 3.4, "stop": 4.6, "num": 10},
            "coating.sigma_ele_S_cm": {"start": 1e-14, "stop": 1e-10, "num": 10, "spacing": "log"},
        },
        "output": {"mode": mode},
    }


def memory() -> int | None:
    """Bytes that the device says it may use; None where it does not tell."""
    return (jax.local_devices()[0].memory_stats() or {}).get("bytes_limit")


def batch_for(given: dict[str, Any], mode: str) -> int | None:
    """Stacks at a time that fill a share of the device's memory."""
    space, limit = set_up(given).problem.space, memory()
    if limit is None:
        return None
    tiles = max(1, int(SHARE_OF_MEMORY * limit) // tile_bytes(space, mode, "float32", None))
    return min(tiles, 64) * space.lines_per_tile * space.rows_per_line


def run_screen(mode: str, thicknesses: int) -> dict[str, Any]:
    """A run on the device, its programs compiled by a first one; its rows against the CPU's."""
    given = spec(thicknesses, mode)
    batch = batch_for(given, mode)
    with tempfile.TemporaryDirectory(prefix="muli-device-") as folder:
        out = {name: Path(folder) / name for name in ("first", "second", "cpu")}
        run(given, out["first"], batch=batch)
        start = time.perf_counter()
        found = run(given, out["second"], batch=batch)
        seconds = time.perf_counter() - start
        run(given, out["cpu"], device="cpu", precision="float32")
        rows = [
            pq.read_table(sorted(out[name].glob("part-*.parquet"))[0]).slice(0, 100_000).to_pandas()
            for name in ("second", "cpu")
        ]
    numbers_of = [each.interface_potential_V.to_numpy(float) for each in rows]
    same = len(rows[0]) == len(rows[1]) and bool((rows[0].row_id == rows[1].row_id).all())
    error = float(np.nanmax(np.abs(numbers_of[0] - numbers_of[1]))) if same else None
    return {
        "stacks": found.stacks,
        "stacks_per_s": found.stacks / seconds,
        "batch": batch,
        "same_rows_as_cpu": same,
        "largest_difference_V": error,
        "passed": same and error is not None and error < TOLERANCE_V,
    }


def main() -> int:
    """Every part in turn until the time is used up; exit 1 where a check fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tiny size, to check the script")
    quick = parser.parse_args().quick
    count, thicknesses = (4096, 2) if quick else (100_000, 1000)
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "solve_constant": lambda: check_law("constant", count),
        "solve_branches": lambda: check_law("branches", count),
        "plane_constant": lambda: time_plane(1 << (18 if quick else 28)),
        "run_best": lambda: run_screen("best", thicknesses),
        "run_all": lambda: run_screen("all", max(2, thicknesses // 10)),
        "solve_under_current": lambda: check_law("current", count // 10 if not quick else count),
    }
    begun, device = time.perf_counter(), jax.local_devices()[0]
    told: dict[str, Any] = {
        "device": device.device_kind,
        "platform": device.platform,
        "devices": jax.local_device_count(),
        "memory_GiB": round(limit / 2**30, 1) if (limit := memory()) else None,
        "jax": jax.__version__,
        "left_out": [],
    }
    for name, part in parts.items():
        spent = time.perf_counter() - begun
        if spent > 0.6 * LIMIT_S and not quick:
            told["left_out"].append(name)
            continue
        print(f"{spent:5.0f} s  {name}", file=sys.stderr)
        told[name] = part()
    told["seconds"] = round(time.perf_counter() - begun, 1)
    print(json.dumps(told, indent=1))
    checks = [
        each["passed"] for each in told.values() if isinstance(each, dict) and "passed" in each
    ]
    return int(not all(checks))


if __name__ == "__main__":
    raise SystemExit(main())
