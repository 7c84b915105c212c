"""Pictures of rankings and profiles draw what the rows say; files repeat themselves."""

import math
from pathlib import Path

import pytest
from typer.testing import CliRunner

from muli.screen.cli.app import app
from muli.screen.errors import UsageError
from muli.screen.pictures.profile import draw_profile, profile_figure
from muli.screen.pictures.ranking import _bands, _front, draw_ranking
from muli.screen.pictures.style import style
from muli.screen.ranking import rank
from muli.screen.solving.solve_file import profile_table, solved_stacks

NAN = math.nan
ROWS = [
    {"coating": "feasible", "min_thickness_nm": 2.0, "max_thickness_nm": 50.0},
    {"coating": "too dear", "min_thickness_nm": 300.0, "max_thickness_nm": 20.0, "feasible": False},
    {"coating": "open", "min_thickness_nm": NAN, "max_thickness_nm": 8.0, "status":
     "missing_property", "protected": None, "feasible": None, "coating_sigma_ele_S_cm": NAN,
     "max_sigma_ele_at_L_max_S_cm": 3.1e-13, "coating_sigma_ion_S_cm": 1e-7,
     "electrolyte_sigma_ele_S_cm": 1e-9},
    {"coating": "$\\nope$", "min_thickness_nm": NAN, "max_thickness_nm": NAN, "status":
     "missing_property", "protected": None, "feasible": None},
]  # fmt: skip


@pytest.fixture
def ranked(folder_of):
    common = {"coating_sigma_ele_S_cm": 1e-12, "coating_sigma_ion_S_cm": NAN}
    folder = folder_of([{**common, "electrolyte_sigma_ele_S_cm": 1e-9, **row} for row in ROWS])
    return folder, rank.ranking(folder, per=["electrolyte"])


def test_bands_run_from_the_needed_to_the_allowed_thickness(ranked):
    with style():
        axes = _bands(ranked[1]).axes[0]
    texts = [label.get_text().replace("\\$", "$") for label in axes.get_yticklabels()]
    names = [text.split("  ")[1].split(" |")[0] for text in texts]
    spans = {}
    for bar in axes.patches:
        place = round(bar.get_y() + bar.get_height() / 2)
        if bar.get_width() > 0:
            spans[place] = (bar.get_x(), bar.get_x() + bar.get_width(), bar.get_height())
    by_name = {name: spans.get(place) for name, place in zip(names, axes.get_yticks(), strict=True)}
    assert by_name["feasible"][:2] == pytest.approx((2.0, 50.0))
    assert by_name["too dear"][:2] == pytest.approx((20.0, 300.0))
    assert by_name["too dear"][2] < by_name["feasible"][2]
    assert by_name["open"][:2] == pytest.approx((0.1, 8.0))
    assert by_name["$\\nope$"] is None
    written = " ".join(text.get_text() for text in axes.texts)
    assert "≤ 3.1e-13 S/cm" in written


def test_only_decided_rows_have_a_mark(ranked):
    with style():
        axes = _bands(ranked[1]).axes[0]
    marks = [
        line
        for line in axes.lines
        if line.get_marker() in ("o", "s", "X") and len(line.get_xdata())
    ]
    assert len(marks) == 2
    assert {line.get_marker() for line in marks} == {"o", "s"}


def test_a_front_is_drawn_in_its_columns(ranked):
    columns = ["coating_thickness_nm", "oxidation_margin_V", "asr_coating_ohm_cm2"]
    found = rank.ranking(ranked[0], pareto=columns)
    with style():
        axes = _front(found).axes
    assert axes[0].get_xlabel() == "coating thickness (nm)"
    assert axes[0].get_ylabel() == "oxidation margin (V)"
    assert axes[1].get_ylabel() == "asr coating (ohm cm2)"
    drawn = axes[0].collections[0].get_offsets()
    assert sorted(map(tuple, drawn)) == sorted(map(tuple, found.rows[columns[:2]].to_numpy(float)))


@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf"])
def test_files_repeat_themselves(ranked, tmp_path, suffix):
    written = []
    for name in ("a", "b"):
        draw_ranking(ranked[1], tmp_path / f"{name}{suffix}")
        written.append((tmp_path / f"{name}{suffix}").read_bytes())
    assert written[0] == written[1]
    assert suffix != ".svg" or b"<text" not in written[0]  # letters are outlines


def test_the_command_draws_and_refuses(ranked, tmp_path):
    runner = CliRunner()
    out = tmp_path / "bands.svg"
    result = runner.invoke(app, ["rank", str(ranked[0]), "--plot", str(out)])
    assert result.exit_code == 0
    assert out.stat().st_size > 5_000
    for wrong in ("bands.jpg", "no such folder/bands.svg"):
        result = runner.invoke(app, ["rank", str(ranked[0]), "--plot", str(tmp_path / wrong)])
        assert isinstance(result.exception, UsageError)
    assert runner.invoke(app, ["--version"]).output.startswith("muli ")


@pytest.fixture(scope="module")
def solved():
    return solved_stacks(Path("tests/reference/open_circuit_constant.json"))


def test_a_profile_is_the_table_between_its_windows(solved):
    stacks, found = solved
    place = max(range(len(stacks)), key=lambda i: len(stacks[i].layers))
    stack = stacks[place]
    table = profile_table(stacks[place : place + 1], found[place : place + 1])
    with style():
        axes = profile_figure(stack, table).axes
    assert len(axes) == len(stack.layers)
    for index, panel in enumerate(axes):
        rows = table[table["layer"] == index]
        curve = max(panel.lines, key=lambda line: len(line.get_xdata()))
        assert list(curve.get_ydata()) == list(rows["E_V"])
        thickness = stack.layers[index].thickness_cm
        unit = 1e7 if "nm" in panel.get_xlabel() else 1e4
        assert panel.get_xlim() == pytest.approx((0.0, thickness * unit))
    low, high = axes[0].get_ylim()
    assert low < table["E_V"].min()
    assert table["E_V"].max() < high


def test_a_profile_needs_a_stack_that_exists(solved, tmp_path):
    stacks, found = solved
    with pytest.raises(UsageError, match=f"there are {len(stacks)}"):
        draw_profile(stacks, found, tmp_path / "a.svg", len(stacks))
    with pytest.raises(UsageError, match=r"\.svg"):
        draw_profile(stacks, found, tmp_path / "a.bmp")
    draw_profile(stacks, found, tmp_path / "a.svg")
    assert "<text" not in (tmp_path / "a.svg").read_text()
