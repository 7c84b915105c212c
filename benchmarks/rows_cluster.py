"""Rows of runs on Dask workers beside the local run, and a scaling model fitted to them.

`python benchmarks/rows_cluster.py [--quick]` prints the measurements, the fitted costs and what
they predict for clusters. Runs of two sizes tell the rate (their difference) from what every run
costs once (start of workers, compiling). The check beside every time: equal checksums of all parts.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from rows_run import spec
from table import FULL, QUICK, Row, Scale, row

from muli.screen.dataset.store import Store
from muli.screen.space.layout import CHUNK_ROWS

CHILD = """
import json, resource, sys
from contextlib import nullcontext
from muli.screen.running.begin import begun
if __name__ == "__main__":  # in the order of `muli run`
    given, out, where = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3]
    with begun(where, "auto") if where else nullcontext() as workers:
        from muli.screen.running.run import run
        found = run(given, out, dask=workers)
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    processor = sum(each.ru_utime + each.ru_stime for each in used)
    print(json.dumps({"processor": processor, "stacks": found.stacks}))
"""


@dataclass(frozen=True)
class Line:
    """Seconds of a run of n stacks: once + n / rate, from the start of the process to its end.

    work: processor seconds per 1e9 stacks. whole: seconds of the larger run.
    """

    once: float
    rate: float
    work: float
    whole: float


@dataclass(frozen=True)
class Costs:
    """What the model is made of. rate: stacks/s of one worker; the rest in seconds."""

    rate: float
    once: float
    per_task: float
    per_part: float

    def seconds(self, stacks: float, workers: int, chunks_per_task: int = 64) -> dict[str, float]:
        """The three things that can be slowest, and the whole: once + the slowest."""
        parts = stacks / CHUNK_ROWS
        found = {
            "computing": stacks / (self.rate * workers),
            "dispatching": self.per_task * parts / chunks_per_task,
            "publishing": self.per_part * parts,
        }
        return {**found, "whole": self.once + max(found.values())}


def measured(stacks: int, where: str) -> tuple[dict[str, float], list[str]]:
    """Times, stacks and checksums of one run in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="muli-cluster-rows-") as folder:
        script = Path(folder) / "child.py"
        script.write_text(CHILD)
        out = str(Path(folder) / "out")
        command = [sys.executable, str(script), json.dumps(spec(stacks, "best")), out, where]
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found = {"seconds": time.perf_counter() - start, **json.loads(done.stdout)}
        parts = json.loads((Path(out) / "manifest.json").read_text())["parts"]
    return found, [part["sha256"] for part in parts]


def fit(scale: Scale, where: str) -> tuple[Line, list[str]]:
    """The line through runs of two sizes, and the checksums of the larger."""
    small, large = (2 * 10**7, 2 * 10**8) if scale == QUICK else (10**8, 10**9)
    (one, _), (two, sums) = measured(small, where), measured(large, where)
    more = {key: two[key] - one[key] for key in one}
    rate = more["stacks"] / max(more["seconds"], 1e-9)
    once = one["seconds"] - one["stacks"] / rate
    return Line(once, rate, 1e9 * more["processor"] / more["stacks"], two["seconds"]), sums


def per_task(tasks: int) -> float:
    """Seconds of an empty task through scheduler, worker and the run's own counting."""
    from distributed import Client

    from muli.screen.running.clusters import local_cluster

    with local_cluster(1, []) as cluster, Client(cluster, set_as_default=False) as client:
        client.submit(int, 0, pure=False).result()
        start = time.perf_counter()
        for _ in range(tasks // 8):
            client.gather([client.submit(int, 0, pure=False) for _ in range(8)])
        return (time.perf_counter() - start) / tasks


def per_part(parts: int) -> float:
    """Seconds to publish a part: rename, flush, journal, in tasks of 64 parts."""
    schema = pa.schema([("a", pa.int32())])
    with tempfile.TemporaryDirectory(prefix="muli-parts-") as folder, Store(folder).locked() as s:
        drafts = []
        for chunk in range(parts):
            with s.draft(chunk, schema) as writer:
                pass
            drafts.append({"chunk": chunk, "draft": writer.path.name, "sha256": "0" * 64})
        start = time.perf_counter()
        for first in range(0, parts, 64):
            s.publish(drafts[first : first + 64])
        return (time.perf_counter() - start) / parts


def compared(scale: Scale, where: str) -> Row:
    """Rate with workers against the rate of the run in one process."""
    (here, sums), (there, others) = fit(scale, ""), fit(scale, where)
    words = (
        f"{here.rate / 1e6:.1f} M/s in one process; parts {'equal' if sums == others else 'DIFFER'}"
    )
    ratio = there.rate / here.rate
    return Row(
        f"cluster_{where.replace(':', '_')}", there.rate / 1e6, "M stacks/s", words, ratio, None
    )


@row("cluster_local_1")
def one_worker(scale: Scale) -> Row:
    """One worker process with all cores; the aim is a ratio of 0.95."""
    return compared(scale, "local:1")


@row("cluster_local_2")
def two_workers(scale: Scale) -> Row:
    """Two worker processes sharing the cores; the aim is a ratio of 0.9."""
    return compared(scale, "local:2")


def main() -> None:
    """Measure, fit and predict."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller runs")
    scale = QUICK if parser.parse_args().quick else FULL
    lines, sums = {}, {}
    for where in ("", "local:1", "local:2"):
        lines[where], sums[where] = fit(scale, where)
        same = "equal" if sums[where] == sums[""] else "DIFFER"
        line, ratio = lines[where], lines[where].rate / lines[""].rate
        share = 100 * line.whole / lines[""].whole
        print(
            f"{where or 'one process':12} once {line.once:6.1f} s   {line.rate / 1e6:7.1f} M/s   "
            f"{100 * ratio:5.1f} %   {line.work:6.1f} processor s per 1e9   "
            f"whole {line.whole:6.1f} s, {share:5.1f} %   parts {same}",
            flush=True,
        )
    worker = lines["local:2"]
    costs = Costs(worker.rate / 2, worker.once, per_task(800), per_part(640))
    print(f"a task {1e3 * costs.per_task:.2f} ms, a part {1e3 * costs.per_part:.3f} ms")
    for stacks in (1e9, 1e12, 1e13):
        for workers in (2,) if stacks == 1e9 else (100, 1000):
            found = costs.seconds(stacks, workers)
            told = "  ".join(f"{name} {value:10.1f} s" for name, value in found.items())
            print(f"{stacks:.0e} stacks on {workers:4} workers: {told}")


if __name__ == "__main__":
    main()
