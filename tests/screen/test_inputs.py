"""Files and values that no spec has: said in one message, at once, whatever their size."""

import os

import pytest

from muli.screen.dataset.results import open_results
from muli.screen.errors import SpecError
from muli.screen.inputs import read_file
from muli.screen.running.slurm import load as load_jobs
from muli.screen.solving.stack_file import read_stacks
from muli.screen.space.source import source_of
from muli.screen.spec import load, parse

AXES = {
    "coating": ["LiNbO3"],
    "coating_thickness_nm": [10],
    "electrolyte": ["Li6PS5Cl"],
    "cathode_potential_V": [4.3],
}
HUGE = 10**400


def problems(spec):
    with pytest.raises(SpecError) as caught:
        parse(spec)
    text = str(caught.value)
    assert len(text) < 12_000
    assert len(text.splitlines()) <= 22
    return text


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("screen", "asr_budget_ohm_cm2", True), ("screen", "asr_budget_ohm_cm2", "10"),
        ("screen", "asr_budget_ohm_cm2", HUGE), ("screen", "areal_capacity_mAh_cm2", [3]),
        ("screen", "window_tolerance_V", False), ("screen", "name", 5), ("screen", "law", True),
        ("screen", "boundary", True), ("uncertainty", "draws", True),
        ("uncertainty", "draws", "16"),
        ("uncertainty", "draws", 2.0),
        ("uncertainty", "seed", -1), ("uncertainty", "seed", 2**63), ("uncertainty", "seed", True),
        ("output", "top_k", True), ("output", "top_k", 3.0), ("output", "per", "electrolyte"),
        ("output", "per", [True]), ("design", "margin_V", True), ("design", "margin_V", "0.1"),
        ("design", "probability", True), ("design", "leak_budget_A_cm2", HUGE),
        ("design", "variables", {"coating_thickness_nm": [1, HUGE]}),
        ("design", "variables", {"coating_thickness_nm": [True, 5]}),
        ("design", "objective", {"resistance": True}), ("design", "objective", True),
        ("library", "tables", "x.csv"), ("library", "tables", [1]),
        ("filters", "x", {"sql": "a > 1", "require": 1}), ("filters", "x", 5),
        ("filters", "x", {"sql": "a > 1", "require": "true"}), ("filters", "x", {"sql": True}),
        ("axes", "temperature_K", True), ("axes", "temperature_K", "300"),
        ("axes", "temperature_K", HUGE), ("axes", "temperature_K", [[300]]),
        ("axes", "temperature_K", {"start": 300, "stop": 400, "num": 10**30}),
        ("axes", "temperature_K", {"start": 300, "stop": 400, "num": 1e30}),
        ("axes", "temperature_K", {"start": 300, "stop": HUGE, "num": 3}),
        ("axes", "temperature_K", {"start": True, "stop": 400, "num": 3}),
        ("axes", "coating", [True]), ("axes", "coating", [[]]), ("axes", "coating", [["A", 1]]),
        ("axes", "coating.sigma_ele_S_cm", HUGE), ("axes", "coating.sigma_ele_S_cm", True),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_no_number(section, key, value):
    axes = {**AXES, key: value} if section == "axes" else AXES
    spec = {"axes": axes} if section == "axes" else {"axes": axes, section: {key: value}}
    assert f"{section}.{key}" in problems(spec).replace('"', "")


@pytest.mark.parametrize("key", ["jobs", "cores", "memory", "gpu", "partition", "setup", "host"])
@pytest.mark.parametrize("value", ["true", '"5"', "1.5", "[1]", f"{HUGE}"])
def test_a_cluster_file_has_numbers_where_it_should(tmp_path, key, value):
    if (key, value) in {("gpu", "true"), ("partition", '"5"'), ("host", '"5"')}:
        return
    known = {"jobs": "2", "cores": "4", "memory": '"8GB"', "walltime": '"1:00:00"', "host": '"h"'}
    path = tmp_path / "cluster.toml"
    path.write_text("\n".join(f"{k} = {v}" for k, v in {**known, key: value}.items()))
    with pytest.raises(SpecError, match=rf"{key}.* = .*: expected"):
        load_jobs(path)


def test_many_problems_are_twenty_lines():
    names = [f"no such {i}" for i in range(30_000)]
    assert "and 29,980 more" in problems({"axes": {**AXES, **dict.fromkeys(names, 1)}})
    assert "and 29,980 more" in problems({"axes": AXES, **dict.fromkeys(names, 1)})
    assert "and 29,980 more is named twice" in problems({"axes": {**AXES, "coating": names * 2}})
    filters = {name: {"sqll": 1} for name in names}
    assert "and 59,980 more" in problems({"axes": AXES, "filters": filters})


def test_many_unknown_materials_are_twenty_lines(tmp_path):
    names = [f"no such {i}" for i in range(30_000)]
    listed = ", ".join(f'"{name}"' for name in names)
    path = tmp_path / "spec.toml"
    path.write_text(f'[axes]\ncoating = [{listed}]\nelectrolyte = "*"\ncathode_potential_V = "x"\n')
    with pytest.raises(SpecError) as caught:
        source_of(path)
    assert "30,001 errors" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 22


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[axes]\nx = 1" + "0" * 5000, "4,300 digits"),
        ("a" + ".a" * 100_000 + " = 1", "more than 16 parts (at line 1)"),
        ("[axes]\nx = { " + "'a'." * 90_000 + "a = 1 }", "more than 16 parts (at line 2)"),
        ("[" + "a." * 100_000 + "a]", "more than 16 parts"),
        ("a = " + "{ a = " * 5000, "nested too deeply"),
        ("a = '" + "x" * 5_000_000, "at most 4 MiB"),
        ('{"axes": {}}', "not valid TOML"),
        ("\ufeff[axes]\n", "missing"),
    ],
)
def test_a_text_that_no_parser_should_be_given(tmp_path, text, said):
    path = tmp_path / "spec.toml"
    path.write_text(text)
    with pytest.raises(SpecError) as caught:
        load(path)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_numbers_may_have_many_dots(tmp_path):
    path = tmp_path / "spec.toml"
    many = ", ".join(f"{i}.5" for i in range(1, 400))
    path.write_text(f'[axes]\ncoating = "*"\nelectrolyte = "*"\ncoating_thickness_nm = [{many}]\n'
                    "cathode_potential_V = [4.3] # see a.b.c and 1.2.3.4.5 ... and so on\n"
                    '"coating.sigma_ele_S_cm" = [1e-9]\n')  # fmt: skip
    assert len(load(path).spec.axes.coating_thickness_nm) == 399


@pytest.mark.parametrize("read", [load, load_jobs, read_stacks, lambda p: read_file(p, 9, "text")])
def test_only_files_are_read(tmp_path, read):
    pipe = tmp_path / "pipe.toml"
    os.mkfifo(pipe)
    for path, said in ((pipe, "a pipe"), ("/dev/zero", "a device"), (tmp_path, "a folder")):
        with pytest.raises(SpecError, match=said):
            read(type(tmp_path)(path))
    with pytest.raises(SpecError, match="cannot be read"):
        read(tmp_path / "none.toml")
    with pytest.raises(SpecError, match="cannot be read"):
        read(tmp_path / "a\0b")


def test_a_pipe_among_the_parts_is_left_out(folder_of):
    folder = folder_of([{}] * 7)
    os.mkfifo(folder / "part-00000009.parquet")
    assert any("left out" in warning for warning in open_results(folder).warnings)
    (folder / "part-00000001.parquet").unlink()
    os.mkfifo(folder / "part-00000001.parquet")
    assert any("part-00000001" in warning for warning in open_results(folder).warnings)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.cif", b"data_LiF\n_cell_length_a 4.0\n", "a crystal structure"),
        ("POSCAR.vasp", b"LiF\n1.0\n", "a crystal structure"),
        ("a.xlsx", b"PK\x03\x04....", "a workbook"),
        ("a.xls", b"\xd0\xcf\x11\xe0....", "an old workbook"),
        ("part-00000000.parquet", b"PAR1....", "a Parquet file"),
        ("a.toml.gz", b"\x1f\x8b\x08...", "a gzip file"),
        ("a.csv", b"name,formula\nLiF,LiF\n", "a table"),
        ("a.json", b"[]", "JSON; stacks go to `muli solve`"),
        ("a.html", b"<!DOCTYPE html><html>", "a page of the web"),
        ("a.pdf", b"%PDF-1.7", "a PDF"),
    ],
)
def test_files_of_another_kind_are_called_by_what_they_are(tmp_path, name, content, said):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SpecError) as caught:
        load(path)
    assert f"this is {said}" in str(caught.value)
    if name != "a.json":
        with pytest.raises(SpecError, match="expected stacks in JSON"):
            read_stacks(path)


def test_a_spec_given_to_solve_is_called_a_spec(tmp_path):
    path = tmp_path / "spec.toml"
    path.write_text("[axes]\n")
    with pytest.raises(SpecError, match="this is TOML; specs go to"):
        read_stacks(path)
