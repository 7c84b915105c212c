"""Properties of one material in a spec: that material's alone, in runs, designs and draws."""

import numpy as np
import pandas as pd
import pytest

from muli.screen import run
from muli.screen.errors import SpecError
from muli.screen.optimize import design
from muli.screen.ranking.criteria import scenario_columns
from muli.screen.report import what_if
from muli.screen.space.setup import ranking_notes, set_up
from muli.screen.spec import Source, parse
from tests.screen.screens import read, small

ONE = "film A.sigma_ele_S_cm"
VALUES = [1e-13, 1e-11]


def spec(folder, mode="all", **axes):
    """Two electrolytes, one cathode and anode, three thicknesses, at 318 K."""
    given = small(folder, mode, axes__anode=["Li"], axes__electrolyte_thickness_um=[30])
    given["axes"] |= {"coating_thickness_nm": [5, 20, 80], "temperature_K": [318.0], **axes}
    given["screen"]["boundary"] = "auto"
    return given


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """Rows with an axis of one film, and those without, by what tells them apart."""
    folder = tmp_path_factory.mktemp("own")
    keys = ["coating", "electrolyte", "cathode_state", "coating_thickness_nm"]
    found = []
    for name, axes in (("with", {ONE: VALUES}), ("without", {})):
        run(spec(folder, **axes), folder / name)
        found.append(read(folder / name).to_pandas().set_index(keys).sort_index())
    return found


def test_an_axis_of_one_material_moves_that_material_alone(rows):
    given, plain = rows
    column = ONE.replace(".", "_")
    for value in VALUES:
        part = given[np.isclose(given[column], value, rtol=1e-6, atol=0)]
        assert len(part) == len(plain)
        others = part.index.get_level_values("coating") != "film A"
        for name in ("interface_potential_V", "asr_coating_ohm_cm2", "coating_sigma_ele_S_cm"):
            np.testing.assert_array_equal(part.loc[others, name], plain.loc[others, name])
        np.testing.assert_allclose(part.loc["film A", "coating_sigma_ele_S_cm"], value, rtol=1e-6)
        assert set(part.loc["film A", "evidence_sigma_ele"]) == {"assumed"}
        assert set(part.loc["film A", "assumed"]) == {ONE}
        assert set(part.loc["film B", "assumed"]) == {""}
    low, high = (
        given[np.isclose(given[column], v, rtol=1e-6, atol=0)].loc["film A"] for v in VALUES
    )
    ratio = high["min_thickness_nm"] / low["min_thickness_nm"]
    finite = np.isfinite(ratio) & (low["min_thickness_nm"] > 0)
    assert finite.any()
    np.testing.assert_allclose(ratio[finite], VALUES[1] / VALUES[0], rtol=1e-3)
    assert column in scenario_columns(given.reset_index().columns)


def test_a_design_reads_the_same_value_at_the_temperature_of_its_row(tmp_path):
    given = spec(tmp_path, **{ONE: [1e-13]})
    given["axes"].pop("coating_thickness_nm")
    source = Source(parse(given), "spec", tmp_path)
    one = {f["coating"]: f for f in design(source, criteria="protects")}
    given["axes"].pop(ONE)
    plain = {f["coating"]: f for f in design(Source(parse(given), "spec", tmp_path))}
    assert one["film A"][ONE] == 1e-13
    assert set(plain) == set(one)
    given["axes"]["coating.sigma_ele_S_cm"] = [1e-13]
    every = {
        f["coating"]: f for f in design(Source(parse(given), "spec", tmp_path), criteria="protects")
    }
    assert one["film A"]["thickness_nm"] == pytest.approx(every["film A"]["thickness_nm"])
    assert one["film D"]["thickness_nm"] != pytest.approx(every["film D"]["thickness_nm"])


def test_probabilities_take_the_value_as_exact_for_that_material(tmp_path):
    believed = []
    for axes in ({ONE: [1e-13], "film A.sigma_ion_S_cm": [2e-7]}, {}):
        given = spec(tmp_path, **axes)
        given["screen"]["missing"] = "prior"
        believed.append(set_up(given).beliefs)
    own, plain = (beliefs.fields for beliefs in believed)
    for field, value in (("sigma_ele", 1e-13), ("sigma_ion", 2e-7)):
        mean, sd = np.broadcast_arrays(own[field].mean, own[field].sd)
        place = own[field].axes.index("coating")
        mean, sd = (np.moveaxis(each, place, 0).reshape(5, -1)[:, 0] for each in (mean, sd))
        assert mean[0] == pytest.approx(np.log10(value))
        assert sd[0] == 0
        np.testing.assert_allclose(mean[1:], plain[field].mean.reshape(5, -1)[1:, 0])
    assert believed[0].exact["second_weight"][1][0] == 0
    assert believed[0].columns["sigma_ele_basis"].in_order[0] == "given"


def test_a_distribution_of_one_material_draws_that_material_alone(tmp_path):
    given = spec(tmp_path)
    law = {"lognormal": {"median": 1e-12, "decades": 0.5}}
    given["uncertainty"] = {"draws": 64, "seed": 1, ONE: law}
    given["axes"]["electrolyte"] = ["Li6PS5Cl"]
    run(given, tmp_path / "run")
    rows = read(tmp_path / "run").to_pandas().set_index("coating")
    ratio = rows["min_thickness_p95_nm"] / rows["min_thickness_p5_nm"]
    known = rows["min_thickness_p5_nm"].between(1e-3, 1e6)
    wide, narrow = ratio[known].loc[["film A"]], ratio[known].drop("film A")
    assert len(wide)
    assert len(narrow)
    np.testing.assert_allclose(wide, 10 ** (2 * 1.645 * 0.5), rtol=0.25)
    np.testing.assert_allclose(narrow, 1.0, rtol=1e-6)


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        (
            {"film Z.sigma_ele_S_cm": [1e-13]},
            "no coating or electrolyte on the axes is called film Z",
        ),
        ({"coatin.sigma_ele_S_cm": [1e-13]}, "called coatin; closest: coating"),
        ({"film A.sigma_ele": [1e-13]}, "unknown axis"),
        ({"film A.sigma_ele_S_cm": [-1.0]}, "expected S/cm"),
        ({"film A.sigma_ion_activation_eV": [0.3, 0.4]}, "of one material it takes one"),
        (
            {"Li6PS5Cl.sigma_ion_S_cm": [1e-3], "LPSCl.sigma_ion_S_cm": [2e-3]},
            "gives the same property; leave one of them out",
        ),
    ],
)
def test_wrong_keys_say_what_is_wrong(tmp_path, axes, message):
    with pytest.raises(SpecError, match=message):
        set_up(spec(tmp_path, **axes))


def test_a_key_of_a_role_says_that_it_takes_the_place_of_measured_values(tmp_path):
    problem = set_up(spec(tmp_path, **{"electrolyte.sigma_ion_S_cm": [1e-3]})).problem
    (note,) = [n for n in ranking_notes(problem) if "measured values" in n]
    assert '"NAME.sigma_ion_S_cm" gives that of one' in note
    alias = set_up(spec(tmp_path, **{"LPSCl.sigma_ion_S_cm": [1e-3]})).problem
    assert alias.own == {"electrolyte.sigma_ion_S_cm": (("LPSCl.sigma_ion_S_cm", 0),)}


def test_a_layer_of_a_coating_is_a_material_too(tmp_path):
    """Ten times less sigma_ele of the inner layer: more of the potential falls in the coating."""
    given = spec(tmp_path, **{ONE: [1e-13]})
    given["library"] = {"tables": [given["axes"]["coating"]["file"]]}
    given["axes"] |= {
        "coating": [["film A", "film D"]],
        "coating_thickness_nm": [[5, 20], [10]],
        "electrolyte": ["Li6PS5Cl"],
    }
    problem = set_up(given).problem
    assert problem.own == {"coating_1.sigma_ele_S_cm": ((ONE, 0),)}
    run(given, tmp_path / "own")
    run({**given, "axes": {k: v for k, v in given["axes"].items() if k != ONE}}, tmp_path / "plain")
    own, plain = (read(tmp_path / name).to_pandas() for name in ("own", "plain"))
    fall = (own["cathode_potential_V"] - own["interface_potential_V"]) / (
        plain["cathode_potential_V"] - plain["interface_potential_V"]
    )
    assert (fall > 1.2).all()


def test_the_page_reads_the_limit_of_one_material_as_the_run_does():
    rows = pd.DataFrame({"coating": ["film A", "film B"], "film A_oxidation_limit_V": [3.0, 3.0]})
    own = what_if._own(rows, "coating", "oxidation_limit_V", ["film A.oxidation_limit_V"])
    assert own[0] == 3.0
    assert np.isnan(own[1])


@pytest.mark.parametrize("law", [{"literature": True}, {"uniform": [1e-13, 1e-11]}])
def test_a_material_that_a_filter_removes_leaves_its_key_without_effect(tmp_path, law):
    given = spec(tmp_path)
    given["filters"] = {"others": "sigma_ele_S_cm > 2e-12 OR sigma_ele_S_cm IS NULL"}
    given["uncertainty"] = {"draws": 16, "seed": 1, ONE: law}
    problem = set_up(given).problem
    assert problem.materials.frames["coating"]["name"].tolist() == ["film C", "film D"]
    assert problem.own == {}
