"""Print the speed table: python benchmarks/throughput.py [--json] [--only NAME,NAME] [--quick].

--before FOLDER measures the same rows in another copy of the project, row by row in turn.
"""

import argparse
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

import jax  # noqa: E402

jax.config.update("jax_enable_x64", True)
if os.environ.get("JAX_PLATFORMS", "cpu") == "cpu":
    jax.config.update("jax_num_cpu_devices", len(os.sched_getaffinity(0)))

import rows_built_in  # noqa: E402, F401  (each registers its rows)
import rows_cluster  # noqa: E402, F401
import rows_design  # noqa: E402, F401
import rows_kernels  # noqa: E402, F401
import rows_rank  # noqa: E402, F401
import rows_run  # noqa: E402, F401
import rows_starts  # noqa: E402, F401
from table import FULL, QUICK, ROWS, Row, Scale, machine, print_rows  # noqa: E402


def measure(name: str, scale: Scale, before: str | None) -> Row:
    """A row, and its value in another copy of the project."""
    found = ROWS[name](scale)
    if before is None:
        return found
    command = [sys.executable, "benchmarks/throughput.py", "--json", "--only", name]
    command += ["--quick"] if scale == QUICK else []
    around = {**os.environ, "PYTHONPATH": str(Path(before).resolve())}
    done = subprocess.run(command, cwd=before, env=around, capture_output=True, text=True)
    try:
        return replace(found, before=json.loads(done.stdout)[0]["value"])
    except ValueError:  # that copy has no such row
        return found


def main() -> int:
    """Run the rows asked for and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print a JSON list")
    parser.add_argument("--only", default="", help="names of rows, comma separated")
    parser.add_argument("--quick", action="store_true", help="a tiny size, for checks")
    parser.add_argument("--before", metavar="FOLDER", help="another copy to compare with")
    options = parser.parse_args()
    names = [name for name in options.only.split(",") if name] or list(ROWS)
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        parser.error(f"no row {', '.join(unknown)}; there are {', '.join(ROWS)}")
    scale = QUICK if options.quick or os.environ.get("CI") else FULL
    print(machine(), file=sys.stderr)
    print_rows((measure(name, scale, options.before) for name in names), as_json=options.json)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
