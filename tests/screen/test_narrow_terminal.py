"""Tables and sentences in a terminal of 80 columns, and what is cut where there is much."""

from dataclasses import replace

import pandas as pd
import pytest

from muli.screen.cli import app, backtest
from muli.screen.ranking.rank import Ranking
from muli.screen.space.cost import dry_run
from muli.screen.views import table
from muli.screen.views.next import render_next
from muli.screen.views.works import render_works
from tests.screen.test_cli import muli

ROW = {
    "rank": 1,
    "tied": False,
    "coating": "0.3LiBO2-0.7Li2SO4 (film) of a long name",
    "electrolyte": "Li5.55PS4.55Cl1.45",
    "electrolyte_thickness_um": 30.0,
    "cathode": "LiNi0.5Mn1.5O4",
    "cathode_potential_V": 4.86,
    "cathode_state": "charged",
    "anode": "Li",
    "anode_potential_V": 0.0,
    "anode_boundary": "interphase",
    "boundary": "auto",
    "interface_potential_V": 1.9,
    "reduction_margin_V": 0.2,
    **dict.fromkeys(("p_works", "p_chemistry", "p_transport"), 0.9995),
    **dict.fromkeys(("p_protects", "p_affordable", "p_stable", "p_inert"), 0.0005),
    "coating_thickness_nm": 2.5,
    "thin": True,
    "thickness_low_nm": 2.5,
    "thickness_high_nm": 4.62,
    "asr_median_ohm_cm2": 58760.0,
    "sources_in_cells": 7,
}


@pytest.mark.parametrize(("width", "all_columns"), [(80, False), (120, True)])
def test_the_notes_explain_the_columns_that_are_shown(width, all_columns):
    found = Ranking(pd.DataFrame([ROW, {**ROW, "rank": 2}]), "p_works", None)
    text = render_works(found, width=width)
    assert max(map(len, text.splitlines())) <= width
    for name in ("band nm", "log s_ele", "band: within", "need: what"):
        assert (name in " ".join(text.split())) == all_columns, name


def test_groups_of_one_cell_name_it_above():
    rows = pd.DataFrame([{**ROW, "coating_sigma_ele_S_cm": s} for s in (1e-12, 1e-10)])
    found = Ranking(rows, "p_works", None, per=("coating_sigma_ele_S_cm",))
    found = replace(found, scenario={"cathode_state": "charged", "temperature_K": 298.15})
    text = render_works(found, width=80)
    assert text.startswith("Li5.55PS4.55Cl1.45 30 um | LiNi0.5Mn1.5O4 4.86 V")
    assert "Compared at temperature_K 298.15;" in text  # p_works holds in every state of charge


def test_what_to_measure_fits():
    gain = {"material": ROW["coating"], "property": "reduction_limit_V", "value_to_beat": 1.2e-13}
    gain |= dict.fromkeys(("gain_p_works", "gain_of_another_coating", "p_change_of_choice"), 0.123)
    text = render_next(pd.DataFrame([gain]), 1, 80)
    assert max(map(len, text.splitlines())) <= 80
    assert "reduction_limit_V" in text


def test_lines_of_the_backtest_are_continued_inside(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    backtest._line("  miss  0.146  measured  0  " + "growth at 4.1 V over that at 4.3 V " * 5)
    first, *rest = capsys.readouterr().out.splitlines()
    assert len(first) <= 80
    assert rest
    assert all(line.startswith(" " * 7) for line in rest)


def test_a_long_front_is_cut_and_says_so(folder_of):
    rows = [{"coating": f"c{i}"} for i in range(table.MAX_FRONT + 3)]
    folder = folder_of(rows)
    _, out, _ = muli("rank", folder, "--pareto", "asr_coating_ohm_cm2,min_thickness_nm")
    assert "... and 3 more rows: narrow with --where, or --csv for all" in out


def test_a_small_dry_run_tells_small_numbers():
    axes = {"coating": ["LiNbO3"], "electrolyte": ["Li6PS5Cl"], "cathode": ["NMC811"]}
    text = str(dry_run({"axes": axes}))
    assert "about 320 B in 1 part\n" in text
    assert "less than a second on two CPU cores" in text


def test_every_command_has_a_line_that_is_not_cut(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.argv", ["muli", "--help"])
    with pytest.raises(SystemExit):
        app.main()
    assert "..." not in capsys.readouterr().out.partition("Commands:")[2]
