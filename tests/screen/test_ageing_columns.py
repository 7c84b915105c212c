"""`[ageing]` of a spec: its columns are the answers of `muli age`, in every mode."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from muli.screen import run
from muli.screen.engine.ageing import Aged
from muli.screen.engine.life import Asked, Products, chance
from muli.screen.engine.probability_line import Line
from muli.screen.errors import SpecError
from muli.screen.ranking.rank import rank
from muli.screen.solving.age_spec import age_spec, places
from muli.screen.space.problem import prepare
from muli.screen.space.setup import set_up
from muli.screen.space.source import source_of
from muli.screen.spec import parse
from muli.screen.spec.times import checked_times, label, seconds
from muli.screen.vocabulary import IN_TIME, LIFE, better, unit
from tests.quick import quick_jit
from tests.screen.screens import read, small

TIMES = ["1 h", "1 month", "10 years"]


def spec_of(axes=(), **ageing):
    return {
        "screen": {"missing": "status", "asr_budget_ohm_cm2": 40.0},
        "axes": {
            "coating": ["LiNbO3", "LiTaO3"],
            "coating_thickness_nm": [3, 6],
            "electrolyte": ["Li6PS5Cl", "Li3PS4"],
            "cathode_potential_V": [4.3],
            "coating.sigma_ele_S_cm": [1e-12],
            "coating.sigma_ion_S_cm": [1e-8],
            "electrolyte.sigma_ele_S_cm": [1e-9],
            **dict(axes),
        },
        "ageing": {"times": TIMES, **ageing},
    }


def columns_of(spec):
    problem = prepare(source_of(spec))
    at, thickness_nm = places(problem)
    return Aged(problem, problem.spec.ageing).columns(at, thickness_nm)


@pytest.mark.parametrize(
    "axes",
    [
        {},
        {"anode_potential_V": [1.9]},
        pytest.param(
            {"cathode.area_factor": [20.0], "interface.coating_cathode_asr_ohm_cm2": [3.0]},
            marks=pytest.mark.full,
        ),
    ],
    ids=("planar", "nothing at the anode", "composite"),
)
def test_columns_are_the_answers_of_muli_age(axes):
    """Coated and bare cells, by the closed form and by the general solver."""
    spec = spec_of(axes)
    found, cells = columns_of(spec), age_spec(spec).answers
    names = {
        "interphase_nm": "interphase_nm",
        "anode_interphase_nm": "anode_interphase_nm",
        "asr_interphase_ohm_cm2": "asr_interphase_ohm_cm2",
        "anode_lithium_lost_uAh_cm2": "anode_lithium_lost_uAh_cm2",
        "electrolyte_oxidised_uAh_cm2": "electrolyte_oxidised_uAh_cm2",
    }
    assert set(names) == set(IN_TIME)
    for name, key in names.items():
        ours = np.stack([found[f"{name}_at_{label(time)}"] for time in TIMES], axis=1)
        np.testing.assert_allclose(ours, [cell[key] for cell in cells], rtol=1e-8, atol=1e-12)
    final = [cell["final_nm"] for cell in cells]
    np.testing.assert_allclose(found["interphase_final_nm"], final, rtol=1e-8)
    held = np.array(final) > 0
    np.testing.assert_array_equal(found["unprotected_share"], held)
    assert held.any()


def test_unknown_is_null_and_protected_is_nothing():
    known = columns_of(spec_of({"cathode_potential_V": [1.8]}))
    assert np.all(known["interphase_nm_at_10_years"] == 0)
    assert np.all(known["max_hole_share"] == 1)
    blank = spec_of()
    del blank["axes"]["coating.sigma_ele_S_cm"]
    found = columns_of(blank)["interphase_nm_at_1_h"]
    assert np.isnan(found[:4]).all()  # neither film has a measured value
    assert np.isfinite(found[4])  # the cell without a coating


@pytest.mark.full
def test_a_whole_coating_is_the_limit_of_few_holes():
    axes = {"electrolyte.sigma_ele_S_cm": [2e-8], "coating.sigma_ele_S_cm": [1e-13]}
    whole, few = columns_of(spec_of(axes)), columns_of(spec_of(axes, coverage=1 - 1e-9))
    for name in ("interphase_final_nm", "coating_passes_nm_per_year", "unprotected_share"):
        np.testing.assert_allclose(few[name], whole[name], rtol=1e-3, atol=1e-5)
    holes = columns_of(spec_of(axes, coverage=0.99))
    coated = np.arange(len(whole["unprotected_share"])) % 5 < 4
    protected = coated & (whole["unprotected_share"] == 0)
    assert protected.any()
    np.testing.assert_allclose(holes["unprotected_share"][protected], 0.01)
    assert np.all(holes["interphase_nm_at_10_years"][protected] > 0)


@pytest.mark.full
def test_the_budget_of_a_coating_with_holes():
    """The time found by search against the resistances at that time."""
    found = columns_of(spec_of(coverage=0.9, count_anode_side=False))
    years = found["years_to_budget"]
    known = np.isfinite(years) & (years > 0) & (years < 1e4)
    assert known.any()
    for place in np.flatnonzero(known)[:2]:
        time = round(years[place] * seconds("1 year"))
        again = columns_of(spec_of(coverage=0.9, times=[f"{time} s"], count_anode_side=False))
        name = f"at_{time}_s"
        anode = again[f"anode_interphase_nm_{name}"][place] * 1e-7
        row = Aged(prepare(source_of(spec_of())), parse(spec_of()).ageing)
        at, nm = places(row.problem)
        one = jax.tree.map(lambda leaf, i=place: leaf[i], row.rows(at, nm)[0])
        spent = one.asr_coating + again[f"asr_interphase_ohm_cm2_{name}"][place]
        assert spent - anode / one.anode.sigma_ion == pytest.approx(40.0, rel=1e-3)


def line_of(row, spread=0.0):
    """A line as the row has it, its conductivities uncertain by so many decades."""
    logs = {"sigma_ion": 1e-8, "sigma_ion_second": 1e-8, "sigma_ele": 1e-12}
    line = Line(*([0.0] * 42))._replace(
        **{name: np.log10(value) for name, value in logs.items()},
        **{f"{name}_sd": spread for name in logs},
        electrolyte_sigma_ele=-9.0,
        electrolyte_sigma_ion_S_cm=1.0 / (row.electrolyte_resistance / 3e-3 - 1e9),
        electrolyte_cm=3e-3,
        electrolyte_reduction_V=row.reduction,
        electrolyte_oxidation_V=row.oxidation,
        pinned=1.0,
        cathode_high_V=4.3,
        budget_ohm_cm2=40.0,
        area_factor=1.0,
    )
    return jax.tree.map(jnp.asarray, line)


def test_without_a_spread_the_probability_is_yes_or_no():
    problem = prepare(source_of(spec_of()))
    at, nm = places(problem)
    aged = Aged(problem, problem.spec.ageing)
    found = aged.columns(at, nm)["years_to_budget"]
    row = jax.tree.map(lambda leaf: leaf[0], aged.rows(at, nm)[0])

    def products(layer, spread):
        logs = (layer.sigma_ion, layer.sigma_ele, layer.volume_per_charge, 1e20)
        spreads = [part for value in logs for part in (np.log10(value), spread)]
        law = (layer.rising.slope, layer.rising.reference, layer.rising.floor)
        return jax.tree.map(jnp.asarray, Products(*spreads, *law))

    @quick_jit
    def lives(line, made, life):
        asked = Asked(life, 1.0, None, 5e-6)
        return chance(line, made[0], made[0], made[1], jnp.asarray(3.0), asked, 64).p_lives

    sharp, wide = (
        (line_of(row, s), (products(row.cathode, s), products(row.anode, s))) for s in (0.0, 1.0)
    )
    budget = found[0] * seconds("1 year")
    assert np.isfinite(budget)
    assert float(lives(*sharp, 0.999 * budget)) == 1.0
    assert float(lives(*sharp, 1.001 * budget)) == 0.0
    chances = [float(lives(*wide, budget * factor)) for factor in (0.01, 1.0, 100.0)]
    assert chances == sorted(chances, reverse=True)
    assert 0.1 < chances[1] < 0.9


def test_times_units_and_directions():
    assert checked_times(["1 year", "30 min", "1 months"]) == ("30 min", "1 month", "1 year")
    assert label("10 years") == "10_years"
    assert seconds("2 h") == 7200.0
    assert unit("interphase_nm_at_10_years") == "nm"
    assert unit("years_to_budget") == "years"
    assert better("interphase_nm_at_1_h") == better("asr_coating_ohm_cm2")
    for wrong in (["1.5 h"], ["1 fortnight"], ["1 h", "60 min"], [], ["99999 years"]):
        with pytest.raises(ValueError, match=r"time|expected|same"):
            checked_times(wrong)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ageing": {"times": ["soon"]}}, "expected a whole number and a unit"),
        ({"ageing": {"coverage": 1.2}}, "ageing.coverage = 1.2"),
        ({"ageing": {"life": 3}}, "closest: life_years"),
        ({"ranking": {"criteria": ["lives"]}}, r"needs a section \[ageing\]"),
    ],
)
def test_what_a_wrong_spec_is_told(change, words):
    spec = spec_of()
    del spec["ageing"]
    with pytest.raises(SpecError, match=words):
        parse({**spec, **change})


def test_contacts_at_the_anode_are_refused():
    with pytest.raises(SpecError, match="no contact resistance at the anode"):
        set_up(spec_of({"interface.anode_electrolyte_asr_ohm_cm2": [5.0]}))


def test_holes_that_have_merged_are_not_protected():
    axes = {"electrolyte.sigma_ele_S_cm": [2e-8], "coating.sigma_ele_S_cm": [1e-13]}
    found = columns_of(spec_of(axes, coverage=0.05))["unprotected_share"]
    np.testing.assert_allclose(found[[1, 3]], 0.95)  # 6 nm of each coating protect
    assert found[4] == 1.0


def test_a_filter_on_a_column_of_ageing_says_where_it_is_possible():
    spec = {**spec_of(), "filters": {"thin": "interphase_nm_at_10_years < 20"}}
    with pytest.raises(SpecError, match="muli rank DIR --where"):
        set_up(spec)


@pytest.mark.full
def test_modes_agree_and_lives_is_a_criterion(tmp_path):
    """Rows of best are rows of all; the rest of a run does not change."""
    ageing = {"ageing": {"times": TIMES}}
    whole, best, without = (
        read(run({**small(tmp_path, mode), **more}, tmp_path / name).folder).to_pandas()
        for name, mode, more in (
            ("all", "all", ageing),
            ("best", "best", ageing),
            ("without", "best", {}),
        )
    )
    same = whole.set_index("row_id").loc[best["row_id"]].reset_index()
    aged = [name for name in best.columns if name not in without.columns]
    assert len(aged) == 5 * len(TIMES) + 7 + 2
    for name in aged:
        assert same[name].equals(best[name]), name
    assert best[without.columns].equals(without)
    spec = small(tmp_path, "best", screen__missing="prior") | ageing
    folder = run(spec, tmp_path / "prior").folder
    found = rank(folder, criteria="lives", top=None)
    np.testing.assert_allclose(found["p_works"], found["p_lives"], rtol=1e-6)
    both = rank(folder, criteria="protects,lives", top=None)
    np.testing.assert_allclose(both["p_works"], both["p_lives_protected"], rtol=1e-6)
    assert set(LIFE) <= set(found.columns)
    assert "none" in set(found["coating"])
