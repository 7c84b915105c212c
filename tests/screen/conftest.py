"""Result folders written by hand as a run writes them."""

import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.screen.screens import written

NAN = math.nan

ROW = {
    "row_id": 0,
    "coating": "A",
    "electrolyte": "SE",
    "cathode": "NMC",
    "cathode_state": "charged",
    "cathode_potential_V": 4.3,
    "anode": "Li",
    "anode_potential_V": 0.0,
    "boundary": "auto",
    "temperature_K": 298.15,
    "electrolyte_thickness_um": 30.0,
    "coating_thickness_nm": 50.0,
    "family": "oxide",
    "evidence_sigma_ele": "measured",
    "reactivity_class": "low",
    "coating_class": "stable",
    "status": "ok",
    "protected": True,
    "feasible": True,
    "interface_potential_V": 2.2,
    "oxidation_margin_V": 0.1,
    "reduction_margin_V": 0.5,
    "coating_oxidation_margin_V": 0.2,
    "coating_reduction_margin_V": 0.6,
    "min_thickness_nm": 40.0,
    "max_thickness_nm": 100.0,
    "max_thickness_set_by": "resistance",
    "max_sigma_ele_at_L_max_S_cm": 2.4e-12,
    "asr_coating_ohm_cm2": 5.0,
    "leak_current_A_cm2": 8.2e-7,
    "self_discharge_percent_per_month": 19.8,
    "max_electrolyte_thickness_um": 73.0,
    "min_electrolyte_sigma_ele_S_cm": 4e-10,
}
AXES = ("electrolyte", "cathode", "anode", "boundary", "temperature_K", "electrolyte_thickness_um")
AXES += ("coating", "cathode_state", "coating_thickness_nm")


@pytest.fixture
def folder_of(tmp_path):
    """Write rows (differences to one plain row) as a run's folder, in parts of a few rows."""

    def write(changes, name="run", rows_per_part=3, **manifest):
        folder = tmp_path / name
        folder.mkdir()
        rows = [{**ROW, "row_id": i, **change} for i, change in enumerate(changes)]
        table = pa.Table.from_pylist(rows)
        for index, column in enumerate(table.schema):
            if pa.types.is_string(column.type):
                table = table.set_column(index, column.name, table[index].dictionary_encode())
        for part, start in enumerate(range(0, len(rows), rows_per_part)):
            piece = table.slice(start, rows_per_part)
            pq.write_table(piece, folder / f"part-{part:08d}.parquet", compression="lz4")
        axes = {axis: len({row[axis] for row in rows}) for axis in AXES}
        content = {"stacks": len(rows), "counts": {"ok": len(rows)}, "axes": axes}
        written(folder, **{**content, **manifest})
        return folder

    return write
