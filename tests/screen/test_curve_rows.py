"""Rows that read E* from curves: against rows that are solved, in every mode, by any path."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from muli.kernels.solvers.curve import node_solved
from muli.screen.engine import curve_rows
from muli.screen.engine.curve_rows import CURVES, nodes_of_rows
from muli.screen.engine.stacks import LawForm, Lookup, build, spread, unravel
from muli.screen.running.run import run
from muli.screen.space import layout
from muli.screen.space.setup import set_up
from tests.quick import quick_jit
from tests.screen.screens import contents, read
from tests.screen.test_branches import branchy
from tests.screen.test_curves import FILES, HEAD, ROWS

AXES = {"temperature_K": [293.15, 303.15], "cathode.area_factor": [1.0, 3.0]}


@pytest.fixture
def always(monkeypatch):
    """Curves in every screen that can have them, and tiles of few rows."""
    monkeypatch.setattr(curve_rows, "ROWS_PER_CURVE", 1)
    monkeypatch.setattr(layout, "TILE_ROWS", 2**10)


def tabular(folder, mode="all"):
    (folder / "films.csv").write_text(HEAD + ROWS)
    for name, text in FILES.items():
        (folder / name).write_text(text)
    file = {"file": str(folder / "films.csv")}
    return {
        "screen": {"law": "table", "missing": "status", "boundary": ["electrode"]},
        "axes": {
            "coating": file,
            "coating_thickness_nm": {"start": 1, "stop": 300, "num": 40, "spacing": "log"},
            "electrolyte": file,
            "electrolyte_thickness_um": [20, 50],
            "cathode_potential_V": [3.6, 4.3],
        },
        "output": {"mode": mode, "top_k": 2},
    }


def test_few_stacks_a_curve_are_solved(tmp_path, monkeypatch):
    problem = set_up(branchy(tmp_path)).problem
    law = LawForm(problem.branches, problem.slope)
    assert curve_rows.curve_rows(problem, law) is None
    monkeypatch.setattr(curve_rows, "ROWS_PER_CURVE", 80)  # 40 thicknesses of each layer's two
    curves = curve_rows.curve_rows(problem, law)
    assert curves.lines == 3 * 2 * 2 * 2
    monkeypatch.setattr(curve_rows, "MOST_CURVES", curves.lines - 1)
    assert curve_rows.curve_rows(problem, law) is None
    monkeypatch.setattr(curve_rows, "MOST_CURVES", curves.lines)
    assert curve_rows.curve_rows(problem, law._replace(current=True)) is None


def rows_of(problem, curves, law):
    """Two programs: nodes of all rows, and the same solved one by one."""
    sizes = {**problem.space.scenarios, layout.COATING: problem.space.coatings}
    offset = np.arange(problem.space.lines, dtype=np.int32)[:, None]
    thickness = jnp.asarray(problem.numbers[layout.THICKNESS])[None, None, None]

    def batch_of(exact):
        digits = unravel(jnp.zeros(len(sizes), jnp.int32), sizes, jnp.asarray(offset))
        lookup = Lookup(exact, digits, problem.own)
        return digits, build(lookup, thickness, problem.spec.screen, law)

    @quick_jit
    def nodes(exact):
        digits, batch = batch_of(exact)
        return nodes_of_rows(curves, exact, digits, batch, thickness)

    @quick_jit
    def solved(exact):
        return spread((batch_of(exact)[1].stack,), node_solved)

    return nodes, solved


def test_nodes_are_those_of_solves_whether_or_not_curves_are_trusted(tmp_path, always):
    """Two electrodes, temperatures, area factors; branches of one, two and no flank."""
    problem = set_up(branchy(tmp_path, **AXES)).problem
    law = LawForm(problem.branches, problem.slope)
    curves = curve_rows.curve_rows(problem, law)
    assert curves.lines == 3 * 2 * 2 * 2 * 2
    exact = {key: jnp.asarray(values) for key, values in problem.tables.items()}
    table = curves.all(quick_jit(curves.trace), exact)
    shape = jax.tree.map(lambda leaf: leaf.shape, curves.shapes)
    assert jax.tree.map(np.shape, table) == shape
    nodes, solved = rows_of(problem, curves, law)
    expected = solved(exact)
    assert np.isfinite(expected.E).all()
    for trusted in (table.trusted, table.trusted & (np.arange(curves.nodes) % 64 > 0)):
        got = nodes({**exact, CURVES: replace(table, trusted=trusted)})
        error = np.abs(got.E - expected.E) / np.maximum(1.0, expected.slope)
        assert error.max() < 5e-7
        np.testing.assert_allclose(got.log_leak, expected.log_leak, atol=1e-6)
        assert (np.asarray(got.status) == np.asarray(expected.status)).all()
    none = nodes({**exact, CURVES: replace(table, trusted=np.zeros_like(table.trusted))})
    np.testing.assert_allclose(none.E, expected.E, atol=1e-12)
    np.testing.assert_allclose(none.slope, expected.slope, rtol=1e-9)


SPECS = pytest.mark.parametrize("screen", [partial(branchy, missing="status"), tabular])


@pytest.mark.full
@SPECS
def test_rows_are_those_of_solved_stacks(tmp_path, screen, monkeypatch):
    frames = []
    for rows in (1, 10**12):
        monkeypatch.setattr(curve_rows, "ROWS_PER_CURVE", rows)
        run(screen(tmp_path), tmp_path / str(rows), precision="float64")
        frames.append(read(tmp_path / str(rows)).to_pandas())
    curve, solved = frames
    assert list(curve.columns) == list(solved.columns)
    for name in curve.columns:
        if curve[name].dtype.kind == "f":
            np.testing.assert_allclose(curve[name], solved[name], rtol=1e-6, atol=5e-7)
        else:
            assert curve[name].equals(solved[name]), name


@pytest.mark.full
@SPECS
def test_rows_of_mode_best_are_those_of_mode_all(tmp_path, screen, always):
    both = {}
    for mode in ("all", "best"):
        run(screen(tmp_path, mode), tmp_path / mode)
        both[mode] = read(tmp_path / mode).to_pandas().set_index("row_id")
    best = both["best"]
    every = both["all"].loc[best.index]
    assert len(best) > 3
    for name in every.columns.intersection(best.columns):
        if every[name].dtype.kind == "f":
            np.testing.assert_array_equal(best[name].to_numpy(), every[name].to_numpy(), name)


@pytest.mark.full
@SPECS
def test_bytes_do_not_depend_on_the_batch(tmp_path, screen, always):
    for batch in (1, 4096):
        run(screen(tmp_path), tmp_path / str(batch), batch=batch)
    assert contents(tmp_path / "1") == contents(tmp_path / "4096")
