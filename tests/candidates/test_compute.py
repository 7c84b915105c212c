"""The computation at scale: same rows for any workers, nothing lost to an interruption."""

import csv
import gzip
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from muli.candidates.computing.checkpoint import Checkpoint, ResumeRefused
from muli.candidates.computing.compute import compute
from muli.candidates.importers import Gap
from muli.candidates.thermodynamics import Energies, Partner, assess, prepare

PARTNERS = (Partner("LiCoO2", "LiCoO2", "Li0.5CoO2"), Partner("Li3InCl6", "Li3InCl6"))
ROWS = [
    ("Li2O", -2.0),
    ("Li2O2", -1.6),
    ("CoO", -1.2),
    ("LiCoO2", -1.75),
    ("CoO2", -1.1),
    ("LiF", -3.1),
    ("LiCl", -2.1),
    ("InCl3", -1.4),
    ("Li3InCl6", -1.9),
    ("Al2O3", -3.4),
    ("LiAlO2", -3.1),
    ("AlF3", -3.9),
    ("Al2CoO4", -2.9),
    ("LiCoO4", 2.0),
]
ENERGIES = Energies.of(ROWS, {"source": "made up", "licence": "none"})
LITHIUM_FREE = {"CoO", "CoO2", "InCl3", "Al2O3", "AlF3"}
LITHIUM = {formula for formula, _ in ROWS if "Li" in formula}


def _rows(path):
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return {row["name"]: row for row in csv.DictReader(text.decode().splitlines())}


def _compute(out, energies=ENERGIES, **more):
    return compute(energies, out, **{"workers": 1, "partners": PARTNERS, **more})


class TestTable:
    def test_every_lithium_compound_and_binary_coatings(self, tmp_path):
        done = _compute(tmp_path / "table.csv.gz")
        rows = _rows(tmp_path / "table.csv.gz")
        assert rows.keys() == LITHIUM | LITHIUM_FREE
        assert done.rows == len(rows)
        assert done.failed == {}

    def test_rows_are_those_of_assess(self, tmp_path):
        _compute(tmp_path / "table.csv", gaps={"LiCoO2": Gap(0.5, 1.0, 2.0)})
        row = _rows(tmp_path / "table.csv")["LiCoO2"]
        direct = assess("LiCoO2", ENERGIES, prepare(ENERGIES, PARTNERS))
        for name, value in direct.items():
            if isinstance(value, float):
                printed = 1e-4 if "meV" in name else 1e-6
                assert float(row[name]) == pytest.approx(value, abs=printed)
            else:
                assert row[name] == ("" if value is None else str(value))
        assert row["window_source"] == "made up"
        gap = (row["band_gap_eV_low"], row["band_gap_eV"], row["band_gap_eV_high"])
        assert gap == ("0.5", "1", "2")

    def test_the_story_stands_beside_the_table(self, tmp_path):
        _compute(tmp_path / "table.csv.gz")
        story = json.loads((tmp_path / "table.json").read_text())
        assert story["provenance"]["licence"] == "none"
        states = story["partners"][0]["states"]
        assert [state["at_hull_mixture"] for state in states] == [False, True]
        assert story["partners"][1]["potential_of_open_reaction_V"] > 0

    def test_workers_do_not_change_a_byte(self, tmp_path):
        _compute(tmp_path / "one.csv.gz")
        _compute(tmp_path / "two.csv.gz", workers=2)
        assert (tmp_path / "one.csv.gz").read_bytes() == (tmp_path / "two.csv.gz").read_bytes()

    def test_a_compound_that_fails_keeps_its_row_and_reason(self, tmp_path, monkeypatch):
        from muli.candidates.computing import compute as module
        from muli.candidates.thermodynamics import Infeasible

        def fails(formula, *more):
            if formula == "LiF":
                raise Infeasible("no decomposition: for a test")
            return assess(formula, *more)

        monkeypatch.setattr(module, "assess", fails)
        done = _compute(tmp_path / "table.csv")
        assert done.failed == {"LiF": "no decomposition: for a test"}
        rows = _rows(tmp_path / "table.csv")
        assert rows["LiF"]["reduction_limit_V"] == ""
        assert rows["LiCl"]["computed_status"] == "ok"

    def test_the_table_reads_back_as_a_table_of_ones_own(self, tmp_path):
        from muli import candidates

        _compute(tmp_path / "mine.csv", partners=PARTNERS)
        frame = candidates.load([tmp_path / "mine.csv"]).set_index("name")
        assert frame.loc["Li2O", "oxidation_limit_V"] == pytest.approx(2.8)
        assert frame.loc["Li2O", "window_source"] == "mine.csv"
        assert frame.loc["Al2O3", "family"] == "oxide"


class TestResume:
    def test_an_interrupted_run_goes_on_where_it_stopped(self, tmp_path, monkeypatch):
        monkeypatch.setattr("muli.candidates.computing.compute.ROW_CHUNK", 3)
        monkeypatch.setattr("muli.candidates.computing.compute.HULL_CHUNK", 4)
        whole, cut = tmp_path / "whole.csv.gz", tmp_path / "cut.csv.gz"
        seen = []
        _compute(whole, progress=lambda *step: seen.append(step))
        totals = {label: total for label, _, total in seen}
        assert totals == {"hull": len(ROWS), "rows": len(LITHIUM | LITHIUM_FREE)}

        def stop(label, done, total):
            if label == "rows" and done >= 6:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            _compute(cut, progress=stop)
        assert not cut.exists()
        again = []
        _compute(cut, progress=lambda *step: again.append(step))
        assert again[0] == ("hull", len(ROWS), len(ROWS))  # nothing of the first pass is repeated
        assert next(done for label, done, _ in again if label == "rows") == 6
        assert cut.read_bytes() == whole.read_bytes()
        assert not list(tmp_path.glob("*.parts"))

    def test_other_inputs_are_refused_by_name_until_restarted(self, tmp_path):
        out = tmp_path / "table.csv"

        def stop(label, done, total):
            if label == "rows":
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            _compute(out, progress=stop)
        other = Energies.of([*ROWS, ("NaF", -2.9)], {"source": "made up"})
        with pytest.raises(ResumeRefused, match=r"energies_sha256: \w+ -> \w+"):
            _compute(out, other)
        with pytest.raises(ResumeRefused, match=r"partners: LiCoO2=.* -> LiCoO2="):
            _compute(out, partners=PARTNERS[:1])
        assert _compute(out, other, restart=True).rows == len(LITHIUM | LITHIUM_FREE | {"NaF"})

    def test_two_runs_at_once_are_refused(self, tmp_path):
        with (
            Checkpoint(tmp_path / "parts", {"a": "1"}),
            pytest.raises(ResumeRefused, match="another process"),
            Checkpoint(tmp_path / "parts", {"a": "1"}),
        ):
            pass

    def test_a_half_written_part_is_never_read(self, tmp_path):
        with Checkpoint(tmp_path / "parts", {"a": "1"}) as kept:
            kept.save("rows-1", [1, 2])
            (tmp_path / "parts" / ".rows-2.json.tmp").write_text("[1, ")
        with Checkpoint(tmp_path / "parts", {"a": "1"}) as kept:
            assert kept.load("rows-1") == [1, 2]
            assert kept.load("rows-2") is None

    def test_a_part_that_was_damaged_is_computed_again(self, tmp_path, monkeypatch):
        monkeypatch.setattr("muli.candidates.computing.compute.ROW_CHUNK", 3)
        whole, cut = tmp_path / "whole.csv", tmp_path / "cut.csv"
        _compute(whole)

        def stop(label, done, total):
            if label == "rows" and done >= 9:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            _compute(cut, progress=stop)
        parts = sorted((tmp_path / "cut.csv.parts").glob("rows-*.json"))
        parts[0].write_text("[1, ")
        parts[1].write_text("[]")
        _compute(cut)
        assert cut.read_bytes() == whole.read_bytes()

    def test_what_others_put_beside_the_parts_stays(self, tmp_path):
        with Checkpoint(tmp_path / "parts", {"a": "1"}) as kept:
            kept.save("rows-1", [1])
            (tmp_path / "parts" / "notes.txt").write_text("mine")
            kept.discard()
        assert [path.name for path in (tmp_path / "parts").iterdir()] == ["notes.txt"]

    def test_parts_are_small_enough_for_a_computation_that_is_killed_all_the_time(self):
        from muli.candidates.computing import compute as module

        assert module.ROW_CHUNK * 0.02 < 0.5  # s: some 20 ms a compound
        assert module.HULL_CHUNK * 0.001 < 0.5

    @pytest.mark.full
    def test_repeated_kills_make_progress(self, tmp_path):
        elements = ["Co", "Mn", "Ni", "Fe", "Al", "Ti"]
        rows = [("Li2O", -2.0), ("Li2O2", -1.6), ("LiF", -3.1)]
        rows += [(f"{m}O", -1.2) for m in elements] + [(f"{m}O2", -1.1) for m in elements]
        rows += [(f"Li{n}{m}O{k}", -1.7) for m in elements for n in (1, 2, 3) for k in (2, 3, 4)]
        energies = tmp_path / "energies.csv"
        energies.write_text("formula,Ef_eV_atom\n" + "".join(f"{f},{e}\n" for f, e in rows))
        command = [sys.executable, "-m", "muli", "candidates", "compute", "--workers", "2"]
        whole, cut = tmp_path / "whole.csv", tmp_path / "cut.csv"
        subprocess.run([*command, "--energies", energies, "--out", whole], check=True)
        kept = []
        for _ in range(60):
            process = subprocess.Popen(
                [*command, "--energies", energies, "--out", cut],
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            before = len(list((tmp_path / "cut.csv.parts").glob("rows-*")))
            deadline = time.monotonic() + 60
            while process.poll() is None and time.monotonic() < deadline:
                parts = tmp_path / "cut.csv.parts"
                if len(list(parts.glob("rows-*"))) > before:
                    os.killpg(process.pid, signal.SIGKILL)
                    break
                time.sleep(0.01)
            process.wait()
            kept.append(before)
            if cut.exists():
                break
        assert cut.read_bytes() == whole.read_bytes()
        assert len(kept) >= 3
