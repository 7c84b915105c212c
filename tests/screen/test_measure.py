"""From a polarisation series back to the law it was made from."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from muli import candidates
from muli.kernels.constants import BOLTZMANN_EV
from muli.screen.cli.app import app
from muli.screen.errors import UsageError
from muli.screen.measuring import Geometry, Series, fit_series, read_series

V_T = BOLTZMANN_EV * 298.15
CELL = Geometry(thickness_cm=0.05, area_cm2=0.785, reference_V=0.0)
EXAMPLE = Path(__file__).parents[2] / "examples" / "polarisation.csv"
NODES, WEIGHTS = np.polynomial.legendre.leggauss(200)


def sigma(E, law):
    """sigma_0 + electrons falling from 0 V + holes rising to 4 V."""
    sigma_0, sigma_n, z_n, sigma_p, z_p = law
    return sigma_0 + sigma_n * np.exp(-z_n * E / V_T) + sigma_p * np.exp(z_p * (E - 4.0) / V_T)


def current(V, law):
    """j by quadrature: nothing of the fit's formulas."""
    edges = np.linspace(0.0, 1.0, 41)
    total = 0.0
    for low, high in itertools.pairwise(edges):
        E = V * (low + (high - low) * (NODES + 1) / 2)
        total += V * (high - low) / 2 * WEIGHTS @ sigma(E, law)
    return total / CELL.thickness_cm


def laws(count):
    rng = np.random.default_rng(7)
    for _ in range(count):
        sigma_0 = 10 ** rng.uniform(-13, -10)
        hole = 10 ** rng.uniform(-9.5, -7.5), rng.uniform(0.15, 0.8)
        electron = (10 ** rng.uniform(-9.5, -7.5), rng.uniform(0.2, 0.8))
        if rng.random() < 0.5:
            electron = (0.0, 1.0)
        yield sigma_0, *electron, *hole


def measured(law, rng, noise=0.01):
    V = np.linspace(0.1, 4.0, 30)
    j = np.array([current(v, law) for v in V]) * np.exp(noise * rng.standard_normal(len(V)))
    return Series(V, j, None, CELL, [])


@pytest.mark.parametrize("count", [12, pytest.param(20, marks=pytest.mark.full)])
def test_a_law_comes_back_within_its_stated_band(count):
    rng = np.random.default_rng(11)
    inside = total = 0
    for law in laws(count):
        found = fit_series(measured(law, rng))
        assert found.law == "branches"
        for point in found.curve:
            error = abs(point["log10_sigma_ele"] - np.log10(sigma(point["E_V"], law)))
            inside += error <= 1.96 * point["sd"]
            total += 1
            assert error < 4.0 * point["sd"] + 0.05
    assert 0.85 <= inside / total <= 1.0


def test_without_noise_the_law_is_exact():
    law = (3e-12, 0.0, 1.0, 2e-8, 0.3)
    found = fit_series(measured(law, np.random.default_rng(0), noise=1e-6))
    assert found.numbers["sigma_0_S_cm"] == pytest.approx(3e-12, rel=1e-3)
    assert found.numbers["sigma_p_S_cm"] == pytest.approx(2e-8, rel=1e-4)
    assert found.numbers["z_p"] == pytest.approx(0.3, rel=1e-4)


def test_an_ohmic_sample_is_a_constant():
    V = np.linspace(0.2, 3.0, 12)
    rng = np.random.default_rng(1)
    j = 4e-10 * V / CELL.thickness_cm * np.exp(0.01 * rng.standard_normal(12))
    found = fit_series(Series(V, j, None, CELL, []))
    assert found.law == "constant"
    assert found.numbers["sigma_ele_S_cm"] == pytest.approx(4e-10, rel=0.02)


@pytest.mark.parametrize(("end", "steady"), [(60.0, True), (6.0, False)])
def test_a_drifting_transient_is_called_that(end, steady):
    t = np.linspace(0.0, end, 200)
    rng = np.random.default_rng(2)
    j = 1e-9 * (1.0 + 5.0 * np.exp(-t / 5.0)) * np.exp(0.005 * rng.standard_normal(200))
    found = fit_series(Series(np.full(200, 1.0), j, t, CELL, []))
    assert found.steady == steady
    if steady:
        assert found.numbers["sigma_ele_S_cm"] == pytest.approx(1e-9 * 0.05, rel=0.02)


def test_units_in_headings_are_converted_and_said(tmp_path):
    V = np.linspace(0.5, 3.0, 6)
    rows = [f"{1e3 * v:.6f};{1e9 * 4e-10 * v / 0.05 * 0.785:.6f}".replace(".", ",") for v in V]
    (tmp_path / "a.csv").write_text("\n".join(["U (mV);I (nA)", *rows]))
    series = read_series(tmp_path / "a.csv", CELL)
    np.testing.assert_allclose(series.V, V, rtol=1e-6)
    np.testing.assert_allclose(series.j, 4e-10 * V / 0.05, rtol=1e-5)
    assert any("mV x 0.001 = V" in note for note in series.notes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("V,I (furlong)\n1,1\n2,2\n3,3\n4,4", "unit 'furlong'"),
        ("V,I\n1,abc\n2,2\n3,3\n4,4", "row 2"),
        ("V,t\n1,1\n2,2\n3,3\n4,4", "no column of a current"),
        ("V,I\n1,1e-9\n2,2e-9", "2 points"),
        ("V,I (A)\n1,900\n2,1800\n3,2700\n4,3600", "check the units"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path, text, message):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(UsageError, match=message):
        fit_series(read_series(tmp_path / "a.csv", Geometry(1.0, 0.01)))


def test_the_command_gives_a_row_that_muli_reads(tmp_path):
    out = tmp_path / "row.csv"
    command = ["measure", str(EXAMPLE), "--um", "500", "--cm2", "0.785", "--json"]
    done = CliRunner().invoke(app, [*command, "--name", "my film", "--out", str(out)])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert {"law", "curve", "steady", "sigma_0_S_cm", "sigma_0_S_cm_sd"} <= set(found)
    assert set(found["curve"][0]) == {"E_V", "log10_sigma_ele", "sd"}
    row = candidates.load([out]).set_index("name").loc["my film"]
    assert row["sigma_p_S_cm"] == pytest.approx(found["sigma_p_S_cm"], rel=1e-5)
