"""Specs: the examples parse, and every mistake is named at once with unit and closest name."""

import pytest

from muli.screen.errors import SpecError
from muli.screen.space.setup import set_up
from muli.screen.space.source import source_of
from muli.screen.spec import load, parse


def problems(spec) -> str:
    with pytest.raises(SpecError) as error:
        parse(spec)
    assert error.value.exit_code == 2
    return str(error.value)


def test_every_mistake_at_once():
    text = problems(
        {
            "axes": {
                "coatin": ["LiNbO3"],
                "coating_thickness_nm": [5e-9, -1, float("nan"), "ten", 0],
                "electrolyte": ["Li6PS5Cl"],
                "electrolyte_thickness_um": [3e-5],
                "temperature_K": 25,
                "cathode": ["NMC811"],
                "cathode_potential_V": [4300],
                "coating.sigma_el_S_cm": [1e-9],
                "coating.sigma_ele_S_cm": [0, 1e300],
            },
            "screen": {"boundary": "atuo", "asr_budget": 3},
            "output": {"mode": "bst", "top_k": 0},
            "scren": {},
        }
    )
    for expected in (
        "axes.coating: missing",
        "axes.coatin: unknown axis; closest: coating",
        "5e-09 m = 5 nm",
        "-1: expected nm",
        "nan: not finite",
        "'ten': not a number, expected nm",
        "3e-05 m = 30 um",
        "25 degrees Celsius = 298.15 K",
        "4300 mV = 4.3 V",
        "closest: coating.sigma_ele_S_cm",
        "1e+300: expected S/cm",
        "give cathode (names) or cathode_potential_V",
        "screen.asr_budget: unknown key; closest: asr_budget_ohm_cm2",
        "output.mode = 'bst'",
        "scren: unknown section; closest: screen",
    ):
        assert expected in text, expected


@pytest.mark.parametrize("text", ["", "[axes", "\x00", "a = " + "[" * 5000])
def test_files_that_are_no_specs(tmp_path, text):
    path = tmp_path / "spec.toml"
    path.write_text(text)
    with pytest.raises(SpecError, match=r"spec\.toml"):
        load(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SpecError, match="cannot be read"):
        load(tmp_path / "none.toml")


AXES = {
    "coating": ["LiNbO3"],
    "coating_thickness_nm": [10],
    "electrolyte": ["Li6PS5Cl"],
    "cathode_potential_V": [4.3],
}


def test_unknown_materials_are_all_named_with_the_closest():
    axes = {**AXES, "coating": ["LiNbO4", "Li3PO4"], "electrolyte": ["Li6PS5CI"], "anode": ["Lii"]}
    with pytest.raises(SpecError) as error:
        set_up({"axes": axes})
    text = str(error.value)
    assert "'LiNbO4'; closest: Li3NbO4, LiNbOCl4, LiNbO3" in text
    assert "'Li6PS5CI'; closest: Li6PS5I, Li6PS5Cl" in text
    assert "'Lii'" in text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"coating": {"file": "none.csv"}}, "no such file"),
        ({"coating": {"table": "librari"}}, "closest: library"),
        ({"coating": {"where": "no_such_column > 1"}}, "no_such_column"),
        ({"coating": {"where": "band_gap_eV > 1e9"}}, "no coating fits"),
        ({"coating": {"where": "1=1) UNION ALL SELECT 0 FROM materials WHERE (1=1"}}, "be read"),
        ({"electrolyte": {"where": "(SELECT count(*) FROM materials) > 0"}}, "a subquery"),
        ({"anode": {"where": "random() > 0.5"}}, "random is not a function"),
        ({"coating": {"where": "CALL enable_logging()"}}, "cannot be read"),
        ({"coating": {"where": "band_gap_eV"}}, "a number, not a condition"),
        ({"coating": [["LiNbO3", "Li3PO4"]]}, "give one for each"),
        ({"stack_pressure_MPa": [10]}, "stack_pressure_MPa"),
    ],
)
def test_axes_that_cannot_be_laid_out(change, message):
    with pytest.raises(SpecError, match=message):
        set_up({"axes": {**AXES, **change}})


def test_ranges_are_lazy_and_a_trillion_stacks_are_counted():
    from muli.screen.space.cost import dry_run

    wide = {"start": 1, "stop": 100, "num": 10**6, "spacing": "log"}
    axes = {**AXES, "coating_thickness_nm": wide, "electrolyte_thickness_um": wide}
    found = dry_run({"axes": axes})
    assert found.stacks == 10**12
    assert "1,000,000,000,000 stacks" in str(found)


def test_defaults_are_those_documented():
    spec = parse({"axes": AXES})
    assert spec.screen.boundary == ("auto",)
    assert spec.axes.electrolyte_thickness_um.values().tolist() == [30.0]
    assert spec.axes.temperature_K.values().tolist() == [298.15]
    assert spec.output.mode == "best"
    assert (spec.screen.asr_budget_ohm_cm2, spec.screen.window_tolerance_V) == (10.0, 0.1)


def test_unknown_materials_stand_among_the_other_errors(tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text('[axes]\ncoating = ["LiNbO"]\ncathode = ["NMC81"]\nelectrolite = "*"\n')
    with pytest.raises(SpecError) as caught:
        source_of(path)
    text = str(caught.value)
    assert all(each in text for each in ("closest: LiNbO3", "closest: NMC811", "electrolite"))


@pytest.mark.parametrize(("section", "key"), [("uncertainty", "distributions"), ("axes", "others")])
def test_names_inside_the_program_are_no_keys(section, key):
    values = {"coating.sigma_ele_S_cm": {"loguniform": [1e-14, 1e-12]}}
    assert f"{section}: {key} is no key here; a property stands in quotes" in problems(
        {section: {key: values}}
    )
