"""Rows of whole runs: seconds and peak memory from a spec to a finished folder, and of dry runs.

Each run happens in a fresh process, so that its peak memory is its own; seconds include compiling
and exclude the start of the interpreter and imports, which those of a dry run include. The error
compares E* of stored rows with the voltage divider written out in NumPy in float64. The peers' rows
set them against the rate of a run whose programs are compiled, from spec to folder; the error is by
how much E* of the peer's smallest feasible thicknesses is above the limit.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import jax
import numpy as np
import peers_run
import pyarrow.dataset as ds
from table import QUICK, Row, Scale, row

from muli.screen.engine.evaluate import Evaluator
from muli.screen.engine.gates import Gates
from muli.screen.engine.judged import LineBest
from muli.screen.engine.reduce import count_names, feasible_lines, thickness_position
from muli.screen.space.layout import Lines
from muli.screen.space.setup import set_up

CHILD = """
import json, sys, time
spec = json.loads(sys.argv[1])
if len(sys.argv) > 2:
    from muli.screen.running.run import run
start, used = time.perf_counter(), time.process_time()
if len(sys.argv) == 2:
    from muli.screen.space.cost import dry_run
    stacks = dry_run(spec).stacks
else:
    shard = tuple(map(int, sys.argv[3].split("/"))) if len(sys.argv) > 3 else None
    found = run(spec, sys.argv[2], shard=shard)
    stacks = found.stacks
seconds, used = time.perf_counter() - start, time.process_time() - used
with open("/proc/self/status") as status:  # ru_maxrss would be that of the parent, across exec
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
feasible = found.outcomes["feasible"]["yes"] if len(sys.argv) > 2 else None
told = {"seconds": seconds, "processor_seconds": used, "peak_MiB": peak}
told |= {"stacks": stacks, "feasible": feasible}
print(json.dumps(told))
"""


def spec(stacks: int, mode: str) -> dict:
    """About so many stacks of 4 coatings x 250 thicknesses on Li6PS5Cl, everything known."""
    thicknesses = max(1, round(stacks / (4 * 250 * 100)))
    return {
        "screen": {"missing": "status"},
        "axes": {
            "coating": ["LiNbO3", "Li3PO4", "LiTaO3", "LiPO3"],
            "coating_thickness_nm": {"start": 0.5, "stop": 500, "num": 250, "spacing": "log"},
            "electrolyte": ["Li6PS5Cl"],
            "electrolyte_thickness_um": {"start": 10, "stop": 500, "num": max(2, thicknesses)},
            "cathode_potential_V": {"start": 3.4, "stop": 4.6, "num": 10},
            "coating.sigma_ele_S_cm": {"start": 1e-14, "stop": 1e-10, "num": 10, "spacing": "log"},
        },
        "output": {"mode": mode},
    }


def child(given: dict, *out: str, **environment: str) -> dict:
    """What the child measured."""
    command = [sys.executable, "-c", CHILD, json.dumps(given), *out]
    root = Path(__file__).parent.parent
    around = {**os.environ, **environment}
    found = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=root, env=around
    )
    return json.loads(found.stdout)


def largest_error(folder: str) -> float:
    """Of E* against the divider, V, over rows of up to eight parts."""
    paths = sorted(map(str, Path(folder).glob("part-*.parquet")))
    r = ds.dataset(paths[:: max(1, len(paths) // 8)]).head(200_000).to_pandas()
    thickness = r.electrolyte_thickness_um * 1e-4, r.coating_thickness_nm * 1e-7
    resistances = []
    for role, length in zip(("electrolyte", "coating"), thickness, strict=True):
        ion, ele = (r[f"{role}_sigma_{kind}_S_cm"].astype(float) for kind in ("ion", "ele"))
        resistances.append(length.astype(float) * (1 / ion + 1 / ele))
    pinned = (r.interface_potential_V - r.reduction_margin_V).clip(lower=r.anode_potential_V)
    E_a = pinned.where(r.boundary != "electrode", r.anode_potential_V)
    share = resistances[0] / sum(resistances)
    expected = E_a + (r.cathode_potential_V - E_a) * share
    return float(np.abs(expected - r.interface_potential_V).max())  # of rows that have numbers


def measured(name: str, stacks: int, mode: str, per_s: float) -> Row:
    """One run against so many stacks a second."""
    with tempfile.TemporaryDirectory(prefix="muli-run-rows-") as folder:
        found = child(spec(stacks, mode), folder)
        error = largest_error(folder)
    aim = found["stacks"] / per_s
    words = f"{aim:.3g} s; {found['stacks']:,} stacks, peak {found['peak_MiB']:.0f} MiB"
    return Row(name, found["seconds"], "s", words, found["seconds"] / aim, error)


@row("run_best_1e9")
def run_best(scale: Scale) -> Row:
    """Mode best; the aim is 1e9 stacks in 20 s."""
    return measured("run_best_1e9", 10**7 if scale == QUICK else 10**9, "best", 5e7)


@cache
def compared(stacks: int, mode: str = "best") -> tuple[float, int, peers_run.Job]:
    """Stacks a second of a run, its feasible stacks, and the same job for peers.

    The run is done twice; the second finds its programs compiled.
    """
    given = spec(stacks, mode)
    with tempfile.TemporaryDirectory(prefix="muli-run-rows-") as folder:
        cache = {"JAX_COMPILATION_CACHE_DIR": f"{folder}/programs"}
        cache["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
        found = [child(given, f"{folder}/{name}", **cache) for name in ("first", "second")][1]
    problem = set_up(given).problem
    job = peers_run.job(problem, problem.space.lines)
    return found["stacks"] / found["seconds"], found["feasible"], job


def against(
    name: str, peer: Callable[[peers_run.Job], tuple[int, np.ndarray]], scale: Scale
) -> Row:
    """How many times as fast as a peer a run is; raises where they disagree on what is feasible.

    Stacks on the edge of a limit may differ between single and double precision: 1e-5 of all.
    """
    rate, feasible, job = compared(10**6 if scale == QUICK else 10**8)
    stacks = len(job.lines) * len(job.thickness)
    peer(job)
    start = time.perf_counter()
    count, best = peer(job)
    seconds = time.perf_counter() - start
    if abs(count - feasible) > 1e-5 * stacks or not np.isfinite(best).any():
        raise AssertionError(f"{name}: {count:,} feasible stacks, the run has {feasible:,}")
    lines = job.lines[np.isfinite(best)]
    E_a, E_c, _, ox, *_, coating, se, length = lines.T
    E = E_a + (E_c - E_a) / (1 + best[np.isfinite(best)] * coating / (length * se))
    words = f"{stacks / seconds:.3g} stacks/s by the peer; {count:,} of {stacks:,} feasible in both"
    return Row(
        name, rate, "stacks/s", words, rate * seconds / stacks, float((E - ox).max().clip(0))
    )


@row("run_best_over_numpy")
def over_numpy(scale: Scale) -> Row:
    """A run against vectorised NumPy that stores nothing."""
    return against("run_best_over_numpy", peers_run.numpy_best, scale)


@row("run_best_over_numba")
def over_numba(scale: Scale) -> Row:
    """A run against a compiled loop on all cores that stores nothing."""
    return against("run_best_over_numba", peers_run.numba_best, scale)


@row("best_counts_over_numba")
def counts_over_numba(scale: Scale) -> Row:
    """What mode best counts and chooses of every line, programs compiled, nothing stored, against a
    compiled loop on all cores; raises where they disagree on what is feasible.

    A stack within 1e-12 of a threshold may differ. The error is by how much E* at the smallest
    feasible thicknesses is above the limit.
    """
    stacks = 10**6 if scale == QUICK else 10**8
    evaluator, job = counting(spec(stacks, "best"))
    space = evaluator.problem.space
    lines = evaluator.tiles(Lines(0, space.lines), evaluator.counter.shape[0])

    def counted() -> list[LineBest]:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(lambda some: _best(evaluator, some), lines))

    found, (count, best) = counted(), peers_run.numba_best(job)
    pairs = [(timed(counted)[0], timed(lambda: peers_run.numba_best(job))[0]) for _ in range(PAIRS)]
    seconds, peer = sorted(pairs, key=lambda pair: pair[1] / pair[0])[PAIRS // 2]
    keys = np.concatenate([each.best.key[:, 0] for each in found])
    feasible = sum(int(each.best.counts[..., FEASIBLE].sum()) for each in found)
    chosen = np.where(feasible_lines(keys), job.thickness[thickness_position(keys)], np.nan)
    same = np.isclose(chosen, best, rtol=1e-9, equal_nan=True)
    if abs(feasible - count) > 1e-6 * space.stacks or same.mean() < 1 - 1e-5:
        raise AssertionError(f"{count:,} feasible stacks, counted by thresholds {feasible:,}")
    words = (
        f"{space.stacks / peer:.3g} stacks/s by the peer; {feasible:,} and {count:,} feasible of "
        f"{space.stacks:,}; {(~same).sum():,} of {space.lines:,} lines choose otherwise"
    )
    rate = space.stacks / seconds
    return Row("best_counts_over_numba", rate, "stacks/s", words, peer / seconds, None)


PAIRS = 9
"""Runs of both in turn; the one with the middle ratio is told."""
FEASIBLE = count_names(0).index(("feasible", "yes"))


def counting(given: dict) -> tuple[Evaluator, peers_run.Job]:
    """Compiled programs in single precision, and the same job for peers."""
    setup = set_up(given)
    with jax.enable_x64(False):
        evaluator = Evaluator(
            setup.problem,
            Gates(setup.gates, setup.axis_columns),
            dtype="float32",
            device=jax.local_devices()[0],
            tiles_per_call=1,
        )
        evaluator.compile("best")
    return evaluator, peers_run.job(setup.problem, setup.problem.space.lines)


def _best(evaluator: Evaluator, lines: Lines) -> LineBest:
    with jax.enable_x64(False):
        found = evaluator.call(evaluator.best, [evaluator.start(lines.start)])[0]
    return jax.tree.map(lambda leaf: leaf[: len(lines)], found)


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, and what it returns."""
    start = time.perf_counter()
    found = function()
    return time.perf_counter() - start, found


@row("run_best_1e13_shard")
def shard_of_1e13(scale: Scale) -> Row:
    """One of a thousand shards of 1e13 stacks, mode best; the aim is a night of eight hours for
    all of them."""
    given = spec(10**5, "best")
    few = scale == QUICK
    given["axes"] |= {
        "coating_thickness_nm": {"start": 0.5, "stop": 500, "num": 2000, "spacing": "log"},
        "coating.sigma_ele_S_cm": {
            "start": 1e-14, "stop": 1e-10, "num": 10 if few else 100, "spacing": "log",
        },
        "coating.sigma_ion_S_cm": {"start": 1e-9, "stop": 1e-5, "num": 50, "spacing": "log"},
        "electrolyte_thickness_um": {"start": 10, "stop": 500, "num": 10 if few else 500},
        "cathode_potential_V": {"start": 3.4, "stop": 4.6, "num": 20 if few else 500},
    }  # fmt: skip
    given["output"]["top_k"] = 1
    with tempfile.TemporaryDirectory(prefix="muli-run-rows-") as folder:
        found = child(given, folder, "1/1000")
        error = largest_error(folder)
    aim = 8 * 3600 / 1000
    words = f"{aim:.3g} s; {found['stacks']:,} stacks, peak {found['peak_MiB']:.0f} MiB"
    return Row("run_best_1e13_shard", found["seconds"], "s", words, found["seconds"] / aim, error)


@row("run_best_over_scipy")
def over_scipy(scale: Scale) -> Row:
    """A run against quadrature and root finding of E* alone, stack by stack."""
    rate, _, job = compared(10**6 if scale == QUICK else 10**8)
    some = job.lines[:: max(1, len(job.lines) // scale.loop)]
    start = time.perf_counter()
    found = np.array([peers_run.scipy_potential(line, job.thickness[7]) for line in some])
    seconds = time.perf_counter() - start
    E_a, E_c, *_, coating, se, length = some.T
    E = E_a + (E_c - E_a) / (1 + job.thickness[7] * coating / (length * se))
    words = f"{len(some) / seconds:.3g} stacks/s by the peer"
    ratio = rate * seconds / len(some)
    return Row(
        "run_best_over_scipy", rate, "stacks/s", words, ratio, float(np.abs(E - found).max())
    )


@row("run_all_over_numpy")
def all_over_numpy(scale: Scale) -> Row:
    """A run of mode all against NumPy and pyarrow that write 21 of its 56 columns.

    The error is by how much E* of the peer's feasible rows is above the limit.
    """
    rate, feasible, job = compared(10**6 if scale == QUICK else 2 * 10**7, "all")
    stacks, names = len(job.lines) * len(job.thickness), spec(1, "all")["axes"]["coating"]
    with tempfile.TemporaryDirectory(prefix="muli-run-rows-") as folder:
        path = Path(folder) / "peer.parquet"
        start = time.perf_counter()
        count = peers_run.numpy_all(job, names, path)
        seconds = time.perf_counter() - start
        rows = ds.dataset(path).to_table(["feasible", "oxidation_margin_V"]).to_pandas()
    if abs(count - feasible) > 1e-5 * stacks:
        raise AssertionError(f"{count:,} feasible stacks, the run has {feasible:,}")
    error = -rows.loc[rows.feasible, "oxidation_margin_V"].min()
    words = f"{stacks / seconds:.3g} rows/s by the peer; {count:,} of {stacks:,} feasible in both"
    ratio = rate * seconds / stacks
    return Row("run_all_over_numpy", rate, "rows/s", words, ratio, max(0.0, float(error)))


@row("run_all_1e8")
def run_all(scale: Scale) -> Row:
    """Mode all; the aim is 1e7 rows a second to disk."""
    return measured("run_all_1e8", 10**6 if scale == QUICK else 10**8, "all", 1e7)


@row("dry_run_1e12")
def dry_run_row(_scale: Scale) -> Row:
    """A trillion stacks counted; nothing is computed, so there is no error."""
    found = child(spec(10**12, "all"))
    words = f"1 s; {found['stacks']:,} stacks, peak {found['peak_MiB']:.0f} MiB"
    return Row("dry_run_1e12", found["seconds"], "s", words, found["seconds"], None)
