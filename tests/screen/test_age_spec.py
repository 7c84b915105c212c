"""`muli age SPEC`: medians and bands where a number is unknown, holes, a page, and refusals."""

import re

import numpy as np
import pytest
from typer.testing import CliRunner

from muli.screen.cli.app import app
from muli.screen.errors import SpecError
from muli.screen.report.aged import write_aged
from muli.screen.solving.age_spec import age_spec
from tests.screen.test_ageing_columns import TIMES, columns_of, spec_of

ASR = "asr_interphase_ohm_cm2"
TYPED = """
[axes]
coating = ["LiNbO3"]
coating_thickness_nm = [3]
electrolyte = "Li6PS5Cl"
cathode = "NMC811"

[ageing]
times = ["1 h", "1 year"]
coverage = 0.9
"""


def spread_of(answer):
    """Decades between the ends of the band of thickness at the first time."""
    low, high = (max(answer[f"interphase_nm_{end}"][0], 1e-4) for end in ("low", "high"))
    return np.log10(high / low)


def test_an_unknown_conductivity_has_its_median_and_widens_the_band():
    given = spec_of()
    blank = spec_of()
    del blank["axes"]["coating.sigma_ele_S_cm"], blank["axes"]["coating.sigma_ion_S_cm"]
    known, unknown = age_spec(given), age_spec(blank)
    assert not any("median" in note for note in known.notes)
    assert any(note.startswith("coating.sigma_ele_S_cm of LiNbO3") for note in unknown.notes)
    for found in (known, unknown):
        for answer in found.answers:
            low, middle, high = (np.array(answer[ASR + end]) for end in ("_low", "", "_high"))
            assert np.all((low <= middle * 1.001) & (middle <= high * 1.001))
    assert spread_of(unknown.answers[0]) > spread_of(known.answers[0])
    bare = [found.answers[4] for found in (known, unknown)]
    for name in ("interphase_nm", ASR + "_high"):
        np.testing.assert_allclose(bare[0][name], bare[1][name])


def test_holes_are_those_of_a_run():
    spec = spec_of({"coating.sigma_ele_S_cm": [1e-13]}, coverage=0.95)
    found, columns = age_spec(spec).answers, columns_of(spec)
    for name in ("interphase_nm", "anode_interphase_nm", ASR):
        ours = [answer[name] for answer in found]
        for place, time in enumerate(TIMES):
            expected = columns[f"{name}_at_{time.replace(' ', '_')}"]
            np.testing.assert_allclose(np.array(ours)[:, place], expected, rtol=1e-8, atol=1e-12)
    assert found[0]["coverage"] == 0.95
    assert "coverage" not in found[4]
    assert "cathode_side_V" not in found[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"screen": {"law": "branches"}}, "have constant laws"),
        ({"axes": {**spec_of()["axes"], "anode_potential_V": [3.0]}}, "the anode lies beyond"),
        (
            {
                "axes": {
                    **spec_of()["axes"],
                    "coating": [["LiNbO3", "Li3PO4"]],
                    "coating_thickness_nm": [[1.0], [2.0]],
                }
            },
            "coatings of one layer",
        ),
    ],
)
def test_what_it_cannot_answer_it_says(change, words):
    spec = spec_of()
    del spec["ageing"]
    with pytest.raises(SpecError, match=words):
        age_spec({**spec, **change})


def test_a_page(tmp_path):
    spec = tmp_path / "cell.toml"
    spec.write_text(TYPED)
    out = tmp_path / "cell.html"
    found = CliRunner().invoke(app, ["age", str(spec), "--out", str(out)])
    assert found.exit_code == 0, found.output
    assert "5 to 95 %" in found.stdout
    text = out.read_text()
    table = text.split("<tbody>")[1].split("</tbody>")[0]
    assert "LiNbO3 on Li6PS5Cl, 3 nm" in table
    assert "covered share 0.9" in table
    assert table.count("1 year") == 2
    assert f"muli age {spec} --out {out}" in text
    assert not re.search(r"(?:https?|ftp|wss?):?//", text)


def test_a_name_on_the_page_is_only_text(tmp_path):
    cells = age_spec(spec_of())
    named = [cell.model_copy(update={"name": "<script>bad()</script>"}) for cell in cells.cells]
    file = tmp_path / "cells.json"
    file.write_text("[]")
    write_aged(named, cells.answers, cells.notes, file, "muli age", tmp_path / "aged.html")
    assert "<script>bad" not in (tmp_path / "aged.html").read_text()
