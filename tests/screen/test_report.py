"""The report's facts: counts, warnings, numbers and names, and a page that carries them."""

import json
import math
import re
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from muli.kernels import Constant, Layer, Limits, Stack, Window, metrics
from muli.screen.dataset.results import open_results
from muli.screen.errors import StoreError
from muli.screen.report import (
    ReportError,
    assumed,
    funnel,
    page,
    query,
    report,
)
from muli.screen.report import (
    columns as table,
)
from muli.screen.report import (
    what_if as inside,
)
from muli.screen.report.build import html
from muli.screen.running.run import run
from tests.screen.screens import rewritten

HERE = ("protects", "fails", "too resistive")
SPEC = {
    "screen": {"name": "small", "asr_budget_ohm_cm2": 8.0},
    "axes": {
        "coating": ["LiNbO3", "LATP (film)", "LiPON"],
        "coating_thickness_nm": [1.0, 5.0, 20.0, 100.0],
        "electrolyte": ["Li6PS5Cl", "Li3PS4"],
        "cathode": ["NMC811"],
        "temperature_K": [318.15],
    },
    "filters": {"cheap": "asr_coating_ohm_cm2 < 3"},
    "output": {"mode": "all"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("report") / "small"
    run(SPEC, made, precision="float64")
    return made


@pytest.fixture
def unfinished(folder, tmp_path):
    copy = tmp_path / "unfinished"
    shutil.copytree(folder, copy)
    return copy


def _change(folder, **changes):
    rewritten(folder, **changes)


def _rows(folder):
    return pd.concat(pq.read_table(part).to_pandas() for part in folder.glob("part-*.parquet"))


def _data(text):
    block = text.split('id="data">')[1].split("</script>")[0]
    return json.loads(block)


def test_the_funnel_adds_up(folder):
    results = open_results(folder)
    steps = {step.label: step for step in funnel.funnel(results)}
    rows = _rows(folder)
    assert steps["asked"].count == 48
    assert steps["cheap"].count == len(rows) < 48
    assert steps["solved"].count == (rows["status"] == "ok").sum()
    assert steps["feasible"].count == rows["feasible"].sum()
    assert steps["undecided"].count == rows["feasible"].isna().sum()
    assert steps["solved"].count + steps["missing property"].count == len(rows)


def test_an_interrupted_run_says_so_at_the_top(unfinished):
    _change(unfinished, complete=False, counts={"ok": 12})
    text = html(unfinished)
    assert text.index("not complete (12 of 48 stacks)") < text.index('<section id="funnel"')
    assert "computed so far" in text


def test_a_run_that_failed_in_part_says_so_at_the_top(unfinished):
    _change(unfinished, counts={"ok": 30, "not_converged": 6})
    text = html(unfinished)
    assert text.index("6 not_converged") < text.index('<section id="funnel"')


def test_a_finished_run_warns_of_nothing(folder):
    assert 'role="alert"' not in html(folder)


def test_the_page_holds_what_was_asked_answered_and_how_to_repeat_it(folder):
    text = html(folder)
    for part in (
        "1 to 100 nm thick",
        "for at most 8 Ω cm²",
        "first of 3 coatings",
        f"muli run SPEC.toml --out {folder} --precision float64",
        "doi:10.",
        "σₑ of the coating",
    ):
        assert part in text, part


def test_the_panel_starts_from_the_numbers_of_its_row(folder):
    """What the page computes with is what the run computed with, at both temperatures."""
    data = _data(html(folder))
    rows = _unpack(data["rows"])
    checked = 0
    for row, start in zip(rows, _unpack(data["starts"]), strict=True):
        if row["status"] != "ok":
            continue
        layers = (
            Layer(
                start["electrolyte_thickness_um"] * 1e-4,
                start["electrolyte_sigma_ion_S_cm"],
                Constant(start["electrolyte_sigma_ele_S_cm"]),
            ),
            Layer(
                start["coating_thickness_nm"] * 1e-7,
                start["coating_sigma_ion_S_cm"],
                Constant(start["coating_sigma_ele_S_cm"]),
            ),
        )
        windows = [
            Window(start[f"{role}_reduction_limit_V"], start[f"{role}_oxidation_limit_V"])
            for role in ("electrolyte", "coating")
        ]
        limits = Limits(windows[0], (windows[1],), asr_budget=start["asr_budget_ohm_cm2"])
        stack = Stack(layers, start["anode_potential_V"], start["cathode_potential_V"])
        found = metrics(stack, limits)
        assert float(found.interface_potential_V) == pytest.approx(
            row["interface_potential_V"], abs=2e-6
        )
        assert float(found.asr_coating_ohm_cm2) == pytest.approx(
            row["asr_coating_ohm_cm2"], rel=1e-5
        )
        # a cell that is protected in this state may fail in another
        assert row["verdict"] == "fails" if not found.protected else row["verdict"] in HERE
        checked += 1
    assert checked >= 4


def _unpack(columns):
    whole = {name: _listed(column) for name, column in columns.items()}
    return [dict(zip(whole, values, strict=True)) for values in zip(*whole.values(), strict=True)]


def _listed(column):
    if isinstance(column, list):
        return column
    values = column.get("words", column.get("values"))
    return [None if code < 0 else values[code] for code in column["codes"]]


def test_an_unknown_conductivity_is_said_and_starts_at_its_median(folder):
    data = _data(html(folder))
    both = zip(_unpack(data["rows"]), _unpack(data["starts"]), strict=True)
    found = [(row, start) for row, start in both if "median of its distribution" in start["notes"]]
    assert found
    for row, start in found:
        medians = [(row[f"{kind}_median_S_cm"], start[f"coating_{kind}_S_cm"])
                   for kind in ("sigma_ele", "sigma_ion")]  # fmt: skip
        assert any(value == pytest.approx(median, rel=1e-3) for median, value in medians)


def test_limiting_profiles_touch_the_electrolytes_limit(folder):
    data = query.Dataset(open_results(folder), {})
    ranked = data.select("FROM rows WHERE coating = 'LiNbO3' AND electrolyte = 'Li6PS5Cl'")
    from muli import candidates

    library = candidates.load().set_index("name")
    ranked = ranked.drop(columns=["sigma_ele_median_S_cm", "sigma_ion_median_S_cm"])
    found = inside.numbers(
        ranked,
        {"coating": library, "electrolyte": library},
        {"asr_budget_ohm_cm2": 8, "areal_capacity_mAh_cm2": 3},
    )
    nodes = inside.nodes(found)
    np.testing.assert_allclose(nodes[:, 1], found["electrolyte_oxidation_limit_V"], atol=1e-9)
    np.testing.assert_allclose(nodes[:, 2], found["cathode_potential_V"])


def test_coverage_counts_each_coating_once(folder):
    counts = query.coverage(query.Dataset(open_results(folder), {}))
    rows = _rows(folder)
    for cell in counts.itertuples():
        mine = rows[(rows["electrolyte"] == cell.electrolyte) & (rows["cathode"] == cell.cathode)]
        assert cell.coatings == mine[mine["feasible"] == True]["coating"].nunique()  # noqa: E712
        assert cell.undecided == mine[mine["feasible"].isna()]["coating"].nunique()


@pytest.mark.parametrize("thicknesses", [9, pytest.param(90, marks=pytest.mark.full)])
def test_a_page_of_many_rows_stays_small(tmp_path, thicknesses):
    spec = {
        **SPEC,
        "filters": {},
        "axes": {
            **SPEC["axes"],
            "coating": "*",
            "electrolyte": "*",
            "coating_thickness_nm": {"start": 1, "stop": 100, "num": thicknesses, "spacing": "log"},
        },
    }
    found = run(spec, tmp_path / "many")
    assert found.rows > 11_000 * thicknesses
    assert len(html(tmp_path / "many").encode()) < 5_000_000


def test_names_show_invisible_marks_and_are_cut():
    assert table.plain("Li\u202e3PO4\x00") == "Li⟨U+202E⟩3PO4⟨U+0000⟩"
    assert len(table.plain("W" * 10_000)) == table.LONGEST


def test_numbers_survive_packing():
    frame = pd.DataFrame(
        {"x": [1.5, math.nan, math.inf, -math.inf, 3.0], "w": [*list("abca"), None]}
    )
    packed = table.pack(frame)
    assert packed["x"] == [1.5, None, sys.float_info.max, -sys.float_info.max, 3]
    repeated = table.pack(pd.DataFrame({"x": [1.5, 2.0, math.nan] * 5}))["x"]
    assert repeated == {"values": [1.5, 2], "codes": [0, 1, -1] * 5}
    assert packed["w"] == {"words": ["a", "b", "c"], "codes": [0, 1, 2, 0, -1]}


def test_a_data_block_cannot_close_its_element():
    text = page.block({"name": "</script><!--", "value": math.nan})
    assert "<" not in text
    assert json.loads(text) == {"name": "</script><!--", "value": None}


def test_the_same_dataset_gives_the_same_page(folder):
    assert html(folder) == html(folder)


def test_what_cannot_be_done_says_the_way_out(folder, tmp_path):
    with pytest.raises(StoreError, match="no such folder"):
        report(tmp_path / "nowhere", tmp_path / "page.html")
    with pytest.raises(ReportError, match="cannot be written"):
        report(folder, tmp_path / "missing" / "page.html")


def test_a_missing_extra_is_named_with_its_command(folder, tmp_path, monkeypatch):
    page._bundle.cache_clear()
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(ReportError, match=r"pip install .*\[report\]'"):
        report(folder, tmp_path / "page.html")


@pytest.mark.parametrize("package", ["altair", "jinja2"])
def test_an_extra_that_is_missing_from_the_start_is_named_too(package):
    script = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from muli.screen.report import ReportError, report\n"
        "try: report('none', 'page.html')\n"
        "except ReportError as error: print(error)"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert re.match(rf"the report needs {package}: .*pip install .*\[report\]'", done.stdout)


def test_probability_is_drawn_where_it_is_known():
    from muli.screen.report import ranking_figures as pictures

    ranked = pd.DataFrame(
        {
            "coating": ["A", "B"],
            "electrolyte": ["S", "S"],
            "coating_thickness_nm": [7.0, 7.0],
            "max_thickness_nm": [9.0, 9.0],
            "p_protected": [0.25, math.nan],
            "p_feasible": [0.2, math.nan],
            **{f"min_thickness_p{p}_nm": [float(p), math.nan] for p in (5, 50, 95)},
            "sobol_total_coating_sigma_ele": [0.9, math.nan],
            "sobol_total_cathode_potential": [0.2, math.nan],
        }
    )
    picture = pictures._probability(ranked)
    (row,) = next(iter(picture.spec["datasets"].values()))
    assert row == {
        "label": "A on S, 7 nm",
        "p_protected": 0.25,
        "p_feasible": 0.2,
        "p5": 5.0,
        "p50": 50.0,
        "p95": 95.0,
        "most": 9.0,
    }
    assert "coating σₑ: 90% of the spread" in picture.caption
    assert pictures._probability(ranked.drop(columns="p_protected")) is None


def test_what_is_drawn_at_random_is_told_and_is_not_called_unknown():
    drawn = {
        "coating.sigma_ele_S_cm": {"lognormal": {"median": 1e-12, "decades": 1.0}},
        "electrolyte.oxidation_limit_V": {"uniform": [1.9, 2.1]},
    }
    screen = {"law": "constant", "missing": "status", "window_tolerance_V": 0.1}
    spec = {"axes": {}, "screen": screen, "uncertainty": {"distributions": drawn}}
    coatings = pd.DataFrame({"evidence_sigma_ele": ["none"], "evidence_sigma_ion": ["none"]}, ["A"])
    told = [(a.quantity, a.value) for a in assumed.assumptions(spec, {}, {"coating": coatings})]
    assert ("σₑ of the coating", "log-normal, median 1e-12, decades 1 S/cm") in told
    assert ("oxidation limit of the electrolyte", "even, 1.9 to 2.1 V") in told
    assert ("σᵢ of the coatings", "A") in told
    assert ("σₑ of the coatings", "A") not in told
