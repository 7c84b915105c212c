"""Rows of what a person waits for: second starts of commands, screens beyond constant laws, stacks
of several layers.

A second start is a fresh process that finds the programs of the first in its cache folder; its
ratio is to the bare import of jax, pandas, duckdb and pyarrow in the same minute.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from rows_kernels import E_A, E_C, T, branch_stack, over_numba, sample
from rows_run import child, largest_error, spec
from table import QUICK, Row, Scale, best_time, row

from muli.kernels import Branches, Layer, Stack, solve

ROOT = Path(__file__).parent.parent
IMPORTS = "import jax, pandas, duckdb, pyarrow"


class Seconds(NamedTuple):
    """Seconds of a process by the clock and of processors."""

    wall: float
    processor: float


def seconds_of(*command: str, **environment: str) -> Seconds:
    """What a process takes."""
    around = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    around.pop("JAX_COMPILATION_CACHE_DIR", None)  # JAX's own cache would take the place of ours
    start, used = time.perf_counter(), _processor_s()
    subprocess.run(command, cwd=ROOT, env=around, check=True, capture_output=True)
    return Seconds(time.perf_counter() - start, _processor_s() - used)


def _processor_s() -> float:
    """Processor time of all processes that this one has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def second_start(name: str, *words: str, error: float | None) -> Row:
    """The second start of a command; `OUT` among its words is a new folder each time."""
    with tempfile.TemporaryDirectory(prefix="muli-starts-") as folder:
        times = []
        for number in range(3):
            own = [w.replace("OUT", f"{folder}/out-{number}") for w in words]
            command = (sys.executable, "-m", "muli", *own)
            times.append(seconds_of(*command, XDG_CACHE_HOME=f"{folder}/cache"))
    return told(name, times, bare_import(), error)


def bare_import() -> Seconds:
    """The quicker of two bare imports."""
    times = [seconds_of(sys.executable, "-c", IMPORTS) for _ in range(2)]
    return Seconds(*map(min, zip(*times, strict=True)))


def told(name: str, times: Sequence[Seconds], bare: Seconds, error: float | None) -> Row:
    """The row of several starts of a command, the first of which may have compiled."""
    again = Seconds(*map(min, zip(*times[1:], strict=True)))
    words = (
        f"{IMPORTS}: {bare.wall:.3g} s; first start {times[0].wall:.3g} s; processor time "
        f"{again.processor:.3g}, {bare.processor:.3g} and {times[0].processor:.3g} s"
    )
    return Row(name, again.wall, "s", words, again.wall / bare.wall, error)


@row("second_start_run")
def second_start_run(_scale: Scale) -> Row:
    """`muli run` of the first example."""
    return second_start(
        "second_start_run", "run", "examples/first.toml", "--out", "OUT", error=None
    )


@row("second_start_cell")
def second_start_cell(_scale: Scale) -> Row:
    """`muli cell` of the first cell of the README."""
    cell = ["--coating", "LiNbO3", "--nm", "10", "--electrolyte", "Li6PS5Cl", "--um", "30"]
    return second_start("second_start_cell", "cell", *cell, "--cathode", "NMC811", error=None)


@row("second_start_design")
def second_start_design(_scale: Scale) -> Row:
    """`muli design` of two layers."""
    return second_start("second_start_design", "design", "examples/two_layers.toml", error=None)


@row("second_start_solve")
def second_start_solve(_scale: Scale) -> Row:
    """`muli solve` of one stack of branch laws under current, against its reference."""
    file = ROOT / "tests/reference/under_current_branches.json"
    stack = json.loads(file.read_text())[0]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as one:
        json.dump([stack], one)
        one.flush()
        found = second_start("second_start_solve", "solve", one.name, "--json", error=None)
        command = [sys.executable, "-m", "muli", "solve", one.name, "--json"]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    nodes = np.array(json.loads(done.stdout)[0]["nodes_V"])
    return replace(found, max_error_V=float(np.abs(nodes - stack["expected"]["nodes_V"]).max()))


def screen(name: str, given: dict, scale: Scale) -> Row:
    """A run beyond plain constant laws, its programs compiled before, against the plain one."""
    with tempfile.TemporaryDirectory(prefix="muli-starts-") as folder:
        cache = {"JAX_COMPILATION_CACHE_DIR": f"{folder}/programs"}
        cache["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
        plain = spec(10**6 if scale == QUICK else 10**8, "best")
        runs = [
            [child(each, f"{folder}/{kind}-{n}", **cache) for n in range(2)][1]
            for kind, each in (("plain", plain), ("asked", given))
        ]
        constant = given["screen"].get("law", "constant") == "constant"
        error = largest_error(f"{folder}/asked-1") if constant else None
    rates = [found["stacks"] / found["seconds"] for found in runs]
    work = [found["stacks"] / found["processor_seconds"] for found in runs]
    share = runs[1]["feasible"] / runs[1]["stacks"]
    words = (
        f"constant laws in the same run: {rates[0]:.3g} stacks/s; {runs[1]['stacks']:,} stacks, "
        f"{share:.0%} feasible; per processor second {work[1]:.3g} and {work[0]:.3g}"
    )
    return Row(name, rates[1], "stacks/s", words, rates[1] / rates[0], error)


WIDE_BUDGET = {"coating.sigma_ion_S_cm": [1e-5]}
"""With it the budget allows the thick coatings, too: a quarter of the stacks is feasible."""


@row("run_branches_1e8")
def run_branches(scale: Scale) -> Row:
    """Mode best with branch laws (1e8 stacks)."""
    given = spec(10**4 if scale == QUICK else 10**8, "best")
    given["screen"]["law"] = "branches"
    given["axes"] |= WIDE_BUDGET
    given["axes"]["electrolyte.sigma_0_S_cm"] = [1e-8]
    given["axes"]["electrolyte.sigma_p_S_cm"] = [1e-8]
    given["axes"]["electrolyte.E_p_V"] = [2.0]
    return screen("run_branches_1e8", given, scale)


@row("run_curves_1e8")
def run_curves(scale: Scale) -> Row:
    """Mode best with a curve of the electrolyte's sigma_ele (1e8 stacks)."""
    given = spec(10**4 if scale == QUICK else 10**8, "best")
    given["screen"]["law"] = "table"
    given["axes"] |= WIDE_BUDGET
    with tempfile.TemporaryDirectory(prefix="muli-curves-") as name:
        table, curve = Path(name) / "electrolyte.csv", Path(name) / "curve.csv"
        curve.write_text("E_V,log10_sigma_ele\n-1,-8\n1.5,-8\n2,-7.5\n3,-6\n5,-5\n")
        table.write_text(
            "name,formula,role,sigma_ion_S_cm,sigma_ele_curve,reduction_limit_V,oxidation_limit_V\n"
            "with curve,Li6PS5Cl,electrolyte,2e-3,curve.csv,1.71,2.01\n"
        )
        given["axes"]["electrolyte"] = {"file": str(table)}
        return screen("run_curves_1e8", given, scale)


@row("run_ageing_1e8")
def run_ageing(scale: Scale) -> Row:
    """Mode best with the columns of `[ageing]` for five times; aim: 1/1.5 of the plain rate."""
    given = spec(10**5 if scale == QUICK else 10**8, "best")
    given["ageing"] = {"times": ["1 h", "1 day", "1 month", "1 year", "10 years"]}
    return screen("run_ageing_1e8", given, scale)


@row("run_probabilities_1e8")
def run_probabilities(scale: Scale) -> Row:
    """Mode best with probabilities of two uncertain conductivities."""
    given = spec(10**5 if scale == QUICK else 10**8, "best")
    del given["axes"]["coating.sigma_ele_S_cm"]
    drawn = {"coating.sigma_ele_S_cm": {"lognormal": {"median": 1e-12, "decades": 1.0}}}
    drawn["electrolyte.sigma_ele_S_cm"] = {"loguniform": [1e-9, 1e-8]}
    given["uncertainty"] = {"draws": 64, "seed": 1, **drawn}
    return screen("run_probabilities_1e8", given, scale)


@row("three_layers_branches")
def three_layers_branches(scale: Scale) -> Row:
    """Coatings on both sides, in float32 against float64."""
    _, L = sample(scale, scale.stacks >> 6)
    anode = Layer(1e-6, 1e-6, Branches(1e-13, 1e-8, 0.3, 1e-9, 4.6))

    def node(a: jax.Array, b: jax.Array) -> jax.Array:
        layers = (anode, *branch_stack(a, b).layers)
        return solve(Stack(layers, E_A, E_C, T, electrolyte=1)).nodes[2]

    run = jax.jit(jax.vmap(node))
    few = jnp.asarray(L, jnp.float32)
    seconds = best_time(run, *few, repeats=2)
    error = float(np.max(np.abs(np.asarray(run(*few)) - np.asarray(run(*few.astype(float))))))
    return over_numba("three_layers_branches", seconds, few.shape[1], scale, error)


@row("five_layers_under_current")
def five_layers_under_current(scale: Scale) -> Row:
    """Four coatings that are pieces of one, at 1 mA/cm2, float64: the answer of two layers."""
    _, L = sample(scale, scale.stacks >> 8)
    L = jnp.asarray(L)

    def run_of(pieces: int) -> jax.Array:
        def node(a: jax.Array, b: jax.Array) -> jax.Array:
            electrolyte, coating = branch_stack(a, b / pieces).layers
            return solve(Stack((electrolyte, *[coating] * pieces), E_A, E_C, T, 1e-3)).nodes[1]

        return jax.jit(jax.vmap(node))

    run = run_of(4)
    seconds = best_time(run, *L, repeats=2)
    error = float(np.max(np.abs(np.asarray(run(*L)) - np.asarray(run_of(1)(*L)))))
    return over_numba("five_layers_under_current", seconds, L.shape[1], scale, error)
