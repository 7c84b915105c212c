"""The comparison with the literature, and the commands of the computed table."""

import json

import pytest
from typer.testing import CliRunner

from muli.candidates.published import compare_reactions, compare_windows


def test_windows_stand_beside_every_published_one_of_the_same_kind():
    frame = compare_windows()
    zhu = frame[(frame["source"] == "Zhu2015") & (frame["material"] != "Li4Ti5O12")]
    assert len(zhu) >= 20
    assert zhu["reduction_difference_V"].abs().max() < 0.04
    assert zhu["oxidation_difference_V"].abs().max() < 0.152
    assert "LiPON" in set(frame["material"])  # found by its formula, Li2PO2N


def test_reactions_are_compared_state_by_state():
    frame = compare_reactions()
    same_data = frame[(frame["source"] == "Nolan2019") & (frame["partner"] == "LiCoO2")]
    assert set(same_data["partner_state"]) == {"lithiated", "half_delithiated"}
    assert same_data["difference_meV_atom"].abs().median() < 0.1
    xiao = frame[(frame["source"] == "Xiao2019") & (frame["partner"] == "NMC111")]
    assert xiao["difference_meV_atom"].abs().median() < 3


@pytest.fixture
def muli():
    from muli.screen.cli.candidates import app

    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def _energies(tmp_path):
    path = tmp_path / "energies.csv"
    path.write_text("formula,Ef_eV_atom\nLi2O,-2\nLi2O2,-1.6\nLiXx,-1\n")
    return path


def test_compute_writes_a_table_and_names_what_it_left_out(muli, tmp_path):
    out = tmp_path / "table.csv"
    done = muli("compute", "--energies", _energies(tmp_path), "--out", out, "--workers", 1)
    assert done.exit_code == 0, done.output
    assert "'Xx' is not an element" in done.stderr
    assert done.stdout == ""
    assert out.read_text().startswith("name,formula,role,family")
    assert json.loads((tmp_path / "table.json").read_text())["provenance"]["source"]


def test_import_writes_energies_that_compute_reads(muli, tmp_path):
    out = tmp_path / "clean.csv"
    assert muli("import", _energies(tmp_path), "--out", out).exit_code == 0
    assert out.read_text().splitlines()[0] == "formula,formation_energy_eV_atom"
    done = muli("compute", "--energies", out, "--out", tmp_path / "t.csv", "--workers", 1)
    assert done.exit_code == 0


@pytest.mark.parametrize("text", ["formula\nLi2O\n", "formula,energy_eV_atom\nLi2O,-5\n"])
def test_unusable_energies_end_with_a_reason(muli, tmp_path, text):
    from muli.screen.errors import UsageError

    path = tmp_path / "bad.csv"
    path.write_text(text)
    done = muli("compute", "--energies", path, "--out", tmp_path / "t.csv")
    assert isinstance(done.exception, UsageError)
    assert "bad.csv: needs columns" in str(done.exception) or "element Li, O" in str(done.exception)


def test_compare_prints_a_table(muli):
    done = muli("compare")
    assert done.exit_code == 0
    assert done.stdout.startswith("material,source,reduction_V")
    assert json.loads(muli("compare", "--reactions", "--json").stdout)[0]["partner"]
