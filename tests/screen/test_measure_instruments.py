"""What instruments and laboratories write: the same ten points in many files, and what is said."""

import io

import numpy as np
import pandas as pd
import pytest

from muli.screen.errors import UsageError
from muli.screen.measuring import Geometry, Series, fit_series, read_series
from muli.screen.measuring.smooth import smooth
from muli.screen.measuring.transient import limit_of

CELL = Geometry(thickness_cm=0.05, area_cm2=0.785)
V = np.array([0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.25, 3.5, 3.75, 4.0])
I = 3e-9 * V + 1e-7 * np.exp(9.0 * (V - 4.0))  # noqa: E741


def table(heading, row, above="", german=False):
    """A file of the points; `row`: a format of the voltage v, the current i (A) and the row k."""
    lines = [row.format(v=v, i=i, k=k) for k, (v, i) in enumerate(zip(V, I, strict=True))]
    text = "\n".join(lines)
    return f"{above}{heading}\n{text.replace('.', ',') if german else text}\n"


FILES = {
    "EC-Lab": table("time/s\tcontrol/V\tEwe/V\t<I>/mA\tI Range\tcycle",
                    "{k}E2\t{v:E}\t{v:E}\t{i:.8E}\t41\t1",
                    "EC-Lab ASCII FILE\nNb header lines : 5\n\nRun on channel : 1 (SN 12)\n"),
    "Gamry": table("\tPt\tT\tVf\tIm\tVu\tOver\n\t#\ts\tV vs. Ref.\tA\tV\tbits",
                   "\t{k}\t{k}\t{v}\t{i:.8E}\t0\t....",
                   "EXPLAIN\nTAG\tCHRONOA\nAREA\tQUANT\t0.785\tArea (cm^2)\nCURVE\tTABLE\t10\n"),
    "Nova": table("Potential applied (V);Time (s);WE(1).Current (A);WE(1).Potential (V);Index",
                  "{v};{k};{i:.8E};{v};{k}", german=True),
    "Solartron": table("Point,Time (s),Potential (V),Current (Amps)", "{k},{k},{v},{i:.8E}",
                       "Experiment:,pol_1\n"),
    "ZView": table("E(Volts)\tI(Amps)\tT(Seconds)", "{v}\t{i:.8E}\t{k}"),
    "Keithley": table("Index,Voltage (V),Current (A)", "{k},{v},{i:.8E}", "Model 2450\nSN,0432\n"),
    "blanks": table("  V (V)      I (A)", "  {v:.4f}    {i:.8e}"),
    "remarks": table("V,I (A)", "{v},{i:.8E}", "# pellet 7\n") + "# end\n",
    "a row of units": table("Voltage,Current\nV,A", "{v},{i:.8E}"),
    "sizes": table("V (V),|I| (A)", "{v},{i:.8E}"),
    "German": table("Spannung / V;Strom / A;Bemerkung", "{v};{i:.8E};gut", german=True),
}  # fmt: skip


def read(tmp_path, content, geometry=CELL, name="file.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_series(path, geometry)


@pytest.mark.parametrize("name", FILES)
def test_one_measurement_from_every_instrument(name, tmp_path):
    found = read(tmp_path, FILES[name])
    factor = 1e-3 if "mA" in FILES[name] else 1.0
    np.testing.assert_allclose(found.V, V)
    np.testing.assert_allclose(found.j, factor * I / 0.785, rtol=1e-7)
    assert ("decimal commas" in found.notes) == (name in ("Nova", "German"))


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8-sig"])
@pytest.mark.parametrize("unit", ["[µA/cm²]", "/ mA cm-2", "(uA/mm2)", "(mAmp/cm^2)"])
def test_units_and_encodings(unit, encoding, tmp_path):
    per = {"[µA/cm²]": 1e6, "/ mA cm-2": 1e3, "(uA/mm2)": 1e4, "(mAmp/cm^2)": 1e3}[unit]
    lines = [f"{1e3 * v};{per * i / 0.785:.9e}" for v, i in zip(V, I, strict=True)]
    text = "\n".join([f"U (mV);j {unit}", *lines])
    found = read(tmp_path, text.encode(encoding))
    np.testing.assert_allclose(found.j, I / 0.785, rtol=1e-7)
    np.testing.assert_allclose(found.V, V)
    assert sum("converted" in note for note in found.notes) == 2


def test_the_sheet_with_the_measurement_is_read(tmp_path):
    stream = io.BytesIO()
    with pd.ExcelWriter(stream, engine="openpyxl") as book:
        pd.DataFrame({"operator": ["X"]}).to_excel(book, sheet_name="Info", index=False)
        rows = [["Pellet 7", ""], ["", ""], ["U (V)", "I (A)"], *np.stack([V, I], 1).tolist()]
        pd.DataFrame(rows).to_excel(book, sheet_name="Daten", header=False, index=False)
    found = read(tmp_path, stream.getvalue(), name="file.xlsx")
    np.testing.assert_allclose(found.V, V)
    assert "Excel sheet 'Daten'" in found.notes


def test_potentials_against_an_electrode_are_voltages_from_the_reference(tmp_path):
    text = table("E vs Li-In (V),I (A)", "{v},{i:E}")
    found = read(tmp_path, text, Geometry(0.05, 0.785, reference_V=0.62))
    np.testing.assert_allclose(found.V, V, atol=1e-12)
    found = read(tmp_path, table("E (V vs. Li/Li+),I (A)", "{v},{i:E}"), CELL)
    np.testing.assert_allclose(found.V, V)


def test_rows_without_a_number_are_left_out_and_counted(tmp_path):
    text = table("V (V),I (A)", "{v},{i:E}").replace("\n2.5,", "\n2.5,n.d.#").replace("#", "\n#")
    found = read(tmp_path, text)
    assert len(found.V) == 9
    assert any(note.startswith("left out: 1 rows without a number (6)") for note in found.notes)


@pytest.mark.parametrize(
    ("heading", "row", "said"),
    [
        ("V (V),I (A),j (mA/cm2)", "{v},{i:E},{i:E}", "stand for 1000 cm2, not 0.785"),
        ("V (V),I (A),I (A)", "{v},{i:E},1", "two columns of current that differ"),
        ("V (V),I (A),T (°C)", "{v},{i:E},60", "the file says 60 to 60 C"),
        ("V (V),Reading", "{v},{i:E}", "no column of a current .*not used: 'Reading'"),
        ("V (V),I", "{v},{k}0", "no unit of the current is named"),
        ("V (V),I (A)", "{v},-{i:E}", "10 of 10 currents run against their voltage"),
        ("V (V),I (A)", "3,{i:E}", "one voltage, 3 V, and no times: expected"),
    ],
)
def test_what_does_not_fit_is_one_line(heading, row, said, tmp_path):
    (tmp_path / "file.csv").write_text(table(heading, row))
    with pytest.raises(UsageError, match=said):
        fit_series(read_series(tmp_path / "file.csv", CELL, 298.15))


def test_the_temperature_of_the_file_is_taken(tmp_path):
    found = read(tmp_path, table("V (V),I (A),T (°C)", "{v},{i:E},60"))
    assert found.geometry.temperature_K == pytest.approx(333.15)


@pytest.mark.parametrize(
    ("cm", "cm2", "said"),
    [(5e-5, 0.785, "--um 500"), (0.05, 78.5, "--cm2 0.785"), (2.0, 1.0, "is it in um")],
)
def test_a_size_in_another_unit_is_noticed(cm, cm2, said, tmp_path):
    found = read(tmp_path, FILES["German"], Geometry(cm, cm2))
    assert any(said in note for note in found.notes)
    with pytest.raises(UsageError, match="is it in um"):
        read(tmp_path, FILES["German"], Geometry(500.0, cm2))


def test_stated_errors_weigh_the_points():
    j = I / 0.785 * np.exp(0.01 * np.random.default_rng(5).standard_normal(10))
    wrong = np.where(V == 2.0, 3.0 * j, j)
    errors = np.where(V == 2.0, 3.0, 0.01) * j
    found = fit_series(Series(V, wrong, None, CELL, [], errors))
    assert found.numbers["sigma_0_S_cm"] == pytest.approx(3e-9 / 0.785 * 0.05, rel=0.02)


def test_points_outside_the_window_are_not_fitted():
    window = Geometry(0.05, 0.785, window_V=(0.9, 3.3))
    found = fit_series(Series(V, I / 0.785, None, window, []))
    assert found.voltages == (1.0, 1.5, 2.0, 2.5, 3.0, 3.25)
    assert "left out: 4 points outside the sample's window" in found.notes


def test_a_series_up_and_down_that_differs_is_not_steady():
    up = np.append(V, V)
    j = np.append(I, 1.3 * I) / 0.785
    found = fit_series(Series(up, j, None, CELL, []))
    assert not found.steady
    assert any("differ by up to 30 %" in note for note in found.notes)


@pytest.mark.parametrize(("tau", "steady"), [(300.0, True), (4000.0, False)])
def test_voltages_held_one_after_another_are_a_series(tau, steady):
    t = np.linspace(0.0, 3600.0, 20)
    j = (I[:, None] / 0.785 * (1.0 + 5.0 * np.exp(-t / tau))).ravel()
    times = (np.arange(10)[:, None] * 3700.0 + t).ravel()
    found = fit_series(Series(np.repeat(V, 20), j, times, CELL, []))
    assert found.steady == steady
    assert found.voltages == tuple(V)


def test_a_tail_of_diffusion_is_not_steady():
    t = np.linspace(0.0, 7200.0, 60)
    limit = limit_of(t, 20.0 + 500.0 / np.sqrt(t + 10.0))
    assert limit.value == pytest.approx(20.0, rel=0.1)
    assert not limit.steady


def test_two_relaxations_have_one_limit():
    t = np.linspace(0.0, 100.0, 200)
    limit = limit_of(t, 1.0 + 3.0 * np.exp(-t / 2.0) + 2.0 * np.exp(-t / 30.0))
    assert limit.value == pytest.approx(1.0, rel=1e-3)
    assert limit.time_s == pytest.approx(30.0, rel=1e-2)


def test_clocks_go_on_at_midnight(tmp_path):
    lines = [f"23:59:{50 + k},3.0,{k}" if k < 10 else f"00:00:{k - 10:02d},3.0,{k}"
             for k in range(1, 20)]  # fmt: skip
    found = read(tmp_path, "\n".join(["Time,V (V),I (nA)", *lines]))
    np.testing.assert_allclose(np.diff(found.t), 1.0)


def test_the_smooth_curve_holds_the_truth_in_its_band():
    rng = np.random.default_rng(3)
    E = np.linspace(0.0, 4.0, 4001)
    log = -10.0 + np.exp(-(((E - 2.0) / 0.5) ** 2))
    steps = np.diff(E) * 0.5 * (10 ** log[1:] + 10 ** log[:-1])
    points = np.linspace(0.1, 4.0, 40)
    inside = []
    for _ in range(10):
        y = np.interp(points, E, np.append(0.0, np.cumsum(steps)))
        found = smooth(points, y * np.exp(0.01 * rng.standard_normal(40)), np.full(40, 0.01))
        error = np.abs(found.log_sigma - np.log(10.0) * np.interp(found.V, E, log))
        inside.append(np.mean(error <= 1.96 * found.sd))
    assert 0.9 <= np.mean(inside) <= 1.0
