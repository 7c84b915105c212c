"""Rows of the ranking: seconds and peak memory of the top 100 of a dataset on disk.

The dataset is written to a temporary folder in the layout of a run of mode "all", by its writer
(about 2^22 rows a part, 2^18 a row group). Each ranking runs in a fresh process, so that its peak
memory is its own; seconds exclude the start of the interpreter. The error compares the margins of
the rows returned with the 100 largest that were written, or with what each row's number says it
must hold.
"""

import atexit
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from table import QUICK, Row, Scale, row

from muli.screen.dataset.manifest import FORMAT, MANIFEST, Manifest, Part
from muli.screen.dataset.parquet import Column, Writer, encode
from muli.screen.dataset.part_file import crc32_of

TOP, LINE, GROUP, PART = 100, 400, 655, 10480
"""Best rows; rows of a line; lines of a row group and of a part."""
SIZES = {"coating_thickness_nm": 200, "cathode_state": 2, "coating": 40}
SIZES |= {"electrolyte_thickness_um": 8, "boundary": 2, "cathode": 12, "electrolyte": 16}
"""Axes, fast to slow; the slowest goes as far as the rows do."""

CHILD = """
import json, sys, time
from muli.screen.ranking.rank import rank
start = time.perf_counter()
found = rank(sys.argv[1], top=100, by=sys.argv[2] or None)
seconds = time.perf_counter() - start
with open("/proc/self/status") as status:  # ru_maxrss would be that of the parent, across exec
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
columns = found[["row_id", "oxidation_margin_V"]].to_dict("list")
print(json.dumps({"seconds": seconds, "peak_MiB": peak, **columns}))
"""


@dataclass(frozen=True)
class Dataset:
    """A folder of `rows` rows and the largest margins in it."""

    folder: Path
    rows: int
    best: np.ndarray


def digits(row_id: np.ndarray) -> dict[str, np.ndarray]:
    """Position of rows on every axis."""
    found, rest = {}, row_id
    for name, size in SIZES.items():
        found[name], rest = rest % size, rest // size
    return found


def margin(at: dict[str, np.ndarray]) -> np.ndarray:
    """Oxidation margin (V) of rows; float32 as a run stores it."""
    thickness = 0.5 * 1000 ** (at["coating_thickness_nm"] / 199)
    need = 10 ** ((37 * at["coating"] % 40) / 10 - 1) * (1 + at["electrolyte_thickness_um"])
    return (2.3 + 0.01 * at["electrolyte"] - 4.2 / (1 + thickness / need)).astype(np.float32)


def columns(lines: np.ndarray) -> dict[str, Column]:
    """The columns that the order asks for, and as many that it does not, of some lines."""
    line, state = lines * LINE, np.repeat(lines, 2) * LINE + np.tile([0, LINE // 2], len(lines))
    row_id = (line[:, None] + np.arange(LINE)).reshape(-1)
    at, of_line, of_state = digits(row_id), digits(line), digits(state)
    E, L = margin(at), (0.5 * 1000 ** (at["coating_thickness_nm"] / 199)).astype(np.float32)
    needed = (L * np.exp(-E)).astype(np.float32)
    found = {"row_id": Column(row_id)}
    for name in ("coating", "cathode", "electrolyte"):
        names = tuple(f"{name} {i}" for i in range(SIZES[name]))
        found[name] = Column(of_line[name], None, LINE, names)
    states = of_state["cathode_state"]
    found["cathode_state"] = Column(states, None, LINE // 2, ("charged", "discharged"))
    found["boundary"] = Column(of_line["boundary"], None, LINE, ("auto", "electrode"))
    thickness = 10.0 * (1 + of_line["electrolyte_thickness_um"])
    found["electrolyte_thickness_um"] = Column(thickness.astype(np.float32), None, LINE)
    found["coating_thickness_nm"] = Column(L)
    coating = of_line["coating"]
    for name, code, words in (
        ("family", coating % 5, ("oxide", "phosphate", "halide", "borate", "no")),
        ("status", coating % 3 // 2, ("ok", "missing_property")),
        ("coating_class", coating % 4, ("stable", "within_tolerance", "oxidises", "reduces")),
        ("reactivity_class", coating % 2, ("low", "high")),
        ("evidence_sigma_ele", coating % 5 // 3, ("measured", "none")),
    ):
        found[name] = Column(code, None, LINE, words)
    found["protected"] = Column(E >= 0)
    found["feasible"] = Column((E >= 0) & (L <= 100))
    found["oxidation_margin_V"] = Column(E)
    names = ("interface_potential_V", "reduction_margin_V", "leak_current_A_cm2")
    names += ("asr_total_ohm_cm2", "max_sigma_ele_S_cm", "coating_oxidation_margin_V")
    found |= {name: Column((E * (i + 1)).astype(np.float32)) for i, name in enumerate(names)}
    found["min_thickness_nm"] = Column(needed)
    found["max_thickness_nm"] = Column(np.full(len(lines), 100, np.float32), None, LINE)
    found["asr_coating_ohm_cm2"] = Column(L / np.float32(10))
    found["max_sigma_ele_at_L_max_S_cm"] = Column(needed * np.float32(1e-13))
    return found


def schema(of: dict[str, Column]) -> pa.Schema:
    """What a run says of such columns."""
    word = pa.dictionary(pa.int8(), pa.string())
    kinds = {
        name: word if c.words else pa.from_numpy_dtype(c.values.dtype) for name, c in of.items()
    }
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in kinds.items()])


@cache
def dataset(rows: int) -> Dataset:
    """Write the dataset; it is removed when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="muli-rank-rows-"))
    atexit.register(shutil.rmtree, folder)
    best = np.empty(0, np.float32)
    for index, start in enumerate(range(0, rows // LINE, PART)):
        with (folder / f"part-{index:08d}.parquet").open("wb") as file:
            writer = None
            for first in range(start, min(start + PART, rows // LINE), GROUP):
                group = columns(np.arange(first, min(first + GROUP, rows // LINE)))
                fields = schema(group)
                writer = writer or Writer(file.write, fields)
                writer.write([*map(encode, fields, group.values())])
                own = group["oxidation_margin_V"].values
                best = np.sort(np.concatenate([best, own]))[-TOP:]
            writer.close()
    scenarios = {"boundary": ["auto", "electrode"], "cathode_state": ["charged", "discharged"]}
    scenarios["electrolyte_thickness_um"] = [10.0 * (1 + i) for i in range(8)]
    parts = [
        Part(int(path.stem[5:]), PART * LINE, path.stat().st_size, "", crc32_of(path))
        for path in sorted(folder.glob("part-*.parquet"))
    ]
    told = Manifest("", "", True, rows, {}, rows, SIZES, {}, {"format": FORMAT}, parts=parts)
    (folder / MANIFEST).write_bytes(replace(told, scenarios=scenarios, rows=rows).dumped())
    return Dataset(folder, rows, best[::-1])


def ranked(scale: Scale, by: str) -> tuple[Dataset, dict]:
    """The child's answer."""
    data = dataset(1_000_000 if scale == QUICK else 100_000_000)
    command = [sys.executable, "-c", CHILD, str(data.folder), by]
    root = Path(__file__).parent.parent
    found = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    return data, json.loads(found.stdout)


def summed_up(name: str, data: Dataset, found: dict, error: float) -> Row:
    """Seconds against the target of one second for 1e8 rows; peak memory in the words."""
    words = f"1 s for 1e8 rows; {data.rows:,} rows, peak {found['peak_MiB']:.0f} MiB"
    return Row(name, found["seconds"], "s", words, found["seconds"], error)


@row("rank_top100_1e8")
def rank_top100(scale: Scale) -> Row:
    """The default order: one row per coating and scenario, at the default scenario."""
    data, found = ranked(scale, "")
    expected = margin(digits(np.array(found["row_id"])))
    error = float(np.abs(expected - np.array(found["oxidation_margin_V"])).max())
    return summed_up("rank_top100_1e8", data, found, error)


@row("rank_by_top100_1e8")
def rank_by_top100(scale: Scale) -> Row:
    """All rows by one column."""
    data, found = ranked(scale, "oxidation_margin_V")
    error = float(np.abs(data.best - np.array(found["oxidation_margin_V"])).max())
    return summed_up("rank_by_top100_1e8", data, found, error)
