"""Every format in, one consistent table of formation energies out, or a reason."""

import gzip
import json

import pytest

from muli.candidates.importers import (
    ImportRefused,
    fetch_materials_project,
    from_pymatgen,
    read_energies,
    read_gaps,
    write_energies,
)
from muli.candidates.importers import limits as limits_module
from muli.candidates.thermodynamics import Energies


def _energy(imported, formula):
    return imported.energies.formation_energy[imported.energies.find(formula)]


def _csv(tmp_path, text, name="energies.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


class TestCsv:
    def test_formation_energies_and_the_lowest_polymorph(self, tmp_path):
        path = _csv(
            tmp_path, "formula,formation_energy_eV_atom\nLi2O,-2\nO1Li2,-1.9\nLiNbO3,-2.9\n"
        )
        found = read_energies(path)
        assert len(found.energies.formulas) == 2
        assert _energy(found, "Li2O") == -2
        assert found.energies.provenance["source"] == "energies.csv"

    def test_total_energies_count_from_the_elements(self, tmp_path):
        rows = "formula,energy_eV_atom\nLi,-1.9\nLi,-1.8\nO2,-4.9\nLi2O,-4.9\n"
        assert _energy(read_energies(_csv(tmp_path, rows)), "Li2O") == pytest.approx(
            -4.9 + (2 * 1.9 + 4.9) / 3
        )

    def test_a_missing_element_is_named(self, tmp_path):
        rows = "formula,energy_eV_atom\nLi,-1.9\nLiNbO3,-6\n"
        with pytest.raises(ImportRefused, match="no entry of the element Nb, O"):
            read_energies(_csv(tmp_path, rows))

    def test_mixed_functionals_are_refused(self, tmp_path):
        rows = "formula,Ef_eV_atom,functional\nLi2O,-2,PBE\nLiF,-3,PBE\nLiCl,-2,r2SCAN\n"
        with pytest.raises(ImportRefused, match=r"PBE \(2\), r2SCAN \(1\)"):
            read_energies(_csv(tmp_path, rows))

    def test_duplicate_ids_are_refused_and_named(self, tmp_path):
        rows = "id,formula,Ef_eV_atom\na-1,Li2O,-2\na-2,LiF,-3\na-1,LiCl,-2\n"
        with pytest.raises(ImportRefused, match="once: a-1;"):
            read_energies(_csv(tmp_path, rows))

    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            ("LiXx,-1", "'Xx' is not an element"),
            ("Li2O,abc", "expected a number in eV/atom"),
            ("Li2O,nan", "expected a number in eV/atom"),
            ("Li2O,1e300", "kJ/mol, or a total energy"),
            ("Li2O,-598", "kJ/mol, or a total energy"),
            ("Li2O", "expected a number"),
            ("Li,-1.9", "an element forms from itself"),
            ("=cmd(),-1", "cannot read"),
            ("../../etc/passwd,-1", "cannot read"),
            ("<script>alert(1)</script>,-1", "cannot read"),
            ("Li" * 300 + ",-1", "600 characters"),
        ],
    )
    def test_a_bad_row_is_left_out_with_its_place_and_reason(self, tmp_path, row, reason):
        text = f"formula,Ef_eV_atom\nLiF,-3\n{row}\n"
        found = read_energies(_csv(tmp_path, text))
        assert found.energies.formulas == ("LiF",)
        (left_out,) = found.rejected
        assert reason in str(left_out)
        assert "energies.csv line 3, column Ef_eV_atom" in str(left_out)
        assert len(str(left_out)) < 400

    def test_a_huge_cell_costs_its_own_row_only(self, tmp_path):
        rows = ["formula,Ef_eV_atom", "LiF,-3", "L" * 10**6 + ",-1", "LiCl,-2"]
        found = read_energies(_csv(tmp_path, "\n".join(rows)))
        assert found.energies.formulas == ("LiF", "LiCl")
        assert "line 3" in str(found.rejected[0])
        assert "field larger than field limit" in str(found.rejected[0])

    def test_an_unclosed_quote_is_named(self, tmp_path):
        found = read_energies(_csv(tmp_path, 'formula,Ef_eV_atom\nLiF,-3\n"Li2O,-1\nLiCl,-2\n'))
        assert found.energies.formulas == ("LiF",)
        assert "unexpected end of data" in str(found.rejected[0])

    @pytest.mark.parametrize(
        "text",
        [
            "\n\nformula,Ef_eV_atom\nLiF,-3.1\nLi2O,-2.07\n",
            "formula;Ef_eV_atom\nLiF;-3,1\nLi2O;-2,07\n",
            "formula\tformation_energy_per_atom\nLiF\t−3.1\nLi2O\t-2.07\n",
            "Material ID,Formula,Sites,Formation Energy\nmp-1,LiF,2,-3.1\nmp-2,Li2O,3,-2.07\n",
        ],
    )
    def test_dialects_and_downloads_are_read(self, tmp_path, text):
        found = read_energies(_csv(tmp_path, text))
        assert found.rejected == ()
        assert (_energy(found, "LiF"), _energy(found, "Li2O")) == (-3.1, -2.07)

    @pytest.mark.parametrize("cell", ["<-2", "-2 ± 0.1", "~-2", "-2..-1", "－2", "1" + "0" * 400])
    def test_an_energy_is_one_number(self, tmp_path, cell):
        found = read_energies(_csv(tmp_path, f"formula,Ef_eV_atom\nLiF,-3\nLi2O,{cell}\n"))
        assert "Li2O" in found.energies.left_out

    def test_imports_side_by_side_write_whole_files(self, tmp_path):
        from concurrent.futures import ThreadPoolExecutor

        energies = Energies.of([(f"Li{n}F", -1.0) for n in range(1, 200)])
        out = tmp_path / "out.csv"
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: write_energies(energies, out), range(12)))
        assert read_energies(out).energies.formulas == energies.formulas
        assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]

    def test_wrong_columns_name_the_closest(self, tmp_path):
        with pytest.raises(ImportRefused, match="did you mean Formula"):
            read_energies(_csv(tmp_path, "Formula,Ef\nLiF,-3\n"))

    @pytest.mark.parametrize("text", ["", "formula,Ef_eV_atom\n", "formula,Ef_eV_atom\nXx,-1\n"])
    def test_nothing_usable_is_said(self, tmp_path, text):
        with pytest.raises(ImportRefused, match=r"no usable energy|needs columns"):
            read_energies(_csv(tmp_path, text))

    def test_written_energies_read_back_exactly(self, tmp_path):
        energies = Energies.of([("LiNbO3", -2.914008), ("Li2O", -1 / 3)])
        write_energies(energies, tmp_path / "out.csv")
        again = read_energies(tmp_path / "out.csv").energies
        assert again.formulas == energies.formulas
        assert (again.formation_energy == energies.formation_energy).all()

    def test_gaps_by_formula_over_polymorphs(self, tmp_path):
        text = "formula,n,gap_min_eV,gap_median_eV,gap_max_eV\nNbLiO3,12,0,3,3.7\nXx,1,1,1,1\n"
        gaps = read_gaps(_csv(tmp_path, text))
        assert list(gaps) == ["LiNbO3"]
        assert (gaps["LiNbO3"].low, gaps["LiNbO3"].median, gaps["LiNbO3"].high) == (0, 3, 3.7)

    def test_one_gap_column_is_enough(self, tmp_path):
        gaps = read_gaps(_csv(tmp_path, "formula,band_gap_eV\nLi3PO4,5.8\nLiF,\n"))
        assert gaps.keys() == {"Li3PO4"}
        assert gaps["Li3PO4"].low == gaps["Li3PO4"].high == 5.8


class TestHostileFiles:
    def test_a_gzip_bomb_stops_at_the_bound(self, tmp_path, monkeypatch):
        monkeypatch.setattr(limits_module, "MAX_BYTES", 10_000)
        path = tmp_path / "bomb.csv.gz"
        path.write_bytes(gzip.compress(b"0" * 50_000_000))
        with pytest.raises(ImportRefused, match="more than 10,000 bytes"):
            read_energies(path)

    def test_a_damaged_gzip_is_named(self, tmp_path):
        path = tmp_path / "cut.csv.gz"
        path.write_bytes(gzip.compress(b"formula,Ef_eV_atom\nLiF,-3\n" * 1000)[:-20])
        with pytest.raises(ImportRefused, match=r"cut\.csv\.gz: damaged"):
            read_energies(path)

    @pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 200_000, "{", "", "[NaN"])
    def test_broken_or_bottomless_json_is_refused(self, tmp_path, text):
        with pytest.raises(ImportRefused, match="JSON"):
            read_energies(_csv(tmp_path, text, "deep.json"))

    @pytest.mark.parametrize("text", ["{}", "[]", "[1, 2]", '{"data": []}', '{"data": 1}', "7"])
    def test_json_of_another_kind_is_refused(self, tmp_path, text):
        with pytest.raises(ImportRefused, match=r"no entries|no usable energy"):
            read_energies(_csv(tmp_path, text, "other.json"))


def _entry(composition, energy, run_type="GGA", correction=0.0, **more):
    return {
        "@module": "pymatgen.entries.computed_entries",
        "@class": "ComputedEntry",
        "composition": composition,
        "energy": energy,
        "correction": correction,
        "entry_id": None,
        "parameters": {"run_type": run_type},
        "data": {},
        **more,
    }


ELEMENTS = [_entry({"Li": 2.0}, -3.8), _entry({"O": 2.0}, -9.8), _entry({"Co": 1.0}, -7.0)]


class TestComputedEntries:
    def _read(self, tmp_path, entries, name="entries.json"):
        path = tmp_path / name
        content = json.dumps(entries).encode()
        path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
        return read_energies(path)

    def test_total_energies_with_their_corrections(self, tmp_path):
        oxide = _entry({"Li": 4.0, "O": 2.0}, -28.0, correction=-1.4)
        found = self._read(tmp_path, [*ELEMENTS, oxide], "entries.json.gz")
        by_hand = (-28.0 - 1.4 + 4 * 1.9 + 2 * 4.9) / 6
        assert _energy(found, "Li2O") == pytest.approx(by_hand)

    def test_adjustments_stand_in_for_a_missing_correction(self, tmp_path):
        oxide = _entry({"Li": 2.0, "O": 1.0}, -14.0, correction=None)
        oxide["energy_adjustments"] = [
            {"@class": "CompositionEnergyAdjustment", "adj_per_atom": -0.687, "n_atoms": 1.0},
            {"@class": "ManualEnergyAdjustment", "value": 0.1},
        ]
        found = self._read(tmp_path, [*ELEMENTS, oxide])
        assert _energy(found, "Li2O") == pytest.approx((-14.0 - 0.687 + 0.1 + 3.8 + 4.9) / 3)

    def test_agrees_with_pymatgen_on_its_own_file(self, tmp_path):
        from monty.serialization import dumpfn, loadfn
        from pymatgen.entries.computed_entries import (
            CompositionEnergyAdjustment,
            ComputedEntry,
            ConstantEnergyAdjustment,
        )

        adjustments = [
            CompositionEnergyAdjustment(-0.687, 4.0, name="oxide"),
            ConstantEnergyAdjustment(-0.25, name="shift"),
        ]
        theirs = [
            ComputedEntry("Li2", -3.8),
            ComputedEntry("O2", -9.8),
            ComputedEntry("Co", -7.0),
            ComputedEntry("Li2Co2O4", -45.0, energy_adjustments=adjustments),
        ]
        dumpfn(theirs, tmp_path / "theirs.json.gz")
        read = read_energies(tmp_path / "theirs.json.gz")
        direct = from_pymatgen(loadfn(tmp_path / "theirs.json.gz"))
        assert _energy(read, "LiCoO2") == pytest.approx(_energy(direct, "LiCoO2"), abs=1e-12)
        by_hand = (theirs[-1].energy + 2 * 1.9 + 4 * 4.9 + 2 * 7.0) / 8
        assert _energy(read, "LiCoO2") == pytest.approx(by_hand)

    def test_corrected_u_energies_may_stand_beside_plain_ones(self, tmp_path):
        oxide = _entry({"Li": 1.0, "Co": 1.0, "O": 2.0}, -22.0, "GGA+U", correction=-3.0)
        found = self._read(tmp_path, [*ELEMENTS, oxide])
        assert found.energies.provenance["functional"] == "GGA_GGA+U"

    @pytest.mark.parametrize("run_type", ["GGA+U", "R2SCAN"])
    def test_uncorrected_ones_may_not(self, tmp_path, run_type):
        oxide = _entry({"Li": 1.0, "Co": 1.0, "O": 2.0}, -22.0, run_type)
        with pytest.raises(ImportRefused, match="different functionals"):
            self._read(tmp_path, [*ELEMENTS, oxide])

    def test_corrected_r2scan_is_still_another_functional(self, tmp_path):
        oxide = _entry({"Li": 1.0, "Co": 1.0, "O": 2.0}, -22.0, "R2SCAN", correction=-3.0)
        with pytest.raises(ImportRefused, match="different functionals"):
            self._read(tmp_path, [*ELEMENTS, oxide])

    def test_missing_references_are_named(self, tmp_path):
        with pytest.raises(ImportRefused, match="element Co, Li, O"):
            self._read(tmp_path, [_entry({"Li": 1.0, "Co": 1.0, "O": 2.0}, -22.0)])

    def test_one_bad_entry_does_not_stop_the_others(self, tmp_path):
        bad = [
            _entry({}, -1.0),
            _entry({"Li": "x"}, -1.0),
            _entry({"Xx": 1.0}, -1.0),
            _entry({"Li": 1.0}, float("nan")),
            _entry({"Li": 1.0}, -1.0, **{"@class": "GibbsComputedStructureEntry"}),
            17,
        ]
        found = self._read(tmp_path, [*ELEMENTS, *bad, _entry({"Li": 2.0, "O": 1.0}, -14.0)])
        assert found.energies.find("Li2O") is not None
        assert [one.where.split()[-1] for one in found.rejected] != []
        assert len(found.rejected) == len(bad)


def _thermo(formula, energy, identifier, thermo_type="GGA_GGA+U"):
    return {
        "formula_pretty": formula,
        "material_id": identifier,
        "thermo_id": f"{identifier}_{thermo_type}",
        "thermo_type": thermo_type,
        "composition_reduced": {"Li": 2.0, "O": 1.0} if formula == "Li2O" else {"Li": 1.0},
        "formation_energy_per_atom": energy,
        "energy_type": "GGA",
    }


class TestMaterialsProject:
    """Responses in the shape of emmet's ThermoDoc; the energies are made up."""

    def test_a_saved_response_with_its_thermo_type(self, tmp_path):
        page = {"data": [_thermo("Li2O", -2.06, "mp-1"), _thermo("Li", 0.0, "mp-2")], "meta": {}}
        found = read_energies(_csv(tmp_path, json.dumps(page), "thermo.json"))
        assert _energy(found, "Li2O") == -2.06
        assert found.energies.provenance["functional"] == "GGA_GGA+U"
        assert "CC BY 4.0" in found.energies.provenance["licence"]

    def test_two_hulls_in_one_file_are_refused(self, tmp_path):
        page = {"data": [_thermo("Li2O", -2.06, "mp-1"), _thermo("Li", 0.0, "mp-2", "R2SCAN")]}
        with pytest.raises(ImportRefused, match="each is a hull of its own"):
            read_energies(_csv(tmp_path, json.dumps(page), "thermo.json"))

    def test_without_a_key_the_way_out_is_told(self, monkeypatch):
        monkeypatch.delenv("MP_API_KEY", raising=False)
        with pytest.raises(ImportRefused, match="set MP_API_KEY"):
            fetch_materials_project(["Li", "O"])


def _structure(identifier, formula, **attributes):
    attributes["chemical_formula_reduced"] = formula
    return {"id": identifier, "type": "structures", "attributes": attributes}


class TestOptimadePages:
    def test_nested_and_flat_fields(self, tmp_path):
        stability = {"gga_gga+u": {"formation_energy_per_atom": -2.06}}
        nested = {"data": [_structure("mp-1", "Li2O", _mp_stability=stability)]}
        flat = {"data": [_structure("1", "Li2O", _oqmd_delta_e=-2.0)]}
        for number, (page, energy) in enumerate([(nested, -2.06), (flat, -2.0)]):
            found = read_energies(_csv(tmp_path, json.dumps(page), f"{number}.json"))
            assert _energy(found, "Li2O") == energy

    def test_a_folder_of_pages(self, tmp_path):
        for name, formula in [("1.json", "Li2O"), ("2.json", "LiF")]:
            page = {"data": [_structure(name, formula, _oqmd_delta_e=-2.0)], "links": {}}
            (tmp_path / name).write_text(json.dumps(page))
        assert set(read_energies(tmp_path).energies.formulas) == {"Li2O", "LiF"}

    def test_a_field_of_ones_own(self, tmp_path):
        page = {"data": [_structure("1", "Li2O", _lab_ef=-2.0), _structure("2", "LiF")]}
        path = _csv(tmp_path, json.dumps(page), "page.json")
        with pytest.raises(ImportRefused, match="name the field"):
            read_energies(path)
        found = read_energies(path, field="_lab_ef")
        assert _energy(found, "Li2O") == -2.0
        assert "no number in _lab_ef" in str(found.rejected[0])

    def test_the_same_structure_twice_is_refused(self, tmp_path):
        page = {"data": [_structure("1", "Li2O", _oqmd_delta_e=-2.0)] * 2}
        with pytest.raises(ImportRefused, match="once: 1;"):
            read_energies(_csv(tmp_path, json.dumps(page), "page.json"))
