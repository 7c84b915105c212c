"""Gates: SQL on materials before, on results after, three-valued, counted; nothing executed."""

import duckdb
import jax.numpy as jnp
import numpy as np
import pytest

from muli.screen.conditions import ConditionError, check_gate, parse
from muli.screen.engine.expression import Column, evaluate
from muli.screen.errors import SpecError
from muli.screen.ranking.rank import rank
from muli.screen.running.run import run
from muli.screen.space.cost import dry_run
from muli.screen.vocabulary import P_COLUMNS
from tests.screen.screens import read, small

A = [1.0, 2.0, 3.0, None, -1.0]
B = [True, None, False, True, None]
W = ["oxide", "halide", None, "oxide", "phosphate"]


def columns():
    shape = (len(A), 1, 1, 1)
    a = jnp.array([np.nan if v is None else v for v in A]).reshape(shape)
    b = jnp.array([bool(v) for v in B]).reshape(shape)
    known = jnp.array([v is not None for v in B]).reshape(shape)
    codes = {"oxide": 0, "halide": 1, "phosphate": 2}
    w = jnp.array([-1 if v is None else codes[v] for v in W]).reshape(shape)
    return {"a": Column(a, ~jnp.isnan(a)), "b": Column(b, known), "w": Column(w, w >= 0, codes)}


@pytest.mark.parametrize(
    "sql",
    [
        "a > 1.5", "a >= 1 AND b", "a > 2 OR b", "NOT b", "NOT (a < 2 AND NOT b)", "a IS NULL",
        "b IS NOT NULL", "a BETWEEN 1 AND 2.5", "a NOT BETWEEN 1 AND 2.5", "w = 'oxide'",
        "w <> 'oxide' OR a > 0", "w IN ('oxide', 'halide')", "w NOT IN ('oxide')",
        "w = 'no such word'", "a * 2 - 1 > abs(-3)", "-a > 0", "a / 2 > 0.75", "b = true",
        "a = 1 OR a = -1", "1 < a AND a < 3", "a IN (1, 3)",
    ],
)  # fmt: skip
def test_compiled_conditions_agree_with_duckdb(sql):
    value, known = evaluate(parse(sql), columns())
    pairs = zip(*(np.ravel(each) for each in np.broadcast_arrays(value, known)), strict=True)
    ours = [bool(v) if k else None for v, k in pairs]
    rows = ", ".join(
        f"({'NULL' if a is None else a}, {'NULL' if b is None else b}, "
        f"{'NULL' if w is None else repr(w)}, {i})"
        for i, (a, b, w) in enumerate(zip(A, B, W, strict=True))
    )
    query = f"SELECT ({sql}) FROM (VALUES {rows}) t(a, b, w, i) ORDER BY i"
    assert ours == [row[0] for row in duckdb.sql(query).fetchall()]


KINDS = {"a": "number", "b": "truth", "w": "text", "v": "text"}


@pytest.mark.parametrize(
    "sql",
    [
        "a >", "a > 1) FROM read_csv('/etc/passwd') WHERE (1=1", "a > 1), (b", "'x' < a",
        "a > (SELECT 1)", "sleep(a) > 1", "1; DROP TABLE coating", "", "NOT a", "a", "a OR b", "5",
        "true", "count(*) > 1", "w", "NOT w", "w < 'oxide'", "w BETWEEN 'a' AND 'b'", "w = v",
        "w = a", "'oxide' = 'halide'", "w IN ('oxide', 3)", "w IN (v)", "a = NULL", "abs(a, a) > 1",
        "abs(w) > 1", "w + 1 > 0", "b + 1 > 1", "b = 'yes'", "CASE WHEN b THEN b END", "b IS TRUE",
        "a IS DISTINCT FROM 1", "w LIKE 'ox%'", "round(a) > 1", "A > 1", "CAST(a AS BOOLEAN)",
        "b < w", "a % 2 = 0", "'halide' = w", "-b > 0", "abs(b) = 1", "a::INTEGER = 1",
    ],
)  # fmt: skip
def test_what_is_no_gate_is_refused(sql):
    with pytest.raises(ConditionError):
        check_gate(sql, KINDS)


PARTS = "a|b|w|1|-2.5|1e400|true|NULL|'oxide'|'none'|a + 1|abs(a)|NOT b|a IS NULL|a IN (1, 2)|- a"
PARTS += "|w IN ('oxide')|a / 0"
JOINTS = "{0} AND {1}|{0} OR {1}|{0} = {1}|{0} < {1}|{0} <> {1}|NOT ({0})|{0} IN ({1}, {0})"
JOINTS += "|{0} BETWEEN {1} AND {2}|({0}) IS NULL|({0}) * ({1})"


def test_a_gate_that_is_let_in_gives_a_verdict():
    draw, let_in = np.random.default_rng(3), 0
    for _ in range(600):
        one, two = (
            str(draw.choice(JOINTS.split("|"))).format(*draw.choice(PARTS.split("|"), 3))
            for _ in range(2)
        )
        sql = str(draw.choice(JOINTS.split("|"))).format(f"({one})", f"({two})", "1")
        try:
            tree = check_gate(sql, KINDS)
        except ConditionError:
            continue
        value, known = evaluate(tree, columns())
        let_in += 1
        assert jnp.asarray(value).dtype == bool, sql
        assert jnp.asarray(known).dtype == bool, sql
    assert let_in > 30


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"x": "NOT oxidation_margin_V"}, "NOT stands at a number"),
        ({"x": "5"}, "names no column"),
        ({"x": "count(*) > 1"}, "count(*) is not a function"),
        ({"x": "feasible; DROP TABLE x"}, "cannot be read"),
        ({f"g{i}": f"oxidation_margin_V > -{i}" for i in range(32)}, "31 are the most"),
        ({"x": "band_gap_eV"}, "a number, not a condition"),
        ({"x": "CAST(family AS INTEGER) > 1"}, "Conversion Error"),
    ],
)
def test_a_dry_run_tries_every_filter(tmp_path, filters, message):
    with pytest.raises(SpecError) as caught:
        dry_run({**small(tmp_path, "all"), "filters": filters})
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("sql", "said"),
    [("oxidation_margin_V > 0", True), ("protected OR min_thickness_nm < 9", False)],
)
def test_a_dry_run_says_when_a_filter_needs_every_thickness(tmp_path, sql, said):
    found = dry_run({**small(tmp_path, "best"), "filters": {"x": sql}})
    words = "every thickness is judged by itself: filters.x names oxidation_margin_V"
    assert (words in str(found)) == said == bool(found.visited)


def test_funnel_counts_and_nothing_vanishes(tmp_path):
    gates = {
        "not_halide": "family <> 'halide'",
        "insulating": {"sql": "sigma_ele_S_cm < 1e-10", "require": True},
        "stands_cathode": "coating_oxidation_margin_V >= -0.5",
        "thin": "asr_coating_ohm_cm2 < 10 AND cathode_state = 'charged'",
    }
    spec = {**small(tmp_path, "all"), "filters": gates}
    result = run(spec, tmp_path / "all")
    funnel = {row["name"]: row for row in result.funnel}
    assert (funnel["not_halide"]["before"], funnel["not_halide"]["removed"]) == (5, 1)
    assert (funnel["insulating"]["removed"], funnel["insulating"]["unknown"]) == (1, 1)
    assert result.stacks == 8880
    assert sum(result.counts.values()) == 8880
    rows = read(tmp_path / "all").to_pandas()
    assert set(rows.coating) == {"film A", "film D"}
    assert (rows.coating_oxidation_margin_V >= -0.5).all()
    assert (rows.asr_coating_ohm_cm2 < 10).all()
    assert set(rows.cathode_state) == {"charged"}
    gated = 8880 * 2 // 5
    left = 8880 - gated - sum(funnel[n]["removed"] for n in ("stands_cathode", "thin"))
    assert left == len(rows) == result.rows
    assert result.counts["filtered"] == 8880 - left
    best = run({**small(tmp_path, "best"), "filters": gates}, tmp_path / "best")
    assert best.counts == result.counts
    assert best.funnel == result.funnel
    assert set(read(tmp_path / "best")["row_id"].to_pylist()) <= set(rows.row_id)


@pytest.mark.parametrize(
    ("mode", "gate"),
    [
        ("best", "oxidation_limit_V > 9"),
        ("best", "coating_thickness_nm > 301"),
        ("feasible", "coating_thickness_nm > 301"),
        ("all", "coating_thickness_nm > 301"),
    ],
)
def test_gates_that_remove_everything_leave_an_empty_finished_run(tmp_path, mode, gate):
    spec = {**small(tmp_path, mode), "filters": {"none": gate}}
    result = run(spec, tmp_path / "out")
    assert result.complete
    assert result.rows == 0
    assert result.counts == {"filtered": result.stacks}


def test_unknown_columns_are_named_with_the_closest(tmp_path):
    spec = {**small(tmp_path, "all"), "filters": {"a": "oxidation_marginV > 0", "b": "a b c"}}
    with pytest.raises(SpecError) as error:
        run(spec, tmp_path / "out")
    assert "closest: oxidation_margin_V" in str(error.value)
    assert "filters.b" in str(error.value)


@pytest.mark.full
def test_a_row_that_a_gate_moves_has_resistance_and_probabilities_of_where_it_stands(tmp_path):
    """The recommended film is thinner than 20 nm, which the gate asks for."""
    axes = {
        "coating": ["LiNbO3", "Li3PO4"],
        "coating_thickness_nm": [5.0, 20.0, 50.0],
        "electrolyte": ["Li6PS5Cl"],
        "cathode": ["NMC811"],
        "cathode.area_factor": [2.0],
        "interface.coating_cathode_asr_ohm_cm2": [3.0],
    }
    spec = {"axes": axes, "filters": {"thick": "coating_thickness_nm >= 20"}}
    run({**spec, "output": {"mode": "best"}}, tmp_path / "moved", precision="float64")
    moved = rank(tmp_path / "moved", where="coating <> 'none'")
    alone = {"axes": axes | {"coating_thickness_nm": [20.0]}, "output": {"mode": "all"}}
    run(alone, tmp_path / "there", precision="float64")
    there = rank(tmp_path / "there")
    assert (moved["coating_thickness_nm"] == 20.0).all()
    assert (moved["recommended_thickness_nm"] < 20.0).all()
    assert moved["coating"].tolist() == there["coating"].tolist()
    for name in ("asr_median_ohm_cm2", *P_COLUMNS):
        assert moved[name].tolist() == pytest.approx(there[name].tolist(), rel=1e-9), name
    niobate = moved[moved["coating"] == "LiNbO3"].iloc[0]
    by_hand = (20e-7 / niobate["sigma_ion_median_S_cm"] + 3.0) / 2.0
    assert niobate["asr_median_ohm_cm2"] == pytest.approx(by_hand, rel=1e-9)
