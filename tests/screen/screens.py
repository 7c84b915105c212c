"""A small screen with every kind of row: known, unknown, unprotectable, several groups."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from muli.screen.dataset.manifest import FORMAT, MANIFEST, Manifest, Part
from muli.screen.dataset.manifest import read as read_manifest
from muli.screen.dataset.part_file import crc32_of, sha256_of

COATINGS = """name,formula,sigma_ion_S_cm,sigma_ele_S_cm,reduction_limit_V,oxidation_limit_V,source
film A,LiNbO3,1e-6,1e-12,1.74,3.88,here
film B,Li3PO4,1e-8,1e-13,0.69,4.21,here
film C,Li2ZrO3,1e-7,,0.34,3.41,here
film D,LiTaO3,2e-7,3e-12,1.18,3.95,here
film E,LiF,1e-14,1e-15,0.0,6.38,here
"""


def small(folder: Path, mode: str, **changes: Any) -> dict[str, Any]:
    """Axes of 5 coatings, 2 electrolytes, NMC811, 2 anodes, 2 boundaries, 3 x 37 thicknesses."""
    path = folder / "films.csv"
    path.write_text(COATINGS)
    spec: dict[str, Any] = {
        "screen": {"boundary": ["auto", "electrode"], "missing": "status"},
        "axes": {
            "coating": {"file": str(path)},
            "coating_thickness_nm": {"start": 1, "stop": 300, "num": 37, "spacing": "log"},
            "electrolyte": ["Li6PS5Cl", "Li3YCl6"],
            "electrolyte_thickness_um": [20, 50, 100],
            "cathode": ["NMC811"],
            "anode": ["Li", "Li-In"],
        },
        "output": {"mode": mode, "top_k": 3},
    }
    for key, value in changes.items():
        section, _, name = key.partition("__")
        spec.setdefault(section, {})[name] = value
    return spec


def read(folder: Path) -> pa.Table:
    """All parts of a run, in order."""
    return pa.concat_tables(
        pq.read_table(p).unify_dictionaries() for p in sorted(folder.glob("part-*.parquet"))
    )


def sums(path: Path) -> dict[str, Any]:
    """Bytes and SHA-256 of a file."""
    return {"bytes": path.stat().st_size, "sha256": sha256_of(path)}


def parts_of(folder: Path) -> list[Part]:
    """What a manifest says of the parts that lie in a folder."""
    return [
        Part(
            chunk=int(path.stem.removeprefix("part-")),
            rows=pq.read_metadata(path).num_rows,
            crc32=crc32_of(path),
            **sums(path),
        )
        for path in sorted(folder.glob("part-*.parquet"))
    ]


def written(folder: Path, **told: Any) -> Manifest:
    """Give parts that were written by hand the manifest of a run."""
    parts = parts_of(folder)
    plain: dict[str, Any] = {"name": "", "spec_file": "", "complete": True, "counts": {}}
    plain |= {"stacks": 0, "asked": 0, "axes": {}, "spec": {"screen": {"asr_budget_ohm_cm2": 10.0}}}
    plain |= {"identity": {"format": FORMAT}}
    rows = sum(part.rows for part in parts)
    manifest = Manifest(**{**plain, "rows": rows, "parts": parts, "chunks": len(parts), **told})
    (folder / MANIFEST).write_bytes(manifest.dumped())
    return manifest


def rewritten(folder: Path, **changes: Any) -> Manifest:
    """Change what a manifest says, as the program that wrote it might have."""
    manifest = replace(read_manifest(folder), **changes)
    (folder / MANIFEST).write_bytes(manifest.dumped())
    return manifest


def contents(folder: Path) -> dict[str, bytes]:
    """Bytes of every part."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.parquet"))}
