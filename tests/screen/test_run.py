"""A screen from spec to folder: every stack has one row and one status, best is a subset of all."""

import json

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from muli.kernels import Constant, Layer, Limits, Stack, Window, metrics
from muli.screen.errors import SpecError
from muli.screen.running.run import run
from muli.screen.space import layout as space
from muli.screen.space.setup import set_up
from tests.screen.screens import contents, read, small


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    folder = tmp_path_factory.mktemp("all")
    spec = small(folder, "all")
    return run(spec, folder / "out", precision="float64"), read(folder / "out"), folder


@pytest.fixture(scope="module")
def best(everything):
    folder = everything[2]
    return run(small(folder, "best"), folder / "best", precision="float64"), read(folder / "best")


def test_every_stack_has_one_row_and_one_status(everything):
    result, rows, folder = everything
    assert result.stacks == 5 * 37 * 2 * 3 * 2 * 2 * 2 == rows.num_rows
    assert rows["row_id"].to_pylist() == list(range(result.stacks))
    assert sum(result.counts.values()) == result.stacks
    counted = {v["values"].as_py(): v["counts"].as_py() for v in rows["status"].value_counts()}
    assert counted == result.counts
    manifest = json.loads((folder / "out" / "manifest.json").read_text())
    assert manifest["complete"]
    assert manifest["counts"] == result.counts
    assert manifest["stacks"] == result.stacks


def test_every_column_answers_a_condition(best, everything):
    for rows, folder in ((best[1], "best"), (everything[1], "out")):
        part = everything[2] / folder / "part-*.parquet"
        for name in rows.column_names:
            known = duckdb.sql(f"""SELECT max("{name}") FROM '{part}'""").fetchall()[0][0]
            found = duckdb.execute(f"""SELECT count(*) FROM '{part}' WHERE "{name}" = ?""", [known])
            expected = sum(value == known for value in rows[name].to_pylist())
            assert found.fetchall() == [(expected if known is not None else 0,)], name


def test_rows_are_what_the_kernels_say_of_that_stack(everything):
    rows = everything[1].to_pandas()
    known = rows[(rows.status == "ok") & (rows.boundary == "electrode")]
    for _, row in known.iloc[:: len(known) // 40].iterrows():
        electrolyte, coating = (
            Layer(thickness, row[f"{role}_sigma_ion_S_cm"], Constant(row[f"{role}_sigma_ele_S_cm"]))
            for role, thickness in (
                ("electrolyte", row.electrolyte_thickness_um * 1e-4),
                ("coating", row.coating_thickness_nm * 1e-7),
            )
        )
        stack = Stack((electrolyte, coating), row.anode_potential_V, row.cathode_potential_V)
        E = row.interface_potential_V
        window = Window(E - row.reduction_margin_V, E + row.oxidation_margin_V)
        own = Window(E - row.coating_reduction_margin_V, 9.0)
        expected = metrics(stack, Limits(window, (own,)))
        for name in ("interface_potential_V", "min_thickness_nm", "max_thickness_nm",
                     "max_sigma_ele_S_cm", "leak_current_A_cm2", "asr_total_ohm_cm2",
                     "self_discharge_percent_per_month", "transport_ratio"):  # fmt: skip
            np.testing.assert_allclose(row[name], float(getattr(expected, name)), rtol=1e-7)
        assert row.protected == bool(expected.protected)


def test_unknown_is_null_and_what_does_not_need_it_is_there(everything):
    rows = everything[1].to_pandas()
    unknown = rows[rows.coating == "film C"]
    assert set(unknown.status) == {"missing_property"}
    for name in ("interface_potential_V", "leak_current_A_cm2"):
        assert unknown[name].isna().all()
    free = unknown.min_thickness_nm == 0  # the cathode does not reach the oxidation limit
    assert unknown.min_thickness_nm[~free].isna().all()
    assert unknown.oxidation_protected[free].all()
    assert unknown.oxidation_protected[~free].isna().all()
    for _, same in unknown.groupby("electrolyte"):
        E, reached = same.cathode_potential_V, ~free[same.index]
        assert not E[~reached].max() >= E[reached].min()
    assert unknown.protected.isna().all()
    for name in ("max_sigma_ele_S_cm", "max_sigma_ele_at_L_max_S_cm", "asr_coating_ohm_cm2",
                 "max_sigma_ele_ratio", "max_thickness_nm"):  # fmt: skip
        assert unknown[name].notna().all()
    numbers = rows[rows.status == "ok"].select_dtypes("number")
    assert (
        numbers.drop(columns=[c for c in numbers if c.startswith("reaction")])
        .notna()
        .all(axis=None)
    )


def test_feasible_means_both_states_of_the_cathode(everything):
    rows = everything[1].to_pandas()
    one = rows[(rows.coating == "film A") & (rows.boundary == "auto") & (rows.anode == "Li")]
    keys = ["electrolyte", "electrolyte_thickness_um", "coating_thickness_nm"]
    both = one.pivot_table(index=keys, columns="cathode_state", values=["feasible", "protected"],
                           aggfunc="first", observed=True)  # fmt: skip
    assert (both["feasible", "charged"] == both["feasible", "discharged"]).all()
    feasible = both[both["feasible", "charged"].astype(bool)]
    assert len(feasible)
    assert feasible["protected"].all(axis=None)


def test_best_is_a_subset_of_all_bit_by_bit(everything, best):
    _, rows, _ = everything
    result, chosen = best
    assert sum(result.counts.values()) == result.stacks == rows.num_rows
    same = rows.take(pa.array(chosen["row_id"]))
    for name in same.column_names:
        ours, theirs = (t[name].combine_chunks() for t in (chosen, same))
        if pa.types.is_dictionary(ours.type):
            ours, theirs = ours.cast(pa.string()), theirs.cast(pa.string())
        assert ours.equals(theirs), name


def test_best_thickness_is_the_smallest_feasible_and_the_order_is_kept(everything, best):
    rows, chosen = everything[1].to_pandas(), best[1].to_pandas()
    keys = ["electrolyte", "electrolyte_thickness_um", "anode", "boundary", "cathode_state"]
    assert (chosen.groupby(keys, observed=True).size() == 3).all()
    every = rows[rows.feasible.fillna(False).astype(bool)]
    smallest = every.groupby([*keys, "coating"], observed=True).coating_thickness_nm.min()
    won = chosen[chosen.feasible.fillna(False).astype(bool)]
    assert len(won)
    for _, row in won.iterrows():
        assert row.coating_thickness_nm == smallest[(*row[keys], row.coating)]
    for _, group in chosen.groupby(keys, observed=True):
        ranks = group.sort_values("group_rank")
        protected = ranks.protected.map({True: 0, None: 1, False: 2})
        status = ranks.status.map({"ok": 0, "missing_property": 1, "unprotectable": 2})
        assert (status * 3 + protected).is_monotonic_increasing
    counts = chosen.groupby(keys, observed=True)[["group_stacks", "group_ok"]].first()
    assert (counts.group_stacks == 5 * 37).all()


def test_groups_are_split_further_where_asked(everything, best):
    folder = everything[2]
    run(small(folder, "best", output__top_k=1, output__per=["family"]), folder / "per",
        precision="float64")  # fmt: skip
    rows, chosen = (t.to_pandas() for t in (read(folder / "per"), best[1]))
    keys = ["electrolyte", "electrolyte_thickness_um", "anode", "boundary", "cathode_state"]
    counts = rows.groupby([*keys, "family"], observed=True).size()
    assert (counts == 1).all()
    assert len(counts) == len(rows) > counts.groupby(keys, observed=True).ngroups
    firsts = chosen[chosen.group_rank == 1]
    assert set(firsts.row_id) <= set(rows.row_id)
    with pytest.raises(SpecError, match=r"output\.per: no column 'famly'; closest: family"):
        set_up(small(folder, "best", output__per=["famly"]))


def test_parts_tell_units_and_hashes(everything):
    path = next((everything[2] / "out").glob("*.parquet"))
    schema = pq.read_schema(path)
    assert schema.field("min_thickness_nm").metadata[b"unit"] == b"nm"
    assert schema.field("leak_current_A_cm2").metadata[b"unit"] == b"A/cm2"
    assert {b"muli.spec_hash", b"muli.data_hash", b"muli.physics_version"} <= set(schema.metadata)


def test_same_bytes_for_any_batch_and_for_a_second_run(tmp_path, monkeypatch):
    monkeypatch.setattr(space, "CHUNK_ROWS", 4096)
    monkeypatch.setattr(space, "TILE_ROWS", 1024)
    runs = []
    for name, options in {"a": {}, "b": {"batch": 3000}, "c": {"max_memory": 250_000}}.items():
        result = run(small(tmp_path, "all"), tmp_path / name, **options)
        assert result.chunks > 2
        runs.append(contents(tmp_path / name))
    assert runs[0] == runs[1] == runs[2]


def test_a_screen_without_thicknesses_answers_by_the_inverse(tmp_path):
    spec = small(tmp_path, "all")
    del spec["axes"]["coating_thickness_nm"]
    result = run(spec, tmp_path / "out")
    rows = read(tmp_path / "out").to_pandas()
    assert result.stacks == len(rows) == 5 * 2 * 3 * 2 * 2 * 2
    known = rows[rows.coating == "film A"]
    assert set(known.status) == {"ok"}
    assert known.min_thickness_nm.notna().all()
    assert known.interface_potential_V.isna().all()
    assert known.feasible.notna().all()
    assert pc.sum(pa.array(known.feasible.astype(bool))).as_py() > 0


def test_conductivities_far_from_their_temperature(tmp_path):
    """Unknown activation energies: sigma_ion is unknown beyond 30 K, sigma_ele held and flagged."""
    spec = small(tmp_path, "all", axes__temperature_K=[298.15, 320.0, 340.0])
    result = run(spec, tmp_path / "out")
    rows = read(tmp_path / "out").to_pandas()
    assert sum(result.counts.values()) == len(rows)
    film = rows[(rows.coating == "film A") & (rows.electrolyte == "Li6PS5Cl")]
    by_T = dict(tuple(film.groupby(film.temperature_K.round())))
    assert set(by_T[298.0].status) == set(by_T[320.0].status) == {"ok"}
    assert set(by_T[340.0].status) == {"missing_property"}
    assert by_T[340.0].coating_sigma_ion_S_cm.isna().all()
    assert by_T[340.0].interface_potential_V.isna().all()
    assert (by_T[320.0].coating_sigma_ion_S_cm == np.float32(1e-6)).all()
    assert (by_T[340.0].coating_sigma_ele_S_cm == np.float32(1e-12)).all()
    assert set(by_T[298.0].sigma_ele_held_constant) == {"no"}
    assert set(by_T[320.0].sigma_ele_held_constant) <= {"coating", "both"}


def test_windows_of_two_sources_in_one_stack_are_flagged(everything):
    rows = everything[1].to_pandas()
    known = rows.dropna(subset=["window_source", "electrolyte_window_source"])
    differ = known.window_source.astype(str) != known.electrolyte_window_source.astype(str)
    assert len(known)
    assert (known.window_sources_mixed.astype(str) == differ.map({True: "yes", False: "no"})).all()


def test_status_ok_implies_that_all_inputs_are_known(everything):
    rows = everything[1].to_pandas()
    known = rows[rows.status == "ok"]
    names = [f"{r}_sigma_{k}_S_cm" for r in ("coating", "electrolyte") for k in ("ion", "ele")]
    assert len(known)
    assert known[[*names, "cathode_potential_V", "anode_potential_V"]].notna().all(axis=None)
    unknown = rows[rows[names].isna().any(axis=1)]
    assert len(unknown)
    assert not (unknown.status == "ok").any()


def test_resistances_are_thickness_over_conductivity(everything):
    r = everything[1].to_pandas()
    coating = r.coating_thickness_nm.astype(float) * 1e-7 / r.coating_sigma_ion_S_cm
    electrolyte = r.electrolyte_thickness_um.astype(float) * 1e-4 / r.electrolyte_sigma_ion_S_cm
    np.testing.assert_allclose(r.asr_coating_ohm_cm2, coating, rtol=2e-6)
    np.testing.assert_allclose(r.asr_total_ohm_cm2, coating + electrolyte, rtol=2e-6)
