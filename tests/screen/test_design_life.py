"""Designs for a life: the thinnest film lives and a thinner one does not."""

import math

import pytest
from typer.testing import CliRunner

from muli.screen.cli.app import app
from muli.screen.errors import SpecError
from muli.screen.optimize import design
from muli.screen.space.source import source_of
from tests.screen.test_ageing_columns import columns_of, spec_of

AXES = {
    "coating.sigma_ele_S_cm": [1e-13],
    "coating.sigma_ion_S_cm": [1e-7],
    "electrolyte.sigma_ele_S_cm": [5e-9],
}


def asked(criteria=("lives",), objective="total_coating_thickness", **design_keys):
    spec = spec_of(AXES, count_anode_side=False)
    spec["axes"]["electrolyte"] = ["Li6PS5Cl"]
    spec["axes"]["coating"] = ["LiNbO3"]
    return spec | {
        "ranking": {"criteria": list(criteria)},
        "design": {"objective": objective, **design_keys},
    }


def years_at(nm):
    spec = asked()
    spec["axes"]["coating_thickness_nm"] = [nm]
    return columns_of(spec)["years_to_budget"][0]


def test_the_thinnest_film_that_lives():
    (found,) = design(source_of(asked()))
    assert found["status"] == "ok"
    assert found["criteria"] == ["affordable", "lives"]
    assert found["boundary"] == "auto"
    nm = found["thickness_nm"][0]
    assert years_at(nm * 1.0001) >= 10.0 > years_at(nm * 0.99)
    assert found["years_to_budget"] >= 10.0
    assert found["interphase_final_nm"] > 0.0  # it lives without being protected
    (whole,) = design(source_of(asked(("protects", "lives"))))
    assert whole["thickness_nm"][0] > nm
    assert whole["interphase_final_nm"] == 0.0


def test_the_film_that_lasts_longest():
    (found,) = design(source_of(asked(objective="lifetime")))
    assert math.isinf(found["longest_years"])
    assert math.isinf(years_at(found["longest_at_nm"] * 1.0001))
    assert math.isfinite(years_at(found["longest_at_nm"] * 0.99))


def test_what_a_design_for_life_refuses():
    spec = asked()
    del spec["ageing"], spec["ranking"]
    with pytest.raises(SpecError, match=r"needs a section \[ageing\]"):
        design(source_of(spec), criteria="lives")
    with pytest.raises(SpecError, match="varies coating_thickness_nm alone"):
        design(source_of(asked(variables={"temperature_K": [280, 330]})))


@pytest.mark.full
def test_with_a_probability_and_in_words(tmp_path):
    (likely,) = design(source_of(asked(probability=0.5)))
    (likelier,) = design(source_of(asked(probability=0.6)))
    assert likely["thickness_nm"][0] < likelier["thickness_nm"][0]
    assert 0.5 <= likely["p_lives"] < 0.6 <= likelier["p_lives"]
    path = tmp_path / "life.toml"
    path.write_text(
        '[axes]\ncoating = "LiNbO3"\nelectrolyte = "Li6PS5Cl"\ncathode_potential_V = 4.3\n'
        '"coating.sigma_ele_S_cm" = 1e-13\n[ageing]\ncount_anode_side = false\n'
    )
    done = CliRunner().invoke(app, ["design", str(path), "--criteria", "lives"])
    assert done.exit_code == 0, done.output
    assert "10 years within 10 ohm cm2" in done.output
    assert "largest sigma_ele of the interphase" in done.output
