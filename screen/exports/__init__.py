"""One row of a run in the formats of cell models: BPX, a PyBaMM dictionary, or CSV.

    export("results/first", 24, "bpx", "cell.json")
    export("results/first", 24, "pybamm", "cell.json", area_cm2=10.0)

Quantities of a format that are unknown in a row are left out and named; no value is invented.
"""

from collections.abc import Callable
from pathlib import Path

from muli.candidates.files import write_atomically
from muli.screen.errors import StoreError, UsageError
from muli.screen.exports import bpx, csv, pybamm
from muli.screen.exports.row import Row, read_row
from muli.screen.inputs import check_output

__all__ = ["FORMATS", "Row", "export", "read_row"]

FORMATS: dict[str, Callable[[Row, float], bytes]] = {
    "bpx": bpx.content,
    "pybamm": pybamm.content,
    "csv": csv.content,
}
"""Function for each format: bytes of the file from a row and the electrode's area, cm2."""

SMALLEST_CM2, LARGEST_CM2 = 1e-6, 1e8


def export(
    folder: str | Path,
    row_id: int,
    form: str,
    out: str | Path,
    *,
    area_cm2: float = 1.0,
) -> Row:
    """Write one row of a run to a new file; returns the row.

    Args:
        folder: of the run.
        row_id: as `muli rank` prints it and the Parquet column holds it.
        form: one of `FORMATS`.
        out: the file; one that exists is not overwritten.
        area_cm2: area of the electrode, cm2; resistances in ohm are for this area.

    Raises:
        UsageError: another format, an area that cannot be, a file that exists, no such row.
        StoreError: the folder is not that of a run, or the file cannot be written.
    """
    out = Path(out)
    if form not in FORMATS:
        raise UsageError(f"--format {form}: expected one of {', '.join(FORMATS)}")
    if not SMALLEST_CM2 <= area_cm2 <= LARGEST_CM2:
        raise UsageError(f"--cm2 {area_cm2:g}: expected an area in cm2, more than 0")
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise UsageError(f"--out {out}: exists already; give another name")
    check_output(out, "--out")
    row = read_row(folder, row_id)
    try:
        write_atomically(out, FORMATS[form](row, area_cm2))
    except OSError as error:
        raise StoreError(f"--out {out}: cannot be written: {error.strerror}") from None
    return row
