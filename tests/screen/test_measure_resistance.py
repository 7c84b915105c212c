"""An interphase's resistance against the root of time, from numbers made by the kernels' growth."""

import contextlib
import json
import random
import time

import jax
import numpy as np
import pytest
from typer.testing import CliRunner

from muli.kernels import Constant, Layer, Stack, Window
from muli.kernels.metrics.growth import Interphase, growth
from muli.kernels.metrics.growth_law import Feed, thickness_after
from muli.screen.cli.app import app
from muli.screen.errors import UsageError
from muli.screen.measuring import fit_series
from muli.screen.measuring.resistance import Beside, fit_resistance, read_resistance
from muli.screen.measuring.series import Geometry, read_series
from tests.candidates.test_fuzz_readers import LONGEST_S, mutate_bytes
from tests.quick import quick_jit

SIGMA_ION, SIGMA_ELE, VOLUME, DRIVE = 7e-7, 2e-12, 2.5e-4, 1.71
TIMES = 3600.0 * np.linspace(1.0, 400.0, 12)


def by_law():
    """Thickness (cm) of an interphase that nothing precedes, by the kernels' closed form."""
    feed = Feed(DRIVE, 0.0, 1 / SIGMA_ION + 1 / SIGMA_ELE, 0.0, VOLUME)
    thickness = np.asarray(quick_jit(jax.vmap(lambda t: thickness_after(feed, t)))(TIMES))
    return thickness, thickness / SIGMA_ION, thickness / VOLUME


def by_stack():
    """Thickness, resistance (ohm cm2) and charge (C/cm2) of lithium on both sides."""
    layer = Layer(30e-4, 1.95e-3, Constant(5.1e-9))
    products = Interphase(SIGMA_ION, Constant(SIGMA_ELE), VOLUME)
    stack = Stack((layer,), 0.0, 0.0)
    found = growth(stack, Window(DRIVE, 2.3), np.asarray(TIMES), anode=products).anode
    return tuple(np.asarray(each) for each in (found.thickness, found.resistance, found.charge))


@pytest.mark.parametrize("grown", [by_law, pytest.param(by_stack, marks=pytest.mark.full)])
def test_conductivities_come_back(grown):
    thickness, resistance, charge = grown()
    r = 1 / SIGMA_ION + 1 / SIGMA_ELE
    np.testing.assert_allclose(r * thickness**2 / 2, VOLUME * DRIVE * TIMES, rtol=1e-9)
    R = 12.0 + resistance
    nm, uAh = 1e7 * thickness[-1], charge[-1] / 3.6e-3
    for beside in (
        Beside(DRIVE, nm, uAh),
        Beside(DRIVE, nm, None, VOLUME),
        Beside(DRIVE, None, uAh, VOLUME),
    ):
        found = fit_resistance(TIMES, R, [], beside)
        assert found.parabolic
        assert found.numbers["R_0_ohm_cm2"] == pytest.approx(12.0, rel=1e-6)
        assert found.numbers["sigma_ion_S_cm"] == pytest.approx(SIGMA_ION, rel=1e-6)
        assert found.numbers["sigma_ele_S_cm"] == pytest.approx(SIGMA_ELE, rel=1e-6)
        assert found.numbers["volume_per_charge_cm3_C"] == pytest.approx(VOLUME, rel=1e-6)
        combination = VOLUME / (r * SIGMA_ION**2)
        assert found.numbers["r_v_ohm_cm4_C"] == pytest.approx(combination, rel=1e-6)


def test_products_that_conduct_electrons_give_r_v():
    r, v = 1 / SIGMA_ION, VOLUME
    R = np.sqrt(2 * v * DRIVE * r * TIMES)
    thickness = R[-1] * SIGMA_ION * 1e7
    found = fit_resistance(TIMES, R, [], Beside(DRIVE))
    assert found.numbers["r_v_ohm_cm4_C"] == pytest.approx(r * v, rel=1e-9)
    assert "sigma_ion_S_cm" not in found.numbers
    found = fit_resistance(TIMES, R, [], Beside(DRIVE, thickness, None, v * (1 - 1e-9)))
    assert "sigma_ele_S_cm" not in found.numbers
    assert any("the products conduct electrons" in note for note in found.notes)


def test_the_error_covers_the_truth():
    rng, outside = np.random.default_rng(3), 0
    for _ in range(100):
        R = 12.0 + 0.05 * np.sqrt(TIMES) + rng.standard_normal(12)
        numbers = fit_resistance(TIMES, R, [], Beside()).numbers
        outside += abs(numbers["slope_ohm_cm2_s^-0.5"] - 0.05) > (
            2.2 * numbers["slope_ohm_cm2_s^-0.5_sd"]
        )
    assert outside <= 12


def test_growth_that_is_not_parabolic_is_called_that():
    found = fit_resistance(TIMES, 5.0 + 1e-4 * TIMES, [], Beside())
    assert not found.parabolic
    assert found.numbers["exponent"] == pytest.approx(1.0, abs=0.01)
    with pytest.raises(UsageError, match="does not grow"):
        fit_resistance(TIMES, np.linspace(9.0, 8.0, 12), [], Beside())


@pytest.mark.parametrize(
    ("text", "area", "said"),
    [
        ("t (h),R (ohm)\n0,1\n1,2\n4,3\n9,4\n16,5", None, "give --cm2"),
        ("R (ohm cm2)\n1\n2\n3\n4\n5", 1.0, "no column of a time"),
        ("t,R (furlong)\n0,1\n1,2\n4,3\n9,4\n16,5", 1.0, "unit 'furlong'"),
        ("t,R (ohm)\n0,1\n1,2\n4,3", 1.0, "3 points; expected 5"),
        ("t,R (ohm)\n0,1\n1,-2\n4,3\n9,4\n16,5", 1.0, "row 3, resistance: -2"),
    ],
)
def test_what_cannot_be_read_is_one_line(text, area, said, tmp_path):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(UsageError, match=said) as refused:
        read_resistance(tmp_path / "a.csv", area)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("count", [50, pytest.param(9000, marks=pytest.mark.full)])
def test_mutated_files_are_read_or_refused(count, tmp_path):
    dice = random.Random(9)
    texts = {
        "r.csv": b"t (h),R (ohm cm2)\n0,10\n1,13.8\n4,17.6\n9,21.4\n16,25.2\n25,29\n",
        "v.csv": b"V (V),I (A)\n0.1,1e-9\n0.2,2e-9\n0.3,3e-9\n0.4,4e-9\n0.5,5.5e-9\n",
        "t.csv": b"t (s);U (V);I (nA)\n"
        + b"".join(b"%d,0;3,0;%d,5\n" % (60 * n, 20 + 64 // 2**n) for n in range(9)),
    }
    for turn in range(count):
        name = ("r.csv", "v.csv", "t.csv")[turn % 3]
        (tmp_path / name).write_bytes(mutate_bytes(texts[name], dice))
        with contextlib.suppress(UsageError):
            if name == "r.csv":
                t, R, _ = read_resistance(tmp_path / name, 1.0)
                assert np.isfinite(t).all()
                assert (R >= 0).all()
            else:
                series = read_series(tmp_path / name, Geometry(0.05, 0.785))
                assert np.isfinite(series.V).all()
                assert np.isfinite(series.j).all()
                start = time.monotonic()
                if name == "t.csv" and turn % 10 == 2:
                    fit_series(series)
                assert time.monotonic() - start < LONGEST_S


def test_the_command(tmp_path):
    rows = [f"{t / 3600:.6f};{1e-3 * (10 + 3.8 * np.sqrt(t / 3600)) / 2:.9f}" for t in TIMES]
    path = tmp_path / "r.csv"
    path.write_text("\n".join(["time (h);R (kΩ)", *rows]).replace(".", ","), encoding="utf-8")
    done = CliRunner().invoke(
        app, ["measure", str(path), "--cm2", "2", "--drive", "1.71", "--json"]
    )
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["law"] == "root of time"
    assert found["R_0_ohm_cm2"] == pytest.approx(10.0, rel=1e-5)
    assert found["slope_ohm_cm2_h^-0.5"] == pytest.approx(3.8, rel=1e-6)
    done = CliRunner().invoke(app, ["measure", str(path), "--cm2", "2", "--out", "x.csv"])
    assert "--out and --picture are for sigma_ele" in str(done.exception)
