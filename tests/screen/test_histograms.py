"""How lines spread: the same counts in every mode, and those that the rows themselves give."""

import json

import numpy as np
import pytest

from muli.screen.dataset.histograms import HISTOGRAMS, Bins, leaders
from muli.screen.running.run import run
from muli.screen.space import layout as space
from tests.screen.screens import read, small

LINE = ["coating", "electrolyte", "electrolyte_thickness_um", "anode", "boundary", "cathode_state"]
GATE = {"filters__thin": "asr_coating_ohm_cm2 < 20"}


@pytest.fixture(scope="module", params=["free", "gated"])
def runs(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("spread")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(space, "CHUNK_ROWS", 2048)
        patch.setattr(space, "TILE_ROWS", 512)
        gate = GATE if request.param == "gated" else {}
        specs = {mode: small(folder, mode, **gate) for mode in ("all", "best")}
        return {mode: run(spec, folder / mode) for mode, spec in specs.items()}


def test_counts_are_those_of_the_rows(runs):
    rows = read(runs["all"].folder).to_pandas().sort_values("row_id")
    lines = rows.groupby(LINE, observed=True)
    smallest = lines.min_thickness_nm.first()
    found = runs["all"].histograms["min_thickness_nm"]
    assert sum(found.values()) == len(smallest)
    assert found["unknown"] == smallest.isna().sum()
    assert found["never"] == np.isinf(smallest).sum()
    assert found["3 to 10"] == ((smallest >= 3) & (smallest < 10)).sum() > 0
    assert found["below 1"] == ((smallest < 1) & (smallest > 0)).sum()
    assert found["none"] == (smallest == 0).sum()


@pytest.mark.parametrize("runs", ["free"], indirect=True)
def test_the_margin_is_that_of_the_thickest_coating(runs):
    """Told of a line even where a gate removed its thickest coatings; no row tells it then."""
    rows = read(runs["all"].folder).to_pandas()
    thickest = rows[rows.coating_thickness_nm == rows.coating_thickness_nm.max()]
    found = runs["all"].histograms["oxidation_margin_V"]
    margin = thickest.oxidation_margin_V
    assert found["0.5 to 1"] == ((margin >= 0.5) & (margin < 1.0)).sum()
    assert found["unknown"] == margin.isna().sum()


def test_modes_agree_and_the_manifest_tells(runs):
    assert runs["best"].histograms == runs["all"].histograms
    manifest = json.loads((runs["best"].folder / "manifest.json").read_text())
    assert manifest["histograms"] == runs["best"].histograms


def test_the_last_word_of_progress_names_the_coating_feasible_most_often(runs):
    rows = read(runs["all"].folder).to_pandas()
    feasible = rows[rows.feasible.fillna(False).astype(bool)]
    lines = feasible.groupby([name for name in LINE if name != "cathode_state"], observed=True)
    most = lines.size().reset_index().coating.value_counts().idxmax()
    for result in runs.values():
        told = json.loads((result.folder / "progress.json").read_text())
        assert told["most_often_feasible"] == most


def test_bins():
    bins = Bins((0.0, 1.0, np.inf))
    assert bins.names == ("below 0", "0 to 1", "from 1", "never", "unknown")
    values = np.array([-1.0, -0.0, 0.5, 1.0, 5.0, np.inf, np.nan, np.nan], np.float32)
    assert list(bins.count(values).values()) == [1, 2, 2, 1, 2]
    bins = Bins((1.0, np.inf), "none")
    assert bins.names == ("none", "below 1", "from 1", "never", "unknown")
    assert list(bins.count(np.abs(values)).values()) == [1, 1, 3, 1, 2]
    assert all(sum(each.count(values).values()) == 8 for each in HISTOGRAMS.values())


def test_leaders():
    feasible = np.array([[True, False], [False, False], [True, True], [True, False], [False] * 2])
    assert leaders(np.array([2, 1, 0, 2, 1]), feasible) == {2: 2, 0: 1}
