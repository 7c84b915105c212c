"""Files as people have them: each is read right, or refused with the reason and the way out."""

import bz2
import copy
import csv
import gzip
import json
import lzma
from pathlib import Path

import pytest

from muli import candidates
from muli.candidates.computing.compute import compute
from muli.candidates.importers import ImportRefused, read_energies, write_energies
from muli.candidates.thermodynamics import Energies, assess

CASES = Path(__file__).with_name("cases")


def case(name):
    return json.loads((CASES / name).read_text())


def saved(tmp_path, content, name="entries.json"):
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def table(tmp_path, source, name="computed.csv"):
    """Rows of the computed table of a file, which muli then accepts as a user's own table."""
    found = read_energies(source)
    out = tmp_path / name
    compute(found.energies, out, workers=1, restart=True)
    report = candidates.validate(out)
    assert report.ok, str(report)
    with out.open() as stream:
        rows = {row["name"]: row for row in csv.DictReader(stream)}
    assert len(report.rows) == len(rows)
    return rows


def energy(imported, formula):
    return imported.energies.formation_energy[imported.energies.find(formula)]


class TestIncompleteAnswers:
    """A hull with phases missing makes windows too wide."""

    PAGE = "optimade_first_page.json"

    def later(self, offset, ids, more):
        page = case(self.PAGE)
        template = page["data"][0]
        page["data"] = []
        for number, formula in ids:
            one = copy.deepcopy(template)
            one["id"] = str(number)
            one["attributes"] |= {"chemical_formula_reduced": formula, "_oqmd_delta_e": -2.5}
            page["data"].append(one)
        page["meta"]["more_data_available"] = more
        page["links"]["next"] = f"http://example.org/optimade/structures?page_offset={offset}"
        if not more:
            page["links"]["next"] = None
        return page

    def test_a_first_page_is_refused_with_the_way_out(self):
        with pytest.raises(ImportRefused, match=r"goes on.*save all pages into one folder"):
            read_energies(CASES / self.PAGE)

    @pytest.mark.parametrize("flag", ["more", "next", "next object"])
    def test_either_flag_is_enough(self, tmp_path, flag):
        page = case(self.PAGE)
        if flag == "more":
            page["links"] = {"next": None}
        else:
            del page["meta"]["more_data_available"]
        if flag == "next object":
            page["links"]["next"] = {"href": page["links"]["next"], "meta": {}}
        with pytest.raises(ImportRefused, match="goes on"):
            read_energies(saved(tmp_path, page))

    def test_the_last_page_completes_a_folder_whatever_data_returned_says(self, tmp_path):
        first = case(self.PAGE)
        first["meta"]["data_returned"] = 99
        saved(tmp_path, first, "b.json")
        saved(tmp_path, self.later(0, [(6, "NbO2"), (7, "Nb2O5")], more=False), "a.json")
        (tmp_path / "readme.txt").write_text("pages of a query")
        found = read_energies(tmp_path)
        assert len(found.energies.formulas) == 7

    def test_a_folder_without_the_last_or_a_middle_page_is_refused(self, tmp_path):
        saved(tmp_path, case(self.PAGE), "1.json")
        saved(tmp_path, self.later(7, [(6, "NbO2"), (7, "Nb2O5")], more=True), "2.json")
        with pytest.raises(ImportRefused, match="goes on"):
            read_energies(tmp_path)
        saved(tmp_path, self.later(0, [(8, "NbO")], more=False), "3.json")
        assert len(read_energies(tmp_path).energies.formulas) == 8
        (tmp_path / "2.json").unlink()
        saved(tmp_path, self.later(9, [(6, "NbO2"), (7, "Nb2O5")], more=True), "2.json")
        with pytest.raises(ImportRefused, match="a page is missing"):
            read_energies(tmp_path)

    def test_pages_that_tell_their_place_show_which_is_missing(self, tmp_path):
        for name, place, following in [("1", "", "b"), ("3", "&page_cursor=c", None)]:
            page = self.later(0, [(int(name), "NbO2" if name == "1" else "Nb2O5")], more=False)
            page["meta"]["more_data_available"] = following is not None
            page["meta"]["query"] = {"representation": f"/structures?filter=x{place}"}
            page["links"]["next"] = following and f"http://e.org/s?page_cursor={following}"
            saved(tmp_path, page, f"{name}.json")
        with pytest.raises(ImportRefused, match=r"page_cursor=b\) is missing"):
            read_energies(tmp_path)

    @pytest.mark.parametrize(
        ("where", "key"),
        [
            ("meta", "total_doc"),
            ("pagination", "total"),
            (None, "total_count"),
            ("meta", "num_results"),
            ("page_info", "total_docs"),
        ],
    )
    def test_a_total_larger_than_what_is_held_is_refused(self, tmp_path, where, key):
        page = {"data": case("mp_docs_list.json")}
        held = len(page["data"])
        more = held + 3
        for total, fits in [(held, True), (more, False), (str(more), False), (float(more), False)]:
            page |= {where: {key: total}} if where else {key: total}
            path = saved(tmp_path, page)
            if fits:
                assert len(read_energies(path).energies.formulas) == held
            else:
                with pytest.raises(ImportRefused, match=f"states {more} entries, {held} are held"):
                    read_energies(path)

    @pytest.mark.parametrize(
        "said",
        [
            {"next_cursor": "b"},
            {"meta": {"next_page_token": "b"}},
            {"pageInfo": {"hasNextPage": True}},
        ],
    )
    def test_a_page_that_names_a_place_to_go_on_is_refused(self, tmp_path, said):
        with pytest.raises(ImportRefused, match="goes on"):
            read_energies(saved(tmp_path, {"data": case("mp_docs_list.json"), **said}))

    def test_pages_of_two_functionals_of_one_database_are_refused(self, tmp_path):
        for number, functional in enumerate(["pbe", "pbesol"]):
            page = self.later(0, [(number, "NbO2" if number else "Nb2O5")], more=False)
            page["links"]["base_url"] = f"http://example.org/{functional}"
            saved(tmp_path, page, f"{functional}.json")
        with pytest.raises(ImportRefused, match=r"several databases.*pbe, http.*pbesol"):
            read_energies(tmp_path)

    def test_a_functional_stated_beside_each_structure_counts(self, tmp_path):
        page = self.later(0, [(1, "NbO2"), (2, "Nb2O5")], more=False)
        for one, functional in zip(page["data"], ["PBE", "PBEsol"], strict=True):
            one["attributes"]["_oqmd_xc_functional"] = functional
        with pytest.raises(ImportRefused, match=r"PBE \(1\), PBEsol \(1\)"):
            read_energies(saved(tmp_path, page))


class TestScales:
    @pytest.mark.parametrize("heading", ["functional", "xc", "XC_functional", "dft_functional"])
    def test_a_column_of_two_functionals_is_refused(self, tmp_path, heading):
        rows = ["Li,0,PBE", "O2,0,PBE", "Li2O,-2.07,PBEsol"]
        text = "\n".join([f"formula,formation_energy_eV_atom,{heading}", *rows])
        with pytest.raises(ImportRefused, match=r"PBE \(2\), PBEsol \(1\)"):
            read_energies(saved(tmp_path, text, "energies.csv"))

    def test_elements_of_another_calculation_are_refused_by_name(self):
        with pytest.raises(ImportRefused, match=r"CdPt \+31\.99.*Cd -20\.11, Li -7\.10") as error:
            read_energies(CASES / "two_scales_total.csv")
        assert "different calculations" in str(error.value)

    LI_FE_O = "li_fe_o_total.csv"

    @pytest.mark.parametrize(
        ("element", "shift"),
        [("Li", -2.5), ("Li", +4.0), ("O", -4.0), ("O", +4.0), ("Fe", -8.0), ("Fe", +5.5)],
    )
    def test_one_element_off_by_some_eV_is_refused(self, tmp_path, element, shift):
        rows = list(csv.DictReader((CASES / self.LI_FE_O).read_text().splitlines()))
        lines = ["formula,energy_eV_atom"]
        for row in rows:
            own = row["formula"].rstrip("0123456789") == element
            value = float(row["energy_eV_atom"]) + (shift if own else 0.0)
            lines.append(f"{row['formula']},{value}")
        with pytest.raises(ImportRefused, match="formation energies that no compound has"):
            read_energies(saved(tmp_path, "\n".join(lines), "shifted.csv"))

    @pytest.mark.parametrize(
        "rows",
        ["Li,-1.9\nO2,-4.9\nLi2O,-14.3\n", "Li,-3.9\nPt,-6.1\nLiPt,-2.9\n", "Li,-1e308\nLi2O,-5\n"],
    )
    def test_energies_per_cell_or_shifted_alloys_are_refused(self, tmp_path, rows):
        with pytest.raises(ImportRefused):
            read_energies(saved(tmp_path, f"formula,energy_eV_atom\n{rows}", "odd.csv"))

    def test_every_energy_of_a_large_table_is_possible(self):
        from muli.candidates.formula import parse
        from muli.candidates.importers.plausible import Formed, impossible

        deepest = [("La2Th8O19", -4.612), ("ThF4", -4.523), ("WF6", -2.936), ("LiF", -3.18)]
        assert not impossible(Formed(name, parse(name), value) for name, value in deepest)

    def test_one_mixed_hull_is_read_and_named(self):
        found = read_energies(CASES / "mp_default_mixed.json")
        assert energy(found, "Li2O") == pytest.approx(-2.0667, abs=1e-3)
        assert energy(found, "Li2O2") == pytest.approx(-1.65, abs=1e-9)
        assert found.energies.provenance["functional"] == "GGA_GGA+U_R2SCAN"
        assert "r2SCAN" in found.energies.provenance["hull"]

    def mixed(self, change):
        entries = case("mp_default_mixed.json")
        change(entries)
        return entries

    def test_r2scan_moved_onto_the_gga_hull_is_one_scale_too(self, tmp_path):
        def change(entries):
            for entry in entries[:3]:
                entry["parameters"]["run_type"] = "GGA"
            moved = entries[3]
            moved["parameters"]["run_type"] = "R2SCAN"
            text = "Place r2SCAN energy onto the GGA(+U) hull"
            moved["energy_adjustments"][1]["description"] = text

        found = read_energies(saved(tmp_path, self.mixed(change)))
        assert found.energies.provenance["hull"].startswith("GGA(+U)")

    @pytest.mark.parametrize("fault", ["not moved", "two hulls", "moved alone", "no hull named"])
    def test_a_mixture_without_one_scale_is_refused_with_the_argument(self, tmp_path, fault):
        def change(entries):
            moved = entries[3]
            adjustment = moved["energy_adjustments"][1]
            if fault == "not moved":
                moved["energy_adjustments"] = moved["energy_adjustments"][:1]
                moved["correction"] = -1.86
            elif fault == "two hulls":
                other = copy.deepcopy(moved) | {"entry_id": "mp-90005"}
                other["parameters"]["run_type"] = "R2SCAN"
                text = "Place r2SCAN energy onto the GGA(+U) hull"
                other["energy_adjustments"][1]["description"] = text
                entries.append(other)
            elif fault == "moved alone":
                entries[2]["parameters"]["run_type"] = "GGA"
            else:
                adjustment["description"] = ""

        with pytest.raises(ImportRefused, match=r"additional_criteria=.*GGA_GGA\+U"):
            read_energies(saved(tmp_path, self.mixed(change)))

    def test_a_correction_that_its_parts_do_not_give_is_named(self, tmp_path):
        entries = case("mp_default_mixed.json")
        entries[3]["correction"] = -1.86
        found = read_energies(saved(tmp_path, entries))
        assert "is not the sum of its adjustments" in str(found.rejected[0])
        assert found.energies.left_out == {"Li2O2": frozenset({"Li", "O"})}


class TestMissingPhases:
    def test_a_table_without_lithium_gives_no_limit(self, tmp_path):
        row = table(tmp_path, CASES / "no_lithium.csv")["NaCl"]
        assert row.get("reduction_limit_V", "") == ""
        assert "no other compound with lithium in Cl-Li-Na" in row["computed_status"]

    @pytest.mark.parametrize(
        "rows",
        [
            [("LiNbO3", -2.9)],
            [("LiNbO3", -2.9), ("Li2O", -2.07), ("Li2O2", -1.65)],
            [("LiNbO3", -2.9), ("Nb2O5", -3.06)],
            [("LiNbO3", -2.9), ("Li3PO4", -2.7), ("LiTaO3", -3.0), ("Li2ZrO3", -3.1)],
        ],
    )
    def test_a_compound_without_competing_phases_has_no_limit(self, rows):
        row = assess("LiNbO3", Energies.of(rows), ())
        assert row["computed_status"].startswith("no limits: the table has no")
        assert "reduction_limit_V" not in row
        assert row["energy_above_hull_eV_atom"] is None

    def test_lithium_halides_are_alone_in_nature(self):
        row = assess("LiCl", Energies.of([("LiCl", -2.12)]), ())
        assert row["computed_status"] == "ok"
        assert row["oxidation_limit_V"] == pytest.approx(4.24)

    def test_a_window_without_width_is_a_fact(self, tmp_path):
        rows = table(tmp_path, CASES / "li_fe_o_total.csv")
        assert rows["Li2FeO2"]["reduction_limit_V"] == rows["Li2FeO2"]["oxidation_limit_V"]
        assert rows["Li2FeO2"]["computed_status"] == "ok"

    def test_a_limit_beyond_its_column_has_a_reason(self, tmp_path):
        text = "formula,formation_energy_eV_atom\nLiF,-5.1\n"
        row = table(tmp_path, saved(tmp_path, text, "deep.csv"))["LiF"]
        assert row["oxidation_limit_V"] == ""
        assert "oxidation_limit_V left blank: 10.2 V vs Li/Li+" in row["computed_status"]


class TestSpellings:
    def test_ions_are_their_elements_and_add_up(self, tmp_path):
        assert energy(read_energies(CASES / "species.json"), "Li2O") == pytest.approx(-5.6 / 3)
        entries = case("species.json")
        for ions in (
            {"Li+": 1, "Li0+": 1, "O2-": 0.5, "O1-": 0.5},
            {"Li⁺": 2, "O²⁻": 0.5, "O2−": 0.5},
        ):
            entries[2]["composition"] = ions
            found = read_energies(saved(tmp_path, entries))
            assert energy(found, "Li2O") == pytest.approx(-5.6 / 3)

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
    def test_any_encoding_of_json_is_read(self, tmp_path, encoding):
        (tmp_path / "a.json").write_bytes((CASES / "species.json").read_text().encode(encoding))
        assert len(read_energies(tmp_path / "a.json").energies.formulas) == 3

    @pytest.mark.parametrize("wrap", [lambda x: x, lambda x: {"data": x}, lambda x: {"entries": x}])
    def test_documents_are_read_with_or_without_a_page(self, tmp_path, wrap):
        found = read_energies(saved(tmp_path, wrap(case("mp_docs_list.json"))))
        assert energy(found, "LiNbO3") == -2.91
        assert len(found.energies.formulas) == 10

    def test_two_hulls_in_a_list_are_refused(self, tmp_path):
        documents = case("mp_docs_list.json")
        documents[3]["thermo_type"] = "R2SCAN"
        with pytest.raises(ImportRefused, match="each is a hull of its own"):
            read_energies(saved(tmp_path, documents))

    @pytest.mark.parametrize("name", ["mp_docs_list.json", "species.json", "mp_default_mixed.json"])
    @pytest.mark.parametrize(
        "pack",
        [lambda b: b, gzip.compress, bz2.compress, lzma.compress],
        ids=["", "gz", "bz2", "xz"],
    )
    def test_lines_and_packings_hold_the_same(self, tmp_path, name, pack):
        expected = read_energies(CASES / name).energies
        lines = "\n".join(json.dumps(entry) for entry in case(name)).encode()
        for suffix, text in ((".jsonl", lines), (".json", (CASES / name).read_bytes())):
            path = tmp_path / f"{name}{suffix}.packed"
            path.write_bytes(pack(text))
            found = read_energies(path).energies
            assert found.formulas == expected.formulas
            assert (found.formation_energy == expected.formation_energy).all()

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"energy": True}, "true and false are no numbers"),
            ({"energy": -1e308}, "no energy of atoms"),
            ({"energy": "１４"}, "digits 0 to 9"),
            ({"energy": None}, "blank"),
            ({"composition": {"Li": -2, "O": 1}}, "amount of Li is -2"),
            ({"composition": {"Li": True, "O": 1}}, "amount of Li: true and false"),
            ({"composition": {"Li": "２", "O": 1}}, "amount of Li: expected a number in digits"),
            ({"composition": {"Xx+": 2, "O": 1}}, "'Xx+' is no element"),
            ({"composition": {"Li": 1e300, "O": 1}}, "amount of Li is 1e+300"),
            ({"correction": "much"}, "expected a number"),
        ],
    )
    def test_wild_values_are_named_and_the_hull_is_flagged(self, tmp_path, change, words):
        entries = case("mp_default_mixed.json")
        oxide = copy.deepcopy(case("species.json")[2]) | {"entry_id": "x"}
        oxide["parameters"]["run_type"] = "R2SCAN"
        found = read_energies(saved(tmp_path, [*entries, oxide | change]))
        assert words in str(found.rejected[0])
        for formula in ("Li2O", "Li2O2"):
            row = assess(formula, found.energies, ())
            is_blank_of_a_known_compound = change == {"energy": None}
            assert (row["computed_status"] == "ok") == is_blank_of_a_known_compound

    def test_integers_of_any_length_are_refused_in_words(self, tmp_path):
        text = json.dumps(case("species.json")).replace("-9.8", "1" + "0" * 5000)
        with pytest.raises(ImportRefused, match="element O"):
            read_energies(saved(tmp_path, text))

    def test_a_dropped_phase_stays_known_through_import_and_compute(self, tmp_path):
        documents = case("mp_docs_list.json")
        documents[7]["formation_energy_per_atom"] = "low"
        first = read_energies(saved(tmp_path, documents))
        write_energies(first.energies, tmp_path / "energies.csv")
        rows = table(tmp_path, tmp_path / "energies.csv")
        assert "the energy of LiNb3O8 could not be read" in rows["LiNbO3"]["computed_status"]
        assert rows["LiNbO3"].get("oxidation_limit_V", "") == ""
        assert rows["Li2O"]["computed_status"] == "ok"
        again = read_energies(tmp_path / "energies.csv").energies.provenance["functional"]
        assert again == "GGA_GGA+U"
