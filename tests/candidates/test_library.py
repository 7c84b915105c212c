"""The shipped tables: complete, consistent, within range, every value with a known source."""

import math
import re
from itertools import pairwise

import pytest

from muli import candidates
from muli.candidates.defaults import choose_window, defaults
from muli.candidates.formula import parse
from muli.candidates.schema import (
    BOUNDS,
    FORMS,
    METHODS,
    NUMERIC,
    QUALIFIERS,
    QUANTITY_KINDS,
    ROLES,
    STATES,
    TRUST,
    WINDOW_KINDS,
)
from muli.candidates.tables import LIBRARY, NUMBERS, context_of, rows_of, table, values_of

WITH_MATERIAL = (
    "values",
    "windows",
    "potentials",
    "reactions",
    "decomposition_steps",
    "potential_dependence",
)
WITH_SOURCE = (*WITH_MATERIAL, "ocp_points", "interface_resistance", "processing")


def names():
    return set(table("materials")["name"])


def test_every_shipped_csv_is_described_and_read():
    shipped = {path.stem for path in LIBRARY.glob("*.csv")}
    assert shipped == set(NUMBERS)
    for name in NUMBERS:
        assert len(table(name)) > 0
        assert set(NUMBERS[name]) <= set(table(name).columns)


def test_names_and_aliases_are_unique():
    materials = table("materials")
    every = [*materials["name"]]
    for aliases in materials["aliases"]:
        every += filter(None, aliases.split("; "))
    assert len(every) == len(set(every))


def test_every_material_has_a_readable_formula_a_known_role_and_compound():
    for row in table("materials").to_dict("records"):
        assert parse(row["formula"]), row
        assert set(row["role"].split("; ")) <= set(ROLES), row
        assert row["family"], row
        assert row["compound"] in names() | {""}, row


def test_forms_of_a_compound_share_its_composition():
    formulas = dict(zip(table("materials")["name"], table("materials")["formula"], strict=True))
    for row in table("materials").to_dict("records"):
        if row["compound"]:
            ours, theirs = parse(row["formula"]), parse(formulas[row["compound"]])
            assert set(ours) == set(theirs)
            for element, amount in ours.items():
                assert amount / sum(ours.values()) == pytest.approx(
                    theirs[element] / sum(theirs.values()), abs=0.01
                )


@pytest.mark.parametrize("name", WITH_MATERIAL)
def test_rows_belong_to_materials(name):
    assert set(table(name)["material"]) <= names()


@pytest.mark.parametrize("name", WITH_SOURCE)
def test_rows_have_a_source_and_a_trust_level(name):
    known = set(table("sources")["id"])
    assert set(table(name)["source"]) <= known
    assert set(table(name)["trust"]) <= set(TRUST)


def test_sources_are_cited_once():
    sources = candidates.sources()
    assert sources["id"].is_unique
    assert (sources["citation"].str.len() > 10).all()
    assert set(sources["trust"]) <= set(TRUST)
    dois = sources["doi"][sources["doi"] != ""]
    assert dois.str.fullmatch(r"10\.\d{4,9}/\S+").all()
    assert dois.is_unique


@pytest.mark.parametrize(
    ("name", "share"), [("values", 0.65), ("windows", 0.9), ("reactions", 0.85)]
)
def test_most_values_have_a_doi(name, share):
    dois = table("sources").set_index("id")["doi"]
    rows = table(name)
    known = rows["source"].map(dois) != ""
    if "primary_doi" in rows:
        known |= rows["primary_doi"] != ""
    assert known.mean() > share


@pytest.mark.parametrize("name", sorted(NUMBERS))
def test_no_row_stands_twice(name):
    rows = table(name)
    assert not rows.duplicated().any(), rows[rows.duplicated(keep=False)]


@pytest.mark.parametrize("name", sorted(NUMBERS))
def test_cells_are_plain_text(name):
    for column in table(name).select_dtypes(exclude="number"):
        text = table(name)[column]
        assert not text.str.contains(r"[<>\x00-\x1f]", regex=True).any() or column == "note"
        assert (text == text.str.strip()).all()


def test_values_are_numbers_in_range_with_known_words():
    for row in table("values").to_dict("records"):
        value, low, high = row["value"], row["low"], row["high"]
        assert row["method"] in METHODS, row
        assert row["quantity_kind"] in QUANTITY_KINDS, row
        assert row["bound"] in BOUNDS, row
        assert row["qualifier"] in QUALIFIERS, row
        conductivity = row["property"].startswith("sigma_")
        assert row["state"] in STATES, row
        assert row["form"] in FORMS, row
        assert conductivity == bool(row["state"]) == bool(row["form"]), row
        assert (row["quantity_kind"] == "leakage") <= (row["field_V_cm"] > 0), row
        assert math.isnan(value) != math.isnan(low), row
        assert math.isnan(low) == math.isnan(high), row
        assert math.isnan(low) or low < high, row
        column = NUMERIC.get(row["property"])
        for number in (value, low, high):
            if column and not math.isnan(number):
                assert column.low <= number <= column.high, row
        if not math.isnan(row["temperature_K"]):
            assert 250 < row["temperature_K"] < 800, row


def test_every_property_kind_is_a_word_of_its_quantity():
    for row in table("values").to_dict("records"):
        ionic = {"", "total", "bulk"}
        electronic = {"", "leakage", "volume_resistivity", "all_carriers"}
        allowed = ionic if row["property"].startswith("sigma_ion") else electronic
        assert row["quantity_kind"] in allowed, row


def test_no_paper_is_counted_twice():
    for name in table("materials")["name"]:
        for value in values_of(name):
            if value.bound or value.qualifier:
                continue
            same = [
                other
                for other in values_of(name)
                if (other.quantity, other.origin, other.number, other.sample)
                == (value.quantity, value.origin, value.number, value.sample)
            ]
            assert len(same) == 1, same


def test_the_number_of_a_paper_on_ionic_conduction_is_no_electronic_value():
    rows = table("values")
    niobate = rows[(rows["material"] == "LiNbO3") & (rows["property"] == "sigma_ele_S_cm")]
    assert niobate.empty
    crystal = rows["material"] == "LiNbO3 (crystal)"
    crystal = rows[crystal & (rows["property"] == "sigma_ele_S_cm")]
    reduced = crystal[crystal["state"] == "reduced"]
    assert crystal[crystal["state"] == "pristine"]["value"].max() < 1e-17
    assert (reduced["low"].min(), reduced["high"].max()) == (1e-11, 1e-9)


def test_the_electronic_default_of_a_film_was_measured_on_a_film():
    for row in table("materials").to_dict("records"):
        chosen = defaults(values_of(row["name"]), **context_of(row["name"])).get("sigma_ele_S_cm")
        if row["form"] == "film" and chosen is not None and chosen.value is not None:
            assert chosen.value.form in ("film", "crystalline film"), row["name"]


def test_windows_are_ordered_and_of_a_known_kind():
    for row in table("windows").to_dict("records"):
        assert row["window_kind"] in WINDOW_KINDS, row
        assert not math.isnan(row["reduction_limit_V"]) or not math.isnan(row["oxidation_limit_V"])
        assert not row["oxidation_limit_V"] <= row["reduction_limit_V"], row


def test_kinds_of_reaction_energy_are_kept_apart():
    for row in table("reactions").to_dict("records"):
        closed, per_non_li = row["energy_meV_atom"], row["energy_eV_non_Li_atom"]
        assert math.isnan(closed) != math.isnan(per_non_li), row
        assert row["mode"] == ("open" if math.isnan(closed) else "closed"), row
        assert not closed > 0, row
    sources = table("reactions").groupby("mode")["source"].unique()
    assert list(sources["open"]) == ["Richards2016"]
    assert "Richards2016" not in sources["closed"]


def test_electrode_potentials_are_ordered():
    for row in table("potentials").to_dict("records"):
        numbers = [
            row[name]
            for name in ("discharged_potential_V", "average_potential_V", "charged_potential_V")
        ]
        known = [number for number in numbers if not math.isnan(number)]
        anode = row["material"] in ("graphite", "silicon")
        assert known == sorted(known, reverse=anode), row


def test_open_circuit_points_fall_with_lithium():
    for name, points in table("ocp_points").groupby("set"):
        for _, source in points.groupby("source"):
            ordered = source.sort_values("lithium_fraction")["potential_V"].to_list()
            steps = [b - a for a, b in pairwise(ordered)]
            assert all(step <= 0 for step in steps), name


def test_the_library_is_as_large_as_it_says():
    coatings = candidates.load(role="coating")
    electrolytes = candidates.load(role="electrolyte")
    electrodes = candidates.load()
    assert len(coatings) >= 30
    assert len(electrolytes) >= 15
    complete = electrodes[["average_potential_V", "charged_potential_V"]].notna().all(axis=1)
    assert complete.sum() >= 12
    families = set(coatings["family"])
    assert {"oxide", "phosphate", "borate", "niobate", "halide"} <= families
    kinds = set(electrolytes["family"])
    assert {"argyrodite", "thiophosphate", "LGPS", "garnet", "NASICON", "perovskite"} <= kinds
    assert {"oxynitride", "halide"} <= kinds


def test_no_place_of_work_is_named():
    words = r"github\.com/(?!pybamm-team|BattMoTeam|NRC-Mila)|/work/|litdb|@[0-9a-f]{7,}"
    for path in LIBRARY.glob("*.csv"):
        assert not re.search(words, path.read_text("utf-8")), path.name


PUBLISHED_WINDOWS = {
    "Li3PO4": (0.69, 4.21),
    "LiPON": (0.68, 2.63),
    "Li7La3Zr2O12": (0.05, 2.91),
    "LATP": (2.17, 4.21),
    "LiTaO3": (1.18, 3.95),
    "Li3PS4": (1.71, 2.31),
    "LiNbO3": (1.74, 3.88),
    "Li6PS5Cl": (1.71, 2.01),
    "Li4Ti5O12": (1.75, 3.71),
    "Li10GeP2S12": (1.71, 2.14),
}


@pytest.mark.parametrize("name", PUBLISHED_WINDOWS)
def test_default_windows_are_those_of_zhu_2015(name):
    row = candidates.load().set_index("name").loc[candidates.resolve(name)]
    assert (row["reduction_limit_V"], row["oxidation_limit_V"]) == PUBLISHED_WINDOWS[name]
    assert row["window_source"] == "Zhu2015"
    assert row["window_kind"] == "grand_potential"
    exchanged = row["oxidation_limit_V"], row["reduction_limit_V"]
    assert exchanged != PUBLISHED_WINDOWS[name]


def test_values_printed_in_papers_stand_unchanged():
    rows = candidates.values("Li6PS5Cl")
    janek = rows[(rows["source"] == "Janek2022CRPS") & (rows["property"] == "sigma_ion_S_cm")]
    assert sorted(janek["value"]) == [1.56e-3, 1.95e-3]
    lipon = candidates.values("LiPON")
    put = lipon[(lipon["source"] == "Put2016") & (lipon["property"] == "sigma_ele_S_cm")]
    assert put["value"].to_list() == [1e-15]
    llzto = candidates.values("LLZTO")
    assert 2.5e-9 in llzto.loc[llzto["property"] == "sigma_ele_S_cm", "value"].to_list()
    glass = candidates.values("LiPO3")
    conductivity = glass[glass["property"] == "sigma_ion_S_cm"]
    assert dict(zip(conductivity["temperature_K"], conductivity["value"], strict=True)) == {
        343.15: 5.5e-8,
        443.15: 5.89e-6,
    }


def test_intrinsic_and_measured_windows_are_never_the_default():
    for name in ("Li6PS5Cl", "Li3YCl6", "Li3InCl6", "LiPON"):
        chosen, _ = choose_window(rows_of("windows", name))
        assert chosen is None or "grand_potential" in chosen["window_kind"]
    assert choose_window(rows_of("windows", "Li3InCl6"))[0] is None
