"""A small screen with every kind of row: known, unknown, unprotectable, several groups."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

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
        "screen": {"boundary": ["auto", "electrode"]},
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


def contents(folder: Path) -> dict[str, bytes]:
    """Bytes of every part."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.parquet"))}
