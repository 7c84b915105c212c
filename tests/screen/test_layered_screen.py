"""Screens of coatings of several layers against resistors in series, worked out here."""

import pytest

from muli.screen import rank, run
from muli.screen.errors import SpecError
from muli.screen.space.problem import column
from muli.screen.space.setup import set_up
from muli.screen.spec.rebuild import rebuilt
from muli.screen.vocabulary import P_COLUMNS
from tests.screen.screens import COATINGS, read

SIGMA_ELE = {"coating": 4e-14, "electrolyte": 1e-9}


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    """A spec with two films of a table of one's own."""
    table = tmp_path_factory.mktemp("films") / "films.csv"
    table.write_text(COATINGS)

    def of(mode, **axes):
        return {"library": {"tables": [str(table)]}, **asked(mode, **axes)}

    return of


def asked(mode, **axes):
    given = {
        "coating": [["film A", "film B"], ["film B", "film A"]],
        "coating_thickness_nm": [[1, 2, 5], [1, 3]],
        "electrolyte": ["Li6PS5Cl"],
        "electrolyte_thickness_um": [20, 40],
        "cathode": ["NMC811"],
        "coating.sigma_ele_S_cm": [SIGMA_ELE["coating"]],
        "electrolyte.sigma_ion_S_cm": [2e-3],
        "electrolyte.sigma_ele_S_cm": [SIGMA_ELE["electrolyte"]],
    }
    screen = {"asr_budget_ohm_cm2": 60.0}
    return {"axes": given | axes, "screen": screen, "output": {"mode": mode}}


@pytest.fixture(scope="module")
def rows(spec, tmp_path_factory):
    folder = tmp_path_factory.mktemp("layers") / "all"
    run(spec("all"), folder, precision="float64")
    return read(folder).to_pandas()


def expected(row, sigma_ion):
    """E* and the resistance of the coating, by hand."""
    electrolyte = row["electrolyte_thickness_um"] * 1e-4
    films = [row[f"coating_{k}_thickness_nm"] * 1e-7 for k in (1, 2)]
    ionic = [L / sigma_ion[row[f"coating_{k}"]] for k, L in zip((1, 2), films, strict=True)]
    R = electrolyte / sigma_ion["Li6PS5Cl"] + electrolyte / SIGMA_ELE["electrolyte"]
    R_coating = sum(ionic) + sum(films) / SIGMA_ELE["coating"]
    anode = max(row["anode_potential_V"], sigma_ion["reduction"])
    rise = row["cathode_potential_V"] - anode
    return anode + rise * R / (R + R_coating), sum(ionic)


def test_every_row_is_its_own_stack(spec, rows):
    problem = set_up(spec("all")).problem
    coating, electrolyte = (problem.materials.frames[k] for k in ("coating", "electrolyte"))
    assert list(coating["name"]) == ["film A | film B", "film B | film A"]
    sigma_ion = {"film A": 1e-6, "film B": 1e-8, "Li6PS5Cl": 2e-3}
    sigma_ion["reduction"] = column(electrolyte, "reduction_limit_V")[0]
    oxidation = column(electrolyte, "oxidation_limit_V")[0]
    assert len(rows) == 2 * 2 * 2 * 6
    for _, row in rows.iterrows():
        E, resistance = expected(row, sigma_ion)
        assert row["interface_potential_V"] == pytest.approx(E, abs=1e-9)
        assert row["asr_coating_ohm_cm2"] == pytest.approx(resistance, rel=1e-9)
        assert row["protected"] == (sigma_ion["reduction"] <= E <= oxidation)
        parts = row["coating_1_thickness_nm"] + row["coating_2_thickness_nm"]
        assert row["coating_thickness_nm"] == pytest.approx(parts)
    joint = ["coating", "electrolyte_thickness_um"]
    joint += [f"coating_{k}_thickness_nm" for k in (1, 2)]
    for _, states in rows.groupby(joint, observed=True):
        fits = states["protected"] & (states["asr_coating_ohm_cm2"] <= 60.0)
        assert (states["feasible"] == fits.all()).all()
    assert rows["feasible"].any()
    assert not rows["feasible"].all()


def test_the_coating_is_judged_by_all_its_layers(rows):
    """The layer at the cathode is oxidised first; the narrower window of both counts."""
    charged = rows[rows["cathode_state"] == "charged"]
    by_order = charged.groupby("coating_2", observed=True)["coating_oxidation_margin_V"].min()
    assert by_order["film A"] < by_order["film B"]
    assert set(charged[charged["coating_2"] == "film A"]["coating_class"]) == {"oxidises"}


def test_every_row_has_probabilities_of_its_own_thicknesses(rows):
    """Numbers, no more likely together than apart; the thinnest of the best is recommended."""
    assert rows[[*P_COLUMNS, "asr_median_ohm_cm2"]].notna().all().all()
    assert (rows["p_works"] <= rows[["p_transport", "p_chemistry"]].min(axis=1) + 1e-12).all()
    line = ["coating", "electrolyte_thickness_um"]
    thickness = [f"coating_{k}_thickness_nm" for k in (1, 2)]
    for _, same in rows.groupby([*line, *thickness], observed=True):
        assert (same[list(P_COLUMNS)].nunique() == 1).all()  # all states of charge together
    for _, group in rows.groupby(line, observed=True):
        assert group["recommended_thickness_nm"].nunique() == 1
        least = group["p_transport"].max() - 0.005
        enough = group[(group["coating_thickness_nm"] >= 2.5) & (group["p_transport"] >= least)]
        recommended = group["recommended_thickness_nm"].iloc[0]
        assert recommended == pytest.approx(enough["coating_thickness_nm"].min())


@pytest.mark.full
def test_mode_best_keeps_the_recommended_combination(spec, rows, tmp_path):
    run(spec("best"), tmp_path / "best", precision="float64")
    best, of_all = rank(tmp_path / "best", per=["electrolyte_thickness_um"]), []
    for _, row in best[best["coating"] != "none"].iterrows():
        at = ["coating", "electrolyte_thickness_um", "coating_1_thickness_nm"]
        at += ["coating_2_thickness_nm"]
        same = rows[(rows[at] == row[at]).all(axis=1)]
        for name in (*P_COLUMNS, "asr_median_ohm_cm2", "recommended_thickness_nm"):
            assert same[name].to_numpy() == pytest.approx(row[name], rel=1e-9)
        of_all.append(row["coating_thickness_nm"] == row["recommended_thickness_nm"])
    assert len(of_all) == 4
    assert all(of_all)
    assert (best[best["coating"] == "none"]["coating_1_thickness_nm"] == 0).all()


@pytest.mark.full
def test_without_priors_mode_best_keeps_the_thinnest_that_is_feasible(spec, rows, tmp_path):
    facts = spec("best")
    facts["screen"] = {**facts["screen"], "missing": "status"}
    run(facts, tmp_path / "best", precision="float64")
    best = read(tmp_path / "best").to_pandas()
    feasible = rows[rows["feasible"]]
    thinnest = feasible.groupby(["coating", "electrolyte_thickness_um"], observed=True)
    kept = best[best["feasible"]].groupby(["coating", "electrolyte_thickness_um"], observed=True)
    expected = thinnest["coating_thickness_nm"].min()
    assert kept["coating_thickness_nm"].min().equals(expected)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"coating_thickness_nm": [1, 2]}, "give one for each"),
        ({"coating": ["film A"]}, "name all of them"),
        ({"coating": [["film A", "film B"], ["film A"]]}, "the same number of layers"),
        ({"coating": [["film A", "film Z"]]}, "film Z"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_way_out(spec, changes, says):
    with pytest.raises(SpecError, match=says):
        set_up(spec("all", **changes))


def test_what_single_layers_alone_have_is_refused(spec):
    with pytest.raises(SpecError, match="several layers"):
        set_up(spec("all") | {"ageing": {"times": ["1 year"]}})


def test_thicknesses_come_in_the_order_of_their_sums(spec):
    found = set_up(spec("all")).axis_columns["coating_thickness_nm"].in_order
    assert found == sorted(found)


def test_a_spec_with_several_layers_is_rebuilt_from_a_manifest(spec):
    given = set_up(spec("all")).problem.spec
    assert rebuilt(given.model_dump(mode="json", exclude_none=True)).axes == given.axes
