"""Tables as laboratories have them: dialects, spellings, units, bounds; never a guessed value."""

import bz2
import gzip
import io
import json
import re
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from muli import candidates
from muli.candidates.users.cells import Reading, Unclear, read_cell
from muli.candidates.users.headings import read_heading
from muli.candidates.users.user_table import read

CASES = Path(__file__).with_name("cases")
PLAIN = "name,formula,sigma_ion_S_cm,sigma_ele_S_cm\nfilm A,Li3PO4,4.6e-8,1.5e-12\nfilm B,LiF,,\n"
GERMAN = (
    (
        "Material;Formel;Ionic conductivity (mS/cm);Electronic conductivity (S/m);Source\n"
        "film A;Li3PO4;4,6e-5;1,5e-10;Müller, Diss. 2023\nfilm B;LiF;n. b.;-;\n"
    )
    .replace("Formel", "formula")
    .replace("n. b.", "n.d.")
)


def written(tmp_path, content, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def xlsx(rows, **sheets):
    stream = io.BytesIO()
    with pd.ExcelWriter(stream, engine="openpyxl") as book:
        pd.DataFrame(rows).to_excel(book, sheet_name="Messung", header=False, index=False)
        for name, more in sheets.items():
            pd.DataFrame(more).to_excel(book, sheet_name=name, header=False, index=False)
    return stream.getvalue()


GERMAN_CELLS = [line.split(";") for line in GERMAN.splitlines()]


class TestDialects:
    @pytest.mark.parametrize(
        "content",
        [
            PLAIN,
            PLAIN.replace(",", ";"),
            PLAIN.replace(",", "\t"),
            PLAIN.replace(",", "|"),
            f"\n\n{PLAIN}",
            f"sep=;\n{PLAIN.replace(',', ';')}",
            f"# measured in May\n{PLAIN}",
            PLAIN.replace("\n", "\r\n"),
            PLAIN.replace("\n", ",,\n"),
            PLAIN.encode("utf-8-sig"),
            PLAIN.encode("utf-16"),
            PLAIN.encode("utf-16-le"),
            PLAIN.encode("utf-16-be"),
            gzip.compress(PLAIN.encode(), mtime=0),
            bz2.compress(PLAIN.encode()),
            GERMAN,
            GERMAN.encode("utf-16"),
            xlsx(GERMAN_CELLS),
            xlsx([["name", "formula", "sigma_ion_S_cm", "sigma_ele_S_cm"],
                  ["film A", "Li3PO4", 4.6e-8, 1.5e-12], ["film B", "LiF", None, "-"]]),
        ],
    )  # fmt: skip
    def test_every_dialect_holds_the_same_table(self, tmp_path, content):
        rows, found = read(written(tmp_path, content))
        assert found == []
        assert rows["name"].to_list() == ["film A", "film B"]
        assert rows["sigma_ion_S_cm"].to_list()[0] == pytest.approx(4.6e-8, rel=1e-14)
        assert rows["sigma_ele_S_cm"].to_list()[0] == pytest.approx(1.5e-12, rel=1e-14)
        assert rows.loc[1, ["sigma_ion_S_cm", "sigma_ele_S_cm"]].isna().all()

    def test_row_numbers_are_those_of_the_file(self, tmp_path):
        report = candidates.validate(written(tmp_path, "\n# x\nname;formula\n\na;LiF\nb;Xx\n"))
        assert [problem.row for problem in report.problems] == [6]
        assert "headings in row 3" in report.notes

    def test_what_was_understood_is_told_column_by_column(self, tmp_path):
        told = candidates.validate(written(tmp_path, GERMAN)).understood()
        assert "semicolons between columns, decimal commas" in told
        assert "Ionic conductivity (mS/cm) -> sigma_ion_S_cm" in told
        assert "converted: mS/cm x 0.001 = S/cm" in told
        assert "converted: S/m x 0.01 = S/cm" in told
        assert "1 blank" in told

    @pytest.mark.parametrize(
        ("cell", "words"), [("1,234", r"1\.234 or 1234\?"), ("1.234,5.6", "mixed|decimal")]
    )
    def test_marks_that_may_mean_two_numbers_are_refused(self, tmp_path, cell, words):
        text = f'name;formula;band_gap_eV\na;LiF;"{cell}"\n'
        (problem,) = candidates.validate(written(tmp_path, text)).problems
        assert re.search(words, problem.advice)

    def test_commas_and_points_in_one_file_are_refused_cell_by_cell(self, tmp_path):
        text = "name;band_gap_eV\nLiF;8,5\nLiCl;6.25\n"
        (problem,) = candidates.validate(written(tmp_path, text)).problems
        assert problem.row == 2
        assert "decimal comma beside decimal points" in problem.advice

    def test_a_workbook_with_more_sheets_says_which_is_read(self, tmp_path):
        report = candidates.validate(written(tmp_path, xlsx(GERMAN_CELLS, More=[["x"]]), "a.xlsx"))
        assert report.ok
        assert "Excel sheet 'Messung'" in report.notes
        assert any("sheet 1 of 2" in note for note in report.notes)

    def test_a_title_above_and_units_below_the_headings(self, tmp_path):
        text = "Table S3. Coatings,,\n,,\nCoating,sigma_ion,band_gap\n,mS/cm,eV\nLiF,1e-6,8.7\n"
        report = candidates.validate(written(tmp_path, text))
        assert report.ok
        assert report.rows[["sigma_ion_S_cm", "band_gap_eV", "row"]].iloc[0].tolist() == [
            1e-9,
            8.7,
            5,
        ]

    @pytest.mark.parametrize("encoding", ["cp1252", "utf-8"])
    def test_excel_of_western_europe(self, tmp_path, encoding):
        text = "name;process_temperature (°C);sigma_ele (µS/cm)\nfilm é;1'200,5;1\n"
        report = candidates.validate(written(tmp_path, text.encode(encoding)))
        assert report.ok
        assert report.rows["process_temperature_K"].iloc[0] == pytest.approx(1473.65)
        assert ("Windows-1252" in report.notes) == (encoding == "cp1252")

    @pytest.mark.parametrize("heading", ["Ea (kJ/mol)", "T / °C"])
    def test_of_which_conductivity_is_asked(self, tmp_path, heading):
        (problem,) = candidates.validate(written(tmp_path, f"name,{heading}\nLiF,50\n")).problems
        assert "of which conductivity? sigma_ion_" in problem.advice

    @pytest.mark.parametrize("cut", [40, 400, 3000])
    def test_a_damaged_workbook_is_refused(self, tmp_path, cut):
        report = candidates.validate(written(tmp_path, xlsx(GERMAN_CELLS)[:-cut], "a.xlsx"))
        assert not report.ok
        assert report.problems[0].column == "(file)"

    def test_lines_are_counted_before_the_work(self, tmp_path, monkeypatch):
        from muli.candidates.users import sheet

        monkeypatch.setattr(sheet, "MAX_ROWS", 1000)
        path = written(tmp_path, gzip.compress(PLAIN.encode() + b"\n" * 5000, mtime=0), "t.csv.gz")
        (problem,) = candidates.validate(path).problems
        assert (problem.value, problem.expected) == ("5003 lines", "at most 1000 lines")


class TestCells:
    @pytest.mark.parametrize(
        ("text", "reading"),
        [
            ("7.0×10−7", Reading(7e-7)),
            ("7.0 x 10^-7", Reading(7e-7)),
            ("7×10⁻⁷", Reading(7e-7)),
            ("10⁻⁷", Reading(1e-7)),
            ("1e–7", Reading(1e-7)),
            ("<1E-10", Reading(None, None, 1e-10, "upper")),
            ("≥ 1e-3", Reading(None, 1e-3, None, "lower")),
            ("~1e-9", Reading(1e-9, qualifier="order_of_magnitude")),
            ("1e-13..1e-11", Reading(None, 1e-13, 1e-11)),
            ("1e-13 to 1e-11", Reading(None, 1e-13, 1e-11)),
            ("1e-13–1e-11", Reading(None, 1e-13, 1e-11)),
            ("1e-13-1e-11", Reading(None, 1e-13, 1e-11)),
        ],
    )
    def test_a_cell_is_what_it_says(self, text, reading):
        assert read_cell(text) == reading

    @pytest.mark.parametrize(
        "text", ["1e-12 ± 0.3e-12", "(1.0 ± 0.3)e-12", "(1.0±0.3)×10−12", "1.0(3)e-12"]
    )
    def test_a_spread_keeps_its_ends(self, text):
        found = read_cell(text)
        assert (found.value, found.low, found.high) == pytest.approx((1e-12, 0.7e-12, 1.3e-12))

    @pytest.mark.parametrize(
        "text",
        ["１e-7", "1e999", "inf", "nan", "1e-9 S/cm", "10-7", "4.2–3.9", "1_000", "0x10", "1.5.2",
         "1e-7e5", "true", "<", "± 3", "1e-12 ±", "=1+1", "9" * 100, "1 000", "½", "1e-٧"],
    )  # fmt: skip
    def test_what_may_mean_several_things_is_refused(self, text):
        with pytest.raises(Unclear):
            read_cell(text)

    def test_bounds_and_ranges_stay_what_they_are_in_screens(self, tmp_path):
        text = (
            "name,formula,sigma_ele_S_cm\nb,LiF,<1e-12\nr,LiCl,1e-13..1e-11\n"
            "s,LiBr,1e-12 ± 0.3e-12\nq,LiI,~1e-9\n"
        )
        path = written(tmp_path, text)
        frame = candidates.load([path]).set_index("name").loc[["b", "r", "s", "q"]]
        low, value, high = (
            frame[f"sigma_ele_S_cm{end}"].to_list() for end in ("_low", "", "_high")
        )
        assert pd.isna(value[0])
        assert (pd.isna(low[0]), high[0]) == (True, 1e-12)
        assert value[1:] == pytest.approx([1e-12, 1e-12, 1e-9])
        assert (low[2], high[2]) == pytest.approx((0.7e-12, 1.3e-12))
        assert frame["evidence_sigma_ele"].to_list() == [
            "range",
            "measured",
            "measured",
            "measured",
        ]
        rows, _ = read(path)
        assert rows["sigma_ele_S_cm_bound"].to_list() == ["upper", None, None, None]
        assert rows["sigma_ele_S_cm_qualifier"].to_list()[3] == "order_of_magnitude"

    def test_a_bound_has_no_place_beside_other_numbers(self, tmp_path):
        (problem,) = candidates.validate(
            written(tmp_path, "name,band_gap_eV\nLiF,>8\nLiCl,6.2 ± 0.1\n")
        ).problems
        assert (problem.row, problem.column) == (2, "band_gap_eV")
        assert "give one number, or leave it blank" in problem.advice

    def test_ends_and_words_may_stand_in_columns(self, tmp_path):
        text = (
            "name,sigma_ion_S_cm,sigma_ion_S_cm_low,sigma_ion_S_cm_high,sigma_ion_S_cm_bound,"
            "sigma_ion_S_cm_qualifier\nLiF,1e-9,1e-10,1e-8,,quoted\nLiCl,,,1e-7,upper,\n"
            "LiBr,1e-9,1e-8,1e-7,,\nLiI,1e-9,,,about,\n"
        )
        report = candidates.validate(written(tmp_path, text))
        assert report.rows["name"].to_list() == ["LiF", "LiCl"]
        assert report.rows["sigma_ion_S_cm_qualifier"].to_list() == ["quoted", None]
        assert {problem.row for problem in report.problems} == {4, 5}


class TestHeadings:
    @pytest.mark.parametrize(
        ("heading", "column", "value"),
        [
            ("sigma_ion_mS_cm", "sigma_ion_S_cm", 1e-3),
            ("sigma_ele_S_m", "sigma_ele_S_cm", 1e-2),
            ("σ_ion / S cm⁻¹", "sigma_ion_S_cm", 1.0),
            ("Ionic Conductivity [mS cm^-1]", "sigma_ion_S_cm", 1e-3),
            ("electronic conductivity, µS/cm", "sigma_ele_S_cm", 1e-6),
            ("σₑ (Ω⁻¹ cm⁻¹)", "sigma_ele_S_cm", 1.0),
            ("Band gap (eV)", "band_gap_eV", 1.0),
            ("E_hull (meV/atom)", "energy_above_hull_eV_atom", 1e-3),
            ("ionic activation energy (kJ/mol)", "sigma_ion_activation_eV", 1 / 96.48533),
            ("Oxidation limit (V vs. Li/Li+)", "oxidation_limit_V", 1.0),
            ("oxidation limit / V vs Li-In", "oxidation_limit_V", 1.62),
            ("Process temperature (°C)", "process_temperature_K", 274.15),
            ("process_temperature_C", "process_temperature_K", 274.15),
        ],
    )
    def test_a_unit_is_converted_when_it_is_named(self, heading, column, value):
        found = read_heading(heading)
        assert found.column == column
        assert found.unit.convert(1.0) == pytest.approx(value, rel=1e-6)

    @pytest.mark.parametrize(
        ("heading", "words"),
        [
            ("sigma_ion_xS_cm", "known: S/cm, mS/cm"),
            ("Ionic conductivity (1/Pa)", "known: S/cm"),
            ("Ionic conductivity", "a unit, e.g. sigma_ion_S_cm"),
            ("oxidation limit (V vs SHE)", "known: V vs Li/Li+"),
            ("log10 ionic conductivity (S/cm)", "column"),
            ("sigma_elec_S_cm", "closest column: sigma_ele_S_cm"),
            ("activation energy (eV)", "column"),
        ],
    )
    def test_an_unknown_unit_or_name_is_refused(self, heading, words):
        found = read_heading(heading)
        assert found.column is None
        assert words in "; ".join(found.problem)

    def test_an_export_of_the_materials_project_is_a_table(self, tmp_path):
        text = (
            "Material ID,Formula,Crystal System,Sites,Energy Above Hull,Formation Energy,Band Gap\n"
            "mp-3731,LiNbO3,Trigonal,10,0,-2.9,3.42\nmp-22526,LiCoO2,Trigonal,4,0.0012,-1.7,\n"
        )
        report = candidates.validate(written(tmp_path, text))
        assert report.ok, str(report)
        assert report.rows["name"].to_list() == ["LiNbO3 (mp-3731)", "LiCoO2 (mp-22526)"]
        assert report.rows["band_gap_eV"].to_list()[0] == 3.42
        assert "Crystal System: passed over" in report.understood()

    def test_a_source_of_any_text_keeps_its_row(self, tmp_path):
        sources = ["=cmd()", "<b>x</b>", "../up", "@me", "a\x07b", "x" * 2000, "p < 0.05", "見"]
        lines = "".join(f'm{n},LiF,"{text}"\n' for n, text in enumerate(sources))
        report = candidates.validate(written(tmp_path, f"name,formula,source\n{lines}"))
        assert report.ok, str(report)
        assert report.rows["source"].str.len().max() == 300
        assert report.rows["source"].to_list()[4] == "a b"


class TestCases:
    def test_odd_rows_are_read_as_what_they_are(self):
        report = candidates.validate(CASES / "odd_rows.csv")
        rows = report.rows.set_index("name")
        assert rows.loc["LATP A", "formula"] == "Li1.4Al0.4Ti1.6(PO4)3"
        assert rows.loc["Li₃PO₄", "formula"] == rows.loc["sub", "formula"] == "Li3PO4"
        assert rows.loc["hydrate", "formula"] == "LiH3O2"
        assert rows.loc["units", "sigma_ion_S_cm"] == 7e-7
        assert pd.isna(rows.loc["limit", "sigma_ion_S_cm"])
        assert rows.loc["limit", "sigma_ion_S_cm_high"] == 1e-10
        (problem,) = report.problems
        assert (problem.row, problem.column) == (9, "formula")
        assert "a system has no ratio" in problem.advice


class TestCurves:
    CURVE = "E_V;log10_sigma_ele;sd\n1,0;-9,5;0,2\n2,5;-11;\n4,0;-8,75;0,3\n"

    def test_a_table_names_the_file_of_a_curve(self, tmp_path):
        written(tmp_path, self.CURVE, "curve.csv")
        rows, _ = read(written(tmp_path, "name,sigma_ele_curve\nLiF,curve.csv\nLiCl,-\n"))
        curve = candidates.read_curve(rows["sigma_ele_curve"][0])
        assert curve.E_V == (1.0, 2.5, 4.0)
        assert curve.log10_sigma_ele == (-9.5, -11.0, -8.75)
        assert curve.sd == (0.2, 0.0, 0.3)
        assert rows["sigma_ele_curve"][1] is None

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (None, "no file"),
            ("E_V,log10_sigma_ele\n1,-9\n", "2 to 10000 points"),
            ("E_V,log10_sigma_ele\n2,-9\n1,-9\n", "rise from row to row"),
            ("E_V,log10_sigma_ele\n1,-9\n2,1e-9 S/cm\n", "a number"),
            ("E_V,log10_sigma_ele\n1,-9\n2,9\n", "from -60 to 3"),
            ("V,sigma\n1,-9\n2,-9\n", "columns E_V"),
            ("E_V,log10_sigma_ele\n1,1e-9\n2,1e-8\n", "look like S/cm"),
        ],
    )
    def test_a_curve_that_cannot_be_used_is_a_problem_of_its_row(self, tmp_path, content, words):
        if content is not None:
            written(tmp_path, content, "curve.csv")
        table = written(tmp_path, "name,sigma_ele_curve\nLiF,curve.csv\nLiCl,\n")
        report = candidates.validate(table)
        assert report.rows["name"].to_list() == ["LiCl"]
        assert words in report.problems[0].advice

    @pytest.mark.parametrize("name", ["../curve.csv", "/etc/passwd"])
    def test_a_curve_lies_beside_its_table(self, tmp_path, name):
        report = candidates.validate(written(tmp_path, f"name,sigma_ele_curve\nLiF,{name}\n"))
        assert [problem.column for problem in report.problems] == ["sigma_ele_curve"]


class TestCommand:
    @pytest.fixture
    def validate(self):
        from muli.screen.cli.candidates import app

        return lambda *words: CliRunner().invoke(app, ["validate", *map(str, words)])

    def test_validate_prints_what_was_understood(self, validate, tmp_path):
        done = validate(written(tmp_path, GERMAN))
        assert done.exit_code == 0
        assert "mS/cm x 0.001 = S/cm" in done.stdout
        printed = json.loads(validate(tmp_path / "t.csv", "--json").stdout)
        assert printed["rows"] == 2
        assert printed["read_as"] == ["semicolons between columns", "decimal commas"]

    def test_fix_writes_a_clean_table_and_invents_nothing(self, validate, tmp_path):
        out = tmp_path / "clean.csv"
        done = validate(CASES / "odd_rows.csv", "--fix", out)
        assert done.exit_code == 2
        first, again = candidates.validate(CASES / "odd_rows.csv"), candidates.validate(out)
        assert again.ok, str(again)
        numbers = ["sigma_ion_S_cm", "sigma_ion_S_cm_high"]
        pd.testing.assert_frame_equal(first.rows[numbers], again.rows[numbers])
        assert again.rows["formula"].to_list() == first.rows["formula"].to_list()
        assert list(again.rows["sigma_ion_S_cm_bound"]) == [*[None] * 6, "upper"]

    def test_fix_writes_no_formula_of_a_spreadsheet(self, validate, tmp_path):
        path = written(tmp_path, 'name,formula,source\na,LiF,"=HYPERLINK(""x"")"\nb,LiCl,doi:1\n')
        assert validate(path, "--fix", tmp_path / "clean.csv").exit_code == 0
        text = (tmp_path / "clean.csv").read_text()
        assert "\"'=HYPERLINK" in text
        assert candidates.validate(tmp_path / "clean.csv").ok

    def test_fix_overwrites_nothing(self, validate, tmp_path):
        path = written(tmp_path, PLAIN)
        done = validate(path, "--fix", path)
        assert "exists already" in str(done.exception)
        assert path.read_text() == PLAIN
