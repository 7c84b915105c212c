"""Curves of sigma_ele in screens: read, kept with the run, and solved as stacks of a file are."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq

from muli.candidates import read_curve
from muli.screen.dataset import materials as stored
from muli.screen.dataset.manifest import read as read_manifest
from muli.screen.engine.stacks import LawForm, Lookup, build
from muli.screen.errors import SpecError
from muli.screen.optimize.read import cases
from muli.screen.running.run import run
from muli.screen.solving.solve_file import solve_file
from muli.screen.space import curves
from muli.screen.space.conductivity import at_temperature
from muli.screen.space.evidence import beliefs
from muli.screen.space.setup import ranking_notes, set_up
from muli.screen.space.source import source_of
from tests.screen.screens import read

HEAD = "name,formula,role,sigma_ion_S_cm,sigma_ion_activation_eV,sigma_ele_S_cm,sigma_ele_curve,"
HEAD += "sigma_ele_temperature_K,sigma_ele_activation_eV,reduction_limit_V,oxidation_limit_V\n"
ROWS = """film A,LiNbO3,coating,1e-6,0.4,,a.csv,,0.5,1.0,4.5
film B,Li3PO4,coating,1e-7,0.4,1e-13,,,,0.69,4.21
film C,Li2ZrO3,coating,1e-7,0.4,,,,,0.34,3.41
film D,LiTaO3,coating,2e-7,0.4,1e-5,d.csv,333.15,,1.18,3.95
pellet,Li6PS5Cl,electrolyte,2e-3,0.3,,se.csv,,,0.5,2.5
"""
FILES = {
    "a.csv": "E_V,log10_sigma_ele,sd\n0,-9,0.1\n1.1,-12,0.1\n2.4,-12.5,0.1\n3.3,-12,0.3\n5,-10,0.3",
    "d.csv": "E_V,log10_sigma_ele\n2,-11\n3,-12\n4,-12\n",
    "se.csv": "E_V,log10_sigma_ele\n-1,-8\n1,-8.5\n3,-9\n5,-8\n",
}
T = 298.15


@pytest.fixture
def folder(tmp_path):
    """A table of materials with its curves."""
    (tmp_path / "films.csv").write_text(HEAD + ROWS)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def spec(folder, **changes):
    given = {
        "screen": {"law": "table", "missing": "status", "boundary": ["electrode"]},
        "axes": {
            "coating": {"file": str(folder / "films.csv")},
            "coating_thickness_nm": [3, 30],
            "electrolyte": {"file": str(folder / "films.csv")},
            "cathode_potential_V": [4.3],
        },
        "output": {"mode": "all"},
    }
    for key, value in changes.items():
        section, _, name = key.partition("__")
        given[section] = {**given[section], name: value}
    return given


def table(folder, name, shift=0.0):
    curve = read_curve(folder / name)
    return lambda E: 10.0 ** (np.interp(E, curve.E_V, curve.log10_sigma_ele) + shift)


def integral(sigma_ele, sigma_ion, low, high):
    """Ambipolar conductivity over the potential by quadrature, S V/cm."""
    knots = [x for x in (0, 1, 1.1, 2, 2.4, 3, 3.3, 4) if low < x < high]
    ends = [low, *knots, high]

    def ambipolar(E):
        return sigma_ion * sigma_ele(E) / (sigma_ion + sigma_ele(E))

    return sum(
        quad(ambipolar, a, b, epsabs=0, epsrel=1e-11)[0] for a, b in itertools.pairwise(ends)
    )


def test_a_filled_curve_is_the_same_curve(folder):
    curve = read_curve(folder / "a.csv")
    E, logs = curves.filled_up(np.array(curve.E_V), np.array(curve.log10_sigma_ele), 64)
    assert len(E) == 64
    assert (np.diff(E) > 0).all()
    assert set(curve.E_V) <= set(E)
    x = np.linspace(0, 5, 999)
    given = np.interp(x, curve.E_V, curve.log10_sigma_ele)
    np.testing.assert_allclose(np.interp(x, E, logs), given, rtol=1e-12)
    assert [curves.filled_size(n) for n in (2, 8, 9, 65)] == [8, 8, 64, 512]


def test_the_mean_of_a_curve_by_hand():
    # 10^(-12 + 2 E) from 0 to 1 V: (100 - 1)/(2 ln 10) 1e-12; its error is where it is large
    curve = read_curve_of([[0, -12, 0.1], [1, -10, 0.1], [2, -10, 0.3]])
    log, sd = curves.mean_between(curve, 0.0, 1.0)
    assert log == pytest.approx(np.log10(99 / (2 * np.log(10)) * 1e-12), abs=1e-4)
    assert sd == pytest.approx(0.1)
    log, sd = curves.mean_between(curve, 1.0, 2.0)
    assert (log, sd) == (pytest.approx(-10.0), pytest.approx(0.2, abs=1e-3))
    assert curves.mean_between(curve, 9.0, 1.5) == (pytest.approx(-10.0), pytest.approx(0.2))


def read_curve_of(points):
    curve = curves.curve_at({curves.POINTS: json.dumps(points)})
    assert curve is not None
    return curve


def test_stacks_of_a_screen_have_the_curves_at_their_temperature(folder):
    problem = set_up(spec(folder, axes__temperature_K=[T, 333.15])).problem
    assert {role: known.tolist() for role, known in problem.curved.items()} == {
        "coating": [True, False, False, True],
        "electrolyte": [True],
    }
    size = problem.space.sizes
    hot = np.repeat([[1]], 4, axis=0)
    digits = {name: np.zeros((4, 1), int) for name in size} | {"temperature_K": hot}
    digits["coating"] = np.arange(4)[:, None]
    form = LawForm(False, curves=frozenset(problem.curved))
    tables = {key: np.asarray(values) for key, values in problem.tables.items()}
    stack = build(Lookup(tables, digits), np.full((1, 1, 1, 1), 3.0), problem.spec.screen, form)
    law = stack.stack.layers[1].sigma_ele
    E, logs = (np.broadcast_to(x, (4, 1, 1, 1, 5))[:, 0, 0, 0] for x in (law.E, law.log10_sigma))
    arrhenius = 0.5 / (8.617333262e-5 * np.log(10)) * (1 / T - 1 / 333.15)
    x = np.linspace(2, 4, 50)
    for place, name, shift in ((0, "a.csv", arrhenius), (3, "d.csv", 0.0)):
        found = 10.0 ** np.interp(x, E[place], logs[place])
        np.testing.assert_allclose(found, table(folder, name, shift)(x), rtol=1e-6)
    assert E[1].min() < -10
    assert E[1].max() > 10
    np.testing.assert_allclose(logs[1], -13.0)
    assert np.isnan(logs[2]).all()
    facts = set_up(spec(folder)).axis_columns
    assert facts["sigma_ele_curve"].distinct == ["a.csv", "d.csv"]
    assert facts["electrolyte_sigma_ele_curve"].distinct == ["se.csv"]
    assert facts["law"].distinct == ["table"]


def test_tables_of_materials_at_a_temperature_move_their_curves(folder):
    frame = set_up(spec(folder)).problem.materials.frames["coating"]
    hot = at_temperature(frame, 333.15).set_index("name")
    shift = 0.5 / (8.617333262e-5 * np.log(10)) * (1 / T - 1 / 333.15)
    assert curves.curve_at(hot.loc["film A"].to_dict()).log10_sigma_ele[0] == pytest.approx(
        -9 + shift
    )
    assert "as a curve, measured at 298.15 K, scaled" in hot.loc["film A", "temperature_notes"][-1]
    typed = at_temperature(frame, 333.15, frozenset(["sigma_ele_S_cm"]))
    assert not curves.has_curve(typed).any()


def test_a_curve_that_a_screen_does_not_take_is_said(folder):
    problem = set_up(spec(folder, screen__law="constant")).problem
    said = [note for note in ranking_notes(problem) if "curve" in note]
    assert "1 coating materials ('film A')" in said[0]
    assert "1 electrolyte materials ('pellet')" in said[1]
    assert not [n for n in ranking_notes(set_up(spec(folder)).problem) if "left out" in n]


def test_an_axis_of_sigma_ele_takes_the_place_of_the_curves(folder):
    given = spec(folder)
    given["axes"]["coating.sigma_ele_S_cm"] = [1e-12, 1e-11]
    assert list(set_up(given).problem.curved) == ["electrolyte"]


def test_a_decade_axis_is_for_what_has_no_curve(folder):
    given = spec(folder, screen__missing="decades")
    rows = (HEAD + ROWS).splitlines(keepends=True)
    (folder / "films.csv").write_text("".join(rows[i] for i in (0, 1, 4, 5)))
    assert not [key for key in set_up(given).problem.numbers if key.startswith("missing.")]
    (folder / "films.csv").write_text(HEAD + ROWS)
    keys = [key for key in set_up(given).problem.numbers if key.startswith("missing.")]
    assert keys == ["missing.coating.sigma_ele_S_cm"]


def test_probabilities_take_the_constant_that_leaks_as_the_curve(folder):
    problem = set_up(spec(folder)).problem
    found = beliefs(problem).fields["sigma_ele"]
    at = found.axes.index("coating")
    means, sds = (np.moveaxis(x, at, 0).reshape(4, -1)[:, 0] for x in (found.mean, found.sd))
    exact = integral(table(folder, "a.csv"), 1e3, 2.5, 4.3) / 1.8
    assert means[0] == pytest.approx(np.log10(exact), abs=1e-4)
    assert 0.1 < sds[0] <= 0.3
    assert (means[1], sds[1]) == (-13.0, 0.0)
    assert sds[2] > 1.0
    electrons = beliefs(problem).fields["electrolyte_sigma_ele"]
    exact = integral(table(folder, "se.csv"), 1e3, 0.0, 2.5) / 2.5
    np.testing.assert_allclose(electrons.mean, np.log10(exact), atol=1e-4)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("none", 'screen.law = "table": no coating or electrolyte on the axes names a curve'),
        ("gone", "a.csv"),
        ("long", "1001 points; a screen takes 1000"),
    ],
)
def test_what_cannot_be_screened_is_said(folder, change, said):
    given = spec(folder)
    if change == "none":
        given["axes"]["coating"], given["axes"]["electrolyte"] = ["LiNbO3"], ["Li6PS5Cl"]
    elif change == "gone":
        (folder / "a.csv").unlink()
        rows = (HEAD + ROWS).splitlines(keepends=True)
        (folder / "films.csv").write_text("".join(rows[i] for i in (0, 1, 5)))
    else:
        points = [f"{E:.6f},-12" for E in np.linspace(0, 5, 1001)]
        (folder / "a.csv").write_text("\n".join(["E_V,log10_sigma_ele", *points]))
    with pytest.raises(SpecError, match=said):
        set_up(given)


def test_a_curve_cannot_vary_in_a_design(folder):
    given = spec(folder) | {"design": {"variables": {"coating.sigma_ele_S_cm": [1e-14, 1e-9]}}}
    with pytest.raises(SpecError, match="sigma_ele is a curve and no number"):
        cases(source_of(given))


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Rows of a screen of all films in double precision, and its folder."""
    folder = tmp_path_factory.mktemp("curves")
    (folder / "films.csv").write_text(HEAD + ROWS)
    for name, text in FILES.items():
        (folder / name).write_text(text)
    run(spec(folder), folder / "out", precision="float64")
    return read(folder / "out").to_pandas(), folder


@pytest.mark.full
def test_a_run_solves_curves_as_quadrature_does(done):
    rows, folder = done
    ok = rows[rows["status"] == "ok"]
    assert set(ok["coating"]) == {"film A", "film B"}
    se = table(folder, "se.csv")
    for row in ok.to_dict("records"):
        sigma = table(folder, "a.csv") if row["coating"] == "film A" else lambda _: 1e-13
        ion = 1e-6 if row["coating"] == "film A" else 1e-7
        length = row["coating_thickness_nm"] * 1e-7

        def excess(E, sigma=sigma, ion=ion, length=length):
            return np.log(integral(sigma, ion, E, 4.3) / length) - np.log(
                integral(se, 2e-3, 0.0, E) / 30e-4
            )

        E = brentq(excess, 1e-6, 4.3 - 1e-9, xtol=1e-12)
        assert row["interface_potential_V"] == pytest.approx(E, abs=2e-7)
        leak = integral(se, 2e-3, 0.0, E) / 30e-4
        assert row["leak_current_A_cm2"] == pytest.approx(leak, rel=1e-6)
        least = 30e-4 * integral(sigma, ion, 2.5, 4.3) / integral(se, 2e-3, 0.0, 2.5)
        assert row["min_thickness_nm"] == pytest.approx(1e7 * least, rel=1e-6)
    others = rows.groupby("coating", observed=True)["status"].unique()
    assert list(others["film C"]) == ["missing_property"]
    assert list(others["film D"]) == ["extrapolated_table"]


@pytest.mark.full
def test_a_run_solves_curves_as_muli_solve_does(done, tmp_path):
    rows, folder = done
    rows = rows[rows["status"] == "ok"]

    def layer(role, ion, file, number, cm):
        entry = {"role": role, "thickness_cm": cm, "sigma_ion_S_cm": ion}
        if file is None:
            return {**entry, "sigma_0_S_cm": number}
        curve = read_curve(folder / file)
        return {
            **entry,
            "table_E_V": list(curve.E_V),
            "table_log10_sigma_ele_S_cm": list(curve.log10_sigma_ele),
        }

    stacks = [
        {
            "layers": [
                layer("electrolyte", 2e-3, "se.csv", None, 30e-4),
                layer(
                    "cathode_coating",
                    1e-6 if row["coating"] == "film A" else 1e-7,
                    "a.csv" if row["coating"] == "film A" else None,
                    1e-13,
                    row["coating_thickness_nm"] * 1e-7,
                ),
            ],
            "E_anode_V": 0.0,
            "E_cathode_V": 4.3,
            "temperature_K": T,
        }
        for row in rows.to_dict("records")
    ]
    (tmp_path / "stacks.json").write_text(json.dumps(stacks))
    found = solve_file(tmp_path / "stacks.json")
    for row, answer in zip(rows.to_dict("records"), found, strict=True):
        assert answer["status"] == "ok"
        assert answer["nodes_V"][1] == pytest.approx(row["interface_potential_V"], abs=1e-9)
        leak = answer["leak_current_density_A_cm2"]
        assert leak == pytest.approx(row["leak_current_A_cm2"], rel=1e-9)


@pytest.mark.full
def test_a_run_is_a_design(done):
    from muli.screen.optimize import design

    rows, folder = done
    given = spec(folder)
    del given["axes"]["coating_thickness_nm"]
    answers = {each["coating"]: each for each in design(source_of(given))}
    for name in ("film A", "film B"):
        least = rows[rows["coating"] == name]["min_thickness_nm"].iloc[0]
        answer = answers[name]
        if not answer["feasible"]:  # by the coating's own limit
            answer = answer["relaxed"]["the electrolyte alone"]
        assert answer["thickness_nm"][0] == pytest.approx(least, rel=1e-6)


@pytest.mark.full
def test_the_folder_of_a_run_holds_the_curves(done):
    rows, folder = done
    frames = stored.read(folder / "out", read_manifest(folder / "out"))
    row = frames["coating"].set_index("name").loc["film A"].to_dict()
    assert curves.curve_at(row) == read_curve(folder / "a.csv")
    assert row["sigma_ele_curve"] == "a.csv"
    names = rows.drop_duplicates("coating").set_index("coating")["sigma_ele_curve"]
    assert names["film A"] == "a.csv"
    assert pd.isna(names["film B"])
    assert set(rows["electrolyte_sigma_ele_curve"]) == {"se.csv"}


@pytest.mark.full
def test_a_cell_is_a_row_of_a_run(done):
    from muli.screen.solving.cell import CellEntry, answered

    rows, folder = done
    entry = CellEntry(
        coating="film A",
        coating_thickness_nm=30.0,
        electrolyte="pellet",
        electrolyte_thickness_um=30.0,
        cathode=4.3,
        boundary="electrode",
        tables=[str(folder / "films.csv")],
    )
    answer = answered(entry)
    assert answer.entry.as_spec()["screen"]["law"] == "table"
    row = rows[(rows["coating"] == "film A") & (rows["coating_thickness_nm"] == 30)].iloc[0]
    for name in ("interface_potential_V", "min_thickness_nm", "leak_current_A_cm2"):
        assert answer.row[name] == pytest.approx(row[name], rel=1e-9)
    assert answer.named.stack.layers[1].table_E_V == list(read_curve(folder / "a.csv").E_V)
    assert "film A: sigma_ele as a curve, from a table of yours" in answer.assumptions
    typed = entry.model_copy(
        update={"coating_sigma_ele_S_cm": 1e-12, "electrolyte_sigma_ele_S_cm": 1e-9}
    )
    assert "law" not in typed.as_spec()["screen"]
