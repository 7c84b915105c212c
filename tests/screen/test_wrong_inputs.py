"""What people give by mistake: one line that calls it what it is, exit 2, nothing written."""

import sys

import pytest

from muli.screen.cli import app
from muli.screen.running import signals

FILES = {
    "spec.toml": b'[axes]\ncoating = "*"\nelectrolyte = "*"\ncathode = "*"\n',
    "a.cif": b"data_LiF\n_cell_length_a 4.03\n",
    "POSCAR.vasp": b"LiF\n1.0\n",
    "a.xlsx": b"PK\x03\x04\x14\x00",
    "old.xls": b"\xd0\xcf\x11\xe0\xa1\xb1",
    "t.csv": b"name,formula\nLiF,LiF\n",
    "good.csv": b"name,formula,role,source\nmine,LiF,coating,here\n",
    "s.json": b"[]",
    "part.parquet": b"PAR1....PAR1",
    "one.csv": b"V,I\n" + b"0.5,1e-9\n" * 9,
    "large.csv": b"V,I\n5000,1e-9\n6000,2e-9\n7000,3e-9\n8000,4e-9\n",
    "late.csv": b"t (h),R (ohm cm2)\n" + b"".join(b"%de20,%d\n" % (i, i) for i in range(1, 9)),
    "steps.csv": b"V,I\n1,1e-9\n2,2e-9\n3,3e-9\n4,4e-9\n",
    "unquoted.toml": b'[axes]\ncoating = "*"\nelectrolyte = "*"\ncathode = "*"\nLNO.z_p = [1]\n',
    "digits.toml": b"[axes]\ntemperature_K = " + b"9" * 5000,
    "digits.json": b'[{"E_anode_V": ' + b"9" * 5000 + b"}]",
    "page.html": b"<!DOCTYPE html><html></html>",
}
CELL = "cell --electrolyte Li6PS5Cl --um 40 --cathode NMC811"
WRONG = {
    "rank spec.toml": "this is TOML; specs go to `muli run`",
    "rank a.cif": "this is a crystal structure",
    "rank part.parquet": "this is a Parquet file; `muli rank`",
    "rank empty": "not the folder of a run",
    "rank none": "muli run --out none` makes one",
    "report spec.toml": "this is TOML; specs go to",
    "report empty --out no/such/x.html": "cannot be written: there is no folder no/such",
    "measure t.csv --out no/such.csv": "cannot be written: there is no folder no",
    "measure t.csv --picture no/x.png": "--picture no/x.png: cannot be written: there is no folder",
    "measure one.csv --um 9 --cm2 1": "one voltage, 0.5 V, and no times",
    "measure large.csv --um 9 --cm2 1": "a voltage of 8000 V; expected 20 V or less",
    "measure late.csv": "row 2, time in s: 3.6e+23; expected 0 to 1e+12",
    "measure steps.csv --um nan --cm2 1": "--um nan: expected a thickness in um, more than 0",
    "measure steps.csv --um 9 --cm2 -1": "--cm2 -1: expected an area in cm2",
    "measure steps.csv --um 9 --cm2 1 --celsius nan": "expected a temperature in degrees Celsius",
    "measure steps.csv --um 9 --cm2 1 --reference 50": "expected a potential in V vs Li/Li+",
    "measure /dev/zero": "zero, row 1, (file): expected a CSV file (a device or a pipe",
    "measure empty": "(a folder, not a file)",
    "run unquoted.toml --dry-run": 'a key with a dot stands in quotes: "LNO.z_p"',
    "run digits.toml --dry-run": "not valid TOML: a number of more than 4,300 digits",
    "solve digits.json": "not JSON as expected: a number of more than 4,300 digits",
    "age digits.json": "not JSON as expected: a number of more than 4,300 digits",
    "age s.json --out x.gif": "--out x.gif: expected a name that ends in",
    f"{CELL} --celsius -300": "celsius: -300: expected C between -123 and 427",
    f"{CELL} --table /dev/zero": "tables: /dev/zero: a device or a pipe, not a file",
    f"{CELL} --table nowhere.csv": "nowhere.csv: no such file",
    "report empty --out empty": "--out empty: cannot be written: it is a folder",
    "rank empty --plot x.gif": "--plot x.gif: expected a name that ends in .svg, .png, .pdf",
    "rank empty --plot no/x.svg": "there is no folder no",
    "rank empty --parquet no/x.parquet": "there is no folder no",
    "run a.cif --out q": "this is a crystal structure",
    "run POSCAR.vasp --out q": "this is a crystal structure",
    "run a.xlsx --out q": "this is a workbook",
    "run old.xls --out q": "this is an old workbook",
    "run empty --out q": "a folder; expected a spec in TOML",
    "run t.csv --out q": "this is a table; name it in a spec",
    "run s.json --out q": "this is JSON; stacks go to `muli solve`",
    "run none.toml --out q": "cannot be read: No such file",
    "run page.html --out q": "this is a page of the web",
    "run --dry-run --dask slurm:a.cif": "expected a cluster file in TOML",
    "solve spec.toml": "this is TOML; specs go to `muli run`",
    "solve a.xlsx": "this is a workbook",
    "profile t.csv": "this is a table",
    "age none.json --out x.gif": "--out x.gif: expected a name that ends in .svg, .png, .pdf",
    "age s.json --out no/x.svg": "there is no folder no",
    "design s.json": "this is JSON",
    "design empty": "a folder; expected a spec",
    "map a.cif": "this is a crystal structure",
    "map spec.toml --out x.gif": "--out x.gif: expected a name that ends in",
    "profile s.json --out no/x.svg": "there is no folder no",
    "cite t.csv": "this is a table",
    "merge q spec.toml": "spec.toml",
    "candidates validate good.csv --fix no/x.csv": "no/x.csv: No such file or directory",
    "candidates list --file a.xlsx": "binary",
    "candidates list --file a.cif": "this is a crystal structure",
    "candidates import a.cif --out q.csv": "this is a crystal structure",
    "candidates import a.xlsx --out q.csv": "a.xlsx",
    "candidates compute --energies page.html --out q.csv": "this is a page;",
    "candidates validate none.csv": "none.csv: no such file",
    "measure none.csv": "there is no file of this name",
    "report empty --out page.pdf": "--out page.pdf: expected a name that ends in .html",
    "rank": "muli rank: Missing argument 'DIR...'. See `muli rank --help`",
    "rank empty --top -1": "muli rank: Invalid value for '--top'",
    "cell --electrolyte Li6PS5Cl --um 40": "Missing option '--cathode'. See `muli cell --help`",
    "cell --electrolyte Li6PS5Cl --um 40 --cathode 4.2 --celsius 2000": "C between -123 and 427",
    "doctor now": "unexpected extra argument(s) (now). See `muli doctor --help`",
    "rnk": "No such command 'rnk'. Did you mean 'rank', 'run'. See `muli --help`",
    "help rnk": "muli has no command 'rnk'; closest: rank",
}


@pytest.mark.parametrize("words", WRONG)
def test_a_wrong_input_is_said_in_one_line(words, tmp_path, monkeypatch, capsys):
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "empty").mkdir()
    before = sorted(tmp_path.iterdir())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["muli", *words.split()])
    signals._asked.clear()
    with pytest.raises(SystemExit) as ended:
        app.main()
    out, said = capsys.readouterr()
    assert (ended.value.code, out) == (2, "")
    assert WRONG[words] in said
    assert len(said.splitlines()) == 1, said
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("words", ["help", "help rank", "help candidates import"])
def test_help_is_a_command_too(words, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["muli", *words.split()])
    with pytest.raises(SystemExit) as ended:
        app.main()
    out = capsys.readouterr().out
    assert ended.value.code == 0
    assert "Usage: muli" in out
