"""A user's CSV: every problem at once, with file, row, column, value and the way out."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from muli import candidates
from muli.candidates.schema import NUMERIC
from muli.candidates.users.problems import TableError
from muli.candidates.users.user_table import read, slip


def written(tmp_path, content, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def problems(tmp_path, content):
    return candidates.validate(written(tmp_path, content)).problems


BROKEN = """\
name,formula,sigma_ion_S_cm,sigma_ele_S_cm,reduction_limit_V,oxidation_limit_V,sigma_elec_S_cm
A,LiNbO3,1.2,1e-11,1.74,3.88,
B,LiNbO3,abc,-1e-11,1740,3880,
C,Li3PO4,0,1e300,0.69,4.21,
A,LiF,1e-9,inf,4,1,
D,Li2/3Cl4,1e-9,nan,,,
E,Xx2O,1e-9 S/cm,,,,
F,LiF
"""


def test_all_problems_are_reported_at_once(tmp_path):
    found = problems(tmp_path, BROKEN)
    places = {(problem.row, problem.column) for problem in found}
    assert places == {
        (1, "sigma_elec_S_cm"),
        (2, "sigma_ion_S_cm"),
        (3, "sigma_ion_S_cm"),
        (3, "sigma_ele_S_cm"),
        (3, "reduction_limit_V"),
        (3, "oxidation_limit_V"),
        (4, "sigma_ion_S_cm"),
        (4, "sigma_ele_S_cm"),
        (5, "name"),
        (5, "sigma_ele_S_cm"),
        (5, "oxidation_limit_V"),
        (6, "formula"),
        (6, "sigma_ele_S_cm"),
        (7, "formula"),
        (7, "sigma_ion_S_cm"),
        (8, "(row)"),
    }
    with pytest.raises(TableError) as error:
        read(written(tmp_path, BROKEN))
    assert error.value.problems == found
    for line in ("t.csv, row 3, sigma_ion_S_cm = 'abc'", "closest column: sigma_ele_S_cm"):
        assert line in str(error.value)


def test_the_message_holds_the_likely_slip(tmp_path):
    found = {(p.row, p.column): p for p in problems(tmp_path, BROKEN)}
    assert "1.2 mS/cm is 0.0012 S/cm" in found[2, "sigma_ion_S_cm"].advice
    assert "1740 mV is 1.74 V" in found[3, "reduction_limit_V"].advice
    assert found[3, "sigma_ele_S_cm"].advice == "negative"
    assert "zero" in found[4, "sigma_ion_S_cm"].advice
    assert "exchanged" in found[5, "oxidation_limit_V"].advice
    assert "row 2" in found[5, "name"].advice
    assert "decimals" in found[6, "formula"].advice


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("sigma_ion_S_cm", 5.0, "mS/cm"),
        ("sigma_ion_temperature_K", 25.0, "298.15 K"),
        ("band_gap_eV", 3990.0, "3.99 eV"),
        ("sigma_ion_activation_eV", 35.0, "kJ/mol"),
        ("sigma_ion_activation_eV", 350.0, "meV"),
        ("energy_above_hull_eV_atom", 83.0, "meV/atom"),
        ("oxidation_limit_V", 1e300, "no unit slip fits"),
    ],
)
def test_units_are_guessed_from_size(column, value, words):
    assert words in slip(NUMERIC[column], value)


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "..\\secret",
        "/etc/passwd",
        "<script>alert(1)</script>",
        "=cmd()|x",
        "@SUM(A1)",
        "+1+cmd",
        "a\x07b",
    ],
)
def test_harmful_names_are_refused(tmp_path, name):
    found = problems(tmp_path, f"name,formula\n{name},LiF\nfine,LiF\n")
    assert [(problem.row, problem.column) for problem in found] == [(2, "name")]
    assert found[0].value.isprintable()


def test_a_huge_cell_is_shortened_in_its_message(tmp_path):
    found = problems(tmp_path, "name,formula\n" + "x" * 1_000_000 + ",LiF\nok,LiF\n")
    assert len(str(found[0])) < 400
    assert "1000000 characters" in found[0].value


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "empty"),
        (" \n\n", "empty"),
        ("name,formula\n", "no row"),
        ("nme,formula\na,LiF\n", "only `name` is required"),
        (b"name,formula\n\x00\x01\x02,LiF\n", "binary"),
        (b"\xd0\xcf\x11\xe0" + bytes(20), "save it as .xlsx"),
        (b"PK\x03\x04" + bytes(20), "binary"),
        (b"\x1f\x8b\x08\x00" + bytes(20), "binary"),
    ],
)
def test_what_is_no_table_is_refused_with_a_reason(tmp_path, content, words):
    path = written(tmp_path, content)
    with pytest.raises(TableError, match=words):
        read(path, bad="skip")
    report = candidates.validate(path)
    assert not report.ok
    assert words in str(report)


def test_one_row_that_is_not_utf8_does_not_stop_the_others(tmp_path):
    report = candidates.validate(written(tmp_path, b"name,formula\nfilm \x83A,LiF\nfine,LiF\n"))
    assert report.rows["name"].to_list() == ["fine"]
    assert [(problem.row, problem.column) for problem in report.problems] == [(2, "name")]
    assert "UTF-8" in report.problems[0].expected


def test_a_missing_file_is_a_problem_too(tmp_path):
    assert "there is no file" in str(candidates.validate(tmp_path / "none.csv"))


def test_a_mark_of_order_and_dos_lines_do_no_harm(tmp_path):
    rows, found = read(written(tmp_path, b"\xef\xbb\xbfname,formula\r\nfilm,LiF\r\n\r\n"))
    assert found == []
    assert rows[["name", "formula", "family"]].to_numpy().tolist() == [["film", "LiF", "halide"]]


def test_a_doubled_column_is_named(tmp_path):
    found = problems(tmp_path, "name,name,formula\na,b,LiF\n")
    assert "twice" in found[0].advice


def test_only_a_name_is_needed(tmp_path):
    rows, _ = read(written(tmp_path, "name\nLi3PO4\nfilm B\n"))
    assert rows["role"].to_list() == ["coating", "coating"]
    for column, known in (("formula", "Li3PO4"), ("family", "phosphate")):
        assert rows[column][0] == known
        assert rows[column].isna().to_list() == [False, True]


def test_an_unknown_role_names_the_closest(tmp_path):
    found = problems(tmp_path, "name,role\na,cathod\n")
    assert found[0].advice == "closest: cathode"


def test_good_rows_of_a_large_table_survive_the_bad_ones(tmp_path):
    generator = random.Random(1)
    lines = ["name,formula,sigma_ion_S_cm"]
    for number in range(20_000):
        sigma = "abc" if number % 100 == 0 else f"{10 ** generator.uniform(-12, -3):.3e}"
        lines.append(f"m{number},Li{number % 7 + 1}PO{number % 5 + 1},{sigma}")
    rows, found = read(written(tmp_path, "\n".join(lines) + "\n"), bad="skip")
    assert (len(rows), len(found)) == (19_800, 200)
    assert found[1].row == 102
    assert rows["sigma_ion_S_cm"].notna().all()
    assert rows.loc[rows["name"] == "m101", "row"].to_list() == [103]


def test_a_fixed_copy_leaves_bad_rows_out_and_changes_no_number(tmp_path):
    report = candidates.validate(written(tmp_path, BROKEN + 'G,LiF,"1.5e-9",,,,\n'))
    assert [line.split(",")[0] for line in report.fixed().splitlines()] == ["name", "G"]
    copy = candidates.validate(written(tmp_path, report.fixed(), "copy.csv"))
    assert copy.ok
    assert copy.rows["sigma_ion_S_cm"].to_list() == [1.5e-9]


def test_long_reports_say_how_much_they_leave_out(tmp_path):
    text = "name,sigma_ion_S_cm\n" + "".join(f"m{n},x\n" for n in range(80))
    with pytest.raises(TableError, match="and 30 more problems"):
        read(written(tmp_path, text))


def test_bad_is_one_of_two_words(tmp_path):
    with pytest.raises(ValueError, match="'error' or 'skip'"):
        read(written(tmp_path, "name\na\n"), bad="ignore")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_any_bytes_give_a_report(tmp_path, content):
    report = candidates.validate(written(tmp_path, b"name,formula,sigma_ion_S_cm\n" + content))
    assert report.ok or report.problems
    assert str(report)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.text(max_size=40),
    formula=st.text(max_size=20),
    number=st.one_of(st.floats().map(repr), st.text(max_size=10)),
)
def test_a_good_row_is_what_was_written(tmp_path, name, formula, number):
    cells = ",".join('"' + cell.replace('"', '""') + '"' for cell in (name, formula, number))
    report = candidates.validate(
        written(tmp_path, f"name,formula,sigma_ion_S_cm\n{cells}\nlast,LiF,1e-9\n")
    )
    for row in report.rows.itertuples():
        if row.name == "last":
            continue
        assert row.name == name.strip()
        assert 0 < row.sigma_ion_S_cm <= 0.2 or number.strip() == ""
        if row.sigma_ion_S_cm > 0:
            assert row.sigma_ion_S_cm == float(number)
