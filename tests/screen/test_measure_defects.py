"""Concentrations of carriers become sigma_ele(E): answers by hand, and what is refused."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from muli import candidates
from muli.kernels.constants import BOLTZMANN_EV
from muli.screen.cli.app import app
from muli.screen.errors import UsageError
from muli.screen.measuring.defects import conductivity, read_defects
from tests.candidates.test_fuzz_readers import mutate_bytes

EXAMPLES = Path(__file__).parents[2] / "examples"
V_T = BOLTZMANN_EV * 298.15
BY_HAND = "E (V),n (cm-3),p (cm-3),mu_n (cm2/Vs),mu_p (cm2/Vs)\n"
BY_HAND += "0,1e10,0,1,0.1\n1,1e6,1e8,1,0.1\n2,0,1e12,1,0.1\n"
# e = 1.602176634e-19 C: 1e10; 1e6 + 0.1e8 = 1.1e7; 0.1e12 = 1e11 carriers/cm3 at 1 cm2/(V s)
SIGMA_BY_HAND = [1.602176634e-9, 1.7623942974e-12, 1.602176634e-8]


def carriers(tmp_path, text, **options):
    path = tmp_path / "defects.csv"
    path.write_text(text, encoding="utf-8")
    return read_defects(path, **options)


def test_the_sum_of_both_carriers_by_hand(tmp_path):
    found = carriers(tmp_path, BY_HAND)
    assert found.E.tolist() == [0, 1, 2]
    np.testing.assert_allclose(found.sigma, SIGMA_BY_HAND, rtol=1e-12)
    assert found.temperature_K == 298.15
    measured = conductivity(found)
    assert measured.law == "table"
    logs = [point["log10_sigma_ele"] for point in measured.curve]
    np.testing.assert_allclose(logs, np.log10(SIGMA_BY_HAND), rtol=1e-12)


@pytest.mark.parametrize(
    ("heading", "row", "said"),
    [
        ("mu_Li (eV)", "{-E}", "E = -mu_Li"),
        ("μ_Li (meV)", "{-1e3*E}", "meV x 0.001 = eV"),
        ("chemical potential [kJ/mol]", "{-96.48533212331*E}", "kJ/mol x 0.01036426966 = eV"),
        ("E / mV", "{1e3*E}", "mV x 0.001 = V"),
        ("Potential (V vs. Li-In)", "{E-0.62}", "0.62"),
        ("e", "{E}", "column 'e' has no unit: taken as V vs Li/Li+"),
    ],
)
def test_units_of_the_potential_are_converted_and_said(heading, row, said, tmp_path):
    rows = [row.replace("{", "").replace("}", "") for _ in range(4)]
    values = [eval(text, {"E": E}) for text, E in zip(rows, (0.5, 1.0, 2.0, 3.0), strict=True)]
    text = "\n".join([f"{heading};holes", *(f"{value!r};1e9" for value in values)])
    found = carriers(tmp_path, text, mobility_p=1.0)
    np.testing.assert_allclose(found.E, [0.5, 1.0, 2.0, 3.0], rtol=1e-9)
    assert any(said in note for note in found.notes), found.notes
    assert "column 'holes' has no unit: taken as cm-3" in found.notes


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("m^-3", 1e6), ("m⁻³", 1e6), ("1/cm3", 1), ("nm-3", 1e-21), ("Å^-3", 1e-24), ("/L", 1e3)],
)
def test_units_of_concentrations(unit, factor, tmp_path):
    rows = [f"{E},{1e10 * factor!r}" for E in (0, 1, 2)]
    found = carriers(tmp_path, "\n".join([f"E,n ({unit})", *rows]), mobility_n=1.0)
    np.testing.assert_allclose(found.sigma, SIGMA_BY_HAND[0], rtol=1e-12)
    assert conductivity(found).law == "constant"


@pytest.mark.parametrize("unit", ["m2/Vs", "m^2 V^-1 s^-1", "m²/(V·s)", "m2/V/s"])
def test_units_of_mobilities(unit, tmp_path):
    rows = [f"{E},1e10,1e-4" for E in (0, 1, 2)]
    found = carriers(tmp_path, "\n".join([f"E,n,mu_n [{unit}]", *rows]))
    np.testing.assert_allclose(found.sigma, SIGMA_BY_HAND[0], rtol=1e-12)


@pytest.mark.parametrize("names", ["mu_n,mu_p", "mobility_n,mobility_p", "mu_e,mu_h"])
def test_headings_of_mobilities(names, tmp_path):
    text = f"E vs Li (V),c_e (cm-3),c_h (cm-3),{names}\n" + BY_HAND.partition("\n")[2]
    found = carriers(tmp_path, text)
    np.testing.assert_allclose(found.sigma, SIGMA_BY_HAND, rtol=1e-12)


def test_dilute_carriers_are_a_branch_law(tmp_path):
    E = np.linspace(0.5, 3.5, 13)
    n, p = 1e15 * np.exp(-(E - 0.5) / V_T), 1e12 * np.exp(0.5 * (E - 3.5) / V_T)
    rows = [f"{a:.4f},{b:.9e},{c:.9e}" for a, b, c in zip(E, n, p, strict=True)]
    text = "\n".join(["E,n,p", *rows])
    found = conductivity(carriers(tmp_path, text, mobility_n=2.0, mobility_p=0.5))
    assert found.law == "branches"
    charge = 1.602176634e-19
    assert found.numbers["sigma_n_S_cm"] == pytest.approx(charge * 2e15, rel=1e-3)
    assert found.numbers["z_n"] == pytest.approx(1.0, rel=1e-3)
    assert found.numbers["E_n_V"] == 0.5
    assert found.numbers["sigma_p_S_cm"] == pytest.approx(charge * 0.5e12, rel=1e-3)
    assert found.numbers["z_p"] == pytest.approx(0.5, rel=1e-3)
    assert found.numbers["E_p_V"] == 3.5


def test_rows_that_repeat_a_point_and_points_without_carriers(tmp_path):
    text = ",Defect,μ_Li (eV),Electrons (cm^-3),Holes (cm^-3),Temperature (K)\n"
    text += "0,v_Li,-2,1e9,0,500\n1,Li_i,-2,1e9,0,500\n2,v_Li,-1,1e10,0,500\n"
    text += "3,v_Li,-3,1e8,0,500\n4,v_Li,-4,0,0,500\n"
    found = carriers(tmp_path, text, mobility_n=1.0)
    assert found.E.tolist() == [1, 2, 3]
    assert found.temperature_K == 500
    assert "1 rows repeat a point" in found.notes
    assert any(note.startswith("left out: 1 points") for note in found.notes)
    assert "columns not used: '', 'Defect'" in found.notes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("E,n (furlong)\n0,1\n1,2\n2,3", "unit 'furlong'; expected one of cm-3"),
        ("E (furlong),n\n0,1\n1,2\n2,3", "unit 'furlong'; expected one of V"),
        ("E,n,mu_n (m/s)\n0,1,1\n1,2,1\n2,3,1", "unit 'm/s'"),
        ("n,p\n1,1\n2,2\n3,3", "no column of E"),
        ("mu_Li (eV),n\n1.9,1\n2.5,1\n3.5,1", "negative elsewhere"),
        ("E,n\n0,1e30\n1,1\n2,1", "row 2, electrons: 1e\\+30; expected 0 to 1e\\+24"),
        ("E,n\n0,-1\n1,1\n2,1", "row 2, electrons: -1"),
        ("E,n\n0,abc\n1,1\n2,1", "row 2: 'abc'"),
        ("E,n\n0,<1e9\n1,1\n2,1", "row 2: '<1e9': expected a number"),
        ("E,n\n0,1\n0,5\n2,1", "rows 2 and 3: two conductivities at 0 V"),
        ("E,n\n0,1\n1,1", "2 points with carriers; expected 3"),
        ("E,n,T (K)\n0,1,300\n1,1,400\n2,1,300", "row 3, temperature: 400; expected one temp"),
        ("E,mu_Li (eV),n\n0,0,1\n1,1,1\n2,-2,1", "row 3, potential: 1; expected E = -mu_Li"),
        ("E,n,n\n0,1,1\n1,1,2\n2,1,1", "two columns of electrons that differ"),
        ("E,p\n0,1\n1,1\n2,1", "no mobility of holes: add a column, or give --mu-p"),
    ],
)
def test_what_cannot_be_used_is_one_line(text, said, tmp_path):
    with pytest.raises(UsageError, match=said) as refused:
        carriers(tmp_path, text, mobility_n=1.0)
    assert "\n" not in str(refused.value)


def test_the_command_gives_a_row_and_a_curve(tmp_path):
    out = tmp_path / "row.csv"
    command = ["measure", str(EXAMPLES / "defects.csv"), "--mu-n", "0.5", "--mu-p", "0.02"]
    done = CliRunner().invoke(app, [*command, "--json", "--name", "model", "--out", str(out)])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["law"] == "table"
    assert set(found["curve"][0]) == {"E_V", "log10_sigma_ele", "sd"}
    (row,) = candidates.load([out]).set_index("name").loc[["model"]].to_dict("records")
    curve = candidates.read_curve(tmp_path / "row_curve.csv")
    assert row["sigma_ele_curve"]
    np.testing.assert_allclose(
        curve.log10_sigma_ele, [point["log10_sigma_ele"] for point in found["curve"]], rtol=1e-5
    )


def test_a_row_goes_to_a_new_file_in_a_folder_that_exists(tmp_path):
    command = ["measure", str(EXAMPLES / "defects.csv"), "--mu-n", "0.5", "--mu-p", "0.02"]
    (tmp_path / "row_curve.csv").write_text("mine")
    for name, said in (("none/row.csv", "there is no folder"), ("row.csv", "exists already")):
        done = CliRunner().invoke(app, [*command, "--out", str(tmp_path / name)])
        assert said in str(done.exception)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["row_curve.csv"]


@pytest.mark.parametrize("option", ["--um", "--cm2", "--drive"])
def test_options_of_other_files_are_refused(option):
    done = CliRunner().invoke(app, ["measure", str(EXAMPLES / "defects.csv"), option, "5"])
    assert done.exit_code != 0
    assert f"{option} does not apply" in str(done.exception)


def test_the_example_is_what_its_program_writes(tmp_path):
    program = tmp_path / "make_defects.py"
    program.write_bytes((EXAMPLES / "make_defects.py").read_bytes())
    subprocess.run([sys.executable, str(program)], check=True)
    written = (tmp_path / "defects.csv").read_text(encoding="utf-8")
    assert written == (EXAMPLES / "defects.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("count", [100, pytest.param(3000, marks=pytest.mark.full)])
def test_mutated_files_are_read_or_refused(count, tmp_path):
    """No traceback, no hang; what is accepted is finite, positive and rises with E."""
    dice, content = random.Random(5), BY_HAND.encode()
    path = tmp_path / "mutated.csv"
    for _ in range(count):
        changed = mutate_bytes(content, dice)
        path.write_bytes(changed)
        begun = time.monotonic()
        try:
            found = read_defects(path, mobility_n=1.0, mobility_p=0.1)
        except UsageError:
            continue
        finally:
            assert time.monotonic() - begun < 10.0
        assert (found.sigma > 0).all()
        assert np.isfinite(found.E).all()
        assert (np.diff(found.E) > 0).all()
