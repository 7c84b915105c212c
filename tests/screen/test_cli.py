"""The command line: exit codes, what goes to stdout, harmless cells, readable tables."""

import csv
import io
import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from muli.screen.cli.app import app
from muli.screen.errors import ScreenError
from muli.screen.views.table import figure, safe

runner = CliRunner()
HOSTILE = ["=cmd()", "+1", "-x", "@sum", "\tcell", "\x1b[2Jwipe", "\u202eevil", "<script>", 'a"b,c']


def muli(*arguments):
    """(exit code, stdout, stderr) as `muli.screen.cli.app.main` gives them."""
    found = runner.invoke(app, [str(each) for each in arguments])
    if isinstance(found.exception, ScreenError):
        return found.exception.exit_code, found.stdout, str(found.exception)
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found.exit_code, found.stdout, found.stderr


def test_help_imports_nothing_heavy():
    heavy = ["jax", "pandas", "pyarrow", "duckdb", "numpy", "scipy", "pydantic", "matplotlib"]
    code = f"import sys, screen.cli; print([n for n in {heavy!r} if n in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_dry_run_imports_nothing_that_computes():
    heavy = ["jax", "scipy", "matplotlib"]
    code = "import sys; from muli.screen.space.cost import dry_run; print(dry_run().stacks, "
    code += f"[n for n in {heavy!r} if n in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split(maxsplit=1)[1].strip() == "[]"


@pytest.mark.parametrize(
    "command", ["run", "rank", "solve", "profile", "doctor", "cite", "candidates list"]
)
def test_every_command_has_help(command):
    code, out, _ = muli(*command.split(), "--help")
    assert code == 0
    assert "Usage" in out


def test_json_has_null_for_what_is_unknown_or_infinite(folder_of):
    folder = folder_of([{"min_thickness_nm": math.inf, "max_thickness_nm": math.nan}])
    code, out, talk = muli("rank", folder, "--json")
    row = json.loads(out, parse_constant=lambda word: pytest.fail(word))[0]
    assert code == 0
    assert row["min_thickness_nm"] is None
    assert row["max_thickness_nm"] is None
    assert row["protected"] is True
    assert "order: status, protected" in talk


def test_csv_cells_are_no_formulas_and_come_back(folder_of):
    folder = folder_of([{"coating": name} for name in HOSTILE])
    _, out, _ = muli("rank", folder, "--csv")
    rows = list(csv.DictReader(io.StringIO(out, newline="")))
    assert sorted(row["coating"].removeprefix("'") for row in rows) == sorted(HOSTILE)
    assert not [r["coating"] for r in rows if r["coating"].startswith(("=", "+", "-", "@", "\t"))]


def test_numbers_in_csv_stay_numbers(folder_of):
    folder = folder_of([{"oxidation_margin_V": -0.25, "protected": False, "feasible": False}])
    _, out, _ = muli("rank", folder, "--csv")
    assert next(csv.DictReader(io.StringIO(out)))["oxidation_margin_V"] == "-0.25"


def test_a_terminal_shows_hostile_names_and_does_not_obey_them(folder_of):
    _, out, _ = muli("rank", folder_of([{"coating": name} for name in HOSTILE]), "--top", 20)
    assert "\\x1b[2Jwipe" in out
    assert "\\x202eevil" in out
    assert not {"\x1b", "\u202e", "\t"} & set(out)


@pytest.mark.parametrize("width", [100, 120])
def test_the_table_fits_the_terminal(folder_of, width, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    extremes = {"min_thickness_nm": 123456.0, "max_thickness_nm": math.inf, "coating": "N" * 80}
    changes = [{}, extremes, {"coating": "B", "status": "missing_property", "protected": None}]
    changes += [{"coating": "C", "coating_class": "within_tolerance", "family": "x" * 30}]
    _, out, _ = muli("rank", folder_of(changes), "--top", 9)
    assert max(len(line) for line in out.splitlines()) <= width
    assert "SE 30 um | NMC charged 4.30 V | Li 0 V | boundary auto" in out
    assert "protects from 40 nm" in out
    assert "no limit" in out
    assert "Order: status, protected" in out


def test_ties_are_said(folder_of):
    _, out, _ = muli("rank", folder_of([{"coating": "A"}, {"coating": "B"}]))
    assert "  1= A" in out
    assert "  1= B" in out
    assert "tied, nothing in the order but the name" in out


def test_parquet_holds_the_ranked_rows(folder_of, tmp_path):
    import pandas as pd

    out = tmp_path / "best.parquet"
    code, text, _ = muli("rank", folder_of([{}, {"coating": "B"}]), "--parquet", out)
    assert (code, text) == (0, "")
    assert pd.read_parquet(out)["coating"].tolist() == ["A", "B"]
    code, _, why = muli("rank", folder_of([{}], name="r2"), "--parquet", tmp_path / "no" / "x")
    assert code == 2
    assert "cannot be written" in why


def test_an_unfinished_run_is_said_on_stderr_first(folder_of):
    folder = folder_of([{}], complete=False, stacks=5)
    _, out, talk = muli("rank", folder, "--json")
    assert talk.startswith("warning: ")
    assert "not complete (1 of 5 stacks)" in talk
    assert len(json.loads(out)) == 1


WRONG = {
    "unknown column": (["--by", "familly"], "closest: family"),
    "two formats": (["--csv", "--json"], "exclude each other"),
    "no rows": (["--top", "0"], "--top"),
    "pareto of one": (["--pareto", "asr_coating_ohm_cm2"], "two columns or more"),
    "pareto and top": (["--pareto", "a,b", "--top", "3"], "leave --top away"),
    "no condition": (["--where", "5"], "a number, not a condition"),
    "an aggregate": (["--where", "count(*) > 1"], "count(*) is not a function"),
    "chance": (["--where", "random() > 0.5"], "random is not a function"),
    "not a number": (["--where", "NOT min_thickness_nm"], "NOT stands at a number"),
    "fails on a row": (["--where", "CAST(coating AS INTEGER) > 1"], "--where: Conversion Error"),
    "fails in a front": (
        ["--pareto", "asr_coating_ohm_cm2,min_thickness_nm", "--where", "coating ~ '('"],
        "--where: Invalid Input",
    ),
    "text sorted downwards": (["--by", "family desc"], "a number's COLUMN"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_options_exit_2_and_say_what_to_do(folder_of, case):
    options, message = WRONG[case]
    code, out, why = muli("rank", folder_of([{}]), *options)
    assert (code, out) == (2, "")
    assert message in why


def test_run_refuses_wrong_options_before_it_writes(tmp_path):
    out = tmp_path / "out"
    for options, message in (
        (["--precision", "float46"], "float32 or float64"),
        (["--device", "tpu"], "auto or cpu or gpu"),
        (["--max-memory", "lots"], "such as 800M"),
        (["--shard", "9/8"], "1 <= I <= N"),
    ):
        code, _, why = muli("run", "--out", out, *options)
        assert code == 2
        assert message in why
    assert muli("run")[0] == 2
    assert not out.exists()


@pytest.mark.parametrize("text", ["", "[axes]\ncoatng = 'LiNbO3'\n", "= broken"])
def test_a_broken_spec_exits_2_and_writes_nothing(tmp_path, text):
    spec = tmp_path / "broken.toml"
    spec.write_text(text)
    code, out, why = muli("run", spec, "--out", tmp_path / "out")
    assert (code, out) == (2, "")
    assert "broken.toml" in why
    assert not (tmp_path / "out").exists()


def test_the_whole_program_reports_an_error_on_stderr(tmp_path):
    command = [sys.executable, "-m", "muli.screen.cli.app", "rank", str(tmp_path)]
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.returncode == 2
    assert found.stdout == ""
    assert "not the folder of a run" in found.stderr
    assert "Traceback" not in found.stderr


def test_candidates_speak_of_materials_and_of_mistakes():
    code, out, _ = muli("candidates", "list", "--role", "electrolyte", "--json")
    rows = json.loads(out)
    assert code == 0
    assert {"name", "formula", "reduction_limit_V", "oxidation_limit_V"} <= set(rows[0])
    code, _, why = muli("candidates", "show", "LiNbO33")
    assert code == 2
    assert "LiNbO3" in why


def test_a_table_with_mistakes_exits_2(tmp_path):
    table = tmp_path / "mine.csv"
    table.write_text("name,sigma_ion_S_cm\nA,1e-6\nB,fast\n")
    code, out, _ = muli("candidates", "validate", table)
    assert code == 2
    assert "row 3, sigma_ion_S_cm = 'fast'" in out


def test_figures_have_words_for_what_is_no_number():
    assert figure(None) == "unknown"
    assert figure(math.inf, "any") == "any"
    assert [figure(v) for v in (0.0, 40.91, 1234.5, 2.4e-12)] == ["0", "40.9", "1234", "2.4e-12"]
    assert safe("a\nb\u2028c") == "a\\x0ab\\x2028c"


def test_solve_prints_the_reference_numbers(tmp_path):
    reference = Path(__file__).parents[1] / "reference" / "open_circuit_constant.json"
    stack = next(s for s in json.loads(reference.read_text()) if len(s["layers"]) == 2)
    file = tmp_path / "stacks.json"
    file.write_text(json.dumps([stack]))
    code, out, _ = muli("solve", file, "--json")
    answer = json.loads(out)[0]
    assert code == 0
    assert answer["nodes_V"] == pytest.approx(stack["expected"]["nodes_V"], abs=1e-8)
