"""Growth against published cells: what the model hits and misses, beside the guess."""

import math

import pytest
from typer.testing import CliRunner

from muli.screen.backtest.growth import growth_rows, summary
from muli.screen.cli.app import app


@pytest.fixture(scope="module")
def rows():
    return growth_rows()


def find(rows, series, quantity=""):
    return next(row for row in rows if row["series"] == series and quantity in row["quantity"])


def test_what_holds(rows):
    """Root of time, transfer between sulfides of one kind, potential steps, and the threshold."""
    assert find(rows, "Li | Li6PS5Cl")["predicted"] == pytest.approx(math.sqrt(168 / 400), rel=1e-3)
    for series in ("Li | Li6PS5Cl", "Li | Li7P3S11", "Li | Li6.4La3Zr1.4Ta0.6O12"):
        assert find(rows, series)["hit"]
    steps = [row for row in rows if row["source"] == "Wei2023" and " V over " in row["quantity"]]
    assert len(steps) == 3
    assert all(row["hit"] for row in steps)
    assert max(abs(math.log(row["predicted"] / row["measured"])) for row in steps) < math.log(2)
    zero = find(rows, "NMC85 | Li3InCl6", "4.1 V")
    assert (zero["predicted"], zero["measured"], zero["hit"]) == (0.0, 0.0, True)


def test_misses_have_their_reason(rows):
    for series in ("Li | Li6PS5I", "Li | Li10GeP2S12"):
        row = find(rows, series)
        assert not row["hit"]
        assert row["reason"]
    bare = [row for row in rows if row["quantity"].startswith("bare over coated")]
    assert all(row["reason"] for row in bare if not row["hit"])


def test_the_guess_stands_beside_and_has_no_direction(rows):
    for row in rows:
        assert row["guess"] == 1.0
        within = row["measured"] > 0 and abs(math.log(row["measured"])) <= math.log(3)
        assert row["guess_hit"] == within
        assert row["trust"]
        assert row["source"]
    found = summary(rows)
    assert found["rows"] == len(rows) > 40
    assert found["hits"] >= 20


def test_other_sources_do_not_see_their_own(rows):
    """The mean of the other sources differs from source to source, not inside one."""
    means = {}
    for row in rows:
        if row["quantity"] == "bare over coated: mean of the other sources":
            means.setdefault(row["source"], set()).add(round(row["predicted"], 9))
    assert all(len(values) == 1 for values in means.values())
    assert len({next(iter(values)) for values in means.values()}) == len(means)


def test_the_command():
    found = CliRunner().invoke(app, ["backtest"])
    assert found.exit_code == 0
    assert "miss" in found.stdout
    assert 'the guess "no difference"' in " ".join(found.stdout.split())
