"""One row of a run by its `row_id`, with its description in words."""

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as dataset

from muli.screen.dataset.manifest import Manifest
from muli.screen.dataset.results import Results, open_results
from muli.screen.errors import StoreError, UsageError

LARGEST_ID = 2**63 - 1


@dataclass(frozen=True)
class Row:
    """A row of a run.

    values: of every column in order, as `muli rank` prints them; None if unknown. manifest, folder:
    of the run. warnings: about the folder.
    """

    values: dict[str, Any]
    manifest: Manifest
    folder: Path
    warnings: tuple[str, ...] = ()

    def number(self, column: str) -> float | None:
        """The value of a column if it is a finite number, else None."""
        value = self.values.get(column)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return float(value) if is_number and math.isfinite(value) else None  # type: ignore[arg-type]

    @property
    def numbers(self) -> dict[str, float]:
        """Every finite number about the stack, by column."""
        names = (name for name in self.values if name != "row_id" and not name.startswith("group_"))
        return {name: value for name in names if (value := self.number(name)) is not None}

    @property
    def unknown(self) -> list[str]:
        """Columns about the stack without a value, or with an infinite one."""
        types = (bool, str)
        return [
            name
            for name, value in self.values.items()
            if self.number(name) is None and not isinstance(value, types)
        ]

    @property
    def title(self) -> str:
        """The stack in a few words: electrolyte, coating, electrodes."""
        value, parts = self.values, []
        for role, thickness, unit in (
            ("electrolyte", "electrolyte_thickness_um", "um"),
            *((name, f"{name}_thickness_nm", "nm") for name in self._coatings),
        ):
            size = self.number(thickness)
            length = "" if size is None else f" {size:g} {unit}"
            parts.append(f"{value.get(role) or role}{length}")
        parts.insert(0, self._electrode("anode"))
        parts.append(f"{self._electrode('cathode')} {value.get('cathode_state') or ''}".strip())
        return " | ".join(parts)

    @property
    def _coatings(self) -> list[str]:
        """Columns of the layers of the coating."""
        layers = [name for name in self.values if re.fullmatch("coating_[0-9]+", name)]
        return layers or ["coating"]

    def _electrode(self, role: str) -> str:
        """Name of the electrode, or its potential if it has no name."""
        name, volts = self.values.get(role), self.number(f"{role}_potential_V")
        return str(name or (role if volts is None else f"{role} {volts:g} V"))

    @property
    def described(self) -> str:
        """The origin of the row, and its texts and verdicts."""
        texts = {
            name: {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
            for name, value in self.values.items()
            if isinstance(value, str | bool) and value != ""
        }
        version = self.manifest.versions.get("muli", "")
        head = f"Row {self.values['row_id']} of the run {self.folder.name}, muli {version}".strip()
        return f"{head}. " + "; ".join(f"{name}: {value}" for name, value in texts.items()) + "."


def read_row(folder: str | Path, row_id: int) -> Row:
    """The row of a run with this `row_id`.

    Raises `UsageError` if there is none, `StoreError` if the folder is not that of a run.
    """
    results = open_results(folder)
    table = _rows(results, row_id) if 0 <= row_id <= LARGEST_ID else None
    if table is None or table.num_rows == 0:
        raise UsageError(
            f"--row-id {row_id}: {results.folders[0]} holds no such row among its "
            f"{results.rows:,} rows; `muli rank {results.folders[0]} --json` prints row ids"
        )
    values = {field.name: _value(table[field.name]) for field in table.schema}
    return Row(values, results.manifests[0], results.folders[0], tuple(results.warnings))


def _rows(results: Results, row_id: int) -> pa.Table:
    """Rows with this id; parts and row groups with other ids are not read."""
    source = dataset.dataset(list(results.parts), format="parquet")
    try:
        return source.to_table(filter=dataset.field("row_id") == row_id)
    except (pa.ArrowException, OSError) as error:
        first = str(error).splitlines()[0]
        raise StoreError(f"{results.folders[0]}: parts cannot be read: {first}") from None


def _value(column: pa.ChunkedArray) -> Any:
    """The only value of a column; of single precision its shortest decimal, NaN as None."""
    value = column[0].as_py()
    if isinstance(value, float):
        if value != value:
            return None
        return float(str(np.float32(value))) if column.type == pa.float32() else value
    return value
